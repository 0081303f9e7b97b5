import { safeEncode } from '../api/draw.ts';
import { compactJson, draftOf, equalJson } from '../api/json.ts';
import { labelOf, matchesSelector } from '../api/labels.ts';
import type { Deployment, IntOrString, PodTemplateSpec, ReplicaSet } from '../api/types.ts';
import type { ControlContext } from './context.ts';
import { deploymentConditions, progressDeadline } from './deployment-conditions.ts';
import { latency } from './latency.ts';
import { keyOf, splitKey, WorkQueue } from './queue.ts';
import { controllerReference, controllerUid } from './replicaset.ts';

const revisionAnnotation = 'deployment.kubernetes.io/revision';
const templateHash = 'pod-template-hash';
const component = 'deployment-controller';

/** Rolls a Deployment's pods from one ReplicaSet to the next. */
export class DeploymentController {
  private readonly context: ControlContext;
  private readonly queue: WorkQueue;
  /** When the roll of each Deployment that is under way counts as stuck. */
  private readonly deadlines = new Map<string, number>();

  constructor(context: ControlContext) {
    this.context = context;
    this.queue = new WorkQueue(context.clock, context.activity, latency.controller, (key) =>
      this.reconcile(key),
    );
    context.store.watch('Deployment', ({ type, object, previous }) => {
      // Its own status is not news.
      const same =
        previous?.spec === object.spec &&
        previous.metadata.deletionTimestamp === object.metadata.deletionTimestamp;
      if (type !== 'DELETED' && !same) this.queue.add(keyOf(object));
    });
    context.store.watch('ReplicaSet', ({ object }) => {
      const owner = object.metadata.ownerReferences?.find(({ controller }) => controller);
      if (owner?.kind === 'Deployment') this.queue.add(`${object.metadata.namespace ?? ''}/${owner.name}`);
    });
    // A Recreate waits until the last old pod is gone, which its ReplicaSet no longer counts.
    context.store.watch('Pod', ({ type, object }) => {
      if (type !== 'DELETED') return;
      const owner = object.metadata.ownerReferences?.find(({ controller }) => controller);
      const set =
        owner?.kind === 'ReplicaSet'
          ? context.store.get('ReplicaSet', object.metadata.namespace, owner.name)
          : undefined;
      const deployment = set?.metadata.ownerReferences?.find(({ controller }) => controller);
      if (deployment) this.queue.add(`${object.metadata.namespace ?? ''}/${deployment.name}`);
    });
  }

  private reconcile(key: string): void {
    const deployment = this.context.store.get('Deployment', ...splitKey(key));
    if (!deployment) return;
    if (deployment.metadata.deletionTimestamp === undefined) {
      const sets = this.setsOf(deployment);
      let current = sets.find((set) => sameTemplate(set.spec.template, deployment.spec.template));
      const olds = sets.filter((set) => set !== current);
      if (deployment.spec.paused) this.scaleProportionally(deployment, sets);
      else {
        current = this.currentSet(deployment, current, olds);
        if (current) this.roll(deployment, current, olds);
      }
    }
    this.updateStatus(key);
  }

  /** Its ReplicaSets, after adopting orphans that its selector picks. */
  private setsOf(deployment: Deployment): ReplicaSet[] {
    const { store, server } = this.context;
    const { namespace = '', uid, deletionTimestamp } = deployment.metadata;
    const sets = store.indexed('ReplicaSet', 'owner', uid).filter((set) => controllerUid(set) === uid);
    if (deletionTimestamp !== undefined) return sets;
    for (const orphan of store.indexed('ReplicaSet', 'orphans', namespace)) {
      if (!matchesSelector(deployment.spec.selector, orphan.metadata.labels)) continue;
      const adopted = server.modify('ReplicaSet', namespace, orphan.metadata.name, (live) => ({
        ...live,
        metadata: {
          ...live.metadata,
          ownerReferences: [...(live.metadata.ownerReferences ?? []), controllerReference(deployment)],
        },
      }));
      if (adopted) sets.push(adopted);
    }
    return sets;
  }

