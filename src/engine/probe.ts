import type { Container, Probe } from './api/types.ts';
import { encode, text } from './apps/http.ts';
import type { ProbeResult } from './control/runtime.ts';
import { parseIp } from './net/address.ts';
import type { Errno } from './net/errno.ts';
import type { Netns } from './net/netns.ts';
import type { Process, Task } from './net/task.ts';
import { tcpConnect } from './net/tcp-client.ts';
import type { World } from './net/world.ts';
import { contextIn, findTool } from './shell/execute.ts';
import { Job } from './shell/job.ts';
import { textInput } from './shell/pipe.ts';
import type { Place, Session } from './shell/tool.ts';

export interface ProbeJob {
  readonly world: World;
  /** The node that probes. */
  readonly netns: Netns | undefined;
  readonly ip: string | undefined;
  readonly place: Place | undefined;
  readonly spec: Container | undefined;
  readonly probe: Probe;
  readonly limits: Session['limits'];
  readonly done: (result: ProbeResult) => void;
}

const process = { name: 'kubelet' };

/** One attempt as the kubelet makes it (pkg/kubelet/prober): from the node for HTTP and TCP, in the container for `exec`. */
export function runProbe(job: ProbeJob): { cancel(): void } {
  const { world } = job;
  let cancelled = false;
  const finish = (result: ProbeResult): void => {
    if (!cancelled) job.done(result);
  };
  let process: Process<void> | undefined;
  const timer = world.schedule(0, () => {
    process = world.spawn(
      (function* (): Task<void> {
        finish(yield* attempt(job));
      })(),
    );
  });
  return {
    cancel() {
      cancelled = true;
      timer.cancel();
      process?.kill();
    },
  };
}

function* attempt(job: ProbeJob): Task<ProbeResult> {
  const { probe } = job;
  if (probe.exec !== undefined) return yield* execProbe(job, probe.exec.command ?? []);
  if (probe.httpGet !== undefined) return yield* httpProbe(job, probe.httpGet);
  const socket = probe.tcpSocket ?? probe.grpc;
  if (socket !== undefined)
    return yield* tcpProbe(job, socket.port, 'host' in socket ? socket.host : undefined);
  return { ok: true };
}

function timeoutOf({ timeoutSeconds = 1 }: Probe): number {
  return timeoutSeconds * 1_000_000;
}

function portOf(job: ProbeJob, port: number | string): number | undefined {
  if (typeof port === 'number') return port;
  const named = job.spec?.ports?.find(({ name }) => name === port)?.containerPort;
  return named ?? (/^\d+$/.test(port) ? Number(port) : undefined);
}

function* tcpProbe(job: ProbeJob, port: number | string, host: string | undefined): Task<ProbeResult> {
  const at = portOf(job, port);
  const address = host ?? job.ip ?? '';
  const dst = parseIp(address);
  if (at === undefined || dst === undefined || job.netns === undefined)
    return { ok: false, message: `strconv.Atoi: parsing "${port}": invalid syntax` };
  const result = yield* tcpConnect(job.netns, { dst, dport: at, timeout: timeoutOf(job.probe), process });
  if (result.kind === 'connected') {
    result.socket.close();
    return { ok: true };
  }
  return { ok: false, message: `dial tcp ${address}:${at}: ${dialError(result)}` };
}

