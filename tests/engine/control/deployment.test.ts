import { describe, expect, test } from 'vitest';
import type { ReplicaSet } from '../../../src/engine/api/types.ts';
import { isReady } from '../../../src/engine/control/replicaset.ts';
import { TestCluster } from './fake.ts';
import { workload } from './workloads.ts';

const web = (fields: string, options: Parameters<typeof workload>[3] = {}) =>
  workload('Deployment', 'web', fields, options);
const setsOf = (cluster: TestCluster): ReplicaSet[] => cluster.server.store.list('ReplicaSet', 'default');
const deploymentOf = (cluster: TestCluster) => cluster.server.store.get('Deployment', 'default', 'web');

describe('a Deployment', () => {
  test('has a ReplicaSet whose pods are named after both hashes', () => {
    const cluster = new TestCluster();
    cluster.apply(web('replicas: 2'));
    const [set] = setsOf(cluster);
    expect(set?.metadata.name).toMatch(/^web-[bcdfghjklmnpqrstvwxz2456789]{6,10}$/);
    const hash = set?.metadata.labels?.['pod-template-hash'];
    expect(set?.metadata.name).toBe(`web-${hash ?? ''}`);
    for (const pod of cluster.pods()) {
      expect(pod.metadata.name).toMatch(new RegExp(`^web-${hash ?? ''}-[bcdfghjklmnpqrstvwxz2456789]{5}$`));
      expect(pod.metadata.labels).toEqual({ app: 'web', 'pod-template-hash': hash });
    }
  });

  test('reports what kubectl shows', () => {
    const cluster = new TestCluster();
    cluster.apply(web('replicas: 3'));
    expect(deploymentOf(cluster)?.status).toMatchObject({
      observedGeneration: 1,
      replicas: 3,
      updatedReplicas: 3,
      readyReplicas: 3,
      availableReplicas: 3,
      conditions: [
        { type: 'Available', status: 'True', reason: 'MinimumReplicasAvailable' },
        { type: 'Progressing', status: 'True', reason: 'NewReplicaSetAvailable' },
      ],
    });
    expect(cluster.events('web')).toEqual([
      expect.stringMatching(/^ScalingReplicaSet: Scaled up replica set web-\S+ from 0 to 3$/),
    ]);
  });

  test('the same manifest makes the same names in every cluster', () => {
    const names = [1, 2].map(() => {
      const cluster = new TestCluster();
      cluster.apply(web('replicas: 3'));
      return cluster.pods().map(({ metadata }) => metadata.name);
    });
    expect(names[0]).toEqual(names[1]);
  });

  test('rolls to a new template without ever having too few or too many pods', () => {
    const cluster = new TestCluster();
    cluster.apply(web('replicas: 4'));
    const counts: { ready: number; all: number }[] = [];
    cluster.server.store.watch('Pod', () => {
      const pods = cluster.pods().filter(({ metadata }) => metadata.deletionTimestamp === undefined);
      counts.push({ ready: pods.filter(isReady).length, all: pods.length });
    });
    cluster.apply(web('replicas: 4', { image: 'nginx:2' }));
    // maxSurge and maxUnavailable 25%: one more, one fewer.
    expect(Math.max(...counts.map(({ all }) => all))).toBe(5);
    expect(Math.min(...counts.map(({ ready }) => ready))).toBe(3);
    expect(cluster.pods().map(({ spec }) => spec.containers[0]?.image)).toEqual([
      'nginx:2',
      'nginx:2',
      'nginx:2',
      'nginx:2',
    ]);
    expect(setsOf(cluster).map(({ spec }) => spec.replicas)).toEqual([0, 4]);
    expect(deploymentOf(cluster)?.metadata.annotations?.['deployment.kubernetes.io/revision']).toBe('2');
  });

  test('returns to the old ReplicaSet with the old template, as a new revision', () => {
    const cluster = new TestCluster();
    for (const image of ['nginx:1', 'nginx:2', 'nginx:1']) cluster.apply(web('replicas: 1', { image }));
    expect(
      setsOf(cluster).map(({ spec, metadata }) => [
        spec.replicas,
        metadata.annotations?.['deployment.kubernetes.io/revision'],
      ]),
    ).toEqual([
      [1, '3'],
      [0, '2'],
    ]);
  });

  test('a broken image stops the roll, and the old pods go on serving', () => {
    const cluster = new TestCluster();
    cluster.apply(web('replicas: 3'));
    cluster.apply(web('replicas: 3', { image: 'missing' }));
    const images = cluster.pods().map(({ spec, status }) => [spec.containers[0]?.image, status.phase]);
    expect(images).toEqual([
      ['nginx', 'Running'],
      ['nginx', 'Running'],
      ['nginx', 'Running'],
      ['missing', 'Pending'],
    ]);
  });

  test('Recreate ends the old before the new begins', () => {
    const cluster = new TestCluster();
    cluster.apply(web('replicas: 2, strategy: {type: Recreate}'));
    let mixed = false;
    cluster.server.store.watch('Pod', () => {
      if (new Set(cluster.pods().map(({ spec }) => spec.containers[0]?.image)).size > 1) mixed = true;
    });
    cluster.apply(web('replicas: 2, strategy: {type: Recreate}', { image: 'nginx:2' }));
    expect(mixed).toBe(false);
    expect(cluster.pods().map(({ spec }) => spec.containers[0]?.image)).toEqual(['nginx:2', 'nginx:2']);
  });

  test('that makes no progress is given up after its deadline', () => {
    const cluster = new TestCluster();
    cluster.apply(web('replicas: 1, progressDeadlineSeconds: 60', { image: 'missing' }));
    const progressing = () =>
      deploymentOf(cluster)?.status.conditions?.find(({ type }) => type === 'Progressing');
    expect(progressing()).toMatchObject({ status: 'True', reason: 'ReplicaSetUpdated' });
    cluster.clock.advance(65_000_000);
    cluster.settle();
    expect(progressing()).toMatchObject({
      status: 'False',
      reason: 'ProgressDeadlineExceeded',
      message: expect.stringMatching(/^ReplicaSet "web-\S+" has timed out progressing\.$/),
    });
  });

  test('counts pods as available when they have been ready long enough', () => {
    const cluster = new TestCluster();
    cluster.apply(web('replicas: 1, minReadySeconds: 10'));
    expect(deploymentOf(cluster)?.status).toMatchObject({ readyReplicas: 1, unavailableReplicas: 1 });
    cluster.clock.advance(11_000_000);
    cluster.settle();
    expect(deploymentOf(cluster)?.status).toMatchObject({ readyReplicas: 1, availableReplicas: 1 });
  });

  test('made again adopts what it left behind', () => {
    const cluster = new TestCluster();
    cluster.apply(web('replicas: 2'));
    const before = cluster.pods().map(({ metadata }) => metadata.name);
    cluster.delete('Deployment', 'web', { propagation: 'Orphan' });
    cluster.apply(web('replicas: 2'));
    expect(setsOf(cluster)).toHaveLength(1);
    expect(cluster.pods().map(({ metadata }) => metadata.name)).toEqual(before);
  });

  test('keeps as much history as it is told to', () => {
    const cluster = new TestCluster();
    for (const tag of [1, 2, 3, 4])
      cluster.apply(web('replicas: 1, revisionHistoryLimit: 1', { image: `nginx:${tag}` }));
    expect(setsOf(cluster)).toHaveLength(2);
  });

  test('scales, and takes first the pod that is not ready, then the youngest', () => {
    const cluster = new TestCluster();
    cluster.apply(web('replicas: 2', { container: 'readinessProbe: {tcpSocket: {port: 80}}' }));
    const [first, second] = cluster.pods().map(({ metadata }) => metadata.name);
    cluster.runtime.probeAnswer = (pod) =>
      pod.metadata.name === first ? { ok: false, message: 'no' } : { ok: true };
    cluster.clock.advance(60_000_000);
    cluster.apply(web('replicas: 1', { container: 'readinessProbe: {tcpSocket: {port: 80}}' }));
    expect(cluster.pods().map(({ metadata }) => metadata.name)).toEqual([second]);
  });

  test('deleted takes its ReplicaSets and pods along; orphaned leaves them', () => {
    for (const propagation of ['Background', 'Orphan'] as const) {
      const cluster = new TestCluster();
      cluster.apply(web('replicas: 2'));
      cluster.delete('Deployment', 'web', { propagation });
      const left = propagation === 'Orphan' ? [1, 2] : [0, 0];
      expect([setsOf(cluster).length, cluster.pods().length]).toEqual(left);
    }
  });
});

