/** What a frame's bytes say, apart from what two runs of one experiment cannot share. */

export interface Transport {
  readonly kind: 'tcp' | 'udp';
  readonly sport: number;
  readonly dport: number;
}

/** A packet, from the outermost header inwards. */
export interface Packet {
  readonly src: string;
  readonly dst: string;
  /** What is compared; `%s` and `%d` stand for the ports, `%seq` and `%ack` for numbers that count from the start. */
  readonly text: string;
  readonly transport: Transport | undefined;
  readonly tcp:
    | { readonly seq: number; readonly ack: number; readonly flags: string; readonly length: number }
    | undefined;
  readonly inner: Packet | undefined;
  /** In an ICMP error: the packet that it is about. */
  readonly about: Packet | undefined;
  /** What stays the same along a packet's way, and differs between two packets. */
  readonly identity: string;
  /** Where in its datagram a fragment begins. */
  readonly offset: number;
  /** Traffic that a machine makes of itself: MLD, router solicitations, IGMP. */
  readonly isHousekeeping: boolean;
}

export interface Arp {
  readonly op: 'request' | 'reply';
  readonly sender: string;
  readonly target: string;
  readonly text: string;
}

export interface Decoded {
  readonly src: string;
  readonly dst: string;
  readonly arp: Arp | undefined;
  readonly packet: Packet | undefined;
}

export function decodeFrame(bytes: Uint8Array): Decoded {
  const src = mac(bytes, 6);
  const dst = mac(bytes, 0);
  const type = u16(bytes, 12);
  const rest = bytes.subarray(14);
  if (type === 0x0806) return { src, dst, arp: decodeArp(rest, dst), packet: undefined };
  return { src, dst, arp: undefined, packet: decodeIp(rest) };
}

function decodeArp(bytes: Uint8Array, dst: string): Arp {
  const op = u16(bytes, 6) === 1 ? 'request' : 'reply';
  const sender = ipv4(bytes, 14);
  const target = ipv4(bytes, 24);
  const how = dst === 'ff:ff:ff:ff:ff:ff' ? '' : 'unicast ';
  const text =
    op === 'request'
      ? `ARP ${how}who-has ${target} tell ${sender} at ${mac(bytes, 8)}`
      : `ARP reply ${target} <- ${sender} is-at ${mac(bytes, 8)}`;
  return { op, sender, target, text };
}

function decodeIp(bytes: Uint8Array): Packet | undefined {
  if (bytes.length < 20) return undefined;
  return (bytes[0] ?? 0) >> 4 === 6 ? decodeIpv6(bytes) : decodeIpv4(bytes);
}

function decodeIpv4(bytes: Uint8Array): Packet {
  const header = ((bytes[0] ?? 0) & 15) * 4;
  const flags = u16(bytes, 6);
  const offset = (flags & 0x1fff) * 8;
  const length = u16(bytes, 2);
  const fragment =
    (flags & 0x2000) !== 0 || offset > 0 ? ` frag@${offset}${(flags & 0x2000) === 0 ? '' : '+'}` : '';
  const tos = bytes[1] === 0 ? '' : ` tos=${bytes[1] ?? 0}`;
  const head = `ttl=${bytes[8] ?? 0}${(flags & 0x4000) === 0 ? '' : ' DF'}${tos}${fragment} length=${length}`;
  return decodePayload(bytes.subarray(header, Math.max(header, length)), {
    src: ipv4(bytes, 12),
    dst: ipv4(bytes, 16),
    head,
    protocol: bytes[9] ?? 0,
    identity: `${u16(bytes, 4)} ${offset}`,
    offset,
  });
}

