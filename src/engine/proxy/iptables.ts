import { isLoopback, parseIp, parsePrefix, prefixContains } from '../net/address.ts';
import type { IpFamily } from './address.ts';
import { canonicalIp } from './address.ts';
import { endpointChain, serviceChain } from './chains.ts';
import {
  categorize,
  EndpointIndex,
  type EndpointSliceInput,
  type HintsMode,
  type ProxyEndpoint,
} from './endpoints.ts';
import {
  isExternallyAccessible,
  servicePorts,
  usesClusterEndpoints,
  usesLocalEndpoints,
  type ServiceInput,
  type ServicePort,
} from './service.ts';

/** How kube-proxy tells pods' traffic from other traffic (`detectLocalMode`). */
export type DetectLocal =
  | { readonly mode: 'none' }
  | { readonly mode: 'cidr'; readonly cidr: string }
  | { readonly mode: 'interface'; readonly name: string };

/** What kube-proxy knows of its node and was configured with. */
export interface ProxyNode {
  readonly name: string;
  readonly family: IpFamily;
  readonly nodeIP: string;
  /** Addresses of the node's interfaces, with or without a length. */
  readonly addresses: readonly string[];
  readonly zone?: string | undefined;
  readonly detectLocal: DetectLocal;
  readonly masqueradeAll?: boolean;
  /** Default 0x4000. */
  readonly masqueradeMark?: string;
  /** Whether iptables knows `--random-fully`. */
  readonly randomFully: boolean;
  readonly localhostNodePorts: boolean;
  /** Empty or absent: all. */
  readonly nodePortAddresses?: readonly string[] | null;
  readonly loadBalancerIPMode: boolean;
  /** Whether the kernel has nfacct, which 1.32 counts with. */
  readonly nfacct: boolean;
  readonly hints: HintsMode;
}

/** Rules of one table: chain → rows, each as kube-proxy writes it after `-A CHAIN `. */
export type ChainRules = ReadonlyMap<string, readonly string[]>;

export interface ProxyRules {
  readonly filter: ChainRules;
  readonly nat: ChainRules;
  /** Which Service each of its own chains belongs to, so that a sync can leave the others alone. */
  readonly owners: ReadonlyMap<string, string>;
}

interface Tables {
  readonly filter: Map<string, string[]>;
  readonly nat: Map<string, string[]>;
  readonly owners: Map<string, string>;
}

/** The iptables proxier of pkg/proxy/iptables (1.29 to 1.33) as a function: all its chains and rules on a node. */
export function proxyRules(
  services: Iterable<ServiceInput>,
  slices: Iterable<EndpointSliceInput>,
  node: ProxyNode,
): ProxyRules {
  const tables = topLevelChains(node);
  const endpoints = new EndpointIndex(slices, node.family, node.name);
  const ports = [...services].flatMap((service) => servicePorts(service, node));
  ports.sort((a, b) => (a.name < b.name ? -1 : a.name > b.name ? 1 : a.protocol < b.protocol ? -1 : 1));
  const nodePorts = nodePortAddresses(node);
  for (const port of ports) writeService(tables, port, endpoints.of(port), node, nodePorts.length > 0);
  writeNodePortJumps(tables, node, nodePorts);
  return tables;
}

function topLevelChains(node: ProxyNode): Tables {
  const mark = node.masqueradeMark ?? '0x4000';
  const invalid = node.nfacct ? ' -m nfacct --nfacct-name ct_state_invalid_dropped_pkts' : '';
  const filter = new Map<string, string[]>([
    ['KUBE-NODEPORTS', []],
    ['KUBE-SERVICES', []],
    ['KUBE-EXTERNAL-SERVICES', []],
  ]);
  if (node.localhostNodePorts && node.family === 'IPv4') {
    filter.set('KUBE-FIREWALL', [
      '-m comment --comment "block incoming localnet connections" -d 127.0.0.0/8 ! -s 127.0.0.0/8 -m conntrack ! --ctstate RELATED,ESTABLISHED,DNAT -j DROP',
    ]);
  }
  filter.set('KUBE-FORWARD', [
    `-m conntrack --ctstate INVALID${invalid} -j DROP`,
    `-m comment --comment "kubernetes forwarding rules" -m mark --mark ${mark}/${mark} -j ACCEPT`,
    '-m comment --comment "kubernetes forwarding conntrack rule" -m conntrack --ctstate RELATED,ESTABLISHED -j ACCEPT',
  ]);
  filter.set('KUBE-PROXY-FIREWALL', []);
  const nat = new Map<string, string[]>([
    ['KUBE-NODEPORTS', []],
    ['KUBE-SERVICES', []],
    ['KUBE-MARK-MASQ', [`-j MARK --or-mark ${mark}`]],
    [
      'KUBE-POSTROUTING',
      [
        `-m mark ! --mark ${mark}/${mark} -j RETURN`,
        `-j MARK --xor-mark ${mark}`,
        `-m comment --comment "kubernetes service traffic requiring SNAT" -j MASQUERADE${node.randomFully ? ' --random-fully' : ''}`,
      ],
    ],
  ]);
  return { filter, nat, owners: new Map() };
}

