import { isIpv6, type Ip } from './address.ts';
import { transportOf, type IpPacket, IPPROTO_ICMP, IPPROTO_ICMPV6 } from './packet.ts';

/**
 * One direction of a connection as conntrack knows it. Of an ICMP echo `sport` is the identifier and `dport` is
 * type × 256 + code, as the kernel keeps them (include/net/netfilter/nf_conntrack_tuple.h).
 */
export interface Tuple {
  readonly src: Ip;
  readonly dst: Ip;
  readonly sport: number;
  readonly dport: number;
  readonly protocol: number;
}

/** ICMP types that begin an exchange, and their answers. */
const ICMP_ANSWERS: ReadonlyMap<number, number> = new Map([
  [8, 0],
  [0, 8],
  [13, 14],
  [14, 13],
  [15, 16],
  [16, 15],
  [17, 18],
  [18, 17],
]);
const ICMPV6_ANSWERS: ReadonlyMap<number, number> = new Map([
  [128, 129],
  [129, 128],
]);

export function isIcmp(protocol: number): boolean {
  return protocol === IPPROTO_ICMP || protocol === IPPROTO_ICMPV6;
}

/** Whether an ICMP type may begin a connection. */
export function beginsExchange(protocol: number, type: number): boolean {
  return protocol === IPPROTO_ICMP ? type === 8 || type === 13 || type === 15 || type === 17 : type === 128;
}

export function tupleOf(packet: IpPacket): Tuple {
  let sport = 0;
  let dport = 0;
  const transport = transportOf(packet);
  if (transport !== undefined) {
    if (transport.kind === 'icmp') {
      sport = transport.id;
      dport = transport.type * 256 + transport.code;
    } else {
      sport = transport.sport;
      dport = transport.dport;
    }
  }
  return { src: packet.src, dst: packet.dst, sport, dport, protocol: packet.protocol };
}

/** The tuple of the answers. */
export function invertTuple(tuple: Tuple): Tuple {
  const { src, dst, sport, dport, protocol } = tuple;
  if (!isIcmp(protocol)) return { src: dst, dst: src, sport: dport, dport: sport, protocol };
  const type = dport >> 8;
  const answer = (isIpv6(src) ? ICMPV6_ANSWERS : ICMP_ANSWERS).get(type);
  return {
    src: dst,
    dst: src,
    sport,
    dport: (answer ?? type) * 256 + (answer === undefined ? dport & 255 : 0),
    protocol,
  };
}

export function sameTuple(a: Tuple, b: Tuple): boolean {
  return (
    a.src === b.src &&
    a.dst === b.dst &&
    a.sport === b.sport &&
    a.dport === b.dport &&
    a.protocol === b.protocol
  );
}

export function hashTuple({ src, dst, sport, dport, protocol }: Tuple): number {
  return hashFields(src, dst, sport, dport, protocol);
}

export function hashFields(src: Ip, dst: Ip, sport: number, dport: number, protocol: number): number {
  return (
    Math.imul(src, 0x9e3779b1) ^
    Math.imul(dst, 0x85ebca6b) ^
    Math.imul((sport << 16) | dport, 0xc2b2ae35) ^
    protocol
  );
}
