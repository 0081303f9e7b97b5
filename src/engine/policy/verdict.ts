import {
  byPriority,
  compileAdminPolicy,
  hasSubject,
  matchesAdminPeer,
  matchesAdminPort,
  type AdminPolicyInput,
  type AdminRule,
  type CompiledAdminPolicy,
} from './adminpolicy.ts';
import {
  namespaceLabels,
  type PolicyEndpoint,
  type PolicyNamespace,
  type PolicyPod,
  type PolicyPort,
} from './endpoint.ts';
import {
  compileNetworkPolicy,
  matchesPeer,
  matchesPort,
  selects,
  type CompiledPolicy,
  type Direction,
  type NamespaceLabels,
  type NetworkPolicyInput,
} from './networkpolicy.ts';

export interface PolicyObjects {
  readonly namespaces: Iterable<PolicyNamespace>;
  readonly networkPolicies: Iterable<NetworkPolicyInput>;
  readonly adminNetworkPolicies?: Iterable<AdminPolicyInput>;
  /** At most one counts: the one called `default`. */
  readonly baselineAdminNetworkPolicies?: Iterable<AdminPolicyInput>;
}

/** A rule of a policy, counted from 0; `peer` is the entry of `from` or `to` that held, if the rule has any. */
export interface RuleReference {
  readonly kind: 'NetworkPolicy' | 'AdminNetworkPolicy' | 'BaselineAdminNetworkPolicy';
  readonly namespace: string | undefined;
  readonly name: string;
  readonly rule: number;
  readonly ruleName?: string;
  readonly peer?: number;
}

/** A rule that would have allowed the traffic, were it not for one thing. */
interface NearMiss extends RuleReference {
  readonly mismatch: 'port' | 'peer';
}

export interface PolicyReference {
  readonly kind: RuleReference['kind'];
  readonly namespace: string | undefined;
  readonly name: string;
}

/** What one side's policies say. */
export interface SideVerdict {
  readonly allowed: boolean;
  /**
   * `unselected`: no policy speaks of the pod in this direction. `no-match`: policies select it and none of their rules holds.
   * `rule`: the rule in `by` decided. `outside`: that side is no pod.
   */
  readonly reason: 'outside' | 'unselected' | 'no-match' | 'rule';
  /** Policies that select the pod in this direction. */
  readonly selecting: readonly PolicyReference[];
  readonly by?: RuleReference;
  readonly near: readonly NearMiss[];
}

export interface PolicyVerdict {
  readonly allowed: boolean;
  /** At the source. */
  readonly egress: SideVerdict;
  /** At the destination. */
  readonly ingress: SideVerdict;
}

const OUTSIDE: SideVerdict = { allowed: true, reason: 'outside', selecting: [], near: [] };

/** The policies of a cluster, ready to be asked. */
export class PolicySet {
  readonly #namespaces = new Map<string, ReturnType<typeof namespaceLabels>>();
  /** By namespace: a policy selects only there. */
  readonly #policies = new Map<string, CompiledPolicy[]>();
  readonly #admin: readonly CompiledAdminPolicy[];
  readonly #baseline: CompiledAdminPolicy | undefined;

  constructor(objects: PolicyObjects) {
    for (const namespace of objects.namespaces)
      this.#namespaces.set(namespace.name, namespaceLabels(namespace));
    for (const policy of objects.networkPolicies) {
      const compiled = compileNetworkPolicy(policy);
      const list = this.#policies.get(compiled.namespace);
      if (list === undefined) this.#policies.set(compiled.namespace, [compiled]);
      else list.push(compiled);
    }
    this.#admin = [...(objects.adminNetworkPolicies ?? [])].map(compileAdminPolicy).sort(byPriority);
    const baselines = [...(objects.baselineAdminNetworkPolicies ?? [])].map(compileAdminPolicy);
    this.#baseline = baselines.find((policy) => policy.name === 'default');
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

  readonly #labels: NamespaceLabels = (namespace) =>
    this.#namespaces.get(namespace) ?? namespaceLabels({ name: namespace, labels: {} });

  #side(
    direction: Direction,
    pod: PolicyPod,
    other: PolicyEndpoint,
    destination: PolicyEndpoint,
    port: PolicyPort,
  ): SideVerdict {
    const selecting: PolicyReference[] = [];
    for (const policy of this.#admin) {
      if (!hasSubject(policy, pod, this.#labels)) continue;
      const kind = 'AdminNetworkPolicy';
      selecting.push({ kind, namespace: undefined, name: policy.name });
      const found = this.#adminRule(policy, kind, direction, other, destination, port);
      if (found === undefined) continue;
      if (found.rule.action === 'Pass') break;
      return { allowed: found.rule.action === 'Allow', reason: 'rule', selecting, by: found.by, near: [] };
    }
    const policies = this.selecting(pod, direction);
    if (policies.length > 0)
      return this.#namespaced(policies, selecting, direction, other, destination, port);
    if (this.#baseline !== undefined && hasSubject(this.#baseline, pod, this.#labels)) {
      const kind = 'BaselineAdminNetworkPolicy';
      selecting.push({ kind, namespace: undefined, name: this.#baseline.name });
      const found = this.#adminRule(this.#baseline, kind, direction, other, destination, port);
      if (found !== undefined && found.rule.action !== 'Pass') {
        return { allowed: found.rule.action === 'Allow', reason: 'rule', selecting, by: found.by, near: [] };
      }
    }
    return { allowed: true, reason: 'unselected', selecting, near: [] };
  }

  #adminRule(
    policy: CompiledAdminPolicy,
    kind: 'AdminNetworkPolicy' | 'BaselineAdminNetworkPolicy',
    direction: Direction,
    other: PolicyEndpoint,
    destination: PolicyEndpoint,
    port: PolicyPort,
  ): { readonly rule: AdminRule; readonly by: RuleReference } | undefined {
    for (const [i, rule] of policy[direction].entries()) {
      const peer = rule.peers.findIndex((entry) => matchesAdminPeer(entry, other, this.#labels));
      if (peer < 0) continue;
      if (rule.ports !== undefined && !rule.ports.some((entry) => matchesAdminPort(entry, port, destination)))
        continue;
      return {
        rule,
        by: { kind, namespace: undefined, name: policy.name, rule: i, ruleName: rule.name, peer },
      };
    }
    return undefined;
  }

  #namespaced(
    policies: readonly CompiledPolicy[],
    above: readonly PolicyReference[],
    direction: Direction,
    other: PolicyEndpoint,
    destination: PolicyEndpoint,
    port: PolicyPort,
  ): SideVerdict {
    const kind = 'NetworkPolicy';
    const selecting = [
      ...above,
      ...policies.map(({ namespace, name }) => ({ kind, namespace, name }) as const),
    ];
    const near: NearMiss[] = [];
    for (const policy of policies) {
      for (const [i, rule] of (policy[direction] ?? []).entries()) {
        const at = { kind, namespace: policy.namespace, name: policy.name, rule: i } as const;
        const peer = rule.peers?.findIndex((entry) =>
          matchesPeer(entry, policy.namespace, other, this.#labels),
        );
        const portHolds =
          rule.ports === undefined || rule.ports.some((entry) => matchesPort(entry, port, destination));
        const by = peer === undefined || peer < 0 ? at : { ...at, peer };
        if (peer !== undefined && peer < 0) {
          if (portHolds) near.push({ ...at, mismatch: 'peer' });
        } else if (portHolds) return { allowed: true, reason: 'rule', selecting, by, near: [] };
        else near.push({ ...by, mismatch: 'port' });
      }
    }
    return { allowed: false, reason: 'no-match', selecting, near };
  }
}
