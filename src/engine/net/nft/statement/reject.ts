import { isIpv6 } from '../../address.ts';
import { TCP } from '../../netfilter-flow.ts';
import type { RejectWith } from '../../skb.ts';
import type { Cursor } from '../cursor.ts';
import type { RuleContext } from '../rule-context.ts';
import type { Statement } from '../rule.ts';

type Kind = 'icmp' | 'icmpv6' | 'icmpx';

/** The codes that an error may have, and what the kernel sends for them (net/netfilter/nft_reject.c). */
const CODES: Readonly<Record<Kind, Readonly<Record<string, RejectWith>>>> = {
  icmp: {
    'net-unreachable': 'net-unreachable',
    'host-unreachable': 'host-unreachable',
    'prot-unreachable': 'proto-unreachable',
    'port-unreachable': 'port-unreachable',
    'net-prohibited': 'net-prohibited',
    'host-prohibited': 'host-prohibited',
    'admin-prohibited': 'admin-prohibited',
  },
  icmpv6: {
    'no-route': 'net-unreachable',
    'admin-prohibited': 'admin-prohibited',
    'addr-unreachable': 'host-unreachable',
    'port-unreachable': 'port-unreachable',
  },
  icmpx: {
    'port-unreachable': 'port-unreachable',
    'admin-prohibited': 'admin-prohibited',
    'no-route': 'net-unreachable',
    'host-unreachable': 'host-unreachable',
  },
};

const HOOKS = { only: ['INPUT', 'FORWARD', 'OUTPUT', 'PREROUTING'] };

/** `reject [with …]`. */
export function parseReject(
  cursor: Cursor,
  context: RuleContext,
  start: { readonly start: number; readonly end: number },
): Statement | undefined {
  if (!cursor.take('with')) return rejecting('reject', 'port-unreachable', undefined);
  if (cursor.take('tcp')) {
    if (!cursor.expect('reset', 'reset')) return undefined;
    return {
      ...rejecting('reject with tcp reset', 'tcp-reset', undefined),
      transport: { protocol: TCP, bare: false },
    };
  }
  if (!cursor.is('icmp', 'icmpv6', 'icmpx')) return cursor.unexpected('icmp or icmpv6 or tcp or icmpx');
  const kind = cursor.next().text as Kind;
  cursor.take('type');
  const code = cursor.peek();
  if (code.kind !== 'string') return cursor.unexpected('string');
  cursor.next();
  const how = Object.hasOwn(CODES[kind], code.text) ? CODES[kind][code.text] : undefined;
  if (how === undefined) return cursor.fail(`Could not parse ${kind} code`, code);
  if (kind === 'icmpx' && context.family !== 'inet')
    return cursor.fail('abstracted ICMP unreachable not supported', code, start);
  if (kind === 'icmpv6' && context.family === 'ip')
    return cursor.fail('conflicting protocols specified: ip vs ip6', code, start);
  if (kind === 'icmp' && context.family === 'ip6')
    return cursor.fail('conflicting protocols specified: ip6 vs ip', code, start);
  // The usual code is not printed; of inet tables it is that of icmpx.
  const usual = how === 'port-unreachable' && (kind === 'icmpx' || context.family !== 'inet');
  const family = kind === 'icmp' ? 4 : kind === 'icmpv6' ? 6 : undefined;
  return rejecting(usual ? 'reject' : `reject with ${kind} ${code.text}`, how, family);
}

function rejecting(text: string, how: RejectWith, family: 4 | 6 | undefined): Statement {
  return {
    text: () => text,
    run(walk) {
      const { flow } = walk;
      if (how === 'tcp-reset' && flow.protocol !== TCP) return 'break';
      if (family !== undefined && isIpv6(flow.src) !== (family === 6)) return 'break';
      walk.foresee('DROP');
      flow.skb.netns.reject(flow.skb, how);
      return { kind: 'drop' };
    },
    terminal: true,
    hooks: HOOKS,
  };
}
