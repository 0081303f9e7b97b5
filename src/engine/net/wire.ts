/**
 * Frames as bytes, and back: every layer with its lengths and checksums right, so that a capture file made of them reads
 * in tshark without a complaint. `encodeFrame(frame)`, `decodeFrame(bytes)`; what nothing here speaks becomes raw bytes.
 */
import { internIpv6, ipv6Words, isIpv6, type Ip, type Mac } from './address.ts';
import {
  ArpPacket,
  Fragment,
  Frame,
  ICMP_FRAG_NEEDED,
  ICMP_REDIRECT,
  ICMP_TIME_EXCEEDED,
  ICMP_UNREACHABLE,
  ICMPV6_NEIGHBOUR_ADVERTISEMENT,
  ICMPV6_NEIGHBOUR_SOLICITATION,
  ICMPV6_PACKET_TOO_BIG,
  IcmpMessage,
  IPPROTO_ICMP,
  IPPROTO_ICMPV6,
  IPPROTO_IPIP,
  IPPROTO_TCP,
  IPPROTO_UDP,
  IpPacket,
  RawPayload,
  TCP_NO_OPTIONS,
  TcpSegment,
  UdpDatagram,
  Vxlan,
  type NeighbourDiscovery,
  type TcpOptions,
  type Transport,
} from './packet.ts';

const ETHERTYPE = { ipv4: 0x0800, arp: 0x0806, ipv6: 0x86dd } as const;
const VXLAN_PORTS = new Set([8472, 4789]);
const IPPROTO_FRAGMENT = 44;

export function encodeFrame(frame: Frame): Uint8Array {
  const bytes = new Uint8Array(frame.length);
  const view = new DataView(bytes.buffer);
  writeMac(view, 0, frame.dst);
  writeMac(view, 6, frame.src);
  view.setUint16(12, ETHERTYPE[frame.type]);
  if (frame.payload.kind === 'arp') writeArp(view, 14, frame.payload);
  else bytes.set(encodePacket(frame.payload), 14);
  return bytes;
}

function encodePacket(packet: IpPacket): Uint8Array {
  return isIpv6(packet.src) ? encodeIpv6(packet) : encodeIpv4(packet);
}

function encodeIpv4(packet: IpPacket): Uint8Array {
  const bytes = new Uint8Array(packet.length);
  const view = new DataView(bytes.buffer);
  bytes[0] = 0x45;
  bytes[1] = packet.tos;
  view.setUint16(2, packet.length);
  view.setUint16(4, packet.id);
  view.setUint16(6, (packet.df ? 0x4000 : 0) | (packet.mf ? 0x2000 : 0) | (packet.offset >> 3));
  bytes[8] = packet.ttl;
  bytes[9] = packet.protocol;
  view.setUint32(12, packet.src);
  view.setUint32(16, packet.dst);
  view.setUint16(10, checksum(bytes, 0, 20, 0));
  bytes.set(encodeTransport(packet, packet.payload), 20);
  return bytes;
}

function encodeIpv6(packet: IpPacket): Uint8Array {
  const bytes = new Uint8Array(packet.length);
  const view = new DataView(bytes.buffer);
  view.setUint32(0, (0x60000000 | (packet.tos << 20)) >>> 0);
  view.setUint16(4, packet.length - 40);
  bytes[6] = packet.isFragment ? IPPROTO_FRAGMENT : packet.protocol;
  bytes[7] = packet.ttl;
  writeIpv6(view, 8, packet.src);
  writeIpv6(view, 24, packet.dst);
  let at = 40;
  if (packet.isFragment) {
    bytes[40] = packet.protocol;
    view.setUint16(42, packet.offset | (packet.mf ? 1 : 0));
    view.setUint32(44, packet.id);
    at = 48;
  }
  bytes.set(encodeTransport(packet, packet.payload), at);
  return bytes;
}

/** The transport layer; its checksum covers the addresses of the packet that it is in. */
function encodeTransport(packet: IpPacket, payload: Transport): Uint8Array {
  switch (payload.kind) {
    case 'tcp':
      return encodeTcp(packet, payload);
    case 'udp':
      return encodeUdp(packet, payload);
    case 'icmp':
      return encodeIcmp(packet, payload);
    case 'ip':
      return encodePacket(payload);
    case 'fragment':
      return encodeTransport(packet, payload.whole).subarray(payload.start, payload.end);
    case 'raw':
      return payload.data;
  }
}

