/** Crossings put together to packets on their ways, and told in words that two runs of one experiment share. */
import type { Crossing } from './capture-file.ts';
import { decodeFrame, innermost, type Decoded, type Packet } from './frame.ts';

/** One packet's way: a line for each interface that it crossed. */
interface Way {
  readonly first: Decoded;
  readonly lines: { readonly place: string; readonly decoded: Decoded }[];
}

/** What somebody sent to somebody, packet by packet, each with its way. */
export type Flows = ReadonlyMap<string, readonly (readonly string[])[]>;

export interface Reading {
  /** Which packet a crossing belongs to, where that is known; else bytes that do not change on the way tell. */
  readonly walkOf?: (index: number) => number;
  /** Connections of earlier commands, which may still repeat something: left aside, and those of this one added. */
  readonly earlier: Set<string>;
}

export function flowsOf(crossings: readonly Crossing[], { walkOf, earlier }: Reading): Flows {
  const all = waysOf(crossings, walkOf);
  const ways = withoutReprobes(
    all.filter(({ lines }) => !lines.some(({ decoded }) => isOf(decoded, earlier))),
  );
  for (const { lines } of ways)
    for (const { decoded } of lines) for (const name of connections(decoded)) earlier.add(name);
  const servers = serverPorts(ways);
  const flows = new Map<string, Way[]>();
  for (const way of ways) {
    const key = flowKey(way.first);
    flows.set(key, [...(flows.get(key) ?? []), way]);
  }
  const told = new Map<string, string[][]>();
  for (const own of flows.values()) {
    const first = own[0];
    if (first === undefined) continue;
    const name = flowName(first, servers);
    told.set(name, [...(told.get(name) ?? []), tellFlow(own, servers)]);
  }
  return new Map(
    [...told].map(([name, list]) => [name, list.toSorted((a, b) => (a.join() < b.join() ? -1 : 1))]),
  );
}

/** Whoever cuts an IPv6 packet again gives its pieces another identification: they begin there. */
function isLaterOfIpv6(packet: Packet | undefined): boolean {
  return packet !== undefined && packet.offset > 0 && packet.src.includes(':');
}

function isOf(decoded: Decoded, earlier: ReadonlySet<string>): boolean {
  return connections(decoded).some((name) => earlier.has(name));
}

/** The connection that a packet belongs to, or that an error is about. */
function connections({ packet }: Decoded): string[] {
  if (packet === undefined) return [];
  const { src, dst, transport, about } = innermost(packet);
  const own =
    transport === undefined
      ? []
      : [[`${src}:${transport.sport}`, `${dst}:${transport.dport}`].sort().join(' ')];
  return about === undefined
    ? own
    : [...own, ...connections({ packet: about, arp: undefined, src: '', dst: '' })];
}

function waysOf(crossings: readonly Crossing[], walkOf: Reading['walkOf']): Way[] {
  const ways: Way[] = [];
  const alike = new Map<string, Way[]>();
  for (const [index, { netns, dev, dir, bytes }] of crossings.entries()) {
    const decoded = decodeFrame(bytes);
    const packet = decoded.packet;
    if (decoded.arp === undefined && (packet === undefined || innermost(packet).isHousekeeping)) continue;
    const inside = packet === undefined ? undefined : innermost(packet);
    const identity =
      walkOf === undefined
        ? (decoded.arp?.text ?? inside?.identity ?? '')
        : `${walkOf(index)} ${isLaterOfIpv6(inside) ? inside?.identity : (inside?.offset ?? 0)}`;
    const line = { place: `${netns}:${dev} ${dir}`, decoded };
    // The same frame at the same place once more is another packet: a question that is asked again. None overtakes another.
    const own = alike.get(identity) ?? [];
    const way = own.find(
      ({ lines }) => !lines.some((other) => other.place === line.place && sameFrame(other.decoded, decoded)),
    );
    if (way !== undefined) {
      way.lines.push(line);
      continue;
    }
    const started = { first: decoded, lines: [line] };
    alike.set(identity, [...own, started]);
    ways.push(started);
  }
  return ways;
}

function sameFrame(a: Decoded, b: Decoded): boolean {
  return (
    a.src === b.src && a.dst === b.dst && a.arp?.text === b.arp?.text && a.packet?.text === b.packet?.text
  );
}

/** An old entry that is asked about once more, from one host to the other: when, the kernel's clocks decide. */
function withoutReprobes(ways: readonly Way[]): Way[] {
  const asked = new Map<string, 'unicast' | 'broadcast'>();
  return ways.filter(({ first: { arp, dst } }) => {
    if (arp === undefined) return true;
    if (arp.op === 'request') {
      const how = dst === 'ff:ff:ff:ff:ff:ff' ? 'broadcast' : 'unicast';
      asked.set(`${arp.target} ${arp.sender}`, how);
      return how === 'broadcast';
    }
    return asked.get(`${arp.sender} ${arp.target}`) !== 'unicast';
  });
}