  private currentSet(
    deployment: Deployment,
    found: ReplicaSet | undefined,
    olds: readonly ReplicaSet[],
  ): ReplicaSet | undefined {
    const { server } = this.context;
    const { namespace = '', name } = deployment.metadata;
    const last = Math.max(0, ...olds.map(revisionOf));
    const revision = String(found && revisionOf(found) > last ? revisionOf(found) : last + 1);
    if (labelOf(deployment.metadata.annotations, revisionAnnotation) !== revision) {
      server.modify('Deployment', namespace, name, (live) => ({
        ...live,
        metadata: {
          ...live.metadata,
          annotations: { ...live.metadata.annotations, [revisionAnnotation]: revision },
        },
      }));
    }
    const bounds = boundsOf(deployment);
    const annotations = {
      ...withoutLastApplied(deployment.metadata.annotations),
      'deployment.kubernetes.io/desired-replicas': String(bounds.wanted),
      'deployment.kubernetes.io/max-replicas': String(bounds.wanted + bounds.surge),
      [revisionAnnotation]: revision,
    };
    if (found) {
      if (equalJson(found.metadata.annotations, annotations)) return found;
      return server.modify('ReplicaSet', namespace, found.metadata.name, (live) => ({
        ...live,
        metadata: { ...live.metadata, annotations },
      }));
    }
    const { template, selector } = deployment.spec;
    const hash = hashOfTemplate(template, deployment.status.collisionCount ?? 0);
    const labels = { ...template.metadata?.labels, [templateHash]: hash };
    const total = olds.reduce((sum, set) => sum + (set.spec.replicas ?? 0), 0);
    const recreate = deployment.spec.strategy?.type === 'Recreate';
    const replicas =
      recreate && total > 0 ? 0 : Math.min(bounds.wanted, Math.max(0, bounds.wanted + bounds.surge - total));
    const made = server.createTrusted('ReplicaSet', {
      metadata: {
        namespace,
        name: `${name}-${hash}`,
        labels,
        annotations,
        ownerReferences: [controllerReference(deployment)],
      },
      spec: {
        replicas,
        selector: { ...selector, matchLabels: { ...selector.matchLabels, [templateHash]: hash } },
        template: { ...template, metadata: { ...template.metadata, labels } },
        ...(deployment.spec.minReadySeconds === undefined
          ? {}
          : { minReadySeconds: deployment.spec.minReadySeconds }),
      },
    });
    if (!made.ok) {
      this.setFailure(deployment, made.error.message);
      return undefined;
    }
    if (replicas > 0) this.tell(deployment, made.value, 0, replicas);
    return made.value;
  }

  private setFailure(deployment: Deployment, message: string): void {
    this.context.events.record(
      deployment,
      'Warning',
      'ReplicaSetCreateError',
      `Failed to create new replica set: ${message}`,
      component,
    );
  }

  private tell(deployment: Deployment, set: ReplicaSet, from: number, to: number): void {
    const direction = to > from ? 'up' : 'down';
    const message = `Scaled ${direction} replica set ${set.metadata.name} from ${from} to ${to}`;
    this.context.events.record(deployment, 'Normal', 'ScalingReplicaSet', message, component);
  }

  private scale(deployment: Deployment, set: ReplicaSet, replicas: number): void {
    const from = set.spec.replicas ?? 0;
    if (from === replicas) return;
    this.tell(deployment, set, from, replicas);
    this.context.server.modify('ReplicaSet', set.metadata.namespace, set.metadata.name, (live) => ({
      ...live,
      spec: { ...live.spec, replicas },
    }));
  }

  private roll(deployment: Deployment, current: ReplicaSet, olds: readonly ReplicaSet[]): void {
    if (deployment.spec.strategy?.type === 'Recreate') this.recreate(deployment, current, olds);
    else this.rollingUpdate(deployment, current, olds);
    this.cleanUp(deployment, olds);
  }

