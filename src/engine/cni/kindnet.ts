import { addressBits, anyAddress, familyOf, formatPrefix, isIpv6, lastIp } from '../net/address.ts';
import type { Ip, Prefix } from '../net/address.ts';
import type { Device } from '../net/device.ts';
import { createVeth } from '../net/link.ts';
import type { VethOptions } from '../net/link.ts';
import type { Netns } from '../net/netns.ts';
import { gatewayOf, vethName } from './bridge.ts';
import { interfaceMac, nodeNetworks } from './cni.ts';
import type { Cni, CniEnvironment, CniNode, CniPod, CniResult, NodeNetwork } from './cni.ts';
import { allocateEach, exhausted, HostLocal, releaseEach } from './ipam.ts';
import { Mesh } from './mesh.ts';
import type { Peer } from './mesh.ts';
import { programRules } from './rules.ts';

interface Lease extends NodeNetwork {
  readonly ipam: HostLocal;
}

interface Member extends Peer {
  readonly leases: readonly Lease[];
  readonly pods: Map<string, readonly Ip[]>;
}

/**
 * kindnet: the `ptp` plugin on a node (containernetworking/plugins, plugins/main/ptp), whose host end of every link has the
 * gateway's address, and plain routes between nodes.
 */
export class Kindnet implements Cni {
  readonly name = 'kindnet';
  readonly enforcesPolicy = false;
  readonly #environment: CniEnvironment;
  readonly #mesh = new Mesh<Member>({ connect, disconnect });

  constructor(environment: CniEnvironment) {
    this.#environment = environment;
  }

  addNode(node: CniNode): void {
    const leases = nodeNetworks(node, this.#environment).map((network): Lease => ({
      ...network,
      ipam: new HostLocal(network.subnet),
    }));
    this.#mesh.join({ node, devices: [node.uplink], leases, pods: new Map() });
    for (const { family, cluster, subnet } of leases) {
      this.#mesh.announce(node.name, subnet);
      node.netns.defer(() => programRules(node.netns, family, rules(cluster)));
    }
  }

  removeNode(name: string): void {
    this.#mesh.leave(name);
  }

  addPod(node: CniNode, pod: CniPod): CniResult {
    const member = this.#mesh.get(node.name);
    const failed = (why: string): CniResult => ({
      ok: false,
      message: `plugin type="ptp" failed (add): failed to allocate for range 0: ${why}`,
    });
    if (member === undefined || member.leases.length === 0) return failed('no podCIDR');
    const allocated = allocateEach(member.leases);
    if ('full' in allocated) return failed(exhausted(allocated.full.subnet));
    const { ips } = allocated;
    const macA = this.#environment.newMac();
    const macB = interfaceMac(ips[0], this.#environment);
    member.pods.set(pod.uid, ips);
    node.netns.defer(() => attach(node, pod, ips, member.leases, { macA, macB, mtu: 1500 }));
    return { ok: true, ips };
  }

  hostDevice({ uid }: CniPod): string {
    return vethName(uid);
  }

  deletePod(node: CniNode, pod: CniPod): void {
    const member = this.#mesh.get(node.name);
    const ips = member?.pods.get(pod.uid);
    if (member === undefined || ips === undefined) return;
    member.pods.delete(pod.uid);
    releaseEach(member.leases, ips);
    node.netns.deleteLink(vethName(pod.uid));
  }
}

function attach(
  node: CniNode,
  pod: CniPod,
  ips: readonly Ip[],
  leases: readonly Lease[],
  link: VethOptions,
): void {
  const hostDevice = vethName(pod.uid);
  createVeth(node.netns, hostDevice, pod.netns, 'eth0', link);
  node.netns.setLink(hostDevice, { up: true });
  pod.netns.setLink('eth0', { up: true });
  const host = node.netns.devices.get(hostDevice);
  const dev = pod.netns.devices.get('eth0');
  if (host === undefined || dev === undefined) return;
  for (const [i, { subnet }] of leases.entries()) {
    const ip = ips[i];
    if (ip !== undefined) configure(ip, subnet, { node: node.netns, host, pod: pod.netns, dev });
  }
}

/** One address of a pod: the gateway on the host's end and the way to the pod, the address on its end and its ways out. */
function configure(
  ip: Ip,
  subnet: Prefix,
  link: { readonly node: Netns; readonly host: Device; readonly pod: Netns; readonly dev: Device },
): void {
  const { node, host, pod, dev } = link;
  const gateway = gatewayOf(subnet);
  const length = addressBits(ip);
  node.addAddress(host, { ip: gateway, length });
  node.routes.add({ dst: { ip, length }, dev: host, scope: 'host', protocol: 'boot' });
  pod.addAddress(dev, {
    ip,
    length: subnet.length,
    ...(isIpv6(ip) ? {} : { broadcast: lastIp(subnet) }),
    noPrefixRoute: true,
  });
  const to = { dev, src: ip, protocol: 'boot' } as const;
  pod.routes.add({ ...to, dst: { ip: gateway, length }, scope: 'link' });
  pod.routes.add({ ...to, dst: subnet, via: gateway });
  const everything = { ip: anyAddress(familyOf(ip)), length: 0 };
  pod.routes.add({ dst: everything, via: gateway, dev, protocol: 'boot' });
}

function connect(from: Member, to: Member, subnet: Prefix): void {
  const via = to.leases.find((lease) => lease.subnet.ip === subnet.ip)?.ip;
  if (via === undefined || from.leases.some((lease) => lease.subnet.ip === subnet.ip)) return;
  from.node.netns.routes.replace({ dst: subnet, via, dev: from.node.uplink, protocol: 'boot' });
}

function disconnect(from: Member, _: Member, dst: Prefix): void {
  from.node.netns.routes.delete({ dst });
}

/** kindnetd's masquerade (cmd/kindnetd/masq.go). */
function rules(cluster: Prefix): string {
  return `*nat
:KIND-MASQ-AGENT - [0:0]
-A POSTROUTING -m addrtype ! --dst-type LOCAL -m comment --comment "kind-masq-agent: ensure nat POSTROUTING directs all non-LOCAL destination traffic to our custom KIND-MASQ-AGENT chain" -j KIND-MASQ-AGENT
-A KIND-MASQ-AGENT -d ${formatPrefix(cluster)} -m comment --comment "kind-masq-agent: local traffic is not subject to MASQUERADE" -j RETURN
-A KIND-MASQ-AGENT -m comment --comment "kind-masq-agent: outbound traffic is subject to MASQUERADE (must be last in chain)" -j MASQUERADE
COMMIT
`;
}