function* httpProbe(job: ProbeJob, get: NonNullable<Probe['httpGet']>): Task<ProbeResult> {
  const at = portOf(job, get.port);
  const address = get.host ?? job.ip ?? '';
  const dst = parseIp(address);
  const path = get.path === undefined || get.path === '' ? '/' : get.path;
  const scheme = (get.scheme ?? 'HTTP').toLowerCase();
  const url = `${scheme}://${address}:${at ?? get.port}${path.startsWith('/') ? path : `/${path}`}`;
  if (at === undefined || dst === undefined || job.netns === undefined)
    return { ok: false, message: `invalid port number: ${get.port}` };
  const deadline = job.world.now + timeoutOf(job.probe);
  const result = yield* tcpConnect(job.netns, { dst, dport: at, timeout: timeoutOf(job.probe), process });
  if (result.kind === 'timeout')
    return {
      ok: false,
      message: `Get "${url}": context deadline exceeded (Client.Timeout exceeded while awaiting headers)`,
    };
  if (result.kind === 'error')
    return { ok: false, message: `Get "${url}": dial tcp ${address}:${at}: ${dialError(result)}` };
  const { socket } = result;
  try {
    const own = (get.httpHeaders ?? []).map(({ name, value }) => `${name}: ${value}\r\n`).join('');
    const host = /^host:/im.test(own) ? '' : `Host: ${address}:${at}\r\n`;
    socket.write(
      encode(
        `GET ${path} HTTP/1.1\r\n${host}User-Agent: kube-probe/1.33\r\nAccept: */*\r\n${own}Connection: close\r\n\r\n`,
      ),
    );
    let head = '';
    while (!head.includes('\r\n\r\n') && head.length < 16_384) {
      const read = yield* socket.read(Math.max(0, deadline - job.world.now));
      if (read.kind === 'data') head += text(read.data);
      else if (read.kind === 'timeout')
        return {
          ok: false,
          message: `Get "${url}": context deadline exceeded (Client.Timeout exceeded while awaiting headers)`,
        };
      else if (read.kind === 'eof') return { ok: false, message: `Get "${url}": EOF` };
      else return { ok: false, message: `Get "${url}": read tcp: read: connection reset by peer` };
    }
    const status = Number(/^HTTP\/1\.[01] (\d{3})/.exec(head)?.[1] ?? 0);
    return status >= 200 && status < 400
      ? { ok: true }
      : { ok: false, message: `HTTP probe failed with statuscode: ${status}` };
  } finally {
    socket.close();
  }
}

function* execProbe(job: ProbeJob, command: readonly string[]): Task<ProbeResult> {
  const { place, world, limits } = job;
  const name = command[0] ?? '';
  const tool = place === undefined ? undefined : findTool(place, name);
  if (place === undefined || tool === undefined)
    return {
      ok: false,
      message: `rpc error: code = Unknown desc = failed to exec in container: failed to start exec: OCI runtime exec failed: exec failed: unable to start container process: exec: "${name}": executable file not found in $PATH: unknown`,
    };
  let output = '';
  const session: Session = { limits, steps: 0, printed: 0, limit: undefined };
  const write = (printed: string): void => {
    output = (output + printed).slice(0, 10_240);
  };
  const running = new Job(world, place.processes, command.join(' '), function* (signals) {
    const io = { world, stdin: textInput(''), out: write, err: write, signals, session, depth: 0 };
    return yield* tool(contextIn(place, name, io), command.slice(1));
  });
  const timer = world.schedule(timeoutOf(job.probe), () => running.deliver('KILL'));
  const started = world.now;
  const status = yield* running.wait();
  timer.cancel();
  if (status === 0) return { ok: true };
  if (world.now - started >= timeoutOf(job.probe))
    return {
      ok: false,
      message: `command timed out: ${JSON.stringify(command.join(' '))} timed out after ${job.probe.timeoutSeconds ?? 1}s`,
    };
  return { ok: false, message: output };
}

function dialError(
  result: { readonly kind: 'timeout' } | { readonly kind: 'error'; readonly errno: Errno },
): string {
  if (result.kind === 'timeout') return 'i/o timeout';
  const words: Partial<Readonly<Record<Errno, string>>> = {
    ECONNREFUSED: 'connect: connection refused',
    EHOSTUNREACH: 'connect: no route to host',
    ENETUNREACH: 'connect: network is unreachable',
    ETIMEDOUT: 'connect: connection timed out',
    ECONNRESET: 'read: connection reset by peer',
  };
  return words[result.errno] ?? result.errno;
}
