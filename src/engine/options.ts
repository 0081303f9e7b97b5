import { cniNames } from './cni/registry.ts';
import type { Cluster, ClusterOptions, Diagnostic, Limits } from './cluster.ts';
import { addIp, familyOf, formatIp, formatPrefix, parsePrefix, prefixContains } from './net/address.ts';
import type { Family, Prefix } from './net/address.ts';

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
const LARGE_POD_CIDR_IPV6 = 'fd00:10:244::/48';
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
    podCIDR = defaultNetworks(options.serviceCIDR, {
      4: nodes < 256 ? EXAMPLE.podCIDR[0] : LARGE_POD_CIDR,
      6: nodes < 256 ? EXAMPLE.podCIDR[1] : LARGE_POD_CIDR_IPV6,
    }),
    serviceCIDR = defaultNetworks(podCIDR, { 4: EXAMPLE.serviceCIDR[0], 6: EXAMPLE.serviceCIDR[1] }),
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
  if (!Number.isSafeInteger(seed)) refuse('option/value', `seed: ${String(seed)} is not a whole number`);
  const pods = networks('podCIDR', podCIDR);
  const services = networks('serviceCIDR', serviceCIDR);
  checkFamilies(pods, services);
  for (const pod of pods) {
    const own = formatPrefix(pod);
    for (const service of services)
      if (overlap(pod, service))
        refuse('option/value', `podCIDR ${own} and serviceCIDR ${formatPrefix(service)} overlap`);
    const mask = NODE_MASK[familyOf(pod.ip)];
    if (Number.isInteger(nodes) && nodes + 1 > 2 ** (mask - pod.length))
      refuse(
        'option/value',
        `podCIDR: ${own} has room for ${2 ** (mask - pod.length)} nodes of a /${mask} each, not for ${nodes + 1}`,
      );
  }
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

  /** One network, or one of each family; none when that is not what is written. */
  function networks(name: 'podCIDR' | 'serviceCIDR', text: string): readonly Prefix[] {
    const parts = typeof text === 'string' ? text.split(',') : [String(text)];
    const found = parts.flatMap((part) => network(name, part.trim()) ?? []);
    if (found.length < parts.length) return [];
    const [first, second, ...rest] = found;
    if (rest.length > 0 || (first !== undefined && second !== undefined && sameFamily(first, second))) {
      refuse(
        'option/value',
        `${name}: "${text}": expected one (IPv4 or IPv6) network or two networks from each family for dual-stack networking`,
        `such as ${EXAMPLE[name].join(',')}`,
      );
      return [];
    }
    return found;
  }

  function network(name: 'podCIDR' | 'serviceCIDR', text: string): Prefix | undefined {
    const prefix = text.includes('/') ? parsePrefix(text) : undefined;
    if (prefix === undefined) {
      refuse('option/value', `${name}: "${text}" is not a network such as ${EXAMPLE[name].join(' or ')}`);
      return undefined;
    }
    const [shortest, longest] = LENGTHS[name][familyOf(prefix.ip)];
    if (prefix.length < shortest || prefix.length > longest) {
      refuse('option/value', `${name}: ${text}: its length must be from /${shortest} to /${longest}`);
      return undefined;
    }
    if (formatPrefix(prefix) !== text) {
      const masked = formatPrefix(prefix);
      refuse(
        'option/value',
        hostBits(text, prefix)
          ? `${name}: ${text} has host bits set`
          : `${name}: ${text} is written ${masked}`,
        `${masked}?`,
      );
    }
    return prefix;
  }

  /** What the API server and the controller manager ask of the families at their start. */
  function checkFamilies(pods: readonly Prefix[], services: readonly Prefix[]): void {
    const [firstPod] = pods;
    const [firstService] = services;
    if (firstPod === undefined || firstService === undefined) return;
    for (const service of services)
      if (!pods.some((pod) => sameFamily(pod, service)))
        refuse(
          'option/value',
          `serviceCIDR ${formatPrefix(service)} is IPv${familyOf(service.ip)}, and pods have no such addresses`,
          `give podCIDR a network of each family: ${EXAMPLE.podCIDR.join(',')}`,
        );
    if (!sameFamily(firstPod, firstService) && pods.length > 1)
      refuse(
        'option/value',
        `the first family of serviceCIDR ${serviceCIDR} is IPv${familyOf(firstService.ip)}, that of podCIDR ${podCIDR} is IPv${familyOf(firstPod.ip)}`,
        'nodes and the API server have their first address in the family that both name first',
      );
  }
}

/** kube-controller-manager: `--node-cidr-mask-size-ipv4` and `-ipv6`. */
const NODE_MASK: Readonly<Record<Family, number>> = { 4: 24, 6: 64 };

const EXAMPLE = {
  podCIDR: ['10.244.0.0/16', 'fd00:10:244::/56'],
  serviceCIDR: ['10.96.0.0/12', 'fd00:10:96::/112'],
} as const;

/**
 * The controller manager wants a node's mask within 16 bits of the cluster's, the API server Services in 20 bits (from /108)
 * of IPv6; IPv4 Services get no more than a /8.
 */
const LENGTHS = {
  podCIDR: { 4: [8, 24], 6: [48, 64] },
  serviceCIDR: { 4: [8, 28], 6: [108, 124] },
} as const;

function sameFamily(a: Prefix, b: Prefix): boolean {
  return familyOf(a.ip) === familyOf(b.ip);
}

function hostBits(text: string, prefix: Prefix): boolean {
  return parsePrefix(text.split('/')[0] ?? '')?.ip !== prefix.ip;
}

/** What is used where the other of the two options says the families, and this one nothing: IPv4 when both are silent. */
function defaultNetworks(other: string | undefined, own: Readonly<Record<Family, string>>): string {
  const families = typeof other === 'string' ? networksOf(other).map(({ ip }) => familyOf(ip)) : [];
  return families.length === 0 ? own[4] : [...new Set(families)].map((family) => own[family]).join(',');
}

/** The networks of an option that `resolveOptions` has accepted. */
export function networksOf(text: string): readonly Prefix[] {
  return text.split(',').flatMap((part) => parsePrefix(part.trim()) ?? []);
}

/** The address that is `n` after the first network's own. */
export function addressIn(network: string, n: number): string {
  const [prefix] = networksOf(network);
  return prefix === undefined ? '' : formatIp(addIp(prefix.ip, n));
}

function overlap(a: Prefix, b: Prefix): boolean {
  return prefixContains(a, b.ip) || prefixContains(b, a.ip);
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
