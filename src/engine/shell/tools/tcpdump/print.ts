import { tcpFlagText } from '../../../capture/layers.ts';
import { decodeMessage, summarizeMessage } from '../../../dns/message.ts';
import { formatIp, formatMac, isIpv6, type Ip } from '../../../net/address.ts';
import {
  TCP_ACK,
  TCP_FIN,
  TCP_RST,
  TCP_SYN,
  Vxlan,
  type ArpPacket,
  type Frame,
  type IcmpMessage,
  type IpPacket,
  type TcpSegment,
  type UdpDatagram,
} from '../../../net/packet.ts';
import { serviceByPort } from '../../../net/services.ts';
import { bytesOf } from './bytes.ts';

export interface PrintOptions {
  /** `-n`: ports as numbers; addresses are numbers always, as if no name were found. */
  readonly numeric: boolean;
  readonly verbose: number;
  readonly quiet: boolean;
  readonly ethernet: boolean;
  /** `-S` */
  readonly absolute: boolean;
}

/** Sequence numbers are printed from the first that was seen of a conversation (print-tcp.c). */
export type Conversations = Map<string, { seq: number; ack: number }>;

/** What tcpdump prints after the time, as its print-*.c do. */
export class Printer {
  readonly options: PrintOptions;
  readonly #conversations: Conversations = new Map();

  constructor(options: PrintOptions) {
    this.options = options;
  }

  /** With the Ethernet header when that was asked for. */
  frame(frame: Frame): string {
    if (!this.options.ethernet) return this.payload(frame);
    const mac = (address: number): string =>
      this.options.numeric
        ? formatMac(address)
        : address === 0xffffffffffff
          ? 'Broadcast'
          : `${formatMac(address)} (oui Unknown)`;
    return `${mac(frame.src)} > ${mac(frame.dst)}, ethertype ${ethertype(frame)}, length ${frame.length}: ${this.withoutName(frame)}`;
  }

  /** On `any`: Linux cooked v2. */
  cooked(frame: Frame, ifindex: number): string {
    if (!this.options.ethernet) return this.payload(frame);
    return `ifindex ${ifindex} ${formatMac(frame.src)} ethertype ${ethertype(frame)}, length ${frame.length + 6}: ${this.withoutName(frame)}`;
  }

  payload(frame: Frame): string {
    const { payload } = frame;
    if (payload.kind === 'arp') return `ARP, ${this.arp(payload)}`;
    return `${isIpv6(payload.src) ? 'IP6' : 'IP'} ${this.ip(payload, frame)}`;
  }

  /** The name of the protocol stands in the Ethernet header already. */
  withoutName(frame: Frame): string {
    return this.payload(frame).replace(/^(IP6?|ARP,) /, '');
  }

  arp(arp: ArpPacket): string {
    const detail = this.options.verbose > 0 ? 'Ethernet (len 6), IPv4 (len 4), ' : '';
    if (arp.op === 'reply')
      return `${detail}Reply ${formatIp(arp.senderIp)} is-at ${formatMac(arp.senderMac)}, length 28`;
    const target =
      arp.targetMac === 0 || arp.targetMac === 0xffffffffffff ? '' : ` (${formatMac(arp.targetMac)})`;
    const tell = arp.senderIp === arp.targetIp && arp.senderIp !== 0 ? 'Announcement' : '';
    if (tell !== '') return `${detail}Announcement ${formatIp(arp.senderIp)}, length 28`;
    return `${detail}Request who-has ${formatIp(arp.targetIp)}${target} tell ${formatIp(arp.senderIp)}, length 28`;
  }

  ip(packet: IpPacket, frame: Frame | undefined): string {
    const { verbose } = this.options;
    if (verbose === 0) return this.body(packet, frame);
    if (isIpv6(packet.src)) {
      const next = `${PROTOCOL_NAMES6[packet.protocol] ?? 'unknown'} (${packet.protocol})`;
      return `(hlim ${packet.ttl}, next-header ${next} payload length: ${packet.length - 40}) ${this.body(packet, frame)}`;
    }
    const flags = packet.mf ? (packet.df ? '+, DF' : '+') : packet.df ? 'DF' : 'none';
    const protocol = `${PROTOCOL_NAMES[packet.protocol] ?? 'unknown'} (${packet.protocol})`;
    return `(tos 0x${packet.tos.toString(16)}, ttl ${packet.ttl}, id ${packet.id}, offset ${packet.offset}, flags [${flags}], proto ${protocol}, length ${packet.length})\n    ${this.body(packet, frame)}`;
  }

