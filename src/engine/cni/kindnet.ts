import { addIp, formatPrefix, isIpv6 } from '../net/address.ts';
import type { Ip, Prefix } from '../net/address.ts';
import { createVeth } from '../net/link.ts';
import { gatewayOf, vethName } from './bridge.ts';
import { macOfIp, POD_MAC } from './cni.ts';
import type { Cni, CniEnvironment, CniNode, CniPod, CniResult } from './cni.ts';
import { exhausted, HostLocal } from './ipam.ts';
import { programRules } from './rules.ts';

interface Member {
  readonly node: CniNode;
  readonly subnet: Prefix | undefined;
  readonly ipam: HostLocal | undefined;
  readonly pods: Map<string, { readonly ip: Ip; readonly hostDevice: string }>;
}

/**
 * kindnet: the `ptp` plugin on a node (containernetworking/plugins, plugins/main/ptp), whose host end of every link has the
 * gateway's address, and plain routes between nodes.
 */
export class Kindnet implements Cni {
  readonly name = 'kindnet';
  readonly enforcesPolicy = false;
  readonly #environment: CniEnvironment;
  readonly #members = new Map<string, Member>();

  constructor(environment: CniEnvironment) {
    this.#environment = environment;
  }

  addNode(node: CniNode): void {
    const subnet = node.podCIDRs.find(({ ip }) => !isIpv6(ip));
    const member: Member = {
      node,
      subnet,
      ipam: subnet === undefined ? undefined : new HostLocal(subnet),
      pods: new Map(),
    };
    for (const other of this.#members.values()) {
      connect(other, member);
      connect(member, other);
    }
    this.#members.set(node.name, member);
    const cluster = this.#environment.clusterCIDRs.find(({ ip }) => !isIpv6(ip));
    if (cluster !== undefined) programRules(node.netns, rules(cluster));
  }

  removeNode(name: string): void {
    const gone = this.#members.get(name);
    this.#members.delete(name);
    if (gone?.subnet === undefined) return;
    for (const { node } of this.#members.values()) node.netns.routes.delete({ dst: gone.subnet });
  }

  addPod(node: CniNode, pod: CniPod): CniResult {
    const member = this.#members.get(node.name);
    const { subnet, ipam } = member ?? {};
    const ip = ipam?.allocate();
    if (member === undefined || subnet === undefined || ip === undefined) {
      const why = subnet === undefined ? 'no podCIDR' : exhausted(subnet);
      return { ok: false, message: `plugin type="ptp" failed (add): failed to allocate for range 0: ${why}` };
    }
    const hostDevice = vethName(pod.uid);
    member.pods.set(pod.uid, { ip, hostDevice });
    const gateway = gatewayOf(subnet);
    createVeth(node.netns, hostDevice, pod.netns, 'eth0', {
      macA: this.#environment.newMac(),
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
    return { ok: true, ips: [ip], hostDevice };
  }

  deletePod(node: CniNode, pod: CniPod): void {
    const member = this.#members.get(node.name);
    const own = member?.pods.get(pod.uid);
    if (member === undefined || own === undefined) return;
    member.pods.delete(pod.uid);
    member.ipam?.release(own.ip);
    node.netns.deleteLink(own.hostDevice);
  }
}

function connect(from: Member, to: Member): void {
  if (to.subnet === undefined || to.subnet.ip === from.subnet?.ip) return;
  from.node.netns.routes.replace({
    dst: to.subnet,
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