function encodeTcp(packet: IpPacket, segment: TcpSegment): Uint8Array {
  const bytes = new Uint8Array(segment.length);
  const view = new DataView(bytes.buffer);
  const header = segment.length - segment.data.length;
  view.setUint16(0, segment.sport);
  view.setUint16(2, segment.dport);
  view.setUint32(4, segment.seq);
  view.setUint32(8, segment.ack);
  bytes[12] = (header / 4) << 4;
  bytes[13] = segment.flags;
  view.setUint16(14, segment.window);
  writeTcpOptions(view, 20, segment.options);
  bytes.set(segment.data, header);
  view.setUint16(16, checksum(bytes, 0, bytes.length, pseudoHeader(packet, bytes.length, IPPROTO_TCP)));
  return bytes;
}

/** In the order in which Linux writes them. */
function writeTcpOptions(view: DataView, at: number, options: TcpOptions): void {
  const put = (...values: number[]): void => {
    for (const value of values) view.setUint8(at++, value);
  };
  const put32 = (value: number): void => {
    view.setUint32(at, value);
    at += 4;
  };
  if (options.mss !== undefined) put(2, 4, options.mss >> 8, options.mss & 255);
  if (options.timestamp !== undefined) {
    if (options.sackPermitted === true) put(4, 2);
    else put(1, 1);
    put(8, 10);
    put32(options.timestamp[0]);
    put32(options.timestamp[1]);
  } else if (options.sackPermitted === true) put(1, 1, 4, 2);
  if (options.windowScale !== undefined) put(1, 3, 3, options.windowScale);
  if (options.sack !== undefined && options.sack.length > 0) {
    put(1, 1, 5, 2 + 8 * options.sack.length);
    for (const [start, end] of options.sack) {
      put32(start);
      put32(end);
    }
  }
}

function encodeUdp(packet: IpPacket, datagram: UdpDatagram): Uint8Array {
  const bytes = new Uint8Array(datagram.length);
  const view = new DataView(bytes.buffer);
  view.setUint16(0, datagram.sport);
  view.setUint16(2, datagram.dport);
  view.setUint16(4, datagram.length);
  const { payload } = datagram;
  if (payload instanceof Vxlan) {
    bytes[8] = 0x08;
    view.setUint32(12, payload.vni << 8);
    bytes.set(encodeFrame(payload.frame), 16);
    // A tunnel over IPv4 sends no checksum (VXLAN_F_UDP_ZERO_CSUM).
    if (!isIpv6(packet.src)) return bytes;
  } else bytes.set(payload, 8);
  const sum = checksum(bytes, 0, bytes.length, pseudoHeader(packet, bytes.length, IPPROTO_UDP));
  view.setUint16(6, sum === 0 ? 0xffff : sum);
  return bytes;
}

function encodeIcmp(packet: IpPacket, message: IcmpMessage): Uint8Array {
  const bytes = new Uint8Array(message.length);
  const view = new DataView(bytes.buffer);
  const v6 = isIpv6(packet.src);
  bytes[0] = message.type;
  bytes[1] = message.code;
  if (message.nd !== undefined) writeNeighbourDiscovery(view, message.type, message.nd);
  else if (message.quoted !== undefined) {
    if (v6) view.setUint32(4, message.mtu);
    else if (message.type === ICMP_REDIRECT) view.setUint32(4, message.gateway);
    else view.setUint16(6, message.mtu);
    bytes.set(encodePacket(message.quoted).subarray(0, message.quotedLength), 8);
  } else {
    view.setUint16(4, message.id);
    view.setUint16(6, message.seq);
    bytes.set(message.data, 8);
  }
  const start = v6 ? pseudoHeader(packet, bytes.length, IPPROTO_ICMPV6) : 0;
  view.setUint16(2, checksum(bytes, 0, bytes.length, start));
  return bytes;
}

