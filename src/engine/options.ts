import { cniNames } from './cni/registry.ts';
import type { Cluster, ClusterOptions, Diagnostic, Limits } from './cluster.ts';
import { addIp, formatIp, formatPrefix, isIpv6, parsePrefix } from './net/address.ts';
import type { Prefix } from './net/address.ts';

export type ResolvedOptions = Cluster['options'];

const defaultLimits: Limits = {
  objects: 20_000,
  commandTime: 600_000_000,
  events: 2_000_000,
  recordEvents: 200_000,
  output: 1_000_000,
  scriptDepth: 32,
  scriptSteps: 100_000,
};

const MAX_NODES = 5_000;
/** For clusters that the usual network has no room for. */
const LARGE_POD_CIDR = '10.128.0.0/9';
const proxies = ['iptables', 'nftables'];

/** Options filled in, or what is wrong with them. */
export function resolveOptions(
  options: ClusterOptions,
): { readonly options: ResolvedOptions } | { readonly diagnostics: Diagnostic[] } {
  const diagnostics: Diagnostic[] = [];
  const refuse = (code: string, message: string, hint?: string): void => {
    diagnostics.push({
      severity: 'error',
      code,
      message,
      line: 1,
      column: 1,
      ...(hint === undefined ? {} : { hint }),
    });
  };
  const names = ['nodes', 'cni', 'proxy', 'podCIDR', 'serviceCIDR', 'seed', 'limits'];
  for (const name of Object.keys(options))
    if (!names.includes(name)) refuse('option/unknown', `unknown option "${name}"`, suggestion(name, names));
  const {
    nodes = 2,
    cni = 'flannel',
    proxy = 'iptables',
    podCIDR = nodes < 256 ? '10.244.0.0/16' : LARGE_POD_CIDR,
    serviceCIDR = '10.96.0.0/12',
    seed = 1,
  } = options;
  if (!Number.isInteger(nodes) || nodes < 1 || nodes > MAX_NODES)
    refuse('option/value', `nodes: ${String(nodes)} is not a number of worker nodes (1 to ${MAX_NODES})`);
  if (!cniNames.includes(cni))
    refuse(
      'option/value',
      `cni: unknown plugin "${cni}"`,
      suggestion(cni, cniNames) ?? `one of ${cniNames.join(', ')}`,
    );
  if (!proxies.includes(proxy))
    refuse(
      'option/value',
      `proxy: unknown mode "${proxy}"`,
      suggestion(proxy, proxies) ?? `one of ${proxies.join(', ')}`,
    );
  if (proxy === 'nftables') refuse('option/value', 'proxy: nftables is not simulated yet', 'iptables is');
  if (!Number.isSafeInteger(seed)) refuse('option/value', `seed: ${String(seed)} is not a whole number`);
  const pods = network('podCIDR', podCIDR, 24);
  const services = network('serviceCIDR', serviceCIDR, 28);
  if (pods !== undefined && services !== undefined && overlap(pods, services))
    refuse('option/value', `podCIDR ${podCIDR} and serviceCIDR ${serviceCIDR} overlap`);
  if (pods !== undefined && Number.isInteger(nodes) && nodes + 1 > 2 ** (24 - pods.length))
    refuse(
      'option/value',
      `podCIDR: ${podCIDR} has room for ${2 ** (24 - pods.length)} nodes of a /24 each, not for ${nodes + 1}`,
    );
  for (const [name, value] of Object.entries(options.limits ?? {})) {
    if (!Object.hasOwn(defaultLimits, name))
      refuse('option/unknown', `unknown limit "${name}"`, suggestion(name, Object.keys(defaultLimits)));
    else if (!Number.isSafeInteger(value) || value < 0)
      refuse('option/value', `limits.${name}: ${String(value)} is not a count`);
  }
  if (diagnostics.length > 0) return { diagnostics };
  return {
    options: {
      nodes,
      cni,
      proxy,
      podCIDR,
      serviceCIDR,
      seed,
      limits: { ...defaultLimits, ...options.limits },
    },
  };

  function network(name: string, text: string, longest: number): Prefix | undefined {
    const prefix = typeof text === 'string' && text.includes('/') ? parsePrefix(text) : undefined;
    if (prefix === undefined || isIpv6(prefix.ip) || prefix.length > longest || prefix.length < 8) {
      refuse(
        'option/value',
        `${name}: "${String(text)}" is not an IPv4 network such as ${name === 'podCIDR' ? '10.244.0.0/16' : '10.96.0.0/12'}`,
      );
      return undefined;
    }
    if (formatPrefix(prefix) !== text)
      refuse('option/value', `${name}: ${text} has host bits set`, `${formatPrefix(prefix)}?`);
    return prefix;
  }
}

/** The address that is `n` after the network's own. */
export function addressIn(network: string, n: number): string {
  const prefix = parsePrefix(network);
  return prefix === undefined ? '' : formatIp(addIp(prefix.ip, n));
}

function overlap(a: Prefix, b: Prefix): boolean {
  const length = Math.min(a.length, b.length);
  return Math.floor(a.ip / 2 ** (32 - length)) === Math.floor(b.ip / 2 ** (32 - length));
}

/** `did you mean …?` for what is close to one of the names. */
function suggestion(text: string, names: readonly string[]): string | undefined {
  const scored = names
    .map((name) => ({ name, distance: editDistance(text.toLowerCase(), name.toLowerCase()) }))
    .sort((a, b) => a.distance - b.distance);
  const best = scored[0];
  return best !== undefined && best.distance <= Math.max(2, Math.floor(best.name.length / 3))
    ? `did you mean "${best.name}"?`
    : undefined;
}

function editDistance(a: string, b: string): number {
  if (a.length > 64 || b.length > 64) return Infinity;
  let row = Array.from({ length: b.length + 1 }, (_, i) => i);
  for (let i = 1; i <= a.length; i++) {
    const next = [i];
    for (let j = 1; j <= b.length; j++)
      next.push(
        Math.min(
          (row[j] ?? 0) + 1,
          (next[j - 1] ?? 0) + 1,
          (row[j - 1] ?? 0) + (a[i - 1] === b[j - 1] ? 0 : 1),
        ),
      );
    row = next;
  }
  return row[b.length] ?? Infinity;
}
