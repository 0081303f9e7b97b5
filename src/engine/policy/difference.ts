import type { PolicyEndpoint, PolicyPort } from './endpoint.ts';
import { endpointName, groupEndpoints, outsideGroups, type ReachGroup } from './groups.ts';
import type { Endpoint, Inventory } from './inventory.ts';
import { compilePolicies } from './policies.ts';
import { NO_PORTS, type PortRange, type PortSet } from './portset.ts';
import { Reachability } from './reachability.ts';
import { PolicySet, type PolicyVerdict } from './verdict.ts';

/** What a change opens or closes between two groups that are there before and after. */
export interface ReachChange {
  readonly from: ReachGroup;
  readonly to: ReachGroup;
  readonly change: 'opened' | 'closed';
  readonly ports: readonly PortRange[];
  /** A port of them, and what the policies say of it after the change. */
  readonly port: PolicyPort;
  readonly verdict: PolicyVerdict;
}

export interface ReachDifference {
  readonly changes: readonly ReachChange[];
  /** Pods and workloads of one side only: nothing is compared for them. */
  readonly added: readonly string[];
  readonly removed: readonly string[];
}

/** Compares two states of a cluster, pod by pod and address by address. */
export function compareReach(before: Inventory, after: Inventory): ReachDifference {
  const names = (inventory: Inventory): ReadonlyMap<string, Endpoint> =>
    new Map(inventory.endpoints.map((endpoint) => [endpointName(endpoint), endpoint]));
  const old = names(before);
  const now = names(after);
  const both = [...now.values()].filter((endpoint) => old.has(endpointName(endpoint)));
  const outside = outsideGroups([compilePolicies(before.policies), compilePolicies(after.policies)]);
  const addresses = outside.map(({ representative }) => representative);
  const side = (inventory: Inventory, endpoints: readonly PolicyEndpoint[]): Reachability =>
    new Reachability(inventory.policies, [...endpoints, ...addresses]);
  const was = side(
    before,
    both.map((endpoint) => old.get(endpointName(endpoint))?.policy ?? endpoint.policy),
  );
  const is = side(
    after,
    both.map(({ policy }) => policy),
  );
  const places = new Map<PolicyEndpoint, number>(
    [...both.map(({ policy }) => policy), ...addresses].map((one, i) => [one, i]),
  );
  const classOf = (all: Reachability, one: PolicyEndpoint): number => all.classOf[places.get(one) ?? 0] ?? 0;
  const groups = [
    ...groupEndpoints(both, ({ policy }) => `${classOf(was, policy)} ${classOf(is, policy)}`),
    ...outside,
  ];
  const policies = new PolicySet(after.policies);
  const changes: ReachChange[] = [];
  for (const from of groups) {
    for (const to of groups) {
      if (from === to && from.members.length === 1 && !from.name.endsWith(']')) continue;
      const ranges = (all: Reachability): PortSet =>
        all.ports(classOf(all, from.representative), classOf(all, to.representative));
      // Sets of two worlds have numbers of their own.
      const earlier = is.sets.of(was.sets.ranges(ranges(was)));
      const later = ranges(is);
      for (const [change, set] of [
        ['opened', is.sets.difference(later, earlier)],
        ['closed', is.sets.difference(earlier, later)],
      ] as const) {
        if (set === NO_PORTS) continue;
        const ports = is.sets.ranges(set);
        const declared = to.declared.find(({ protocol, port }) => is.sets.has(set, protocol, port));
        const [first] = ports;
        const { protocol, port } = declared ?? {
          protocol: first?.protocol ?? 'TCP',
          port: first?.first ?? 1,
        };
        const verdict = policies.verdict(from.representative, to.representative, { protocol, port });
        changes.push({ from, to, change, ports, port: { protocol, port }, verdict });
      }
    }
  }
  return {
    changes,
    added: [...now.keys()].filter((name) => !old.has(name)),
    removed: [...old.keys()].filter((name) => !now.has(name)),
  };
}
