import { addressBits, familyOf, formatPrefix } from '../net/address.ts';
import type { Family, Ip, Mac, Prefix } from '../net/address.ts';
import { createVxlan } from '../net/link.ts';
import { VxlanDevice } from '../net/vxlan.ts';
import { BridgePlugin, vethName } from './bridge.ts';
import { macOfIp, nodeNetworks } from './cni.ts';
import { Mesh } from './mesh.ts';
import type { Peer } from './mesh.ts';
import { programRules } from './rules.ts';
import type { Cni, CniEnvironment, CniNode, CniPod, CniResult, NodeNetwork } from './cni.ts';

const VXLAN_MAC = 0x02f1;
/** 50 bytes of outer Ethernet, IPv4, UDP and VXLAN headers; flannel reckons the same over IPv6, where it is 70. */
const VXLAN_OVERHEAD = 50;
const TUNNEL: Readonly<Record<Family, string>> = { 4: 'flannel.1', 6: 'flannel-v6.1' };

/** A node's part in one family. */
interface Lease extends NodeNetwork {
  readonly tunnel: VxlanDevice | undefined;
}

interface Member extends Peer {
  readonly leases: readonly Lease[];
}

/**
 * flannel: one subnet per node and family; between nodes VXLAN (pkg/backend/vxlan) or plain routes (pkg/backend/hostgw); on a
 * node the `bridge` plugin. `flannel.1`, and `flannel-v6.1` over the nodes' IPv6 addresses, has the subnet's network address, a
 * permanent neighbour and an FDB entry per node.
 */
export class Flannel implements Cni {
  readonly name = 'flannel';
  readonly enforcesPolicy = false;
  readonly #backend: 'vxlan' | 'host-gw';
  readonly #environment: CniEnvironment;
  readonly #bridge: BridgePlugin;
  readonly #mesh = new Mesh<Member>({ connect, disconnect });

  constructor(backend: 'vxlan' | 'host-gw', environment: CniEnvironment) {
    this.#backend = backend;
    this.#environment = environment;
    this.#bridge = new BridgePlugin(backend === 'vxlan' ? 1500 - VXLAN_OVERHEAD : 1500, environment);
  }

  addNode(node: CniNode): void {
    const leases = nodeNetworks(node, this.#environment).map((network): Lease => ({
      ...network,
      tunnel: this.#backend === 'vxlan' ? makeTunnel(node, network) : undefined,
    }));
    this.#bridge.addNode(node);
    const devices = leases.map(({ tunnel }) => tunnel ?? node.uplink);
    this.#mesh.join({ node, leases, devices });
    for (const { family, cluster, subnet } of leases) {
      this.#mesh.announce(node.name, subnet);
      node.netns.defer(() => programRules(node.netns, family, rules(family, cluster, subnet)));
    }
  }

  removeNode(name: string): void {
    this.#bridge.removeNode(name);
    this.#mesh.leave(name);
  }

  addPod(node: CniNode, pod: CniPod): CniResult {
    return this.#bridge.addPod(node, pod);
  }

  hostDevice({ uid }: CniPod): string {
    return vethName(uid);
  }

  deletePod(node: CniNode, pod: CniPod): void {
    this.#bridge.deletePod(node, pod);
  }
}

function makeTunnel(
  { netns, uplink }: CniNode,
  { family, ip, subnet }: NodeNetwork,
): VxlanDevice | undefined {
  const tunnel = createVxlan(netns, TUNNEL[family], {
    vni: 1,
    local: ip,
    dev: uplink,
    port: 8472,
    mac: tunnelMac(ip),
    mtu: uplink.mtu - VXLAN_OVERHEAD,
    learning: false,
  });
  if (!(tunnel instanceof VxlanDevice)) return undefined;
  netns.addAddress(tunnel, { ip: subnet.ip, length: addressBits(subnet.ip) });
  netns.setLink(tunnel.name, { up: true });
  return tunnel;
}

function tunnelMac(ip: Ip): Mac {
  return macOfIp(VXLAN_MAC, ip);
}

/** What flanneld on `from` does when it hears of the lease of `to`. */
function connect(from: Member, to: Member, subnet: Prefix): void {
  const own = leaseOf(from, subnet);
  const other = leaseOf(to, subnet);
  if (own === undefined || other === undefined || subnet.ip === own.subnet.ip) return;
  const { netns, uplink } = from.node;
  if (own.tunnel === undefined) {
    netns.routes.replace({ dst: subnet, via: other.ip, dev: uplink, protocol: 'boot' });
    return;
  }
  const mac = tunnelMac(other.ip);
  netns.neighbours.replace(own.tunnel, subnet.ip, mac, 'PERMANENT');
  own.tunnel.fdbReplace(mac, other.ip);
  netns.routes.replace({ dst: subnet, via: subnet.ip, dev: own.tunnel, onlink: true, protocol: 'boot' });
}

function disconnect(from: Member, to: Member, subnet: Prefix): void {
  const { netns } = from.node;
  netns.routes.delete({ dst: subnet });
  const tunnel = leaseOf(from, subnet)?.tunnel;
  const other = leaseOf(to, subnet);
  if (tunnel === undefined || other === undefined) return;
  netns.neighbours.delete(tunnel, subnet.ip);
  tunnel.fdbDelete(tunnelMac(other.ip), other.ip);
}

function leaseOf({ leases }: Member, { ip }: Prefix): Lease | undefined {
  return leases.find(({ family }) => family === familyOf(ip));
}

const MULTICAST: Readonly<Record<Family, string>> = { 4: '224.0.0.0/4', 6: 'ff00::/8' };

/** pkg/trafficmngr/iptables of flannel: forward what is the cluster's, masquerade what leaves it. */
function rules(family: Family, cluster: Prefix, subnet: Prefix): string {
  const [all, own] = [formatPrefix(cluster), formatPrefix(subnet)];
  const forward = '-m comment --comment "flanneld forward"';
  const masq = '-m comment --comment "flanneld masq"';
  return `*filter
:FLANNEL-FWD - [0:0]
-A FORWARD ${forward} -j FLANNEL-FWD
-A FLANNEL-FWD -s ${all} ${forward} -j ACCEPT
-A FLANNEL-FWD -d ${all} ${forward} -j ACCEPT
COMMIT
*nat
:FLANNEL-POSTRTG - [0:0]
-A POSTROUTING ${masq} -j FLANNEL-POSTRTG
-A FLANNEL-POSTRTG -m mark --mark 0x4000/0x4000 ${masq} -j RETURN
-A FLANNEL-POSTRTG -s ${own} -d ${all} ${masq} -j RETURN
-A FLANNEL-POSTRTG -s ${all} -d ${own} ${masq} -j RETURN
-A FLANNEL-POSTRTG ! -s ${all} -d ${own} ${masq} -j RETURN
-A FLANNEL-POSTRTG -s ${all} ! -d ${MULTICAST[family]} ${masq} -j MASQUERADE --random-fully
-A FLANNEL-POSTRTG ! -s ${all} -d ${all} ${masq} -j MASQUERADE --random-fully
COMMIT
`;
}
