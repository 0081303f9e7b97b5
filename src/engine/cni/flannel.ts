import { formatPrefix, isIpv6 } from '../net/address.ts';
import type { Ip, Mac, Prefix } from '../net/address.ts';
import { createVxlan } from '../net/link.ts';
import { VxlanDevice } from '../net/vxlan.ts';
import { BridgePlugin } from './bridge.ts';
import { macOfIp } from './cni.ts';
import { Mesh } from './mesh.ts';
import type { Peer } from './mesh.ts';
import { programRules } from './rules.ts';
import type { Cni, CniEnvironment, CniNode, CniPod, CniResult } from './cni.ts';

const VXLAN_MAC = 0x02f1;
/** 50 bytes of outer Ethernet, IP, UDP and VXLAN headers. */
const VXLAN_OVERHEAD = 50;

interface Member extends Peer {
  readonly subnet: Prefix | undefined;
  readonly tunnel: VxlanDevice | undefined;
}

/**
 * flannel: one subnet per node; between nodes VXLAN (pkg/backend/vxlan) or plain routes (pkg/backend/hostgw); on a node
 * the `bridge` plugin. `flannel.1` has the subnet's network address, a permanent neighbour and an FDB entry per node.
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
    this.#bridge = new BridgePlugin({
      mtu: backend === 'vxlan' ? 1500 - VXLAN_OVERHEAD : 1500,
      clusterCIDRs: environment.clusterCIDRs,
      newMac: () => environment.newMac(),
    });
  }

  addNode(node: CniNode): void {
    const subnet = node.podCIDRs.find(({ ip }) => !isIpv6(ip));
    const tunnel = this.#backend === 'vxlan' && subnet !== undefined ? makeTunnel(node, subnet) : undefined;
    this.#bridge.addNode(node);
    this.#mesh.join({ node, subnet, tunnel, devices: [tunnel ?? node.uplink] });
    if (subnet !== undefined) this.#mesh.announce(node.name, subnet);
    const cluster = this.#environment.clusterCIDRs.find(({ ip }) => !isIpv6(ip));
    if (subnet !== undefined && cluster !== undefined) programRules(node.netns, rules(cluster, subnet));
  }

  removeNode(name: string): void {
    this.#bridge.removeNode(name);
    this.#mesh.leave(name);
  }

  addPod(node: CniNode, pod: CniPod): CniResult {
    return this.#bridge.addPod(node, pod);
  }

  deletePod(node: CniNode, pod: CniPod): void {
    this.#bridge.deletePod(node, pod);
  }
}

function makeTunnel({ netns, uplink, ip }: CniNode, subnet: Prefix): VxlanDevice | undefined {
  const tunnel = createVxlan(netns, 'flannel.1', {
    vni: 1,
    local: ip,
    dev: uplink,
    port: 8472,
    mac: tunnelMac(ip),
    mtu: uplink.mtu - VXLAN_OVERHEAD,
    learning: false,
  });
  if (!(tunnel instanceof VxlanDevice)) return undefined;
  netns.addAddress(tunnel, { ip: subnet.ip, length: 32 });
  netns.setLink('flannel.1', { up: true });
  return tunnel;
}

function tunnelMac(ip: Ip): Mac {
  return macOfIp(VXLAN_MAC, ip);
}

/** What flanneld on `from` does when it hears of the lease of `to`. */
function connect(from: Member, to: Member, subnet: Prefix): void {
  if (subnet.ip === from.subnet?.ip) return;
  const { netns, uplink } = from.node;
  if (from.tunnel === undefined) {
    netns.routes.replace({ dst: subnet, via: to.node.ip, dev: uplink, protocol: 'boot' });
    return;
  }
  const mac = tunnelMac(to.node.ip);
  netns.neighbours.replace(from.tunnel, subnet.ip, mac, 'PERMANENT');
  from.tunnel.fdbReplace(mac, to.node.ip);
  netns.routes.replace({ dst: subnet, via: subnet.ip, dev: from.tunnel, onlink: true, protocol: 'boot' });
}

function disconnect(from: Member, { node }: Member, subnet: Prefix): void {
  from.node.netns.routes.delete({ dst: subnet });
  if (from.tunnel === undefined) return;
  from.node.netns.neighbours.delete(from.tunnel, subnet.ip);
  from.tunnel.fdbDelete(tunnelMac(node.ip), node.ip);
}

/** pkg/trafficmngr/iptables of flannel: forward what is the cluster's, masquerade what leaves it. */
function rules(cluster: Prefix, subnet: Prefix): string {
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
-A FLANNEL-POSTRTG -s ${all} ! -d 224.0.0.0/4 ${masq} -j MASQUERADE --random-fully
-A FLANNEL-POSTRTG ! -s ${all} -d ${all} ${masq} -j MASQUERADE --random-fully
COMMIT
`;
}
