import { addIp, formatPrefix, isIpv6 } from '../net/address.ts';
import type { Ip, Mac, Prefix } from '../net/address.ts';
import { createVeth } from '../net/link.ts';
import { gatewayOf, vethName } from './bridge.ts';
import { macOfIp, POD_MAC } from './cni.ts';
import type { Cni, CniEnvironment, CniNode, CniPod, CniResult } from './cni.ts';
import { exhausted, HostLocal } from './ipam.ts';
import { Mesh } from './mesh.ts';
import type { Peer } from './mesh.ts';
import { programRules } from './rules.ts';

interface Member extends Peer {
  readonly subnet: Prefix | undefined;
  readonly ipam: HostLocal | undefined;
  readonly pods: Map<string, Ip>;
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
    const subnet = node.podCIDRs.find(({ ip }) => !isIpv6(ip));
    this.#mesh.join({
      node,
      devices: [node.uplink],
      subnet,
      ipam: subnet === undefined ? undefined : new HostLocal(subnet),
      pods: new Map(),
    });
    if (subnet !== undefined) this.#mesh.announce(node.name, subnet);
    const cluster = this.#environment.clusterCIDRs.find(({ ip }) => !isIpv6(ip));
    if (cluster !== undefined) programRules(node.netns, rules(cluster));
  }

  removeNode(name: string): void {
    this.#mesh.leave(name);
  }

  addPod(node: CniNode, pod: CniPod): CniResult {
    const member = this.#mesh.get(node.name);
    const { subnet, ipam } = member ?? {};
    const ip = ipam?.allocate();
    if (member === undefined || subnet === undefined || ip === undefined) {
      const why = subnet === undefined ? 'no podCIDR' : exhausted(subnet);
      return { ok: false, message: `plugin type="ptp" failed (add): failed to allocate for range 0: ${why}` };
    }
    const mac = this.#environment.newMac();
    member.pods.set(pod.uid, ip);
    node.netns.defer(() => attach(node, pod, ip, subnet, mac));
    return {
      ok: true,
      ips: [ip],
      get hostDevice() {
        return vethName(pod.uid);
      },
    };
  }

  deletePod(node: CniNode, pod: CniPod): void {
    const member = this.#mesh.get(node.name);
    const ip = member?.pods.get(pod.uid);
    if (member === undefined || ip === undefined) return;
    member.pods.delete(pod.uid);
    member.ipam?.release(ip);
    node.netns.deleteLink(vethName(pod.uid));
  }
}

function attach(node: CniNode, pod: CniPod, ip: Ip, subnet: Prefix, mac: Mac): void {
  const hostDevice = vethName(pod.uid);
  const gateway = gatewayOf(subnet);
  createVeth(node.netns, hostDevice, pod.netns, 'eth0', {
    macA: mac,
    macB: macOfIp(POD_MAC, ip),
    mtu: 1500,
  });
  node.netns.setLink(hostDevice, { up: true });
  pod.netns.setLink('eth0', { up: true });
  const host = node.netns.devices.get(hostDevice);
  const dev = pod.netns.devices.get('eth0');
  if (host !== undefined) {
    node.netns.addAddress(host, { ip: gateway, length: 32 });
    node.netns.routes.add({ dst: { ip, length: 32 }, dev: host, scope: 'host', protocol: 'boot' });
  }
  if (dev !== undefined) {
    pod.netns.addAddress(dev, {
      ip,
      length: subnet.length,
      broadcast: addIp(subnet.ip, 2 ** (32 - subnet.length) - 1),
      noPrefixRoute: true,
    });
    pod.netns.routes.add({
      dst: { ip: gateway, length: 32 },
      dev,
      scope: 'link',
      src: ip,
      protocol: 'boot',
    });
    pod.netns.routes.add({ dst: subnet, via: gateway, dev, src: ip, protocol: 'boot' });
    pod.netns.routes.add({ dst: { ip: 0, length: 0 }, via: gateway, dev, protocol: 'boot' });
  }
}

function disconnect(from: Member, _: Member, dst: Prefix): void {
  from.node.netns.routes.delete({ dst });
}

function connect(from: Member, to: Member, subnet: Prefix): void {
  if (subnet.ip === from.subnet?.ip) return;
  from.node.netns.routes.replace({
    dst: subnet,
    via: to.node.ip,
    dev: from.node.uplink,
    protocol: 'boot',
  });
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
