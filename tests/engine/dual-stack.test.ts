import { describe, expect, test } from 'vitest';
import { createCluster, hopLines } from '../../src/engine/index.ts';
import type { Cluster, ClusterOptions } from '../../src/engine/index.ts';

const DUAL = '10.244.0.0/16,fd00:10:244::/56';

const manifest = `
apiVersion: v1
kind: Pod
metadata: { name: client }
spec:
  nodeName: node-1
  containers: [{ name: main, image: nicolaka/netshoot, command: [sleep, infinity] }]
---
apiVersion: v1
kind: Pod
metadata: { name: near, labels: { app: near } }
spec:
  nodeName: node-1
  containers: [{ name: main, image: "nginx:1.27" }]
---
apiVersion: v1
kind: Pod
metadata: { name: far, labels: { app: far } }
spec:
  nodeName: node-2
  containers: [{ name: main, image: "nginx:1.27" }]
---
apiVersion: v1
kind: Service
metadata: { name: web }
spec:
  type: NodePort
  ipFamilyPolicy: PreferDualStack
  selector: { app: far }
  ports: [{ port: 80, nodePort: 30080 }]
`;

function cluster(options: ClusterOptions): Cluster {
  const made = createCluster(options);
  if ('diagnostics' in made) throw new Error(made.diagnostics.map(({ message }) => message).join('; '));
  const applied = made.cluster.apply(manifest);
  expect(applied.diagnostics).toEqual([]);
  return made.cluster;
}

function run(target: Cluster, command: string): string {
  const { output, exitCode } = target.run(command);
  return exitCode === 0 ? output : `${output}(exit ${exitCode})`;
}

const plugins = ['flannel', 'flannel-host-gw', 'calico', 'calico-vxlan', 'calico-ipip', 'kindnet'];

describe('a dual-stack cluster', () => {
  test.each(plugins)('connects pods, Services and the outside in both families with %s', (cni) => {
    const target = cluster({ cni, podCIDR: DUAL });
    const status = (path: string): string => run(target, `kubectl get pod far -o jsonpath={.status.${path}}`);
    expect(status('podIPs[*].ip')).toBe('10.244.2.2 fd00:10:244:2::2');
    expect(status('hostIPs[*].ip')).toBe('192.168.50.12 fd00:192:168:50::12');
    const services = run(target, 'kubectl get service web -o jsonpath={.spec.clusterIPs[*]}').split(' ');
    expect(services).toHaveLength(2);
    const code = (command: string): string =>
      run(target, `${command} -m 5 -s -o /dev/null -w "%{http_code}_%{remote_ip}"`);
    const inClient = 'kubectl exec client -- curl';
    for (const ip of ['10.244.2.2', 'fd00:10:244:2::2', '10.244.1.3', 'fd00:10:244:1::3', ...services])
      expect(code(`${inClient} http://${ip.includes(':') ? `[${ip}]` : ip}`)).toBe(`200_${ip}`);
    expect(code(`${inClient} http://[2001:db8:113::10]`)).toBe('200_2001:db8:113::10');
    for (const ip of ['192.168.50.11', '[fd00:192:168:50::11]', '[fd00:192:168:50::12]'])
      expect(code(`ssh ext curl http://${ip}:30080`)).toBe(`200_${ip.replace(/[[\]]/g, '')}`);
  });

  test('gives pods addresses of the family that comes first, first', () => {
    const target = cluster({ podCIDR: 'fd00:10:244::/56,10.244.0.0/16' });
    expect(run(target, 'kubectl get pod far -o jsonpath={.status.podIP}')).toBe('fd00:10:244:2::2');
    expect(run(target, 'kubectl get node node-2 -o jsonpath={.spec.podCIDRs[*]}')).toBe(
      'fd00:10:244:2::/64 10.244.2.0/24',
    );
    expect(run(target, 'kubectl get service kubernetes -o jsonpath={.spec.clusterIP}')).toBe('fd00:10:96::1');
  });

  test("carries IPv6 in a tunnel of its own between the nodes' IPv6 addresses", () => {
    const target = cluster({ podCIDR: DUAL });
    const { record } = target.run('kubectl exec client -- curl -s http://[fd00:10:244:2::2]');
    const syn = hopLines(record).filter((line) => line.includes('[S]') && line.startsWith('node-'));
    expect(syn.map((line) => line.replace(/\]:\d{4,}/, ']:PORT'))).toEqual([
      expect.stringMatching(/^node-1:veth\w+ in /),
      'node-1:cni0 in [fd00:10:244:1::2]:PORT > [fd00:10:244:2::2]:80 [S] ttl=64',
      'node-1:flannel-v6.1 out [fd00:10:244:1::2]:PORT > [fd00:10:244:2::2]:80 [S] ttl=63',
      'node-1:eth0 out [fd00:10:244:1::2]:PORT > [fd00:10:244:2::2]:80 [S] ttl=63 vxlan(fd00:192:168:50::11>fd00:192:168:50::12)',
      'node-2:eth0 in [fd00:10:244:1::2]:PORT > [fd00:10:244:2::2]:80 [S] ttl=63 vxlan(fd00:192:168:50::11>fd00:192:168:50::12)',
      'node-2:flannel-v6.1 in [fd00:10:244:1::2]:PORT > [fd00:10:244:2::2]:80 [S] ttl=63',
      'node-2:cni0 out [fd00:10:244:1::2]:PORT > [fd00:10:244:2::2]:80 [S] ttl=62',
      expect.stringMatching(/^node-2:veth\w+ out /),
    ]);
  });
});

