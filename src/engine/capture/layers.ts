import { decodeMessage, summarizeMessage } from '../dns/message.ts';
import { formatIp, formatMac, isIpv6 } from '../net/address.ts';
import { Vxlan } from '../net/packet.ts';
import type {
  Frame,
  IcmpMessage,
  IpPacket,
  TcpOptions,
  TcpSegment,
  Transport,
  UdpDatagram,
} from '../net/packet.ts';
import { toBase64 } from './base64.ts';
import type { Layer } from './record.ts';
import { layerBytes } from './wire.ts';

/** Gives every distinct frame and every distinct payload a number: what a record's `headers` and `payloads` hold. */
export class LayerTable {
  readonly headers: (readonly Layer[])[] = [];
  readonly payloads: string[] = [];
  readonly #frames = new Map<Frame, number>();
  readonly #payloads = new Map<Uint8Array, number>();
  readonly #texts = new Map<string, number>();

  /** A frame that crosses a veth is the same value on both sides, and so the same number. */
  header(frame: Frame): number {
    const known = this.#frames.get(frame);
    if (known !== undefined) return known;
    const index = this.headers.length;
    this.#frames.set(frame, index);
    this.headers.push(this.#frame(frame));
    return index;
  }

  layers(packet: IpPacket): Layer[] {
    return this.#ip(packet);
  }

  #frame(frame: Frame): Layer[] {
    const eth: Layer = {
      kind: 'eth',
      src: formatMac(frame.src),
      dst: formatMac(frame.dst),
      type: frame.type,
    };
    const { payload } = frame;
    if (payload.kind === 'ip') return [eth, ...this.#ip(payload)];
    const arp: Layer = {
      kind: 'arp',
      op: payload.op,
      senderMac: formatMac(payload.senderMac),
      senderIp: formatIp(payload.senderIp),
      targetMac: formatMac(payload.targetMac),
      targetIp: formatIp(payload.targetIp),
    };
    return [eth, arp];
  }

  #ip(packet: IpPacket): Layer[] {
    const [src, dst] = [formatIp(packet.src), formatIp(packet.dst)];
    const protocol = protocolName(packet.protocol);
    const ip: Layer = isIpv6(packet.src)
      ? {
          kind: 'ipv6',
          src,
          dst,
          hopLimit: packet.ttl,
          nextHeader: protocol,
          ...(packet.isFragment ? { fragment: { id: packet.id, offset: packet.offset, mf: packet.mf } } : {}),
          length: packet.length,
        }
      : {
          kind: 'ipv4',
          src,
          dst,
          ttl: packet.ttl,
          id: packet.id,
          df: packet.df,
          mf: packet.mf,
          offset: packet.offset,
          protocol,
          length: packet.length,
          tos: packet.tos,
        };
    return [ip, ...this.#transport(packet.payload, packet)];
  }

  #transport(payload: Transport, packet: IpPacket): Layer[] {
    switch (payload.kind) {
      case 'tcp':
        return [tcpLayer(payload), ...this.#data(payload.data, payload, 2)];
      case 'udp':
        if (payload.payload instanceof Vxlan) {
          const { vni, frame, length } = payload.payload;
          return [udpLayer(payload, length), { kind: 'vxlan', vni }, ...this.#frame(frame)];
        }
        return [udpLayer(payload, payload.payload.length), ...this.#data(payload.payload, payload, 0)];
      case 'icmp':
        return [this.#icmp(payload, packet), ...this.#data(payload.data, undefined, 0)];
      case 'ip':
        return this.#ip(payload);
      case 'fragment': {
        const { whole, start, end } = payload;
        const all = this.#transport(whole, packet);
        const bytes = layerBytes(all, packet, (index) => this.payloads[index]).subarray(start, end);
        const piece: Layer = { kind: 'payload', length: end - start, data: this.#intern(bytes) };
        const first = all[0];
        return start === 0 && first !== undefined && first.kind !== 'payload' ? [first, piece] : [piece];
      }
      case 'raw':
        return this.#data(payload.data, undefined, 0);
    }
  }

  #icmp(message: IcmpMessage, packet: IpPacket): Layer {
    const { type, code } = message;
    const six = isIpv6(packet.src);
    const echo = six ? type === 128 || type === 129 : type === 0 || type === 8;
    return {
      kind: six ? 'icmp6' : 'icmp',
      type,
      code,
      name: icmpName(six, type, code),
      ...(echo ? { id: message.id, seq: message.seq } : {}),
      ...(message.mtu > 0 ? { mtu: message.mtu } : {}),
      ...(message.gateway === 0 ? {} : { gateway: formatIp(message.gateway) }),
      ...(message.quoted === undefined
        ? {}
        : { about: this.#quoted(message.quoted), quotedLength: message.quotedLength }),
      ...(message.nd === undefined
        ? {}
        : {
            neighbour: {
              target: formatIp(message.nd.target),
              ...(message.nd.mac === undefined ? {} : { mac: formatMac(message.nd.mac) }),
              router: message.nd.router,
              solicited: message.nd.solicited,
              override: message.nd.override,
            },
          }),
    };
  }

  #quoted(packet: IpPacket): Layer[] {
    return this.#ip(packet);
  }

  #data(bytes: Uint8Array, ports: TcpSegment | UdpDatagram | undefined, prefix: number): Layer[] {
    if (bytes.length === 0) return [];
    const data = this.#intern(bytes);
    const length = bytes.length;
    if (ports !== undefined && (ports.sport === 53 || ports.dport === 53)) {
      const message = decodeMessage(bytes.subarray(prefix));
      if (message !== undefined)
        return [{ kind: 'dns', text: summarizeMessage(message, length - prefix), length, data }];
    }
    const text = firstLine(bytes);
    return [{ kind: 'payload', length, ...(text === undefined ? {} : { text }), data }];
  }

  #intern(bytes: Uint8Array): number {
    const known = this.#payloads.get(bytes);
    if (known !== undefined) return known;
    const text = toBase64(bytes);
    const index = this.#texts.get(text) ?? this.payloads.push(text) - 1;
    this.#texts.set(text, index);
    this.#payloads.set(bytes, index);
    return index;
  }
}

function tcpLayer(segment: TcpSegment): Layer {
  return {
    kind: 'tcp',
    sport: segment.sport,
    dport: segment.dport,
    flags: tcpFlagText(segment.flags),
    seq: segment.seq,
    ack: segment.ack,
    window: segment.window,
    options: tcpOptionText(segment.options),
    length: segment.data.length,
  };
}

function udpLayer({ sport, dport }: UdpDatagram, length: number): Layer {
  return { kind: 'udp', sport, dport, length };
}

/** tcpdump's letters. */
export function tcpFlagText(flags: number): string {
  const letters = ['F', 'S', 'R', 'P', '.', 'U', 'E', 'W'];
  const order = [1, 0, 2, 3, 5, 6, 7, 4];
  const text = order.map((bit) => ((flags >> bit) & 1 ? (letters[bit] ?? '') : '')).join('');
  return text === '' ? 'none' : text;
}

/** In tcpdump's words and the kernel's order (net/ipv4/tcp_output.c, tcp_options_write). */
function tcpOptionText({ mss, sackPermitted, timestamp, windowScale, sack }: TcpOptions): string {
  const parts: string[] = [];
  if (mss !== undefined) parts.push(`mss ${mss}`);
  if (timestamp !== undefined) {
    parts.push(...(sackPermitted === true ? ['sackOK'] : ['nop', 'nop']));
    parts.push(`TS val ${timestamp[0]} ecr ${timestamp[1]}`);
  } else if (sackPermitted === true) parts.push('nop', 'nop', 'sackOK');
  if (windowScale !== undefined) parts.push('nop', `wscale ${windowScale}`);
  if (sack !== undefined && sack.length > 0)
    parts.push('nop', 'nop', `sack ${sack.length} ${sack.map(([from, to]) => `{${from}:${to}}`).join('')}`);
  return parts.join(',');
}

function protocolName(protocol: number): string {
  const names: Readonly<Record<number, string>> = {
    1: 'icmp',
    2: 'igmp',
    4: 'ipip',
    6: 'tcp',
    17: 'udp',
    41: 'ipv6',
    58: 'icmp6',
    132: 'sctp',
  };
  return names[protocol] ?? String(protocol);
}

/** The first line when it is text, shortened. */
function firstLine(bytes: Uint8Array): string | undefined {
  let text = '';
  for (const byte of bytes.subarray(0, 200)) {
    if (byte === 10 || byte === 13) break;
    if (byte < 32 || byte > 126) return undefined;
    text += String.fromCharCode(byte);
  }
  return text === '' ? undefined : text;
}

const icmpNames: Readonly<Record<string, string>> = {
  '0': 'echo reply',
  '8': 'echo request',
  '3/0': 'net unreachable',
  '3/1': 'host unreachable',
  '3/2': 'protocol unreachable',
  '3/3': 'port unreachable',
  '3/4': 'fragmentation needed',
  '3/9': 'net prohibited',
  '3/10': 'host prohibited',
  '3/13': 'admin prohibited',
  '5': 'redirect',
  '11': 'time exceeded',
};
const icmp6Names: Readonly<Record<string, string>> = {
  '1/0': 'no route',
  '1/1': 'admin prohibited',
  '1/3': 'address unreachable',
  '1/4': 'port unreachable',
  '2': 'packet too big',
  '3': 'time exceeded',
  '128': 'echo request',
  '129': 'echo reply',
  '133': 'router solicitation',
  '135': 'neighbor solicitation',
  '136': 'neighbor advertisement',
};

function icmpName(six: boolean, type: number, code: number): string {
  const names = six ? icmp6Names : icmpNames;
  return names[`${type}/${code}`] ?? names[`${type}`] ?? `type ${type} code ${code}`;
}
