import { describe, expect, test } from 'vitest';
import { TestCluster } from './fake.ts';
import { podYaml, template, workload } from './workloads.ts';

const namesOf = (cluster: TestCluster) => cluster.pods().map(({ metadata }) => metadata.name);

describe('a StatefulSet', () => {
  test('makes its pods in order, each when the one before is ready', () => {
    const cluster = new TestCluster();
    const order: string[] = [];
    cluster.server.store.watch('Pod', ({ type, object }) => {
      if (type === 'ADDED')
        order.push(
          `${object.metadata.name} after ${cluster.pods().filter(({ status }) => status.phase === 'Running').length}`,
        );
    });
    cluster.apply(workload('StatefulSet', 'db', 'replicas: 3, serviceName: db'));
    expect(order).toEqual(['db-0 after 0', 'db-1 after 1', 'db-2 after 2']);
    expect(cluster.pod('db-1').spec).toMatchObject({ hostname: 'db-1', subdomain: 'db' });
    expect(cluster.pod('db-1').metadata.labels).toMatchObject({
      'statefulset.kubernetes.io/pod-name': 'db-1',
      'apps.kubernetes.io/pod-index': '1',
    });
  });

  test('makes them all at once when told Parallel', () => {
    const cluster = new TestCluster();
    const times: number[] = [];
    cluster.server.store.watch('Pod', ({ type }) => {
      if (type === 'ADDED') times.push(cluster.clock.time);
    });
    cluster.apply(workload('StatefulSet', 'db', 'replicas: 3, podManagementPolicy: Parallel'));
    expect(times).toHaveLength(3);
    expect(new Set(times).size).toBe(1);
  });

  test('takes the last away first', () => {
    const cluster = new TestCluster();
    cluster.apply(workload('StatefulSet', 'db', 'replicas: 3'));
    cluster.apply(workload('StatefulSet', 'db', 'replicas: 1'));
    expect(namesOf(cluster)).toEqual(['db-0']);
  });

  test('brings a deleted pod back under its name, with another address', () => {
    const cluster = new TestCluster();
    cluster.apply(workload('StatefulSet', 'db', 'replicas: 2'));
    const before = cluster.pod('db-0');
    cluster.delete('Pod', 'db-0');
    expect(cluster.pod('db-0').metadata.uid).not.toBe(before.metadata.uid);
    expect(cluster.pod('db-0').status.phase).toBe('Running');
  });

  test('rolls from the last to the first, down to the partition', () => {
    const cluster = new TestCluster();
    cluster.apply(workload('StatefulSet', 'db', 'replicas: 3'));
    cluster.apply(
      workload('StatefulSet', 'db', 'replicas: 3, updateStrategy: {rollingUpdate: {partition: 1}}', {
        image: 'nginx:2',
      }),
    );
    expect(['db-0', 'db-1', 'db-2'].map((name) => cluster.pod(name).spec.containers[0]?.image)).toEqual([
      'nginx',
      'nginx:2',
      'nginx:2',
    ]);
  });
});

