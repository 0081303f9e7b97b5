import type { Node, Pod, Taint } from '../api/types.ts';
import type { ControlContext } from './context.ts';
import { latency } from './latency.ts';
import { tolerates } from './scheduling.ts';
import { keyOf, WorkQueue } from './queue.ts';

/** Deletes pods that do not tolerate their node's NoExecute taints, at once or when their toleration runs out. */
export class TaintEvictionController {
  private readonly context: ControlContext;
  private readonly queue: WorkQueue;
  private readonly waiting = new Map<string, { cancel(): void }>();

  constructor(context: ControlContext) {
    this.context = context;
    this.queue = new WorkQueue(context.clock, context.activity, latency.controller, (node) =>
      this.reconcile(node),
    );
    context.store.watch('Node', ({ object, previous }) => {
      if (hasNoExecute(object) || (previous && hasNoExecute(previous))) this.queue.add(object.metadata.name);
    });
    context.store.watch('Pod', ({ type, object, previous }) => {
      if (type === 'DELETED') this.forget(object.metadata.uid);
      const { nodeName } = object.spec;
      if (!nodeName || previous?.spec.nodeName === nodeName) return;
      const node = context.store.get('Node', undefined, nodeName);
      if (node && hasNoExecute(node)) this.queue.add(nodeName);
    });
  }

  private reconcile(name: string): void {
    const { store, clock } = this.context;
    const node = store.get('Node', undefined, name);
    const taints = (node?.spec.taints ?? []).filter(({ effect }) => effect === 'NoExecute');
    for (const pod of store.indexed('Pod', 'node', name)) {
      const { uid, deletionTimestamp } = pod.metadata;
      const after = deletionTimestamp === undefined ? secondsUntilEviction(pod, taints) : undefined;
      if (after === undefined) this.forget(uid);
      else if (after <= 0) this.evict(pod);
      else if (!this.waiting.has(uid)) {
        const timer = clock.schedule(after * latency.second, () => {
          this.waiting.delete(uid);
          const live = store.get('Pod', pod.metadata.namespace, pod.metadata.name);
          if (live?.metadata.uid === uid) this.evict(live);
        });
        this.waiting.set(uid, timer);
      }
    }
  }

  private evict(pod: Pod): void {
    this.forget(pod.metadata.uid);
    const message = `Marking for deletion Pod ${keyOf(pod)}`;
    this.context.events.record(pod, 'Normal', 'TaintManagerEviction', message, 'taint-eviction-controller');
    this.context.server.remove(pod);
  }

  private forget(uid: string): void {
    this.waiting.get(uid)?.cancel();
    this.waiting.delete(uid);
  }
}

function hasNoExecute(node: Node): boolean {
  return node.spec.taints?.some(({ effect }) => effect === 'NoExecute') ?? false;
}

/** Undefined when the pod may stay for good. */
function secondsUntilEviction(pod: Pod, taints: readonly Taint[]): number | undefined {
  let least: number | undefined;
  for (const taint of taints) {
    const tolerating = (pod.spec.tolerations ?? []).filter((toleration) => tolerates([toleration], taint));
    if (tolerating.length === 0) return 0;
    for (const { tolerationSeconds } of tolerating) {
      if (tolerationSeconds !== undefined) least = Math.min(least ?? Infinity, tolerationSeconds);
    }
  }
  return least;
}
