import { parseIp, parsePrefix, prefixContains } from '../net/address.ts';
import { endpointChain, serviceChain } from './chains.ts';
import { categorize, type HintsMode, type ProxyEndpoint } from './endpoints.ts';
import type { DetectLocal, ProxyNode } from './node.ts';
import {
  isExternallyAccessible,
  usesClusterEndpoints,
  usesLocalEndpoints,
  type ServicePort,
} from './service.ts';

export function comment(text: string): string {
  return `-m comment --comment "${text}"`;
}

/** `-s CIDR`, `! -s CIDR`, `-i cni0`, …; undefined when local traffic cannot be told. */
function localMatch(detect: DetectLocal, local: boolean): string | undefined {
  const bang = local ? '' : '! ';
  switch (detect.mode) {
    case 'none':
      return undefined;
    case 'cidr':
      return `${bang}-s ${detect.cidr}`;
    case 'interface':
      return `${bang}-i ${detect.name}`;
  }
}

/** What one Service port adds: rows of the common chains, and chains of its own. */
export interface ServiceProgram {
  readonly common: readonly CommonRow[];
  /** Made when they are asked for. All in the nat table. */
  readonly chains: () => ReadonlyMap<string, readonly string[]>;
}

export interface CommonRow {
  readonly table: 'filter' | 'nat';
  readonly chain: string;
  readonly row: string;
}

/** Whether the rules of a port differ between nodes that are configured alike. */
export function dependsOnNode(
  port: ServicePort,
  endpoints: readonly ProxyEndpoint[],
  hints: HintsMode,
): boolean {
  if (usesLocalEndpoints(port) || port.loadBalancerSourceRanges.length > 0) return true;
  return (
    hints !== 'ignored' &&
    endpoints.some((endpoint) => endpoint.zoneHints.length > 0 || endpoint.nodeHints.length > 0)
  );
}

/** The part of syncProxyRules that stands in the loop over all Service ports. `nodePorts`: the node has addresses for them. */
export function serviceProgram(
  port: ServicePort,
  all: readonly ProxyEndpoint[],
  node: ProxyNode,
  nodePorts: boolean,
): ServiceProgram {
  const rows: CommonRow[] = [];
  const common = (table: 'filter' | 'nat', chain: string, row: string): void => {
    rows.push({ table, chain, row });
  };
  const { cluster, local, reachable, any } = categorize(all, port, {
    name: node.name,
    zone: node.zone,
    hints: node.hints,
  });
  const { name, protocol } = port;
  const chainOf = (kind: 'SVC' | 'SVL' | 'EXT' | 'FW'): string => serviceChain(kind, name, protocol);
  const internalChain = chainOf(port.internalPolicyLocal ? 'SVL' : 'SVC');
  const hasInternal = port.internalPolicyLocal ? any && local.length > 0 : any;
  const hasExternal = port.externalPolicyLocal ? any && local.length > 0 : any;
  const external = chainOf('EXT');
  const firewalled = any && port.loadBalancerVIPs.length > 0 && port.loadBalancerSourceRanges.length > 0;
  const refuse = any
    ? `${comment(`${name} has no local endpoints`)}`
    : `${comment(`${name} has no endpoints`)}`;
  const verdict = any ? 'DROP' : 'REJECT';
  const protocolMatch = `-m ${protocol} -p ${protocol}`;
  const to = (ip: string): string => `${protocolMatch} -d ${ip} --dport ${port.port}`;

  if (hasInternal)
    common(
      'nat',
      'KUBE-SERVICES',
      `${comment(`${name} cluster IP`)} ${to(port.clusterIP)} -j ${internalChain}`,
    );
  else common('filter', 'KUBE-SERVICES', `${refuse} ${to(port.clusterIP)} -j ${verdict}`);

  for (const ip of port.externalIPs) {
    if (any) common('nat', 'KUBE-SERVICES', `${comment(`${name} external IP`)} ${to(ip)} -j ${external}`);
    if (!hasExternal) common('filter', 'KUBE-EXTERNAL-SERVICES', `${refuse} ${to(ip)} -j ${verdict}`);
  }
  for (const ip of port.loadBalancerVIPs) {
    if (any) {
      common(
        'nat',
        'KUBE-SERVICES',
        `${comment(`${name} loadbalancer IP`)} ${to(ip)} -j ${firewalled ? chainOf('FW') : external}`,
      );
    }
    if (firewalled) {
      common(
        'filter',
        'KUBE-PROXY-FIREWALL',
        `${comment(`${name} traffic not accepted by ${chainOf('FW')}`)} ${to(ip)} -j DROP`,
      );
    }
  }
  if (!hasExternal) {
    for (const ip of port.loadBalancerVIPs)
      common('filter', 'KUBE-EXTERNAL-SERVICES', `${refuse} ${to(ip)} -j ${verdict}`);
  }
  if (port.nodePort !== 0 && nodePorts) {
    if (any) {
      if (node.localhostNodePorts && node.family === 'IPv4' && node.nfacct) {
        common(
          'nat',
          'KUBE-NODEPORTS',
          `-m comment --comment ${name} ${protocolMatch} -d 127.0.0.0/8 --dport ${port.nodePort} -m nfacct --nfacct-name localhost_nps_accepted_pkts -j ${external}`,
        );
      }
      common(
        'nat',
        'KUBE-NODEPORTS',
        `-m comment --comment ${name} ${protocolMatch} --dport ${port.nodePort} -j ${external}`,
      );
    }
    if (!hasExternal) {
      common(
        'filter',
        'KUBE-EXTERNAL-SERVICES',
        `${refuse} -m addrtype --dst-type LOCAL ${protocolMatch} --dport ${port.nodePort} -j ${verdict}`,
      );
    }
  }
  if (port.healthCheckNodePort !== 0) {
    common(
      'filter',
      'KUBE-NODEPORTS',
      `${comment(`${name} health check node port`)} -m tcp -p tcp --dport ${port.healthCheckNodePort} -j ACCEPT`,
    );
  }
  const chains = (): ReadonlyMap<string, readonly string[]> => {
    const own = new ServiceChains(port);
    if (hasInternal) {
      const outside = node.masqueradeAll === true ? '' : localMatch(node.detectLocal, false);
      if (outside !== undefined) {
        own.write(
          internalChain,
          `${comment(`${name} cluster IP`)} ${to(port.clusterIP)}${outside === '' ? '' : ` ${outside}`} -j KUBE-MARK-MASQ`,
        );
      }
    }
    if (any && isExternallyAccessible(port)) writeExternalChain(own, port, node, hasExternal);
    if (firewalled) writeFirewallChain(own, port, node);
    if (cluster.length > 0 && usesClusterEndpoints(port)) own.writeBalancing(chainOf('SVC'), cluster);
    if (local.length > 0 && usesLocalEndpoints(port)) own.writeBalancing(chainOf('SVL'), local);
    for (const endpoint of reachable) own.writeEndpoint(endpoint);
    return own.chains;
  };
  return { common: rows, chains };
}