function comment(text: string): string {
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

function writeService(
  tables: Tables,
  port: ServicePort,
  all: readonly ProxyEndpoint[],
  node: ProxyNode,
  nodePorts: boolean,
): void {
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
    append(
      tables.nat,
      'KUBE-SERVICES',
      `${comment(`${name} cluster IP`)} ${to(port.clusterIP)} -j ${internalChain}`,
    );
  else append(tables.filter, 'KUBE-SERVICES', `${refuse} ${to(port.clusterIP)} -j ${verdict}`);

  for (const ip of port.externalIPs) {
    if (any)
      append(tables.nat, 'KUBE-SERVICES', `${comment(`${name} external IP`)} ${to(ip)} -j ${external}`);
    if (!hasExternal) append(tables.filter, 'KUBE-EXTERNAL-SERVICES', `${refuse} ${to(ip)} -j ${verdict}`);
  }
  for (const ip of port.loadBalancerVIPs) {
    if (any) {
      append(
        tables.nat,
        'KUBE-SERVICES',
        `${comment(`${name} loadbalancer IP`)} ${to(ip)} -j ${firewalled ? chainOf('FW') : external}`,
      );
    }
    if (firewalled) {
      append(
        tables.filter,
        'KUBE-PROXY-FIREWALL',
        `${comment(`${name} traffic not accepted by ${chainOf('FW')}`)} ${to(ip)} -j DROP`,
      );
    }
  }
  if (!hasExternal) {
    for (const ip of port.loadBalancerVIPs)
      append(tables.filter, 'KUBE-EXTERNAL-SERVICES', `${refuse} ${to(ip)} -j ${verdict}`);
  }
  if (port.nodePort !== 0 && nodePorts) {
    if (any) {
      if (node.localhostNodePorts && node.family === 'IPv4' && node.nfacct) {
        append(
          tables.nat,
          'KUBE-NODEPORTS',
          `-m comment --comment ${name} ${protocolMatch} -d 127.0.0.0/8 --dport ${port.nodePort} -m nfacct --nfacct-name localhost_nps_accepted_pkts -j ${external}`,
        );
      }
      append(
        tables.nat,
        'KUBE-NODEPORTS',
        `-m comment --comment ${name} ${protocolMatch} --dport ${port.nodePort} -j ${external}`,
      );
    }
    if (!hasExternal) {
      append(
        tables.filter,
        'KUBE-EXTERNAL-SERVICES',
        `${refuse} -m addrtype --dst-type LOCAL ${protocolMatch} --dport ${port.nodePort} -j ${verdict}`,
      );
    }
  }
  if (port.healthCheckNodePort !== 0) {
    append(
      tables.filter,
      'KUBE-NODEPORTS',
      `${comment(`${name} health check node port`)} -m tcp -p tcp --dport ${port.healthCheckNodePort} -j ACCEPT`,
    );
  }
  const own = new ServiceChains(tables, port);
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
}

function append(table: Map<string, string[]>, chain: string, rule: string): void {
  const rules = table.get(chain);
  if (rules === undefined) table.set(chain, [rule]);
  else rules.push(rule);
}

/** The chains that belong to one Service port alone. */
class ServiceChains {
  readonly #tables: Tables;
  readonly #port: ServicePort;

  constructor(tables: Tables, port: ServicePort) {
    this.#tables = tables;
    this.#port = port;
  }

  write(chain: string, rule: string): void {
    this.#tables.owners.set(chain, this.#port.service);
    append(this.#tables.nat, chain, rule);
  }

  declare(chain: string): void {
    this.#tables.owners.set(chain, this.#port.service);
    if (!this.#tables.nat.has(chain)) this.#tables.nat.set(chain, []);
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

/** The node's addresses that answer for NodePorts: all of its family, or those in the configured networks. */
function nodePortAddresses(node: ProxyNode): readonly string[] {
  const own = node.addresses.flatMap(
    (address) => canonicalIp(address.split('/')[0] ?? '', node.family) ?? [],
  );
  const networks = nodePortNetworks(node);
  if (networks.length === 0) return own;
  return own.filter((ip) => {
    const parsed = parseIp(ip);
    return networks.some((cidr) => {
      const prefix = parsePrefix(cidr);
      return prefix !== undefined && parsed !== undefined && prefixContains(prefix, parsed);
    });
  });
}

function nodePortNetworks(node: ProxyNode): readonly string[] {
  return (node.nodePortAddresses ?? []).filter((cidr) => cidr.includes(':') === (node.family === 'IPv6'));
}

function writeNodePortJumps(tables: Tables, node: ProxyNode, addresses: readonly string[]): void {
  const note = comment('kubernetes service nodeports; NOTE: this must be the last rule in this chain');
  const loopback = node.family === 'IPv6' ? '::1/128' : '127.0.0.0/8';
  const localhost = node.family === 'IPv4' && node.localhostNodePorts;
  const networks = nodePortNetworks(node);
  if (networks.length === 0 || networks.some((cidr) => cidr === '0.0.0.0/0' || cidr === '::/0')) {
    append(
      tables.nat,
      'KUBE-SERVICES',
      `${note} -m addrtype --dst-type LOCAL${localhost ? '' : ` ! -d ${loopback}`} -j KUBE-NODEPORTS`,
    );
    return;
  }
  for (const ip of addresses) {
    const parsed = parseIp(ip);
    if (parsed !== undefined && isLoopback(parsed) && !localhost) continue;
    append(tables.nat, 'KUBE-SERVICES', `${note} -d ${ip} -j KUBE-NODEPORTS`);
  }
}
