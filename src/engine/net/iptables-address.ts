import { addressBits, isIpv6, maskIp, parseIp, type Ip, type Prefix } from './address.ts';
import type { IptablesFamily } from './iptables-rule.ts';

/** The networks of `-s` or `-d`, a comma list; undefined stands for every address. Text: why it is refused. */
export function parseNetworks(
  text: string,
  invert: boolean,
  family: IptablesFamily,
): readonly (Prefix | undefined)[] | string {
  const prefixes: (Prefix | undefined)[] = [];
  for (const part of text.split(',')) {
    const [address = '', mask] = part.split('/');
    const ip = readAddress(address, mask !== undefined, family);
    if (ip === undefined || isIpv6(ip) !== (family === 'ipv6')) return `host/network \`${address}' not found`;
    const length = mask === undefined ? addressBits(ip) : maskLength(mask, addressBits(ip));
    if (length === undefined) return `invalid mask \`${mask ?? ''}' specified`;
    prefixes.push(length === 0 && !invert ? undefined : { ip: maskIp(ip, length), length });
  }
  return prefixes;
}

/** `10.1` is 10.1.0.0 to iptables. */
function readAddress(text: string, masked: boolean, family: IptablesFamily): Ip | undefined {
  if (family === 'ipv4' && /^\d{1,3}(\.\d{1,3}){0,2}$/.test(text) && (masked || text.includes('.'))) {
    return parseIp(`${text}${'.0'.repeat(4 - text.split('.').length)}`);
  }
  return parseIp(text);
}

/** A prefix length, or one written as a netmask without holes. */
function maskLength(text: string, bits: 32 | 128): number | undefined {
  if (/^\d{1,3}$/.test(text)) return Number(text) <= bits ? Number(text) : undefined;
  const mask = parseIp(text);
  const ones = parseIp(bits === 32 ? '255.255.255.255' : 'ffff:ffff:ffff:ffff:ffff:ffff:ffff:ffff') ?? 0;
  for (let length = 0; length <= bits; length++) if (maskIp(ones, length) === mask) return length;
  return undefined;
}
