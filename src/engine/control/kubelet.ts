import type { Node, Pod } from '../api/types.ts';
import type { ControlContext } from './context.ts';
import { latency } from './latency.ts';
import type { KubeletContext } from './kubelet-context.ts';
import { PodWorker } from './pod-worker.ts';
import { DelayLine } from './queue.ts';
import type { Runtime } from './runtime.ts';

/** The kubelets of all nodes: they run the pods that are bound to their node. */
export class Kubelet {
  private readonly workers = new Map<string, PodWorker>();
  private readonly context: KubeletContext;

  constructor(context: ControlContext, runtime: Runtime) {
    const line = (delay: number) => new DelayLine(context.clock, context.activity, delay);
    this.context = {
      ...context,
      runtime,
      images: new Map(),
      finished: (uid) => this.workers.delete(uid),
      lines: {
        kubelet: line(latency.kubelet),
        sandbox: line(latency.sandbox),
        imagePull: line(latency.imagePull),
        containerStart: line(latency.containerStart),
        firstMoments: line(latency.firstMoments),
        teardown: line(latency.teardown),
        gracefulStop: line(latency.gracefulStop),
        second: line(latency.second),
      },
    };
    context.store.watch('Node', ({ type, object, previous }) => {
      if (type === 'ADDED') {
        runtime.addNode(object);
        for (const pod of context.store.indexed('Pod', 'node', object.metadata.name)) this.take(pod);
      } else if (type === 'DELETED') runtime.removeNode(object);
      else if (previous) runtime.updateNode(object, previous);
    });
    context.store.watch('Pod', ({ type, object, previous }) => {
      if (type === 'DELETED') this.workers.get(object.metadata.uid)?.destroy(previous ?? object);
      else if (previous && this.workers.has(object.metadata.uid))
        this.workers.get(object.metadata.uid)?.update(object, previous);
      else this.take(object);
    });
  }

  private take(pod: Pod): void {
    const { nodeName } = pod.spec;
    if (!nodeName || this.workers.has(pod.metadata.uid)) return;
    const node = this.context.store.get('Node', undefined, nodeName);
    if (!node) return;
    this.workers.set(pod.metadata.uid, new PodWorker(this.context, pod, internalAddresses(node)));
  }
}

/** The node's InternalIPs, the primary one first. */
export function internalAddresses(node: Node): readonly string[] {
  const { addresses = [] } = node.status;
  let internal = internals.get(addresses);
  if (internal === undefined) {
    internal = addresses.flatMap(({ type, address }) => (type === 'InternalIP' ? [address] : []));
    internals.set(addresses, internal);
  }
  return internal;
}

/** Every pod of a node asks. */
const internals = new WeakMap<NonNullable<Node['status']['addresses']>, readonly string[]>();
