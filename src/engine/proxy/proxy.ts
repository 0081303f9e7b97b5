import { formatIp } from '../net/address.ts';
import { splitWords } from '../net/iptables-restore.ts';
import { parseArguments } from '../net/iptables-parse.ts';
import type { IptablesFamily, Rule, TableName } from '../net/iptables-rule.ts';
import type { Ruleset } from '../net/iptables-ruleset.ts';
import type { Netfilter } from '../net/netfilter.ts';
import { EndpointIndex, type EndpointSliceInput } from './endpoints.ts';
import { proxyRules, type ChainRules, type ProxyRules } from './iptables.ts';
import type { ProxyNode } from './node.ts';
import { servicePorts, type ServiceInput } from './service.ts';
import { syncRules, type ProxySync } from './sync.ts';

export type ProxyMode = 'iptables' | 'nftables';

/** kube-proxy on one node. */
export interface KubeProxy {
  /** Makes the node's rules those of the Services and EndpointSlices; what it changed. */
  sync(services: Iterable<ServiceInput>, slices: Iterable<EndpointSliceInput>): ProxySync;
}

/** The proxy of a mode; undefined for one that is not built yet (nftables). */
export function createKubeProxy(
  mode: ProxyMode,
  node: ProxyNode,
  netfilter: Netfilter,
): KubeProxy | undefined {
  return mode === 'iptables' ? new IptablesProxy(node, netfilter) : undefined;
}

const NEW = '-m conntrack --ctstate NEW';

/** Where the built-in chains jump to kube-proxy's, in the order that its start leaves (`iptablesJumpChains`). */
const JUMPS: readonly (readonly [TableName, chain: string, rule: string])[] = [
  [
    'filter',
    'INPUT',
    `${NEW} -m comment --comment "kubernetes load balancer firewall" -j KUBE-PROXY-FIREWALL`,
  ],
  ['filter', 'INPUT', '-m comment --comment "kubernetes health check service ports" -j KUBE-NODEPORTS'],
  [
    'filter',
    'INPUT',
    `${NEW} -m comment --comment "kubernetes externally-visible service portals" -j KUBE-EXTERNAL-SERVICES`,
  ],
  ['filter', 'INPUT', '-j KUBE-FIREWALL'],
  [
    'filter',
    'FORWARD',
    `${NEW} -m comment --comment "kubernetes load balancer firewall" -j KUBE-PROXY-FIREWALL`,
  ],
  ['filter', 'FORWARD', '-m comment --comment "kubernetes forwarding rules" -j KUBE-FORWARD'],
  ['filter', 'FORWARD', `${NEW} -m comment --comment "kubernetes service portals" -j KUBE-SERVICES`],
  [
    'filter',
    'FORWARD',
    `${NEW} -m comment --comment "kubernetes externally-visible service portals" -j KUBE-EXTERNAL-SERVICES`,
  ],
  [
    'filter',
    'OUTPUT',
    `${NEW} -m comment --comment "kubernetes load balancer firewall" -j KUBE-PROXY-FIREWALL`,
  ],
  ['filter', 'OUTPUT', `${NEW} -m comment --comment "kubernetes service portals" -j KUBE-SERVICES`],
  ['filter', 'OUTPUT', '-j KUBE-FIREWALL'],
  ['nat', 'PREROUTING', '-m comment --comment "kubernetes service portals" -j KUBE-SERVICES'],
  ['nat', 'OUTPUT', '-m comment --comment "kubernetes service portals" -j KUBE-SERVICES'],
  ['nat', 'POSTROUTING', '-m comment --comment "kubernetes postrouting rules" -j KUBE-POSTROUTING'],
];

/** Empty chains whose disappearance tells kubelet and kube-proxy that somebody flushed the tables. */
const CANARIES: ReadonlyMap<string, readonly string[]> = new Map([
  ['KUBE-KUBELET-CANARY', []],
  ['KUBE-PROXY-CANARY', []],
]);

class IptablesProxy implements KubeProxy {
  readonly #node: ProxyNode;
  readonly #netfilter: Netfilter;
  readonly #family: IptablesFamily;
  #previous: ProxyRules | undefined;

