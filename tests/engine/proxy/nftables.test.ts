import { describe, expect, it } from 'vitest';
import { createCluster, type Cluster } from '../../../src/engine/index.ts';

const WEB = `
apiVersion: apps/v1
kind: Deployment
metadata: { name: web }
spec:
  replicas: 2
  selector: { matchLabels: { app: web } }
  template:
    metadata: { labels: { app: web } }
    spec: { containers: [{ name: nginx, image: 'nginx:1.27', ports: [{ containerPort: 80 }] }] }
---
apiVersion: v1
kind: Service
metadata: { name: web }
spec: { type: NodePort, selector: { app: web }, clusterIP: 10.96.0.20, ports: [{ port: 80, nodePort: 30080 }] }
---
apiVersion: v1
kind: Pod
metadata: { name: client }
spec: { nodeName: node-1, containers: [{ name: c, image: nicolaka/netshoot, command: [sleep, infinity] }] }
`;

function cluster(manifests = WEB): Cluster {
  const made = createCluster({ nodes: 2, proxy: 'nftables' });
  if (!('cluster' in made)) throw new Error(JSON.stringify(made.diagnostics));
  made.cluster.apply(manifests);
  return made.cluster;
}

describe('a cluster with proxy=nftables', () => {
  it('serves a ClusterIP, by name too, and a NodePort on the node’s own address', () => {
    const lab = cluster();
    expect(lab.run('kubectl exec client -- curl -s -m 5 http://web').output).toContain('Welcome to nginx!');
    expect(lab.run('ssh ext curl -s -m 5 http://192.168.50.12:30080').output).toContain('Welcome to nginx!');
  });

  it('refuses ports that a ClusterIP lacks, and is silent about addresses that nobody has', () => {
    const lab = cluster();
    const lacking = lab.run('kubectl exec client -- curl -sS -m 3 http://10.96.0.20:81');
    expect(lacking.output).toContain('Could not connect to server');
    const nobody = lab.run('kubectl exec client -- curl -sS -m 3 http://10.96.0.99');
    expect(nobody.output).toContain('Connection timed out');
  });

  it('has no rule of its own in iptables, and does not serve NodePorts on localhost', () => {
    const lab = cluster();
    expect(lab.run('ssh node-1 iptables-save').output).not.toContain('KUBE-');
    expect(lab.run('ssh node-1 curl -sS -m 3 http://127.0.0.1:30080').exitCode).toBe(7);
  });

  it('tells by which rule and which element of which map a packet went', () => {
    const lab = cluster();
    const { record } = lab.run('kubectl exec client -- curl -s http://10.96.0.20');
    const rules = (record?.events ?? []).flatMap((event) =>
      event.kind === 'decision' && event.decision.code === 'nft-rule' ? [event.decision] : [],
    );
    const looked = rules.find(({ set }) => set === 'map service-ips');
    expect(looked).toMatchObject({
      table: 'ip kube-proxy',
      chain: 'services',
      rule: 'ip daddr . meta l4proto . th dport vmap @service-ips',
    });
    expect(looked?.element).toMatch(
      /^10\.96\.0\.20 \. tcp \. 80 : goto service-[A-Z2-7]{8}-default\/web\/tcp\/$/,
    );
    const listed = lab.run('ssh node-1 nft list table ip kube-proxy').output;
    for (const { rule, element } of rules) {
      expect(listed).toContain(`\t\t${rule}\n`);
      if (element !== undefined) expect(listed).toContain(element);
    }
    const table = record?.tables.find(({ command }) => command === 'nft list table ip kube-proxy');
    expect(table?.lines).toContain(`\t\t${looked?.rule ?? ''}`);
  });
});
