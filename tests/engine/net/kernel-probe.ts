/** Runs an oracle file's probes on a rebuilt cluster and writes what happened as the oracle writes it. */
import { formatIp, formatMac } from '../../../src/engine/net/address.ts';
import { icmpName } from '../../../src/engine/net/icmp.ts';
import type { Netns } from '../../../src/engine/net/netns.ts';
import {
  isIcmpError,
  transportOf,
  Vxlan,
  type Frame,
  type IpPacket,
} from '../../../src/engine/net/packet.ts';
import type { Task } from '../../../src/engine/net/task.ts';
import { sleep } from '../../../src/engine/net/task.ts';
import { tcpConnect, udpSocket } from '../../../src/engine/net/tcp-client.ts';
import { Trace, type FrameCrossing } from '../../../src/engine/net/trace.ts';
import type { World } from '../../../src/engine/net/world.ts';
import { buildCluster, ip, type OracleFile, type OraclePod, type OracleProbe } from './kernel-cluster.ts';

export interface Observed {
  readonly outcome: string;
  readonly request: string[];
  readonly reply: string[];
  readonly icmpErrors: string[];
  readonly arp: string[];
  readonly synRetransmits: number;
  readonly hops: (string | null)[];
}

const SECOND = 1_000_000;

/** `look` sees each probe's trace. */
export function runProbes(file: OracleFile, look?: (trace: Trace) => void): Map<string, Observed> {
  const world = buildCluster(file);
  serve(world, file);
  const results = new Map<string, Observed>();
  for (const probe of file.probes) {
    results.set(probe.id, runProbe(world, probe, look));
    world.tracer = undefined;
    world.run({ time: 0.3 * SECOND });
  }
  return results;
}

/** What the outside host listens on; the files do not list it. */
const OUTSIDE = {
  name: 'ext',
  node: 'ext',
  ip: '',
  containers: [
    {
      name: 'srv',
      ports: [
        { port: 80, protocol: 'TCP' },
        { port: 53, protocol: 'UDP' },
      ],
    },
  ],
};

function serve(world: World, file: OracleFile): void {
  const pods: readonly OraclePod[] = [...file.topology.pods, OUTSIDE];
  for (const pod of pods) {
    const ns =
      world.netnses.get(pod.hostNetwork === true ? pod.node : pod.name) ?? world.netnses.get(pod.name);
    if (ns === undefined) continue;
    for (const container of pod.containers)
      for (const { port, protocol, bind } of container.ports) {
        const process = { name: container.name };
        const local = ip(bind ?? '0.0.0.0');
        if (protocol === 'UDP')
          ns.sockets.bindUdp({
            ip: local,
            port,
            process,
            onDatagram: (datagram, socket) => void socket.reply(datagram, datagram.data),
          });
        else
          ns.sockets.listenTcp({
            ip: local,
            port,
            process,
            onConnection(connection) {
              connection.onData = () => void connection.write(new Uint8Array(200));
              connection.onEnd = () => connection.close();
            },
          });
      }
  }
}

function runProbe(world: World, probe: OracleProbe, look?: (trace: Trace) => void): Observed {
  const ns = world.netnses.get(probe.fromNetns ?? probe.from);
  if (ns === undefined) throw new Error(probe.from);
  const trace = new Trace();
  world.tracer = trace;
  const hops: (string | null)[] = [];
  const process = world.spawn(client(ns, probe, hops));
  const end = world.run({ until: () => process.done, time: 30 * SECOND });
  if (end !== 'done') throw new Error(`${probe.id}: ${end}`);
  world.run({ time: 100_000 });
  look?.(trace);
  return observe(trace, ns, probe, process.result ?? 'killed', hops);
}

