/** Frames as bytes straight from packets: a second opinion on what capture/wire.ts makes of a record. */
import { ipv6Words, isIpv6, type Ip, type Mac } from '../../../src/engine/net/address.ts';
import {
  ICMP_REDIRECT,
  ICMPV6_NEIGHBOUR_SOLICITATION,
  IPPROTO_ICMPV6,
  IPPROTO_TCP,
  IPPROTO_UDP,
  Vxlan,
  type ArpPacket,
  type Frame,
  type IcmpMessage,
  type IpPacket,
  type TcpSegment,
  type UdpDatagram,
  type NeighbourDiscovery,
  type TcpOptions,
  type Transport,
} from '../../../src/engine/net/packet.ts';

const ETHERTYPE = { ipv4: 0x0800, arp: 0x0806, ipv6: 0x86dd } as const;
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
