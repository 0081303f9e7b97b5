import type { Pod } from '../api/types.ts';
import type { ControlContext } from './context.ts';
import { latency } from './latency.ts';
import { WorkQueue } from './queue.ts';

/** PodGC: pods of nodes that are no more are deleted. */
export function collectPodsOfLostNodes(context: ControlContext): void {
  const { store, server } = context;
  const queue = new WorkQueue(context.clock, context.activity, latency.controller, (node) => {
    if (store.get('Node', undefined, node)) return;
    for (const pod of store.indexed('Pod', 'node', node)) server.removeNow(pod);
  });
  store.watch('Node', ({ type, object }) => {
    if (type === 'DELETED') queue.add(object.metadata.name);
  });
  // A pod whose node never came has no kubelet to end it.
  store.watch('Pod', ({ object }: { readonly object: Pod }) => {
    const { nodeName } = object.spec;
    if (
      object.metadata.deletionTimestamp !== undefined &&
      nodeName &&
      !store.get('Node', undefined, nodeName)
    )
      queue.add(nodeName);
  });
}