function writeNeighbourDiscovery(view: DataView, type: number, nd: NeighbourDiscovery): void {
  const flags = (nd.router ? 0x80 : 0) | (nd.solicited ? 0x40 : 0) | (nd.override ? 0x20 : 0);
  view.setUint8(4, flags);
  writeIpv6(view, 8, nd.target);
  if (nd.mac === undefined) return;
  view.setUint8(24, type === ICMPV6_NEIGHBOUR_SOLICITATION ? 1 : 2);
  view.setUint8(25, 1);
  writeMac(view, 26, nd.mac);
}

function writeArp(view: DataView, at: number, arp: ArpPacket): void {
  view.setUint16(at, 1);
  view.setUint16(at + 2, 0x0800);
  view.setUint8(at + 4, 6);
  view.setUint8(at + 5, 4);
  view.setUint16(at + 6, arp.op === 'request' ? 1 : 2);
  writeMac(view, at + 8, arp.senderMac);
  view.setUint32(at + 14, arp.senderIp);
  writeMac(view, at + 18, arp.targetMac);
  view.setUint32(at + 24, arp.targetIp);
}

function writeMac(view: DataView, at: number, mac: Mac): void {
  view.setUint16(at, Math.floor(mac / 0x1_0000_0000));
  view.setUint32(at + 2, mac % 0x1_0000_0000);
}

function writeIpv6(view: DataView, at: number, ip: Ip): void {
  for (const [i, word] of ipv6Words(ip).entries()) view.setUint32(at + 4 * i, word);
}

/** One's complement sum of 16-bit words, inverted (RFC 1071). */
function checksum(bytes: Uint8Array, from: number, to: number, start: number): number {
  let sum = start;
  for (let i = from; i + 1 < to; i += 2) sum += ((bytes[i] ?? 0) << 8) | (bytes[i + 1] ?? 0);
  if ((to - from) % 2 === 1) sum += (bytes[to - 1] ?? 0) << 8;
  while (sum > 0xffff) sum = (sum & 0xffff) + Math.floor(sum / 0x10000);
  return ~sum & 0xffff;
}

function pseudoHeader(packet: IpPacket, length: number, protocol: number): number {
  const words = isIpv6(packet.src)
    ? [...ipv6Words(packet.src), ...ipv6Words(packet.dst)]
    : [packet.src, packet.dst];
  return words.reduce((sum, word) => sum + (word >>> 16) + (word & 0xffff), length + protocol);
}

/** Undefined for bytes that are no frame of IP or ARP, or that end too early. */
export function decodeFrame(bytes: Uint8Array): Frame | undefined {
  if (bytes.length < 14) return undefined;
  const view = viewOf(bytes);
  const body = bytes.subarray(14);
  const dst = readMac(view, 0);
  const src = readMac(view, 6);
  switch (view.getUint16(12)) {
    case ETHERTYPE.arp: {
      const arp = decodeArp(body);
      return arp === undefined ? undefined : new Frame(src, dst, 'arp', arp);
    }
    case ETHERTYPE.ipv4:
    case ETHERTYPE.ipv6: {
      const packet = decodePacket(body);
      return packet === undefined
        ? undefined
        : new Frame(src, dst, isIpv6(packet.src) ? 'ipv6' : 'ipv4', packet);
    }
    default:
      return undefined;
  }
}

function decodePacket(bytes: Uint8Array): IpPacket | undefined {
  const version = (bytes[0] ?? 0) >> 4;
  if (version === 4) return decodeIpv4(bytes);
  return version === 6 ? decodeIpv6(bytes) : undefined;
}

function decodeIpv4(bytes: Uint8Array): IpPacket | undefined {
  if (bytes.length < 20) return undefined;
  const view = viewOf(bytes);
  const header = ((bytes[0] ?? 0) & 15) * 4;
  const length = view.getUint16(2);
  if (header < 20 || length < header || length > bytes.length) return undefined;
  const flags = view.getUint16(6);
  const protocol = bytes[9] ?? 0;
  const offset = (flags & 0x1fff) * 8;
  const mf = (flags & 0x2000) !== 0;
  const payload = decodeTransport(bytes.subarray(header, length), protocol, offset, mf);
  return new IpPacket(
    view.getUint32(12),
    view.getUint32(16),
    protocol,
    bytes[8] ?? 0,
    bytes[1] ?? 0,
    view.getUint16(4),
    (flags & 0x4000) !== 0,
    mf,
    offset,
    payload,
  );
}

