import { addressBits, anyAddress, familyOf, formatPrefix, parseIp } from '../net/address.ts';
import type { Family, Ip, Mac, Prefix } from '../net/address.ts';
import { Device } from '../net/device.ts';
import { createIpip, createVeth, createVxlan } from '../net/link.ts';
import type { VethOptions } from '../net/link.ts';
import { linkLocalAddress } from '../net/nd.ts';
import type { Netns } from '../net/netns.ts';
import { VxlanDevice } from '../net/vxlan.ts';
import { interfaceMac, macOfIp, nodeNetworks } from './cni.ts';
import type { Cni, CniEnvironment, CniNode, CniPod, CniResult, NodeNetwork } from './cni.ts';
import { allocateEach, CalicoBlocks, releaseEach } from './ipam.ts';
import { Mesh } from './mesh.ts';
import type { Peer } from './mesh.ts';
import { programRules } from './rules.ts';
import { sha1 } from './sha1.ts';

export type CalicoBackend = 'bgp' | 'vxlan' | 'ipip';

/** Every host end of a Calico link has this address (felix, dataplane/linux/endpoint_mgr.go). */
const CALI_MAC: Mac = 0xeeeeeeeeeeee;
/** Where pods send everything: an address that nobody has, and of IPv6 the one that every host end gives itself. */
const GATEWAY: Readonly<Record<Family, Ip>> = {
  4: parseIp('169.254.1.1') ?? 0,
  6: linkLocalAddress(CALI_MAC),
};
const TUNNEL_MAC = 0x66ca;
const VXLAN: Readonly<Record<Family, { readonly name: string; readonly overhead: number }>> = {
  4: { name: 'vxlan.calico', overhead: 50 },
  6: { name: 'vxlan-v6.calico', overhead: 70 },
};
const IPIP_OVERHEAD = 20;
/** `DeviceRouteProtocol`: the routes that Felix writes itself, without BIRD. */
const FELIX_PROTOCOL = '80';

/** A node's part of one family's pool. */
interface Lease extends NodeNetwork {
  readonly ipam: CalicoBlocks;
  readonly tunnel: Device | undefined;
}

interface Member extends Peer {
  readonly leases: readonly Lease[];
  readonly pods: Map<string, readonly Ip[]>;
}

/**
 * Calico: no bridge; every pod has a /32, a link-local gateway that the host answers for by proxy ARP, and a route on its
 * node; of IPv6 a /128, and the host end's own link-local address. Nodes tell each other their blocks: by BGP as plain routes,
 * or over VXLAN or IPIP (which knows IPv4 only). An address of a block that no pod has meets the block's blackhole route.
 */
