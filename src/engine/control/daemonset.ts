import { labelOf } from '../api/labels.ts';
import type { Affinity, DaemonSet, Node, Pod, PodSpec, Toleration } from '../api/types.ts';
import type { ControlContext } from './context.ts';
import { hashOfTemplate, scaled } from './deployment.ts';
import { latency } from './latency.ts';
import { NodeInfo } from './node-info.ts';
import { keyOf, splitKey, WorkQueue } from './queue.ts';
import { claimPods, concernsOwner, isReady, podFromTemplate } from './replicaset.ts';
import { matchesNode, tolerates } from './scheduling.ts';

const hashLabel = 'controller-revision-hash';
const component = 'daemonset-controller';

/** One pod on every node that the pod could run on. */
export class DaemonSetController {
  private readonly context: ControlContext;
  private readonly queue: WorkQueue;

  constructor(context: ControlContext) {
    this.context = context;
    this.queue = new WorkQueue(context.clock, context.activity, latency.controller, (key) =>
      this.reconcile(key),
    );
    context.store.watch('DaemonSet', ({ type, object, previous }) => {
      const same =
        previous?.spec === object.spec &&
        previous.metadata.deletionTimestamp === object.metadata.deletionTimestamp;
      if (type !== 'DELETED' && !same) this.queue.add(keyOf(object));
    });
    context.store.watch('Pod', ({ type, object, previous }) => {
      if (type === 'MODIFIED' && !concernsOwner(object, previous)) return;
      const owner = object.metadata.ownerReferences?.find(({ controller }) => controller);
      if (owner?.kind === 'DaemonSet') this.queue.add(`${object.metadata.namespace ?? ''}/${owner.name}`);
    });
    context.store.watch('Node', ({ object, previous }) => {
      if (previous && previous.spec === object.spec && previous.metadata.labels === object.metadata.labels)
        return;
      for (const set of context.store.list('DaemonSet')) this.queue.add(keyOf(set));
    });
  }

  private reconcile(key: string): void {
    const { store, server, events } = this.context;
    const set = store.get('DaemonSet', ...splitKey(key));
    if (!set) return;
    const hash = hashOfTemplate(set.spec.template, 0);
    const byNode = new Map<string, Pod[]>();
    for (const pod of claimPods(this.context, set, set.spec.selector)) {
      const node = targetOf(pod);
      byNode.set(node, [...(byNode.get(node) ?? []), pod]);
    }
    const nodes = store.list('Node');
    if (set.metadata.deletionTimestamp === undefined) {
      for (const node of nodes) {
        const { name } = node.metadata;
        const pods = byNode.get(name) ?? [];
        const { run, stay } = placement(set, node);
        const ended = pods.find(({ status }) => status.phase === 'Failed');
        if (ended) server.remove(ended);
        else if (pods.length === 0 && run) {
          const made = server.createTrusted('Pod', newPod(set, name, hash));
          if (made.ok)
            events.record(
              set,
              'Normal',
              'SuccessfulCreate',
              `Created pod: ${made.value.metadata.name}`,
              component,
            );
          else
            events.record(set, 'Warning', 'FailedCreate', `Error creating: ${made.error.message}`, component);
        } else if (!stay) for (const pod of pods) this.delete(set, pod);
      }
      this.rollOut(set, nodes, byNode, hash);
    }
    this.updateStatus(key, hash);
  }

  private delete(set: DaemonSet, pod: Pod): void {
    if (pod.metadata.deletionTimestamp !== undefined) return;
    this.context.events.record(
      set,
      'Normal',
      'SuccessfulDelete',
      `Deleted pod: ${pod.metadata.name}`,
      component,
    );
    this.context.server.remove(pod);
  }

  private rollOut(
    set: DaemonSet,
    nodes: readonly Node[],
    byNode: ReadonlyMap<string, readonly Pod[]>,
    hash: string,
  ): void {
    if (set.spec.updateStrategy?.type === 'OnDelete') return;
    const wanted = nodes.filter((node) => placement(set, node).run);
    const { maxUnavailable = 1 } = set.spec.updateStrategy?.rollingUpdate ?? {};
    let budget = Math.max(1, scaled(maxUnavailable, wanted.length, Math.ceil));
    const old: Pod[] = [];
    for (const node of wanted) {
      const pods = byNode.get(node.metadata.name) ?? [];
      const available = pods.some((pod) => isReady(pod) && pod.metadata.deletionTimestamp === undefined);
      if (!available) budget--;
      for (const pod of pods) if (labelOf(pod.metadata.labels, hashLabel) !== hash) old.push(pod);
    }
    for (const pod of old) {
      if (!isReady(pod)) this.delete(set, pod);
      else if (budget > 0) {
        this.delete(set, pod);
        budget--;
      }
    }
  }

