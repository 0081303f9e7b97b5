import type { BaseChain } from '../../net/nft/table.ts';
import type { ProxyNode } from '../node.ts';

/** Chains, sets and maps that are there without any Service (pkg/proxy/nftables/proxier.go of 1.33, setupNFTables). */
export interface FixedTable {
  readonly chains: ReadonlyMap<string, FixedChain>;
  readonly sets: ReadonlyMap<string, FixedSet>;
}

export interface FixedChain {
  readonly base?: BaseChain;
  readonly comment?: string;
  readonly rules: readonly string[];
}

export interface FixedSet {
  readonly kind: 'set' | 'map';
  readonly types: string;
  readonly comment: string;
}

export const TABLE_COMMENT = 'rules for kube-proxy';

/** Base chains: what drops and rejects looks before DNAT, or at what DNAT left over. */
const BASE: readonly (readonly [name: string, base: Omit<BaseChain, 'policy'>])[] = [
  ['filter-prerouting', { type: 'filter', hook: 'PREROUTING', priority: -110 }],
  ['filter-input', { type: 'filter', hook: 'INPUT', priority: -110 }],
  ['filter-forward', { type: 'filter', hook: 'FORWARD', priority: -110 }],
  ['filter-output', { type: 'filter', hook: 'OUTPUT', priority: -110 }],
  ['filter-output-post-dnat', { type: 'filter', hook: 'OUTPUT', priority: -90 }],
  ['nat-prerouting', { type: 'nat', hook: 'PREROUTING', priority: -100 }],
  ['nat-output', { type: 'nat', hook: 'OUTPUT', priority: -100 }],
  ['nat-postrouting', { type: 'nat', hook: 'POSTROUTING', priority: 100 }],
];

export const BASE_NAMES: readonly string[] = BASE.map(([name]) => name);

const JUMPS: readonly (readonly [to: string, from: string, match: string])[] = [
  ['nodeport-endpoints-check', 'filter-input', 'ct state new '],
  ['service-endpoints-check', 'filter-input', 'ct state new '],
  ['service-endpoints-check', 'filter-forward', 'ct state new '],
  ['service-endpoints-check', 'filter-output', 'ct state new '],
  ['firewall-check', 'filter-prerouting', 'ct state new '],
  ['firewall-check', 'filter-output', 'ct state new '],
  ['services', 'nat-output', ''],
  ['services', 'nat-prerouting', ''],
  ['masquerading', 'nat-postrouting', ''],
  ['cluster-ips-check', 'filter-forward', 'ct state new '],
  ['cluster-ips-check', 'filter-output-post-dnat', 'ct state new '],
];

/** `ip` or `ip6`. */
export function familyWord(node: Pick<ProxyNode, 'family'>): 'ip' | 'ip6' {
  return node.family === 'IPv4' ? 'ip' : 'ip6';
}

/** Whether every address of the node answers for NodePorts: nftables mode takes only the node's own address unless told so. */
export function allNodePortAddresses(node: ProxyNode): boolean {
  return (node.nodePortAddresses ?? []).some((cidr) => cidr === '0.0.0.0/0' || cidr === '::/0');
}

/** In the order in which kube-proxy makes them. */
export function fixedTable(node: ProxyNode): FixedTable {
  const ip = familyWord(node);
  const address = node.family === 'IPv4' ? 'ipv4_addr' : 'ipv6_addr';
  const noLocalhost = node.family === 'IPv4' ? 'ip daddr != 127.0.0.0/8' : 'ip6 daddr != ::1';
  const mark = node.masqueradeMark ?? '0x4000';
  const service = `${ip} daddr . meta l4proto . th dport vmap`;
  const all = allNodePortAddresses(node);
  const nodePort = all ? noLocalhost : `${ip} daddr @nodeport-ips`;
  const chains = new Map<string, { base?: BaseChain; comment?: string; rules: string[] }>(
    BASE.map(([name, base]) => [name, { base: { ...base, policy: 'accept' }, rules: [] }]),
  );
  for (const [to, from, match] of JUMPS) {
    if (!chains.has(to)) chains.set(to, { rules: [] });
    chains.get(from)?.rules.push(`${match}jump ${to}`);
  }
  const rules = (chain: string, ...more: readonly string[]): void => {
    if (!chains.has(chain)) chains.set(chain, { rules: [] });
    chains.get(chain)?.rules.push(...more);
  };
  rules('mark-for-masquerade', `mark set mark or ${mark}`);
  rules(
    'masquerading',
    `mark and ${mark} == 0 return`,
    `mark set mark xor ${mark}`,
    'masquerade fully-random',
  );
  rules(
    'cluster-ips-check',
    `${ip} daddr @cluster-ips reject comment "Reject traffic to invalid ports of ClusterIPs"`,
    ...(node.serviceCIDRs === undefined || node.serviceCIDRs.length === 0
      ? []
      : [
          `${ip} daddr { ${node.serviceCIDRs.join(', ')} } drop comment "Drop traffic to unallocated ClusterIPs"`,
        ]),
  );
  chains.set('reject-chain', {
    comment: 'helper for @no-endpoint-services / @no-endpoint-nodeports',
    rules: ['reject'],
  });
  rules('service-endpoints-check', `${service} @no-endpoint-services`);
  rules('nodeport-endpoints-check', `${nodePort} meta l4proto . th dport vmap @no-endpoint-nodeports`);
  rules('firewall-check', `${service} @firewall-ips`);
  rules(
    'services',
    `${service} @service-ips`,
    `${all ? 'fib daddr type local ' : ''}${nodePort} meta l4proto . th dport vmap @service-nodeports`,
  );
  const serviceMap = `${address} . inet_proto . inet_service`;
  const sets: (readonly [string, FixedSet])[] = [
    ['cluster-ips', { kind: 'set', types: address, comment: 'Active ClusterIPs' }],
    ...(all
      ? []
      : [
          [
            'nodeport-ips',
            { kind: 'set', types: address, comment: 'IPs that accept NodePort traffic' },
          ] as const,
        ]),
    [
      'no-endpoint-services',
      {
        kind: 'map',
        types: serviceMap,
        comment: 'vmap to drop or reject packets to services with no endpoints',
      },
    ],
    [
      'no-endpoint-nodeports',
      {
        kind: 'map',
        types: 'inet_proto . inet_service',
        comment: 'vmap to drop or reject packets to service nodeports with no endpoints',
      },
    ],
    [
      'firewall-ips',
      {
        kind: 'map',
        types: serviceMap,
        comment: 'destinations that are subject to LoadBalancerSourceRanges',
      },
    ],
    [
      'service-ips',
      { kind: 'map', types: serviceMap, comment: 'ClusterIP, ExternalIP and LoadBalancer IP traffic' },
    ],
    ['service-nodeports', { kind: 'map', types: 'inet_proto . inet_service', comment: 'NodePort traffic' }],
  ];
  return { chains, sets: new Map(sets) };
}
