import { hopLine } from '../../../src/engine/capture/hops.ts';
import type { ExperimentRecord, RecordEvent } from '../../../src/engine/capture/record.ts';
import { encodeMessage, query } from '../../../src/engine/dns/message.ts';
import { EngineCluster } from '../../../src/engine/engine.ts';
import { formatIp, parseIp } from '../../../src/engine/net/address.ts';
import type { Errno } from '../../../src/engine/net/errno.ts';
import type { Netns } from '../../../src/engine/net/netns.ts';
import { IPPROTO_ICMP } from '../../../src/engine/net/packet.ts';
import type { Task } from '../../../src/engine/net/task.ts';
import { tcpConnect } from '../../../src/engine/net/tcp-client.ts';
import { UdpSocket } from '../../../src/engine/net/udp-socket.ts';
import { openTap, suspendTaps } from '../../../src/engine/shell/tap.ts';
import { resolveOptions } from '../../../src/engine/options.ts';
import { formatCrossing } from '../../engine/net/kernel-probe.ts';
import type { Path, Probe, Scenario, Step } from './scenario.ts';

export interface Observed {
  readonly outcome: string;
  readonly from?: string;
  readonly replyTTL?: number;
  readonly http?: { readonly status?: number; readonly error?: string };
  readonly hops?: readonly { readonly ttl: number; readonly from: string | null; readonly icmp?: string }[];
  readonly counts?: Readonly<Record<string, number>>;
  readonly path: Required<Path>;
  /** How often the client's SYN went out once more. */
  readonly synRetransmits: number;
  /** Every ARP frame, in order. */
  readonly arp: readonly string[];
  readonly receiver:
    | { readonly netns: string; readonly ttl: number; readonly peer: string; readonly local: string }
    | undefined;
  readonly steps: readonly {
    readonly node: string;
    readonly packet: 'request' | 'reply';
    readonly steps: readonly string[];
  }[];
}

/** A scenario's cluster, made by the commands that its file lists. */
export class Bench {
  readonly cluster: EngineCluster;
  readonly #scenario: Scenario;
  /** As they were when the probe began: it may end with fewer. */
  #aliases: readonly (readonly [alias: string, real: string])[] = [];
  #pings = 19201;

  constructor(scenario: Scenario) {
    this.#scenario = scenario;
    const at = scenario.args.indexOf('--cni');
    const given = { cni: scenario.args[at + 1] ?? 'flannel' };
    const resolved = resolveOptions(given);
    if ('diagnostics' in resolved) throw new Error(JSON.stringify(resolved.diagnostics));
    this.cluster = new EngineCluster(resolved.options, given);
    // One by one, so that pods take their addresses in the order of the file.
    for (const manifest of [this.#nodes(), ...this.#others()]) {
      const applied = this.cluster.apply(manifest);
      if (!applied.ok) throw new Error(applied.output);
    }
    for (const command of scenario.setup) this.command(command);
    // A measured pod whose MAC is not the one that a CNI derives from its address.
    for (const { name, mac } of scenario.topology.pods)
      if (mac !== undefined) this.command(`kubectl exec ${name} -- ip link set eth0 address ${mac}`);
  }

  command(line: string): void {
    const result = this.cluster.run(this.#real(line), { record: false });
    if (result.exitCode !== 0) throw new Error(`${line}: ${result.output}`);
  }

  observe(probe: Probe): Observed {
    for (const line of probe.before ?? []) this.command(line);
    this.#aliases = this.#links();
    const arp: string[] = [];
    const { value, record } = this.cluster.experiment(() => {
      // The measurements have all ARP of their time, whoever caused it.
      openTap(this.cluster.world, {
        frame: (at, netns, dev, dir, frame) => {
          if (frame.type !== 'arp') return;
          arp.push(this.#alias(formatCrossing({ kind: 'frame', at, walk: 0, netns, dev, dir, frame })));
        },
      });
      return this.#probe(probe);
    });
    suspendTaps(this.cluster.world);
    return {
      ...value,
      path: this.#paths(record, probe),
      synRetransmits: repetitions(record, mainWalks(record, probe).request),
      arp,
      // A server sees a connection when its handshake is complete.
      receiver:
        probe.kind === 'tcp' && value.outcome !== 'connected' ? undefined : this.#receiver(record, probe),
      steps: stepsOf(record, probe).map((group) => ({
        ...group,
        steps: group.steps.map((step) => this.#alias(step)),
      })),
    };
  }

  #nodes(): string {
    return this.#scenario.manifests
      .filter((manifest) => 'kind' in manifest && manifest.kind === 'Node')
      .map((manifest) => JSON.stringify(manifest))
      .join('\n---\n');
  }

  #others(): string[] {
    return this.#scenario.manifests
      .filter((manifest) => !('kind' in manifest && manifest.kind === 'Node'))
      .map((manifest) => JSON.stringify(manifest));
  }

  #netns(name: string): Netns {
    const netns = this.cluster.world.netnses.get(name);
    if (netns === undefined) throw new Error(`no namespace ${name}`);
    return netns;
  }

  /** Runs a task to its end in virtual time. */
  #task<T>(task: Task<T>): T {
    const { world } = this.cluster;
    const process = world.spawn(task);
    world.run({ until: () => process.done, time: 200_000_000, events: 5_000_000 });
    if (process.result === undefined) throw new Error('the probe did not end');
    return process.result;
  }

