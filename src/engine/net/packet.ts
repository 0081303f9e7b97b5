/**
 * Packets are values: a change makes a new object and shares the unchanged parts, so that a trace may keep what it saw.
 * A `Frame` carries an `ArpPacket` or an `IpPacket`; an `IpPacket` carries a `Transport`. `length` is the size in bytes
 * on the wire, headers included. Address family: `isIpv6(packet.src)`; for IPv6 `ttl` is the hop limit.
 */
import { isIpv6, type Ip, type Mac } from './address.ts';

export const IPPROTO_ICMP = 1;
export const IPPROTO_IPIP = 4;
export const IPPROTO_TCP = 6;
export const IPPROTO_UDP = 17;
export const IPPROTO_ICMPV6 = 58;

export const TCP_FIN = 1;
export const TCP_SYN = 2;
export const TCP_RST = 4;
export const TCP_PSH = 8;
export const TCP_ACK = 16;

export const ICMP_ECHO_REPLY = 0;
export const ICMP_UNREACHABLE = 3;
export const ICMP_REDIRECT = 5;
export const ICMP_ECHO = 8;
export const ICMP_TIME_EXCEEDED = 11;

export const ICMP_NET_UNREACHABLE = 0;
export const ICMP_HOST_UNREACHABLE = 1;
export const ICMP_PROTOCOL_UNREACHABLE = 2;
export const ICMP_PORT_UNREACHABLE = 3;
export const ICMP_FRAG_NEEDED = 4;
export const ICMP_NET_PROHIBITED = 9;
export const ICMP_HOST_PROHIBITED = 10;
export const ICMP_ADMIN_PROHIBITED = 13;

export const ICMPV6_UNREACHABLE = 1;
export const ICMPV6_PACKET_TOO_BIG = 2;
export const ICMPV6_TIME_EXCEEDED = 3;
export const ICMPV6_PARAMETER_PROBLEM = 4;
export const ICMPV6_ECHO = 128;
export const ICMPV6_ECHO_REPLY = 129;
export const ICMPV6_NEIGHBOUR_SOLICITATION = 135;
export const ICMPV6_NEIGHBOUR_ADVERTISEMENT = 136;

export const EMPTY: Uint8Array = new Uint8Array(0);

export class Frame {
  readonly src: Mac;
  readonly dst: Mac;
  readonly type: 'ipv4' | 'ipv6' | 'arp';
  readonly payload: IpPacket | ArpPacket;
  /** With the 14 bytes of the Ethernet header. */
  readonly length: number;

  constructor(src: Mac, dst: Mac, type: 'ipv4' | 'ipv6' | 'arp', payload: IpPacket | ArpPacket) {
    this.src = src;
    this.dst = dst;
    this.type = type;
    this.payload = payload;
    this.length = 14 + payload.length;
  }
}

export function ipFrame(src: Mac, dst: Mac, packet: IpPacket): Frame {
  return new Frame(src, dst, packet.dst >= 0x1_0000_0000 ? 'ipv6' : 'ipv4', packet);
}

export class ArpPacket {
  readonly kind = 'arp';
  readonly op: 'request' | 'reply';
  readonly senderMac: Mac;
  readonly senderIp: Ip;
  readonly targetMac: Mac;
  readonly targetIp: Ip;
  readonly length = 28;

  constructor(op: 'request' | 'reply', senderMac: Mac, senderIp: Ip, targetMac: Mac, targetIp: Ip) {
    this.op = op;
    this.senderMac = senderMac;
    this.senderIp = senderIp;
    this.targetMac = targetMac;
    this.targetIp = targetIp;
  }
}

/** `kind` tells them apart. An IP packet inside an IP packet is IPIP. */
export type Transport = TcpSegment | UdpDatagram | IcmpMessage | IpPacket | Fragment | RawPayload;

export class IpPacket {
  readonly kind = 'ip';
  readonly src: Ip;
  readonly dst: Ip;
  /** What the payload is, `IPPROTO_*`; of a fragment, what the whole packet carries. */
  readonly protocol: number;
  readonly ttl: number;
  readonly tos: number;
  readonly id: number;
  readonly df: boolean;
  readonly mf: boolean;
  /** Fragment offset in bytes. */
  readonly offset: number;
  readonly payload: Transport;
  /** Total length. */
  readonly length: number;

  constructor(
    src: Ip,
    dst: Ip,
    protocol: number,
    ttl: number,
    tos: number,
    id: number,
    df: boolean,
    mf: boolean,
    offset: number,
    payload: Transport,
  ) {
    this.src = src;
    this.dst = dst;
    this.protocol = protocol;
    this.ttl = ttl;
    this.tos = tos;
    this.id = id;
    this.df = df;
    this.mf = mf;
    this.offset = offset;
    this.payload = payload;
    this.length = (src >= 0x1_0000_0000 ? (mf || offset > 0 ? 48 : 40) : 20) + payload.length;
  }

