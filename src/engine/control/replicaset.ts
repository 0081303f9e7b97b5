import { microsecondsOf } from '../api/clock.ts';
import { matchesSelector } from '../api/labels.ts';
import type {
  Condition,
  KubeObject,
  LabelSelector,
  OwnerReference,
  Pod,
  PodTemplateSpec,
  ReplicaSet,
} from '../api/types.ts';
import type { ControlContext } from './context.ts';
import { latency } from './latency.ts';
import { keyOf, splitKey, WorkQueue } from './queue.ts';
import { podsWithLabels } from './selection.ts';

export function isReady(pod: Pod): boolean {
  return pod.status.conditions?.some(({ type, status }) => type === 'Ready' && status === 'True') ?? false;
}

/** Whether a change of a pod is one that who owns it would act upon. */
export function concernsOwner(pod: Pod, previous: Pod | undefined): boolean {
  return (
    previous === undefined ||
    pod.metadata.labels !== previous.metadata.labels ||
    pod.metadata.ownerReferences !== previous.metadata.ownerReferences ||
    pod.metadata.deletionTimestamp !== previous.metadata.deletionTimestamp ||
    pod.status.phase !== previous.status.phase ||
    isReady(pod) !== isReady(previous)
  );
}

/** Neither ended nor being deleted. */
export function isActive(pod: Pod): boolean {
  return (
    pod.status.phase !== 'Succeeded' &&
    pod.status.phase !== 'Failed' &&
    pod.metadata.deletionTimestamp === undefined
  );
}

export function controllerReference(owner: KubeObject): OwnerReference {
  return {
    apiVersion: owner.apiVersion,
    kind: owner.kind,
    name: owner.metadata.name,
    uid: owner.metadata.uid,
    controller: true,
    blockOwnerDeletion: true,
  };
}

export function controllerUid(object: KubeObject): string | undefined {
  return object.metadata.ownerReferences?.find(({ controller }) => controller)?.uid;
}

/** The pods that a controller owns, after adopting orphans that its selector picks (PodControllerRefManager). */
export function claimPods(
  context: ControlContext,
  owner: KubeObject,
  selector: LabelSelector | undefined,
): Pod[] {
  const { store, server } = context;
  const { namespace, uid, deletionTimestamp } = owner.metadata;
  const pods: Pod[] = [];
  for (const pod of store.indexed('Pod', 'owner', uid)) {
    if (controllerUid(pod) !== uid) continue;
    if (matchesSelector(selector, pod.metadata.labels)) pods.push(pod);
    else {
      // Relabelled away: released, and someone else's or nobody's from now on.
      server.modify('Pod', namespace, pod.metadata.name, (live) => ({
        ...live,
        metadata: {
          ...live.metadata,
          ownerReferences: (live.metadata.ownerReferences ?? []).filter((reference) => reference.uid !== uid),
        },
      }));
    }
  }
  if (deletionTimestamp !== undefined) return pods;
  if (store.indexedCount('Pod', 'orphans', namespace ?? '') === 0) return pods;
  for (const pod of podsWithLabels(store, namespace ?? '', selector?.matchLabels ?? {})) {
    if (controllerUid(pod) !== undefined || !isActive(pod) || !matchesSelector(selector, pod.metadata.labels))
      continue;
    const adopted = server.modify('Pod', namespace, pod.metadata.name, (live) => ({
      ...live,
      metadata: {
        ...live.metadata,
        ownerReferences: [...(live.metadata.ownerReferences ?? []), controllerReference(owner)],
      },
    }));
    if (adopted) pods.push(adopted);
  }
  return pods;
}

/** A pod of a template, owned by a controller. */
export function podFromTemplate(template: PodTemplateSpec, owner: KubeObject) {
  const { namespace = 'default', name } = owner.metadata;
  const { labels, annotations } = template.metadata ?? {};
  return {
    metadata: {
      generateName: `${name}-`,
      namespace,
      ...(labels ? { labels } : {}),
      ...(annotations ? { annotations } : {}),
      ownerReferences: [controllerReference(owner)],
    },
    spec: template.spec,
  };
}

export class ReplicaSetController {
  private readonly context: ControlContext;
  private readonly queue: WorkQueue;

  constructor(context: ControlContext) {
    this.context = context;
    this.queue = new WorkQueue(context.clock, context.activity, latency.controller, (key) =>
      this.reconcile(key),
    );
    context.store.watch('ReplicaSet', ({ type, object, previous }) => {
      // Its own status is not news.
      if (
        type === 'ADDED' ||
        (type === 'MODIFIED' &&
          (previous?.spec !== object.spec ||
            previous.metadata.deletionTimestamp !== object.metadata.deletionTimestamp))
      ) {
        this.queue.add(keyOf(object));
      }
    });
    context.store.watch('Pod', ({ type, object, previous }) => {
      if (type === 'MODIFIED' && !concernsOwner(object, previous)) return;
      for (const pod of previous && previous !== object ? [object, previous] : [object]) {
        const owner = pod.metadata.ownerReferences?.find(({ controller }) => controller);
        if (owner?.kind === 'ReplicaSet') this.queue.add(`${pod.metadata.namespace ?? ''}/${owner.name}`);
        else if (!owner) this.wakeSelecting(pod);
      }
    });
  }