/** Formats as iproute2, iputils and traceroute print them on Linux. */
describe('tools in a dual-stack cluster', () => {
  const target = cluster({ podCIDR: DUAL });
  test.each([
    [
      'kubectl exec client -- ip -6 route',
      [
        'fd00:10:244:1::/64 dev eth0 proto kernel metric 256 pref medium',
        'fd00:10:244::/56 via fd00:10:244:1::1 dev eth0 metric 1024 pref medium',
        'fe80::/64 dev eth0 proto kernel metric 256 pref medium',
        'default via fd00:10:244:1::1 dev eth0 metric 1024 pref medium',
      ],
    ],
    [
      'kubectl exec client -- ip -6 route get fd00:10:244:2::2',
      ['fd00:10:244:2::2 from :: via fd00:10:244:1::1 dev eth0 src fd00:10:244:1::2 metric 1024 pref medium'],
    ],
    [
      'kubectl exec client -- ip -6 route get fd00:10:244:1::2',
      [
        'local fd00:10:244:1::2 from :: dev lo table local proto kernel src fd00:10:244:1::2 metric 0 pref medium',
      ],
    ],
    ['ssh node-1 ip -o link show flannel-v6.1', [expect.stringContaining(' mtu 1430 ')]],
    [
      'kubectl exec client -- ping -c 1 fe80::858:aff:fef4:101%eth0 | head -2',
      [
        'PING fe80::858:aff:fef4:101%eth0(fe80::858:aff:fef4:101%eth0) 56 data bytes',
        expect.stringMatching(/^64 bytes from fe80::858:aff:fef4:101%eth0: icmp_seq=1 ttl=64 time=/),
      ],
    ],
    [
      'kubectl exec client -- traceroute6 -n -q 1 fd00:10:244:2::2 | sed "s/  [0-9.]* ms.*//"',
      [
        'traceroute to fd00:10:244:2::2 (fd00:10:244:2::2), 30 hops max, 80 byte packets',
        ' 1  fd00:10:244:1::1',
        ' 2  fd00:10:244:2::',
        ' 3  fd00:10:244:2::2',
      ],
    ],
    [
      'kubectl exec client -- tracepath6 -n fd00:10:244:2::2 | tail -2',
      [
        expect.stringMatching(/^ 3: {2}fd00:10:244:2::2 .* reached$/),
        '     Resume: pmtu 1430 hops 3 back 3 ',
      ],
    ],
    [
      'kubectl exec client -- dig +short AAAA web.default.svc.cluster.local',
      [expect.stringMatching(/^fd00:10:96::/)],
    ],
    ['kubectl exec far -- cat /etc/hosts | tail -2', ['10.244.2.2\tfar', 'fd00:10:244:2::2\tfar']],
    [
      'kubectl describe service web | grep -E "^IP (Famil|)" | tr -s " "',
      ['IP Family Policy: PreferDualStack', 'IP Families: IPv4,IPv6'],
    ],
  ] as const)('%s', (command, lines) => {
    expect(run(target, command).trimEnd().split('\n')).toEqual(
      lines.map((line) => (typeof line === 'string' ? line.trimEnd() : line)),
    );
  });
});

describe('an IPv6 cluster', () => {
  test.each(plugins)('connects everything without an IPv4 address with %s', (cni) => {
    const target = cluster({ cni, podCIDR: 'fd00:10:244::/56' });
    expect(run(target, 'kubectl get pod far -o jsonpath={.status.podIPs[*].ip}')).toBe('fd00:10:244:2::2');
    const code = (host: string): string =>
      run(target, `kubectl exec client -- curl -m 5 -s -o /dev/null -w "%{http_code}" http://${host}`);
    for (const host of ['[fd00:10:244:2::2]', '[fd00:10:244:1::3]', 'web', 'example.com'])
      expect([host, code(host)]).toEqual([host, '200']);
    expect(run(target, 'ssh node-1 ip -4 -o addr')).not.toMatch(/inet (?!127)/);
  });
});
