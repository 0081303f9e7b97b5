import type { PolicyVerdict } from '../../../src/engine/reach.ts';
import type {
  LabelMismatch,
  NearMiss,
  PolicyReference,
  RuleReference,
  SideVerdict,
} from '../../../src/engine/verdict.ts';

/** Who asked for what, as sentences name it. */
export interface Asked {
  readonly from: string;
  readonly to: string;
  readonly protocol: string;
  readonly port: number;
}

/** Sentences about verdicts in one language, without their full stops. */
export interface VerdictStrings {
  readonly self: string;
  /** Both sides in one line: those that refuse, or else what allowed. */
  readonly reason: (verdict: PolicyVerdict, asked: Asked) => string;
  /** One side: what its policies said. */
  readonly side: (side: SideVerdict, direction: 'ingress' | 'egress', asked: Asked) => string;
  /** A rule that nearly let it through. */
  readonly near: (near: NearMiss, asked: Asked) => string;
}

/** `TCP 80`; ICMP has no ports. */
export function portName({ protocol, port }: Asked): string {
  return protocol === 'ICMP' ? protocol : `${protocol} ${port}`;
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
