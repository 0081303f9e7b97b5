/**
 * What policies say of a connection, as data: codes and parameters, whose prose lives in `components/strings/verdict/`.
 * Types only, so that the record of a packet may carry them.
 */

export interface PolicyReference {
  readonly kind: 'NetworkPolicy' | 'AdminNetworkPolicy' | 'BaselineAdminNetworkPolicy';
  readonly namespace?: string;
  readonly name: string;
}

/** A rule of a policy, counted from 0; `peer` is the entry of `from` or `to` that held, if the rule has any. */
export interface RuleReference extends PolicyReference {
  readonly rule: number;
  /** Rules of the admin tiers may have one. */
  readonly ruleName?: string;
  readonly peer?: number;
}

/** A rule that would have let the traffic through, were it not for `missing`; the nearest come first. */
export interface NearMiss extends RuleReference {
  readonly fits: readonly Fit[];
  readonly missing: readonly Mismatch[];
}

/** What one side's policies say. */
export interface SideVerdict {
  readonly allowed: boolean;
  /**
   * `unselected`: no policy speaks of the pod in this direction. `no-match`: NetworkPolicies select it and none of their rules holds.
   * `rule`: the rule in `by` decided. `outside`: that side is no pod, or a pod on its node's own network.
   */
  readonly reason: 'outside' | 'unselected' | 'no-match' | 'rule';
  /** Policies that select the pod and speak of this direction, in the order in which they are asked. */
  readonly selecting: readonly PolicyReference[];
  readonly by?: RuleReference;
  /** The admin rule that left the decision to the tiers below. */
  readonly passed?: RuleReference;
  /** Only where the traffic is refused. */
  readonly near: readonly NearMiss[];
}

/** One thing about a rule that did not fit. */
export type Mismatch =
  /** The rule lists other ports; named ones with the number that they have on the destination, if any. */
  | { readonly code: 'port'; readonly listed: readonly string[] }
  | ({ readonly code: 'pod-label' | 'namespace-label' } & LabelMismatch)
  /** A pod selector alone looks in the policy's own namespace only. */
  | { readonly code: 'namespace'; readonly wanted: string; readonly actual: string }
  | { readonly code: 'cidr'; readonly cidr: string }
  | { readonly code: 'except'; readonly cidr: string; readonly except: string }
  /** Selectors match pods, and the other side is an address outside. */
  | { readonly code: 'not-a-pod' }
  /** Peers that no pod and no address can be here: nodes, domain names, a selector that is null. */
  | { readonly code: 'nobody' };

export interface LabelMismatch {
  readonly key: string;
  readonly operator: 'In' | 'NotIn' | 'Exists' | 'DoesNotExist';
  readonly values: readonly string[];
  /** The label's value; absent: it is not set. */
  readonly actual?: string;
}

/** What of a rule fitted. */
export type Fit = 'everybody' | 'namespace' | 'pod' | 'address' | 'port';
