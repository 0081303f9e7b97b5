import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { createManifest, replaceManifest } from '../../../src/engine/api/apply.ts';
import { resourceOfKind } from '../../../src/engine/api/kinds.ts';
import type { ApiServer } from '../../../src/engine/api/server.ts';
import { apply, newServer, podText } from './server-under-test.ts';

const service = (spec: string) => `{apiVersion: v1, kind: Service, metadata: {name: web}, spec: {${spec}}}`;

describe('kubectl apply', () => {
  test('creates, then finds nothing changed, then changes', () => {
    const server = newServer();
    const first = service('ports: [{port: 80}]');
    expect(apply(server, first).stdout).toEqual(['service/web created']);
    expect(apply(server, first).stdout).toEqual(['service/web unchanged']);
    expect(apply(server, service('ports: [{port: 81}]')).stdout).toEqual(['service/web configured']);
    expect(server.store.get('Service', 'default', 'web')?.spec.ports).toEqual([
      { port: 81, targetPort: 81, protocol: 'TCP' },
    ]);
  });

  test('names kinds of other groups with their group', () => {
    const text =
      '{apiVersion: networking.k8s.io/v1, kind: NetworkPolicy, metadata: {name: deny}, spec: {podSelector: {}}}';
    expect(apply(newServer(), text).stdout).toEqual(['networkpolicy.networking.k8s.io/deny created']);
  });

  test('takes out what the manifest no longer says, and keeps what others set', () => {
    const server = newServer();
    const config = (data: string) =>
      `{apiVersion: v1, kind: ConfigMap, metadata: {name: c, labels: {a: "1"}}, data: {${data}}}`;
    apply(server, config('x: "1", y: "2"'));
    const live = server.store.get('ConfigMap', 'default', 'c');
    expect(live).toBeDefined();
    if (live) server.store.put({ ...live, data: { ...live.data, z: 'by hand' } });
    apply(server, config('x: "3"'));
    expect(server.store.get('ConfigMap', 'default', 'c')?.data).toEqual({ x: '3', z: 'by hand' });
  });

  test('a Service keeps its address and its node ports', () => {
    const server = newServer();
    apply(server, service('type: NodePort, ports: [{port: 80}]'));
    const before = server.store.get('Service', 'default', 'web')?.spec;
    apply(server, service('type: NodePort, ports: [{port: 80, targetPort: 8080}]'));
    const after = server.store.get('Service', 'default', 'web')?.spec;
    expect(after?.clusterIP).toBe(before?.clusterIP);
    expect(after?.ports?.[0]?.nodePort).toBe(before?.ports?.[0]?.nodePort);
    expect(after?.ports?.[0]?.targetPort).toBe(8080);
  });

  test('a NodePort Service that becomes a ClusterIP gives its node port back', () => {
    const server = newServer();
    apply(server, service('type: NodePort, ports: [{port: 80, nodePort: 30080}]'));
    expect(apply(server, service('ports: [{port: 80}]')).stderr).toEqual([]);
    expect(server.store.get('Service', 'default', 'web')?.spec).toMatchObject({
      type: 'ClusterIP',
      ports: [{ port: 80 }],
    });
    expect(
      apply(server, service('type: NodePort, ports: [{port: 80, nodePort: 30080}]').replace('web', 'other'))
        .stderr,
    ).toEqual([]);
  });

  test('records what was applied as kubectl writes it', () => {
    const server = newServer();
    apply(server, podText('a'));
    expect(server.store.get('Pod', 'default', 'a')?.metadata.annotations).toEqual({
      'kubectl.kubernetes.io/last-applied-configuration':
        '{"apiVersion":"v1","kind":"Pod","metadata":{"annotations":{},"name":"a","namespace":"default"},"spec":{"containers":[{"image":"nginx","name":"c"}]}}\n',
    });
  });

  test('warns about objects that were not made by apply', () => {
    const server = newServer();
    createManifest(server, podText('a'));
    const outcome = apply(server, podText('a'));
    expect(outcome.stdout).toEqual(['pod/a configured']);
    expect(outcome.stderr[0]).toMatch(
      /^Warning: resource pods\/a is missing the kubectl\.kubernetes\.io\/last-applied-configuration annotation/,
    );
    expect(outcome.ok).toBe(true);
  });

  test('an undecodable change is told as the failed patch that it is', () => {
    const server = newServer();
    apply(server, podText('a'));
    expect(apply(server, podText('a', 'foo: 1')).stderr[0]).toMatch(
      /^Error from server \(BadRequest\): error when applying patch:\n[^]*Name: "a", Namespace: "default"\nfor: "x\.yaml": error when patching "x\.yaml": strict decoding error: unknown field "spec\.containers\[0\]\.foo"$/,
    );
  });
});

