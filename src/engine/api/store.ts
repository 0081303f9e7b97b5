import type { KubeObject, ObjectOf } from './types.ts';

export type ChangeType = 'ADDED' | 'MODIFIED' | 'DELETED';

export interface Change<T extends KubeObject = KubeObject> {
  readonly type: ChangeType;
  /** The object after the change; for `DELETED` as it was last. */
  readonly object: T;
  readonly previous?: T;
}

export type Watcher<T extends KubeObject = KubeObject> = (change: Change<T>) => void;

type Entries = Map<string, KubeObject>;

interface Index {
  readonly keys: (object: KubeObject) => readonly string[];
  readonly basis: (object: KubeObject) => unknown;
  /** Uids, so that an object that changes elsewhere costs the index nothing. */
  readonly entries: Map<string, Set<string>>;
}

interface Collection {
  readonly byNamespace: Map<string, Entries>;
  readonly indexes: Map<string, Index>;
  readonly watchers: Set<Watcher>;
  size: number;
}

const nothing: readonly never[] = [];

/**
 * Objects by kind, namespace and name, with indexes and watches: etcd and the watch cache in one.
 * It stamps `resourceVersion` and trusts the rest; users' objects come through `ApiServer`.
 */
export class Store {
  /** Number of objects of all kinds. */
  size = 0;
  private revision = 0;
  private readonly collections = new Map<string, Collection>();
  private readonly uids = new Map<string, KubeObject>();
  private readonly everyWatcher = new Set<Watcher>();
  private readonly queue: Change[] = [];
  private draining = false;

  get resourceVersion(): string {
    return String(this.revision);
  }

  get<K extends string>(kind: K, namespace: string | undefined, name: string): ObjectOf<K> | undefined {
    return this.collections
      .get(kind)
      ?.byNamespace.get(namespace ?? '')
      ?.get(name) as ObjectOf<K> | undefined;
  }

  byUid(uid: string): KubeObject | undefined {
    return this.uids.get(uid);
  }

  /** In order of creation; of one namespace, or of all. */
  list<K extends string>(kind: K, namespace?: string): ObjectOf<K>[] {
    const collection = this.collections.get(kind);
    if (!collection) return [];
    if (namespace !== undefined)
      return [...(collection.byNamespace.get(namespace)?.values() ?? nothing)] as ObjectOf<K>[];
    const all: KubeObject[] = [];
    for (const entries of collection.byNamespace.values())
      for (const object of entries.values()) all.push(object);
    return all as ObjectOf<K>[];
  }

  count(kind: string): number {
    return this.collections.get(kind)?.size ?? 0;
  }

  /** Kinds that have objects, in order of their first appearance. */
  kinds(): string[] {
    return [...this.collections].filter(([, collection]) => collection.size > 0).map(([kind]) => kind);
  }

  /** Adds or replaces; returns the object as stored, with its new `resourceVersion`. */
  put<T extends KubeObject>(object: T): T {
    this.revision++;
    const stored: T = { ...object, metadata: { ...object.metadata, resourceVersion: String(this.revision) } };
    const collection = this.collection(stored.kind);
    const { namespace = '', name, uid } = stored.metadata;
    let entries = collection.byNamespace.get(namespace);
    if (!entries) collection.byNamespace.set(namespace, (entries = new Map()));
    const previous = entries.get(name);
    entries.set(name, stored);
    this.uids.set(uid, stored);
    if (previous && previous.metadata.uid !== uid) this.uids.delete(previous.metadata.uid);
    for (const index of collection.indexes.values()) this.reindex(index, previous, stored);
    if (previous) this.notify(collection, { type: 'MODIFIED', object: stored, previous });
    else {
      collection.size++;
      this.size++;
      this.notify(collection, { type: 'ADDED', object: stored });
    }
    return stored;
  }

