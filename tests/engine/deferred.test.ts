import { afterEach, describe, expect, it, vi } from 'vitest';
import { cniNames } from '../../src/engine/cni/registry.ts';
import { createCluster } from '../../src/engine/index.ts';
import type { Cluster } from '../../src/engine/index.ts';
import { Netns } from '../../src/engine/net/netns.ts';

afterEach(() => vi.restoreAllMocks());

/** Nothing is put off any more: every namespace, link, process and table entry is made at once. */
function atOnce(): void {
  vi.spyOn(Netns.prototype, 'defer').mockImplementation(function (this: Netns, run) {
    this.amend(run);
  });
  vi.spyOn(Netns.prototype, 'fill').mockImplementation(function (this: Netns) {
    this.fillAll();
  });
}

const workloads = `
apiVersion: apps/v1
kind: Deployment
metadata: { name: web }
spec:
  replicas: 9
  selector: { matchLabels: { app: web } }
  template:
    metadata: { labels: { app: web } }
    spec: { containers: [{ name: web, image: 'nginx:1.27', ports: [{ containerPort: 80 }] }] }
---
apiVersion: v1
kind: Service
metadata: { name: web }
spec: { type: NodePort, selector: { app: web }, ports: [{ port: 80, nodePort: 30080 }] }
---
apiVersion: apps/v1
kind: Deployment
metadata: { name: probed }
spec:
  replicas: 3
  selector: { matchLabels: { app: probed } }
  template:
    metadata: { labels: { app: probed } }
    spec:
      containers:
        - name: web
          image: 'nginx:1.27'
          readinessProbe: { httpGet: { path: /, port: 80 }, periodSeconds: 5 }
---
apiVersion: apps/v1
kind: DaemonSet
metadata: { name: agent }
spec:
  selector: { matchLabels: { app: agent } }
  template:
    metadata: { labels: { app: agent } }
    spec:
      hostNetwork: true
      containers: [{ name: agent, image: 'hashicorp/http-echo:1.0', args: ['-text=agent', '-listen=:9100'] }]
---
apiVersion: v1
kind: Pod
metadata: { name: client }
spec: { nodeName: node-1, containers: [{ name: c, image: nicolaka/netshoot, command: [sleep, infinity] }] }
---
apiVersion: v1
kind: Pod
metadata: { name: taken }
spec:
  nodeName: node-2
  containers:
    - { name: first, image: 'nginx:1.27' }
    - { name: second, image: 'nginx:1.27' }
`;

const team = (i: number, replicas: number): string => `
apiVersion: apps/v1
kind: Deployment
metadata: { name: team-${i} }
spec:
  replicas: ${replicas}
  selector: { matchLabels: { team: t${i} } }
  template:
    metadata: { labels: { team: t${i} } }
    spec: { containers: [{ name: web, image: 'nginx:1.27' }] }
---
apiVersion: v1
kind: Service
metadata: { name: team-${i} }
spec: { selector: { team: t${i} }, ports: [{ port: 80 }] }
`;

/** A life with everything in it: calls, rollouts, deletions, a lost node, a new one, tables changed by hand. */
const life: readonly ((cluster: Cluster) => unknown)[] = [
  (cluster) => cluster.apply(workloads).output,
  (cluster) => cluster.run('kubectl exec client -- curl -s -o /dev/null -w "%{http_code}\\n" http://web'),
  (cluster) => cluster.run('kubectl set image deployment/web web=nginx:1.28'),
  (cluster) => cluster.run('kubectl rollout status deployment/web'),
  (cluster) => cluster.run('kubectl delete pod -l app=probed --wait=false'),
  (cluster) => cluster.run('kubectl exec client -- curl -s -m 3 http://web/'),
  (cluster) => cluster.run('ssh node-2 ip route show'),
  (cluster) => cluster.run('kubectl delete node node-3'),
  (cluster) => {
    cluster.advance(400_000_000);
    return cluster.now();
  },
  (cluster) =>
    cluster.apply(
      'apiVersion: v1\nkind: Node\nmetadata: { name: node-3 }\n---\napiVersion: v1\nkind: Node\nmetadata: { name: node-9 }\n',
    ).output,
  (cluster) => cluster.run('kubectl scale deployment/web --replicas=20'),
  (cluster) => cluster.run('kubectl rollout status deployment/web'),
  (cluster) => cluster.run('kubectl exec client -- curl -s -m 3 http://web/'),
  (cluster) =>
    cluster.run('ssh ext curl -s -m 3 -o /dev/null -w "%{http_code}\\n" http://192.168.50.11:30080/'),
];