  get isFragment(): boolean {
    return this.mf || this.offset > 0;
  }

  withTtl(ttl: number): IpPacket {
    return new IpPacket(
      this.src,
      this.dst,
      this.protocol,
      ttl,
      this.tos,
      this.id,
      this.df,
      this.mf,
      this.offset,
      this.payload,
    );
  }

  /** The same packet between other addresses, with another payload: what NAT makes. */
  withAddresses(src: Ip, dst: Ip, payload: Transport): IpPacket {
    return new IpPacket(
      src,
      dst,
      this.protocol,
      this.ttl,
      this.tos,
      this.id,
      this.df,
      this.mf,
      this.offset,
      payload,
    );
  }

  withTos(tos: number): IpPacket {
    return new IpPacket(
      this.src,
      this.dst,
      this.protocol,
      this.ttl,
      tos,
      this.id,
      this.df,
      this.mf,
      this.offset,
      this.payload,
    );
  }

  /** The piece from byte `start` to `end` of the payload, which may be a piece itself. */
  fragment(start: number, end: number, last: boolean): IpPacket {
    const payload = this.payload;
    const piece =
      payload.kind === 'fragment'
        ? new Fragment(payload.whole, payload.start + start, payload.start + end)
        : new Fragment(payload, start, end);
    return new IpPacket(
      this.src,
      this.dst,
      this.protocol,
      this.ttl,
      this.tos,
      this.id,
      this.df,
      !last || this.mf,
      this.offset + start,
      piece,
    );
  }
}

export interface TcpOptions {
  readonly mss?: number;
  readonly windowScale?: number;
  readonly sackPermitted?: boolean;
  readonly sack?: readonly (readonly [number, number])[];
  readonly timestamp?: readonly [number, number];
}

export class TcpSegment {
  readonly kind = 'tcp';
  readonly sport: number;
  readonly dport: number;
  readonly seq: number;
  readonly ack: number;
  /** `TCP_SYN | TCP_ACK` … */
  readonly flags: number;
  readonly window: number;
  readonly options: TcpOptions;
  readonly data: Uint8Array;
  readonly length: number;

  constructor(
    sport: number,
    dport: number,
    seq: number,
    ack: number,
    flags: number,
    window: number,
    options: TcpOptions,
    data: Uint8Array,
  ) {
    this.sport = sport;
    this.dport = dport;
    this.seq = seq;
    this.ack = ack;
    this.flags = flags;
    this.window = window;
    this.options = options;
    this.data = data;
    this.length = 20 + tcpOptionsLength(options) + data.length;
  }

  withPorts(sport: number, dport: number): TcpSegment {
    return new TcpSegment(sport, dport, this.seq, this.ack, this.flags, this.window, this.options, this.data);
  }
}

const NO_OPTIONS: TcpOptions = {};
export { NO_OPTIONS as TCP_NO_OPTIONS };

/** Bytes that the options take, as Linux lays them out (net/ipv4/tcp_output.c, tcp_options_write). */
function tcpOptionsLength(options: TcpOptions): number {
  if (options === NO_OPTIONS) return 0;
  let length = 0;
  if (options.mss !== undefined) length += 4;
  if (options.timestamp !== undefined) length += 12;
  else if (options.sackPermitted === true) length += 4;
  if (options.windowScale !== undefined) length += 4;
  if (options.sack !== undefined && options.sack.length > 0) length += 4 + 8 * options.sack.length;
  return length;
}

/** tcpdump's letters: `S`, `S.`, `P.`, `F.`, `R`. */
export function tcpFlags(flags: number): string {
  const letters =
    (flags & TCP_FIN ? 'F' : '') +
    (flags & TCP_SYN ? 'S' : '') +
    (flags & TCP_RST ? 'R' : '') +
    (flags & TCP_PSH ? 'P' : '') +
    (flags & TCP_ACK ? '.' : '');
  return letters === '' ? 'none' : letters;
}

/** Application bytes, or a frame inside VXLAN. */
export class UdpDatagram {
  readonly kind = 'udp';
  readonly sport: number;
  readonly dport: number;
  readonly payload: Uint8Array | Vxlan;
  readonly length: number;

  constructor(sport: number, dport: number, payload: Uint8Array | Vxlan) {
    this.sport = sport;
    this.dport = dport;
    this.payload = payload;
    this.length = 8 + payload.length;
  }

