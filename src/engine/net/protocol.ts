/** The names that `-p` prints; others are numbers (iptables/libxtables/xtables.c xtables_chain_protos, /etc/protocols). */
const PROTOCOL_NAMES: ReadonlyMap<number, string> = new Map([
  [6, 'tcp'],
  [132, 'sctp'],
  [17, 'udp'],
  [136, 'udplite'],
  [1, 'icmp'],
  [58, 'ipv6-icmp'],
  [50, 'esp'],
  [51, 'ah'],
  [135, 'ipv6-mh'],
  [2, 'igmp'],
  [4, 'ipencap'],
  [33, 'dccp'],
  [41, 'ipv6'],
  [47, 'gre'],
  [89, 'ospf'],
  [112, 'vrrp'],
]);

const PROTOCOL_NUMBERS: ReadonlyMap<string, number> = new Map([
  ...[...PROTOCOL_NAMES].map(([number, name]) => [name, number] as const),
  ['icmpv6', 58],
  ['mh', 135],
  ['ipip', 4],
  ['all', 0],
  ['ip', 0],
]);

export function protocolName(number: number): string {
  return PROTOCOL_NAMES.get(number) ?? String(number);
}

/** Number of a protocol by name or number; undefined when there is none. */
export function protocolNumber(text: string): number | undefined {
  const named = PROTOCOL_NUMBERS.get(text.toLowerCase());
  if (named !== undefined) return named;
  return /^\d{1,3}$/.test(text) && Number(text) <= 255 ? Number(text) : undefined;
}
