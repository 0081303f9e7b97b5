import { describe, expect, test } from 'vitest';
import { judge, whyNot } from './judge/kernel.ts';

const why = whyNot();
if (why !== undefined) {
  if (process.env['CI'] === 'true') throw new Error(`With CI=true labs must run on the kernel: ${why}`);
  console.log(`skipped: kube-proxy's nftables mode on the kernel (${why})`);
}

const pod = (name: string, node: string, image: string, more = ''): string => `
apiVersion: v1
kind: Pod
metadata: { name: ${name}, labels: { app: ${name} } }
spec:
  nodeName: ${node}
  containers: [{ name: main, image: "${image}"${more} }]
---`;

const service = (name: string, app: string, ip: string, more = '', port = ''): string => `
apiVersion: v1
kind: Service
metadata: { name: ${name} }
spec: { clusterIP: ${ip}, selector: { app: ${app} }, ports: [{ port: 80${port} }]${more} }
---`;

const manifest = [
  pod('client', 'node-1', 'nicolaka/netshoot', ', command: [sleep, infinity]'),
  pod('near', 'node-1', 'nginx:1.27'),
  pod('far', 'node-2', 'nginx:1.27'),
  service('far', 'far', '10.96.1.1', ', type: NodePort', ', nodePort: 30080'),
  service('near', 'near', '10.96.1.2', ', sessionAffinity: ClientIP'),
  service('nobody', 'nobody', '10.96.1.3'),
  service('local', 'far', '10.96.1.4', ', type: NodePort, externalTrafficPolicy: Local', ', nodePort: 30081'),
].join('');

const inClient = 'kubectl exec client --';
const curl = 'curl -s -m 2.5 -o /dev/null';

const commands = [
  `${inClient} ${curl} http://10.96.1.1`,
  `${inClient} ${curl} http://10.96.1.2`,
  `${inClient} ${curl} http://10.96.1.2`,
  `${inClient} ${curl} http://10.96.1.3`,
  `${inClient} ${curl} http://10.96.1.1:81`,
  `${inClient} ${curl} http://10.96.9.9`,
  `${inClient} ping -c 1 -W 1 10.96.1.1`,
  `ssh ext ${curl} http://192.168.50.11:30080`,
  `ssh ext ${curl} http://192.168.50.11:30081`,
  `ssh ext ${curl} http://192.168.50.12:30081`,
  `ssh node-1 ${curl} http://10.96.1.1`,
  `kubectl exec far -- ${curl} http://10.96.1.1`,
];

describe.skipIf(why !== undefined)(
  "kube-proxy's nftables tables decide on the kernel as in the engine",
  () => {
    test.each(['flannel', 'calico'])('with %s', { timeout: 120_000 }, async (cni) => {
      const lab = {
        title: `nftables with ${cni}`,
        options: { cni, proxy: 'nftables' },
        steps: [
          { kind: 'apply' as const, manifest },
          ...commands.map((command) => ({ kind: 'run' as const, command })),
        ],
      };
      for (const { command, differences } of await judge(lab, `nftables-${cni}`))
        expect.soft(differences.join('\n'), command).toBe('');
    });
  },
);
