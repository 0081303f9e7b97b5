import { addIp, compareIp, isIpv6, type Ip } from './address.ts';
import type { Conntrack, CtEntry } from './conntrack.ts';
import { Fragment, type IpPacket, type Transport } from './packet.ts';
import type { HookPoint, Skb } from './skb.ts';
import { hashTuple, invertTuple, isIcmp, sameTuple, type Tuple } from './tuple.ts';

export type NatKind = 'DNAT' | 'SNAT' | 'MASQUERADE' | 'REDIRECT';

/** What a NAT rule allows the new address and port to be. */
export interface NatRange {
  readonly addresses?: readonly [Ip, Ip];
  readonly ports?: readonly [number, number];
  /** Shifts the port by its distance from this one (`--to-destination IP:1000-2000/100`). */
  readonly base?: number;
  readonly random?: boolean;
  readonly randomFully?: boolean;
  readonly persistent?: boolean;
}

type Manip = 'src' | 'dst';

/** PREROUTING and OUTPUT rewrite the destination, POSTROUTING and INPUT the source (`HOOK2MANIP`). */
export function manipOf(hook: HookPoint): Manip {
  return hook === 'PREROUTING' || hook === 'OUTPUT' ? 'dst' : 'src';
}

/**
 * `nf_nat_setup_info`: chooses the connection's new tuple within the range and notes it in the entry's reply side.
 * Returns the tuple in the original direction after the change.
 */
export function setupNat(
  conntrack: Conntrack,
  entry: CtEntry,
  manip: Manip,
  range: NatRange,
  random32: () => number,
): Tuple {
  const current = invertTuple(entry.reply);
  const chosen = uniqueTuple(conntrack, entry, current, manip, range, random32);
  if (!sameTuple(chosen, current)) {
    entry.reply = invertTuple(chosen);
    if (manip === 'src') entry.srcNat = true;
    else entry.dstNat = true;
  }
  if (manip === 'src') entry.srcNatDone = true;
  else entry.dstNatDone = true;
  return chosen;
}

/** `get_unique_tuple` of net/netfilter/nf_nat_core.c. */
function uniqueTuple(
  conntrack: Conntrack,
  entry: CtEntry,
  original: Tuple,
  manip: Manip,
  range: NatRange,
  random32: () => number,
): Tuple {
  const used = (tuple: Tuple): boolean => conntrack.taken(invertTuple(tuple), entry);
  const anyPort = range.random === true || range.randomFully === true;
  if (manip === 'src' && !anyPort && inRange(original, range) && !used(original)) return original;
  const tuple = withAddress(original, manip, pickAddress(original, manip, range));
  if (!anyPort) {
    if (range.ports !== undefined) {
      const port = manip === 'src' ? tuple.sport : tuple.dport;
      const [min, max] = range.ports;
      if (range.base === undefined && port >= min && port <= max && (min === max || !used(tuple)))
        return tuple;
    } else if (!used(tuple)) return tuple;
  }
  return uniquePort(tuple, manip, range, used, random32);
}

function inRange(tuple: Tuple, range: NatRange): boolean {
  if (range.addresses !== undefined) {
    const [min, max] = range.addresses;
    if (compareIp(tuple.src, min) < 0 || compareIp(tuple.src, max) > 0) return false;
  }
  return range.ports === undefined || (tuple.sport >= range.ports[0] && tuple.sport <= range.ports[1]);
}

/** Of several addresses, one by a hash of source and (unless `--persistent`) destination, as `find_best_ips_proto` spreads them. */
function pickAddress(tuple: Tuple, manip: Manip, range: NatRange): Ip {
  if (range.addresses === undefined) return manip === 'src' ? tuple.src : tuple.dst;
  const [min, max] = range.addresses;
  if (min === max) return min;
  const count = isIpv6(min) ? 65536 : max - min + 1;
  const hash = hashTuple({
    src: tuple.src,
    dst: range.persistent === true ? 0 : tuple.dst,
    sport: 0,
    dport: 0,
    protocol: 0,
  });
  const picked = addIp(min, (hash >>> 0) % count);
  return compareIp(picked, max) > 0 ? min : picked;
}