  /** Removes at once, whatever its finalizers and owners; false when it is not there. */
  remove(kind: string, namespace: string | undefined, name: string): boolean {
    const collection = this.collections.get(kind);
    const entries = collection?.byNamespace.get(namespace ?? '');
    const object = entries?.get(name);
    if (!collection || !entries || !object) return false;
    this.revision++;
    entries.delete(name);
    if (entries.size === 0) collection.byNamespace.delete(namespace ?? '');
    if (this.uids.get(object.metadata.uid) === object) this.uids.delete(object.metadata.uid);
    for (const index of collection.indexes.values()) this.reindex(index, object, undefined);
    collection.size--;
    this.size--;
    const last = { ...object, metadata: { ...object.metadata, resourceVersion: String(this.revision) } };
    this.notify(collection, { type: 'DELETED', object: last, previous: object });
    return true;
  }

  /**
   * Calls `watcher` after every change of the kind (`*`: of any). Changes made by watchers are told after the one
   * being told, so everyone sees them in one order. Returns what ends the watch.
   */
  watch<K extends string>(kind: K, watcher: Watcher<ObjectOf<K>>): () => void {
    const watchers = kind === '*' ? this.everyWatcher : this.collection(kind).watchers;
    const untyped = watcher as Watcher;
    watchers.add(untyped);
    return () => watchers.delete(untyped);
  }

  /**
   * Keeps the kind's objects findable by the strings that `keys` gives for each.
   * `basis` is what the keys follow from: while it is the same, they are not worked out again.
   */
  addIndex<K extends string>(
    kind: K,
    name: string,
    keys: (object: ObjectOf<K>) => readonly string[],
    basis: (object: ObjectOf<K>) => unknown = (object) => object,
  ): void {
    const collection = this.collection(kind);
    const index: Index = { keys: keys as Index['keys'], basis: basis as Index['basis'], entries: new Map() };
    collection.indexes.set(name, index);
    for (const object of this.list(kind)) this.reindex(index, undefined, object);
  }

  /** What the index has under `key`, in order of arrival. */
  indexed<K extends string>(kind: K, name: string, key: string): ObjectOf<K>[] {
    const found: KubeObject[] = [];
    for (const uid of this.collections.get(kind)?.indexes.get(name)?.entries.get(key) ?? nothing) {
      const object = this.uids.get(uid);
      if (object) found.push(object);
    }
    return found as ObjectOf<K>[];
  }

  indexedCount(kind: string, name: string, key: string): number {
    return this.collections.get(kind)?.indexes.get(name)?.entries.get(key)?.size ?? 0;
  }

  private collection(kind: string): Collection {
    let collection = this.collections.get(kind);
    if (!collection) {
      collection = { byNamespace: new Map(), indexes: new Map(), watchers: new Set(), size: 0 };
      this.collections.set(kind, collection);
    }
    return collection;
  }

  private reindex(index: Index, previous: KubeObject | undefined, next: KubeObject | undefined): void {
    const same = previous !== undefined && next !== undefined && previous.metadata.uid === next.metadata.uid;
    if (same && index.basis(previous) === index.basis(next)) return;
    const before = previous ? index.keys(previous) : nothing;
    const after = next ? index.keys(next) : nothing;
    if (previous) {
      for (const key of before) {
        if (same && after.includes(key)) continue;
        const entries = index.entries.get(key);
        entries?.delete(previous.metadata.uid);
        if (entries?.size === 0) index.entries.delete(key);
      }
    }
    if (!next) return;
    for (const key of after) {
      let entries = index.entries.get(key);
      if (!entries) index.entries.set(key, (entries = new Set()));
      entries.add(next.metadata.uid);
    }
  }

  private notify(collection: Collection, change: Change): void {
    if (collection.watchers.size === 0 && this.everyWatcher.size === 0) return;
    this.queue.push(change);
    if (this.draining) return;
    this.draining = true;
    try {
      // An index, not shift(): a burst of changes must not cost the square of its length.
      for (let i = 0; i < this.queue.length; i++) {
        const next = this.queue[i];
        if (!next) break;
        for (const watcher of this.collection(next.object.kind).watchers) watcher(next);
        for (const watcher of this.everyWatcher) watcher(next);
        if (i > 4096) {
          this.queue.splice(0, i + 1);
          i = -1;
        }
      }
    } finally {
      this.queue.length = 0;
      this.draining = false;
    }
  }
}
