import { ownedKinds } from '../api/indexes.ts';
import { resourceOfKind } from '../api/kinds.ts';
import type { KubeObject } from '../api/types.ts';
import type { ControlContext } from './context.ts';
import { latency } from './latency.ts';
import { WorkQueue } from './queue.ts';

/** Deletes what belonged to a deleted owner, or frees it where the deletion asked to orphan. */
export class GarbageCollector {
  private readonly context: ControlContext;
  private readonly queue: WorkQueue;
  private readonly orphaned = new Set<string>();

  constructor(context: ControlContext) {
    this.context = context;
    this.queue = new WorkQueue(context.clock, context.activity, latency.controller, (uid) =>
      this.collect(uid),
    );
    context.store.watch('*', ({ type, object }) => {
      if (type !== 'DELETED' || object.kind === 'Event') return;
      const { uid } = object.metadata;
      if (context.server.takeOrphaning(uid)) this.orphaned.add(uid);
      if (ownedKinds.some((kind) => context.store.indexedCount(kind, 'owner', uid) > 0)) this.queue.add(uid);
    });
  }

  private collect(uid: string): void {
    const { store } = this.context;
    const orphan = this.orphaned.delete(uid);
    for (const kind of ownedKinds) {
      for (const dependent of store.indexed(kind, 'owner', uid)) this.release(dependent, uid, orphan);
    }
  }

  private release(dependent: KubeObject, uid: string, orphan: boolean): void {
    const { server, store } = this.context;
    const others = (dependent.metadata.ownerReferences ?? []).filter((reference) => reference.uid !== uid);
    const owned = others.some((reference) => store.byUid(reference.uid) !== undefined);
    if (!orphan && !owned) {
      server.remove(dependent);
      return;
    }
    if (resourceOfKind(dependent.kind))
      store.put({ ...dependent, metadata: { ...dependent.metadata, ownerReferences: others } });
  }
}