  constructor(node: ProxyNode, netfilter: Netfilter) {
    this.#node = node;
    this.#netfilter = netfilter;
    this.#family = node.family === 'IPv4' ? 'ipv4' : 'ipv6';
  }

  sync(services: Iterable<ServiceInput>, slices: Iterable<EndpointSliceInput>): ProxySync {
    const serviceList = [...services];
    const sliceList = [...slices];
    const next = proxyRules(serviceList, sliceList, this.#node);
    const sync = syncRules(this.#previous, next);
    const ruleset = this.#family === 'ipv4' ? this.#netfilter.v4 : this.#netfilter.v6;
    ruleset.commit('filter', this.#rules('filter', sync.filter));
    ruleset.commit('nat', this.#rules('nat', sync.nat), sync.deleted);
    if (this.#previous === undefined) this.#start(ruleset, next);
    else this.#forgetStaleConnections(serviceList, sliceList);
    this.#previous = next;
    return sync;
  }

  #start(ruleset: Ruleset, rules: ProxyRules): void {
    ruleset.commit('nat', this.#rules('nat', CANARIES));
    const positions = new Map<string, number>();
    for (const [table, chain, text] of JUMPS) {
      const rule = parseRule(this.#family, table, text);
      const target = /-j (\S+)$/.exec(text)?.[1] ?? '';
      if (rule === undefined || !rules[table === 'nat' ? 'nat' : 'filter'].has(target)) continue;
      const position = (positions.get(`${table} ${chain}`) ?? 0) + 1;
      positions.set(`${table} ${chain}`, position);
      ruleset.insert(table, chain, rule, position);
    }
  }

  #rules(table: TableName, chains: ChainRules): ReadonlyMap<string, readonly Rule[]> {
    const parsed = new Map<string, readonly Rule[]>();
    for (const [chain, rows] of chains) {
      parsed.set(
        chain,
        rows.flatMap((row) => parseRule(this.#family, table, row) ?? []),
      );
    }
    return parsed;
  }

  /** UDP keeps going to an endpoint that is gone until its connection is forgotten (pkg/proxy/conntrack/cleanup.go). */
  #forgetStaleConnections(services: readonly ServiceInput[], slices: readonly EndpointSliceInput[]): void {
    const index = new EndpointIndex(slices, this.#node.family, this.#node.name);
    const valid = new Map<string, Set<string>>();
    const nodePorts = new Map<number, Set<string>>();
    for (const port of services.flatMap((service) => servicePorts(service, this.#node))) {
      if (port.protocol !== 'udp') continue;
      const ips = index
        .of(port)
        .flatMap((endpoint) => (endpoint.ready || endpoint.serving ? [endpoint.ip] : []));
      if (ips.length === 0) continue;
      for (const ip of [port.clusterIP, ...port.externalIPs, ...port.loadBalancerVIPs])
        valid.set(`${ip} ${port.port}`, new Set(ips));
      if (port.nodePort !== 0) nodePorts.set(port.nodePort, new Set(ips));
    }
    if (valid.size === 0) return;
    this.#netfilter.conntrack.delete(({ original, reply }) => {
      if (original.protocol !== 17) return false;
      const endpoints =
        valid.get(`${formatIp(original.dst)} ${original.dport}`) ?? nodePorts.get(original.dport);
      return endpoints !== undefined && !endpoints.has(formatIp(reply.src));
    });
  }
}

/** Rows are parsed once for all nodes: most nodes have the same ones. */
const parsedRules = new Map<string, Rule>();
const MAX_PARSED = 500_000;

function parseRule(family: IptablesFamily, table: TableName, text: string): Rule | undefined {
  const key = `${family} ${table} ${text}`;
  const known = parsedRules.get(key);
  if (known !== undefined) return known;
  const command = parseArguments(['-t', table, '-A', 'KUBE', ...splitWords(text)], {
    family,
    setExists: () => true,
  });
  if ('error' in command || command.operation.kind !== 'append') return undefined;
  const parsed = command.operation.rules[0];
  if (parsed === undefined || !('rule' in parsed)) return undefined;
  if (parsedRules.size >= MAX_PARSED) parsedRules.clear();
  parsedRules.set(key, parsed.rule);
  return parsed.rule;
}
