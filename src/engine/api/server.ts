import { ServiceAllocator } from './allocate.ts';
import { admitIngress, admitPod } from './admission.ts';
import type { Clock } from './clock.ts';
import { timestampOf } from './clock.ts';
import { applyDefaults, dropEmpty } from './defaults.ts';
import { drawSuffix, drawUid } from './draw.ts';
import type { ApiError, ApiResult } from './error.ts';
import { accept, invalid, refuse } from './error.ts';
import { initialStatus } from './initial-status.ts';
import type { Draft } from './json.ts';
import { child, draftOf, equalJson, isObject, textAt } from './json.ts';
import type { ResourceKind } from './kinds.ts';
import { groupKind, groupResource, resourceOfKind } from './kinds.ts';
import { prepareServiceUpdate } from './service-update.ts';
import { indexOwned } from './indexes.ts';
import { Store } from './store.ts';
import type { Ingress, Kind, KubeObject, Namespace, ObjectMeta, ObjectOf, Pod, Service } from './types.ts';
import { validateCreate, validateUpdate } from './validation/validate.ts';

export interface ApiServerOptions {
  readonly clock: Clock;
  readonly seed: number;
  readonly serviceCIDR: string;
  /** Objects that may exist at once, Events aside. */
  readonly maxObjects: number;
}

/** An object as a controller makes it: the server adds the rest of its metadata. */
export type NewObject<K extends Kind> = Omit<ObjectOf<K>, 'metadata' | 'status' | 'apiVersion' | 'kind'> & {
  readonly metadata: Partial<ObjectMeta>;
  readonly status?: unknown;
};

export interface DeleteOptions {
  readonly gracePeriodSeconds?: number;
  /** What becomes of what it owns. Default `Background`. */
  readonly propagation?: 'Background' | 'Orphan';
}

/** Kinds whose `metadata.generation` counts changes of the spec. */
const generations = new Set([
  ...[
    'Deployment',
    'ReplicaSet',
    'StatefulSet',
    'DaemonSet',
    'Job',
    'NetworkPolicy',
    'Ingress',
    'IngressClass',
  ],
  ...['EndpointSlice', 'AdminNetworkPolicy', 'BaselineAdminNetworkPolicy', 'Pod'],
]);

/** The API server: what it accepts, fills in, refuses, and how it deletes. */
export class ApiServer {
  readonly store = new Store();
  readonly clock: Clock;
  readonly seed: number;
  readonly maxObjects: number;
  /** How often the limit of objects has been hit; a command can tell whether it did it. */
  limitHits = 0;
  readonly services: ServiceAllocator;
  /** Mutating admission by kind: last to touch an object before it is first stored. */
  readonly admission = new Map<string, (object: KubeObject) => KubeObject>();
  private readonly orphaning = new Set<string>();
  private readonly drawn = new Map<string, number>();

  constructor(options: ApiServerOptions) {
    this.clock = options.clock;
    this.seed = options.seed;
    this.maxObjects = options.maxObjects;
    this.admission.set('Pod', (object) => admitPod(object as Pod, options.seed));
    this.admission.set('Ingress', (object) => admitIngress(object as Ingress, this.store));
    this.services = new ServiceAllocator(options.serviceCIDR, options.seed);
    indexOwned(this.store);
  }

  now(): string {
    return timestampOf(this.clock.now());
  }

  /** A user's POST: the fields have been checked (`checkFields`). */
  create(resource: ResourceKind, manifest: object): ApiResult<KubeObject> {
    const draft: Draft = { ...draftOf(manifest), apiVersion: resource.apiVersion, kind: resource.kind };
    const metadata = child(draft, 'metadata');
    if (resource.namespaced) metadata['namespace'] ??= 'default';
    else delete metadata['namespace'];
    for (const name of [
      'uid',
      'resourceVersion',
      'creationTimestamp',
      'deletionTimestamp',
      'generation',
      'managedFields',
      'selfLink',
    ]) {
      delete metadata[name];
    }
    const namespace = textAt(metadata, 'namespace');
    if (namespace !== undefined) {
      const refused = this.namespaceProblem(resource, namespace, textAt(metadata, 'name') ?? '');
      if (refused) return refuse(refused);
    }
    if (textAt(metadata, 'name') === undefined && textAt(metadata, 'generateName')) {
      metadata['name'] = this.generatedName(resource.kind, namespace, textAt(metadata, 'generateName') ?? '');
    }
    const name = textAt(metadata, 'name') ?? '';
    if (resource.modelled) {
      dropEmpty(resource.kind, draft);
      applyDefaults(resource.kind, draft);
    }
    const begin = initialStatus[resource.kind];
    if (begin) draft['status'] = begin(draft);
    const causes = validateCreate(resource, draft);
    if (causes.length > 0) return refuse(invalid(groupKind(resource), name, causes));
    if (this.store.get(resource.kind, namespace, name)) {
      return refuse({
        reason: 'AlreadyExists',
        message: `${groupResource(resource)} "${name}" already exists`,
        path: ['metadata', 'name'],
      });
    }
    if (resource.kind === 'Service') {
      const errors = this.services.complete(draft, child(draft, 'spec'), undefined);
      if (errors.length > 0) return refuse(invalid(groupKind(resource), name, errors));
    }
    const tooMany = this.limitProblem(resource, draft);
    if (tooMany) return refuse(tooMany);
    const object = this.stamped(resource, draft);
    const stored = this.store.put(this.admission.get(resource.kind)?.(object) ?? object);
    if (stored.kind === 'Service') this.services.commit(stored as Service, undefined);
    return accept(stored);
  }