  #probe(probe: Probe): Omit<Observed, 'path' | 'arp' | 'receiver' | 'steps' | 'synRetransmits'> {
    const netns = this.#netns(probe.fromNetns);
    const timeout = (probe.options.timeout ?? 4) * 1_000_000;
    const dst = parseIp(probe.to.ip) ?? 0;
    switch (probe.kind) {
      case 'tcp':
        return this.#tcp(probe, netns, dst, timeout);
      case 'udp':
        return {
          outcome: this.#task(
            udp(netns, dst, probe.to.port ?? 0, timeout, probe.options.size, probe.clientPort),
          ),
        };
      case 'ping':
        return this.#task(ping(netns, dst, timeout, ++this.#pings, probe.options));
      case 'traceroute':
        return this.#task(traceroute(netns, dst, timeout));
      case 'spread': {
        const counts: Record<string, number> = {};
        for (let i = 0; i < (probe.options.count ?? 1); i++) {
          const body = this.#task(hostnameOver(netns, dst, probe.to.port ?? 80, timeout));
          counts[body] = (counts[body] ?? 0) + 1;
        }
        return { outcome: 'done', counts };
      }
      case 'fn':
        return { outcome: 'done', counts: this.#steps(probe.steps ?? []) };
    }
  }

  #steps(steps: readonly Step[]): Record<string, number> {
    const counts: Record<string, number> = {};
    for (const step of steps) {
      if ('run' in step) for (const line of step.run) this.cluster.run(this.#real(line), { record: false });
      else if ('kind' in step) {
        const outcome = this.#task(
          udp(
            this.#netns(step.from),
            parseIp(step.ip) ?? 0,
            step.port,
            step.timeout * 1e6,
            undefined,
            undefined,
          ),
        );
        counts[`${step.group} ${outcome}`] = (counts[`${step.group} ${outcome}`] ?? 0) + 1;
      }
    }
    return counts;
  }

  #tcp(
    probe: Probe,
    netns: Netns,
    dst: number,
    timeout: number,
  ): Omit<Observed, 'path' | 'arp' | 'receiver' | 'steps' | 'synRetransmits'> {
    const src = probe.options.source === undefined ? undefined : parseIp(probe.options.source);
    const connected = this.#task(
      tcpConnect(netns, {
        dst,
        dport: probe.to.port ?? 80,
        timeout,
        ...(src === undefined ? {} : { src }),
        ...(probe.clientPort === undefined ? {} : { sport: probe.clientPort }),
      }),
    );
    if (connected.kind !== 'connected')
      return { outcome: connected.kind === 'timeout' ? 'timeout' : outcomeOf(connected.errno) };
    const { socket } = connected;
    for (const line of probe.during ?? []) this.cluster.runAside(this.#real(line));
    const http = this.#task(
      (function* (): Task<NonNullable<Observed['http']>> {
        const { post } = probe.options;
        const body = new Uint8Array(post ?? 0).fill(120);
        const head =
          post === undefined
            ? 'GET / HTTP/1.1\r\nHost: probe\r\n\r\n'
            : `POST / HTTP/1.1\r\nHost: probe\r\nContent-Length: ${post}\r\n\r\n`;
        socket.write(new TextEncoder().encode(head));
        if (body.length > 0) socket.write(body);
        let text = '';
        for (;;) {
          const read = yield* socket.read(timeout);
          if (read.kind === 'timeout') return { error: 'timeout' };
          if (read.kind === 'error') return { error: text === '' ? 'closed-without-answer' : read.errno };
          if (read.kind === 'eof') return { error: 'closed-without-answer' };
          text += new TextDecoder().decode(read.data);
          const status = /^HTTP\/1\.1 (\d+)/.exec(text);
          if (status !== null) return { status: Number(status[1]) };
        }
      })(),
    );
    socket.close();
    return { outcome: 'connected', http };
  }

  /** A pod in its node's namespace is told by the kernel's measurements as the pod. */
  #receiver(record: ExperimentRecord, probe: Probe): Observed['receiver'] {
    const found = receiverOf(record, probe);
    const wanted = probe.receiver?.pod;
    for (const { pod, netns } of this.cluster.runtime.sandboxes.values())
      if (found !== undefined && pod.metadata.name === wanted && netns.name === found.netns)
        return { ...found, netns: wanted };
    return found;
  }

  /** `vethNAME` and `caliNAME` stand for the host end of pod NAME's link. */
  #links(): (readonly [alias: string, real: string])[] {
    const links: (readonly [string, string])[] = [];
    const { runtime } = this.cluster;
    for (const sandbox of runtime.sandboxes.values()) {
      const { pod } = sandbox;
      const hostDevice = runtime.hostDevice(sandbox);
      if (hostDevice !== undefined && pod.metadata.namespace === 'default')
        links.push([`${hostDevice.slice(0, 4)}${pod.metadata.name}`, hostDevice]);
    }
    return links.sort(([a], [b]) => b.length - a.length);
  }

  #real(line: string): string {
    return this.#links().reduce(
      (text, [alias, real]) => text.replaceAll(new RegExp(`(?<![\\w-])${alias}(?![\\w-])`, 'g'), real),
      line,
    );
  }

  #alias(line: string): string {
    return this.#aliases.reduce((text, [alias, real]) => text.replaceAll(`${real} `, `${alias} `), line);
  }

  #paths(record: ExperimentRecord, probe: Probe): Required<Path> {
    const lines = (keep: (walk: number) => boolean): string[] =>
      record.events.flatMap((event) =>
        event.kind === 'frame' && keep(event.walk)
          ? [this.#alias(hopLine(event, record.headers[event.header] ?? []))]
          : [],
      );
    const { request, reply } = mainWalks(record, probe);
    // What a host tells itself about its own packets goes over lo, where the measurements did not look.
    const error = record.walks.find(
      ({ id, exchange }) =>
        exchange === 'icmp-error' &&
        record.events.some((event) => event.kind === 'frame' && event.walk === id && event.dev !== 'lo'),
    );
    return {
      request: lines((walk) => walk === request),
      reply: lines((walk) => walk === reply),
      icmpErrors: lines((walk) => walk === error?.id),
    };
  }
}

