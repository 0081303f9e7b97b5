import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { readInventory } from '../../../src/engine/policy/inventory.ts';
import { Reachability } from '../../../src/engine/policy/reachability.ts';

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

  it('keeps a pod that the API server would refuse for something else, and says so', () => {
    const { endpoints, diagnostics } = read(
      pod('web').replace('image: nginx', 'image: nginx, imagePullPolcy: Never'),
    );
    expect(endpoints).toMatchObject([
      { name: 'web', policy: { labels: { app: 'web' }, ports: [{ port: 80 }] } },
    ]);
    expect(diagnostics).toMatchObject([{ severity: 'error', code: 'manifest/unknown-field' }]);
  });

  it('never throws, whatever is in the files', () => {
    const piece = fc.constantFrom(
      ...[
        'kind: Pod\n',
        'apiVersion: v1\n',
        'metadata: {name: a}\n',
        'metadata: {labels: {__proto__: x}, name: b}\n',
      ],
      ...[
        'spec: {}\n',
        'spec: [1]\n',
        'spec: {template: {metadata: {labels: 7}}}\n',
        'kind: Deployment\n',
        '---\n',
      ],
      ...[
        'kind: NetworkPolicy\napiVersion: networking.k8s.io/v1\n',
        'spec: {podSelector: null, ingress: [null]}\n',
      ],
      ...[
        'spec: {containers: [{ports: [{name: 7, containerPort: x}]}], initContainers: 3}\n',
        '&a [*a]\n',
        '\0',
      ],
      ...[
        'metadata: {name: c, ownerReferences: [{controller: true}]}\n',
        'status: {podIP: 7, podIPs: [{ip: []}]}\n',
      ],
    );
    fc.assert(
      fc.property(fc.array(piece, { maxLength: 12 }), (pieces) => {
        const { endpoints, policies } = read(pieces.join(''));
        new Reachability(
          policies,
          endpoints.map(({ policy }) => policy),
        );
      }),
    );
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