  /** A user's PUT, or the outcome of a PATCH: the whole object as it should be. */
  update(resource: ResourceKind, manifest: object): ApiResult<KubeObject> {
    const draft: Draft = { ...draftOf(manifest), apiVersion: resource.apiVersion, kind: resource.kind };
    const metadata = child(draft, 'metadata');
    if (resource.namespaced) metadata['namespace'] ??= 'default';
    const name = textAt(metadata, 'name') ?? '';
    const live = this.store.get(resource.kind, textAt(metadata, 'namespace'), name);
    if (!live) return refuse(notFound(resource, name));
    if (
      textAt(metadata, 'resourceVersion') !== undefined &&
      metadata['resourceVersion'] !== live.metadata.resourceVersion
    ) {
      const message = `Operation cannot be fulfilled on ${groupResource(resource)} "${name}": the object has been modified; please apply your changes to the latest version and try again`;
      return refuse({ reason: 'Conflict', message });
    }
    for (const key of [
      'uid',
      'resourceVersion',
      'creationTimestamp',
      'deletionTimestamp',
      'deletionGracePeriodSeconds',
      'generation',
    ] as const) {
      const value = live.metadata[key];
      if (value === undefined) delete metadata[key];
      else metadata[key] = value;
    }
    const before = draftOf(live);
    if (resource.kind === 'Service') prepareServiceUpdate(child(draft, 'spec'), live as Service);
    if (before['status'] === undefined || resource.kind === 'Node') {
      if (before['status'] !== undefined) draft['status'] = before['status'];
    } else draft['status'] = before['status'];
    if (resource.modelled) {
      dropEmpty(resource.kind, draft);
      applyDefaults(resource.kind, draft);
    }
    const causes = validateUpdate(resource, draft, before);
    if (causes.length > 0) return refuse(invalid(groupKind(resource), name, causes));
    if (resource.kind === 'Service') {
      const errors = this.services.complete(draft, child(draft, 'spec'), live as Service);
      if (errors.length > 0) return refuse(invalid(groupKind(resource), name, errors));
    }
    const tooMany = this.limitProblem(resource, draft, live);
    if (tooMany) return refuse(tooMany);
    if (equalJson(draft, before)) return accept(live);
    if (generations.has(resource.kind) && !equalJson(withoutMeta(draft), withoutMeta(before))) {
      metadata['generation'] = (live.metadata.generation ?? 0) + 1;
    }
    const stored = this.store.put(asObject(draft));
    if (stored.kind === 'Service') this.services.commit(stored as Service, live as Service);
    this.finishFinalizers(stored);
    return accept(stored);
  }

  /** A user's DELETE. Pods that run get their grace period; the kubelet ends them. */
  delete(
    resource: ResourceKind,
    namespace: string | undefined,
    name: string,
    options: DeleteOptions = {},
  ): ApiResult<KubeObject> {
    const live = this.store.get(
      resource.kind,
      resource.namespaced ? (namespace ?? 'default') : undefined,
      name,
    );
    if (!live) return refuse(notFound(resource, name));
    if (resource.kind === 'Namespace' && ['default', 'kube-system', 'kube-public'].includes(name)) {
      return refuse({
        reason: 'Forbidden',
        message: `namespaces "${name}" is forbidden: this namespace may not be deleted`,
      });
    }
    if (options.propagation === 'Orphan') this.orphaning.add(live.metadata.uid);
    this.remove(live, options.gracePeriodSeconds);
    return accept(live);
  }

