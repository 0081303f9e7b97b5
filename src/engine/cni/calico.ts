import { formatPrefix, isIpv6, parseIp } from '../net/address.ts';
import type { Ip, Mac, Prefix } from '../net/address.ts';
import { Device } from '../net/device.ts';
import { createIpip, createVeth, createVxlan } from '../net/link.ts';
import { VxlanDevice } from '../net/vxlan.ts';
import { macOfIp, POD_MAC } from './cni.ts';
import type { Cni, CniEnvironment, CniNode, CniPod, CniResult } from './cni.ts';
import { CalicoBlocks } from './ipam.ts';
import { Mesh } from './mesh.ts';
import type { Peer } from './mesh.ts';
import { programRules } from './rules.ts';
import { sha1 } from './sha1.ts';

export type CalicoBackend = 'bgp' | 'vxlan' | 'ipip';

/** Every host end of a Calico link has this address (felix, dataplane/linux/endpoint_mgr.go). */
const CALI_MAC: Mac = 0xeeeeeeeeeeee;
const GATEWAY = parseIp('169.254.1.1') ?? 0;
const TUNNEL_MAC = 0x66ca;
/** `DeviceRouteProtocol`: the routes that Felix writes itself, without BIRD. */
const FELIX_PROTOCOL = '80';

interface Member extends Peer {
  readonly ipam: CalicoBlocks;
  readonly tunnel: Device | undefined;
  readonly pods: Map<string, Ip>;
}

/**
 * Calico: no bridge; every pod has a /32, a link-local gateway that the host answers for by proxy ARP, and a route on its
 * node. Nodes tell each other their blocks: by BGP as plain routes, or over VXLAN or IPIP. An address of a block that no
 * pod has meets the block's blackhole route.
 */
