import { labelOf } from './api/labels.ts';
import type { Store } from './api/store.ts';
import type { Container, EnvVar, JsonObject, Pod } from './api/types.ts';
import { fromBase64 } from './capture/base64.ts';

/**
 * A container's environment: image, service links, `envFrom`, `env` in that order (pkg/kubelet/kubelet_pods.go,
 * makeEnvironmentVariables). What is missing the kubelet has found out before.
 */
export function containerEnvironment(
  store: Store,
  pod: Pod,
  container: Container,
  {
    image,
    links,
    hostname,
  }: {
    readonly image: Readonly<Record<string, string>>;
    readonly links: Readonly<Record<string, string>>;
    readonly hostname: string;
  },
): Readonly<Record<string, string>> {
  const env: Record<string, string> = { ...image, HOSTNAME: hostname, HOME: '/root' };
  for (const source of container.envFrom ?? []) {
    const prefix = typeof source['prefix'] === 'string' ? source['prefix'] : '';
    for (const [name, value] of Object.entries(sourceData(store, pod, source)))
      setOwn(env, prefix + name, value);
  }
  const own: Record<string, string> = {};
  for (const variable of container.env ?? []) {
    const value = variableValue(store, pod, variable, { ...links, ...own });
    if (value === undefined) continue;
    setOwn(own, variable.name, value);
    setOwn(env, variable.name, value);
  }
  for (const [name, value] of Object.entries(links)) if (!Object.hasOwn(env, name)) env[name] = value;
  return env;
}

/** Names such as `__proto__` are names like any other. */
function setOwn(target: Record<string, string>, name: string, value: string): void {
  Object.defineProperty(target, name, { value, enumerable: true, configurable: true, writable: true });
}

/** `$(NAME)` becomes the variable, `$$(NAME)` stays as `$(NAME)` (third_party/forked/golang/expansion). */
export function expandReferences(text: string, env: Readonly<Record<string, string>>): string {
  return text.replaceAll(/\$\$|\$\(([^()\s]*)\)/g, (whole, name: string | undefined) => {
    if (name === undefined) return '$';
    return Object.hasOwn(env, name) ? (env[name] ?? '') : whole;
  });
}

function variableValue(
  store: Store,
  pod: Pod,
  { value, valueFrom }: EnvVar,
  known: Readonly<Record<string, string>>,
): string | undefined {
  if (valueFrom === undefined) return expandReferences(value ?? '', known);
  if (valueFrom.fieldRef !== undefined) return fieldValue(pod, valueFrom.fieldRef.fieldPath);
  const { configMapKeyRef, secretKeyRef } = valueFrom;
  const reference = configMapKeyRef ?? secretKeyRef;
  if (reference === undefined) return '0';
  const kind = configMapKeyRef === undefined ? 'Secret' : 'ConfigMap';
  return labelOf(objectData(store, kind, pod.metadata.namespace, reference.name ?? ''), reference.key);
}

function sourceData(store: Store, pod: Pod, source: JsonObject): Readonly<Record<string, string>> {
  for (const [field, kind] of [
    ['configMapRef', 'ConfigMap'],
    ['secretRef', 'Secret'],
  ] as const) {
    const reference = source[field];
    if (typeof reference === 'object' && reference !== null && 'name' in reference)
      return objectData(store, kind, pod.metadata.namespace, String(reference['name'])) ?? {};
  }
  return {};
}

/** A ConfigMap's or Secret's texts. */
function objectData(
  store: Store,
  kind: 'ConfigMap' | 'Secret',
  namespace: string | undefined,
  name: string,
): Readonly<Record<string, string>> | undefined {
  if (kind === 'ConfigMap') {
    const map = store.get('ConfigMap', namespace, name);
    return map === undefined ? undefined : (map.data ?? {});
  }
  const secret = store.get('Secret', namespace, name);
  if (secret === undefined) return undefined;
  const out: Record<string, string> = {};
  for (const [key, value] of Object.entries(secret.data ?? {}))
    setOwn(out, key, new TextDecoder().decode(fromBase64(value)));
  return out;
}

function fieldValue(pod: Pod, path: string): string {
  const { metadata, spec, status } = pod;
  const subscript = /^metadata\.(labels|annotations)\['([^']+)'\]$/.exec(path);
  if (subscript !== null) {
    const map = subscript[1] === 'labels' ? metadata.labels : metadata.annotations;
    const key = subscript[2] ?? '';
    return labelOf(map, key) ?? '';
  }
  const fields: Readonly<Record<string, string | undefined>> = {
    'metadata.name': metadata.name,
    'metadata.namespace': metadata.namespace,
    'metadata.uid': metadata.uid,
    'spec.nodeName': spec.nodeName,
    'spec.serviceAccountName': spec.serviceAccountName ?? 'default',
    'status.hostIP': status.hostIP,
    'status.hostIPs': status.hostIPs?.map(({ ip }) => ip).join(','),
    'status.podIP': status.podIP,
    'status.podIPs': status.podIPs?.map(({ ip }) => ip).join(','),
  };
  return Object.hasOwn(fields, path) ? (fields[path] ?? '') : '';
}

export interface MountedFiles {
  readonly files: ReadonlyMap<string, string>;
  /** What the mounts hide of the image. */
  readonly directories: readonly string[];
}

/** Files of the pod's ConfigMap and Secret volumes as this container mounts them. */
export function mountedFiles(store: Store, pod: Pod, container: Container): MountedFiles {
  const files = new Map<string, string>();
  const directories: string[] = [];
  for (const { name, mountPath, subPath } of container.volumeMounts ?? []) {
    const volume = pod.spec.volumes?.find((one) => one.name === name);
    const root = mountPath.replace(/\/+$/, '');
    if (subPath === undefined) directories.push(root);
    const source = volume?.configMap ?? volume?.secret;
    if (volume === undefined || source === undefined) continue;
    const kind = volume.configMap === undefined ? 'Secret' : 'ConfigMap';
    const data = objectData(
      store,
      kind,
      pod.metadata.namespace,
      volume.configMap?.name ?? volume.secret?.secretName ?? '',
    );
    for (const { key, path } of source.items ??
      Object.keys(data ?? {}).map((each) => ({ key: each, path: each }))) {
      const text = labelOf(data, key);
      if (text === undefined) continue;
      if (subPath === undefined) files.set(`${root}/${path}`, text);
      else if (subPath === path) files.set(root, text);
    }
  }
  return { files, directories };
}
