import { parseIp, parsePrefix, prefixContains } from '../../net/address.ts';
import { categorize, type ProxyEndpoint } from '../endpoints.ts';
import type { DetectLocal, ProxyNode } from '../node.ts';
import {
  isExternallyAccessible,
  usesClusterEndpoints,
  usesLocalEndpoints,
  type ServicePort,
} from '../service.ts';
import { endpointName, serviceChainName, type ServiceChainKind } from './names.ts';
import { familyWord } from './table.ts';

/** What one Service port puts into a set or map of the table. */
export interface PortElement {
  readonly set: string;
  /** Its fields, as text. */
  readonly key: readonly string[];
  readonly verdict?: string;
  readonly comment?: string;
}

/** What one Service port adds to the table. */
export interface NftProgram {
  readonly elements: readonly PortElement[];
  /** Its own chains in the order of their making, each with its rules. Made when they are asked for, as are the names of endpoints. */
  readonly chains: () => ReadonlyMap<string, readonly string[]>;
  /** Sets that remember clients. */
  readonly affinitySets: () => readonly string[];
}

/** `ip saddr 10.0.0.0/8`, `iifname != "cni0"`, …; undefined when local traffic cannot be told. */
function localMatch(detect: DetectLocal, word: string, local: 'local' | 'other'): string | undefined {
  const not = local === 'local' ? '' : '!= ';
  switch (detect.mode) {
    case 'none':
      return undefined;
    case 'cidr':
      return `${word} saddr ${not}${detect.cidr}`;
    case 'interface':
      return `iifname ${not}"${detect.name}"`;
  }
}

