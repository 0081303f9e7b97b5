import { addIp, anyAddress, isIpv6, lastIp } from '../net/address.ts';
import type { Ip, Prefix } from '../net/address.ts';
import { Bridge } from '../net/bridge.ts';
import { createBridge, createVeth } from '../net/link.ts';
import type { VethOptions } from '../net/link.ts';
import { interfaceMac } from './cni.ts';
import type { CniEnvironment, CniNode, CniPod, CniResult } from './cni.ts';
import { allocateEach, exhausted, HostLocal, releaseEach } from './ipam.ts';
import { sha1 } from './sha1.ts';

interface NodeBridge {
  readonly bridge: Bridge;
  readonly ranges: readonly { readonly subnet: Prefix; readonly ipam: HostLocal }[];
  readonly pods: Map<string, readonly Ip[]>;
}

/**
 * The reference `bridge` plugin with `host-local` addresses (containernetworking/plugins, plugins/main/bridge), as flannel's
 * configuration asks for it: `isDefaultGateway`, `hairpinMode`, and a route for the whole cluster.
 */
export class BridgePlugin {
  readonly #mtu: number;
  readonly #environment: CniEnvironment;
  readonly #nodes = new Map<string, NodeBridge>();

  constructor(mtu: number, environment: CniEnvironment) {
    this.#mtu = mtu;
    this.#environment = environment;
  }

  addNode(node: CniNode): void {
    const { netns, podCIDRs } = node;
    const [first] = podCIDRs;
    const mac = interfaceMac(first === undefined ? undefined : gatewayOf(first), this.#environment);
    const made = createBridge(netns, 'cni0', { mac, mtu: this.#mtu });
    const bridge = made instanceof Bridge ? made : undefined;
    if (bridge === undefined) return;
    netns.setLink('cni0', { up: true });
    for (const subnet of podCIDRs) addSubnetAddress(netns, bridge, gatewayOf(subnet), subnet);
    const ranges = podCIDRs.map((subnet) => ({ subnet, ipam: new HostLocal(subnet) }));
    this.#nodes.set(node.name, { bridge, ranges, pods: new Map() });
  }

  removeNode(name: string): void {
    this.#nodes.delete(name);
  }

  addPod(node: CniNode, pod: CniPod): CniResult {
    const own = this.#nodes.get(node.name);
    if (own === undefined)
      return { ok: false, message: 'plugin type="bridge" failed (add): node is not set up' };
    const allocated = allocateEach(own.ranges);
    if ('full' in allocated)
      return {
        ok: false,
        message: `plugin type="flannel" failed (add): failed to delegate add: failed to allocate for range 0: ${exhausted(allocated.full.subnet)}`,
      };
    const { ips } = allocated;
    const [first] = ips;
    if (first === undefined)
      return {
        ok: false,
        message:
          'plugin type="flannel" failed (add): loadFlannelSubnetEnv failed: open /run/flannel/subnet.env: no such file or directory',
      };
    own.pods.set(pod.uid, ips);
    const macA = this.#environment.newMac();
    const macB = interfaceMac(first, this.#environment);
    this.#deferAttach(node, pod, own, ips, { macA, macB, mtu: this.#mtu });
    return { ok: true, ips };
  }

  #deferAttach(node: CniNode, pod: CniPod, own: NodeBridge, ips: readonly Ip[], link: VethOptions): void {
    node.netns.defer(() => this.#attach(node, pod, own, ips, link));
  }

  #attach(node: CniNode, pod: CniPod, own: NodeBridge, ips: readonly Ip[], link: VethOptions): void {
    const hostDevice = vethName(pod.uid);
    createVeth(node.netns, hostDevice, pod.netns, 'eth0', link);
    node.netns.setLink(hostDevice, { master: own.bridge, up: true });
    pod.netns.setLink('eth0', { up: true });
    const port = node.netns.devices.get(hostDevice)?.port;
    if (port !== undefined) port.hairpin = true;
    this.#configure(pod, own, ips);
  }

  deletePod(node: CniNode, pod: CniPod): void {
    const own = this.#nodes.get(node.name);
    const ips = own?.pods.get(pod.uid);
    if (own === undefined || ips === undefined) return;
    own.pods.delete(pod.uid);
    releaseEach(own.ranges, ips);
  }

  #configure(pod: CniPod, own: NodeBridge, ips: readonly Ip[]): void {
    const dev = pod.netns.devices.get('eth0');
    if (dev === undefined) return;
    own.ranges.forEach(({ subnet }, i) => {
      const ip = ips[i];
      if (ip === undefined) return;
      addSubnetAddress(pod.netns, dev, ip, subnet);
      const via = gatewayOf(subnet);
      const six = isIpv6(ip);
      for (const cluster of this.#environment.clusterCIDRs)
        if (isIpv6(cluster.ip) === six) pod.netns.routes.add({ dst: cluster, via, dev, protocol: 'boot' });
      pod.netns.routes.add({ dst: { ip: anyAddress(six ? 6 : 4), length: 0 }, via, dev, protocol: 'boot' });
    });
  }
}

/** The first address: `cni0`'s. */
export function gatewayOf(subnet: Prefix): Ip {
  return addIp(subnet.ip, 1);
}

/** `vethXXXXXXXX`: eight hex digits, random in reality, here from the pod's uid. */
export function vethName(uid: string): string {
  return `veth${sha1(uid).slice(0, 8)}`;
}

function addSubnetAddress(
  netns: CniNode['netns'],
  dev: Parameters<CniNode['netns']['addAddress']>[0],
  ip: Ip,
  subnet: Prefix,
): void {
  netns.addAddress(dev, {
    ip,
    length: subnet.length,
    ...(isIpv6(ip) || subnet.length > 30 ? {} : { broadcast: lastIp(subnet) }),
  });
}