function decodeIpv6(bytes: Uint8Array): IpPacket | undefined {
  if (bytes.length < 40) return undefined;
  const view = viewOf(bytes);
  const end = 40 + view.getUint16(4);
  if (end > bytes.length) return undefined;
  let protocol = bytes[6] ?? 0;
  let at = 40;
  let offset = 0;
  let mf = false;
  let id = 0;
  if (protocol === IPPROTO_FRAGMENT) {
    if (end < 48) return undefined;
    protocol = bytes[40] ?? 0;
    offset = view.getUint16(42) & 0xfff8;
    mf = (view.getUint16(42) & 1) !== 0;
    id = view.getUint32(44);
    at = 48;
  }
  const payload = decodeTransport(bytes.subarray(at, end), protocol, offset, mf);
  const tos = (view.getUint32(0) >>> 20) & 0xff;
  return new IpPacket(
    readIpv6(view, 8),
    readIpv6(view, 24),
    protocol,
    bytes[7] ?? 0,
    tos,
    id,
    false,
    mf,
    offset,
    payload,
  );
}

function decodeTransport(bytes: Uint8Array, protocol: number, offset: number, mf: boolean): Transport {
  if (offset > 0 || mf) {
    const whole = new Uint8Array(offset + bytes.length);
    whole.set(bytes, offset);
    return new Fragment(new RawPayload(whole), offset, offset + bytes.length);
  }
  const known =
    protocol === IPPROTO_TCP
      ? decodeTcp(bytes)
      : protocol === IPPROTO_UDP
        ? decodeUdp(bytes)
        : protocol === IPPROTO_ICMP || protocol === IPPROTO_ICMPV6
          ? decodeIcmp(bytes, protocol === IPPROTO_ICMPV6)
          : protocol === IPPROTO_IPIP
            ? decodePacket(bytes)
            : undefined;
  return known ?? new RawPayload(bytes);
}

function decodeTcp(bytes: Uint8Array): TcpSegment | undefined {
  if (bytes.length < 20) return undefined;
  const view = viewOf(bytes);
  const header = ((bytes[12] ?? 0) >> 4) * 4;
  if (header < 20 || header > bytes.length) return undefined;
  const options = header === 20 ? TCP_NO_OPTIONS : readTcpOptions(bytes.subarray(20, header));
  const segment = new TcpSegment(
    view.getUint16(0),
    view.getUint16(2),
    view.getUint32(4),
    view.getUint32(8),
    bytes[13] ?? 0,
    view.getUint16(14),
    options,
    bytes.subarray(header),
  );
  return segment.length === bytes.length ? segment : undefined;
}

function readTcpOptions(bytes: Uint8Array): TcpOptions {
  const view = viewOf(bytes);
  let options: TcpOptions = {};
  for (let at = 0; at < bytes.length;) {
    const kind = bytes[at] ?? 0;
    if (kind === 0) break;
    if (kind === 1) {
      at++;
      continue;
    }
    const length = bytes[at + 1] ?? 0;
    if (length < 2 || at + length > bytes.length) break;
    if (kind === 2 && length === 4) options = { ...options, mss: view.getUint16(at + 2) };
    else if (kind === 3 && length === 3) options = { ...options, windowScale: bytes[at + 2] ?? 0 };
    else if (kind === 4) options = { ...options, sackPermitted: true };
    else if (kind === 5) {
      const sack: [number, number][] = [];
      for (let i = at + 2; i + 8 <= at + length; i += 8)
        sack.push([view.getUint32(i), view.getUint32(i + 4)]);
      options = { ...options, sack };
    } else if (kind === 8 && length === 10)
      options = { ...options, timestamp: [view.getUint32(at + 2), view.getUint32(at + 6)] };
    at += length;
  }
  return options;
}

function decodeUdp(bytes: Uint8Array): UdpDatagram | undefined {
  if (bytes.length < 8) return undefined;
  const view = viewOf(bytes);
  if (view.getUint16(4) !== bytes.length) return undefined;
  const dport = view.getUint16(2);
  const data = bytes.subarray(8);
  return new UdpDatagram(
    view.getUint16(0),
    dport,
    (VXLAN_PORTS.has(dport) ? decodeVxlan(data) : undefined) ?? data,
  );
}

