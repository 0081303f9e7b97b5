import { parseIp, parsePrefix, prefixContains } from '../net/address.ts';
import { canonicalIp, type IpFamily } from './address.ts';
import type { HintsMode } from './endpoints.ts';

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
  /** The family's ranges of ClusterIPs, which nftables mode keeps clear. */
  readonly serviceCIDRs?: readonly string[];
}

/** The node's addresses that answer for NodePorts: all of its family, or those in the configured networks. */
export function nodePortAddresses(node: ProxyNode): readonly string[] {
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

/** The networks of `--nodeport-addresses` in the node's family; none: all addresses. */
export function nodePortNetworks(node: ProxyNode): readonly string[] {
  return (node.nodePortAddresses ?? []).filter((cidr) => cidr.includes(':') === (node.family === 'IPv6'));
}
