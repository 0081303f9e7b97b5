import { labelOf, matchesSelector } from '../api/labels.ts';
import type { NewObject } from '../api/server.ts';
import type { Pod, StatefulSet } from '../api/types.ts';
import type { ControlContext } from './context.ts';
import { hashOfTemplate } from './deployment.ts';
import { latency } from './latency.ts';
import { keyOf, splitKey, WorkQueue } from './queue.ts';
import { claimPods, concernsOwner, isReady, podFromTemplate } from './replicaset.ts';

const revisionLabel = 'controller-revision-hash';
const component = 'statefulset-controller';

/** Pods with stable names, one after the other. */
export class StatefulSetController {
  private readonly context: ControlContext;
  private readonly queue: WorkQueue;

  constructor(context: ControlContext) {
    this.context = context;
    this.queue = new WorkQueue(context.clock, context.activity, latency.controller, (key) =>
      this.reconcile(key),
    );
    context.store.watch('StatefulSet', ({ type, object, previous }) => {
      const same =
        previous?.spec === object.spec &&
        previous.metadata.deletionTimestamp === object.metadata.deletionTimestamp;
      if (type !== 'DELETED' && !same) this.queue.add(keyOf(object));
    });
    context.store.watch('Pod', ({ type, object, previous }) => {
      if (type === 'MODIFIED' && !concernsOwner(object, previous)) return;
      const owner = object.metadata.ownerReferences?.find(({ controller }) => controller);
      if (owner?.kind === 'StatefulSet') this.queue.add(`${object.metadata.namespace ?? ''}/${owner.name}`);
    });
  }

  private reconcile(key: string): void {
    const { store } = this.context;
    const set = store.get('StatefulSet', ...splitKey(key));
    if (!set) return;
    const revision = `${set.metadata.name}-${hashOfTemplate(set.spec.template, set.status.collisionCount ?? 0)}`;
    const pods = claimPods(this.context, set, set.spec.selector).filter(
      (pod) => ordinalOf(set, pod) !== undefined,
    );
    if (set.metadata.deletionTimestamp === undefined) this.step(set, pods, revision);
    this.updateStatus(key, revision);
  }

  /** updateStatefulSet: in order, each pod ready before the next is touched, unless Parallel. */
  private step(set: StatefulSet, pods: readonly Pod[], revision: string): void {
    const { server, events } = this.context;
    const first = set.spec.ordinals?.start ?? 0;
    const wanted = set.spec.replicas ?? 1;
    const parallel = set.spec.podManagementPolicy === 'Parallel';
    const byOrdinal = new Map(pods.map((pod) => [ordinalOf(set, pod) ?? -1, pod]));
    for (let ordinal = first; ordinal < first + wanted; ordinal++) {
      const pod = byOrdinal.get(ordinal);
      if (!pod) {
        const made = server.createTrusted('Pod', this.newPod(set, ordinal, revision));
        const name = `${set.metadata.name}-${ordinal}`;
        if (!made.ok) {
          const message = `create Pod ${name} in StatefulSet ${set.metadata.name} failed error: ${made.error.message}`;
          events.record(set, 'Warning', 'FailedCreate', message, component);
          return;
        }
        events.record(
          set,
          'Normal',
          'SuccessfulCreate',
          `create Pod ${name} in StatefulSet ${set.metadata.name} successful`,
          component,
        );
        if (!parallel) return;
        continue;
      }
      if (pod.status.phase === 'Failed' || pod.status.phase === 'Succeeded') {
        server.remove(pod);
        return;
      }
      if (!parallel && (!isReady(pod) || pod.metadata.deletionTimestamp !== undefined)) return;
    }
    const condemned = pods
      .filter((pod) => !within(ordinalOf(set, pod) ?? -1, first, wanted))
      .sort((a, b) => (ordinalOf(set, b) ?? 0) - (ordinalOf(set, a) ?? 0));
    for (const pod of condemned) {
      if (pod.metadata.deletionTimestamp === undefined) this.delete(set, pod);
      if (!parallel) return;
    }
    if (set.spec.updateStrategy?.type === 'OnDelete') return;
    const partition = set.spec.updateStrategy?.rollingUpdate?.partition ?? 0;
    for (let ordinal = first + wanted - 1; ordinal >= first + partition; ordinal--) {
      const pod = byOrdinal.get(ordinal);
      if (!pod) return;
      if (labelOf(pod.metadata.labels, revisionLabel) !== revision) {
        if (pod.metadata.deletionTimestamp === undefined) this.delete(set, pod);
        return;
      }
      if (!isReady(pod)) return;
    }
  }

  private delete(set: StatefulSet, pod: Pod): void {
    const message = `delete Pod ${pod.metadata.name} in StatefulSet ${set.metadata.name} successful`;
    this.context.events.record(set, 'Normal', 'SuccessfulDelete', message, component);
    this.context.server.remove(pod);
  }

  private newPod(set: StatefulSet, ordinal: number, revision: string): NewObject<'Pod'> {
    const { metadata, spec } = podFromTemplate(set.spec.template, set);
    const { generateName: _, ...rest } = metadata;
    const name = `${set.metadata.name}-${ordinal}`;
    const identity = {
      'statefulset.kubernetes.io/pod-name': name,
      'apps.kubernetes.io/pod-index': String(ordinal),
    };
    const { serviceName } = set.spec;
    return {
      metadata: { ...rest, name, labels: { ...rest.labels, ...identity, [revisionLabel]: revision } },
      spec: { ...spec, hostname: name, ...(serviceName ? { subdomain: serviceName } : {}) },
    };
  }

  private updateStatus(key: string, revision: string): void {
    const { store, server } = this.context;
    const set = store.get('StatefulSet', ...splitKey(key));
    if (!set) return;
    const pods = store
      .indexed('Pod', 'owner', set.metadata.uid)
      .filter(
        (pod) =>
          matchesSelector(set.spec.selector, pod.metadata.labels) &&
          pod.metadata.deletionTimestamp === undefined,
      );
    const ready = pods.filter(isReady).length;
    const updated = pods.filter((pod) => labelOf(pod.metadata.labels, revisionLabel) === revision).length;
    const done = updated === (set.spec.replicas ?? 1) && ready === updated && pods.length === updated;
    const current = done ? revision : (set.status.currentRevision ?? revision);
    server.updateStatus(set, {
      observedGeneration: set.metadata.generation ?? 1,
      replicas: pods.length,
      ...(ready > 0 ? { readyReplicas: ready } : {}),
      availableReplicas: ready,
      currentReplicas: pods.filter((pod) => labelOf(pod.metadata.labels, revisionLabel) === current).length,
      updatedReplicas: updated,
      currentRevision: current,
      updateRevision: revision,
      collisionCount: set.status.collisionCount ?? 0,
    });
  }
}

function ordinalOf(set: StatefulSet, pod: Pod): number | undefined {
  const prefix = `${set.metadata.name}-`;
  const { name } = pod.metadata;
  const ordinal = name.startsWith(prefix) ? name.slice(prefix.length) : '';
  return /^\d+$/.test(ordinal) ? Number(ordinal) : undefined;
}

function within(ordinal: number, first: number, count: number): boolean {
  return ordinal >= first && ordinal < first + count;
}
