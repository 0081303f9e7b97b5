import { describe, expect, test } from 'vitest';
import type { Draft } from '../../../src/engine/api/json.ts';
import { applyPatch, threeWayMerge } from '../../../src/engine/api/merge.ts';

describe('a three-way merge', () => {
  const merge = (original: Draft, modified: Draft, current: Draft) =>
    threeWayMerge('Service', { spec: original }, { spec: modified }, { spec: current })['spec'];

  test.each<[string, Draft, Draft, Draft, Draft]>([
    [
      'what is new is added',
      {},
      { type: 'NodePort' },
      { clusterIP: '10.96.0.5' },
      { type: 'NodePort', clusterIP: '10.96.0.5' },
    ],
    [
      'what is no longer said is removed',
      { selector: { a: '1', b: '2' } },
      { selector: { a: '1' } },
      { selector: { a: '1', b: '2' } },
      { selector: { a: '1' } },
    ],
    [
      'what others added stays',
      { selector: { a: '1' } },
      { selector: { a: '1' } },
      { selector: { a: '1', c: '3' } },
      { selector: { a: '1', c: '3' } },
    ],
    [
      'what others changed is set back',
      { type: 'ClusterIP' },
      { type: 'ClusterIP' },
      { type: 'NodePort' },
      { type: 'ClusterIP' },
    ],
    ['null removes', {}, { externalName: null }, { externalName: 'x' }, {}],
    [
      'ports are merged by their number',
      { ports: [{ port: 80 }] },
      { ports: [{ port: 80, targetPort: 8080 }] },
      { ports: [{ port: 80, targetPort: 80, nodePort: 30080 }] },
      { ports: [{ port: 80, targetPort: 8080, nodePort: 30080 }] },
    ],
    [
      'a port that is no longer said is removed',
      { ports: [{ port: 80 }, { port: 81 }] },
      { ports: [{ port: 81 }] },
      { ports: [{ port: 80 }, { port: 81, protocol: 'TCP' }] },
      { ports: [{ port: 81, protocol: 'TCP' }] },
    ],
    [
      'a port that another added stays',
      { ports: [{ port: 80 }] },
      { ports: [{ port: 80 }] },
      { ports: [{ port: 80 }, { port: 90 }] },
      { ports: [{ port: 80 }, { port: 90 }] },
    ],
    [
      'one number over two protocols is two ports',
      {
        ports: [
          { port: 53, protocol: 'UDP' },
          { port: 53, protocol: 'TCP' },
        ],
      },
      {
        ports: [
          { port: 53, protocol: 'UDP', name: 'u' },
          { port: 53, protocol: 'TCP', name: 't' },
        ],
      },
      {
        ports: [
          { port: 53, protocol: 'UDP', targetPort: 1 },
          { port: 53, protocol: 'TCP', targetPort: 2 },
        ],
      },
      {
        ports: [
          { port: 53, protocol: 'UDP', name: 'u', targetPort: 1 },
          { port: 53, protocol: 'TCP', name: 't', targetPort: 2 },
        ],
      },
    ],
    [
      'other lists are replaced',
      { externalIPs: ['1.1.1.1'] },
      { externalIPs: ['2.2.2.2'] },
      { externalIPs: ['1.1.1.1', '3.3.3.3'] },
      { externalIPs: ['2.2.2.2'] },
    ],
  ])('%s', (_, original, modified, current, expected) => {
    expect(merge(original, modified, current)).toEqual(expected);
  });

  test('containers are merged by name, and their lists by their keys', () => {
    const pod = (containers: Draft[]): Draft => ({ spec: { containers } });
    const merged = threeWayMerge(
      'Pod',
      pod([
        {
          name: 'a',
          env: [
            { name: 'X', value: '1' },
            { name: 'Y', value: '2' },
          ],
        },
      ]),
      pod([{ name: 'a', env: [{ name: 'X', value: '3' }] }]),
      pod([
        {
          name: 'a',
          image: 'i',
          env: [
            { name: 'X', value: '1' },
            { name: 'Y', value: '2' },
            { name: 'Z', value: 'by hand' },
          ],
        },
        { name: 'injected', image: 'sidecar' },
      ]),
    );
    expect(merged).toEqual(
      pod([
        {
          name: 'a',
          image: 'i',
          env: [
            { name: 'X', value: '3' },
            { name: 'Z', value: 'by hand' },
          ],
        },
        { name: 'injected', image: 'sidecar' },
      ]),
    );
  });

  test('leaves the objects that it was given as they were', () => {
    const current: Draft = { spec: { ports: [{ port: 80 }], selector: { a: '1' } } };
    const before = structuredClone(current);
    threeWayMerge(
      'Service',
      {},
      { spec: { ports: [{ port: 80, name: 'x' }], selector: { b: '2' } } },
      current,
    );
    expect(current).toEqual(before);
  });

  test('the names of the prototype are keys like any other', () => {
    const text = '{"data":{"__proto__":"1","constructor":"2"}}';
    const merged = threeWayMerge('ConfigMap', {}, JSON.parse(text) as Draft, {});
    expect(JSON.stringify(merged)).toBe(text);
  });
});

test('a patch on its own changes what it says, and null removes', () => {
  const patched = applyPatch(
    'Deployment',
    { metadata: { labels: { a: '1', b: '2' } }, spec: { replicas: 1 } },
    { metadata: { labels: { a: null } }, spec: { replicas: 3 } },
  );
  expect(patched).toEqual({ metadata: { labels: { b: '2' } }, spec: { replicas: 3 } });
});