  /** An orphan may be one that somebody wants to adopt. */
  private wakeSelecting(pod: Pod): void {
    if (this.context.store.count('ReplicaSet') === 0) return;
    for (const set of this.context.store.list('ReplicaSet', pod.metadata.namespace ?? '')) {
      if (matchesSelector(set.spec.selector, pod.metadata.labels)) this.queue.add(keyOf(set));
    }
  }

  private reconcile(key: string): void {
    const { store, server, events } = this.context;
    const set = store.get('ReplicaSet', ...splitKey(key));
    if (!set) return;
    const pods = claimPods(this.context, set, set.spec.selector);
    const active = pods.filter(isActive);
    const wanted = set.spec.replicas ?? 1;
    let failure: string | undefined;
    if (set.metadata.deletionTimestamp === undefined) {
      if (active.length < wanted) {
        // One draft for all: they share their labels, owner and spec.
        const draft = podFromTemplate(set.spec.template, set);
        for (let i = active.length; i < wanted; i++) {
          const made = server.createTrusted('Pod', draft);
          if (!made.ok) {
            failure = made.error.message;
            events.record(
              set,
              'Warning',
              'FailedCreate',
              `Error creating: ${failure}`,
              'replicaset-controller',
            );
            break;
          }
          active.push(made.value);
          events.record(
            set,
            'Normal',
            'SuccessfulCreate',
            `Created pod: ${made.value.metadata.name}`,
            'replicaset-controller',
          );
        }
      } else if (active.length > wanted) {
        const victims = deletionOrder(active).slice(0, active.length - wanted);
        for (const pod of victims) {
          events.record(
            set,
            'Normal',
            'SuccessfulDelete',
            `Deleted pod: ${pod.metadata.name}`,
            'replicaset-controller',
          );
          server.remove(pod);
          active.splice(active.indexOf(pod), 1);
        }
      }
    }
    this.updateStatus(set, active, failure);
  }

  /** Pods are available when they have been ready for `minReadySeconds`. */
  private countAvailable(set: ReplicaSet, ready: readonly Pod[]): number {
    const { minReadySeconds = 0 } = set.spec;
    if (minReadySeconds === 0) return ready.length;
    const { clock } = this.context;
    let available = 0;
    let next = Infinity;
    for (const pod of ready) {
      const since = pod.status.conditions?.find(({ type }) => type === 'Ready')?.lastTransitionTime;
      const from = (microsecondsOf(since ?? '') ?? clock.now()) + minReadySeconds * latency.second;
      if (from <= clock.now()) available++;
      else next = Math.min(next, from);
    }
    if (next < Infinity) clock.schedule(next - clock.now(), () => this.queue.add(keyOf(set)));
    return available;
  }

  private updateStatus(set: ReplicaSet, active: readonly Pod[], failure: string | undefined): void {
    const { server, store } = this.context;
    const labels = set.spec.template.metadata?.labels ?? {};
    const ready = active.filter(isReady);
    const available = this.countAvailable(set, ready);
    const since = set.status.conditions?.find(({ type }) => type === 'ReplicaFailure')?.lastTransitionTime;
    const conditions: Condition[] =
      failure === undefined
        ? []
        : [
            {
              type: 'ReplicaFailure',
              status: 'True',
              reason: 'FailedCreate',
              message: failure,
              lastTransitionTime: since ?? server.now(),
            },
          ];
    const live = store.get('ReplicaSet', set.metadata.namespace, set.metadata.name);
    if (!live) return;
    server.updateStatus(live, {
      replicas: active.length,
      ...(active.length > 0
        ? {
            fullyLabeledReplicas: active.filter((pod) =>
              matchesSelector({ matchLabels: labels }, pod.metadata.labels),
            ).length,
          }
        : {}),
      ...(ready.length > 0 ? { readyReplicas: ready.length } : {}),
      ...(available > 0 ? { availableReplicas: available } : {}),
      observedGeneration: set.metadata.generation ?? 1,
      ...(conditions.length > 0 ? { conditions } : {}),
    });
  }
}

/** controller.ActivePodsWithRanks: unscheduled before scheduled, pending before running, unready before ready, crowded nodes before others, younger before older. */
function deletionOrder(pods: readonly Pod[]): Pod[] {
  const siblings = new Map<string, number>();
  for (const { spec } of pods)
    siblings.set(spec.nodeName ?? '', (siblings.get(spec.nodeName ?? '') ?? 0) + 1);
  const phases = ['Pending', 'Unknown', 'Running'];
  const rank = (pod: Pod): readonly number[] => [
    pod.spec.nodeName ? 1 : 0,
    phases.indexOf(pod.status.phase ?? 'Pending'),
    isReady(pod) ? 1 : 0,
    -(siblings.get(pod.spec.nodeName ?? '') ?? 0),
  ];
  const ranked = pods.map((pod, position) => ({ pod, ranks: rank(pod), position }));
  ranked.sort((a, b) => {
    for (const [i, value] of a.ranks.entries()) {
      const difference = value - (b.ranks[i] ?? 0);
      if (difference !== 0) return difference;
    }
    const age = a.pod.metadata.creationTimestamp < b.pod.metadata.creationTimestamp ? 1 : -1;
    return a.pod.metadata.creationTimestamp === b.pod.metadata.creationTimestamp
      ? b.position - a.position
      : age;
  });
  return ranked.map(({ pod }) => pod);
}
