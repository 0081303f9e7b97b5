import { familyOf, isIpv6, lowWord } from '../net/address.ts';
import type { Family, Ip, Mac, Prefix } from '../net/address.ts';
import type { Device } from '../net/device.ts';
import type { Netns } from '../net/netns.ts';

/** What a CNI plugin knows of a machine. */
export interface CniNode {
  readonly name: string;
  readonly netns: Netns;
  /** The NIC towards the other nodes. */
  readonly uplink: Device;
  /** InternalIPs, the primary family's first; one of each family at most. */
  readonly ips: readonly Ip[];
  readonly podCIDRs: readonly Prefix[];
}

export interface CniPod {
  readonly uid: string;
  readonly namespace: string;
  readonly name: string;
  /** Still without interfaces but `lo`. */
  readonly netns: Netns;
}

export type CniResult =
  | {
      readonly ok: true;
      readonly ips: readonly Ip[];
    }
  /** As the runtime reports it: `plugin type="flannel" failed (add): …`. */
  | { readonly ok: false; readonly message: string };

/**
 * A network plugin and its daemons: what makes a machine's pods reachable. One file implements one. A plugin programs
 * namespaces as its real counterpart does, and knows nothing of Services.
 */
export interface Cni {
  readonly name: string;
  /** Whether NetworkPolicies have an effect. */
  readonly enforcesPolicy: boolean;
  addNode(node: CniNode): void;
  removeNode(name: string): void;
  addPod(node: CniNode, pod: CniPod): CniResult;
  /** What the host end of the pod's link is called. */
  hostDevice(pod: CniPod): string;
  /** The pod's namespace, and with it its link, goes away after this. */
  deletePod(node: CniNode, pod: CniPod): void;
}

export interface CniEnvironment {
  /** The cluster's pod networks, one of each family. */
  readonly clusterCIDRs: readonly Prefix[];
  /** A MAC for an interface that gets a random one. */
  newMac(): Mac;
}

/** A node's part of one family's pod network. */
export interface NodeNetwork {
  readonly family: Family;
  /** The node's address. */
  readonly ip: Ip;
  readonly subnet: Prefix;
  /** The network of all pods. */
  readonly cluster: Prefix;
}

/** The families that a node has both an address and a pod subnet of, in the order of its subnets. */
export function nodeNetworks({ ips, podCIDRs }: CniNode, { clusterCIDRs }: CniEnvironment): NodeNetwork[] {
  return podCIDRs.flatMap((subnet) => {
    const family = familyOf(subnet.ip);
    const ip = ips.find((one) => familyOf(one) === family);
    const cluster = clusterCIDRs.find((one) => familyOf(one.ip) === family);
    return ip === undefined || cluster === undefined ? [] : [{ family, ip, subnet, cluster }];
  });
}

/** `0a:58:` and the address: what the bridge plugin gives interfaces (plugins/pkg/utils/hwaddr). */
export function macOfIp(prefix: number, ip: Ip): Mac {
  return prefix * 0x1_0000_0000 + lowWord(ip);
}

const POD_MAC = 0x0a58;

/** The MAC of a pod's or a bridge's interface: made of its address, of its own where that is IPv6. */
export function interfaceMac(ip: Ip | undefined, environment: Pick<CniEnvironment, 'newMac'>): Mac {
  return ip === undefined || isIpv6(ip) ? environment.newMac() : macOfIp(POD_MAC, ip);
}
