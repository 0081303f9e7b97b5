import { isLoopback, parseIp } from '../net/address.ts';
import { EndpointIndex, type EndpointSliceInput } from './endpoints.ts';
import { nodePortAddresses, nodePortNetworks, type ProxyNode } from './node.ts';
import { comment, serviceProgram } from './program.ts';
import { servicePorts, type ServiceInput, type ServicePort } from './service.ts';

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
  const ports = [...services].flatMap((service) => servicePorts(service, node)).sort(byName);
  const nodePorts = nodePortAddresses(node);
  for (const port of ports) {
    const { common, chains } = serviceProgram(port, endpoints.of(port), node, nodePorts.length > 0);
    for (const { table, chain, row } of common) tables[table].get(chain)?.push(row);
    for (const [chain, rows] of chains()) {
      tables.nat.set(chain, [...rows]);
      tables.owners.set(chain, port.service);
    }
  }
  tables.nat.get('KUBE-SERVICES')?.push(...nodePortJumps(node, nodePorts));
  return tables;
}

/** kube-proxy walks its Services in no order; here it is that of their ports' names. */
export function byName(a: ServicePort, b: ServicePort): number {
  return a.name < b.name ? -1 : a.name > b.name ? 1 : a.protocol < b.protocol ? -1 : 1;
}

/** The chains that are there without any Service. */
export function topLevelChains(node: ProxyNode): Tables {
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

/** The last rows of KUBE-SERVICES. */
export function nodePortJumps(node: ProxyNode, addresses: readonly string[]): readonly string[] {
  const note = comment('kubernetes service nodeports; NOTE: this must be the last rule in this chain');
  const loopback = node.family === 'IPv6' ? '::1/128' : '127.0.0.0/8';
  const localhost = node.family === 'IPv4' && node.localhostNodePorts;
  const networks = nodePortNetworks(node);
  if (networks.length === 0 || networks.some((cidr) => cidr === '0.0.0.0/0' || cidr === '::/0')) {
    return [`${note} -m addrtype --dst-type LOCAL${localhost ? '' : ` ! -d ${loopback}`} -j KUBE-NODEPORTS`];
  }
  return addresses.flatMap((ip) => {
    const parsed = parseIp(ip);
    return parsed !== undefined && isLoopback(parsed) && !localhost
      ? []
      : [`${note} -d ${ip} -j KUBE-NODEPORTS`];
  });
}