  body(packet: IpPacket, frame: Frame | undefined): string {
    const { src, dst } = packet;
    let { payload } = packet;
    let length = payload.length;
    if (payload.kind === 'fragment') {
      if (payload.start > 0) {
        if (isIpv6(src))
          return `${formatIp(src)} > ${formatIp(dst)}: frag (${payload.start}|${payload.length})`;
        return `${formatIp(src)} > ${formatIp(dst)}: ip-proto-${packet.protocol}`;
      }
      length = payload.length;
      payload = payload.whole;
    }
    switch (payload.kind) {
      case 'tcp':
        return `${this.endpoint(src, payload.sport, 'tcp')} > ${this.endpoint(dst, payload.dport, 'tcp')}: ${this.tcp(packet, payload, frame)}`;
      case 'udp':
        return `${this.endpoint(src, payload.sport, 'udp')} > ${this.endpoint(dst, payload.dport, 'udp')}: ${this.udp(payload)}`;
      case 'icmp':
        return `${formatIp(src)} > ${formatIp(dst)}: ${isIpv6(src) ? `ICMP6, ${this.icmp6(payload, length)}` : `ICMP ${this.icmp(payload, length)}`}`;
      case 'ip':
        return `${formatIp(src)} > ${formatIp(dst)}: ${isIpv6(payload.src) ? 'IP6' : 'IP'} ${this.ip(payload, undefined)}`;
      default:
        return `${formatIp(src)} > ${formatIp(dst)}: ip-proto-${packet.protocol} ${length}`;
    }
  }

  endpoint(ip: Ip, port: number, protocol: string): string {
    const name = this.options.numeric ? undefined : serviceByPort(port, protocol);
    return `${formatIp(ip)}.${name ?? port}`;
  }

  tcp(packet: IpPacket, segment: TcpSegment, frame: Frame | undefined): string {
    const length = segment.data.length;
    if (this.options.quiet) return `tcp ${length}`;
    let { seq, ack } = segment;
    const { flags } = segment;
    if (!this.options.absolute && (flags & TCP_ACK) !== 0) {
      const swapped =
        segment.sport > segment.dport || (segment.sport === segment.dport && packet.src > packet.dst);
      const ends = [`${packet.src}.${segment.sport}`, `${packet.dst}.${segment.dport}`];
      const key = (swapped ? ends.reverse() : ends).join('>');
      const known = this.#conversations.get(key);
      if (known === undefined || (flags & TCP_SYN) !== 0) {
        const before = wrap(ack - 1);
        this.#conversations.set(key, swapped ? { seq: before, ack: seq } : { seq, ack: before });
      } else {
        seq = wrap(seq - (swapped ? known.ack : known.seq));
        ack = wrap(ack - (swapped ? known.seq : known.ack));
      }
    }
    let text = `Flags [${tcpFlagText(flags)}]`;
    if (this.options.verbose > 0 && frame !== undefined && !packet.isFragment)
      text += `, cksum 0x${checksum(frame, 16)} (correct)`;
    if (this.options.verbose > 1 || length > 0 || (flags & (TCP_SYN | TCP_FIN | TCP_RST)) !== 0)
      text += `, seq ${seq}${length > 0 ? `:${wrap(seq + length)}` : ''}`;
    if ((flags & TCP_ACK) !== 0) text += `, ack ${ack}`;
    text += `, win ${segment.window}`;
    const options = tcpOptions(segment);
    if (options !== '') text += `, options [${options}]`;
    text += `, length ${length}`;
    return length > 0 && (isHttp(segment.sport) || isHttp(segment.dport))
      ? text + this.http(segment.data)
      : length > 2 && (segment.sport === 53 || segment.dport === 53)
        ? `${text} ${dns(segment.data.subarray(2)) ?? ''}`
        : text;
  }

