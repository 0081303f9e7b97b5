import { describe, expect, test } from 'vitest';
import { judge, whyNot } from './judge/kernel.ts';

const why = whyNot();
if (why !== undefined) {
  if (process.env['CI'] === 'true') throw new Error(`With CI=true labs must run on the kernel: ${why}`);
  console.log(`skipped: what becomes of a packet that DNAT changed in the bridge (${why})`);
}

const pod = (name: string, node: string, image: string): string => `
apiVersion: v1
kind: Pod
metadata: { name: ${name}, labels: { app: ${name} } }
spec: { nodeName: ${node}, containers: [{ name: main, image: "${image}" }] }
---`;

const service = (name: string, ip: string): string => `
apiVersion: v1
kind: Service
metadata: { name: ${name} }
spec: { clusterIP: ${ip}, selector: { app: ${name} }, ports: [{ port: 80 }] }
---`;

const manifest = [
  pod('client', 'node-1', 'nginx:1.27'),
  pod('near', 'node-1', 'nginx:1.27'),
  pod('far', 'node-2', 'nginx:1.27'),
  service('near', '10.96.1.2'),
  service('far', '10.96.1.1'),
].join('');

const far = 'kubectl exec client -- curl -s -m 2.5 -o /dev/null http://10.96.1.1; sleep 3';
const route = '10.244.2.0/24';

describe.skipIf(why !== undefined)(
  'a packet that DNAT changed in the bridge goes where the kernel lets it go',
  () => {
    test.concurrent.each([
      ['there is no route', `ssh node-1 ip route del ${route}; ssh node-1 ip route del default`],
      ['the route is unreachable', `ssh node-1 ip route replace unreachable ${route}`],
      ['the route is a black hole', `ssh node-1 ip route replace blackhole ${route}`],
      ['the route is prohibited', `ssh node-1 ip route replace prohibit ${route}`],
      ['nothing is forwarded', 'ssh node-1 sysctl -w net.ipv4.ip_forward=0'],
      [
        'its source is not expected there',
        'ssh node-1 "sysctl -w net.ipv4.conf.all.rp_filter=1; ip route replace 10.244.1.2/32 dev flannel.1"',
      ],
    ])('when %s', { timeout: 120_000 }, async (name, fault) => {
      const lab = {
        title: 'bridged DNAT',
        options: { cni: 'flannel' },
        steps: [
          { kind: 'apply' as const, manifest },
          ...[fault, far, 'kubectl exec client -- curl -s -m 2.5 -o /dev/null http://10.96.1.2; sleep 3'].map(
            (command) => ({ kind: 'run' as const, command }),
          ),
        ],
      };
      const judged = await judge(lab, `bridged-dnat-${name.replaceAll(' ', '-')}`);
      expect(
        judged.flatMap(({ command, differences }) => differences.map((one) => `$ ${command}\n${one}`)),
      ).toEqual([]);
    });
  },
);
