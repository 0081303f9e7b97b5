import { describe, expect, test } from 'vitest';
import { Store } from '../../../src/engine/api/store.ts';
import type { ConfigMap } from '../../../src/engine/api/types.ts';

function configMap(name: string, namespace = 'default', data: Record<string, string> = {}): ConfigMap {
  return {
    apiVersion: 'v1',
    kind: 'ConfigMap',
    metadata: {
      name,
      namespace,
      uid: `${namespace}/${name}`,
      resourceVersion: '',
      creationTimestamp: '2026-01-01T00:00:00Z',
    },
    data,
  };
}

describe('objects', () => {
  test('are found by kind, namespace and name, and by uid', () => {
    const store = new Store();
    const stored = store.put(configMap('a'));
    expect(store.get('ConfigMap', 'default', 'a')).toBe(stored);
    expect(store.byUid('default/a')).toBe(stored);
    expect(store.get('ConfigMap', 'other', 'a')).toBeUndefined();
    expect(store.get('Secret', 'default', 'a')).toBeUndefined();
  });

  test('every change has a new resourceVersion', () => {
    const store = new Store();
    const versions = [
      store.put(configMap('a')),
      store.put(configMap('b')),
      store.put(configMap('a', 'default', { x: 'y' })),
    ];
    expect(versions.map(({ metadata }) => metadata.resourceVersion)).toEqual(['1', '2', '3']);
    expect(store.size).toBe(2);
  });

  test('lists are in order of creation, of one namespace or all', () => {
    const store = new Store();
    for (const [name, namespace] of [
      ['b', 'x'],
      ['a', 'x'],
      ['c', 'y'],
    ] as const)
      store.put(configMap(name, namespace));
    store.put(configMap('b', 'x', { changed: 'yes' }));
    expect(store.list('ConfigMap').map(({ metadata }) => metadata.name)).toEqual(['b', 'a', 'c']);
    expect(store.list('ConfigMap', 'y').map(({ metadata }) => metadata.name)).toEqual(['c']);
    expect(store.list('ConfigMap', 'none')).toEqual([]);
  });

  test('may be called as the prototype calls its own', () => {
    const store = new Store();
    store.put(configMap('constructor', '__proto__'));
    expect(store.get('ConfigMap', '__proto__', 'constructor')).toBeDefined();
    expect(store.get('ConfigMap', '__proto__', 'toString')).toBeUndefined();
    expect(store.get('__proto__', 'default', 'a')).toBeUndefined();
  });
});

describe('watches', () => {
  test('tell of additions, changes with what was before, and removals', () => {
    const store = new Store();
    const seen: string[] = [];
    store.watch('ConfigMap', ({ type, object, previous }) =>
      seen.push(`${type} ${object.metadata.name} ${previous?.metadata.resourceVersion ?? '-'}`),
    );
    store.put(configMap('a'));
    store.put(configMap('a', 'default', { x: 'y' }));
    store.remove('ConfigMap', 'default', 'a');
    expect(seen).toEqual(['ADDED a -', 'MODIFIED a 1', 'DELETED a 2']);
  });

  test('tell changes made by a watcher after the change that it was told, to everyone in one order', () => {
    const store = new Store();
    const seen: string[] = [];
    store.watch('ConfigMap', ({ object }) => {
      if (object.metadata.name === 'a') store.put(configMap('b'));
    });
    store.watch('ConfigMap', ({ object }) => seen.push(object.metadata.name));
    store.put(configMap('a'));
    expect(seen).toEqual(['a', 'b']);
  });

  test('of everything see every kind; an ended watch sees nothing', () => {
    const store = new Store();
    const seen: string[] = [];
    const end = store.watch('*', ({ object }) => seen.push(object.metadata.name));
    store.put(configMap('a'));
    end();
    store.put(configMap('b'));
    expect(seen).toEqual(['a']);
  });

  test('a long burst from within a watcher is told whole', () => {
    const store = new Store();
    let seen = 0;
    store.watch('ConfigMap', ({ object }) => {
      seen++;
      if (object.metadata.name === 'first') for (let i = 0; i < 20_000; i++) store.put(configMap(`c${i}`));
    });
    store.put(configMap('first'));
    expect(seen).toBe(20_001);
  });
});

describe('indexes', () => {
  test('follow objects as they change and go', () => {
    const store = new Store();
    store.put(configMap('early', 'default', { team: 'red' }));
    store.addIndex('ConfigMap', 'team', ({ data }) => (data?.['team'] ? [data['team']] : []));
    const names = (team: string) =>
      [...store.indexed('ConfigMap', 'team', team)].map(({ metadata }) => metadata.name);
    store.put(configMap('late', 'default', { team: 'red' }));
    expect(names('red')).toEqual(['early', 'late']);
    store.put(configMap('early', 'default', { team: 'blue' }));
    expect(names('red')).toEqual(['late']);
    expect(names('blue')).toEqual(['early']);
    store.remove('ConfigMap', 'default', 'late');
    expect(store.indexedCount('ConfigMap', 'team', 'red')).toBe(0);
  });
});
