import type {
  LabelMismatch,
  PolicyReference,
  ProbeVerdict,
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

/** Sentences about verdicts in one language; none ends with a full stop where `part` is in its name. */
export interface VerdictWords {
  readonly self: string;
  /** Both sides in one line. */
  readonly reason: (verdict: Exclude<ProbeVerdict, { kind: 'self' }>, asked: Asked) => string;
  /** One side: what its policies said. */
  readonly side: (side: SideVerdict, direction: 'ingress' | 'egress', asked: Asked) => string;
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