  /** Whether the owner was deleted with `Orphan`; asked once, by the garbage collector. */
  takeOrphaning(uid: string): boolean {
    return this.orphaning.delete(uid);
  }

  /** Begins a deletion, or ends it when nothing has to be waited for. */
  remove(object: KubeObject, gracePeriodSeconds?: number): void {
    const { kind, metadata } = object;
    const live = this.store.get(kind, metadata.namespace, metadata.name);
    if (!live || live.metadata.uid !== metadata.uid) return;
    let grace = 0;
    if (kind === 'Pod') {
      const pod = live as Pod;
      const ended = pod.status.phase === 'Succeeded' || pod.status.phase === 'Failed';
      grace =
        pod.spec.nodeName && !ended
          ? (gracePeriodSeconds ?? pod.spec.terminationGracePeriodSeconds ?? 30)
          : 0;
      if (grace < 0) grace = 1;
      const already = live.metadata.deletionGracePeriodSeconds;
      if (already !== undefined && grace >= already) return;
    }
    const waits = grace > 0 || (live.metadata.finalizers?.length ?? 0) > 0 || kind === 'Namespace';
    if (!waits) {
      this.removeNow(live);
      return;
    }
    if (live.metadata.deletionTimestamp !== undefined && kind !== 'Pod') return;
    const marked: KubeObject = {
      ...live,
      metadata: {
        ...live.metadata,
        deletionTimestamp: timestampOf(this.clock.now() + grace * 1_000_000),
        deletionGracePeriodSeconds: grace,
      },
    };
    this.store.put(
      kind === 'Namespace' ? ({ ...marked, status: { phase: 'Terminating' } } as Namespace) : marked,
    );
  }

  /** Takes the object out of the store. */
  removeNow(object: KubeObject): void {
    const { kind, metadata } = object;
    const live = this.store.get(kind, metadata.namespace, metadata.name);
    if (!live || live.metadata.uid !== metadata.uid) return;
    this.store.remove(kind, metadata.namespace, metadata.name);
    if (live.kind === 'Service') this.services.commit(undefined, live as Service);
  }

  /** A controller's create: trusted to be valid and defaulted; namespace, names and the limit are still seen to. */
  createTrusted<K extends Kind>(kind: K, object: NewObject<K>): ApiResult<ObjectOf<K>> {
    const resource = resourceOfKind(kind);
    if (!resource)
      return refuse({ reason: 'NotFound', message: 'the server could not find the requested resource' });
    const { namespace, generateName } = object.metadata;
    const name = object.metadata.name ?? this.generatedName(kind, namespace, generateName ?? '');
    if (namespace !== undefined) {
      const refused = this.namespaceProblem(resource, namespace, name);
      if (refused) return refuse(refused);
    }
    if (this.store.get(kind, namespace, name)) {
      return refuse({
        reason: 'AlreadyExists',
        message: `${groupResource(resource)} "${name}" already exists`,
      });
    }
    if (kind !== 'Event') {
      const full = this.fullProblem(1);
      if (full) return refuse(full);
    }
    const begin = initialStatus[kind];
    const status = object.status ?? (begin ? begin(object as unknown as Draft) : undefined);
    const made = {
      ...object,
      apiVersion: resource.apiVersion,
      kind,
      metadata: this.completeMetadata(kind, { ...object.metadata, name }),
      ...(status === undefined ? {} : { status }),
    } as unknown as KubeObject;
    return accept(this.store.put(this.admission.get(kind)?.(made) ?? made) as ObjectOf<K>);
  }

  /** A controller's change of an object; `change` gets the live one and answers undefined to leave it. Trusted. */
  modify<K extends Kind>(
    kind: K,
    namespace: string | undefined,
    name: string,
    change: (live: ObjectOf<K>) => ObjectOf<K> | undefined,
  ): ObjectOf<K> | undefined {
    const live = this.store.get(kind, namespace, name);
    if (!live) return undefined;
    const next = change(live);
    if (!next || next === live) return live;
    const specOf = (object: object) => ('spec' in object ? object.spec : undefined);
    const counted =
      generations.has(kind) && specOf(next) !== specOf(live) && !equalJson(specOf(next), specOf(live));
    const stored = this.store.put(
      counted
        ? { ...next, metadata: { ...next.metadata, generation: (live.metadata.generation ?? 0) + 1 } }
        : next,
    );
    this.finishFinalizers(stored);
    return stored as ObjectOf<K>;
  }

