import { describe, expect, test } from 'vitest';
import { TestCluster } from './fake.ts';
import { podYaml } from './workloads.ts';

const second = 1_000_000;

function started(name: string, options: Parameters<typeof podYaml>[1] = {}): TestCluster {
  const cluster = new TestCluster();
  expect(cluster.apply(podYaml(name, options)).stderr).toEqual([]);
  return cluster;
}

const stateOf = (cluster: TestCluster, name: string) => cluster.pod(name).status.containerStatuses?.[0];

describe('a pod', () => {
  test('runs: addresses, conditions, container and events', () => {
    const cluster = started('a', { image: 'nginx:1.25' });
    const { status } = cluster.pod('a');
    expect(status).toMatchObject({
      phase: 'Running',
      podIP: '10.244.1.2',
      podIPs: [{ ip: '10.244.1.2' }],
      hostIP: '192.168.50.11',
      qosClass: 'BestEffort',
    });
    expect(status.conditions?.map(({ type, status: is }) => [type, is])).toEqual([
      ['PodReadyToStartContainers', 'True'],
      ['Initialized', 'True'],
      ['Ready', 'True'],
      ['ContainersReady', 'True'],
      ['PodScheduled', 'True'],
    ]);
    expect(status.containerStatuses).toEqual([
      {
        name: 'c',
        image: 'docker.io/library/nginx:1.25',
        imageID: 'sha256:nginx:1.25',
        containerID: expect.stringMatching(/^containerd:/),
        ready: true,
        started: true,
        restartCount: 0,
        state: { running: { startedAt: expect.any(String) } },
        lastState: {},
      },
    ]);
    expect(cluster.events('a')).toEqual([
      'Scheduled: Successfully assigned default/a to node-1',
      'Pulling: Pulling image "nginx:1.25"',
      'Pulled: Successfully pulled image "nginx:1.25" in 900ms (900ms including waiting). Image size: 1000 bytes.',
      'Created: Created container: c',
      'Started: Started container c',
    ]);
  });

  test('shows ContainerCreating on its way', () => {
    const cluster = new TestCluster();
    const seen = new Set<string>();
    cluster.server.store.watch('Pod', ({ object }) =>
      seen.add(object.status.containerStatuses?.[0]?.state?.waiting?.reason ?? object.status.phase ?? ''),
    );
    cluster.apply(podYaml('a'));
    expect([...seen]).toEqual(['Pending', 'ContainerCreating', 'Running']);
  });

  test('finds an image that is there', () => {
    const cluster = started('a', { image: 'nginx:1.25' });
    cluster.apply(podYaml('b', { image: 'nginx:1.25', spec: 'nodeName: node-1' }));
    expect(cluster.events('b')).toContain('Pulled: Container image "nginx:1.25" already present on machine');
  });

  test('bound by its manifest needs no scheduler; bound to no node it waits', () => {
    const cluster = started('a', { spec: 'nodeName: node-2' });
    expect(cluster.pod('a').status.podIP).toBe('10.244.2.2');
    cluster.apply(podYaml('b', { spec: 'nodeName: nowhere' }));
    expect(cluster.pod('b').status.phase).toBe('Pending');
  });

  test('with init containers runs them first, in order', () => {
    const cluster = new TestCluster();
    const seen: string[] = [];
    cluster.server.store.watch('Pod', ({ object }) => {
      const { initContainerStatuses = [], containerStatuses = [] } = object.status;
      const running = [...initContainerStatuses, ...containerStatuses]
        .filter(({ state }) => state?.running)
        .map(({ name }) => name);
      if (running.length > 0 && seen.at(-1) !== running.join()) seen.push(running.join());
    });
    cluster.apply(podYaml('a', { spec: 'initContainers: [{name: one, image: i}, {name: two, image: i}]' }));
    expect(seen).toEqual(['one', 'two', 'c']);
    expect(cluster.pod('a').status.phase).toBe('Running');
  });

  test('with a sidecar starts it before the rest and keeps it', () => {
    const cluster = started('a', {
      spec: 'initContainers: [{name: proxy, image: i, restartPolicy: Always}]',
    });
    // The fake runtime ends every init container; a sidecar is started again.
    expect(cluster.pod('a').status.initContainerStatuses?.[0]?.restartCount).toBeGreaterThan(0);
    expect(cluster.pod('a').status.containerStatuses?.[0]?.ready).toBe(true);
  });
});