describe('a DaemonSet', () => {
  const everywhere = { spec: 'tolerations: [{operator: Exists}]' };

  test('has a pod on each node that it tolerates', () => {
    const cluster = new TestCluster();
    cluster.apply(workload('DaemonSet', 'some', ''));
    cluster.apply(workload('DaemonSet', 'all', '', everywhere));
    const nodesOf = (app: string) =>
      cluster
        .pods()
        .filter(({ metadata }) => metadata.labels?.['app'] === app)
        .map(({ spec }) => spec.nodeName);
    expect(nodesOf('some')).toEqual(['node-1', 'node-2']);
    expect(nodesOf('all')).toEqual(['control-plane', 'node-1', 'node-2']);
    expect(cluster.server.store.get('DaemonSet', 'default', 'all')?.status).toMatchObject({
      desiredNumberScheduled: 3,
      currentNumberScheduled: 3,
      numberReady: 3,
      numberAvailable: 3,
      updatedNumberScheduled: 3,
    });
  });

  test('follows nodes that come and go', () => {
    const cluster = new TestCluster({ nodes: 1 });
    cluster.apply(workload('DaemonSet', 'ds', ''));
    cluster.apply('{apiVersion: v1, kind: Node, metadata: {name: node-7}}');
    expect(cluster.pods().map(({ spec }) => spec.nodeName)).toEqual(['node-1', 'node-7']);
    cluster.delete('Node', 'node-1');
    expect(cluster.pods().map(({ spec }) => spec.nodeName)).toEqual(['node-7']);
  });

  test('rolls one node at a time', () => {
    const cluster = new TestCluster();
    cluster.apply(workload('DaemonSet', 'ds', ''));
    let fewest = Infinity;
    cluster.server.store.watch('Pod', () => {
      const live = cluster
        .pods()
        .filter(
          ({ metadata, status }) => metadata.deletionTimestamp === undefined && status.phase === 'Running',
        );
      fewest = Math.min(fewest, live.length);
    });
    cluster.apply(workload('DaemonSet', 'ds', '', { image: 'nginx:2' }));
    expect(fewest).toBe(1);
    expect(cluster.pods().map(({ spec }) => spec.containers[0]?.image)).toEqual(['nginx:2', 'nginx:2']);
  });
});

describe('a Job', () => {
  const job = (fields: string, image: string) =>
    `{apiVersion: batch/v1, kind: Job, metadata: {name: j}, spec: {${fields && `${fields}, `}${template('j', { image, spec: 'restartPolicy: Never' })}}}`;
  const jobOf = (cluster: TestCluster) => cluster.server.store.get('Job', 'default', 'j');

  test('runs until enough pods have succeeded', () => {
    const cluster = new TestCluster();
    cluster.apply(job('completions: 3, parallelism: 2', 'finish'));
    cluster.clock.advance(10_000_000);
    expect(cluster.pods().map(({ status }) => status.phase)).toEqual(['Succeeded', 'Succeeded', 'Succeeded']);
    expect(jobOf(cluster)?.status).toMatchObject({
      succeeded: 3,
      conditions: [{ type: 'Complete', status: 'True' }],
    });
    expect(cluster.events('j').at(-1)).toBe('Completed: Job completed');
  });

  test('gives up after its back-off limit', () => {
    const cluster = new TestCluster();
    cluster.apply(job('backoffLimit: 1', 'crash'));
    cluster.clock.advance(120_000_000);
    expect(cluster.pods()).toHaveLength(2);
    expect(jobOf(cluster)?.status.conditions).toEqual([
      expect.objectContaining({
        type: 'Failed',
        reason: 'BackoffLimitExceeded',
        message: 'Job has reached the specified backoff limit',
      }),
    ]);
  });

  test('numbers its pods when Indexed', () => {
    const cluster = new TestCluster();
    cluster.apply(job('completions: 2, parallelism: 2, completionMode: Indexed', 'nginx'));
    expect(namesOf(cluster)).toEqual([
      expect.stringMatching(/^j-0-.{5}$/),
      expect.stringMatching(/^j-1-.{5}$/),
    ]);
  });
});