  withPorts(sport: number, dport: number): UdpDatagram {
    return new UdpDatagram(sport, dport, this.payload);
  }
}

export class Vxlan {
  readonly vni: number;
  readonly frame: Frame;
  /** With its own 8 bytes. */
  readonly length: number;

  constructor(vni: number, frame: Frame) {
    this.vni = vni;
    this.frame = frame;
    this.length = 8 + frame.length;
  }
}

export interface NeighbourDiscovery {
  readonly target: Ip;
  /** The source or target link-layer address option. */
  readonly mac?: Mac;
  readonly router: boolean;
  readonly solicited: boolean;
  readonly override: boolean;
}

/** ICMP and ICMPv6; which one is told by the packet's addresses. */
export class IcmpMessage {
  readonly kind = 'icmp';
  readonly type: number;
  readonly code: number;
  /** Identifier and sequence number of an echo. */
  readonly id: number;
  readonly seq: number;
  /** MTU of a frag-needed or packet-too-big. */
  readonly mtu: number;
  /** Gateway of a redirect. */
  readonly gateway: Ip;
  /** The packet that an error is about, as it was where the error was made. Longer ones are cut at `quotedLength`. */
  readonly quoted: IpPacket | undefined;
  readonly quotedLength: number;
  readonly data: Uint8Array;
  readonly nd: NeighbourDiscovery | undefined;
  readonly length: number;

  constructor(
    type: number,
    code: number,
    fields: {
      readonly id?: number;
      readonly seq?: number;
      readonly mtu?: number;
      readonly gateway?: Ip;
      readonly quoted?: IpPacket | undefined;
      readonly quotedLength?: number;
      readonly data?: Uint8Array;
      readonly nd?: NeighbourDiscovery | undefined;
    },
  ) {
    this.type = type;
    this.code = code;
    this.id = fields.id ?? 0;
    this.seq = fields.seq ?? 0;
    this.mtu = fields.mtu ?? 0;
    this.gateway = fields.gateway ?? 0;
    this.quoted = fields.quoted;
    this.quotedLength = fields.quoted === undefined ? 0 : (fields.quotedLength ?? fields.quoted.length);
    this.data = fields.data ?? EMPTY;
    this.nd = fields.nd;
    this.length =
      8 +
      this.quotedLength +
      this.data.length +
      (fields.nd === undefined ? 0 : fields.nd.mac === undefined ? 16 : 24);
  }

  /** The same error about a packet that NAT has translated back. */
  withQuoted(quoted: IpPacket): IcmpMessage {
    return new IcmpMessage(this.type, this.code, {
      id: this.id,
      seq: this.seq,
      mtu: this.mtu,
      gateway: this.gateway,
      quoted,
      quotedLength: this.quotedLength,
      data: this.data,
    });
  }

  /** The same echo under another identifier. */
  withId(id: number): IcmpMessage {
    return new IcmpMessage(this.type, this.code, {
      id,
      seq: this.seq,
      mtu: this.mtu,
      quoted: this.quoted,
      quotedLength: this.quotedLength,
      data: this.data,
      nd: this.nd,
    });
  }
}

/** Bytes `start` to `end` of a transport payload that was cut. The first one still shows its ports through `whole`. */
export class Fragment {
  readonly kind = 'fragment';
  readonly whole: Transport;
  readonly start: number;
  readonly end: number;

  constructor(whole: Transport, start: number, end: number) {
    this.whole = whole;
    this.start = start;
    this.end = end;
  }

  get length(): number {
    return this.end - this.start;
  }
}

/** A protocol that nothing here speaks. */
export class RawPayload {
  readonly kind = 'raw';
  readonly data: Uint8Array;

  constructor(data: Uint8Array) {
    this.data = data;
  }

  get length(): number {
    return this.data.length;
  }
}

/** The transport header that a packet shows: of a first fragment, the one it begins with; of a later one, none. */
export function transportOf(packet: IpPacket): TcpSegment | UdpDatagram | IcmpMessage | undefined {
  let payload = packet.payload;
  if (payload.kind === 'fragment') {
    if (payload.start > 0) return undefined;
    payload = payload.whole;
  }
  return payload.kind === 'tcp' || payload.kind === 'udp' || payload.kind === 'icmp' ? payload : undefined;
}

/** Whether an ICMP message reports an error about another packet. */
export function isIcmpError(packet: IpPacket, message: IcmpMessage): boolean {
  if (isIpv6(packet.src)) return message.type < 128;
  return (
    message.type === ICMP_UNREACHABLE ||
    message.type === ICMP_TIME_EXCEEDED ||
    message.type === ICMP_REDIRECT ||
    message.type === 4 ||
    message.type === 12
  );
}
