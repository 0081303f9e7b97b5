import { controllerOf } from './describe/description.ts';
import { fieldOf, isFields, textAt, valueAt } from './value.ts';

/** The ReplicaSets that a Deployment controls: the one with its present template, and the others that still have pods. */
export function replicaSetsOf(deployment: unknown, replicaSets: readonly unknown[]) {
  const uid = textAt(deployment, 'metadata.uid');
  const all = replicaSets.filter((replicaSet) => textAt(controllerOf(replicaSet), 'uid') === uid);
  const current = all.find((replicaSet) =>
    equalTemplates(valueAt(replicaSet, 'spec.template'), valueAt(deployment, 'spec.template')),
  );
  return { all, current, old: all.filter((replicaSet) => replicaSet !== current) };
}

/** `deployment.kubernetes.io/revision`, 0 where it is absent. */
export function revisionOf(object: unknown): number {
  return Number(fieldOf(valueAt(object, 'metadata.annotations'), 'deployment.kubernetes.io/revision') ?? 0);
}

export function changeCauseOf(object: unknown): string {
  return String(fieldOf(valueAt(object, 'metadata.annotations'), 'kubernetes.io/change-cause') ?? '<none>');
}

/** Equal but for the hash label that the Deployment controller adds. */
function equalTemplates(a: unknown, b: unknown): boolean {
  return stable(withoutHash(a)) === stable(withoutHash(b));
}

export function withoutHash(template: unknown): unknown {
  const metadata = valueAt(template, 'metadata');
  const labels = valueAt(metadata, 'labels');
  if (!isFields(template) || !isFields(metadata) || !isFields(labels)) return template;
  const { 'pod-template-hash': _, ...rest } = labels;
  return { ...template, metadata: { ...metadata, labels: rest } };
}

/** JSON with sorted keys. */
function stable(value: unknown): string {
  return JSON.stringify(value, (_, inner: unknown) =>
    isFields(inner) ? Object.fromEntries(Object.entries(inner).sort(([a], [b]) => (a < b ? -1 : 1))) : inner,
  );
}