const inspected = [
  'ip -d addr',
  'ip route show table all',
  'ip -s neigh',
  'bridge -d link',
  'bridge fdb',
  'ss -tulnp',
  'iptables-save',
  'ip netns',
];

function everything(cluster: Cluster): unknown[] {
  const nodes = cluster.run('kubectl get nodes -o name').stdout.trim().split('\n');
  return [
    cluster.run('kubectl get pods -A -o yaml').stdout,
    cluster.run('kubectl get events -A').stdout,
    cluster.view(),
    ...nodes.flatMap((node) =>
      inspected.map((command) => cluster.run(`ssh ${node.replace('node/', '')} ${command}`).output),
    ),
    cluster.run(
      'for p in $(kubectl get pods -o name); do kubectl logs $p --all-containers; kubectl exec $p -- ss -tlnp; kubectl exec $p -- ip addr; done',
    ).output,
  ];
}

describe('what is put off until somebody looks', () => {
  it.each(cniNames.filter((name) => name !== 'none'))(
    'is, with %s, as if it had been done at once',
    (cni) => {
      const live = (): unknown[] => {
        const made = createCluster({ nodes: 4, cni });
        if ('diagnostics' in made) throw new Error(JSON.stringify(made.diagnostics));
        return [...life.map((step) => step(made.cluster)), ...everything(made.cluster)];
      };
      const late = live();
      atOnce();
      const early = live();
      for (const [i, value] of late.entries()) expect(value, `step ${i}`).toEqual(early[i]);
    },
    60_000,
  );

  it(
    'is so in a cluster of a thousand pods on a hundred nodes that loses and gains some',
    { timeout: 120_000 },
    () => {
      const nodes = 100;
      const live = (): unknown[] => {
        const made = createCluster({ nodes });
        if ('diagnostics' in made) throw new Error(JSON.stringify(made.diagnostics));
        const { cluster } = made;
        cluster.apply(Array.from({ length: 20 }, (_, i) => team(i, nodes / 2)).join('---\n'));
        cluster.apply(workloads);
        return [
          cluster.run('kubectl exec client -- curl -s -m 3 http://team-7'),
          cluster.run('kubectl set image deployment/team-3 web=nginx:1.28'),
          cluster.run('kubectl rollout status deployment/team-3'),
          cluster.run('kubectl delete node node-50 node-51'),
          cluster.run('kubectl delete deployment team-4'),
          cluster.run('kubectl scale deployment/team-5 --replicas=80'),
          cluster.run('kubectl exec client -- curl -s -m 3 http://team-3'),
          cluster.run('kubectl get pods,endpointslices -o wide'),
          ...[1, 2, 40, 77, 100].flatMap((n) =>
            inspected.map((command) => cluster.run(`ssh node-${n} ${command}`).output),
          ),
          cluster.view().pods,
        ];
      };
      const late = live();
      atOnce();
      const early = live();
      for (const [i, value] of late.entries()) expect(value, `step ${i}`).toEqual(early[i]);
    },
  );

  it('stays undone on nodes that nobody meets', () => {
    const made = createCluster({ nodes: 4 });
    if ('diagnostics' in made) throw new Error(JSON.stringify(made.diagnostics));
    const { cluster } = made;
    const settled = vi.spyOn(Netns.prototype, 'amend');
    cluster.apply(workloads.split('---').slice(0, 2).join('---'));
    cluster.run('kubectl get pods -o wide');
    expect(settled.mock.contexts.map((ns) => (ns instanceof Netns ? ns.name : ''))).not.toContain('node-4');
  });
});
