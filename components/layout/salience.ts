import { verdictOf } from '../strings/strings.ts';
import type { Decision } from '../../src/engine/net/decision.ts';

/** 2: the way turned on it. 1: worth a line. 0: routine, folded away until asked for. */
export type Salience = 0 | 1 | 2;

export function salience(decision: Decision): Salience {
  switch (decision.code) {
    case 'rule':
    case 'nft-rule':
      return /^(DROP|REJECT|DNAT|SNAT|MASQUERADE|REDIRECT)/.test(verdictOf(decision)) ? 2 : 0;
    case 'chain-policy':
    case 'nft-policy':
      return decision.verdict === 'ACCEPT' ? 0 : 2;
    case 'drop':
      return decision.reason === 'other-host' ? 0 : 2;
    case 'conntrack':
      return decision.state === 'INVALID' ? 1 : 0;
    case 'fdb-learn':
      return decision.moved ? 1 : 0;
    case 'ttl':
    case 'tcp-state':
    case 'arp-ignore':
    case 'not-for-us':
      return 0;
    case 'policy':
    case 'route':
    case 'route-none':
    case 'route-blackhole':
    case 'route-unreachable':
    case 'route-prohibit':
    case 'rp-filter':
    case 'martian':
    case 'forwarding-off':
    case 'no-socket':
    case 'ttl-expired':
    case 'fdb-flood':
    case 'neigh-failed':
    case 'vxlan-encap':
    case 'vxlan-decap':
    case 'vxlan-no-fdb':
    case 'ipip-encap':
    case 'ipip-decap':
    case 'mtu-exceeded':
    case 'nat-binding':
    case 'nat':
    case 'link-down':
    case 'fdb-same-port':
      return 2;
    default:
      return 1;
  }
}