  http(data: Uint8Array): string {
    const text = new TextDecoder('latin1').decode(data);
    const lines = text.split('\r\n');
    const first = lines[0] ?? '';
    const isHead = /^(GET|HEAD|POST|PUT|DELETE|PATCH|OPTIONS|CONNECT|TRACE) |^HTTP\/1/.test(first);
    if (!isHead) return ': HTTP';
    if (this.options.verbose === 0) return `: HTTP: ${first}`;
    const head = lines.slice(0, lines.indexOf('') + 1);
    return `: HTTP, length: ${data.length}${head.map((line) => `\n\t${line}`).join('')}`;
  }

  udp(datagram: UdpDatagram): string {
    const { payload } = datagram;
    if (payload instanceof Vxlan) {
      const name =
        datagram.dport === 4789 || datagram.sport === 4789
          ? `VXLAN, flags [I] (0x08), vni ${payload.vni}`
          : `OTV, flags [I] (0x08), overlay 0, instance ${payload.vni}`;
      return `${name}\n${this.frame(payload.frame)}`;
    }
    if (this.options.quiet) return `UDP, length ${payload.length}`;
    if ([53, 5353].some((port) => datagram.sport === port || datagram.dport === port)) {
      const text = dns(payload);
      if (text !== undefined) return text;
    }
    return `UDP, length ${payload.length}`;
  }

  icmp(message: IcmpMessage, length: number): string {
    const { type, code, quoted } = message;
    const tail = `, length ${length}`;
    if (type === 8 || type === 0)
      return `echo ${type === 8 ? 'request' : 'reply'}, id ${message.id}, seq ${message.seq}${tail}`;
    let text = `type-#${type}`;
    const about = quoted === undefined ? '' : formatIp(quoted.dst);
    if (type === 3) text = this.unreachable(code, about, message);
    else if (type === 11) text = code === 0 ? 'time exceeded in-transit' : 'ip reassembly time exceeded';
    else if (type === 5)
      text = `redirect ${about} to ${code === 0 ? 'net' : 'host'} ${formatIp(message.gateway)}`;
    text += tail;
    if (this.options.verbose > 0 && quoted !== undefined) text += `\n\tIP ${this.ip(quoted, undefined)}`;
    return text;
  }

  unreachable(code: number, about: string, message: IcmpMessage): string {
    const { quoted } = message;
    const transport = quoted?.payload;
    switch (code) {
      case 0:
        return `net ${about} unreachable`;
      case 1:
        return `host ${about} unreachable`;
      case 2:
        return `${about} protocol ${quoted?.protocol ?? 0} unreachable`;
      case 3: {
        const port = transport?.kind === 'udp' || transport?.kind === 'tcp' ? transport.dport : 0;
        const protocol = transport?.kind === 'tcp' ? 'tcp' : 'udp';
        return `${about} ${protocol} port ${(this.options.numeric ? undefined : serviceByPort(port, protocol)) ?? port} unreachable`;
      }
      case 4:
        return message.mtu > 0
          ? `${about} unreachable - need to frag (mtu ${message.mtu})`
          : `${about} unreachable - need to frag`;
      case 9:
        return `net ${about} unreachable - admin prohibited`;
      case 10:
        return `host ${about} unreachable - admin prohibited`;
      case 13:
        return `host ${about} unreachable - admin prohibited filter`;
      default:
        return `${about} unreachable - #${code}`;
    }
  }

  icmp6(message: IcmpMessage, length: number): string {
    const { type, code, nd, quoted } = message;
    const tail = this.options.verbose > 0 ? '' : `, length ${length}`;
    const about = quoted === undefined ? '' : formatIp(quoted.dst);
    switch (type) {
      case 128:
      case 129:
        return `echo ${type === 128 ? 'request' : 'reply'}, id ${message.id}, seq ${message.seq}${tail}`;
      case 133:
        return `router solicitation${tail === '' ? '' : tail}`;
      case 135:
        return `neighbor solicitation, who has ${nd === undefined ? '' : formatIp(nd.target)}${tail}`;
      case 136:
        return `neighbor advertisement, tgt is ${nd === undefined ? '' : formatIp(nd.target)}${tail}`;
      case 2:
        return `packet too big, mtu ${message.mtu}${tail}`;
      case 3:
        return `time exceeded in-transit for ${about}${tail}`;
      case 1: {
        const transport = quoted?.payload;
        if (code === 4 && (transport?.kind === 'udp' || transport?.kind === 'tcp'))
          return `destination unreachable, unreachable port, ${about} ${transport.kind} port ${transport.dport}${tail}`;
        const why =
          ['unreachable route', 'unreachable prohibited', 'beyond scope', 'unreachable address'][code] ??
          `code ${code}`;
        return `destination unreachable, ${why} ${about}${tail}`;
      }
      default:
        return `type-#${type}${tail}`;
    }
  }
}

