import type { ClusterView, PodView } from '../../src/engine/view.ts';

/** Which slot of its node a pod has, by uid. A slot is never taken over while its pod is still on the stage. */
export type Placement = ReadonlyMap<string, { readonly node: string; readonly slot: number }>;

/** Pods with a network of their own, each on a node. */
export function drawnPods(view: ClusterView): PodView[] {
  return view.pods.filter((pod) => pod.node !== undefined && !pod.hostNetwork && pod.ips.length > 0);
}

/** Slots for the pods of a view: those that had one keep it, new ones take the first that is free. */
export function place(view: ClusterView, previous?: Placement, ghosts: readonly PodView[] = []): Placement {
  const placement = new Map<string, { node: string; slot: number }>();
  const pods = [...drawnPods(view), ...ghosts];
  const taken = new Set<string>();
  for (const pod of pods) {
    const slot = previous?.get(pod.uid);
    if (slot === undefined || slot.node !== pod.node) continue;
    placement.set(pod.uid, slot);
    taken.add(`${slot.node}/${slot.slot}`);
  }
  for (const pod of pods) {
    if (placement.has(pod.uid) || pod.node === undefined) continue;
    let slot = 0;
    while (taken.has(`${pod.node}/${slot}`)) slot += 1;
    taken.add(`${pod.node}/${slot}`);
    placement.set(pod.uid, { node: pod.node, slot });
  }
  return placement;
}

/** Pods of an earlier view that are gone from the later one: they stay as ghosts while the timeline may show them. */
export function ghostsOf(before: ClusterView, after: ClusterView): PodView[] {
  const alive = new Set(after.pods.map((pod) => pod.uid));
  return drawnPods(before).filter((pod) => !alive.has(pod.uid));
}