describe('kubectl create and replace', () => {
  test('create refuses what exists', () => {
    const server = newServer();
    createManifest(server, podText('a'), { file: 'x.yaml' });
    expect(createManifest(server, podText('a'), { file: 'x.yaml' }).stderr).toEqual([
      'Error from server (AlreadyExists): error when creating "x.yaml": pods "a" already exists',
    ]);
  });

  test('create draws the rest of a generated name', () => {
    const outcome = createManifest(
      newServer(),
      '{apiVersion: v1, kind: ConfigMap, metadata: {generateName: conf-}}',
    );
    expect(outcome.stdout[0]).toMatch(/^configmap\/conf-[bcdfghjklmnpqrstvwxz2456789]{5} created$/);
  });

  test('replace needs the object, and drops what the new one lacks', () => {
    const server = newServer();
    const text = (data: string) => `{apiVersion: v1, kind: ConfigMap, metadata: {name: c}, data: {${data}}}`;
    expect(replaceManifest(server, text('a: b'), { file: 'x.yaml' }).stderr).toEqual([
      'Error from server (NotFound): error when replacing "x.yaml": configmaps "c" not found',
    ]);
    createManifest(server, text('a: b'));
    expect(replaceManifest(server, text('c: d')).stdout).toEqual(['configmap/c replaced']);
    expect(server.store.get('ConfigMap', 'default', 'c')?.data).toEqual({ c: 'd' });
  });

  test('-n puts objects into the namespace, and contradicts one that names another', () => {
    const server = newServer();
    server.createTrusted('Namespace', { metadata: { name: 'other' } });
    expect(createManifest(server, podText('a'), { namespace: 'other' }).objects[0]?.metadata.namespace).toBe(
      'other',
    );
    const text = '{apiVersion: v1, kind: ConfigMap, metadata: {name: c, namespace: default}}';
    expect(createManifest(server, text, { namespace: 'other' }).stderr).toEqual([
      `error: the namespace from the provided object "default" does not match the namespace "other". You must pass '--namespace=default' to perform this operation.`,
    ]);
  });
});

describe('the limit of objects', () => {
  test('refuses a workload that could never fit, at the line of its replicas, and leaves everything as it was', () => {
    const server = newServer({ maxObjects: 50 });
    const text = `apiVersion: apps/v1
kind: Deployment
metadata: {name: bomb}
spec:
  replicas: 1000000
  selector: {matchLabels: {a: b}}
  template: {metadata: {labels: {a: b}}, spec: {containers: [{name: c, image: i}]}}
`;
    const outcome = apply(server, text);
    const message =
      'spec.replicas: 1000000 pods are more than the 50 objects that this cluster holds (limit "objects")';
    expect(outcome.stderr).toEqual([`error: ${message}`]);
    expect(outcome.diagnostics).toEqual([
      expect.objectContaining({ code: 'limit/objects', message, line: 5, column: 13 }),
    ]);
    expect(server.store.count('Deployment')).toBe(0);
  });

  test('refuses one object too many', () => {
    const server = newServer({ maxObjects: 3 });
    const outcome = apply(server, ['a', 'b', 'c'].map((name) => podText(name)).join('\n---\n'));
    expect(outcome.stdout).toEqual(['pod/a created', 'pod/b created']);
    expect(outcome.stderr).toEqual(['error: this cluster holds at most 3 objects (limit "objects")']);
  });
});

