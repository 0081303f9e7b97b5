import { describe, expect, test } from 'vitest';
import type { TestCluster as Cluster } from './fake.ts';
import { TestCluster } from './fake.ts';
import { podYaml, workload } from './workloads.ts';

const service = (spec: string, name = 'web') =>
  `{apiVersion: v1, kind: Service, metadata: {name: ${name}, labels: {team: red}}, spec: {${spec}}}`;
const slicesOf = (cluster: Cluster, name = 'web') =>
  cluster.server.store
    .list('EndpointSlice', 'default')
    .filter(({ metadata }) => metadata.labels?.['kubernetes.io/service-name'] === name);
const endpointsOf = (cluster: Cluster, name = 'web') =>
  slicesOf(cluster, name).flatMap(({ endpoints }) => endpoints ?? []);

describe("a Service's EndpointSlice", () => {
  test('lists the pods that its selector picks', () => {
    const cluster = new TestCluster();
    cluster.apply(podYaml('a', { labels: '{app: web}' }));
    cluster.apply(podYaml('b', { labels: '{app: other}' }));
    cluster.apply(service('selector: {app: web}, ports: [{port: 80, targetPort: 8080}]'));
    expect(slicesOf(cluster)).toEqual([
      expect.objectContaining({
        addressType: 'IPv4',
        ports: [{ name: '', protocol: 'TCP', port: 8080 }],
        endpoints: [
          {
            addresses: ['10.244.1.2'],
            conditions: { ready: true, serving: true, terminating: false },
            nodeName: 'node-1',
            targetRef: { kind: 'Pod', namespace: 'default', name: 'a', uid: cluster.pod('a').metadata.uid },
          },
        ],
        metadata: expect.objectContaining({
          name: expect.stringMatching(/^web-.{5}$/),
          labels: {
            team: 'red',
            'endpointslice.kubernetes.io/managed-by': 'endpointslice-controller.k8s.io',
            'kubernetes.io/service-name': 'web',
          },
          ownerReferences: [expect.objectContaining({ kind: 'Service', name: 'web', controller: true })],
        }),
      }),
    ]);
  });

  test('follows labels, readiness and deletion', () => {
    const cluster = new TestCluster();
    cluster.apply(service('selector: {app: web}, ports: [{port: 80}]'));
    expect(endpointsOf(cluster)).toEqual([]);
    expect(slicesOf(cluster)).toHaveLength(1);
    cluster.apply(
      podYaml('a', {
        labels: '{app: web}',
        container: 'readinessProbe: {tcpSocket: {port: 80}, failureThreshold: 1}',
      }),
    );
    expect(endpointsOf(cluster)[0]?.conditions).toEqual({ ready: true, serving: true, terminating: false });
    cluster.runtime.probeAnswer = () => ({ ok: false, message: 'no' });
    cluster.clock.advance(11_000_000);
    cluster.settle();
    expect(endpointsOf(cluster)[0]?.conditions).toEqual({ ready: false, serving: false, terminating: false });
    cluster.apply(
      podYaml('a', {
        labels: '{app: other}',
        container: 'readinessProbe: {tcpSocket: {port: 80}, failureThreshold: 1}',
      }),
    );
    expect(endpointsOf(cluster)).toEqual([]);
  });

  test('keeps a pod that ends as serving and terminating', () => {
    const cluster = new TestCluster();
    cluster.apply(podYaml('a', { labels: '{app: web}', image: 'stubborn' }));
    cluster.apply(service('selector: {app: web}, ports: [{port: 80}]'));
    cluster.delete('Pod', 'a');
    expect(endpointsOf(cluster)[0]?.conditions).toEqual({ ready: false, serving: true, terminating: true });
    expect(cluster.server.store.get('Endpoints', 'default', 'web')?.subsets).toBeUndefined();
    cluster.clock.advance(31_000_000);
    cluster.settle();
    expect(endpointsOf(cluster)).toEqual([]);
  });

  test('publishes unready pods where the Service wants them', () => {
    const cluster = new TestCluster();
    cluster.runtime.probeAnswer = () => ({ ok: false, message: 'no' });
    cluster.apply(
      podYaml('a', { labels: '{app: web}', container: 'readinessProbe: {tcpSocket: {port: 80}}' }),
    );
    cluster.apply(service('publishNotReadyAddresses: true, selector: {app: web}, ports: [{port: 80}]'));
    expect(endpointsOf(cluster)[0]?.conditions).toEqual({ ready: true, serving: false, terminating: false });
  });

  test('resolves named ports pod by pod, into a slice for each set of ports', () => {
    const cluster = new TestCluster();
    cluster.apply(
      podYaml('a', { labels: '{app: web}', container: 'ports: [{name: http, containerPort: 8080}]' }),
    );
    cluster.apply(
      podYaml('b', { labels: '{app: web}', container: 'ports: [{name: http, containerPort: 9090}]' }),
    );
    cluster.apply(podYaml('c', { labels: '{app: web}' }));
    cluster.apply(service('selector: {app: web}, ports: [{port: 80, targetPort: http}]'));
    const found = slicesOf(cluster).map(({ ports, endpoints }) => [
      ports?.[0]?.port,
      endpoints?.map(({ targetRef }) => targetRef?.name),
    ]);
    expect(found).toEqual([
      [8080, ['a']],
      [9090, ['b']],
      [undefined, ['c']],
    ]);
  });

  test('holds a hundred endpoints, then there is another', () => {
    const cluster = new TestCluster({ nodes: 3 });
    cluster.apply(service('selector: {app: web}, ports: [{port: 80}]'));
    cluster.apply(workload('Deployment', 'web', 'replicas: 150'));
    expect(slicesOf(cluster).map(({ endpoints }) => endpoints?.length)).toEqual([100, 50]);
    const before = slicesOf(cluster).map(({ metadata }) => metadata.resourceVersion);
    const last = endpointsOf(cluster).at(-1)?.targetRef?.name ?? '';
    cluster.server.modify('Pod', 'default', last, (pod) => ({
      ...pod,
      metadata: { ...pod.metadata, labels: { app: 'gone' } },
    }));
    cluster.settle();
    // Only the slice that has the pod is written.
    expect(slicesOf(cluster)[0]?.metadata.resourceVersion).toBe(before[0]);
  });

  test('of a headless Service says so, and carries host names', () => {
    const cluster = new TestCluster();
    cluster.apply(workload('StatefulSet', 'db', 'replicas: 2, serviceName: db'));
    cluster.apply(service('clusterIP: None, selector: {app: db}, ports: [{port: 5432}]', 'db'));
    expect(slicesOf(cluster, 'db')[0]?.metadata.labels).toHaveProperty(
      ['service.kubernetes.io/headless'],
      '',
    );
    expect(endpointsOf(cluster, 'db').map(({ hostname }) => hostname)).toEqual(['db-0', 'db-1']);
  });

  test('comes back when somebody deletes it, and goes with the Service', () => {
    const cluster = new TestCluster();
    cluster.apply(podYaml('a', { labels: '{app: web}' }));
    cluster.apply(service('selector: {app: web}, ports: [{port: 80}]'));
    cluster.delete('EndpointSlice', slicesOf(cluster)[0]?.metadata.name ?? '');
    expect(endpointsOf(cluster)).toHaveLength(1);
    cluster.delete('Service', 'web');
    expect(slicesOf(cluster)).toEqual([]);
    expect(cluster.server.store.get('Endpoints', 'default', 'web')).toBeUndefined();
  });
});