  /** Replaces the status when it differs. */
  updateStatus<T extends KubeObject & { readonly status: unknown }>(object: T, status: T['status']): T {
    const live = this.store.get(object.kind, object.metadata.namespace, object.metadata.name) as
      T | undefined;
    if (!live || live.metadata.uid !== object.metadata.uid || equalJson(live.status, status))
      return live ?? object;
    return this.store.put({ ...live, status });
  }

  private finishFinalizers(object: KubeObject): void {
    const { deletionTimestamp, deletionGracePeriodSeconds, finalizers } = object.metadata;
    if (deletionTimestamp === undefined || object.kind === 'Namespace') return;
    if ((finalizers?.length ?? 0) === 0 && !deletionGracePeriodSeconds) this.removeNow(object);
  }

  private stamped(resource: ResourceKind, draft: Draft): KubeObject {
    const object = asObject(draft);
    return {
      ...object,
      apiVersion: resource.apiVersion,
      metadata: this.completeMetadata(resource.kind, object.metadata),
    };
  }

  private completeMetadata(
    kind: string,
    metadata: Partial<ObjectMeta> & { readonly name: string },
  ): ObjectMeta {
    return {
      ...metadata,
      uid: this.drawUid(kind, metadata),
      resourceVersion: '',
      creationTimestamp: this.now(),
      ...(generations.has(kind) ? { generation: 1 } : {}),
    };
  }

  private round(what: string): number {
    const round = this.drawn.get(what) ?? 0;
    this.drawn.set(what, round + 1);
    return round;
  }

  private generatedName(kind: string, namespace: string | undefined, prefix: string): string {
    const base = prefix.slice(0, 58);
    const what = `${kind}/${namespace ?? ''}/${base}`;
    for (;;) {
      const name = base + drawSuffix(this.seed, what, this.round(what));
      if (!this.store.get(kind, namespace, name)) return name;
    }
  }

  /** Names are used again, uids are not; a generated name is as good as never used again. */
  private drawUid(kind: string, metadata: Partial<ObjectMeta> & { readonly name: string }): string {
    const id = `${kind}/${metadata.namespace ?? ''}/${metadata.name}`;
    const round = metadata.generateName === undefined ? this.round(id) : 0;
    return drawUid(this.seed, id, round);
  }

  private namespaceProblem(resource: ResourceKind, namespace: string, name: string): ApiError | undefined {
    const found = this.store.get('Namespace', undefined, namespace);
    if (!found)
      return {
        reason: 'NotFound',
        message: `namespaces "${namespace}" not found`,
        path: ['metadata', 'namespace'],
      };
    if (found.metadata.deletionTimestamp === undefined || resource.kind === 'Event') return undefined;
    const message = `${groupResource(resource)} "${name}" is forbidden: unable to create new content in namespace ${namespace} because it is being terminated`;
    return { reason: 'Forbidden', message, path: ['metadata', 'namespace'] };
  }

  /** Objects that count against the limit. */
  get objectCount(): number {
    return this.store.size - this.store.count('Event');
  }

  private fullProblem(more: number): ApiError | undefined {
    if (this.objectCount + more <= this.maxObjects) return undefined;
    this.limitHits++;
    return {
      reason: 'LimitReached',
      message: `this cluster holds at most ${this.maxObjects} objects (limit "objects")`,
    };
  }

  /** A workload that asks for more pods than could ever exist is refused whole, before its controller fills the cluster. */
  private limitProblem(resource: ResourceKind, draft: Draft, live?: KubeObject): ApiError | undefined {
    const spec = isObject(draft['spec']) ? draft['spec'] : {};
    const field = resource.kind === 'Job' ? 'parallelism' : 'replicas';
    const wanted = spec[field];
    if (
      ['Deployment', 'ReplicaSet', 'StatefulSet', 'Job'].includes(resource.kind) &&
      typeof wanted === 'number'
    ) {
      if (wanted > this.maxObjects) {
        this.limitHits++;
        const message = `spec.${field}: ${wanted} pods are more than the ${this.maxObjects} objects that this cluster holds (limit "objects")`;
        return { reason: 'LimitReached', message, path: ['spec', field] };
      }
    }
    return live ? undefined : this.fullProblem(1);
  }
}

export function notFound(resource: ResourceKind, name: string): ApiError {
  return { reason: 'NotFound', message: `${groupResource(resource)} "${name}" not found` };
}

/** The one place where checked JSON becomes a typed object. */
function asObject(draft: Draft): KubeObject {
  return draft as unknown as KubeObject;
}

function withoutMeta(draft: Draft): Draft {
  const rest = { ...draft };
  delete rest['metadata'];
  delete rest['status'];
  return rest;
}
