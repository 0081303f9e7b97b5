import { structType } from './fields.ts';
import type { Draft, DraftValue } from './json.ts';
import { child, isObject, numberAt, objectAt, objectsAt, textAt, setOwn } from './json.ts';
import type { JsonPath } from './path.ts';

type Defaults = Readonly<Record<string, DraftValue>>;

/** defaults.go of each API group, as far as they are constants, by struct. */
const constants: Readonly<Record<string, Defaults>> = {
  PodSpec: {
    restartPolicy: 'Always',
    dnsPolicy: 'ClusterFirst',
    terminationGracePeriodSeconds: 30,
    schedulerName: 'default-scheduler',
    securityContext: {},
  },
  Container: {
    resources: {},
    terminationMessagePath: '/dev/termination-log',
    terminationMessagePolicy: 'File',
  },
  ContainerPort: { protocol: 'TCP' },
  Probe: { timeoutSeconds: 1, periodSeconds: 10, successThreshold: 1, failureThreshold: 3 },
  HTTPGetAction: { path: '/', scheme: 'HTTP' },
  GRPCAction: { service: '' },
  ObjectFieldSelector: { apiVersion: 'v1' },
  ConfigMapVolumeSource: { defaultMode: 420 },
  SecretVolumeSource: { defaultMode: 420 },
  DownwardAPIVolumeSource: { defaultMode: 420 },
  ProjectedVolumeSource: { defaultMode: 420 },
  ServiceAccountTokenProjection: { expirationSeconds: 3600 },
  HostPathVolumeSource: { type: '' },
  DeploymentSpec: {
    replicas: 1,
    revisionHistoryLimit: 10,
    progressDeadlineSeconds: 600,
    strategy: { type: 'RollingUpdate' },
  },
  ReplicaSetSpec: { replicas: 1 },
  StatefulSetSpec: {
    replicas: 1,
    revisionHistoryLimit: 10,
    podManagementPolicy: 'OrderedReady',
    updateStrategy: { type: 'RollingUpdate' },
  },
  DaemonSetSpec: { revisionHistoryLimit: 10, updateStrategy: { type: 'RollingUpdate' } },
  JobSpec: {
    backoffLimit: 6,
    completionMode: 'NonIndexed',
    suspend: false,
    manualSelector: false,
    podReplacementPolicy: 'TerminatingOrFailed',
  },
  ServiceSpec: { type: 'ClusterIP', sessionAffinity: 'None' },
  ServicePort: { protocol: 'TCP' },
  EndpointPort: { protocol: 'TCP', name: '' },
  NetworkPolicyPort: { protocol: 'TCP' },
  Secret: { type: 'Opaque' },
};

/** Lists that are empty rather than absent. */
const keptEmpty = new Set(['EndpointSlice.endpoints', 'EndpointSlice.ports', 'EmptyDirVolumeSource']);

/** Visits every struct in a value of a type, outer ones first. */
function visitStructs(
  code: string,
  value: DraftValue | undefined,
  visit: (struct: string, object: Draft) => void,
): void {
  visitStructsAt(code, value, [], visit);
}

export function visitStructsAt(
  code: string,
  value: DraftValue | undefined,
  path: JsonPath,
  visit: (struct: string, object: Draft, path: JsonPath) => void,
): void {
  if (typeof value !== 'object' || value === null) return;
  if (code.startsWith('[]') || code.startsWith('{}')) {
    const member = code.slice(2);
    if (!structType(member)) return;
    if (Array.isArray(value)) {
      for (const [i, item] of value.entries()) visitStructsAt(member, item, [...path, i], visit);
    } else {
      for (const [key, item] of Object.entries(value)) visitStructsAt(member, item, [...path, key], visit);
    }
    return;
  }
  if (Array.isArray(value)) return;
  const type = structType(code);
  if (!type) return;
  visit(type.name, value, path);
  for (const key of Object.keys(value)) {
    const inner = value[key];
    if (typeof inner !== 'object' || inner === null) continue;
    const field = type.fields.get(key);
    if (field) visitStructsAt(field.code, inner, [...path, key], visit);
  }
}

/** What decoding into Go structs loses: nulls, and lists and maps without members. */
export function dropEmpty(kind: string, object: Draft): void {
  visitStructs(kind, object, (struct, part) => {
    const type = structType(struct);
    for (const [name, value] of Object.entries(part)) {
      const code = type?.fields.get(name)?.code ?? '';
      const empty =
        value === null ||
        (Array.isArray(value) && value.length === 0 && code.startsWith('[]')) ||
        (isObject(value) && Object.keys(value).length === 0 && code.startsWith('{}'));
      if (empty && !keptEmpty.has(`${struct}.${name}`)) delete part[name];
    }
  });
}

/** Fills in what the API server fills in. */
export function applyDefaults(kind: string, object: Draft): void {
  visitStructs(kind, object, (struct, part) => {
    const defaults = constants[struct];
    if (defaults) {
      for (const [name, value] of Object.entries(defaults)) {
        if (!Object.hasOwn(part, name) || part[name] === undefined)
          part[name] = isObject(value) ? { ...value } : value;
      }
    }
    computed[struct]?.(part);
  });
}