function* client(ns: Netns, probe: OracleProbe, hops: (string | null)[]): Task<string> {
  const timeout = (probe.options?.timeout ?? 4) * SECOND;
  const dst = ip(probe.to.ip);
  if (probe.kind === 'tcp') {
    const sport = probe.clientPort === undefined ? {} : { sport: probe.clientPort };
    const result = yield* tcpConnect(ns, { dst, dport: probe.to.port ?? 0, ...sport, timeout });
    if (result.kind === 'timeout') return 'timeout';
    if (result.kind === 'error') return ERRNO_OUTCOMES[result.errno] ?? result.errno;
    result.socket.write(new Uint8Array(probe.options?.post ?? 100));
    yield* result.socket.read(timeout);
    result.socket.close();
    yield* sleep(ns.world, 1000);
    return 'connected';
  }
  if (probe.kind === 'udp') {
    const socket = udpSocket(ns, {
      dst,
      dport: probe.to.port ?? 0,
      port: probe.clientPort ?? 0,
      receiveErrors: true,
    });
    if (typeof socket === 'string') return socket;
    const error = socket.send(new Uint8Array(probe.options?.size ?? 15));
    if (error !== undefined) return ERRNO_OUTCOMES[error] ?? error;
    const event = yield* socket.recv(timeout);
    socket.close();
    if (event.kind === 'datagram') return 'reply';
    return event.kind === 'timeout' ? 'timeout' : (ERRNO_OUTCOMES[event.errno] ?? event.errno);
  }
  if (probe.kind === 'ping') return yield* ping(ns, probe, timeout);
  if (probe.kind === 'traceroute') return yield* traceroute(ns, probe, timeout, hops);
  return 'unknown';
}

const ERRNO_OUTCOMES: Readonly<Record<string, string>> = {
  ECONNREFUSED: 'refused',
  EHOSTUNREACH: 'host-unreachable',
  ENETUNREACH: 'net-unreachable',
  ETIMEDOUT: 'timeout',
  EMSGSIZE: 'message-too-long',
};

function* ping(ns: Netns, probe: OracleProbe, timeout: number): Task<string> {
  const socket = ns.sockets.raw({
    accept: (packet) => packet.payload.kind === 'icmp' && packet.payload.type !== 8,
  });
  const size = probe.options?.size ?? 56;
  const sent = socket.sendEcho(ip(probe.to.ip), {
    id: 77,
    seq: 1,
    data: new Uint8Array(size),
    ttl: probe.options?.ttl ?? 64,
    pmtu: probe.options?.df === true ? 'do' : 'dont',
  });
  if (typeof sent === 'string') {
    socket.close();
    return ERRNO_OUTCOMES[sent] ?? sent;
  }
  const heard = yield* socket.recv(timeout);
  socket.close();
  const message = heard?.packet.payload;
  if (heard === undefined || message?.kind !== 'icmp') return 'timeout';
  return message.type === 0 ? 'reply' : icmpName(heard.packet, message);
}

function* traceroute(ns: Netns, probe: OracleProbe, timeout: number, hops: (string | null)[]): Task<string> {
  for (let ttl = 1; ttl <= 10; ttl++) {
    const socket = udpSocket(ns, { dst: ip(probe.to.ip), dport: 33433 + ttl, ttl, receiveErrors: true });
    if (typeof socket === 'string') return socket;
    socket.send(new Uint8Array(32));
    const event = yield* socket.recv(timeout);
    socket.close();
    if (event.kind !== 'error') hops.push(null);
    else {
      hops.push(event.icmp === undefined ? null : formatIp(event.icmp.from));
      if (event.icmp?.type === 3) return 'reached';
    }
  }
  return 'not-reached';
}

