import type { Pod, PodSpec, Toleration } from './types.ts';

/**
 * What admission adds to every pod: the service account and its token volume (plugin ServiceAccount),
 * tolerations of unreachable nodes (DefaultTolerationSeconds), the priority (Priority).
 */
export function admitPod(pod: Pod): Pod {
  const { spec } = pod;
  let admitted = admittedSpecs.get(spec);
  if (!admitted) admittedSpecs.set(spec, (admitted = admitSpec(spec)));
  return { ...pod, spec: admitted };
}

/** Pods of one template share their spec, here too: a large cluster has few different ones. */
const admittedSpecs = new WeakMap<PodSpec, PodSpec>();

function admitSpec(spec: PodSpec): PodSpec {
  const serviceAccountName = spec.serviceAccountName ?? 'default';
  const tolerations: Toleration[] = [...(spec.tolerations ?? [])];
  for (const key of ['node.kubernetes.io/not-ready', 'node.kubernetes.io/unreachable']) {
    const tolerated = tolerations.some(
      (t) =>
        (t.key === key || (!t.key && t.operator === 'Exists')) && (!t.effect || t.effect === 'NoExecute'),
    );
    if (!tolerated)
      tolerations.push({ key, operator: 'Exists', effect: 'NoExecute', tolerationSeconds: 300 });
  }
  return {
    ...spec,
    serviceAccountName,
    serviceAccount: serviceAccountName,
    priority: spec.priority ?? priorityOf(spec.priorityClassName),
    preemptionPolicy: spec.preemptionPolicy ?? 'PreemptLowerPriority',
    tolerations,
  };
}

function priorityOf(className: string | undefined): number {
  if (className === 'system-cluster-critical') return 2_000_000_000;
  return className === 'system-node-critical' ? 2_000_001_000 : 0;
}
