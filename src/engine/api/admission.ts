import { drawSuffix } from './draw.ts';
import type { Store } from './store.ts';
import type { Container, Ingress, Pod, PodSpec, Toleration, Volume } from './types.ts';

/**
 * What admission adds to every pod: the service account and its token volume (plugin ServiceAccount),
 * tolerations of unreachable nodes (DefaultTolerationSeconds), the priority (Priority).
 */
export function admitPod(pod: Pod, seed: number): Pod {
  const { spec } = pod;
  let admitted = admittedSpecs.get(spec);
  if (!admitted) {
    const { namespace = '', name } = pod.metadata;
    admitted = withToken(admitSpec(spec), drawSuffix(seed, `kube-api-access/${namespace}/${name}`, 0));
    admittedSpecs.set(spec, admitted);
  }
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

const tokenPath = '/var/run/secrets/kubernetes.io/serviceaccount';

/** The projected volume with the account's token, mounted in every container that has nothing else there. */
function withToken(spec: PodSpec, suffix: string): PodSpec {
  if (spec.automountServiceAccountToken === false) return spec;
  const name = `kube-api-access-${suffix}`;
  const mounted = (containers: readonly Container[]): readonly Container[] =>
    containers.map((container) =>
      container.volumeMounts?.some(({ mountPath }) => mountPath === tokenPath)
        ? container
        : {
            ...container,
            volumeMounts: [...(container.volumeMounts ?? []), { name, mountPath: tokenPath, readOnly: true }],
          },
    );
  const volume: Volume = {
    name,
    projected: {
      defaultMode: 420,
      sources: [
        { serviceAccountToken: { expirationSeconds: 3607, path: 'token' } },
        { configMap: { name: 'kube-root-ca.crt', items: [{ key: 'ca.crt', path: 'ca.crt' }] } },
        {
          downwardAPI: {
            items: [{ path: 'namespace', fieldRef: { apiVersion: 'v1', fieldPath: 'metadata.namespace' } }],
          },
        },
      ],
    },
  };
  return {
    ...spec,
    containers: mounted(spec.containers),
    ...(spec.initContainers ? { initContainers: mounted(spec.initContainers) } : {}),
    volumes: [...(spec.volumes ?? []), volume],
  };
}

function priorityOf(className: string | undefined): number {
  if (className === 'system-cluster-critical') return 2_000_000_000;
  return className === 'system-node-critical' ? 2_000_001_000 : 0;
}

/**
 * An Ingress that names no class gets the one that is marked as the default, the newest of several
 * (plugin DefaultIngressClass); one with the older annotation is left alone.
 */
export function admitIngress(ingress: Ingress, store: Store): Ingress {
  const { metadata, spec } = ingress;
  if (
    spec.ingressClassName !== undefined ||
    metadata.annotations?.['kubernetes.io/ingress.class'] !== undefined
  )
    return ingress;
  const [newest] = store
    .list('IngressClass')
    .filter((one) => one.metadata.annotations?.['ingressclass.kubernetes.io/is-default-class'] === 'true')
    .sort((a, b) => {
      const [left, right] = [a.metadata.creationTimestamp ?? '', b.metadata.creationTimestamp ?? ''];
      if (left !== right) return left > right ? -1 : 1;
      return a.metadata.name < b.metadata.name ? -1 : 1;
    });
  if (newest === undefined) return ingress;
  return { ...ingress, spec: { ...spec, ingressClassName: newest.metadata.name } };
}