/** The first packet of the probe, and the first that answers it. */
function mainWalks(
  record: ExperimentRecord,
  probe: Probe,
): { readonly request: number | undefined; readonly reply: number | undefined } {
  const wanted =
    probe.kind === 'tcp' ? ['handshake', 'close'] : probe.kind === 'ping' ? ['icmp'] : ['udp', 'dns'];
  const all = record.walks.filter(({ exchange }) => wanted.includes(exchange));
  const request = all.find(({ direction }) => direction === 'request');
  const reply = all.find(({ direction, id }) => direction === 'reply' && id !== request?.id);
  return { request: request?.id, reply: reply?.id };
}

function repetitions({ walks }: ExperimentRecord, request: number | undefined): number {
  const first = walks.find(({ id }) => id === request);
  return walks.filter(
    ({ exchange, direction, cause, summary }) =>
      exchange === 'handshake' && direction === 'request' && cause === request && summary === first?.summary,
  ).length;
}

function receiverOf(record: ExperimentRecord, probe: Probe): Observed['receiver'] {
  const { request } = mainWalks(record, probe);
  let last:
    | { readonly netns: string; readonly ttl: number; readonly peer: string; readonly local: string }
    | undefined;
  let delivered = false;
  for (const event of record.events) {
    if (event.walk !== request) continue;
    if (event.kind === 'decision') {
      delivered ||= event.decision.code === 'deliver';
      continue;
    }
    const layers = record.headers[event.header] ?? [];
    const at = layers.findLastIndex((layer) => layer.kind === 'ipv4');
    const [ip, transport] = layers.slice(at);
    if (ip?.kind !== 'ipv4' || event.dir !== 'in') continue;
    const ports = transport?.kind === 'tcp' || transport?.kind === 'udp' ? transport : undefined;
    // A later fragment does not say its ports.
    if (ip.offset > 0) continue;
    last = {
      netns: event.netns,
      ttl: ip.ttl,
      peer: ports === undefined ? ip.src : `${ip.src}:${ports.sport}`,
      local: ports === undefined ? ip.dst : `${ip.dst}:${ports.dport}`,
    };
  }
  return delivered ? last : undefined;
}