export class Calico implements Cni {
  readonly name = 'calico';
  readonly enforcesPolicy = true;
  readonly #backend: CalicoBackend;
  readonly #environment: CniEnvironment;
  readonly #mtu: number;
  readonly #mesh = new Mesh<Member>({
    connect,
    disconnect: (from, _, dst) => {
      from.node.netns.routes.delete({ dst });
    },
  });

  constructor(backend: CalicoBackend, environment: CniEnvironment) {
    this.#backend = backend;
    this.#environment = environment;
    this.#mtu =
      1500 - Math.max(0, ...environment.clusterCIDRs.map(({ ip }) => tunnelOverhead(backend, familyOf(ip))));
  }

  addNode(node: CniNode): void {
    const leases = nodeNetworks(node, this.#environment).map((network): Lease => ({
      ...network,
      tunnel: makeTunnel(this.#backend, node, network),
      ipam: new CalicoBlocks(network.subnet, (block) => this.#claimed(node.name, block)),
    }));
    const devices = leases.map(({ tunnel }) => tunnel ?? node.uplink);
    this.#mesh.join({ node, leases, devices, pods: new Map() });
    for (const { family, cluster } of leases)
      node.netns.defer(() => programRules(node.netns, family, rules(cluster)));
  }

  removeNode(name: string): void {
    this.#mesh.leave(name);
  }

  addPod(node: CniNode, pod: CniPod): CniResult {
    const member = this.#mesh.get(node.name);
    if (member === undefined || member.leases.length === 0) return noAddress(4);
    const allocated = allocateEach(member.leases);
    if ('full' in allocated) return noAddress(allocated.full.family);
    const { ips } = allocated;
    const macB = interfaceMac(ips[0], this.#environment);
    member.pods.set(pod.uid, ips);
    node.netns.defer(() => attach(node, pod, ips, { macA: CALI_MAC, macB, mtu: this.#mtu }));
    return { ok: true, ips };
  }

  hostDevice({ namespace, name }: CniPod): string {
    return caliName(namespace, name);
  }

  deletePod(node: CniNode, pod: CniPod): void {
    const member = this.#mesh.get(node.name);
    const ips = member?.pods.get(pod.uid);
    if (member === undefined || ips === undefined) return;
    member.pods.delete(pod.uid);
    releaseEach(member.leases, ips);
    node.netns.settle();
    node.netns.amend(() => {
      for (const ip of ips) node.netns.routes.delete({ dst: { ip, length: addressBits(ip) } });
    });
    node.netns.deleteLink(caliName(pod.namespace, pod.name));
  }

  /** A node has taken a block: it blackholes what is not in use there, and everyone else hears the way to it. */
  #claimed(name: string, block: Prefix): void {
    const netns = this.#mesh.get(name)?.node.netns;
    const protocol = this.#backend === 'vxlan' ? FELIX_PROTOCOL : 'bird';
    netns?.defer(() => netns.routes.add({ type: 'blackhole', dst: block, protocol }));
    this.#mesh.announce(name, block);
  }
}

/** What encapsulation adds between nodes (`determinePodMTU` of Felix leaves room for the most of it). */
function tunnelOverhead(backend: CalicoBackend, family: Family): number {
  switch (backend) {
    case 'bgp':
      return 0;
    case 'vxlan':
      return VXLAN[family].overhead;
    case 'ipip':
      return family === 4 ? IPIP_OVERHEAD : 0;
  }
}

function makeTunnel(
  backend: CalicoBackend,
  { netns, uplink }: CniNode,
  { family, ip, subnet }: NodeNetwork,
): Device | undefined {
  const mtu = 1500 - tunnelOverhead(backend, family);
  const tunnel =
    backend === 'vxlan'
      ? createVxlan(netns, VXLAN[family].name, {
          vni: 4096,
          local: ip,
          dev: uplink,
          port: 4789,
          mac: macOfIp(TUNNEL_MAC, ip),
          mtu,
          learning: false,
        })
      : backend === 'ipip' && family === 4
        ? createIpip(netns, 'tunl0', { mtu })
        : undefined;
  if (!(tunnel instanceof Device)) return undefined;
  netns.addAddress(tunnel, { ip: subnet.ip, length: addressBits(subnet.ip) });
  netns.setLink(tunnel.name, { up: true });
  return tunnel;
}

function connect(from: Member, to: Member, block: Prefix): void {
  const own = leaseOf(from, block);
  const other = leaseOf(to, block);
  if (own === undefined || other === undefined) return;
  const { netns, uplink } = from.node;
  const { tunnel } = own;
  if (tunnel === undefined) {
    netns.routes.replace({ dst: block, via: other.ip, dev: uplink, protocol: 'bird' });
    return;
  }
  if (!(tunnel instanceof VxlanDevice)) {
    netns.routes.replace({ dst: block, via: other.ip, dev: tunnel, onlink: true, protocol: 'bird' });
    return;
  }
  const gateway = other.subnet.ip;
  const mac = macOfIp(TUNNEL_MAC, other.ip);
  netns.neighbours.replace(tunnel, gateway, mac, 'PERMANENT');
  tunnel.fdbReplace(mac, other.ip);
  netns.routes.replace({ dst: block, via: gateway, dev: tunnel, onlink: true, protocol: FELIX_PROTOCOL });
}

function leaseOf({ leases }: Member, { ip }: Prefix): Lease | undefined {
  return leases.find(({ family }) => family === familyOf(ip));
}

function noAddress(family: Family): CniResult {
  const what = `IPv${family} addresses`;
  return {
    ok: false,
    message: `plugin type="calico" failed (add): failed to request ${what}: Assigned 0 out of 1 requested ${what}; No more free affine blocks and strict affinity enabled`,
  };
}

function attach(node: CniNode, pod: CniPod, ips: readonly Ip[], link: VethOptions): void {
  const hostDevice = caliName(pod.namespace, pod.name);
  createVeth(node.netns, hostDevice, pod.netns, 'eth0', link);
  node.netns.setLink(hostDevice, { up: true });
  pod.netns.setLink('eth0', { up: true });
  const host = node.netns.devices.get(hostDevice);
  const dev = pod.netns.devices.get('eth0');
  if (host === undefined || dev === undefined) return;
  for (const ip of ips) configure(ip, { node: node.netns, host, pod: pod.netns, dev });
}

/** One address of a pod: the host answers for the gateway and knows the way to the pod; the pod knows the gateway only. */
function configure(
  ip: Ip,
  link: { readonly node: Netns; readonly host: Device; readonly pod: Netns; readonly dev: Device },
): void {
  const { node, host, pod, dev } = link;
  const length = addressBits(ip);
  const family = familyOf(ip);
  const via = GATEWAY[family];
  if (family === 6) node.enableIpv6(host);
  else {
    node.sysctl.set(`net.ipv4.conf.${host.name}.proxy_arp`, '1');
    node.sysctl.set(`net.ipv4.conf.${host.name}.rp_filter`, '1');
    node.sysctl.set(`net.ipv4.neigh.${host.name}.proxy_delay`, '0');
  }
  node.routes.add({ dst: { ip, length }, dev: host, scope: 'link', protocol: 'boot' });
  pod.addAddress(dev, { ip, length });
  if (family === 4) pod.routes.add({ dst: { ip: via, length }, dev, scope: 'link', protocol: 'boot' });
  pod.routes.add({ dst: { ip: anyAddress(family), length: 0 }, via, dev, protocol: 'boot' });
}

/** `cali` and eleven hex digits of SHA-1 over `namespace.pod` (libcalico-go, names/workloadendpoint.go). */
function caliName(namespace: string, pod: string): string {
  return `cali${sha1(`${namespace}.${pod}`).slice(0, 11)}`;
}

/** The part of Felix' chains that is there before any policy: what may be forwarded, and what leaves masqueraded. */
function rules(cluster: Prefix): string {
  const all = formatPrefix(cluster);
  return `*filter
:cali-FORWARD - [0:0]
-A FORWARD -j cali-FORWARD
-A cali-FORWARD -i cali+ -m comment --comment "Policy explicitly accepted packet." -j ACCEPT
-A cali-FORWARD -o cali+ -j ACCEPT
COMMIT
*nat
:cali-POSTROUTING - [0:0]
:cali-nat-outgoing - [0:0]
-A POSTROUTING -j cali-POSTROUTING
-A cali-POSTROUTING -j cali-nat-outgoing
-A cali-nat-outgoing -s ${all} ! -d ${all} -j MASQUERADE --random-fully
COMMIT
`;
}
