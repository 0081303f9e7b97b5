import { applyObjects } from '../api/apply.ts';
import { draftOf, isObject, numberAt, objectAt, objectsAt, textAt, type Draft } from '../api/json.ts';
import { readManifest, type Manifest, type ManifestObject } from '../api/manifest.ts';
import { resourceOfKind } from '../api/kinds.ts';
import { ApiServer } from '../api/server.ts';
import type { KubeObject, Protocol, StringMap } from '../api/types.ts';
import type { Diagnostic } from '../cluster.ts';
import type { PolicyEndpoint, PolicyNamespace } from './endpoint.ts';
import type { PolicyObjects } from './policies.ts';

/** A manifest's text, and what messages call it. */
export interface ManifestFile {
  readonly name: string;
  readonly text: string;
}

/** A pod, or a workload that stands for any one of its pods. */
export interface Endpoint {
  readonly namespace: string;
  readonly name: string;
  readonly kind: string;
  /** What policies see of it; a pod on its node's own network is an address like those outside. */
  readonly policy: PolicyEndpoint;
  /** The controller in `metadata.ownerReferences`, as `Kind/name`. */
  readonly owner?: string;
}

/** What manifests say about who may talk to whom: no network, no scheduler, nothing runs. */
export interface Inventory {
  readonly endpoints: readonly Endpoint[];
  readonly policies: PolicyObjects;
  /** What the API server would refuse; errors only about kinds that policies look at. */
  readonly diagnostics: readonly Diagnostic[];
}

/** Kinds that make pods, and where their pod template is. */
const TEMPLATES: Readonly<Record<string, readonly string[]>> = {
  Deployment: ['spec', 'template'],
  ReplicaSet: ['spec', 'template'],
  ReplicationController: ['spec', 'template'],
  StatefulSet: ['spec', 'template'],
  DaemonSet: ['spec', 'template'],
  Job: ['spec', 'template'],
  CronJob: ['spec', 'jobTemplate', 'spec', 'template'],
};
const POLICIES = ['NetworkPolicy', 'AdminNetworkPolicy', 'BaselineAdminNetworkPolicy'];

/** More objects than this are no manifest that a person has. */
const MOST_OBJECTS = 1_000_000;

/**
 * Reads manifests as one state of a cluster: their order does not matter, and a namespace that they only mention exists.
 * Objects are decoded, defaulted and validated as by the API server. A policy that it would refuse is left out; a pod or a
 * workload stays, so that the rest of the picture is whole, with what its labels and ports say.
 */
export function readInventory(files: readonly ManifestFile[]): Inventory {
  const read = files.map(({ name, text }) => ({ name, manifest: readManifest(text, name) }));
  const server = new ApiServer({
    clock: { now: () => 0, schedule: () => ({ cancel: () => undefined }) },
    seed: 1,
    serviceCIDR: '10.96.0.0/12',
    maxObjects: MOST_OBJECTS,
  });
  const diagnostics: Diagnostic[] = [];
  const apply = (file: string, manifest: Manifest): void => {
    if (manifest.objects.length + manifest.problems.length > 0)
      diagnostics.push(...applyObjects(server, manifest, { file }).diagnostics);
  };
  const isNamespace = ({ resource }: ManifestObject): boolean => resource.kind === 'Namespace';
  for (const { name, manifest } of read)
    apply(name, { objects: manifest.objects.filter(isNamespace), problems: [] });
  const addresses = new Map<string, readonly string[]>();
  for (const { manifest } of read) {
    for (const object of manifest.objects) {
      if (!object.resource.namespaced) continue;
      const namespace = object.namespace ?? 'default';
      if (server.store.get('Namespace', undefined, namespace) === undefined) assume(server, namespace);
      if (object.resource.kind === 'Pod') addresses.set(`${namespace}/${object.name}`, addressesOf(object));
    }
  }
  for (const { name, manifest } of read) {
    const relevant = manifest.objects.filter((object) => !isNamespace(object) && isRelevant(object));
    const rest = manifest.objects.filter((object) => !isNamespace(object) && !isRelevant(object));
    apply(name, { objects: relevant, problems: manifest.problems.filter(isError) });
    const before = diagnostics.length;
    apply(name, { objects: rest, problems: manifest.problems.filter((problem) => !isError(problem)) });
    // What policies do not look at cannot make an answer wrong.
    for (let i = before; i < diagnostics.length; i++) {
      const told = diagnostics[i];
      if (told?.severity === 'error') diagnostics[i] = { ...told, severity: 'warning' };
    }
  }
  const { store } = server;
  return {
    endpoints: [
      ...[...Object.keys(TEMPLATES), 'Pod'].flatMap((kind) => listed(server, kind)),
      ...read.flatMap(({ manifest }) => manifest.objects.flatMap((object) => refusedPods(object, server))),
    ].flatMap((object) => endpointOf(object, addresses)),
    policies: {
      namespaces: store
        .list('Namespace')
        .map(({ metadata }): PolicyNamespace => ({ name: metadata.name, labels: metadata.labels ?? {} })),
      networkPolicies: store.list('NetworkPolicy'),
      adminNetworkPolicies: store.list('AdminNetworkPolicy'),
      baselineAdminNetworkPolicies: store.list('BaselineAdminNetworkPolicy'),
    },
    diagnostics: diagnostics.filter(({ severity }) => severity !== 'info'),
  };
}

