import { formatIp, formatPrefix, isIpv6, parseIp, parsePrefix } from '../net/address.ts';

export type IpFamily = 'IPv4' | 'IPv6';

/** Addresses that old API objects hold with leading zeros are read in decimal (`ParseIPSloppy` of k8s.io/utils/net). */
function plain(text: string): string {
  return text.includes(':') ? text : text.replaceAll(/\b0+(?=\d)/g, '');
}

/** The address in its usual form, if it is one of that family. */
export function canonicalIp(text: string, family: IpFamily): string | undefined {
  const ip = parseIp(plain(text.trim()));
  return ip !== undefined && isIpv6(ip) === (family === 'IPv6') ? formatIp(ip) : undefined;
}

/** The network in its usual form, if it is one of that family. */
export function canonicalCidr(text: string, family: IpFamily): string | undefined {
  const prefix = parsePrefix(plain(text.trim()));
  return prefix !== undefined && text.includes('/') && isIpv6(prefix.ip) === (family === 'IPv6')
    ? formatPrefix(prefix)
    : undefined;
}

/** `IP:PORT` as Go's net.JoinHostPort writes it. */
export function hostPort(ip: string, port: number): string {
  return ip.includes(':') ? `[${ip}]:${port}` : `${ip}:${port}`;
}
