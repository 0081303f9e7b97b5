import { formatIp, formatPrefix, isIpv6 } from '../net/address.ts';
import type { Ip, Prefix } from '../net/address.ts';
import type { Netns } from '../net/netns.ts';
import type { CniNode, CniPod } from './cni.ts';
import { parseRow, programRules } from './rules.ts';
import { sha1 } from './sha1.ts';

export interface HostPort {
  readonly hostPort: number;
  readonly containerPort: number;
  readonly protocol: 'tcp' | 'udp' | 'sctp';
  /** Only this address of the host; all of them without it. */
  readonly hostIP?: string;
}

/** What the first `hostPort` of a node brings. */
const entry = `*nat
:CNI-HOSTPORT-DNAT - [0:0]
:CNI-HOSTPORT-MASQ - [0:0]
:CNI-HOSTPORT-SETMARK - [0:0]
-A CNI-HOSTPORT-MASQ -m mark --mark 0x2000/0x2000 -j MASQUERADE
-A CNI-HOSTPORT-SETMARK -m comment --comment "CNI portfwd masquerade mark" -j MARK --set-xmark 0x2000/0x2000
-A PREROUTING -m addrtype --dst-type LOCAL -j CNI-HOSTPORT-DNAT
-A OUTPUT -m addrtype --dst-type LOCAL -j CNI-HOSTPORT-DNAT
-A POSTROUTING -m comment --comment "CNI portfwd requiring masquerade" -j CNI-HOSTPORT-MASQ
COMMIT
`;

/** The chained `portmap` plugin (containernetworking/plugins, plugins/meta/portmap): `hostPort` by DNAT. */
export class PortMap {
  readonly #rules = new Map<
    string,
    { readonly netns: Netns; readonly chain: string; readonly rows: readonly string[] }
  >();

  addPod({ netns, podCIDRs }: CniNode, pod: CniPod, ips: readonly Ip[], ports: readonly HostPort[]): void {
    const ip = ips.find((one) => !isIpv6(one));
    const subnet = podCIDRs.find((prefix) => !isIpv6(prefix.ip));
    if (ip === undefined || ports.length === 0) return;
    if (netns.netfilter.v4.chain('nat', 'CNI-HOSTPORT-DNAT') === undefined) programRules(netns, entry);
    const chain = `CNI-DN-${sha1(`cbr0${pod.uid}`).slice(0, 21)}`;
    programRules(netns, `*nat\n:${chain} - [0:0]\n${chainRows(chain, ip, subnet, ports)}COMMIT\n`);
    const rows = jumpRows(chain, pod, ports);
    for (const row of rows)
      for (const rule of parseRow('nat', row)) netns.netfilter.v4.insert('nat', 'CNI-HOSTPORT-DNAT', rule);
    this.#rules.set(pod.uid, { netns, chain, rows });
  }

  deletePod({ uid }: CniPod): void {
    const own = this.#rules.get(uid);
    if (own === undefined) return;
    this.#rules.delete(uid);
    const { v4 } = own.netns.netfilter;
    for (const row of own.rows)
      for (const rule of parseRow('nat', row)) v4.delete('nat', 'CNI-HOSTPORT-DNAT', rule);
    v4.flush('nat', own.chain);
    v4.deleteChain('nat', own.chain);
  }
}

/** Pods of the node's own and its loopback are masqueraded on this way, so that the answer comes back to it. */
function chainRows(chain: string, ip: Ip, subnet: Prefix | undefined, ports: readonly HostPort[]): string {
  let text = '';
  for (const { hostPort, containerPort, protocol, hostIP } of ports) {
    const to = hostIP === undefined ? '' : `-d ${hostIP}/32 `;
    const match = `${to}-p ${protocol} -m ${protocol} --dport ${hostPort}`;
    if (subnet !== undefined)
      text += `-A ${chain} -s ${formatPrefix(subnet)} ${match} -j CNI-HOSTPORT-SETMARK\n`;
    if (hostIP === undefined) text += `-A ${chain} -s 127.0.0.1/32 ${match} -j CNI-HOSTPORT-SETMARK\n`;
    text += `-A ${chain} ${match} -j DNAT --to-destination ${formatIp(ip)}:${containerPort}\n`;
  }
  return text;
}

function jumpRows(chain: string, { uid }: CniPod, ports: readonly HostPort[]): string[] {
  const comment = `-m comment --comment "dnat name: \\"cbr0\\" id: \\"${sha1(uid)}\\""`;
  return (['tcp', 'udp', 'sctp'] as const).flatMap((protocol) => {
    const numbers = ports.filter((port) => port.protocol === protocol).map(({ hostPort }) => hostPort);
    // A multiport match holds fifteen ports.
    const rows: string[] = [];
    for (let i = 0; i < numbers.length; i += 15)
      rows.push(
        `-p ${protocol} ${comment} -m multiport --dports ${numbers.slice(i, i + 15).join(',')} -j ${chain}`,
      );
    return rows;
  });
}
