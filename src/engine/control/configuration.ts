import { labelOf } from '../api/labels.ts';
import type { Store } from '../api/store.ts';
import type { Container, Pod } from '../api/types.ts';

/** The first volume that cannot be set up, in the kubelet's words. */
export function missingVolume(
  store: Store,
  pod: Pod,
): { readonly volume: string; readonly message: string } | undefined {
  const { namespace = '' } = pod.metadata;
  for (const { name: volume, configMap, secret } of pod.spec.volumes ?? []) {
    if (configMap && !configMap.optional && !store.get('ConfigMap', namespace, configMap.name ?? '')) {
      return { volume, message: `configmap "${configMap.name ?? ''}" not found` };
    }
    if (secret && !secret.optional && !store.get('Secret', namespace, secret.secretName ?? '')) {
      return { volume, message: `secret "${secret.secretName ?? ''}" not found` };
    }
  }
  return undefined;
}

/** Why a container cannot be configured (CreateContainerConfigError), or undefined. */
export function missingEnvironment(store: Store, pod: Pod, container: Container): string | undefined {
  const { namespace = '' } = pod.metadata;
  for (const { valueFrom } of container.env ?? []) {
    const { configMapKeyRef, secretKeyRef } = valueFrom ?? {};
    const reference = configMapKeyRef ?? secretKeyRef;
    if (!reference || reference.optional) continue;
    const { name = '', key } = reference;
    const object = configMapKeyRef
      ? store.get('ConfigMap', namespace, name)
      : store.get('Secret', namespace, name);
    const kind = configMapKeyRef ? 'configmap' : 'secret';
    if (!object) return `${kind} "${name}" not found`;
    if (labelOf(object.data, key) === undefined) {
      return `couldn't find key ${key} in ${configMapKeyRef ? 'ConfigMap' : 'Secret'} ${namespace}/${name}`;
    }
  }
  for (const source of container.envFrom ?? []) {
    for (const [field, kind] of [
      ['configMapRef', 'ConfigMap'],
      ['secretRef', 'Secret'],
    ] as const) {
      const reference = source[field];
      if (typeof reference !== 'object' || reference === null || !('name' in reference)) continue;
      if (reference['optional'] !== true && !store.get(kind, namespace, String(reference['name']))) {
        return `${kind.toLowerCase()} "${String(reference['name'])}" not found`;
      }
    }
  }
  return undefined;
}