/** `nf_nat_l4proto_unique_tuple`: a free port, beginning at a drawn one. */
function uniquePort(
  tuple: Tuple,
  manip: Manip,
  range: NatRange,
  used: (tuple: Tuple) => boolean,
  random32: () => number,
): Tuple {
  const icmp = isIcmp(tuple.protocol);
  if (!icmp && ![6, 17, 33, 132, 136].includes(tuple.protocol)) return tuple;
  const port = icmp || manip === 'src' ? tuple.sport : tuple.dport;
  let min: number;
  let size: number;
  if (range.ports !== undefined) {
    min = range.ports[0];
    size = range.ports[1] - range.ports[0] + 1;
  } else if (icmp) {
    min = 0;
    size = 65536;
  } else if (manip === 'dst') return tuple;
  else if (port < 512) {
    min = 1;
    size = 511;
  } else if (port < 1024) {
    min = 600;
    size = 424;
  } else {
    min = 1024;
    size = 64512;
  }
  const draw = (): number => random32() >>> 16;
  let offset =
    range.base !== undefined ? port - range.base : range.randomFully === true || manip === 'src' ? draw() : 0;
  if (range.random === true && manip === 'dst') offset = draw();
  let attempts = Math.min(size, 128);
  let candidate = tuple;
  for (;;) {
    for (let i = 0; i < attempts; i++, offset++) {
      const next = min + (((offset % size) + size) % size);
      candidate = icmp || manip === 'src' ? { ...tuple, sport: next } : { ...tuple, dport: next };
      if (!used(candidate)) return candidate;
    }
    if (attempts >= size || attempts < 16) return candidate;
    attempts = Math.floor(attempts / 2);
    offset = draw();
  }
}

function withAddress(tuple: Tuple, manip: Manip, ip: Ip): Tuple {
  return manip === 'src' ? { ...tuple, src: ip } : { ...tuple, dst: ip };
}

export interface Rewrite {
  readonly field: 'src' | 'dst';
  readonly from: { readonly ip: Ip; readonly port: number };
  readonly to: { readonly ip: Ip; readonly port: number };
}

/**
 * `nf_nat_packet` and, for ICMP errors, `nf_nat_icmp_reply_translation`: rewrites the packet as its connection's binding
 * says for this hook. Returns what changed.
 */
export function translate(skb: Skb, hook: HookPoint): Rewrite | undefined {
  const entry = skb.ct;
  if (entry === undefined) return undefined;
  const manip = manipOf(hook);
  // In the reply direction the source is what DNAT changed, and the destination what SNAT changed.
  const bound = (manip === 'src') !== skb.ctReply ? entry.srcNat : entry.dstNat;
  if (!bound) return undefined;
  const other = skb.ctReply ? entry.original : entry.reply;
  const target = invertTuple(other);
  if (skb.ctState === 'RELATED' && skb.packet.payload.kind === 'icmp')
    return translateError(skb, manip, target, other);
  const before = skb.packet;
  skb.packet = manipulate(before, manip, target);
  return describe(before, manip, target);
}

function translateError(skb: Skb, manip: Manip, target: Tuple, inner: Tuple): Rewrite | undefined {
  const before = skb.packet;
  const message = before.payload;
  if (message.kind !== 'icmp' || message.quoted === undefined) return undefined;
  const quoted = manipulate(message.quoted, manip === 'src' ? 'dst' : 'src', inner);
  const payload = message.withQuoted(quoted);
  skb.packet =
    manip === 'src'
      ? before.withAddresses(target.src, before.dst, payload)
      : before.withAddresses(before.src, target.dst, payload);
  const from = manip === 'src' ? before.src : before.dst;
  const to = manip === 'src' ? target.src : target.dst;
  return { field: manip, from: { ip: from, port: 0 }, to: { ip: to, port: 0 } };
}

function describe(before: IpPacket, manip: Manip, target: Tuple): Rewrite {
  const transport = before.payload;
  const ports = transport.kind === 'tcp' || transport.kind === 'udp';
  return manip === 'src'
    ? {
        field: 'src',
        from: { ip: before.src, port: ports ? transport.sport : 0 },
        to: { ip: target.src, port: ports ? target.sport : 0 },
      }
    : {
        field: 'dst',
        from: { ip: before.dst, port: ports ? transport.dport : 0 },
        to: { ip: target.dst, port: ports ? target.dport : 0 },
      };
}

/** `nf_nat_manip_pkt`: one side of the packet becomes that side of the tuple. */
function manipulate(packet: IpPacket, manip: Manip, tuple: Tuple): IpPacket {
  const payload = manipulatePayload(packet.payload, manip, tuple);
  return manip === 'src'
    ? packet.withAddresses(tuple.src, packet.dst, payload)
    : packet.withAddresses(packet.src, tuple.dst, payload);
}

function manipulatePayload(payload: Transport, manip: Manip, tuple: Tuple): Transport {
  switch (payload.kind) {
    case 'tcp':
    case 'udp':
      return manip === 'src'
        ? payload.withPorts(tuple.sport, payload.dport)
        : payload.withPorts(payload.sport, tuple.dport);
    case 'icmp':
      return payload.id === tuple.sport ? payload : payload.withId(tuple.sport);
    case 'fragment':
      return new Fragment(manipulatePayload(payload.whole, manip, tuple), payload.start, payload.end);
    case 'ip':
    case 'raw':
      return payload;
  }
}