  private updateStatus(key: string, hash: string): void {
    const { store, server } = this.context;
    const set = store.get('DaemonSet', ...splitKey(key));
    if (!set) return;
    const pods = store
      .indexed('Pod', 'owner', set.metadata.uid)
      .filter((pod) => pod.metadata.deletionTimestamp === undefined);
    const byNode = new Map(pods.map((pod) => [targetOf(pod), pod]));
    let [desired, current, misscheduled, ready, updated] = [0, 0, 0, 0, 0];
    for (const node of store.list('Node')) {
      const pod = byNode.get(node.metadata.name);
      const { run } = placement(set, node);
      if (!run) {
        if (pod) misscheduled++;
        continue;
      }
      desired++;
      if (!pod) continue;
      current++;
      if (isReady(pod)) ready++;
      if (labelOf(pod.metadata.labels, hashLabel) === hash) updated++;
    }
    server.updateStatus(set, {
      currentNumberScheduled: current,
      desiredNumberScheduled: desired,
      numberMisscheduled: misscheduled,
      numberReady: ready,
      ...(ready > 0 ? { numberAvailable: ready } : {}),
      ...(desired > ready ? { numberUnavailable: desired - ready } : {}),
      ...(updated > 0 ? { updatedNumberScheduled: updated } : {}),
      observedGeneration: set.metadata.generation ?? 1,
    });
  }
}

/** util.AddOrUpdateDaemonPodTolerations */
function tolerationsOf(spec: PodSpec): Toleration[] {
  const always: Toleration[] = [
    { key: 'node.kubernetes.io/not-ready', operator: 'Exists', effect: 'NoExecute' },
    { key: 'node.kubernetes.io/unreachable', operator: 'Exists', effect: 'NoExecute' },
    { key: 'node.kubernetes.io/disk-pressure', operator: 'Exists', effect: 'NoSchedule' },
    { key: 'node.kubernetes.io/memory-pressure', operator: 'Exists', effect: 'NoSchedule' },
    { key: 'node.kubernetes.io/pid-pressure', operator: 'Exists', effect: 'NoSchedule' },
    { key: 'node.kubernetes.io/unschedulable', operator: 'Exists', effect: 'NoSchedule' },
  ];
  if (spec.hostNetwork)
    always.push({ key: 'node.kubernetes.io/network-unavailable', operator: 'Exists', effect: 'NoSchedule' });
  return [...(spec.tolerations ?? []), ...always];
}

/** NodeShouldRunDaemonPod: whether a pod is wanted there, and whether one that is there may stay. */
function placement(set: DaemonSet, node: Node): { readonly run: boolean; readonly stay: boolean } {
  const { spec } = set.spec.template;
  const probe: Pod = { apiVersion: 'v1', kind: 'Pod', metadata: set.metadata, spec, status: {} };
  if ((spec.nodeName && spec.nodeName !== node.metadata.name) || !matchesNode(probe, new NodeInfo(node)))
    return { run: false, stay: false };
  const tolerations = tolerationsOf(spec);
  const refused = (node.spec.taints ?? []).filter(
    (taint) => taint.effect !== 'PreferNoSchedule' && !tolerates(tolerations, taint),
  );
  return { run: refused.length === 0, stay: refused.every(({ effect }) => effect !== 'NoExecute') };
}

/** The pod goes through the scheduler, held to its node by affinity. */
function newPod(set: DaemonSet, node: string, hash: string) {
  const { metadata, spec } = podFromTemplate(set.spec.template, set);
  const terms = [{ matchFields: [{ key: 'metadata.name', operator: 'In' as const, values: [node] }] }];
  const affinity: Affinity = {
    ...spec.affinity,
    nodeAffinity: {
      ...spec.affinity?.nodeAffinity,
      requiredDuringSchedulingIgnoredDuringExecution: { nodeSelectorTerms: terms },
    },
  };
  return {
    metadata: { ...metadata, labels: { ...metadata.labels, [hashLabel]: hash } },
    spec: { ...spec, affinity, tolerations: tolerationsOf(spec) },
  };
}

function targetOf(pod: Pod): string {
  if (pod.spec.nodeName) return pod.spec.nodeName;
  const required = pod.spec.affinity?.nodeAffinity?.requiredDuringSchedulingIgnoredDuringExecution;
  return required?.nodeSelectorTerms[0]?.matchFields?.[0]?.values?.[0] ?? '';
}
