import { describe, expect, test, vi } from 'vitest';
import { judge, whyNot } from './judge/kernel.ts';

vi.mock(import('../../../src/engine/net/match/statistic.ts'), async (original) => {
  const { loadedDice } = await import('./judge/loaded-dice.ts');
  return { statistic: loadedDice((await original()).statistic) };
});

const why = whyNot();
if (why !== undefined) {
  if (process.env['CI'] === 'true') throw new Error(`With CI=true labs must run on the kernel: ${why}`);
  console.log(`skipped: IPv6 labs on the kernel (${why})`);
}

const pod = (name: string, node: string, image: string, more = ''): string => `
apiVersion: v1
kind: Pod
metadata: { name: ${name}, labels: { app: ${name} } }
spec:
  nodeName: ${node}
  containers: [{ name: main, image: "${image}"${more} }]
---`;

const service = (name: string, app: string, more = ''): string => `
apiVersion: v1
kind: Service
metadata: { name: ${name} }
spec:
  ipFamilies: [IPv6]
  clusterIP: "fd00:10:96::${name.length}"
  selector: { app: ${app} }
  ports: [{ port: 80${more} }]
---`;

const manifest = [
  pod('client', 'node-1', 'nicolaka/netshoot', ', command: [sleep, infinity]'),
  pod('near', 'node-1', 'nginx:1.27'),
  pod('far', 'node-2', 'nginx:1.27'),
  service('a', 'far', ', nodePort: 30080').replace('ipFamilies', 'type: NodePort\n  ipFamilies'),
  service('bb', 'near'),
  service('ccc', 'nobody'),
].join('');

const inClient = 'kubectl exec client --';
const curl = 'curl -s -m 5 -o /dev/null';

const commands = [
  `${inClient} ${curl} http://[fd00:10:244:2::2]`,
  `${inClient} ${curl} http://[fd00:10:244:1::3]`,
  `${inClient} ${curl} http://[fd00:10:96::1]`,
  `${inClient} ${curl} http://[fd00:10:96::2]`,
  `${inClient} ${curl} http://[fd00:10:96::3]`,
  `ssh ext ${curl} http://[fd00:192:168:50::11]:30080`,
  `${inClient} ${curl} http://[2001:db8:113::10]`,
  `ssh node-1 ${curl} http://[fd00:10:244:2::2]`,
  `${inClient} ping -c 1 -W 1 fd00:10:244:2::2`,
  `${inClient} ping -c 1 -W 1 -s 3000 fd00:10:244:2::2`,
  `${inClient} ping -c 1 -W 1 -t 1 fd00:10:244:2::2`,
  `${inClient} ping -c 1 -W 4 fd00:10:244:2::99`,
  `${inClient} ${curl} http://[fd00:10:244:2::2]:81`,
  `ssh router ip link set eth1 mtu 1300`,
  `${inClient} ping -c 1 -W 1 -M do -s 1350 2001:db8:113::10`,
  `ssh node-1 ip -6 route add unreachable 2001:db8:9::/64`,
  `${inClient} ping -c 1 -W 1 2001:db8:9::1`,
];

const policy = `
apiVersion: networking.k8s.io/v1
kind: NetworkPolicy
metadata: { name: far }
spec:
  podSelector: { matchLabels: { app: far } }
  ingress: [{ from: [{ podSelector: { matchLabels: { app: near } } }] }]
`;

const single = 'fd00:10:244::/56';
const dual = `10.244.0.0/16,${single}`;

describe.skipIf(why !== undefined)('Linux does with IPv6, frame for frame, what the engine does', () => {
  test.each([
    ['flannel', dual, ''],
    ['flannel-host-gw', single, ''],
    ['calico', dual, policy],
    ['calico-vxlan', dual, ''],
    ['kindnet', single, ''],
  ])('with %s and %s', { timeout: 120_000 }, async (cni, podCIDR, more) => {
    const lab = {
      title: `IPv6 with ${cni}`,
      options: { cni, podCIDR },
      steps: [
        { kind: 'apply' as const, manifest: `${manifest}${more}` },
        ...commands.map((command) => ({ kind: 'run' as const, command })),
      ],
    };
    for (const { command, differences } of await judge(lab, `ipv6-${cni}`))
      expect.soft(differences.join('\n'), command).toBe('');
  });
});