const PROTOCOL_NAMES: Readonly<Record<number, string>> = {
  1: 'ICMP',
  2: 'IGMP',
  4: 'IPIP',
  6: 'TCP',
  17: 'UDP',
  41: 'IPv6',
  58: 'ICMPv6',
  132: 'SCTP',
};
const PROTOCOL_NAMES6: Readonly<Record<number, string>> = { 6: 'TCP', 17: 'UDP', 58: 'ICMPv6' };

function ethertype(frame: Frame): string {
  return frame.type === 'arp' ? 'ARP (0x0806)' : frame.type === 'ipv6' ? 'IPv6 (0x86dd)' : 'IPv4 (0x0800)';
}

function isHttp(port: number): boolean {
  return port === 80 || port === 8080 || port === 3128;
}

function wrap(n: number): number {
  return n >>> 0;
}

function dns(bytes: Uint8Array): string | undefined {
  const message = decodeMessage(bytes);
  if (message === undefined) return undefined;
  const text = summarizeMessage(message, bytes.length);
  return message.udpSize === undefined || message.response ? text : text.replace(/^(\d+\+?) /, '$1 [1au] ');
}

/** In the order of the header (net/ipv4/tcp_output.c, tcp_options_write). */
function tcpOptions({ options: { mss, sackPermitted, timestamp, windowScale, sack } }: TcpSegment): string {
  const parts: string[] = [];
  if (mss !== undefined) parts.push(`mss ${mss}`);
  if (timestamp !== undefined) {
    parts.push(
      ...(sackPermitted === true ? ['sackOK'] : ['nop', 'nop']),
      `TS val ${timestamp[0]} ecr ${timestamp[1]}`,
    );
  } else if (sackPermitted === true) parts.push('nop', 'nop', 'sackOK');
  if (windowScale !== undefined) parts.push('nop', `wscale ${windowScale}`);
  if (sack !== undefined && sack.length > 0)
    parts.push('nop', 'nop', `sack ${sack.length} ${sack.map(([from, to]) => `{${from}:${to}}`).join('')}`);
  return parts.join(',');
}

/** The checksum field of a TCP header that stands directly in this frame. */
function checksum(frame: Frame, offset: number): string {
  const bytes = bytesOf(frame);
  const base = 14 + (frame.type === 'ipv6' ? 40 : 20) + offset;
  return (((bytes[base] ?? 0) << 8) | (bytes[base + 1] ?? 0)).toString(16).padStart(4, '0');
}

/** `-x` and `-X`: lines of 16 bytes. */
export function hexDump(bytes: Uint8Array, ascii: boolean): string {
  let text = '';
  for (let at = 0; at < bytes.length; at += 16) {
    const line = bytes.subarray(at, at + 16);
    let hex = '';
    for (const [i, byte] of line.entries())
      hex += `${i % 2 === 0 ? ' ' : ''}${byte.toString(16).padStart(2, '0')}`;
    text += `\n\t0x${at.toString(16).padStart(4, '0')}: ${ascii ? `${hex.padEnd(40)}  ${[...line].map(printable).join('')}` : hex}`;
  }
  return text;
}

/** `-A` */
export function asciiDump(bytes: Uint8Array): string {
  let text = '\n';
  for (const byte of bytes)
    text += byte === 10 || byte === 9 ? String.fromCharCode(byte) : byte === 13 ? '' : printable(byte);
  return text;
}

function printable(byte: number): string {
  return byte >= 32 && byte < 127 ? String.fromCharCode(byte) : '.';
}