  private recreate(deployment: Deployment, current: ReplicaSet, olds: readonly ReplicaSet[]): void {
    const { store } = this.context;
    for (const set of olds) this.scale(deployment, set, 0);
    const running = olds.some((set) => store.indexedCount('Pod', 'owner', set.metadata.uid) > 0);
    if (!running) this.scale(deployment, current, deployment.spec.replicas ?? 1);
  }

  /** rolloutRolling: one step up and one step down as far as surge and availability allow. */
  private rollingUpdate(deployment: Deployment, current: ReplicaSet, olds: readonly ReplicaSet[]): void {
    const { wanted, surge, unavailable } = boundsOf(deployment);
    const own = current.spec.replicas ?? 0;
    const oldTotal = olds.reduce((sum, set) => sum + (set.spec.replicas ?? 0), 0);
    let next = own;
    if (own > wanted) next = wanted;
    else if (own < wanted) next = Math.min(wanted, own + Math.max(0, wanted + surge - own - oldTotal));
    this.scale(deployment, current, next);
    if (oldTotal === 0) return;
    // A set that has just been scaled down still reports the pods that it is about to lose.
    const available = [current, ...olds].reduce(
      (sum, { spec, status }) => sum + Math.min(spec.replicas ?? 0, status.availableReplicas ?? 0),
      0,
    );
    const newUnavailable = Math.max(0, next - (current.status.availableReplicas ?? 0));
    const removable = Math.max(0, next + oldTotal - (wanted - unavailable) - newUnavailable);
    // Unhealthy old pods go first: they serve nobody.
    for (const set of olds) {
      const replicas = set.spec.replicas ?? 0;
      const unhealthy = Math.min(removable, replicas - (set.status.availableReplicas ?? 0));
      if (replicas === 0 || unhealthy <= 0) continue;
      this.scale(deployment, set, replicas - unhealthy);
      return;
    }
    let budget = Math.min(removable, Math.max(0, available - (wanted - unavailable)));
    for (const set of olds) {
      const replicas = set.spec.replicas ?? 0;
      const step = Math.min(budget, replicas);
      if (step <= 0) continue;
      budget -= step;
      this.scale(deployment, set, replicas - step);
    }
  }

  /** A paused Deployment is scaled, not rolled. */
  private scaleProportionally(deployment: Deployment, sets: readonly ReplicaSet[]): void {
    const active = sets.filter((set) => (set.spec.replicas ?? 0) > 0);
    const [only] = active;
    if (active.length === 1 && only) this.scale(deployment, only, deployment.spec.replicas ?? 1);
  }

  private cleanUp(deployment: Deployment, olds: readonly ReplicaSet[]): void {
    const limit = deployment.spec.revisionHistoryLimit ?? 10;
    const empty = olds.filter((set) => (set.spec.replicas ?? 0) === 0 && set.status.replicas === 0);
    const surplus = [...empty]
      .sort((a, b) => revisionOf(a) - revisionOf(b))
      .slice(0, Math.max(0, empty.length - limit));
    for (const set of surplus) this.context.server.remove(set);
  }

