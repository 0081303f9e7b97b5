import { describe, expect, it } from 'vitest';
import { createCluster, type Cluster } from '../../../src/engine/index.ts';

function cluster(proxy: string, manifests: string): Cluster {
  const made = createCluster({ nodes: 2, proxy });
  if (!('cluster' in made)) throw new Error(JSON.stringify(made.diagnostics));
  const { diagnostics } = made.cluster.apply(manifests);
  expect(diagnostics.filter(({ severity }) => severity === 'error')).toEqual([]);
  return made.cluster;
}

function pods(name: string, node: string, count: number): string {
  return Array.from(
    { length: count },
    (_, i) => `
apiVersion: v1
kind: Pod
metadata: { name: ${name}-${i}, labels: { app: ${name} } }
spec: { nodeName: ${node}, containers: [{ name: c, image: registry.k8s.io/e2e-test-images/agnhost:2.53, args: [serve-hostname] }] }
---`,
  ).join('');
}

const CLIENT = `
apiVersion: v1
kind: Pod
metadata: { name: client }
spec: { nodeName: node-1, containers: [{ name: c, image: nicolaka/netshoot, command: [sleep, infinity] }] }
---`;

function ask(lab: Cluster, times: number, where = '10.96.0.20', from = 'kubectl exec client --'): string[] {
  const output = lab.run(
    `for i in $(seq ${times}); do ${from} curl -s -m 2 http://${where} || echo none; echo; done`,
  ).output;
  return output.split('\n').filter((line) => line !== '');
}