/** The chains that belong to one Service port alone. */
class ServiceChains {
  readonly chains = new Map<string, string[]>();
  readonly #port: ServicePort;

  constructor(port: ServicePort) {
    this.#port = port;
  }

  write(chain: string, rule: string): void {
    this.declare(chain).push(rule);
  }

  declare(chain: string): string[] {
    let rules = this.chains.get(chain);
    if (rules === undefined) this.chains.set(chain, (rules = []));
    return rules;
  }

  /** Client affinity first, then one rule an endpoint: the first of n takes a packet with probability 1/n. */
  writeBalancing(chain: string, endpoints: readonly ProxyEndpoint[]): void {
    const { name, protocol, affinity } = this.#port;
    const rows = endpoints.map((endpoint) => ({
      comment: comment(`${name} -> ${endpoint.endpoint}`),
      chain: endpointChain(name, protocol, endpoint.endpoint),
    }));
    if (affinity !== undefined) {
      for (const row of rows) {
        this.write(
          chain,
          `${row.comment} -m recent --name ${row.chain} --rcheck --seconds ${affinity} --reap -j ${row.chain}`,
        );
      }
    }
    for (const [i, row] of rows.entries()) {
      const left = rows.length - i;
      const chance = left > 1 ? ` -m statistic --mode random --probability ${(1 / left).toFixed(10)}` : '';
      this.write(chain, `${row.comment}${chance} -j ${row.chain}`);
    }
  }

  writeEndpoint(endpoint: ProxyEndpoint): void {
    const { name, protocol, affinity } = this.#port;
    const chain = endpointChain(name, protocol, endpoint.endpoint);
    const recent = affinity === undefined ? '' : ` -m recent --name ${chain} --set`;
    this.write(chain, `-m comment --comment ${name} -s ${endpoint.ip} -j KUBE-MARK-MASQ`);
    this.write(
      chain,
      `-m comment --comment ${name}${recent} -m ${protocol} -p ${protocol} -j DNAT --to-destination ${endpoint.endpoint}`,
    );
  }
}

function writeExternalChain(
  own: ServiceChains,
  port: ServicePort,
  node: ProxyNode,
  hasExternal: boolean,
): void {
  const { name, protocol } = port;
  const chain = serviceChain('EXT', name, protocol);
  const clusterChain = serviceChain('SVC', name, protocol);
  own.declare(chain);
  if (!port.externalPolicyLocal) {
    own.write(chain, `${comment(`masquerade traffic for ${name} external destinations`)} -j KUBE-MARK-MASQ`);
  } else {
    const local = localMatch(node.detectLocal, true);
    if (local !== undefined) {
      own.write(
        chain,
        `${comment(`pod traffic for ${name} external destinations`)} ${local} -j ${clusterChain}`,
      );
    }
    const fromNode = '-m addrtype --src-type LOCAL';
    own.write(
      chain,
      `${comment(`masquerade LOCAL traffic for ${name} external destinations`)} ${fromNode} -j KUBE-MARK-MASQ`,
    );
    own.write(
      chain,
      `${comment(`route LOCAL traffic for ${name} external destinations`)} ${fromNode} -j ${clusterChain}`,
    );
  }
  if (hasExternal)
    own.write(chain, `-j ${serviceChain(port.externalPolicyLocal ? 'SVL' : 'SVC', name, protocol)}`);
}

function writeFirewallChain(own: ServiceChains, port: ServicePort, node: ProxyNode): void {
  const { name, protocol } = port;
  const chain = serviceChain('FW', name, protocol);
  const external = serviceChain('EXT', name, protocol);
  const nodeIP = parseIp(node.nodeIP);
  let fromNode = false;
  for (const cidr of port.loadBalancerSourceRanges) {
    own.write(chain, `${comment(`${name} loadbalancer IP`)} -s ${cidr} -j ${external}`);
    const prefix = parsePrefix(cidr);
    if (prefix !== undefined && nodeIP !== undefined && prefixContains(prefix, nodeIP)) fromNode = true;
  }
  // The load balancer's address is often the node's own too: then what the node sends it comes from that address.
  if (fromNode) {
    for (const ip of port.loadBalancerVIPs)
      own.write(chain, `${comment(`${name} loadbalancer IP`)} -s ${ip} -j ${external}`);
  }
  own.write(chain, comment(`other traffic to ${name} will be dropped by KUBE-PROXY-FIREWALL`));
}
