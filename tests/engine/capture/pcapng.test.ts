import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { createCluster, pcapng } from '../../../src/engine/index.ts';
import type { Cluster, ExperimentRecord } from '../../../src/engine/index.ts';
import { CaptureFile, present } from './tshark.ts';

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
metadata: {name: near, labels: {app: web}}
spec:
  nodeName: node-1
  containers: [{name: web, image: nginx}]
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
  type: NodePort
  selector: {app: web}
  ports: [{port: 80, nodePort: 30080}]
`;

const cnis = ['flannel', 'flannel-host-gw', 'calico', 'calico-vxlan', 'calico-ipip', 'kindnet'];

/** A family's addresses; `$W` is the far pod's address, `$H` that in a URL. */
const families = {
  ipv4: {
    podCIDR: '10.244.0.0/16',
    ext: '203.0.113.10',
    node: '192.168.50.11',
    nobody: '10.244.1.99',
    option: '-4',
  },
  ipv6: {
    podCIDR: 'fd00:10:244::/56',
    ext: '2001:db8:113::10',
    node: '[fd00:192:168:50::11]',
    nobody: 'fd00:10:244:1::99',
    option: '-6',
  },
} as const;
type FamilyName = keyof typeof families;

function clusterWith(cni: string, family: FamilyName): Cluster {
  const made = createCluster({ cni, podCIDR: families[family].podCIDR });
  if ('diagnostics' in made) throw new Error(made.diagnostics.map(({ message }) => message).join());
  expect(made.cluster.apply(manifest).ok).toBe(true);
  expect(made.cluster.run(`W=$(kubectl get pod web -o jsonpath={.status.podIP})`).exitCode).toBe(0);
  expect(made.cluster.run(family === 'ipv4' ? 'H=$W' : 'H="[$W]"').exitCode).toBe(0);
  return made.cluster;
}

/** One of each kind that a lab has. */
const kinds = ({
  ext,
  node,
  nobody,
  option,
}: (typeof families)[FamilyName]): readonly (readonly [what: string, line: string])[] => [
  ['HTTP over a Service', 'for i in 1 2 3; do kubectl exec client -- curl -s http://web; done'],
  ['fragments', 'kubectl exec client -- ping -c 1 -s 3000 $W'],
  [
    'packets too big',
    `ssh router ip link set eth1 mtu 1300; kubectl exec client -- ping -c 1 -W 1 -M do -s 1350 ${ext}`,
  ],
  ['an expired TTL', `kubectl exec client -- ping -c 1 -t 1 ${ext}`],
  ['traceroute', 'kubectl exec client -- traceroute -n $W'],
  ['names over TCP', 'kubectl exec client -- dig +tcp web.default.svc.cluster.local'],
  ['a refused connection', 'kubectl exec client -- curl -s -m 2 http://$H:81'],
  ['a refused datagram', 'echo hi | kubectl exec -i client -- nc -u -w 1 $W 9999'],
  ['a NodePort from outside', `ssh ext curl -s -m 1 http://${node}:30080`],
  [
    'an upload',
    `printf %s ${'x'.repeat(20_000)} | kubectl exec -i client -- curl -s --data-binary @- http://$H`,
  ],
  ['an address that nobody has', `kubectl exec client -- ping -c 1 -W 4 ${nobody}`],
  ['a mistake', `ssh node-1 ip ${option} route del default; kubectl exec client -- ping -c 1 -W 1 ${ext}`],
];

describe.skipIf(!present)('a capture that tshark reads', () => {
  const file = new CaptureFile();
  afterAll(() => file.remove());

  const clusters = new Map<string, Cluster>();
  beforeAll(() => {
    for (const cni of cnis)
      for (const family of ['ipv4', 'ipv6'] as const)
        clusters.set(`${cni} ${family}`, clusterWith(cni, family));
  });

  function record(cni: string, command: string, family: FamilyName = 'ipv4'): ExperimentRecord {
    const result = clusters.get(`${cni} ${family}`)?.run(command);
    if (result === undefined) throw new Error(cni);
    return result.record;
  }

  const every = cnis.flatMap((cni) => [[cni, 'ipv4'] as const, [cni, 'ipv6'] as const]);
  test.each(every)('%s, %s: no kind of traffic has a malformed packet or a wrong checksum', (cni, family) => {
    const records = kinds(families[family]).map(([what, line]) => ({
      what,
      record: record(cni, line, family),
    }));
    const frames = (one: ExperimentRecord): number =>
      one.events.filter(({ kind }) => kind === 'frame').length;
    expect(records.filter((one) => frames(one.record) < 4).map(({ what }) => what)).toEqual([]);
    file.write(...records.map((one) => pcapng(one.record)));
    expect(file.read()).toHaveLength(records.reduce((sum, one) => sum + frames(one.record), 0));
    expect(file.complaints()).toEqual([]);
  });

  test('names each interface after its namespace and device', () => {
    const told = record('flannel', 'kubectl exec client -- ping -c 1 $W');
    file.write(pcapng(told));
    const wanted = told.events.flatMap((event) =>
      event.kind === 'frame' ? [`${event.netns}:${event.dev}`] : [],
    );
    expect(file.read('-T', 'fields', '-e', 'frame.interface_name')).toEqual(wanted);
  });

  test('holds the payload, so that the page can be read out of it', () => {
    file.write(pcapng(record('flannel', 'kubectl exec client -- curl -s http://$W')));
    const [status] = file.read('-Y', 'http.response', '-T', 'fields', '-e', 'http.response.code');
    expect(status).toBe('200');
  });

  test('a wrong byte would be found', () => {
    const bytes = pcapng(record('flannel', 'kubectl exec client -- ping -c 1 $W'));
    // The TTL of the last frame.
    const at = bytes.lastIndexOf(0x45);
    bytes[at + 8] = 1;
    file.write(bytes);
    expect(file.complaints()).toHaveLength(1);
  });
});