describe.each(['iptables', 'nftables'])('a Service with proxy=%s', (proxy) => {
  it('keeps a client with its endpoint for the time of its affinity, and forgets it then', () => {
    const lab = cluster(
      proxy,
      `${CLIENT}${pods('web', 'node-2', 4)}
apiVersion: v1
kind: Service
metadata: { name: web }
spec:
  clusterIP: 10.96.0.20
  selector: { app: web }
  sessionAffinity: ClientIP
  sessionAffinityConfig: { clientIP: { timeoutSeconds: 20 } }
  ports: [{ port: 80, targetPort: 9376 }]`,
    );
    const seen = new Set<string>();
    for (let round = 0; round < 6; round++) {
      const [first, ...others] = ask(lab, 4);
      expect(new Set(others)).toEqual(new Set([first]));
      // Asking again within the time prolongs it.
      lab.run('sleep 15');
      expect(ask(lab, 1)).toEqual([first]);
      lab.run('sleep 15');
      expect(ask(lab, 1)).toEqual([first]);
      seen.add(first ?? '');
      lab.run('sleep 22');
    }
    expect(seen.size).toBeGreaterThan(1);
  });

  it('spreads clients over its endpoints, new ones too, and leaves those that are gone', () => {
    const lab = cluster(
      proxy,
      `${CLIENT}${pods('web', 'node-2', 2)}
apiVersion: v1
kind: Service
metadata: { name: web }
spec: { clusterIP: 10.96.0.20, selector: { app: web }, ports: [{ port: 80, targetPort: 9376 }] }`,
    );
    expect(new Set(ask(lab, 12))).toEqual(new Set(['web-0', 'web-1']));
    lab.apply(pods('web', 'node-2', 3));
    expect(new Set(ask(lab, 20))).toEqual(new Set(['web-0', 'web-1', 'web-2']));
    lab.run('kubectl delete pod web-0 web-1');
    expect(new Set(ask(lab, 8))).toEqual(new Set(['web-2']));
    lab.run('kubectl delete pod web-2');
    const refused = lab.run('kubectl exec client -- curl -sS -m 3 http://10.96.0.20');
    expect(refused.output).toContain('Could not connect to server');
  });

  it('with internalTrafficPolicy Local serves only from where an endpoint is', () => {
    const lab = cluster(
      proxy,
      `${CLIENT}${pods('near', 'node-1', 1)}${pods('far', 'node-2', 1)}
apiVersion: v1
kind: Service
metadata: { name: near }
spec: { clusterIP: 10.96.0.20, selector: { app: near }, internalTrafficPolicy: Local, ports: [{ port: 80, targetPort: 9376 }] }
---
apiVersion: v1
kind: Service
metadata: { name: far }
spec: { clusterIP: 10.96.0.21, selector: { app: far }, internalTrafficPolicy: Local, ports: [{ port: 80, targetPort: 9376 }] }`,
    );
    expect(ask(lab, 1)).toEqual(['near-0']);
    expect(lab.run('kubectl exec client -- curl -sS -m 3 http://10.96.0.21').output).toContain('timed out');
  });

  it('with externalTrafficPolicy Local keeps the client’s address and drops where no endpoint is', () => {
    const lab = cluster(
      proxy,
      `
apiVersion: v1
kind: Pod
metadata: { name: web, labels: { app: web } }
spec: { nodeName: node-2, containers: [{ name: c, image: registry.k8s.io/e2e-test-images/agnhost:2.53, args: [netexec] }] }
---
apiVersion: v1
kind: Service
metadata: { name: web }
spec: { type: NodePort, selector: { app: web }, externalTrafficPolicy: Local, ports: [{ port: 80, targetPort: 8080, nodePort: 30080 }] }
---
apiVersion: v1
kind: Service
metadata: { name: any }
spec: { type: NodePort, selector: { app: web }, ports: [{ port: 80, targetPort: 8080, nodePort: 30081 }] }`,
    );
    expect(lab.run('ssh ext curl -s -m 3 http://192.168.50.12:30080/clientip').output).toMatch(
      /^203\.0\.113\.10:/,
    );
    expect(lab.run('ssh ext curl -sS -m 3 http://192.168.50.11:30080/clientip').output).toContain(
      'timed out',
    );
    expect(lab.run('ssh ext curl -s -m 3 http://192.168.50.11:30081/clientip').output).toMatch(
      /^10\.244\.1\.0:/,
    );
  });

  it('tells a load balancer on which nodes it has endpoints', () => {
    const lab = cluster(
      proxy,
      `${pods('web', 'node-2', 2)}
apiVersion: v1
kind: Service
metadata: { name: web }
spec:
  type: LoadBalancer
  selector: { app: web }
  externalTrafficPolicy: Local
  healthCheckNodePort: 32000
  ports: [{ port: 80, targetPort: 9376 }]`,
    );
    const check = (node: number): string =>
      lab.run(`ssh ext curl -s -m 3 -w '%{http_code}' http://192.168.50.1${node}:32000/healthz`).output;
    expect(check(2)).toMatch(/"localEndpoints": 2,\n\t"serviceProxyHealthy": true\n\}200$/);
    expect(check(1)).toMatch(/"localEndpoints": 0,\n\t"serviceProxyHealthy": true\n\}503$/);
    lab.run('kubectl delete service web');
    expect(lab.run('ssh ext curl -sS -m 3 http://192.168.50.12:32000/healthz').exitCode).toBe(7);
  });

  it('answers on its external addresses', () => {
    const lab = cluster(
      proxy,
      `${pods('web', 'node-2', 1)}
apiVersion: v1
kind: Service
metadata: { name: web }
spec: { selector: { app: web }, externalIPs: [198.51.100.7], ports: [{ port: 80, targetPort: 9376 }] }`,
    );
    lab.run('ssh ext ip route add 198.51.100.0/24 via 203.0.113.1');
    lab.run('ssh router ip route add 198.51.100.0/24 via 192.168.50.11');
    expect(ask(lab, 1, '198.51.100.7', 'ssh ext')).toEqual(['web-0']);
  });

  it('publishes addresses that are not ready when it is told to, and has none when it is headless', () => {
    const unready = `
apiVersion: v1
kind: Pod
metadata: { name: web-0, labels: { app: web } }
spec:
  nodeName: node-2
  containers:
    - name: c
      image: registry.k8s.io/e2e-test-images/agnhost:2.53
      args: [serve-hostname]
      readinessProbe: { httpGet: { port: 1, path: / }, periodSeconds: 1 }
---`;
    const lab = cluster(
      proxy,
      `${CLIENT}${unready}
apiVersion: v1
kind: Service
metadata: { name: strict }
spec: { clusterIP: 10.96.0.20, selector: { app: web }, ports: [{ port: 80, targetPort: 9376 }] }
---
apiVersion: v1
kind: Service
metadata: { name: eager }
spec: { clusterIP: 10.96.0.21, selector: { app: web }, publishNotReadyAddresses: true, ports: [{ port: 80, targetPort: 9376 }] }
---
apiVersion: v1
kind: Service
metadata: { name: bare }
spec: { clusterIP: None, selector: { app: web }, publishNotReadyAddresses: true, ports: [{ port: 9376 }] }`,
    );
    expect(lab.run('kubectl exec client -- curl -sS -m 3 http://10.96.0.20').output).toContain(
      'Could not connect',
    );
    expect(ask(lab, 1, '10.96.0.21')).toEqual(['web-0']);
    expect(ask(lab, 1, 'bare:9376')).toEqual(['web-0']);
    const rules = lab.run('ssh node-1 iptables-save; ssh node-1 nft list ruleset').output;
    expect(rules).not.toContain('default/bare');
  });
});