describe('containers that end', () => {
  test('crash loops: at once, then after 10 s, 20 s, 40 s', () => {
    const cluster = started('a', { image: 'crash' });
    expect(stateOf(cluster, 'a')).toMatchObject({
      restartCount: 1,
      ready: false,
      state: {
        waiting: {
          reason: 'CrashLoopBackOff',
          message: expect.stringMatching(/^back-off 10s restarting failed container=c pod=a_default\(/),
        },
      },
      lastState: { terminated: { exitCode: 1, reason: 'Error' } },
    });
    expect(cluster.pod('a').status.phase).toBe('Running');
    const restarts: number[] = [];
    let last = 1;
    for (let t = 0; t < 80; t++) {
      cluster.clock.advance(second);
      const count = stateOf(cluster, 'a')?.restartCount ?? 0;
      if (count > last) restarts.push(t + 1);
      last = count;
    }
    expect(restarts).toHaveLength(3);
    const [a = 0, b = 0, c = 0] = restarts;
    expect(b - a).toBeGreaterThanOrEqual(20);
    expect(c - b).toBeGreaterThanOrEqual(40);
    expect(cluster.events('a')).toContainEqual(
      expect.stringMatching(/^BackOff: Back-off restarting failed container c in pod a_default\(/),
    );
  });

  test.each([
    ['Never', 'finish', 'Succeeded', 0],
    ['Never', 'crash', 'Failed', 0],
    ['OnFailure', 'finish', 'Succeeded', 0],
    ['OnFailure', 'crash', 'Running', 1],
    ['Always', 'finish', 'Running', 1],
  ])('restartPolicy %s and %s: %s', (policy, image, phase, restarts) => {
    const cluster = started('a', { image, spec: `restartPolicy: ${policy}` });
    expect(cluster.pod('a').status.phase).toBe(phase);
    expect(stateOf(cluster, 'a')?.restartCount).toBe(restarts);
  });

  test('an image that is not there backs off, and is tried again', () => {
    const cluster = started('a', { image: 'missing' });
    expect(stateOf(cluster, 'a')?.state?.waiting).toEqual({
      reason: 'ImagePullBackOff',
      message: 'Back-off pulling image "missing": ErrImagePull: missing: not found',
    });
    expect(cluster.events('a')).toEqual([
      'Scheduled: Successfully assigned default/a to node-1',
      'Pulling: Pulling image "missing"',
      'Failed: Failed to pull image "missing": missing: not found',
      'Failed: Error: ErrImagePull',
      'BackOff: Back-off pulling image "missing"',
      'Failed: Error: ImagePullBackOff',
    ]);
    cluster.clock.advance(15 * second);
    const pulls = cluster.server.store
      .list('Event')
      .find(({ reason, involvedObject }) => reason === 'Pulling' && involvedObject.name === 'a');
    expect(pulls?.count).toBe(2);
  });

  test('a better image is taken at once', () => {
    const cluster = started('a', { image: 'missing' });
    cluster.apply(podYaml('a', { image: 'nginx' }));
    expect(stateOf(cluster, 'a')).toMatchObject({
      ready: true,
      restartCount: 0,
      image: 'docker.io/library/nginx:latest',
    });
    cluster.clock.advance(60 * second);
    expect(stateOf(cluster, 'a')?.restartCount).toBe(0);
  });

  test('another image restarts a running container', () => {
    const cluster = started('a', { image: 'nginx:1' });
    cluster.apply(podYaml('a', { image: 'nginx:2' }));
    cluster.clock.advance(5 * second);
    expect(stateOf(cluster, 'a')).toMatchObject({
      ready: true,
      restartCount: 1,
      image: 'docker.io/library/nginx:2',
    });
    expect(cluster.events('a')).toContain('Killing: Container c definition changed, will be restarted');
    expect(cluster.pod('a').status.podIP).toBe('10.244.1.2');
  });

  test('an image that may not be pulled', () => {
    const cluster = started('a', { container: 'imagePullPolicy: Never' });
    expect(stateOf(cluster, 'a')?.state?.waiting?.reason).toBe('ErrImageNeverPull');
  });

  test('a ConfigMap that is missing holds the container back until it comes', () => {
    const cluster = started('a', {
      container: 'env: [{name: A, valueFrom: {configMapKeyRef: {name: conf, key: k}}}]',
    });
    expect(stateOf(cluster, 'a')?.state?.waiting).toEqual({
      reason: 'CreateContainerConfigError',
      message: 'configmap "conf" not found',
    });
    cluster.apply('{apiVersion: v1, kind: ConfigMap, metadata: {name: conf}, data: {k: v}}');
    cluster.clock.advance(11 * second);
    expect(cluster.pod('a').status.phase).toBe('Running');
  });

  test('a volume that is missing holds the pod back', () => {
    const cluster = started('a', { spec: 'volumes: [{name: v, secret: {secretName: s}}]' });
    expect(stateOf(cluster, 'a')?.state?.waiting?.reason).toBe('ContainerCreating');
    expect(cluster.events('a')).toContain(
      'FailedMount: MountVolume.SetUp failed for volume "v" : secret "s" not found',
    );
  });
});

describe('probes', () => {
  const readiness = {
    container: 'readinessProbe: {httpGet: {port: 80}, periodSeconds: 5, failureThreshold: 2}',
  };

  test('a pod is ready when its readiness probe says so, and settled when it has spoken', () => {
    const cluster = new TestCluster();
    cluster.runtime.probeAnswer = () => ({ ok: false, message: 'connection refused' });
    cluster.apply(podYaml('a', readiness));
    expect(stateOf(cluster, 'a')).toMatchObject({ ready: false, state: { running: {} } });
    expect(cluster.events('a').at(-1)).toBe('Unhealthy: Readiness probe failed: connection refused');
    cluster.runtime.probeAnswer = () => ({ ok: true });
    cluster.clock.advance(6 * second);
    expect(stateOf(cluster, 'a')?.ready).toBe(true);
  });

  test('it takes as many failures as the threshold to become unready', () => {
    const cluster = started('a', readiness);
    cluster.runtime.probeAnswer = () => ({ ok: false, message: 'no' });
    cluster.clock.advance(6 * second);
    expect(stateOf(cluster, 'a')?.ready).toBe(true);
    cluster.clock.advance(5 * second);
    expect(stateOf(cluster, 'a')?.ready).toBe(false);
    expect(cluster.pod('a').status.conditions?.find(({ type }) => type === 'Ready')).toMatchObject({
      status: 'False',
      reason: 'ContainersNotReady',
      message: 'containers with unready status: [c]',
    });
  });

  test('waits for the initial delay before the pod counts as settled', () => {
    const cluster = new TestCluster();
    const before = cluster.clock.time;
    cluster.apply(
      podYaml('a', { container: 'readinessProbe: {tcpSocket: {port: 80}, initialDelaySeconds: 20}' }),
    );
    expect(cluster.clock.time - before).toBeGreaterThan(20 * second);
    expect(stateOf(cluster, 'a')?.ready).toBe(true);
  });

  test('a liveness probe that fails three times restarts the container', () => {
    const cluster = started('a', { container: 'livenessProbe: {tcpSocket: {port: 80}, periodSeconds: 1}' });
    cluster.runtime.probeAnswer = () => ({ ok: false, message: 'dead' });
    cluster.clock.advance(4 * second);
    cluster.runtime.probeAnswer = () => ({ ok: true });
    cluster.clock.advance(5 * second);
    expect(stateOf(cluster, 'a')).toMatchObject({ restartCount: 1, ready: true });
    expect(cluster.events('a')).toContain('Killing: Container c failed liveness probe, will be restarted');
  });

  test('a startup probe holds the others back', () => {
    const cluster = new TestCluster();
    const asked: string[] = [];
    let up = false;
    cluster.runtime.probeAnswer = (_, probe) => {
      asked.push(probe.httpGet?.path ?? '');
      return up || probe.httpGet?.path !== '/start' ? { ok: true } : { ok: false, message: 'starting' };
    };
    const probe = (path: string) =>
      `{httpGet: {port: 80, path: ${path}}, periodSeconds: 1, failureThreshold: 30}`;
    cluster.apply(
      podYaml('a', { container: `startupProbe: ${probe('/start')}, readinessProbe: ${probe('/ready')}` }),
    );
    cluster.clock.advance(3 * second);
    expect(new Set(asked)).toEqual(new Set(['/start']));
    up = true;
    cluster.clock.advance(2 * second);
    expect(asked).toContain('/ready');
    expect(stateOf(cluster, 'a')).toMatchObject({ started: true, ready: true });
  });

  test('of running pods go on for ever without keeping the cluster busy', () => {
    const cluster = started('a', readiness);
    expect(cluster.plane.idle).toBe(true);
    cluster.clock.advance(600 * second);
    expect(cluster.plane.idle).toBe(true);
  });
});

describe('deletion', () => {
  test('stops the containers, then the pod is gone', () => {
    const cluster = started('a');
    cluster.delete('Pod', 'a');
    expect(cluster.pods()).toEqual([]);
    expect(cluster.runtime.log).toContain('SIGTERM a');
    expect(cluster.runtime.log).toContain('removed a');
    expect(cluster.events('a').at(-1)).toBe('Killing: Stopping container c');
  });

  test('a process that ignores SIGTERM is killed after the grace period, and is Terminating until then', () => {
    const cluster = started('a', { image: 'stubborn', spec: 'terminationGracePeriodSeconds: 20' });
    cluster.delete('Pod', 'a');
    expect(cluster.pod('a').metadata).toMatchObject({
      deletionGracePeriodSeconds: 20,
      deletionTimestamp: expect.any(String),
    });
    cluster.clock.advance(18 * second);
    expect(cluster.runtime.log).not.toContain('SIGKILL a');
    cluster.clock.advance(2 * second);
    expect(cluster.runtime.log).toContain('SIGKILL a');
    expect(cluster.pods()).toEqual([]);
  });

  test('by force takes the object at once', () => {
    const cluster = started('a', { image: 'stubborn' });
    cluster.delete('Pod', 'a', { gracePeriodSeconds: 0 });
    expect(cluster.pods()).toEqual([]);
    expect(cluster.runtime.log.slice(-2)).toEqual(['SIGKILL a', 'removed a']);
  });

  test('a shorter grace period overrides a longer one that has begun', () => {
    const cluster = started('a', { image: 'stubborn' });
    cluster.delete('Pod', 'a');
    cluster.delete('Pod', 'a', { gracePeriodSeconds: 1 });
    cluster.clock.advance(2 * second);
    expect(cluster.pods()).toEqual([]);
  });

  test('of a pod that has not been scheduled needs nobody', () => {
    const cluster = started('a', { spec: 'nodeSelector: {disk: ssd}' });
    cluster.delete('Pod', 'a');
    expect(cluster.pods()).toEqual([]);
  });

  test('while the image is still being pulled', () => {
    const cluster = new TestCluster();
    const { server, clock } = cluster;
    expect(
      server.createTrusted('Pod', {
        metadata: { name: 'a', namespace: 'default' },
        spec: { containers: [{ name: 'c', image: 'i', imagePullPolicy: 'Always' }] },
      }).ok,
    ).toBe(true);
    clock.advance(300_000);
    cluster.delete('Pod', 'a');
    expect(cluster.pods()).toEqual([]);
    clock.advance(10 * second);
    expect(cluster.runtime.log).not.toContain('SIGTERM a');
  });

  test('a pod made again under its name is another one', () => {
    const cluster = started('a');
    const before = cluster.pod('a');
    cluster.delete('Pod', 'a');
    cluster.apply(podYaml('a'));
    expect(cluster.pod('a').metadata.uid).not.toBe(before.metadata.uid);
    expect(cluster.pod('a').status.podIP).not.toBe(before.status.podIP);
  });
});
