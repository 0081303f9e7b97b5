import type {
  LabelMismatch,
  NearMiss,
  PolicyReference,
  PolicyVerdict,
  PortRange,
  RuleReference,
  SideVerdict,
} from '../../../src/engine/reach.ts';

/** Who asked for what, as sentences name it. */
export interface Asked {
  readonly from: string;
  readonly to: string;
  readonly protocol: string;
  readonly port: number;
}

/** Words about who can talk to whom, in one language. Sentences about verdicts end without a full stop. */
export interface ReachStrings {
  readonly language: 'ko' | 'en';
  readonly self: string;
  /** Both sides in one line: those that refuse, or else what allowed. */
  readonly reason: (verdict: PolicyVerdict, asked: Asked) => string;
  /** One side: what its policies said. */
  readonly side: (side: SideVerdict, direction: 'ingress' | 'egress', asked: Asked) => string;
  /** A rule that nearly let it through. */
  readonly near: (near: NearMiss, asked: Asked) => string;
  readonly title: string;
  readonly lead: string;
  readonly from: string;
  readonly to: string;
  readonly ports: string;
  readonly because: string;
  readonly all: string;
  readonly none: string;
  /** Everything except. */
  readonly allBut: (ports: string) => string;
  readonly selfCell: string;
  readonly legend: Readonly<Record<'all' | 'some' | 'none', string>>;
  readonly outside: string;
  /** Every address that no policy names. */
  readonly anyAddress: string;
  readonly more: (count: number) => string;
  readonly policies: (network: number, admin: number) => string;
  /** Heads the rules that nearly let something through. */
  readonly nearest: string;
  readonly choose: string;
  readonly back: string;
  readonly nothing: string;
  readonly diff: {
    readonly opened: string;
    readonly closed: string;
    readonly unchanged: string;
    readonly added: string;
    readonly removed: string;
  };
}

const PROTOCOLS = ['TCP', 'UDP', 'SCTP'] as const;
const LAST = 65_535;

/** `TCP 80,443 UDP 53`; what is open nearly everywhere is said by what is not. */
export function portsText(ranges: readonly PortRange[], strings: ReachStrings): string {
  if (ranges.length === 0) return strings.none;
  const closed = complement(ranges);
  if (closed.length === 0) return strings.all;
  const open = list(ranges);
  const but = strings.allBut(list(closed));
  return but.length < open.length ? but : open;
}

function list(ranges: readonly PortRange[]): string {
  return PROTOCOLS.flatMap((protocol) => {
    const own = ranges.filter((range) => range.protocol === protocol);
    if (own.length === 0) return [];
    const texts = own.map(({ first, last }) => (first === last ? String(first) : `${first}-${last}`));
    return texts.join() === `1-${LAST}` ? protocol : `${protocol} ${texts.join(',')}`;
  }).join(' · ');
}

function complement(ranges: readonly PortRange[]): PortRange[] {
  return PROTOCOLS.flatMap((protocol) => {
    const closed: PortRange[] = [];
    let next = 1;
    for (const range of ranges) {
      if (range.protocol !== protocol) continue;
      if (range.first > next) closed.push({ protocol, first: next, last: range.first - 1 });
      next = range.last + 1;
    }
    if (next <= LAST) closed.push({ protocol, first: next, last: LAST });
    return closed;
  });
}

/** `NetworkPolicy shop/web`, `AdminNetworkPolicy guard`. */
export function policyName({ kind, namespace, name }: PolicyReference): string {
  return namespace === undefined ? `${kind} ${name}` : `${kind} ${namespace}/${name}`;
}

/** The same without its kind where that is NetworkPolicy, for lists. */
export function shortName(policy: PolicyReference): string {
  return policy.kind === 'NetworkPolicy' ? `${policy.namespace ?? ''}/${policy.name}` : policyName(policy);
}

/** People count rules from 1. */
export function ruleNumber({ rule, ruleName }: RuleReference): string {
  return ruleName === undefined ? String(rule + 1) : `${rule + 1} (${ruleName})`;
}

/** `app=front`, `tier in (a, b)`, `!legacy`: as kubectl writes selectors. */
export function requirementText({ key, operator, values }: LabelMismatch): string {
  switch (operator) {
    case 'In':
      return values.length === 1 ? `${key}=${values[0] ?? ''}` : `${key} in (${values.join(', ')})`;
    case 'NotIn':
      return values.length === 1 ? `${key}!=${values[0] ?? ''}` : `${key} notin (${values.join(', ')})`;
    case 'Exists':
      return key;
    case 'DoesNotExist':
      return `!${key}`;
  }
}
