import type { Store } from './store.ts';

/** Kinds that others can own. */
export const ownedKinds = [
  'Pod',
  'ReplicaSet',
  'EndpointSlice',
  'Endpoints',
  'Job',
  'Deployment',
  'ConfigMap',
  'Service',
];

/** The indexes that controllers need: `owner` by uid, `orphans` by namespace, and pods by `node`, `labels` (`namespace/key=value`) and `anti-affinity`. */
export function indexOwned(store: Store): void {
  for (const kind of ownedKinds) {
    store.addIndex(
      kind,
      'owner',
      ({ metadata }) => metadata.ownerReferences?.map(({ uid }) => uid) ?? [],
      ({ metadata }) => metadata.ownerReferences,
    );
  }
  store.addIndex(
    'Pod',
    'node',
    ({ spec }) => (spec.nodeName ? [spec.nodeName] : []),
    ({ spec }) => spec.nodeName,
  );
  store.addIndex(
    'Pod',
    'labels',
    ({ metadata }) =>
      Object.entries(metadata.labels ?? {}).map(
        ([key, value]) => `${metadata.namespace ?? ''}/${key}=${value}`,
      ),
    ({ metadata }) => metadata.labels,
  );
  for (const kind of ['Pod', 'ReplicaSet'] as const) {
    store.addIndex(
      kind,
      'orphans',
      ({ metadata }) =>
        metadata.ownerReferences?.some(({ controller }) => controller) ? [] : [metadata.namespace ?? ''],
      ({ metadata }) => metadata.ownerReferences,
    );
  }
  store.addIndex(
    'Pod',
    'anti-affinity',
    ({ spec }) =>
      spec.affinity?.podAntiAffinity?.requiredDuringSchedulingIgnoredDuringExecution ? [''] : [],
    ({ spec }) => spec.affinity,
  );
}
