import { describe, expect, test } from 'vitest';
import { TestCluster } from './fake.ts';
import { podYaml, workload } from './workloads.ts';

const preemption = (nodes: number) =>
  `preemption: 0/${nodes} nodes are available: ${nodes} Preemption is not helpful for scheduling.`;
const taint = '1 node(s) had untolerated taint {node-role.kubernetes.io/control-plane: }';

describe('pods are spread', () => {
  test('one after the other over the workers, never over the control plane', () => {
    const cluster = new TestCluster({ nodes: 3 });
    for (const name of ['a', 'b', 'c', 'd']) cluster.apply(podYaml(name));
    expect(cluster.pods().map(({ spec }) => spec.nodeName)).toEqual(['node-1', 'node-2', 'node-3', 'node-1']);
  });

  test("a workload's pods avoid each other before they avoid others", () => {
    const cluster = new TestCluster();
    cluster.apply(podYaml('a', { spec: 'nodeName: node-1' }));
    cluster.apply(podYaml('b', { spec: 'nodeName: node-1' }));
    cluster.apply(workload('Deployment', 'web', 'replicas: 2'));
    const nodes = cluster
      .pods()
      .slice(2)
      .map(({ spec }) => spec.nodeName);
    expect([...nodes].sort()).toEqual(['node-1', 'node-2']);
  });
});

describe('a pod that fits nowhere says why, as kube-scheduler does', () => {
  test.each([
    [
      'a selector',
      'nodeSelector: {disk: ssd}',
      '',
      `0/3 nodes are available: ${taint}, 2 node(s) didn't match Pod's node affinity/selector. ${preemption(3)}`,
    ],
    [
      'too much memory',
      '',
      'resources: {requests: {memory: 1Ti}}',
      `0/3 nodes are available: ${taint}, 2 Insufficient memory. ${preemption(3)}`,
    ],
    [
      'too much cpu',
      '',
      'resources: {requests: {cpu: 100}}',
      `0/3 nodes are available: ${taint}, 2 Insufficient cpu. ${preemption(3)}`,
    ],
    [
      'affinity to pods that are not there',
      'affinity: {podAffinity: {requiredDuringSchedulingIgnoredDuringExecution: [{topologyKey: kubernetes.io/hostname, labelSelector: {matchLabels: {app: none}}}]}}',
      '',
      `0/3 nodes are available: ${taint}, 2 node(s) didn't match pod affinity rules. ${preemption(3)}`,
    ],
  ])('%s', (_, spec, container, message) => {
    const cluster = new TestCluster();
    cluster.apply(podYaml('a', { spec, container }));
    expect(cluster.pod('a').status.phase).toBe('Pending');
    expect(cluster.pod('a').status.conditions).toEqual([
      expect.objectContaining({ type: 'PodScheduled', status: 'False', reason: 'Unschedulable', message }),
    ]);
    expect(cluster.events('a')).toEqual([`FailedScheduling: ${message}`]);
  });

  test('without nodes', () => {
    const cluster = new TestCluster({ nodes: 0 });
    cluster.apply(podYaml('a'));
    expect(cluster.events('a')).toEqual([
      `FailedScheduling: 0/1 nodes are available: ${taint}. ${preemption(1)}`,
    ]);
  });

  test('host ports are taken once a node', () => {
    const cluster = new TestCluster();
    for (const name of ['a', 'b', 'c'])
      cluster.apply(podYaml(name, { container: 'ports: [{containerPort: 80, hostPort: 8080}]' }));
    expect(cluster.pods().map(({ spec }) => spec.nodeName)).toEqual(['node-1', 'node-2', undefined]);
    expect(cluster.events('c')[0]).toContain("2 node(s) didn't have free ports for the requested pod ports");
  });

  test('a node has room for 110 pods', () => {
    const cluster = new TestCluster({ nodes: 1 });
    cluster.apply(workload('Deployment', 'web', 'replicas: 111'));
    expect(cluster.pods().filter(({ spec }) => spec.nodeName)).toHaveLength(110);
    expect(cluster.events(cluster.pods().at(-1)?.metadata.name ?? '')[0]).toContain('1 Too many pods');
  });
});

describe('a pod that waits is scheduled when something changes', () => {
  test('a label on a node', () => {
    const cluster = new TestCluster();
    cluster.apply(podYaml('a', { spec: 'nodeSelector: {disk: ssd}' }));
    cluster.server.modify('Node', undefined, 'node-2', (node) => ({
      ...node,
      metadata: { ...node.metadata, labels: { ...node.metadata.labels, disk: 'ssd' } },
    }));
    cluster.settle();
    expect(cluster.pod('a').spec.nodeName).toBe('node-2');
    expect(cluster.pod('a').status.phase).toBe('Running');
  });

  test('room that another pod leaves', () => {
    const cluster = new TestCluster({ nodes: 1 });
    const big = { container: 'resources: {requests: {cpu: 3}}' };
    cluster.apply(podYaml('a', big));
    cluster.apply(podYaml('b', big));
    expect(cluster.pod('b').spec.nodeName).toBeUndefined();
    cluster.delete('Pod', 'a');
    expect(cluster.pod('b').spec.nodeName).toBe('node-1');
  });

  test('an uncordoned node', () => {
    const cluster = new TestCluster({ nodes: 1 });
    const cordon = (unschedulable: boolean) =>
      cluster.server.modify('Node', undefined, 'node-1', (node) => ({
        ...node,
        spec: { ...node.spec, unschedulable },
      }));
    cordon(true);
    cluster.apply(podYaml('a'));
    expect(cluster.events('a')[0]).toContain('1 node(s) were unschedulable');
    cordon(false);
    cluster.settle();
    expect(cluster.pod('a').spec.nodeName).toBe('node-1');
  });
});