  private updateStatus(key: string): void {
    const { store, server } = this.context;
    const deployment = store.get('Deployment', ...splitKey(key));
    if (!deployment) return;
    const sets = this.setsOf(deployment);
    const current = sets.find((set) => sameTemplate(set.spec.template, deployment.spec.template));
    const sum = (of: (set: ReplicaSet) => number | undefined) =>
      sets.reduce((total, set) => total + (of(set) ?? 0), 0);
    const replicas = sum(({ status }) => status.replicas);
    const ready = sum(({ status }) => status.readyReplicas);
    const available = sum(({ status }) => status.availableReplicas);
    const updated = current?.status.replicas ?? 0;
    const { wanted, unavailable: maxUnavailable } = boundsOf(deployment);
    const unavailable = Math.max(0, sum(({ spec }) => spec.replicas) - available);
    const now = this.context.clock.now();
    const facts = {
      current,
      sets,
      enough: available >= wanted - maxUnavailable,
      complete: updated === wanted && replicas === wanted && available === wanted,
      rolled: replicas === updated,
      progressed:
        updated > (deployment.status.updatedReplicas ?? 0) ||
        ready > (deployment.status.readyReplicas ?? 0) ||
        available > (deployment.status.availableReplicas ?? 0) ||
        replicas - updated < (deployment.status.replicas ?? 0) - (deployment.status.updatedReplicas ?? 0),
    };
    const conditions = deploymentConditions(deployment, facts, now);
    const deadline = progressDeadline(deployment, conditions);
    if (deadline !== undefined && this.deadlines.get(key) !== deadline) {
      this.deadlines.set(key, deadline);
      this.context.clock.schedule(deadline - now, () => {
        if (this.deadlines.get(key) === deadline) this.queue.add(key);
      });
    } else if (deadline === undefined) this.deadlines.delete(key);
    const counts = {
      replicas,
      updatedReplicas: updated,
      readyReplicas: ready,
      availableReplicas: available,
      unavailableReplicas: unavailable,
    };
    server.updateStatus(deployment, {
      observedGeneration: deployment.metadata.generation ?? 1,
      ...Object.fromEntries(Object.entries(counts).filter(([, count]) => count > 0)),
      ...(conditions.length > 0 ? { conditions } : {}),
    });
  }
}

interface RolloutBounds {
  readonly wanted: number;
  readonly surge: number;
  readonly unavailable: number;
}

/** deploymentutil.ResolveFenceposts: surge rounds up, unavailability down, and both zero becomes one unavailable. */
function boundsOf(deployment: Deployment): RolloutBounds {
  const wanted = deployment.spec.replicas ?? 1;
  if (deployment.spec.strategy?.type === 'Recreate') return { wanted, surge: 0, unavailable: wanted };
  const { maxSurge = '25%', maxUnavailable = '25%' } = deployment.spec.strategy?.rollingUpdate ?? {};
  const surge = scaled(maxSurge, wanted, Math.ceil);
  const unavailable = Math.min(wanted, scaled(maxUnavailable, wanted, Math.floor));
  return surge === 0 && unavailable === 0
    ? { wanted, surge, unavailable: Math.min(1, wanted) }
    : { wanted, surge, unavailable };
}

/** intstr.GetScaledValueFromIntOrPercent */
export function scaled(value: IntOrString, total: number, round: (n: number) => number): number {
  if (typeof value === 'number') return value;
  const percent = Number(value.replace(/%$/, ''));
  return Number.isFinite(percent) ? round((percent * total) / 100) : 0;
}

export function revisionOf(set: ReplicaSet): number {
  return Number(labelOf(set.metadata.annotations, revisionAnnotation) ?? 0);
}

function withoutLastApplied(annotations: Deployment['metadata']['annotations']): Record<string, string> {
  const {
    'kubectl.kubernetes.io/last-applied-configuration': _,
    [revisionAnnotation]: __,
    ...rest
  } = annotations ?? {};
  return rest;
}

/** EqualIgnoreHash */
function sameTemplate(a: PodTemplateSpec, b: PodTemplateSpec): boolean {
  if (a.spec !== b.spec && !equalJson(a.spec, b.spec)) return false;
  const bare = ({ metadata }: PodTemplateSpec) => {
    const { [templateHash]: _, ...labels } = metadata?.labels ?? {};
    return { labels, annotations: metadata?.annotations ?? {} };
  };
  return equalJson(bare(a), bare(b));
}

/** As ComputeHash: 32 bits in decimal, spelt in the safe alphabet. The bits differ from Go's, which hashes its own structs. */
export function hashOfTemplate(template: PodTemplateSpec, collisions: number): string {
  const text = compactJson(draftOf(template)) + (collisions > 0 ? String(collisions) : '');
  let hash = 0x811c9dc5;
  for (let i = 0; i < text.length; i++) hash = Math.imul(hash ^ text.charCodeAt(i), 0x01000193);
  return safeEncode(String(hash >>> 0));
}
