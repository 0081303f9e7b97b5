import type { Pod } from '../api/types.ts';

/** What a resolver is told: the lines of /etc/resolv.conf. */
export interface ResolvConf {
  readonly nameservers: readonly string[];
  readonly searches: readonly string[];
  readonly options: readonly string[];
}

/** What the kubelet is configured with, and what the node itself uses. */
export interface DnsDefaults {
  readonly clusterDNS: readonly string[];
  readonly clusterDomain: string;
  readonly node: ResolvConf;
}

/** The pod's /etc/resolv.conf by `dnsPolicy` and `dnsConfig` (pkg/kubelet/network/dns/dns.go). */
export function podResolvConf(pod: Pod, { clusterDNS, clusterDomain, node }: DnsDefaults): ResolvConf {
  const { dnsPolicy = 'ClusterFirst', dnsConfig, hostNetwork = false } = pod.spec;
  const base = basePolicy();
  if (dnsConfig === undefined) return base;
  const options = new Map(base.options.map((option) => [option.split(':')[0] ?? option, option]));
  for (const { name, value } of dnsConfig.options ?? [])
    if (name !== undefined) options.set(name, value === undefined ? name : `${name}:${value}`);
  return {
    nameservers: [...new Set([...base.nameservers, ...(dnsConfig.nameservers ?? [])])],
    searches: [...new Set([...base.searches, ...(dnsConfig.searches ?? [])])],
    options: [...options.values()],
  };

  function basePolicy(): ResolvConf {
    if (dnsPolicy === 'None') return { nameservers: [], searches: [], options: [] };
    if (dnsPolicy === 'Default' || (dnsPolicy === 'ClusterFirst' && hostNetwork)) return node;
    const namespace = pod.metadata.namespace ?? 'default';
    return {
      nameservers: clusterDNS,
      searches: [
        ...new Set([
          `${namespace}.svc.${clusterDomain}`,
          `svc.${clusterDomain}`,
          clusterDomain,
          ...node.searches,
        ]),
      ],
      options: ['ndots:5'],
    };
  }
}

export function formatResolvConf({ nameservers, searches, options }: ResolvConf): string {
  const lines = [
    ...(searches.length === 0 ? [] : [`search ${searches.join(' ')}`]),
    ...nameservers.map((server) => `nameserver ${server}`),
    ...(options.length === 0 ? [] : [`options ${options.join(' ')}`]),
  ];
  return lines.map((line) => `${line}\n`).join('');
}
