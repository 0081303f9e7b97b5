import type { TargetExtension } from '../iptables-extension.ts';
import { TCP } from '../netfilter-flow.ts';
import type { RejectWith } from '../skb.ts';

type RejectType = readonly [name: string, alias: string, how: RejectWith];

/** extensions/libipt_REJECT.c and libip6t_REJECT.c. */
const TYPES: Record<'ipv4' | 'ipv6', readonly RejectType[]> = {
  ipv4: [
    ['icmp-port-unreachable', 'port-unreach', 'port-unreachable'],
    ['icmp-net-unreachable', 'net-unreach', 'net-unreachable'],
    ['icmp-host-unreachable', 'host-unreach', 'host-unreachable'],
    ['icmp-proto-unreachable', 'proto-unreach', 'proto-unreachable'],
    ['icmp-net-prohibited', 'net-prohib', 'net-prohibited'],
    ['icmp-host-prohibited', 'host-prohib', 'host-prohibited'],
    ['tcp-reset', 'tcp-rst', 'tcp-reset'],
    ['icmp-admin-prohibited', 'admin-prohib', 'admin-prohibited'],
  ],
  ipv6: [
    ['icmp6-port-unreachable', 'port-unreach', 'port-unreachable'],
    ['icmp6-no-route', 'no-route', 'net-unreachable'],
    ['icmp6-adm-prohibited', 'adm-prohibited', 'admin-prohibited'],
    ['icmp6-addr-unreachable', 'addr-unreach', 'host-unreachable'],
    ['tcp-reset', 'tcp-reset', 'tcp-reset'],
  ],
};

export const reject: TargetExtension = {
  name: 'REJECT',
  options: [{ name: 'reject-with', argument: 'required' }],
  create(given, { family, table, chain, protocol }) {
    const wanted = given.get('reject-with')?.value;
    const types = TYPES[family];
    const type =
      wanted === undefined
        ? types[0]
        : types.find(
            ([name, alias]) =>
              name.startsWith(wanted.toLowerCase()) || alias.startsWith(wanted.toLowerCase()),
          );
    if (type === undefined) return { error: `unknown reject type "${wanted ?? ''}"` };
    const [name, , how] = type;
    if (table !== 'filter' || chain === 'PREROUTING' || chain === 'POSTROUTING')
      return { kernel: 'Invalid argument' };
    if (how === 'tcp-reset' && (protocol?.number !== TCP || protocol.invert))
      return { kernel: 'Invalid argument' };
    return {
      kind: 'extension',
      name: 'REJECT',
      save: ` --reject-with ${name}`,
      list: () => ` reject-with ${name}`,
      apply(flow) {
        flow.skb.netns.reject(flow.skb, how);
        return 'DROP';
      },
    };
  },
};