/** The part of syncProxyRules that stands in the loop over all Service ports. */
export function nftProgram(port: ServicePort, all: readonly ProxyEndpoint[], node: ProxyNode): NftProgram {
  const { cluster, local, reachable, any } = categorize(all, port, {
    name: node.name,
    zone: node.zone,
    hints: node.hints,
  });
  const word = familyWord(node);
  const { protocol, name } = port;
  const chainOf = (kind: ServiceChainKind): string => serviceChainName(kind, port);
  const clusterChain = chainOf('service');
  const localChain = chainOf('local');
  const external = chainOf('external');
  const firewall = chainOf('firewall');
  const internal = port.internalPolicyLocal ? localChain : clusterChain;
  const hasInternal = any && (!port.internalPolicyLocal || local.length > 0);
  const hasExternal = any && (!port.externalPolicyLocal || local.length > 0);
  const usesExternal = any && isExternallyAccessible(port);
  const firewalled = port.loadBalancerVIPs.length > 0 && port.loadBalancerSourceRanges.length > 0;

  const elements: PortElement[] = [{ set: 'cluster-ips', key: [port.clusterIP] }];
  const refuse = any ? 'drop' : 'goto reject-chain';
  const at = (ip: string): readonly string[] => [ip, protocol, String(port.port)];
  const serve = (set: string, key: readonly string[], chain: string): void => {
    elements.push({ set, key, verdict: `goto ${chain}` });
  };
  const missing = (set: string, key: readonly string[]): void => {
    elements.push({ set, key, verdict: refuse, comment: name });
  };
  if (hasInternal) serve('service-ips', at(port.clusterIP), internal);
  else missing('no-endpoint-services', at(port.clusterIP));
  for (const ip of port.externalIPs) {
    if (any) serve('service-ips', at(ip), external);
    if (!hasExternal) missing('no-endpoint-services', at(ip));
  }
  for (const ip of port.loadBalancerVIPs) {
    if (any) serve('service-ips', at(ip), external);
    if (firewalled) serve('firewall-ips', at(ip), firewall);
    if (!hasExternal) missing('no-endpoint-services', at(ip));
  }
  if (port.nodePort !== 0) {
    const key = [protocol, String(port.nodePort)];
    if (any) serve('service-nodeports', key, external);
    if (!hasExternal) missing('no-endpoint-nodeports', key);
  }

  const makeChains = (): ReadonlyMap<string, readonly string[]> => {
    const chains = new Map<string, string[]>();
    for (const { endpoint } of reachable) chains.set(endpointName('endpoint', port, endpoint), []);
    if (cluster.length > 0 && usesClusterEndpoints(port)) chains.set(clusterChain, []);
    if (local.length > 0 && usesLocalEndpoints(port)) chains.set(localChain, []);
    if (usesExternal) chains.set(external, []);
    if (firewalled) chains.set(firewall, []);
    const rule = (chain: string, text: string): void => {
      chains.get(chain)?.push(text);
    };

    if (hasInternal) {
      const outside = node.masqueradeAll === true ? '' : localMatch(node.detectLocal, word, 'other');
      if (outside !== undefined)
        rule(
          internal,
          `${word} daddr ${port.clusterIP} ${protocol} dport ${port.port} ${outside} jump mark-for-masquerade`,
        );
    }
    if (usesExternal) {
      if (!port.externalPolicyLocal) rule(external, 'jump mark-for-masquerade');
      else {
        const pods = localMatch(node.detectLocal, word, 'local');
        if (pods !== undefined)
          rule(external, `${pods} goto ${clusterChain} comment "short-circuit pod traffic"`);
        rule(external, 'fib saddr type local jump mark-for-masquerade comment "masquerade local traffic"');
        rule(external, `fib saddr type local goto ${clusterChain} comment "short-circuit local traffic"`);
      }
      if (hasExternal) rule(external, `goto ${port.externalPolicyLocal ? localChain : clusterChain}`);
    }
    if (firewalled) rule(firewall, `${word} saddr != { ${allowedSources(port, node).join(', ')} } drop`);
    for (const [chain, endpoints] of [
      [clusterChain, cluster],
      [localChain, local],
    ] as const)
      for (const text of chains.has(chain) ? balancing(port, endpoints, word) : []) rule(chain, text);
    for (const { endpoint, ip } of reachable) {
      const chain = endpointName('endpoint', port, endpoint);
      rule(chain, `${word} saddr ${ip} jump mark-for-masquerade`);
      if (port.affinity !== undefined)
        rule(chain, `update @${endpointName('affinity', port, endpoint)} { ${word} saddr }`);
      rule(chain, `meta l4proto ${protocol} dnat to ${endpoint}`);
    }
    return chains;
  };
  const affinitySets = (): readonly string[] =>
    port.affinity === undefined
      ? []
      : reachable.map(({ endpoint }) => endpointName('affinity', port, endpoint));
  return { elements, chains: makeChains, affinitySets };
}

/** Client affinity first, then one draw among all endpoints. */
function balancing(port: ServicePort, endpoints: readonly ProxyEndpoint[], word: string): string[] {
  const chainOf = ({ endpoint }: ProxyEndpoint): string => endpointName('endpoint', port, endpoint);
  const affine =
    port.affinity === undefined
      ? []
      : endpoints.map(
          (endpoint) =>
            `${word} saddr @${endpointName('affinity', port, endpoint.endpoint)} goto ${chainOf(endpoint)}`,
        );
  const choices = endpoints.map((endpoint, i) => `${i} : goto ${chainOf(endpoint)}`).join(', ');
  return [...affine, `numgen random mod ${endpoints.length} vmap { ${choices} }`];
}

/** The load balancer's address is often the node's own too: then what the node sends it comes from that address. */
function allowedSources(port: ServicePort, node: ProxyNode): readonly string[] {
  const nodeIP = parseIp(node.nodeIP);
  const fromNode = port.loadBalancerSourceRanges.some((cidr) => {
    const prefix = parsePrefix(cidr);
    return prefix !== undefined && nodeIP !== undefined && prefixContains(prefix, nodeIP);
  });
  return [...port.loadBalancerSourceRanges, ...(fromNode ? port.loadBalancerVIPs : [])];
}