/** Ports that were asked; all others are somebody's choice of the moment. */
function serverPorts(ways: readonly Way[]): Set<number> {
  const ports = new Set<number>();
  const seen = new Set<string>();
  for (const { lines } of ways)
    for (const { decoded } of lines) {
      const packet = decoded.packet === undefined ? undefined : innermost(decoded.packet);
      if (packet?.transport === undefined) continue;
      const { src, dst, transport, tcp } = packet;
      const ends = [`${src}:${transport.sport}`, `${dst}:${transport.dport}`].sort().join(' ');
      if (seen.has(`${transport.kind} ${ends}`)) continue;
      seen.add(`${transport.kind} ${ends}`);
      if (tcp === undefined || tcp.flags === 'S') ports.add(transport.dport);
    }
  return ports;
}

function flowKey({ arp, packet }: Decoded): string {
  if (arp !== undefined) return arp.text;
  if (packet === undefined) return '';
  const { src, dst, transport, about } = innermost(packet);
  return about === undefined
    ? `${src} ${dst} ${transport?.sport ?? ''} ${transport?.dport ?? ''}`
    : `${src} ${dst} error`;
}

function flowName({ first: { arp, packet }, lines }: Way, servers: ReadonlySet<number>): string {
  const from = lines[0]?.place.replace(/:.*/, '') ?? '';
  if (arp !== undefined) return `${from}: ${arp.text}`;
  if (packet === undefined) return from;
  const { src, dst, transport, about } = innermost(packet);
  if (about !== undefined) return `${from}: ICMP error ${src} > ${dst}`;
  if (transport === undefined) return `${from}: ${src} > ${dst}`;
  const { kind, sport, dport } = transport;
  return `${from}: ${kind} ${src}:${port(sport, servers)} > ${dst}:${port(dport, servers)}`;
}

function tellFlow(ways: readonly Way[], servers: ReadonlySet<number>): string[] {
  const tcps = ways.flatMap(({ first: { packet } }) =>
    packet === undefined ? [] : (innermost(packet).tcp ?? []),
  );
  const base = {
    seq: tcps[0]?.seq ?? 0,
    ack: (tcps.find(({ flags }) => flags.includes('A'))?.ack ?? 1) - 1,
  };
  return ways.map(({ first, lines }) => {
    const told = lines.map(
      ({ place, decoded: { src, dst, arp, packet } }) =>
        `${place} ${src} > ${dst} ${arp?.text ?? (packet === undefined ? '' : tellPacket(packet, servers, base))}`,
    );
    // Copies of a flooded frame go their ways side by side.
    return (isFlooded(first, lines) ? told.toSorted() : told).join('\n');
  });
}

/** A bridge's own interface sends what one of its ports sends next. */
const BRIDGE = /^[^:]+:(cni0|sw0) /;

function isFlooded(first: Decoded, lines: Way['lines']): boolean {
  if (first.dst === 'ff:ff:ff:ff:ff:ff') return true;
  const outs = lines
    .filter(({ place }) => place.endsWith(' out') && !BRIDGE.test(place))
    .map(({ place, decoded }) => `${place.replace(/:.*/, '')} ${decoded.dst} ${decoded.packet?.text ?? ''}`);
  return outs.some((out, index) => outs.indexOf(out) !== index);
}

interface Base {
  readonly seq: number;
  readonly ack: number;
}

function tellPacket(packet: Packet, servers: ReadonlySet<number>, base: Base): string {
  const { text, transport, tcp, inner, about } = packet;
  const relative = (value: number, from: number): string => String((value - from) >>> 0);
  const words = text
    .replace('%seq', tcp === undefined ? '' : relative(tcp.seq, base.seq))
    .replace('%ack', tcp?.flags.includes('A') === true ? relative(tcp.ack, base.ack) : '-')
    .replace('%s', port(transport?.sport ?? 0, servers))
    .replace('%d', port(transport?.dport ?? 0, servers));
  const within = inner === undefined ? '' : ` (${tellPacket(inner, servers, base)})`;
  return `${words}${within}${about === undefined ? '' : ` about ${tellAbout(about, servers)}`}`;
}

/** An error quotes so much of a packet; the numbers in it are the packet's own. */
function tellAbout(about: Packet, servers: ReadonlySet<number>): string {
  return tellPacket(
    {
      ...about,
      text: about.text
        .replace('%seq', '-')
        .replace('%ack', '-')
        .replace(/ data \d+.*>/, ''),
    },
    servers,
    { seq: 0, ack: 0 },
  );
}

function port(number: number, servers: ReadonlySet<number>): string {
  return servers.has(number) ? String(number) : '*';
}