describe('namespaces', () => {
  test('have a service account and the cluster’s certificate', () => {
    const cluster = new TestCluster();
    cluster.apply('{apiVersion: v1, kind: Namespace, metadata: {name: shop}}');
    expect(cluster.server.store.get('ServiceAccount', 'shop', 'default')).toBeDefined();
    expect(cluster.server.store.get('ConfigMap', 'shop', 'kube-root-ca.crt')).toBeDefined();
  });

  test('deleted take everything in them along, and take nothing new meanwhile', () => {
    const cluster = new TestCluster();
    cluster.apply('{apiVersion: v1, kind: Namespace, metadata: {name: shop}}');
    const inShop = podYaml('a', { image: 'stubborn' }).replace('name: a,', 'name: a, namespace: shop,');
    cluster.apply(inShop);
    cluster.delete('Namespace', 'shop');
    expect(cluster.server.store.get('Namespace', undefined, 'shop')?.status.phase).toBe('Terminating');
    expect(cluster.apply(inShop.replace('name: a,', 'name: b,')).stderr[0]).toContain(
      'pods "b" is forbidden: unable to create new content in namespace shop because it is being terminated',
    );
    cluster.clock.advance(40_000_000);
    cluster.settle();
    expect(cluster.server.store.get('Namespace', undefined, 'shop')).toBeUndefined();
    expect(cluster.server.store.list('Pod', 'shop')).toEqual([]);
  });

  test('of the cluster itself stay', () => {
    const cluster = new TestCluster();
    expect(cluster.delete('Namespace', 'kube-system')).toMatchObject({
      ok: false,
      error: { message: 'namespaces "kube-system" is forbidden: this namespace may not be deleted' },
    });
  });
});

describe('a new cluster', () => {
  test('has what kubeadm puts there', () => {
    const { store } = new TestCluster().server;
    expect(
      store
        .list('Node')
        .map(({ metadata, spec, status }) => [metadata.name, spec.podCIDR, status.addresses?.[0]?.address]),
    ).toEqual([
      ['control-plane', '10.244.0.0/24', '192.168.50.10'],
      ['node-1', '10.244.1.0/24', '192.168.50.11'],
      ['node-2', '10.244.2.0/24', '192.168.50.12'],
    ]);
    expect(store.list('Namespace').map(({ metadata }) => metadata.name)).toEqual([
      'default',
      'kube-node-lease',
      'kube-public',
      'kube-system',
    ]);
    expect(store.list('Service').map(({ metadata, spec }) => [metadata.name, spec.clusterIP])).toEqual([
      ['kubernetes', '10.96.0.1'],
      ['kube-dns', '10.96.0.10'],
    ]);
    expect(store.list('Pod').map(({ spec, status }) => [spec.nodeName, status.phase])).toEqual([
      ['control-plane', 'Running'],
      ['control-plane', 'Running'],
    ]);
    expect(
      store
        .list('EndpointSlice', 'default')
        .map(({ metadata, endpoints }) => [metadata.name, endpoints?.[0]?.addresses]),
    ).toEqual([['kubernetes', ['192.168.50.10']]]);
  });

  test('without a CNI has nodes that take nothing', () => {
    const cluster = new TestCluster({ networkReady: false });
    cluster.apply(podYaml('a'));
    expect(cluster.pod('a').status.phase).toBe('Pending');
    const node = cluster.server.store.get('Node', undefined, 'node-1');
    expect(node?.status.conditions?.find(({ type }) => type === 'Ready')).toMatchObject({
      status: 'False',
      reason: 'KubeletNotReady',
    });
  });

  test('is the same each time, to the last object', () => {
    const [a, b] = [new TestCluster(), new TestCluster()].map(({ server }) =>
      server.store.kinds().map((kind) => server.store.list(kind)),
    );
    expect(a).toEqual(b);
  });
});

test('node ranges do not collide with those that manifests choose', () => {
  const cluster = new TestCluster({ nodes: 1 });
  cluster.apply(
    '{apiVersion: v1, kind: Node, metadata: {name: big}, spec: {podCIDR: 10.244.5.0/24}, status: {addresses: [{type: InternalIP, address: 192.168.50.40}]}}',
  );
  cluster.apply('{apiVersion: v1, kind: Node, metadata: {name: node-5}}');
  const nodes = cluster.server.store.list('Node');
  expect(new Set(nodes.map(({ spec }) => spec.podCIDR)).size).toBe(nodes.length);
  expect(nodes.find(({ metadata }) => metadata.name === 'big')?.status.addresses?.[0]?.address).toBe(
    '192.168.50.40',
  );
});