test('the Endpoints object lists ready and unready addresses, in order', () => {
  const cluster = new TestCluster();
  cluster.runtime.probeAnswer = (pod) =>
    pod.metadata.name === 'b' ? { ok: false, message: 'no' } : { ok: true };
  for (const name of ['a', 'b', 'c'])
    cluster.apply(
      podYaml(name, { labels: '{app: web}', container: 'readinessProbe: {tcpSocket: {port: 80}}' }),
    );
  cluster.apply(service('selector: {app: web}, ports: [{port: 80, name: http}]'));
  expect(cluster.server.store.get('Endpoints', 'default', 'web')?.subsets).toEqual([
    {
      addresses: [
        expect.objectContaining({ ip: '10.244.1.2' }),
        expect.objectContaining({ ip: '10.244.1.3' }),
      ],
      notReadyAddresses: [expect.objectContaining({ ip: '10.244.2.2', nodeName: 'node-2' })],
      ports: [{ name: 'http', port: 80, protocol: 'TCP' }],
    },
  ]);
});

test('Endpoints made by hand are mirrored into a slice', () => {
  const cluster = new TestCluster();
  cluster.apply(service('ports: [{port: 80}]'));
  cluster.apply(
    '{apiVersion: v1, kind: Endpoints, metadata: {name: web}, subsets: [{addresses: [{ip: 203.0.113.10}], ports: [{port: 8080}]}]}',
  );
  expect(slicesOf(cluster)).toEqual([
    expect.objectContaining({
      endpoints: [{ addresses: ['203.0.113.10'], conditions: { ready: true } }],
      ports: [{ name: '', protocol: 'TCP', port: 8080 }],
    }),
  ]);
});

test('a Service without a selector has no endpoints but those given by hand', () => {
  const cluster = new TestCluster();
  cluster.apply(podYaml('a'));
  cluster.apply(service('ports: [{port: 80}]'));
  expect(slicesOf(cluster)).toEqual([]);
});