function isRelevant({ resource: { kind } }: ManifestObject): boolean {
  return kind === 'Pod' || POLICIES.includes(kind) || Object.hasOwn(TEMPLATES, kind);
}

/** A kind that nobody knows here may be somebody's custom resource; text that is no object may have been anything. */
function isError({ diagnostic }: Manifest['problems'][number]): boolean {
  return diagnostic.code !== 'manifest/unknown-kind';
}

function assume(server: ApiServer, namespace: string): void {
  const resource = resourceOfKind('Namespace');
  if (resource !== undefined) server.create(resource, { metadata: { name: namespace } });
}

/** Users do not write a pod's status, so the server does not keep it; a dump of a cluster has it all the same. */
function addressesOf({ value }: ManifestObject): readonly string[] {
  const status = isObject(value['status']) ? value['status'] : undefined;
  const all = objectsAt(status, 'podIPs').flatMap((one) => textAt(one, 'ip') ?? []);
  return all.length > 0 ? all : [textAt(status, 'podIP') ?? []].flat();
}

function listed(server: ApiServer, kind: string): readonly KubeObject[] {
  return server.store.list(kind);
}

function endpointOf(object: KubeObject, addresses: ReadonlyMap<string, readonly string[]>): Endpoint[] {
  const { name, namespace = 'default' } = object.metadata;
  const ips = object.kind === 'Pod' ? (addresses.get(`${namespace}/${name}`) ?? []) : [];
  const endpoint = endpointFrom(object, ips);
  const owner = objectsAt(draftOf(object.metadata), 'ownerReferences').find(
    (one) => one['controller'] === true,
  );
  const [kind, owned] = [textAt(owner, 'kind'), textAt(owner, 'name')];
  if (endpoint === undefined) return [];
  return [kind === undefined || owned === undefined ? endpoint : { ...endpoint, owner: `${kind}/${owned}` }];
}

/** What makes pods in a manifest and is not in the server. */
function refusedPods(
  { resource: { kind }, value, name, namespace = 'default' }: ManifestObject,
  server: ApiServer,
): KubeObject[] {
  const makesPods = kind === 'Pod' || Object.hasOwn(TEMPLATES, kind);
  if (!makesPods || name === '' || server.store.get(kind, namespace, name) !== undefined) return [];
  const metadata = isObject(value['metadata']) ? value['metadata'] : {};
  return [{ ...value, kind, metadata: { ...metadata, name, namespace } } as unknown as KubeObject];
}

/** A pod, or what the pod template of a workload stands for; undefined for anything else. */
export function endpointFrom(object: KubeObject, ips: readonly string[]): Endpoint | undefined {
  const { kind, metadata } = object;
  const { name, namespace = 'default' } = metadata;
  let template: Draft | undefined = object as unknown as Draft;
  for (const step of TEMPLATES[kind] ?? []) template = objectAt(template, step);
  if (template === undefined) return undefined;
  const spec = objectAt(template, 'spec');
  const policy: PolicyEndpoint =
    spec?.['hostNetwork'] === true
      ? { kind: 'external', ip: ips[0] ?? '' }
      : {
          kind: 'pod',
          namespace,
          name,
          labels: { ...labelsOf(template), ...madeLabels(kind, name) },
          ips,
          ports: portsOf(spec),
        };
  return { namespace, name, kind, policy };
}

function labelsOf(template: Draft): StringMap {
  const labels = objectAt(objectAt(template, 'metadata'), 'labels') ?? {};
  return Object.fromEntries(
    Object.entries(labels).filter((pair): pair is [string, string] => typeof pair[1] === 'string'),
  );
}

/** Labels that a controller gives to every one of its pods, of those that are the same for all. */
function madeLabels(kind: string, name: string): StringMap {
  return kind === 'Job' ? { 'batch.kubernetes.io/job-name': name, 'job-name': name } : {};
}

function portsOf(
  spec: Draft | undefined,
): readonly { readonly name: string; readonly protocol: Protocol; readonly port: number }[] {
  return [...objectsAt(spec, 'containers'), ...sidecars(spec)].flatMap((container) =>
    objectsAt(container, 'ports').flatMap((port) => {
      const number = numberAt(port, 'containerPort');
      if (number === undefined) return [];
      const protocol = textAt(port, 'protocol');
      return {
        name: textAt(port, 'name') ?? '',
        protocol: protocol === 'UDP' || protocol === 'SCTP' ? protocol : 'TCP',
        port: number,
      };
    }),
  );
}

/** Init containers that go on running. */
function sidecars(spec: Draft | undefined): readonly Draft[] {
  return objectsAt(spec, 'initContainers').filter(
    (container) => textAt(container, 'restartPolicy') === 'Always',
  );
}
