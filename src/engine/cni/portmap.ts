import { addressBits, familyOf, formatIp, formatPrefix, isAny, isIpv6, parseIp } from '../net/address.ts';
import type { Family, Ip, Prefix } from '../net/address.ts';
import type { Netns } from '../net/netns.ts';
import type { CniNode, CniPod } from './cni.ts';
import { parseRow, programRules, rulesetOf } from './rules.ts';
import { sha1 } from './sha1.ts';

export interface HostPort {
  readonly hostPort: number;
  readonly containerPort: number;
  readonly protocol: 'tcp' | 'udp' | 'sctp';
  /** Only this address of the host, or only its family when it is 0.0.0.0 or ::; all addresses without it. */
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

interface OwnRules {
  readonly netns: Netns;
  readonly family: Family;
  readonly chain: string;
  readonly rows: readonly string[];
}

/** The chained `portmap` plugin (containernetworking/plugins, plugins/meta/portmap): `hostPort` by DNAT, in each family of the pod. */
export class PortMap {
  readonly #rules = new Map<string, readonly OwnRules[]>();

  addPod({ netns, podCIDRs }: CniNode, pod: CniPod, ips: readonly Ip[], ports: readonly HostPort[]): void {
    if (ports.length === 0) return;
    const rules = ips.flatMap((ip): OwnRules[] => {
      const family = familyOf(ip);
      const own = ports.filter(({ hostIP }) => hostIP === undefined || isOf(family, hostIP));
      if (own.length === 0) return [];
      const ruleset = rulesetOf(netns, family);
      if (ruleset.chain('nat', 'CNI-HOSTPORT-DNAT') === undefined) programRules(netns, family, entry);
      const chain = `CNI-DN-${sha1(`cbr0${pod.uid}`).slice(0, 21)}`;
      const subnet = podCIDRs.find((prefix) => familyOf(prefix.ip) === family);
      programRules(netns, family, `*nat\n:${chain} - [0:0]\n${chainRows(chain, ip, subnet, own)}COMMIT\n`);
      const rows = jumpRows(chain, pod, own);
      for (const row of rows)
        for (const rule of parseRow(family, 'nat', row)) ruleset.insert('nat', 'CNI-HOSTPORT-DNAT', rule);
      return [{ netns, family, chain, rows }];
    });
    this.#rules.set(pod.uid, rules);
  }

  deletePod({ uid }: CniPod): void {
    const own = this.#rules.get(uid);
    if (own === undefined) return;
    this.#rules.delete(uid);
    for (const { netns, family, chain, rows } of own) {
      const ruleset = rulesetOf(netns, family);
      for (const row of rows)
        for (const rule of parseRow(family, 'nat', row)) ruleset.delete('nat', 'CNI-HOSTPORT-DNAT', rule);
      ruleset.flush('nat', chain);
      ruleset.deleteChain('nat', chain);
    }
  }
}

function isOf(family: Family, hostIP: string): boolean {
  const ip = parseIp(hostIP);
  return ip !== undefined && familyOf(ip) === family;
}

/** Pods of the node's own and its loopback are masqueraded on this way, so that the answer comes back to it. */
function chainRows(chain: string, ip: Ip, subnet: Prefix | undefined, ports: readonly HostPort[]): string {
  let text = '';
  for (const { hostPort, containerPort, protocol, hostIP = '' } of ports) {
    const host = parseIp(hostIP);
    const one = host !== undefined && !isAny(host);
    const to = one ? `-d ${formatPrefix({ ip: host, length: addressBits(host) })} ` : '';
    const match = `${to}-p ${protocol} -m ${protocol} --dport ${hostPort}`;
    if (subnet !== undefined)
      text += `-A ${chain} -s ${formatPrefix(subnet)} ${match} -j CNI-HOSTPORT-SETMARK\n`;
    if (!one && !isIpv6(ip)) text += `-A ${chain} -s 127.0.0.1/32 ${match} -j CNI-HOSTPORT-SETMARK\n`;
    const address = isIpv6(ip) ? `[${formatIp(ip)}]` : formatIp(ip);
    text += `-A ${chain} ${match} -j DNAT --to-destination ${address}:${containerPort}\n`;
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