function decodeIpv6(bytes: Uint8Array): Packet {
  const length = u16(bytes, 4);
  const whole = {
    src: ipv6(bytes, 8),
    dst: ipv6(bytes, 24),
    head: `hlim=${bytes[7] ?? 0} length=${length + 40}`,
    protocol: bytes[6] ?? 0,
    identity: '',
    offset: 0,
  };
  if (whole.protocol !== IPPROTO_FRAGMENT) return decodePayload(bytes.subarray(40, 40 + length), whole);
  const offset = u16(bytes, 42) & 0xfff8;
  return decodePayload(bytes.subarray(48, 40 + length), {
    ...whole,
    head: `${whole.head} frag ${offset}${u16(bytes, 42) & 1 ? '+' : ''}`,
    protocol: bytes[40] ?? 0,
    // The whole packet has no identification: its beginning is known by what it says.
    identity: offset === 0 ? '' : `${whole.src} ${u32(bytes, 44)} ${offset}`,
    offset,
  });
}

const IPPROTO_FRAGMENT = 44;

interface Head {
  readonly src: string;
  readonly dst: string;
  readonly head: string;
  readonly protocol: number;
  readonly identity: string;
  readonly offset: number;
}

function decodePayload(body: Uint8Array, ip: Head): Packet {
  const { src, dst, head, protocol, identity } = ip;
  const none = {
    transport: undefined,
    tcp: undefined,
    inner: undefined,
    about: undefined,
    isHousekeeping: false,
  };
  const plain = (text: string, own: string): Packet => ({
    ...none,
    offset: ip.offset,
    src,
    dst,
    text: `${src} > ${dst} ${text} ${head}`,
    identity: `${protocol} ${identity} ${own}`,
  });
  if (ip.offset > 0) return plain('later fragment', '');
  switch (protocol) {
    case 1:
    case 58:
      return decodeIcmp(body, ip, plain);
    case 4: {
      const inner = decodeIp(body);
      return { ...plain('ipip', ''), inner };
    }
    case 6: {
      const transport = { kind: 'tcp', sport: u16(body, 0), dport: u16(body, 2) } as const;
      const [seq, ack] = [u32(body, 4), u32(body, 8)];
      const data = ((body[12] ?? 0) >> 4) * 4;
      const bits = body[13] ?? 0;
      const letters = [...'FSRPA'].filter((_, i) => (bits & (1 << i)) !== 0).join('');
      const length = Math.max(0, body.length - data);
      const { text, stamp } = tcpOptions(body.subarray(20, data));
      const text0 = `${src}:%s > ${dst}:%d [${letters}] seq %seq ack %ack data ${length}${text} ${head}`;
      return {
        ...plain('', `${seq} ${ack} ${letters} ${length} ${stamp}`),
        text: text0,
        transport,
        tcp: { seq, ack, flags: letters, length },
      };
    }
    case 17: {
      const transport = { kind: 'udp', sport: u16(body, 0), dport: u16(body, 2) } as const;
      const isTunnel = (transport.dport === 8472 || transport.dport === 4789) && body[8] === 8;
      if (isTunnel) {
        const frame = decodeFrame(body.subarray(16));
        const vni = u32(body, 12) >>> 8;
        const text = `${src} > ${dst} vxlan ${transport.dport} vni ${vni} {${frame.src} > ${frame.dst} ${frame.arp?.text ?? ''}}`;
        return { ...plain('', ''), text: `${text} ${head}`, inner: frame.packet };
      }
      const text = `${src}:%s > ${dst}:%d udp ${u16(body, 4) - 8} ${head}`;
      return { ...plain('', `${hash(body.subarray(8, 8 + ENOUGH))}`), text, transport };
    }
    case 0:
      // What has a router alert is about group membership.
      return { ...plain('hop-by-hop', ''), isHousekeeping: true };
    case 2:
      return { ...plain('igmp', ''), isHousekeeping: true };
    default:
      return plain(`protocol ${protocol}`, String(hash(body)));
  }
}

/** So many bytes of a payload tell packets apart, and a first fragment has them as the whole has. */
const ENOUGH = 16;
const ANY = '0:0:0:0:0:0:0:0';

const SIZES: Readonly<Record<number, string>> = { 3: 'wscale', 2: 'mss' };