/** Rules that the packet itself met; the tunnel packet around it met some too, which the measurements leave out. */
function stepsOf(record: ExperimentRecord, probe: Probe): Observed['steps'] {
  const { request, reply } = mainWalks(record, probe);
  const groups = new Map<
    string,
    { readonly node: string; readonly packet: 'request' | 'reply'; steps: string[]; inTunnel: boolean }
  >();
  for (const event of record.events) {
    if (event.kind !== 'decision' || (event.walk !== request && event.walk !== reply)) continue;
    const packet = event.walk === request ? 'request' : 'reply';
    const key = `${event.netns} ${packet}`;
    const group = groups.get(key) ?? { node: event.netns, packet, steps: [], inTunnel: false };
    groups.set(key, group);
    if (event.decision.code === 'vxlan-encap') group.inTunnel = true;
    if (event.decision.code === 'vxlan-decap') {
      group.steps = [];
      group.inTunnel = false;
    }
    const text = stepText(event);
    if (text !== undefined && !group.inTunnel) group.steps.push(text);
  }
  return [...groups.values()];
}

function stepText({ decision }: RecordEvent & { readonly kind: 'decision' }): string | undefined {
  if (decision.code === 'rule')
    return `${decision.table} ${decision.chain} ${decision.verdict} ${decision.rule}`;
  if (decision.code === 'chain-policy')
    return `${decision.table} ${decision.chain} policy:${decision.verdict.replace(/^policy:/, '')}`;
  return undefined;
}

function outcomeOf(errno: Errno): string {
  const words: Partial<Readonly<Record<Errno, string>>> = {
    ECONNREFUSED: 'refused',
    EHOSTUNREACH: 'host-unreachable',
    ENETUNREACH: 'net-unreachable',
    ETIMEDOUT: 'timeout',
    EMSGSIZE: 'message-too-long',
  };
  return words[errno] ?? errno;
}

