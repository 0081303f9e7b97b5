import { isIpv6, ipv6Words, parseIp } from '../net/address.ts';

/** `2.1.244.10.in-addr.arpa.` */
export function reverseName(address: string): string | undefined {
  const ip = parseIp(address);
  if (ip === undefined) return undefined;
  if (!isIpv6(ip)) return `${address.split('.').reverse().join('.')}.in-addr.arpa.`;
  const hex = ipv6Words(ip)
    .map((word) => (word >>> 0).toString(16).padStart(8, '0'))
    .join('');
  return `${[...hex].reverse().join('.')}.ip6.arpa.`;
}
