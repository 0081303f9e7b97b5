import type { ExperimentRecord, FrameEvent, Layer } from './record.ts';

/**
 * One line per frame, as the measurements on the kernel are written:
 * `node-1:eth0 out 10.244.1.2:40001 > 10.244.2.2:8080 [S] ttl=63 vxlan(192.168.50.11>192.168.50.12)`.
 */
export function hopLine(frame: FrameEvent, layers: readonly Layer[]): string {
  return `${frame.netns}:${frame.dev} ${frame.dir} ${describeFrame(layers)}`;
}

/** The hop lines of a record, or of the walks that `keep` picks. */
export function hopLines(
  record: ExperimentRecord,
  keep: (frame: FrameEvent) => boolean = () => true,
): string[] {
  const lines: string[] = [];
  for (const event of record.events)
    if (event.kind === 'frame' && keep(event)) lines.push(hopLine(event, record.headers[event.header] ?? []));
  return lines;
}

export function describeFrame(layers: readonly Layer[]): string {
  const arp = layers.find((layer) => layer.kind === 'arp');
  if (arp !== undefined) return describeArp(layers, arp);
  const packets = layers.flatMap((layer, at) => (layer.kind === 'ipv4' || layer.kind === 'ipv6' ? [at] : []));
  const innermost = packets.at(-1);
  if (innermost === undefined) return 'other';
  return describePacket(layers.slice(innermost)) + describeTunnels(layers, packets);
}

function describeArp(layers: readonly Layer[], arp: Layer & { readonly kind: 'arp' }): string {
  if (arp.op === 'reply') return `ARP reply ${arp.targetIp} <- ${arp.senderIp} is-at ${arp.senderMac}`;
  const ethernet = layers[0];
  const broadcast = ethernet?.kind !== 'eth' || ethernet.dst === 'ff:ff:ff:ff:ff:ff';
  return `ARP ${broadcast ? '' : 'unicast '}who-has ${arp.targetIp} tell ${arp.senderIp}`;
}

function describePacket(layers: readonly Layer[]): string {
  const [ip, transport] = layers;
  if (ip?.kind !== 'ipv4' && ip?.kind !== 'ipv6') return 'other';
  const { mf = false, offset = 0 } = ip.kind === 'ipv4' ? ip : (ip.fragment ?? {});
  const later = offset > 0;
  const fragment = mf || later ? ` frag@${offset}` : '';
  const ttl = ` ttl=${later ? '?' : ip.kind === 'ipv4' ? ip.ttl : ip.hopLimit}`;
  if (transport?.kind === 'tcp')
    return `${endpoint(ip.src, transport.sport)} > ${endpoint(ip.dst, transport.dport)} [${flagLetters(transport.flags)}]${fragment}${ttl}`;
  if (transport?.kind === 'udp')
    return `${endpoint(ip.src, transport.sport)} > ${endpoint(ip.dst, transport.dport)}${fragment}${ttl}`;
  const icmp =
    transport?.kind === 'icmp' || transport?.kind === 'icmp6'
      ? ` ${transport.kind} ${icmpName(transport)}`
      : '';
  return `${ip.src} > ${ip.dst}${icmp}${fragment}${ttl}`;
}

function describeTunnels(layers: readonly Layer[], packets: readonly number[]): string {
  return packets
    .slice(0, -1)
    .map((at) => {
      const ip = layers[at];
      if (ip?.kind !== 'ipv4' && ip?.kind !== 'ipv6') return '';
      return ` ${layers[at + 1]?.kind === 'udp' ? 'vxlan' : 'ipip'}(${ip.src}>${ip.dst})`;
    })
    .join('');
}

function endpoint(ip: string, port: number): string {
  return ip.includes(':') ? `[${ip}]:${port}` : `${ip}:${port}`;
}

/** `S.` as tcpdump writes it is `SA` here. */
function flagLetters(flags: string): string {
  return flags.replace('.', 'A');
}

const unreachable: Readonly<Record<number, string>> = {
  0: 'net-unreachable',
  1: 'host-unreachable',
  2: 'proto-unreachable',
  3: 'port-unreachable',
  4: 'frag-needed',
  9: 'net-prohibited',
  10: 'host-prohibited',
  13: 'admin-prohibited',
};

function icmpName({ kind, type, code, name }: Layer & { readonly kind: 'icmp' | 'icmp6' }): string {
  if (kind === 'icmp') {
    if (type === 0) return 'echo-reply';
    if (type === 8) return 'echo';
    if (type === 3) return unreachable[code] ?? 'unreachable';
    if (type === 11) return 'ttl-exceeded';
  }
  if (type === 128) return 'echo';
  if (type === 129) return 'echo-reply';
  if (type === 2) return 'packet-too-big';
  if (type === 3) return 'ttl-exceeded';
  return name.replaceAll(' ', '-');
}
