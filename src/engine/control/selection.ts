import { matchesLabels } from '../api/labels.ts';
import type { Store } from '../api/store.ts';
import type { Pod, StringMap } from '../api/types.ts';

/** The pods of a namespace that have all these labels, through the index of the rarest pair. */
export function podsWithLabels(store: Store, namespace: string, labels: StringMap): Pod[] {
  let rarest: string | undefined;
  let count = Infinity;
  for (const [key, value] of Object.entries(labels)) {
    const pair = `${namespace}/${key}=${value}`;
    const size = store.indexedCount('Pod', 'labels', pair);
    if (size < count) [rarest, count] = [pair, size];
  }
  if (rarest === undefined) return store.list('Pod', namespace);
  return store.indexed('Pod', 'labels', rarest).filter((pod) => matchesLabels(labels, pod.metadata.labels));
}

/** Names found by what selects pods: which Services, say, could select a pod with these labels. */
export class SelectorIndex {
  /** By one pair of each selector, or by the namespace alone for a selector without pairs. */
  private readonly byPair = new Map<string, Set<string>>();
  private readonly pairs = new Map<string, string>();
  /** Pods of one template ask one after the other. */
  private last:
    { readonly namespace: string; readonly labels: unknown; readonly found: string[] } | undefined;

  set(namespace: string, name: string, selector: StringMap | undefined): void {
    this.last = undefined;
    const key = `${namespace}/${name}`;
    const old = this.pairs.get(key);
    if (old !== undefined) {
      const names = this.byPair.get(old);
      names?.delete(name);
      if (names?.size === 0) this.byPair.delete(old);
      this.pairs.delete(key);
    }
    if (selector === undefined) return;
    const [first] = Object.entries(selector);
    const pair = first ? `${namespace}/${first[0]}=${first[1]}` : `${namespace}/`;
    this.pairs.set(key, pair);
    let names = this.byPair.get(pair);
    if (!names) this.byPair.set(pair, (names = new Set()));
    names.add(name);
  }

  /** Names whose selector may match; the caller looks closer. */
  candidates(namespace: string, labels: StringMap | undefined): readonly string[] {
    const { last } = this;
    if (last !== undefined && last.labels === labels && last.namespace === namespace) return last.found;
    const found = [...(this.byPair.get(`${namespace}/`) ?? [])];
    for (const [key, value] of Object.entries(labels ?? {}))
      found.push(...(this.byPair.get(`${namespace}/${key}=${value}`) ?? []));
    this.last = { namespace, labels, found };
    return found;
  }
}
