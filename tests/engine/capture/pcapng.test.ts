import { execFileSync, spawnSync } from 'node:child_process';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { createCluster, pcapng } from '../../../src/engine/index.ts';
import type { Cluster, ExperimentRecord } from '../../../src/engine/index.ts';

const tshark = spawnSync('tshark', ['--version']).status === 0;
if (!tshark && process.env['CI'] === 'true') throw new Error('tshark must be there with CI=true.');

const manifest = `
apiVersion: v1
kind: Pod
metadata: {name: client}
spec:
  nodeName: node-1
  containers: [{name: c, image: nicolaka/netshoot, command: [sleep, infinity]}]
---
apiVersion: v1
kind: Pod
metadata: {name: web, labels: {app: web}}
spec:
  nodeName: node-2
  containers: [{name: web, image: nginx}]
---
apiVersion: v1
kind: Service
metadata: {name: web}
spec:
  selector: {app: web}
  ports: [{port: 80}]
`;

function clusterWith(cni: string): Cluster {
  const made = createCluster({ cni });
  if ('diagnostics' in made) throw new Error(made.diagnostics.map(({ message }) => message).join());
  expect(made.cluster.apply(manifest).ok).toBe(true);
  return made.cluster;
}

describe.skipIf(!tshark)('a capture that tshark reads', () => {
  const folder = mkdtempSync(join(tmpdir(), 'podwalk-'));
  const file = join(folder, 'out.pcapng');
  afterAll(() => rmSync(folder, { recursive: true }));

  const clusters = new Map<string, Cluster>();
  beforeAll(() => {
    for (const cni of ['flannel', 'calico', 'calico-ipip', 'calico-vxlan'])
      clusters.set(cni, clusterWith(cni));
  });

  function write(cni: string, command: string): ExperimentRecord {
    const result = clusters.get(cni)?.run(command);
    if (result === undefined) throw new Error(cni);
    writeFileSync(file, pcapng(result.record));
    return result.record;
  }

  function read(...args: string[]): string[] {
    const checks = ['ip.check_checksum', 'tcp.check_checksum', 'udp.check_checksum'].flatMap((name) => [
      '-o',
      `${name}:TRUE`,
    ]);
    const out = execFileSync('tshark', ['-n', '-r', file, '-d', 'udp.port==8472,vxlan', ...checks, ...args], {
      encoding: 'utf8',
      stdio: ['ignore', 'pipe', 'ignore'],
    });
    return out.split('\n').filter((line) => line !== '');
  }

  const bad =
    '_ws.malformed || ip.checksum.status == 0 || tcp.checksum.status == 0 || udp.checksum.status == 0 || icmp.checksum.status == 0 || _ws.expert.severity >= 8388608';

  test.each([
    ['flannel', 'kubectl exec client -- curl -s http://web'],
    ['flannel', 'kubectl exec client -- ping -c 1 -s 3000 10.244.2.2'],
    ['flannel', 'kubectl exec client -- ping -c 1 -t 2 10.244.2.2'],
    ['flannel', 'kubectl exec client -- dig +tcp web.default.svc.cluster.local'],
    ['flannel', 'kubectl exec client -- curl -s -m 2 http://10.244.2.2:81'],
    ['flannel', 'echo hi | kubectl exec -i client -- nc -u -w 1 10.244.2.2 9999'],
    ['flannel', 'ssh ext curl -s -m 1 http://192.168.50.11:8080'],
    ['calico', 'kubectl exec client -- curl -s http://web'],
    ['calico-ipip', 'kubectl exec client -- curl -s http://web'],
    ['calico-vxlan', 'kubectl exec client -- curl -s http://web'],
  ])('%s: %s has no malformed packet and right checksums', (cni, command) => {
    const record = write(cni, command);
    const frames = record.events.filter(({ kind }) => kind === 'frame');
    expect(frames.length).toBeGreaterThan(4);
    expect(read()).toHaveLength(frames.length);
    expect(read('-Y', bad)).toEqual([]);
  });

  test('names each interface after its namespace and device', () => {
    const record = write('flannel', 'kubectl exec client -- ping -c 1 10.244.2.2');
    const wanted = record.events.flatMap((event) =>
      event.kind === 'frame' ? [`${event.netns}:${event.dev}`] : [],
    );
    expect(read('-T', 'fields', '-e', 'frame.interface_name')).toEqual(wanted);
  });

  test('holds the payload, so that the page can be read out of it', () => {
    write('flannel', 'kubectl exec client -- curl -s http://10.244.2.2');
    const [status] = read(
      '-Y',
      'http.response',
      '-T',
      'fields',
      '-e',
      'http.response.code',
      '-e',
      'http.server',
    );
    expect(status?.split('\t')[0]).toBe('200');
  });
});
