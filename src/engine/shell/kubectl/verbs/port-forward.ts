import { type Ip, parseIp } from '../../../net/address.ts';
import type { Task } from '../../../net/task.ts';
import { tcpConnect } from '../../../net/tcp-client.ts';
import type { TcpConnection } from '../../../net/tcp-connection.ts';
import type { Pod } from '../../../api/types.ts';
import { Failure, failure, type Invocation } from '../invocation.ts';
import { findObject, readPath } from '../targets.ts';
import { listAt, numberAt, textAt } from '../value.ts';
import { findPod } from './containers.ts';

interface Forward {
  readonly local: number;
  readonly remote: number;
}

const day = 86_400_000_000;

export function* portForward(k: Invocation): Task<number> {
  const [target, ...specs] = k.args;
  if (target === undefined || specs.length === 0) {
    return k.misuse('TYPE/NAME and list of ports are required for port-forward');
  }
  const found = findPod(k, target);
  if (found instanceof Failure) return k.fail(found);
  const { pod } = found;
  const forwards: Forward[] = [];
  for (const spec of specs) {
    const forward = readForward(k, target, pod, spec);
    if (forward instanceof Failure) return k.fail(forward);
    forwards.push(forward);
  }
  if (pod.status.phase !== 'Running') {
    return k.fail(
      `unable to forward port because pod is not running. Current status=${pod.status.phase ?? ''}`,
    );
  }
  let broken = false;
  let wake: (() => void) | undefined;
  const lose = () => {
    broken = true;
    wake?.();
  };
  const close: (() => void)[] = [];
  try {
    for (const { local, remote } of forwards) {
      let open = 0;
      for (const address of ['127.0.0.1', '::1']) {
        const ip = parseIp(address);
        if (ip === undefined) continue;
        const listener = k.ctx.netns.sockets.listenTcp({
          ip,
          port: local,
          process: { name: 'kubectl' },
          onConnection: (connection) => {
            k.print(`Handling connection for ${local}\n`);
            k.ctx.world.spawn(relay(k, pod, connection, { local, remote }, lose));
          },
        });
        if (typeof listener === 'string') continue;
        close.push(() => listener.close());
        open++;
        k.print(
          `Forwarding from ${address.includes(':') ? `[${address}]` : address}:${local} -> ${remote}\n`,
        );
      }
      if (open === 0) {
        return k.fail(`unable to listen on any of the requested ports: [{${local} ${remote}}]`);
      }
    }
    while (!broken && k.store.byUid(pod.metadata.uid) !== undefined) {
      yield (resume) => {
        wake = resume;
        const stop = k.store.watch('Pod', resume);
        return stop;
      };
    }
  } finally {
    for (const end of close) end();
  }
  return k.fail('lost connection to pod');
}

/** One connection: bytes go both ways until both ends have closed. */
function* relay(
  k: Invocation,
  pod: Pod,
  near: TcpConnection,
  forward: Forward,
  lose: () => void,
): Task<void> {
  const netns = k.host.podNetns(pod);
  const localhost: Ip | undefined = parseIp('127.0.0.1');
  const far =
    netns === undefined || localhost === undefined
      ? undefined
      : yield* tcpConnect(netns, { dst: localhost, dport: forward.remote });
  if (far?.kind !== 'connected') {
    near.abort();
    k.note(
      `an error occurred forwarding ${forward.local} -> ${forward.remote}: error forwarding port ${forward.remote} to pod ${pod.metadata.uid}, uid : ` +
        `failed to connect to localhost:${forward.remote} inside namespace, IPv4: dial tcp4 127.0.0.1:${forward.remote}: connect: connection refused`,
    );
    lose();
    return;
  }
  k.ctx.world.spawn(copy(far.socket, near));
  yield* copy(near, far.socket);
}

function* copy(from: TcpConnection, to: TcpConnection): Task<void> {
  for (;;) {
    const read = yield* from.read(day);
    if (read.kind === 'data') {
      if (!to.write(read.data)) return;
    } else if (read.kind !== 'timeout') {
      if (read.kind === 'eof') to.end();
      else to.abort();
      return;
    }
  }
}

function readForward(k: Invocation, target: string, pod: Pod, spec: string): Forward | Failure {
  const parts = spec.split(':');
  const [first = '', second] = parts;
  const wanted = second ?? first;
  const path = target.includes('/') ? readPath(target) : undefined;
  const service =
    path !== undefined && 'name' in path && path.resource.kind === 'Service'
      ? findObject(k, path.resource, path.name)
      : undefined;
  const remote = service === undefined ? podPort(pod, wanted) : servicePort(service, pod, wanted);
  if (remote instanceof Failure) return remote;
  if (remote < 1 || remote > 65_535) return failure(`error parsing remote port ${JSON.stringify(wanted)}`);
  const asked = second === undefined ? (/^\d+$/.test(first) ? Number(first) : remote) : Number(first || 0);
  if (Number.isNaN(asked) || asked > 65_535) {
    return failure(
      `error parsing local port '${first}': strconv.ParseUint: parsing ${JSON.stringify(first)}: invalid syntax`,
    );
  }
  return { local: asked === 0 ? (k.ctx.netns.sockets.freePort('tcp') ?? 0) : asked, remote };
}

function podPort(pod: Pod, wanted: string): number | Failure {
  if (/^\d+$/.test(wanted)) return Number(wanted);
  for (const container of pod.spec.containers) {
    const port = container.ports?.find(({ name }) => name === wanted);
    if (port !== undefined) return port.containerPort;
  }
  return failure(`Pod '${pod.metadata.name}' does not have a named port '${wanted}'`);
}

function servicePort(service: unknown, pod: Pod, wanted: string): number | Failure {
  const port = listAt(service, 'spec.ports').find(
    (candidate) => textAt(candidate, 'port') === wanted || textAt(candidate, 'name') === wanted,
  );
  const name = textAt(service, 'metadata.name');
  if (port === undefined) {
    return failure(
      /^\d+$/.test(wanted)
        ? `Service ${name} does not have a service port ${wanted}`
        : `Service '${name}' does not have a named port '${wanted}'`,
    );
  }
  if (textAt(service, 'spec.clusterIP') === 'None') return numberAt(port, 'port');
  return podPort(pod, textAt(port, 'targetPort') || textAt(port, 'port'));
}