function tcpOptions(bytes: Uint8Array): { readonly text: string; readonly stamp: string } {
  const words: string[] = [];
  let stamp = '';
  for (let at = 0; at < bytes.length;) {
    const kind = bytes[at] ?? 0;
    if (kind < 2) {
      words.push(kind === 0 ? 'eol' : 'nop');
      at++;
      continue;
    }
    const length = Math.max(2, bytes[at + 1] ?? 2);
    if (kind === 8) stamp = `${u32(bytes, at + 2)}`;
    const value = kind === 2 ? ` ${u16(bytes, at + 2)}` : kind === 3 ? ` ${bytes[at + 2] ?? 0}` : '';
    words.push(
      kind === 8
        ? 'TS'
        : kind === 4
          ? 'sackOK'
          : kind === 5
            ? 'sack'
            : `${SIZES[kind] ?? String(kind)}${value}`,
    );
    at += length;
  }
  return { text: words.length === 0 ? '' : ` <${words.join(',')}>`, stamp };
}

function decodeIcmp(body: Uint8Array, ip: Head, plain: (text: string, own: string) => Packet): Packet {
  const type = body[0] ?? 0;
  const code = body[1] ?? 0;
  const v6 = ip.protocol === 58;
  const isEcho = v6 ? type === 128 || type === 129 : type === 0 || type === 8;
  if (isEcho)
    return plain(
      `icmp ${type === 8 || type === 128 ? 'echo' : 'echo-reply'} seq ${u16(body, 6)}`,
      // MASQUERADE may change the id.
      `${type} ${u16(body, 6)} ${hash(body.subarray(8, 8 + ENOUGH))}`,
    );
  const isError = v6 ? type < 128 : [3, 5, 11, 12].includes(type);
  if (!isError) {
    // Whether an address is taken already (RFC 4862, 5.4), and an old entry that is asked about once more: when, the kernel's
    // clocks decide.
    const isReprobe =
      (type === 135 && (ip.src === ANY || !ip.dst.startsWith('ff'))) ||
      (type === 136 && ((body[4] ?? 0) & 0x20) === 0);
    const isHousekeeping = [130, 131, 132, 133, 134, 143].includes(type) || isReprobe;
    return { ...plain(`icmp type ${type}`, `${type} ${hash(body.subarray(4))}`), isHousekeeping };
  }
  const about = decodeIp(body.subarray(8));
  const mtu =
    type === 3 && code === 4 ? ` mtu ${u16(body, 6)}` : v6 && type === 2 ? ` mtu ${u32(body, 4)}` : '';
  const gateway = type === 5 ? ` to ${ipv4(body, 4)}` : '';
  return {
    ...plain(`icmp error ${type}/${code}${mtu}${gateway}`, `${type} ${code} ${about?.identity ?? ''}`),
    about,
  };
}

/** The innermost packet: what an application sent. */
export function innermost(packet: Packet): Packet {
  return packet.inner === undefined ? packet : innermost(packet.inner);
}

function hash(bytes: Uint8Array): number {
  let value = 0x811c9dc5;
  for (const byte of bytes) value = Math.imul(value ^ byte, 0x01000193);
  return value >>> 0;
}

function u16(bytes: Uint8Array, at: number): number {
  return ((bytes[at] ?? 0) << 8) | (bytes[at + 1] ?? 0);
}

function u32(bytes: Uint8Array, at: number): number {
  return u16(bytes, at) * 65536 + u16(bytes, at + 2);
}

function mac(bytes: Uint8Array, at: number): string {
  return [...bytes.subarray(at, at + 6)].map((byte) => byte.toString(16).padStart(2, '0')).join(':');
}

function ipv4(bytes: Uint8Array, at: number): string {
  return bytes.subarray(at, at + 4).join('.');
}

function ipv6(bytes: Uint8Array, at: number): string {
  return Array.from({ length: 8 }, (_, i) => u16(bytes, at + i * 2).toString(16)).join(':');
}