describe('where a pod may go', () => {
  const label = (cluster: TestCluster, zones: Record<string, string>) => {
    for (const [name, zone] of Object.entries(zones)) {
      cluster.server.modify('Node', undefined, name, (node) => ({
        ...node,
        metadata: {
          ...node.metadata,
          labels: { ...node.metadata.labels, 'topology.kubernetes.io/zone': zone },
        },
      }));
    }
  };

  test('tolerations let it onto the control plane', () => {
    const cluster = new TestCluster();
    cluster.apply(
      podYaml('a', {
        spec: 'nodeSelector: {node-role.kubernetes.io/control-plane: ""}, tolerations: [{key: node-role.kubernetes.io/control-plane, operator: Exists}]',
      }),
    );
    expect(cluster.pod('a').spec.nodeName).toBe('control-plane');
  });

  test('anti-affinity keeps two apart, and the third out, whichever of them has it', () => {
    const cluster = new TestCluster();
    const apart =
      'affinity: {podAntiAffinity: {requiredDuringSchedulingIgnoredDuringExecution: [{topologyKey: kubernetes.io/hostname, labelSelector: {matchLabels: {app: a}}}]}}';
    cluster.apply(podYaml('a', { labels: '{app: a}', spec: apart }));
    cluster.apply(podYaml('b', { labels: '{app: a}', spec: apart }));
    cluster.apply(podYaml('c', { labels: '{app: a}' }));
    expect(cluster.pods().map(({ spec }) => spec.nodeName)).toEqual(['node-1', 'node-2', undefined]);
    expect(cluster.events('c')[0]).toContain("2 node(s) didn't satisfy existing pods anti-affinity rules");
  });

  test('affinity brings it to the pod it likes', () => {
    const cluster = new TestCluster({ nodes: 3 });
    cluster.apply(podYaml('db', { labels: '{app: db}', spec: 'nodeName: node-3' }));
    cluster.apply(
      podYaml('web', {
        spec: 'affinity: {podAffinity: {requiredDuringSchedulingIgnoredDuringExecution: [{topologyKey: kubernetes.io/hostname, labelSelector: {matchLabels: {app: db}}}]}}',
      }),
    );
    expect(cluster.pod('web').spec.nodeName).toBe('node-3');
  });

  test('preferred node affinity outweighs an emptier node', () => {
    const cluster = new TestCluster();
    label(cluster, { 'node-1': 'a', 'node-2': 'b' });
    const spec =
      'affinity: {nodeAffinity: {preferredDuringSchedulingIgnoredDuringExecution: [{weight: 1, preference: {matchExpressions: [{key: topology.kubernetes.io/zone, operator: In, values: [b]}]}}]}}';
    for (const name of ['a', 'b', 'c']) cluster.apply(podYaml(name, { spec }));
    expect(cluster.pods().map(({ spec: { nodeName } }) => nodeName)).toEqual(['node-2', 'node-2', 'node-2']);
  });

  test('a spread constraint counts zones', () => {
    const cluster = new TestCluster({ nodes: 3 });
    label(cluster, { 'node-1': 'a', 'node-2': 'a', 'node-3': 'b' });
    const spec =
      'topologySpreadConstraints: [{maxSkew: 1, topologyKey: topology.kubernetes.io/zone, whenUnsatisfiable: DoNotSchedule, labelSelector: {matchLabels: {app: web}}}]';
    cluster.apply(workload('Deployment', 'web', 'replicas: 4', { spec }));
    const zones = cluster.pods().map(({ spec: { nodeName } }) => (nodeName === 'node-3' ? 'b' : 'a'));
    expect([...zones].sort()).toEqual(['a', 'a', 'b', 'b']);
  });
});

describe('a NoExecute taint', () => {
  const taintNode = (cluster: TestCluster, taints: readonly { key: string; effect: 'NoExecute' }[]) =>
    cluster.server.modify('Node', undefined, 'node-1', (node) => ({
      ...node,
      spec: { ...node.spec, taints },
    }));
  const taints = [{ key: 'broken', effect: 'NoExecute' as const }];
  const tolerating = (seconds: string) =>
    podYaml('a', { spec: `tolerations: [{key: broken, operator: Exists, effect: NoExecute${seconds}}]` });

  test('drives out pods that do not tolerate it', () => {
    const cluster = new TestCluster({ nodes: 1 });
    cluster.apply(podYaml('a'));
    taintNode(cluster, taints);
    cluster.settle();
    expect(cluster.pods()).toEqual([]);
    expect(cluster.events('a')).toContain('TaintManagerEviction: Marking for deletion Pod default/a');
  });

  test('leaves those that do, for as long as they do', () => {
    const cluster = new TestCluster({ nodes: 1 });
    cluster.apply(tolerating(''));
    cluster.apply(tolerating(', tolerationSeconds: 60').replace('name: a', 'name: b'));
    taintNode(cluster, taints);
    cluster.clock.advance(50_000_000);
    expect(cluster.pods()).toHaveLength(2);
    cluster.clock.advance(20_000_000);
    expect(cluster.pods().map(({ metadata }) => metadata.name)).toEqual(['a']);
  });

  test('that is gone in time drives nobody out', () => {
    const cluster = new TestCluster({ nodes: 1 });
    cluster.apply(tolerating(', tolerationSeconds: 60'));
    taintNode(cluster, taints);
    cluster.clock.advance(30_000_000);
    taintNode(cluster, []);
    cluster.clock.advance(60_000_000);
    expect(cluster.pods()).toHaveLength(1);
  });
});
