import { describe, expect, it } from 'vitest';
import { readInventory } from '../../../src/engine/policy/inventory.ts';

const pod = (name: string, rest = ''): string =>
  `{apiVersion: v1, kind: Pod, metadata: {name: ${name}, namespace: shop, labels: {app: ${name}}}, spec: {containers: [{name: c, image: nginx, ports: [{name: http, containerPort: 80}]}]}${rest}}`;
const read = (...texts: readonly string[]) =>
  readInventory(texts.map((text, i) => ({ name: `${i}.yaml`, text })));

describe('what manifests say of who may talk to whom', () => {
  it('needs no namespace before the pods that are in it, nor in the files at all', () => {
    const namespace = '{apiVersion: v1, kind: Namespace, metadata: {name: shop, labels: {team: a}}}';
    const after = read(`${pod('web')}\n---\n${namespace}`);
    expect(after.diagnostics).toEqual([]);
    expect([...after.policies.namespaces]).toMatchObject([{ name: 'shop', labels: { team: 'a' } }]);
    const nowhere = read(pod('web'));
    expect(nowhere.diagnostics).toEqual([]);
    expect(nowhere.endpoints).toMatchObject([{ namespace: 'shop', name: 'web', kind: 'Pod' }]);
  });

  it('takes the addresses of pods from the status of a dump', () => {
    const [one] = read(pod('web', ', status: {podIP: 10.244.1.2}')).endpoints;
    expect(one?.policy).toMatchObject({ kind: 'pod', ips: ['10.244.1.2'] });
    const [two] = read(pod('web', ', status: {podIPs: [{ip: 10.244.1.2}, {ip: "fd00::2"}]}')).endpoints;
    expect(two?.policy).toMatchObject({ ips: ['10.244.1.2', 'fd00::2'] });
  });

  it.each([
    ['apps/v1', 'Deployment', 'selector: {matchLabels: {app: x}}, template: TEMPLATE'],
    ['apps/v1', 'StatefulSet', 'selector: {matchLabels: {app: x}}, serviceName: x, template: TEMPLATE'],
    ['apps/v1', 'DaemonSet', 'selector: {matchLabels: {app: x}}, template: TEMPLATE'],
    ['apps/v1', 'ReplicaSet', 'selector: {matchLabels: {app: x}}, template: TEMPLATE'],
    ['batch/v1', 'Job', 'template: TEMPLATE'],
    ['batch/v1', 'CronJob', 'schedule: "* * * * *", jobTemplate: {spec: {template: TEMPLATE}}'],
    ['v1', 'ReplicationController', 'selector: {app: x}, template: TEMPLATE'],
  ])('lets a pod of the template of a %s %s stand for it', (apiVersion, kind, spec) => {
    const restart = kind.endsWith('Job') ? 'restartPolicy: Never, ' : '';
    const template = `{metadata: {labels: {app: x}}, spec: {${restart}containers: [{name: c, image: nginx}]}}`;
    const text = `{apiVersion: ${apiVersion}, kind: ${kind}, metadata: {name: x, namespace: shop}, spec: {${spec.replace('TEMPLATE', template)}}}`;
    const { endpoints, diagnostics } = read(text);
    expect(diagnostics).toEqual([]);
    expect(endpoints).toMatchObject([{ kind, name: 'x', policy: { kind: 'pod', labels: { app: 'x' } } }]);
  });

  it('takes a pod on its node’s network for an address', () => {
    const text = pod('web', ', status: {podIP: 192.168.50.11}').replace(
      'spec: {',
      'spec: {hostNetwork: true, ',
    );
    expect(read(text).endpoints[0]?.policy).toEqual({ kind: 'external', ip: '192.168.50.11' });
  });

  it('leaves out what the API server refuses, and says where it stands', () => {
    const policy =
      'apiVersion: networking.k8s.io/v1\nkind: NetworkPolicy\nmetadata: {name: p}\nspec:\n  podSelector: {}\n  ingress:\n  - form: []\n';
    const { policies, diagnostics } = read(pod('web'), policy);
    expect([...policies.networkPolicies]).toEqual([]);
    expect(diagnostics).toMatchObject([
      { severity: 'error', file: '1.yaml', line: 7, column: 5, code: 'manifest/unknown-field' },
    ]);
  });

  it('only warns of what policies do not look at', () => {
    const route = '{apiVersion: route.openshift.io/v1, kind: Route, metadata: {name: r}}';
    const service =
      '{apiVersion: v1, kind: Service, metadata: {name: s, namespace: shop}, spec: {ports: [{port: 0}]}}';
    const { diagnostics, endpoints } = read(`${route}\n---\n${service}\n---\n${pod('web')}`);
    expect([...new Set(diagnostics.map(({ severity, code }) => `${severity} ${code}`))]).toEqual([
      'warning manifest/invalid',
      'warning manifest/unknown-kind',
    ]);
    expect(endpoints).toHaveLength(1);
  });
});