function decodeVxlan(bytes: Uint8Array): Vxlan | undefined {
  if (bytes.length < 8 || ((bytes[0] ?? 0) & 0x08) === 0) return undefined;
  const frame = decodeFrame(bytes.subarray(8));
  return frame === undefined || frame.length + 8 !== bytes.length
    ? undefined
    : new Vxlan(viewOf(bytes).getUint32(4) >>> 8, frame);
}

function decodeIcmp(bytes: Uint8Array, v6: boolean): IcmpMessage | undefined {
  if (bytes.length < 8) return undefined;
  const view = viewOf(bytes);
  const type = bytes[0] ?? 0;
  const code = bytes[1] ?? 0;
  const error = v6
    ? type < 128
    : type === ICMP_UNREACHABLE || type === ICMP_TIME_EXCEEDED || type === ICMP_REDIRECT;
  if (error) {
    const quoted = decodeQuoted(bytes.subarray(8));
    if (quoted !== undefined) {
      const mtu = v6
        ? type === ICMPV6_PACKET_TOO_BIG
          ? view.getUint32(4)
          : 0
        : type === ICMP_UNREACHABLE && code === ICMP_FRAG_NEEDED
          ? view.getUint16(6)
          : 0;
      const gateway = !v6 && type === ICMP_REDIRECT ? view.getUint32(4) : 0;
      return new IcmpMessage(type, code, { mtu, gateway, quoted, quotedLength: bytes.length - 8 });
    }
  }
  if (v6 && (type === ICMPV6_NEIGHBOUR_SOLICITATION || type === ICMPV6_NEIGHBOUR_ADVERTISEMENT)) {
    const nd = decodeNeighbourDiscovery(bytes);
    if (nd !== undefined) return new IcmpMessage(type, code, { nd });
  }
  return new IcmpMessage(type, code, {
    id: view.getUint16(4),
    seq: view.getUint16(6),
    data: bytes.subarray(8),
  });
}

/** A quotation is cut short: what its header promises beyond it reads as zeros. */
function decodeQuoted(bytes: Uint8Array): IpPacket | undefined {
  if (bytes.length < 20) return undefined;
  const view = viewOf(bytes);
  const length = (bytes[0] ?? 0) >> 4 === 6 ? 40 + view.getUint16(4) : view.getUint16(2);
  if (length <= bytes.length) return decodePacket(bytes.subarray(0, length));
  const padded = new Uint8Array(length);
  padded.set(bytes);
  return decodePacket(padded);
}

function decodeNeighbourDiscovery(bytes: Uint8Array): NeighbourDiscovery | undefined {
  if (bytes.length !== 24 && bytes.length !== 32) return undefined;
  const view = viewOf(bytes);
  const flags = bytes[4] ?? 0;
  const nd = {
    target: readIpv6(view, 8),
    router: (flags & 0x80) !== 0,
    solicited: (flags & 0x40) !== 0,
    override: (flags & 0x20) !== 0,
  };
  return bytes.length === 32 ? { ...nd, mac: readMac(view, 26) } : nd;
}

function decodeArp(bytes: Uint8Array): ArpPacket | undefined {
  if (bytes.length < 28) return undefined;
  const view = viewOf(bytes);
  if (view.getUint16(0) !== 1 || view.getUint16(2) !== 0x0800) return undefined;
  const op = view.getUint16(6);
  if (op !== 1 && op !== 2) return undefined;
  return new ArpPacket(
    op === 1 ? 'request' : 'reply',
    readMac(view, 8),
    view.getUint32(14),
    readMac(view, 18),
    view.getUint32(24),
  );
}

function viewOf(bytes: Uint8Array): DataView {
  return new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
}

function readMac(view: DataView, at: number): Mac {
  return view.getUint16(at) * 0x1_0000_0000 + view.getUint32(at + 2);
}

function readIpv6(view: DataView, at: number): Ip {
  return internIpv6(
    view.getUint32(at),
    view.getUint32(at + 4),
    view.getUint32(at + 8),
    view.getUint32(at + 12),
  );
}