describe('a ReplicaSet', () => {
  test('replaces a pod that is deleted, with a new address', () => {
    const cluster = new TestCluster();
    cluster.apply(web('replicas: 1'));
    const [before] = cluster.pods();
    cluster.delete('Pod', before?.metadata.name ?? '');
    const [after] = cluster.pods();
    expect(cluster.pods()).toHaveLength(1);
    expect(after?.metadata.name).not.toBe(before?.metadata.name);
    expect(after?.status.podIP).not.toBe(before?.status.podIP);
  });

  test('lets go of a pod that is relabelled, and adopts one that fits', () => {
    const cluster = new TestCluster();
    cluster.apply(workload('ReplicaSet', 'rs', 'replicas: 1'));
    const [pod] = cluster.pods();
    const relabel = (app: string) =>
      cluster.server.modify('Pod', 'default', pod?.metadata.name ?? '', (live) => ({
        ...live,
        metadata: { ...live.metadata, labels: { app } },
      }));
    relabel('other');
    cluster.settle();
    expect(cluster.pods()).toHaveLength(2);
    expect(cluster.pods()[0]?.metadata.ownerReferences).toEqual([]);
    relabel('rs');
    cluster.settle();
    expect(cluster.pods()).toHaveLength(1);
  });
});

describe('the limit of objects', () => {
  test('ends a replica bomb quickly, says so, and the cluster lives on', () => {
    const cluster = new TestCluster({ maxObjects: 200 });
    cluster.apply(web('replicas: 190'));
    expect(cluster.events(setsOf(cluster)[0]?.metadata.name ?? '')).toContain(
      'FailedCreate: Error creating: this cluster holds at most 200 objects (limit "objects")',
    );
    expect(deploymentOf(cluster)?.status.conditions).toContainEqual(
      expect.objectContaining({
        type: 'ReplicaFailure',
        status: 'True',
        reason: 'FailedCreate',
        message: 'this cluster holds at most 200 objects (limit "objects")',
      }),
    );
    expect(cluster.apply(web('replicas: 1')).stderr).toEqual([]);
    expect(cluster.pods()).toHaveLength(1);
  });
});
