import {
  byPriority,
  compileAdminPolicy,
  type AdminPolicyInput,
  type CompiledAdminPolicy,
} from './adminpolicy.ts';
import type { PolicyNamespace } from './endpoint.ts';
import { compileNetworkPolicy, type CompiledPolicy, type NetworkPolicyInput } from './networkpolicy.ts';

/** The objects of a cluster that decide who may talk to whom. */
export interface PolicyObjects {
  readonly namespaces: Iterable<PolicyNamespace>;
  readonly networkPolicies: Iterable<NetworkPolicyInput>;
  readonly adminNetworkPolicies?: Iterable<AdminPolicyInput>;
  /** At most one counts: the one called `default`. */
  readonly baselineAdminNetworkPolicies?: Iterable<AdminPolicyInput>;
}

/** The three tiers in the order in which they are asked. */
export interface CompiledPolicies {
  /** By priority. */
  readonly admin: readonly CompiledAdminPolicy[];
  readonly network: readonly CompiledPolicy[];
  readonly baseline: CompiledAdminPolicy | undefined;
}

export function compilePolicies(objects: PolicyObjects): CompiledPolicies {
  const baselines = [...(objects.baselineAdminNetworkPolicies ?? [])].map(compileAdminPolicy);
  return {
    admin: [...(objects.adminNetworkPolicies ?? [])].map(compileAdminPolicy).sort(byPriority),
    network: [...objects.networkPolicies].map(compileNetworkPolicy),
    baseline: baselines.find((policy) => policy.name === 'default'),
  };
}
