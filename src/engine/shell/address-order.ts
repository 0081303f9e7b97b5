import {
  compareIp,
  formatPrefix,
  ipv6Words,
  isAny,
  isIpv6,
  isLinkLocal,
  isLoopback,
  parsePrefix,
  prefixContains,
} from '../net/address.ts';
import type { Ip, Prefix } from '../net/address.ts';
import type { Netns } from '../net/netns.ts';

interface Policy {
  readonly prefix: Prefix;
  readonly precedence: number;
  readonly label: number;
}

/** RFC 6724, 2.1, longest prefix first, as musl has it: local IPv6 addresses come after IPv4 ones. */
const POLICIES: readonly Policy[] = (
  [
    ['::1/128', 50, 0],
    ['::ffff:0:0/96', 35, 4],
    ['2001::/32', 5, 5],
    ['2002::/16', 30, 2],
    ['fc00::/7', 3, 13],
    ['::/0', 40, 1],
  ] as const
).flatMap(([text, precedence, label]) => {
  const prefix = parsePrefix(text);
  return prefix === undefined ? [] : [{ prefix, precedence, label }];
});

const IPV4_POLICY = POLICIES.find(({ prefix }) => formatPrefix(prefix) === '::ffff:0:0/96');

function policyOf(ip: Ip): Policy | undefined {
  return isIpv6(ip) ? POLICIES.find(({ prefix }) => prefixContains(prefix, ip)) : IPV4_POLICY;
}

interface Candidate {
  readonly ip: Ip;
  /** In the order of the rules of RFC 6724, 6, the greater number first. */
  readonly merits: readonly number[];
}

/**
 * The order in which getaddrinfo(3) gives a name's addresses: those that can be reached, from an address of their kind, by the
 * precedence of their network (RFC 6724, 6). What is equal stays as it was.
 */
export function inOrder(netns: Netns, ips: readonly Ip[]): readonly Ip[] {
  if (!ips.some(isIpv6)) return ips;
  return ips
    .map((ip) => candidate(netns, ip))
    .sort((a, b) => {
      const rule = a.merits.findIndex((merit, i) => merit !== b.merits[i]);
      return rule < 0 ? 0 : (b.merits[rule] ?? 0) - (a.merits[rule] ?? 0);
    })
    .map(({ ip }) => ip);
}

function candidate(netns: Netns, ip: Ip): Candidate {
  const { kind, src } = netns.routes.lookup({ dst: ip });
  const usable = (kind === 'unicast' || kind === 'local') && !isAny(src);
  const policy = policyOf(ip);
  return {
    ip,
    merits: [
      Number(usable),
      Number(usable && scopeOf(src) === scopeOf(ip)),
      Number(usable && policyOf(src)?.label === policy?.label),
      policy?.precedence ?? 0,
      -scopeOf(ip),
      usable && isIpv6(ip) ? commonBits(src, ip) : 0,
    ],
  };
}

function scopeOf(ip: Ip): number {
  return isLoopback(ip) || isLinkLocal(ip) ? 2 : 14;
}

function commonBits(a: Ip, b: Ip): number {
  if (compareIp(a, b) === 0) return 128;
  const [x, y] = [ipv6Words(a), ipv6Words(b)];
  const word = x.findIndex((one, i) => one !== y[i]);
  return 32 * word + Math.clz32((x[word] ?? 0) ^ (y[word] ?? 0));
}