function* udp(
  netns: Netns,
  dst: number,
  dport: number,
  timeout: number,
  size: number | undefined,
  port: number | undefined,
): Task<string> {
  const socket = netns.sockets.addUdp({
    dst,
    dport,
    receiveErrors: true,
    ...(port === undefined ? {} : { port }),
  });
  if (!(socket instanceof UdpSocket)) return socket;
  const payload =
    size !== undefined
      ? new TextEncoder().encode(`echo ${'x'.repeat(size - 5)}`)
      : dport === 53
        ? encodeMessage(query(1, 'example.com', 'A'))
        : new TextEncoder().encode('hostname');
  try {
    const error = socket.send(payload);
    if (error !== undefined) return outcomeOf(error);
    const event = yield* socket.recv(timeout);
    return event.kind === 'datagram'
      ? 'reply'
      : event.kind === 'timeout'
        ? 'timeout'
        : outcomeOf(event.errno);
  } finally {
    socket.close();
  }
}

function* ping(
  netns: Netns,
  dst: number,
  timeout: number,
  id: number,
  { size = 56, df = false, ttl }: Probe['options'],
): Task<Omit<Observed, 'path' | 'arp' | 'receiver' | 'steps' | 'synRetransmits'>> {
  const socket = netns.sockets.raw({
    accept: ({ payload }) =>
      payload.kind === 'icmp' &&
      ((payload.type === 0 && payload.id === id) ||
        (payload.quoted?.protocol === IPPROTO_ICMP && payload.quoted.dst === dst)),
  });
  try {
    const sent = socket.sendEcho(dst, {
      id,
      seq: 1,
      data: new Uint8Array(size),
      pmtu: df ? 'do' : 'dont',
      ...(ttl === undefined ? {} : { ttl }),
    });
    if (typeof sent === 'string') return { outcome: outcomeOf(sent) };
    const heard = yield* socket.recv(timeout);
    if (heard === undefined || heard.packet.payload.kind !== 'icmp') return { outcome: 'timeout' };
    const { payload, src, ttl: replyTTL } = heard.packet;
    const from = formatIp(src);
    return { outcome: icmpOutcome(payload.type, payload.code), from, replyTTL };
  } finally {
    socket.close();
  }
}

function icmpOutcome(type: number, code: number): string {
  if (type === 0) return 'reply';
  if (type === 11) return 'ttl-exceeded';
  return (
    ['net-unreachable', 'host-unreachable', 'proto-unreachable', 'port-unreachable', 'frag-needed'][code] ??
    `${type}/${code}`
  );
}

function* traceroute(
  netns: Netns,
  dst: number,
  timeout: number,
): Task<Omit<Observed, 'path' | 'arp' | 'receiver' | 'steps' | 'synRetransmits'>> {
  const hops: { ttl: number; from: string | null; icmp?: string }[] = [];
  for (let ttl = 1; ttl <= 8; ttl++) {
    const socket = netns.sockets.addUdp({ dst, dport: 33434 + ttl, ttl, receiveErrors: true });
    if (!(socket instanceof UdpSocket)) return { outcome: socket };
    socket.send(new Uint8Array(32));
    const event = yield* socket.recv(timeout);
    socket.close();
    if (event.kind !== 'error' || event.icmp === undefined) {
      hops.push({ ttl, from: null });
      continue;
    }
    const { from, type, code } = event.icmp;
    hops.push({ ttl, from: formatIp(from), icmp: `${type}/${code}` });
    if (type === 3) return { outcome: 'reached', hops };
  }
  return { outcome: 'not-reached', hops };
}

/** The name of the pod that answered. */
function* hostnameOver(netns: Netns, dst: number, dport: number, timeout: number): Task<string> {
  const result = yield* tcpConnect(netns, { dst, dport, timeout });
  if (result.kind !== 'connected') return result.kind;
  result.socket.write(
    new TextEncoder().encode('GET /hostname HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n'),
  );
  let text = '';
  for (;;) {
    const read = yield* result.socket.read(timeout);
    if (read.kind !== 'data') break;
    text += new TextDecoder().decode(read.data);
  }
  result.socket.close();
  return text.split('\r\n\r\n')[1] ?? 'none';
}