export class Calico implements Cni {
  readonly name = 'calico';
  readonly enforcesPolicy = true;
  readonly #backend: CalicoBackend;
  readonly #environment: CniEnvironment;
  readonly #mtu: number;
  readonly #mesh = new Mesh<Member>({
    connect: (from, to, block) => this.#connect(from, to, block),
    disconnect: (from, _, dst) => {
      from.node.netns.routes.delete({ dst });
    },
  });

  constructor(backend: CalicoBackend, environment: CniEnvironment) {
    this.#backend = backend;
    this.#environment = environment;
    this.#mtu = backend === 'vxlan' ? 1450 : backend === 'ipip' ? 1480 : 1500;
  }

  addNode(node: CniNode): void {
    const pool = node.podCIDRs.find(({ ip }) => !isIpv6(ip)) ?? { ip: 0, length: 32 };
    const tunnel = this.#makeTunnel(node, pool.ip);
    const ipam = new CalicoBlocks(pool, (block) => this.#claimed(node.name, block));
    this.#mesh.join({ node, ipam, tunnel, devices: [tunnel ?? node.uplink], pods: new Map() });
    const cluster = this.#environment.clusterCIDRs.find(({ ip }) => !isIpv6(ip));
    if (cluster !== undefined) programRules(node.netns, rules(cluster));
  }

  removeNode(name: string): void {
    this.#mesh.leave(name);
  }

  addPod(node: CniNode, pod: CniPod): CniResult {
    const member = this.#mesh.get(node.name);
    const ip = member?.ipam.allocate();
    if (member === undefined || ip === undefined)
      return {
        ok: false,
        message:
          'plugin type="calico" failed (add): failed to request IPv4 addresses: Assigned 0 out of 1 requested IPv4 addresses; No more free affine blocks and strict affinity enabled',
      };
    member.pods.set(pod.uid, ip);
    node.netns.defer(() => this.#attach(node, pod, ip));
    return {
      ok: true,
      ips: [ip],
      get hostDevice() {
        return caliName(pod.namespace, pod.name);
      },
    };
  }

  #attach(node: CniNode, pod: CniPod, ip: Ip): void {
    const hostDevice = caliName(pod.namespace, pod.name);
    createVeth(node.netns, hostDevice, pod.netns, 'eth0', {
      macA: CALI_MAC,
      macB: macOfIp(POD_MAC, ip),
      mtu: this.#mtu,
    });
    node.netns.setLink(hostDevice, { up: true });
    pod.netns.setLink('eth0', { up: true });
    node.netns.sysctl.set(`net.ipv4.conf.${hostDevice}.proxy_arp`, '1');
    node.netns.sysctl.set(`net.ipv4.conf.${hostDevice}.rp_filter`, '1');
    node.netns.sysctl.set(`net.ipv4.neigh.${hostDevice}.proxy_delay`, '0');
    const host = node.netns.devices.get(hostDevice);
    const dev = pod.netns.devices.get('eth0');
    node.netns.routes.add({ dst: { ip, length: 32 }, dev: host, scope: 'link', protocol: 'boot' });
    if (dev !== undefined) {
      pod.netns.addAddress(dev, { ip, length: 32 });
      pod.netns.routes.add({ dst: { ip: GATEWAY, length: 32 }, dev, scope: 'link', protocol: 'boot' });
      pod.netns.routes.add({ dst: { ip: 0, length: 0 }, via: GATEWAY, dev, protocol: 'boot' });
    }
  }

  deletePod(node: CniNode, pod: CniPod): void {
    const member = this.#mesh.get(node.name);
    const ip = member?.pods.get(pod.uid);
    if (member === undefined || ip === undefined) return;
    member.pods.delete(pod.uid);
    member.ipam.release(ip);
    node.netns.settle();
    node.netns.amend(() => node.netns.routes.delete({ dst: { ip, length: 32 } }));
    node.netns.deleteLink(caliName(pod.namespace, pod.name));
  }

  #makeTunnel({ netns, uplink, ip }: CniNode, address: Ip): Device | undefined {
    if (this.#backend === 'bgp') return undefined;
    const tunnel =
      this.#backend === 'vxlan'
        ? createVxlan(netns, 'vxlan.calico', {
            vni: 4096,
            local: ip,
            dev: uplink,
            port: 4789,
            mac: macOfIp(TUNNEL_MAC, ip),
            mtu: this.#mtu,
            learning: false,
          })
        : createIpip(netns, 'tunl0', { mtu: this.#mtu });
    if (!(tunnel instanceof Device)) return undefined;
    netns.addAddress(tunnel, { ip: address, length: 32 });
    netns.setLink(tunnel.name, { up: true });
    return tunnel;
  }

  /** A node has taken a block: it blackholes what is not in use there, and everyone else hears the way to it. */
  #claimed(name: string, block: Prefix): void {
    const netns = this.#mesh.get(name)?.node.netns;
    const protocol = this.#backend === 'vxlan' ? FELIX_PROTOCOL : 'bird';
    netns?.defer(() => netns.routes.add({ type: 'blackhole', dst: block, protocol }));
    this.#mesh.announce(name, block);
  }

  #connect(from: Member, to: Member, block: Prefix): void {
    const { netns, uplink } = from.node;
    switch (this.#backend) {
      case 'bgp':
        netns.routes.replace({ dst: block, via: to.node.ip, dev: uplink, protocol: 'bird' });
        break;
      case 'ipip':
        netns.routes.replace({
          dst: block,
          via: to.node.ip,
          dev: from.tunnel,
          onlink: true,
          protocol: 'bird',
        });
        break;
      case 'vxlan': {
        const { tunnel } = from;
        const gateway = to.node.podCIDRs[0]?.ip;
        if (!(tunnel instanceof VxlanDevice) || gateway === undefined) return;
        const mac = macOfIp(TUNNEL_MAC, to.node.ip);
        netns.neighbours.replace(tunnel, gateway, mac, 'PERMANENT');
        tunnel.fdbReplace(mac, to.node.ip);
        netns.routes.replace({
          dst: block,
          via: gateway,
          dev: tunnel,
          onlink: true,
          protocol: FELIX_PROTOCOL,
        });
        break;
      }
    }
  }
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