/** Defaults that follow from other fields. */
const computed: Readonly<Record<string, (part: Draft) => void>> = {
  Container: (container) => {
    const image = textAt(container, 'image') ?? '';
    const tag = /:([^:/@]+)(?:@.*)?$/.exec(image)?.[1];
    container['imagePullPolicy'] ??=
      image.includes('@') || (tag !== undefined && tag !== 'latest') ? 'IfNotPresent' : 'Always';
    const resources = child(container, 'resources');
    const limits = objectAt(resources, 'limits');
    if (!limits) return;
    const requests = child(resources, 'requests');
    for (const [name, amount] of Object.entries(limits))
      if (!Object.hasOwn(requests, name)) setOwn(requests, name, amount ?? null);
  },
  Volume: (volume) => {
    if (Object.keys(volume).every((key) => key === 'name')) volume['emptyDir'] = {};
  },
  PodSpec: (spec) => {
    spec['enableServiceLinks'] ??= true;
    if (textAt(spec, 'serviceAccountName') !== undefined)
      spec['serviceAccount'] ??= spec['serviceAccountName'];
    else if (textAt(spec, 'serviceAccount') !== undefined)
      spec['serviceAccountName'] = spec['serviceAccount'];
    if (spec['hostNetwork'] !== true) return;
    for (const container of [...objectsAt(spec, 'containers'), ...objectsAt(spec, 'initContainers')]) {
      for (const port of objectsAt(container, 'ports')) port['hostPort'] ??= port['containerPort'];
    }
  },
  ServicePort: (port) => {
    port['targetPort'] ??= numberAt(port, 'port');
  },
  ServiceSpec: (spec) => {
    const type = textAt(spec, 'type');
    if (textAt(spec, 'sessionAffinity') === 'ClientIP') {
      const clientIP = child(child(spec, 'sessionAffinityConfig'), 'clientIP');
      clientIP['timeoutSeconds'] ??= 10_800;
    }
    if (type !== 'ExternalName') spec['internalTrafficPolicy'] ??= 'Cluster';
    if (type === 'NodePort' || type === 'LoadBalancer') spec['externalTrafficPolicy'] ??= 'Cluster';
    if (type === 'LoadBalancer') spec['allocateLoadBalancerNodePorts'] ??= true;
  },
  DeploymentStrategy: (strategy) => {
    strategy['type'] ??= 'RollingUpdate';
    if (textAt(strategy, 'type') !== 'RollingUpdate') return;
    const rolling = child(strategy, 'rollingUpdate');
    rolling['maxUnavailable'] ??= '25%';
    rolling['maxSurge'] ??= '25%';
  },
  StatefulSetUpdateStrategy: (strategy) => {
    strategy['type'] ??= 'RollingUpdate';
    if (textAt(strategy, 'type') === 'RollingUpdate') child(strategy, 'rollingUpdate')['partition'] ??= 0;
  },
  StatefulSetSpec: (spec) => {
    spec['persistentVolumeClaimRetentionPolicy'] ??= { whenDeleted: 'Retain', whenScaled: 'Retain' };
  },
  DaemonSetUpdateStrategy: (strategy) => {
    strategy['type'] ??= 'RollingUpdate';
    if (textAt(strategy, 'type') !== 'RollingUpdate') return;
    const rolling = child(strategy, 'rollingUpdate');
    rolling['maxUnavailable'] ??= 1;
    rolling['maxSurge'] ??= 0;
  },
  JobSpec: (spec) => {
    if (numberAt(spec, 'completions') === undefined && numberAt(spec, 'parallelism') === undefined)
      spec['completions'] = 1;
    spec['parallelism'] ??= 1;
  },
  NetworkPolicySpec: (spec) => {
    spec['podSelector'] ??= {};
    spec['policyTypes'] ??= objectsAt(spec, 'egress').length > 0 ? ['Ingress', 'Egress'] : ['Ingress'];
  },
  // The CRD requires both; policy suites leave one out, and network-policy-api's Go types then read an empty selector.
  NamespacedPod: (peer) => {
    peer['namespaceSelector'] ??= {};
    peer['podSelector'] ??= {};
  },
  Secret: (secret) => {
    const text = objectAt(secret, 'stringData');
    if (!text) return;
    const data = child(secret, 'data');
    for (const [key, value] of Object.entries(text))
      if (typeof value === 'string') setOwn(data, key, base64(value));
    delete secret['stringData'];
  },
  Namespace: (namespace) => {
    const spec = child(namespace, 'spec');
    spec['finalizers'] ??= ['kubernetes'];
    const metadata = child(namespace, 'metadata');
    child(metadata, 'labels')['kubernetes.io/metadata.name'] = metadata['name'];
  },
};

function base64(text: string): string {
  const alphabet = 'ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/';
  const bytes = new TextEncoder().encode(text);
  let encoded = '';
  for (let i = 0; i < bytes.length; i += 3) {
    const [a = 0, b, c] = [bytes[i], bytes[i + 1], bytes[i + 2]];
    const group = (a << 16) | ((b ?? 0) << 8) | (c ?? 0);
    encoded += (alphabet[group >> 18] ?? '') + (alphabet[(group >> 12) & 63] ?? '');
    encoded +=
      b === undefined
        ? '=='
        : (alphabet[(group >> 6) & 63] ?? '') + (c === undefined ? '=' : (alphabet[group & 63] ?? ''));
  }
  return encoded;
}
