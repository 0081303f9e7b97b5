import type { IptablesFamily, TableName } from '../net/iptables-rule.ts';
import type { Netfilter } from '../net/netfilter.ts';
import type { EndpointSliceInput } from './endpoints.ts';
import { NodeTable } from './nftables/source.ts';
import { familyWord, TABLE_COMMENT } from './nftables/table.ts';
import type { ProxyNode } from './node.ts';
import type { ServiceInput } from './service.ts';
import { commonRows, NodeChains } from './shared.ts';
import { forgetStaleConnections } from './stale-connections.ts';
import { proxyState } from './state.ts';

export type ProxyMode = 'iptables' | 'nftables';

/** kube-proxy on one node. */
export interface KubeProxy {
  /**
   * Makes the node's rules those of the Services and EndpointSlices. Nodes that are synced from the same two arrays share
   * the work, and a Service that is the same object, with the same slices, is not worked out again.
   */
  sync(services: Iterable<ServiceInput>, slices: Iterable<EndpointSliceInput>): void;
}

/** The proxy of a mode. */
export function createKubeProxy(mode: ProxyMode, node: ProxyNode, netfilter: Netfilter): KubeProxy {
  return mode === 'iptables' ? new IptablesProxy(node, netfilter) : new NftablesProxy(node, netfilter);
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
const CANARIES = ['KUBE-KUBELET-CANARY', 'KUBE-PROXY-CANARY'];

class IptablesProxy implements KubeProxy {
  readonly #node: ProxyNode;
  readonly #netfilter: Netfilter;
  readonly #family: IptablesFamily;
  readonly #chains: NodeChains;
  #started = false;

  constructor(node: ProxyNode, netfilter: Netfilter) {
    this.#node = node;
    this.#netfilter = netfilter;
    this.#family = node.family === 'IPv4' ? 'ipv4' : 'ipv6';
    this.#chains = new NodeChains(node, CANARIES);
  }

  sync(services: Iterable<ServiceInput>, slices: Iterable<EndpointSliceInput>): void {
    const serviceList = listOf(services);
    const sliceList = listOf(slices);
    this.#chains.update(proxyState(serviceList, sliceList));
    if (!this.#started) this.#start();
    else forgetStaleConnections(this.#netfilter.conntrack, this.#node, serviceList, sliceList);
    this.#started = true;
  }

  #start(): void {
    const ruleset = this.#netfilter.ruleset(this.#family);
    ruleset.attach('filter', this.#chains.source('filter'));
    ruleset.attach('nat', this.#chains.source('nat'));
    const positions = new Map<string, number>();
    for (const [table, chain, row] of JUMPS) {
      const target = /-j (\S+)$/.exec(row)?.[1] ?? '';
      if (!ruleset.table(table).has(target)) continue;
      const position = (positions.get(`${table} ${chain}`) ?? 0) + 1;
      positions.set(`${table} ${chain}`, position);
      for (const rule of commonRows(this.#family, table, [row])) ruleset.insert(table, chain, rule, position);
    }
  }
}

class NftablesProxy implements KubeProxy {
  readonly #node: ProxyNode;
  readonly #netfilter: Netfilter;
  readonly #table: NodeTable;
  #started = false;

  constructor(node: ProxyNode, netfilter: Netfilter) {
    this.#node = node;
    this.#netfilter = netfilter;
    this.#table = new NodeTable(node);
  }

  sync(services: Iterable<ServiceInput>, slices: Iterable<EndpointSliceInput>): void {
    const serviceList = listOf(services);
    const sliceList = listOf(slices);
    this.#table.update(proxyState(serviceList, sliceList));
    const { nft, conntrack } = this.#netfilter;
    const family = familyWord(this.#node);
    // A sync that finds its table gone makes it anew.
    if (nft.table(family, 'kube-proxy') === undefined)
      nft.attach(family, 'kube-proxy', this.#table).comment = TABLE_COMMENT;
    if (this.#started) forgetStaleConnections(conntrack, this.#node, serviceList, sliceList);
    this.#started = true;
  }
}

/** The same list for the same list: what is worked out for it is kept with it. */
function listOf<T>(items: Iterable<T>): readonly T[] {
  return Array.isArray(items) ? items : [...items];
}
