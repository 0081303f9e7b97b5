import type { Node, Pod } from '../api/types.ts';
import type { ControlContext } from './context.ts';
import { latency } from './latency.ts';
import { NodeInfo } from './node-info.ts';
import { withTransition } from './pod-status.ts';
import { keyOf, splitKey, WorkQueue } from './queue.ts';
import { controllerUid } from './replicaset.ts';
import type { SchedulingRequest } from './scheduling.ts';
import { shareConditions } from './shared-conditions.ts';
import { preferenceOf, refusalOf, requestOf } from './scheduling.ts';

/** Beyond this many nodes only so many feasible ones are compared, in turn around the cluster, as kube-scheduler samples. */
const sample = 8;
const sampleFrom = 100;

/** Binds pods to nodes: filters as kube-scheduler's plugins do, then the least loaded, deterministically. */
export class Scheduler {
  private readonly context: ControlContext;
  private readonly queue: WorkQueue;
  private readonly nodes = new Map<string, NodeInfo>();
  private order: NodeInfo[] = [];
  private next = 0;
  private readonly unschedulable = new Set<string>();

  constructor(context: ControlContext) {
    this.context = context;
    this.queue = new WorkQueue(context.clock, context.activity, latency.scheduler, (key) =>
      this.schedule(key),
    );
    context.store.watch('Node', ({ type, object }) => {
      if (type === 'DELETED') {
        this.nodes.delete(object.metadata.name);
        this.order = [...this.nodes.values()];
      } else {
        const info = this.nodes.get(object.metadata.name);
        if (info) info.node = object;
        else this.addNode(object);
      }
      this.retry();
    });
    context.store.watch('Pod', ({ type, object, previous }) => {
      const before = previous?.spec.nodeName;
      const after = type === 'DELETED' || isEnded(object) ? undefined : object.spec.nodeName;
      if (
        previous &&
        before !== undefined &&
        (before !== after || previous.metadata.labels !== object.metadata.labels)
      ) {
        this.nodes.get(before)?.remove(previous);
        if (after === undefined) this.retry();
      }
      if (after !== undefined && (before !== after || previous?.metadata.labels !== object.metadata.labels))
        this.nodes.get(after)?.add(object);
      if (type === 'DELETED') this.unschedulable.delete(keyOf(object));
      else if (type === 'ADDED' || (this.unschedulable.size > 0 && this.unschedulable.has(keyOf(object)))) {
        if (!object.spec.nodeName && previous?.spec !== object.spec) this.queue.add(keyOf(object));
      }
    });
  }

  private addNode(node: Node): void {
    const info = new NodeInfo(node);
    for (const pod of this.context.store.indexed('Pod', 'node', node.metadata.name))
      if (!isEnded(pod)) info.add(pod);
    this.nodes.set(node.metadata.name, info);
    this.order.push(info);
  }

  /** Something changed that may help those that found no node. */
  private retry(): void {
    for (const key of this.unschedulable) this.queue.add(key);
  }

  private schedule(key: string): void {
    const { store, server, events } = this.context;
    const pod = store.get('Pod', ...splitKey(key));
    if (!pod || pod.spec.nodeName || pod.metadata.deletionTimestamp !== undefined) {
      this.unschedulable.delete(key);
      return;
    }
    if (pod.spec.schedulerName !== undefined && pod.spec.schedulerName !== 'default-scheduler') return;
    const request = requestOf(pod, this.context.store, this.nodes);
    const refusals = new Map<string, number>();
    const chosen = this.choose(request, refusals);
    if (!chosen) {
      this.unschedulable.add(key);
      this.reportUnschedulable(pod, refusals);
      return;
    }
    this.unschedulable.delete(key);
    const now = server.now();
    const bound = server.modify('Pod', pod.metadata.namespace, pod.metadata.name, (live) => ({
      ...live,
      spec: boundSpec(live.spec, chosen.node.metadata.name),
      status: {
        ...live.status,
        conditions: shareConditions([
          ...(live.status.conditions ?? []).filter(({ type }) => type !== 'PodScheduled'),
          withTransition({ type: 'PodScheduled', status: 'True' }, [], now),
        ]),
      },
    }));
    if (bound) {
      const message = `Successfully assigned ${pod.metadata.namespace ?? ''}/${pod.metadata.name} to ${chosen.node.metadata.name}`;
      events.record(bound, 'Normal', 'Scheduled', message, 'default-scheduler');
    }
  }

  private choose(request: SchedulingRequest, refusals: Map<string, number>): NodeInfo | undefined {
    const { order } = this;
    const sampled = order.length > sampleFrom && !request.needsAllNodes;
    const start = sampled ? this.next % order.length : 0;
    const controller = controllerUid(request.pod);
    let best: NodeInfo | undefined;
    let preference = 0;
    let siblings = 0;
    let feasible = 0;
    for (let i = 0; i < order.length; i++) {
      const info = order[(start + i) % order.length];
      if (!info) continue;
      const reason = refusalOf(request, info);
      if (reason !== undefined) {
        refusals.set(reason, (refusals.get(reason) ?? 0) + 1);
        continue;
      }
      const own = preferenceOf(request, info);
      const alike = info.siblings(controller);
      if (
        best === undefined ||
        own > preference ||
        (own === preference && (alike < siblings || (alike === siblings && info.count < best.count)))
      ) {
        best = info;
        preference = own;
        siblings = alike;
      }
      feasible++;
      if (sampled && feasible >= sample) {
        this.next = start + i + 1;
        break;
      }
    }
    return best;
  }

  /** FitError.Error: `0/3 nodes are available: 1 node(s) had untolerated taint …` */
  private reportUnschedulable(pod: Pod, refusals: ReadonlyMap<string, number>): void {
    const { server, events } = this.context;
    const total = this.order.length;
    const reasons = [...refusals].map(([reason, count]) => `${count} ${reason}`).sort();
    const preemption = `preemption: 0/${total} nodes are available: ${total} Preemption is not helpful for scheduling.`;
    const message =
      total === 0
        ? 'no nodes available to schedule pods'
        : `0/${total} nodes are available: ${reasons.join(', ')}. ${preemption}`;
    const old = pod.status.conditions?.find(({ type }) => type === 'PodScheduled');
    if (old?.message === message) return;
    const condition = withTransition(
      { type: 'PodScheduled', status: 'False', reason: 'Unschedulable', message },
      pod.status.conditions ?? [],
      server.now(),
    );
    const others = (pod.status.conditions ?? []).filter(({ type }) => type !== 'PodScheduled');
    server.updateStatus(pod, { ...pod.status, conditions: [...others, condition] });
    events.record(pod, 'Warning', 'FailedScheduling', message, 'default-scheduler');
  }
}

function isEnded(pod: Pod): boolean {
  return pod.status.phase === 'Succeeded' || pod.status.phase === 'Failed';
}

/** Pods of one template on one node share their spec. */
const boundSpecs = new WeakMap<Pod['spec'], Map<string, Pod['spec']>>();

function boundSpec(spec: Pod['spec'], nodeName: string): Pod['spec'] {
  let byNode = boundSpecs.get(spec);
  if (!byNode) boundSpecs.set(spec, (byNode = new Map()));
  let bound = byNode.get(nodeName);
  if (!bound) byNode.set(nodeName, (bound = { ...spec, nodeName }));
  return bound;
}
