import type { Store } from '../api/store.ts';
import type { Pod } from '../api/types.ts';
import { endpointFrom, type Endpoint, type Inventory } from './inventory.ts';

/**
 * The pods and policies of a cluster as it stands. Pods go by the controller at the top: a Deployment's, not its
 * ReplicaSet's. Where the CNI does not enforce policies (`ignored`), there are none.
 */
export function runningInventory(store: Store, policies: 'enforced' | 'ignored'): Inventory {
  const all = policies === 'enforced';
  return {
    endpoints: store.list('Pod').flatMap((pod) => podEndpoint(pod, store)),
    policies: {
      namespaces: store
        .list('Namespace')
        .map(({ metadata }) => ({ name: metadata.name, labels: metadata.labels ?? {} })),
      networkPolicies: all ? store.list('NetworkPolicy') : [],
      adminNetworkPolicies: all ? store.list('AdminNetworkPolicy') : [],
      baselineAdminNetworkPolicies: all ? store.list('BaselineAdminNetworkPolicy') : [],
    },
    diagnostics: [],
  };
}

function podEndpoint(pod: Pod, store: Store): Endpoint[] {
  const { phase, podIPs = [] } = pod.status;
  if (phase === 'Succeeded' || phase === 'Failed') return [];
  const endpoint = endpointFrom(
    pod,
    podIPs.map(({ ip }) => ip),
  );
  const owner = ownerOf(pod, store);
  return endpoint === undefined ? [] : [{ ...endpoint, ...(owner === undefined ? {} : { owner }) }];
}

function ownerOf(pod: Pod, store: Store): string | undefined {
  let found: string | undefined;
  let { ownerReferences = [] } = pod.metadata;
  for (const seen = new Set<string>(); ;) {
    const owner = ownerReferences.find(({ controller }) => controller === true);
    if (owner === undefined || seen.has(owner.uid)) return found;
    seen.add(owner.uid);
    found = `${owner.kind}/${owner.name}`;
    ownerReferences = store.byUid(owner.uid)?.metadata.ownerReferences ?? [];
  }
}
