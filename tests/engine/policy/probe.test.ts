import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { readInventory } from '../../../src/engine/policy/inventory.ts';
import { Prober } from '../../../src/engine/policy/probe.ts';

const MANIFESTS = `
{apiVersion: v1, kind: Pod, metadata: {name: client, labels: {app: client}}, spec: {containers: [{name: c, image: nginx}]}}
---
{apiVersion: v1, kind: Pod, metadata: {name: web, labels: {app: web}}, spec: {containers: [{name: c, image: nginx, ports: [{name: http, containerPort: 8080}]}]}}
---
apiVersion: apps/v1
kind: Deployment
metadata: {name: web}
spec: {selector: {matchLabels: {app: web}}, template: {metadata: {labels: {app: web}}, spec: {containers: [{name: c, image: nginx}]}}}
---
apiVersion: apps/v1
kind: Deployment
metadata: {name: api}
spec: {selector: {matchLabels: {app: api}}, template: {metadata: {labels: {app: api}}, spec: {containers: [{name: c, image: nginx}]}}}
---
apiVersion: v1
kind: Pod
metadata: {name: api-1, labels: {app: api}, ownerReferences: [{apiVersion: apps/v1, kind: ReplicaSet, name: api-55, uid: u, controller: true}]}
spec: {containers: [{name: c, image: nginx}]}
---
apiVersion: networking.k8s.io/v1
kind: NetworkPolicy
metadata: {name: web}
spec:
  podSelector: {matchLabels: {app: web}}
  ingress: [{from: [{podSelector: {matchLabels: {app: api}}}], ports: [{port: http}]}]
`;
const prober = new Prober(readInventory([{ name: 'm.yaml', text: MANIFESTS }]));
const ask = (probe: unknown) => prober.answer(JSON.stringify(probe));
const allowed = (probe: unknown): unknown => {
  const answer = ask(probe);
  if (!answer.ok) return answer.problem.message;
  return answer.verdict.kind === 'self' ? 'self' : answer.verdict.allowed;
};

describe('a probe', () => {
  it.each([
    [{ from: 'default/client', to: 'default/web', protocol: 'TCP', port: 8080 }, false],
    [{ from: 'default/api-1', to: 'default/web', protocol: 'TCP', port: 8080 }, true],
    [{ from: 'default/api-1', to: 'default/web', port: 'http' }, true],
    [{ from: 'api-1', to: 'web', protocol: 'udp', port: '8080' }, false],
    [{ from: 'default/api[Deployment]', to: 'default/web', port: 8080 }, true],
    [{ from: 'default/api[deploy]', to: 'default/web[Pod]', port: 8080 }, true],
    [{ from: 'default/api', to: 'default/web[Pod]', port: 8080 }, true],
    [{ from: 'default/api-55[ReplicaSet]', to: 'default/web', port: 8080 }, true],
    [{ from: 'default/api[Deployment]', to: 'default/web[Deployment]', port: 8080 }, false],
    [{ from: 'default/web', to: 'default/web', port: 1 }, 'self'],
    [{ from: 'default/web[Deployment]', to: 'default/web[Deployment]', port: 1 }, false],
    [{ from: 'default/web', to: '10.244.1.2', port: 53, protocol: 'UDP' }, true],
    [{ from: '2001:db8::1', to: 'default/web', port: 8080, protocol: 'TCP' }, false],
    [{ from: 'default/web', to: 'default/client', port: 65535, protocol: 'SCTP' }, true],
  ])('%j gets %s', (probe, expected) => {
    expect(allowed(probe)).toBe(expected);
  });

  it.each([
    ['{"from": "a"', 'probe/json', 13],
    ['{"from": "default/web" "to": "default/web"}', 'probe/json', 24],
    [' nonsense', 'probe/json', 2],
    ['[]', 'probe/object', 1],
    ['  null', 'probe/object', 3],
    ['{"from": "default/web", "port": 80}', 'probe/to', 1],
    ['{"from": 7, "to": "default/web", "port": 80}', 'probe/from', 2],
    ['{"to": "default/web", "from": "nowhere/x", "port": 80}', 'probe/endpoint', 23],
    ['{"from": "a/b/c", "to": "default/web", "port": 80}', 'probe/endpoint', 2],
    ['{"from": "300.1.1.1/8", "to": "default/web", "port": 80}', 'probe/endpoint', 2],
    ['{"from": "default/client", "to": "default/web", "protocol": "ICMP", "port": 80}', 'probe/protocol', 49],
    ['{"from": "default/client", "to": "default/web", "port": 0}', 'probe/port', 49],
    ['{"from": "default/client", "to": "default/web", "port": 80.5}', 'probe/port', 49],
    ['{"from": "default/client", "to": "default/web", "port": "https"}', 'probe/port', 49],
    ['{"from": "default/client", "to": "default/web"}', 'probe/port', 1],
  ])('in %s is a problem %s in column %i', (line, code, column) => {
    expect(prober.answer(line)).toMatchObject({ ok: false, problem: { code, column } });
  });

  it('asks which, when a name may be two workloads', () => {
    const job = MANIFESTS.replace(
      'kind: Deployment\nmetadata: {name: api}',
      'kind: DaemonSet\nmetadata: {name: api}',
    );
    const two = new Prober(
      readInventory([
        { name: 'a', text: MANIFESTS },
        { name: 'b', text: job },
      ]),
    );
    const answer = two.answer('{"from": "default/api", "to": "default/web", "port": 80}');
    expect(answer).toMatchObject({
      ok: false,
      problem: {
        message: '"from": default/api may be default/api[Deployment] or default/api[DaemonSet]: say which',
      },
    });
  });

  it('never throws, whatever the line says', () => {
    fc.assert(
      fc.property(
        fc.oneof(
          fc.string(),
          fc.json(),
          fc.object().map((o) => JSON.stringify(o)),
        ),
        (line) => {
          expect(prober.answer(line).ok).toBe(false);
        },
      ),
    );
  });
});