describe('properties', () => {
  const manifests = [
    podText('a'),
    podText('b', 'ports: [{containerPort: 80}]'),
    service('ports: [{port: 80}]'),
    '{apiVersion: v1, kind: ConfigMap, metadata: {name: c}, data: {k: v}}',
    '{apiVersion: apps/v1, kind: Deployment, metadata: {name: d}, spec: {selector: {matchLabels: {a: b}}, template: {metadata: {labels: {a: b}}, spec: {containers: [{name: c, image: i}]}}}}',
  ];
  const named = [
    ['Pod', 'a'],
    ['Pod', 'b'],
    ['Service', 'web'],
    ['ConfigMap', 'c'],
    ['Deployment', 'd'],
  ] as const;

  /** What a person wrote and the server made of it, without what counts events. */
  const stateOf = (server: ApiServer) =>
    named.map(([kind, name]) => {
      const object = server.store.get(kind, 'default', name);
      if (!object) return undefined;
      const { uid: _, resourceVersion: __, generation: ___, ...metadata } = object.metadata;
      return { ...object, metadata };
    });

  test('applying, deleting and applying again in any order ends in the same state', () => {
    const all = newServer();
    for (const manifest of manifests) apply(all, manifest);
    fc.assert(
      fc.property(
        fc.array(fc.tuple(fc.nat(manifests.length - 1), fc.boolean()), { maxLength: 20 }),
        (steps) => {
          const server = newServer();
          for (const [i, remove] of steps) {
            const [kind, name] = named[i] ?? named[0];
            const resource = resourceOfKind(kind);
            if (!remove) apply(server, manifests[i] ?? '');
            else if (resource) server.delete(resource, 'default', name, { gracePeriodSeconds: 0 });
          }
          for (const manifest of manifests) apply(server, manifest);
          expect(stateOf(server)).toEqual(stateOf(all));
        },
      ),
      { numRuns: 50 },
    );
  });

  test('no text makes it throw, pollutes a prototype or gets an error without a place', () => {
    const words = fc.constantFrom(
      ...[
        'apiVersion: v1',
        'kind: Pod',
        'kind: List',
        'metadata:',
        'spec:',
        '  name: a',
        '  containers:',
        '  - name: c',
        '    image: i',
      ],
      ...[
        '---',
        '- ',
        '  ',
        '\t',
        '&a',
        '*a',
        '<<: *a',
        '{',
        '}',
        '[',
        ']',
        '"',
        "'",
        '|',
        '>',
        '? ',
        ': ',
        '#',
        '!!binary x',
        '\0',
      ],
      ...[
        '__proto__: {x: 1}',
        'constructor: 1',
        'items:',
        'toString',
        'labels: {__proto__: "1"}',
        '1e999',
        '0x',
        '.nan',
        '~',
        'ports: [{port: 1}]',
      ],
    );
    const text = fc
      .array(fc.tuple(words, fc.constantFrom('\n', ' ', '')), { maxLength: 40 })
      .map((parts) => parts.flat().join(''));
    fc.assert(
      fc.property(fc.oneof(text, fc.string({ unit: 'binary', maxLength: 200 })), (source) => {
        const outcome = apply(newServer({ maxObjects: 20 }), source);
        for (const { line, column } of outcome.diagnostics)
          expect([line >= 1, column >= 1]).toEqual([true, true]);
        expect(outcome.ok).toBe(outcome.diagnostics.every(({ severity }) => severity !== 'error'));
        expect(Object.keys(Object.prototype)).toEqual([]);
        expect(({} as Record<string, unknown>)['x']).toBeUndefined();
      }),
      { numRuns: 500 },
    );
  });
});
