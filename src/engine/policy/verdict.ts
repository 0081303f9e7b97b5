import {
  hasSubject,
  matchesAdminPeer,
  matchesAdminPort,
  type AdminRule,
  type CompiledAdminPolicy,
} from './adminpolicy.ts';
import type { NearMiss, PolicyReference, RuleReference, SideVerdict } from '../verdict.ts';
import { adminRuleFit, ruleFit } from './near.ts';
import type { PolicyEndpoint, PolicyPod, PolicyPort } from './endpoint.ts';
import {
  matchesPeer,
  matchesPort,
  namespaceLookup,
  selects,
  type CompiledPolicy,
  type Direction,
  type NamespaceLabels,
} from './networkpolicy.ts';
import { compilePolicies, type PolicyObjects } from './policies.ts';

export interface PolicyVerdict {
  readonly allowed: boolean;
  /** At the source. */
  readonly egress: SideVerdict;
  /** At the destination. */
  readonly ingress: SideVerdict;
}

/** More near misses than this help nobody. */
const MOST_NEAR = 5;

const OUTSIDE: SideVerdict = { allowed: true, reason: 'outside', selecting: [], near: [] };

/** The policies of a cluster, ready to be asked. */
export class PolicySet {
  readonly #labels: NamespaceLabels;
  /** By namespace: a policy selects only there. */
  readonly #policies = new Map<string, CompiledPolicy[]>();
  readonly #admin: readonly CompiledAdminPolicy[];
  readonly #baseline: CompiledAdminPolicy | undefined;

  constructor(objects: PolicyObjects) {
    this.#labels = namespaceLookup(objects.namespaces);
    const { network, admin, baseline } = compilePolicies(objects);
    for (const policy of network) {
      const list = this.#policies.get(policy.namespace);
      if (list === undefined) this.#policies.set(policy.namespace, [policy]);
      else list.push(policy);
    }
    this.#admin = admin;
    this.#baseline = baseline;
  }

  /** Whether `from` may open a connection to a port of `to`. Answers on an allowed connection always pass. */
  verdict(from: PolicyEndpoint, to: PolicyEndpoint, port: PolicyPort): PolicyVerdict {
    const egress = from.kind === 'pod' ? this.#side('egress', from, to, to, port) : OUTSIDE;
    const ingress = to.kind === 'pod' ? this.#side('ingress', to, from, to, port) : OUTSIDE;
    return { allowed: egress.allowed && ingress.allowed, egress, ingress };
  }

  /** NetworkPolicies that select a pod in a direction. */
  selecting(pod: PolicyPod, direction: Direction): readonly CompiledPolicy[] {
    return (this.#policies.get(pod.namespace) ?? []).filter(
      (policy) => policy[direction] !== undefined && selects(policy, pod),
    );
  }

  #side(
    direction: Direction,
    pod: PolicyPod,
    other: PolicyEndpoint,
    destination: PolicyEndpoint,
    port: PolicyPort,
  ): SideVerdict {
    const asked: Asked = { direction, other, destination, port, selecting: [], near: [] };
    let passed: RuleReference | undefined;
    for (const policy of this.#admin) {
      if (!speaks(policy, direction) || !hasSubject(policy, pod, this.#labels)) continue;
      const found = this.#adminRule(policy, 'AdminNetworkPolicy', asked);
      if (found === undefined) continue;
      if (found.action !== 'Pass') return decided(found, asked, undefined);
      passed = found.by;
      break;
    }
    asked.near.length = 0;
    const policies = this.selecting(pod, direction);
    if (policies.length > 0) return { ...this.#namespaced(policies, asked), ...(passed && { passed }) };
    const baseline = this.#baseline;
    if (baseline !== undefined && speaks(baseline, direction) && hasSubject(baseline, pod, this.#labels)) {
      const found = this.#adminRule(baseline, 'BaselineAdminNetworkPolicy', asked);
      if (found !== undefined) return decided(found, asked, passed);
    }
    return {
      allowed: true,
      reason: 'unselected',
      selecting: asked.selecting,
      near: [],
      ...(passed && { passed }),
    };
  }

  /** The first rule of an admin policy that holds. */
  #adminRule(
    policy: CompiledAdminPolicy,
    kind: 'AdminNetworkPolicy' | 'BaselineAdminNetworkPolicy',
    { direction, other, destination, port, selecting, near }: Asked,
  ): { readonly action: AdminRule['action']; readonly by: RuleReference } | undefined {
    selecting.push({ kind, name: policy.name });
    for (const [i, rule] of policy[direction].entries()) {
      const at = { kind, name: policy.name, rule: i, ...(rule.name === '' ? {} : { ruleName: rule.name }) };
      const peer = rule.peers.findIndex((entry) => matchesAdminPeer(entry, other, this.#labels));
      if (
        peer >= 0 &&
        (rule.ports === undefined || rule.ports.some((entry) => matchesAdminPort(entry, port, destination)))
      )
        return { action: rule.action, by: { ...at, peer } };
      if (rule.action !== 'Deny')
        near.push(() => ({ ...at, ...adminRuleFit(rule, other, this.#labels, port, destination) }));
    }
    return undefined;
  }

  #namespaced(policies: readonly CompiledPolicy[], asked: Asked): SideVerdict {
    const { direction, other, destination, port, selecting, near } = asked;
    const kind = 'NetworkPolicy';
    selecting.push(...policies.map(({ namespace, name }) => ({ kind, namespace, name }) as const));
    for (const { namespace, name, [direction]: rules = [] } of policies) {
      for (const [rule, { peers, ports }] of rules.entries()) {
        const at = { kind, namespace, name, rule } as const;
        const peer = peers?.findIndex((entry) => matchesPeer(entry, namespace, other, this.#labels));
        if (
          (peer === undefined || peer >= 0) &&
          (ports === undefined || ports.some((entry) => matchesPort(entry, port, destination)))
        ) {
          const by = peer === undefined ? at : { ...at, peer };
          return { allowed: true, reason: 'rule', selecting, by, near: [] };
        }
        near.push(() => ({
          ...at,
          ...ruleFit({ peers, ports }, namespace, other, this.#labels, port, destination),
        }));
      }
    }
    return { allowed: false, reason: 'no-match', selecting, near: nearest(near) };
  }
}

/** One direction of a question, and what has been seen while it is answered. */
interface Asked {
  readonly direction: Direction;
  readonly other: PolicyEndpoint;
  readonly destination: PolicyEndpoint;
  readonly port: PolicyPort;
  readonly selecting: PolicyReference[];
  /** Rules that might have let it through; looked at closely only when nothing did. */
  readonly near: (() => NearMiss)[];
}

/** A policy without rules for a direction leaves it to the tiers below. */
function speaks(policy: CompiledAdminPolicy, direction: Direction): boolean {
  return policy[direction].length > 0;
}

function decided(
  found: { readonly action: AdminRule['action']; readonly by: RuleReference },
  { selecting, near }: Asked,
  passed: RuleReference | undefined,
): SideVerdict {
  const allowed = found.action !== 'Deny';
  return {
    allowed,
    reason: 'rule',
    selecting,
    by: found.by,
    near: allowed ? [] : nearest(near),
    ...(passed && { passed }),
  };
}

function nearest(near: readonly (() => NearMiss)[]): readonly NearMiss[] {
  return near
    .map((look) => look())
    .sort((a, b) => a.missing.length - b.missing.length)
    .slice(0, MOST_NEAR);
}