function observe(
  trace: Trace,
  ns: Netns,
  probe: OracleProbe,
  outcome: string,
  hops: (string | null)[],
): Observed {
  const frames = trace.events
    .filter((event): event is FrameCrossing => event.kind === 'frame')
    .sort((a, b) => a.at - b.at);
  const sends = trace.events.flatMap((event) =>
    event.kind === 'decision' && event.netns === ns.name && event.decision.code === 'send'
      ? [event.walk]
      : [],
  );
  const first = sends[0];
  const path = (walk: number | undefined): string[] =>
    walk === undefined
      ? []
      : frames.filter((frame) => frame.walk === walk).map((frame) => formatCrossing(frame));
  const request = path(first);
  const causedBy = (walk: number): boolean => {
    let at = trace.walks.get(walk)?.cause;
    while (at !== undefined) {
      if (at === first) return true;
      at = trace.walks.get(at)?.cause;
    }
    return false;
  };
  const answers = [...new Set(frames.filter((frame) => causedBy(frame.walk)).map((frame) => frame.walk))];
  const packetOf = (walk: number): IpPacket | undefined => {
    const payload = frames.find((frame) => frame.walk === walk)?.frame.payload;
    return payload?.kind === 'ip' ? innermost(payload) : undefined;
  };
  const isError = (packet: IpPacket): boolean => {
    const transport = transportOf(packet);
    return transport?.kind === 'icmp' && isIcmpError(packet, transport);
  };
  const isSyn = (packet: IpPacket): boolean => packet.payload.kind === 'tcp' && packet.payload.flags === 2;
  const reply = answers.find((walk) => {
    const packet = packetOf(walk);
    return (
      packet !== undefined && !isError(packet) && !isSyn(packet) && trace.walks.get(walk)?.cause === first
    );
  });
  const errors = answers.filter((walk) => {
    const packet = packetOf(walk);
    return packet !== undefined && isError(packet);
  });
  const arp = frames
    .filter((frame) => frame.frame.type === 'arp')
    .map((frame) => formatCrossing(frame, owners(trace)));
  const synRetransmits = sends.filter((walk) => {
    const packet = packetOf(walk);
    return walk !== first && packet !== undefined && isSyn(packet);
  }).length;
  return {
    outcome,
    request,
    reply: path(reply),
    icmpErrors: path(errors[0]),
    arp,
    synRetransmits,
    hops: probe.kind === 'traceroute' ? hops : [],
  };
}

/** Who sent each ARP walk: `NETNS:IF` of its first crossing. */
function owners(trace: Trace): Map<number, string> {
  const first = new Map<number, string>();
  for (const event of trace.events)
    if (event.kind === 'frame' && !first.has(event.walk))
      first.set(event.walk, `${event.netns}:${event.dev}`);
  return first;
}

function innermost(packet: IpPacket): IpPacket {
  const payload = packet.payload;
  if (
    payload.kind === 'udp' &&
    payload.payload instanceof Vxlan &&
    payload.payload.frame.payload.kind === 'ip'
  )
    return payload.payload.frame.payload;
  return payload.kind === 'ip' ? payload : packet;
}

export function formatCrossing(crossing: FrameCrossing, owner?: Map<number, string>): string {
  return `${crossing.netns}:${crossing.dev} ${crossing.dir} ${formatFrame(crossing.frame)}${owner === undefined ? '' : ` (${owner.get(crossing.walk) ?? '?'})`}`;
}

function formatFrame(frame: Frame): string {
  const payload = frame.payload;
  if (payload.kind === 'arp')
    return payload.op === 'request'
      ? `ARP ${formatMac(frame.dst) === 'ff:ff:ff:ff:ff:ff' ? '' : 'unicast '}who-has ${formatIp(payload.targetIp)} tell ${formatIp(payload.senderIp)}`
      : `ARP reply ${formatIp(payload.targetIp)} <- ${formatIp(payload.senderIp)} is-at ${formatMac(payload.senderMac)}`;
  const inner = innermost(payload);
  const outer = inner === payload ? '' : ` vxlan(${formatIp(payload.src)}>${formatIp(payload.dst)})`;
  return formatPacket(inner) + outer;
}

function formatPacket(packet: IpPacket): string {
  const transport = transportOf(packet);
  const ported = transport?.kind === 'tcp' || transport?.kind === 'udp';
  const end = (address: number, port: number | undefined): string =>
    formatIp(address) + (port === undefined ? '' : `:${port}`);
  const src = end(packet.src, ported ? transport.sport : undefined);
  const dst = end(packet.dst, ported ? transport.dport : undefined);
  let kind = '';
  if (transport?.kind === 'tcp') {
    const letters = ['F', 'S', 'R', 'P', 'A'].filter((_, i) => transport.flags & (1 << i)).join('');
    kind = ` [${letters}]`;
  } else if (transport?.kind === 'icmp') kind = ` icmp ${icmpName(packet, transport)}`;
  const fragment = packet.isFragment ? ` frag@${packet.offset}` : '';
  const ttl = packet.offset > 0 ? '?' : String(packet.ttl);
  return `${src} > ${dst}${kind}${fragment} ttl=${ttl}`;
}
