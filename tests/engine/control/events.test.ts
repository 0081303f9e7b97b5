import { expect, test } from 'vitest';
import { TestCluster } from './fake.ts';
import { podYaml } from './workloads.ts';

const hour = 3_600_000_000;

test('equal events are counted, with the time of the first and the last', () => {
  const cluster = new TestCluster();
  cluster.apply(podYaml('a', { image: 'missing' }));
  cluster.clock.advance(60_000_000);
  const pulling = cluster.server.store
    .list('Event')
    .filter(({ reason }) => reason === 'Pulling')
    .at(-1);
  expect(pulling).toMatchObject({
    type: 'Normal',
    count: 3,
    involvedObject: { kind: 'Pod', name: 'a', fieldPath: 'spec.containers{c}' },
    source: { component: 'kubelet', host: 'node-1' },
  });
  expect(pulling?.firstTimestamp).not.toBe(pulling?.lastTimestamp);
});

test('an hour after they last happened they are forgotten', () => {
  const cluster = new TestCluster();
  cluster.apply(podYaml('a'));
  expect(cluster.events('a')).not.toEqual([]);
  cluster.clock.advance(hour);
  cluster.apply(podYaml('b'));
  expect(cluster.events('a')).toEqual([]);
  expect(cluster.events('b')).not.toEqual([]);
});

test('a burst leaves room for warnings, and the memory has an end', () => {
  const cluster = new TestCluster({ maxObjects: 10_000 });
  const { plane, server } = cluster;
  const pod = server.createTrusted('Pod', {
    metadata: { name: 'a', namespace: 'default' },
    spec: { containers: [] },
  });
  if (!pod.ok) throw new Error(pod.error.message);
  for (let i = 0; i < 6000; i++) plane.events.record(pod.value, 'Normal', 'Tick', `tick ${i}`, 'test');
  plane.events.record(pod.value, 'Warning', 'Alarm', 'fire', 'test');
  expect(server.store.count('Event')).toBe(4000);
  expect(cluster.events('a')).toContain('Alarm: fire');
  expect(cluster.events('a')).not.toContain('Tick: tick 5999');
});
