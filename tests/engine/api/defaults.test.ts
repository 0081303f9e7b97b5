import { describe, expect, test } from 'vitest';
import { apply, newServer, podText } from './server-under-test.ts';

const podSpec = (text: string) => {
  const server = newServer();
  expect(apply(server, text).stderr).toEqual([]);
  return server.store.get('Pod', 'default', 'x')?.spec;
};

const serviceSpec = (spec: string, serviceCIDR = '10.96.0.0/12') => {
  const server = newServer({ serviceCIDR });
  expect(
    apply(server, `{apiVersion: v1, kind: Service, metadata: {name: x}, spec: {${spec}}}`).stderr,
  ).toEqual([]);
  return server.store.get('Service', 'default', 'x')?.spec;
};

describe('pods', () => {
  test('are filled in as the API server and admission fill them in', () => {
    expect(
      podSpec(podText('x', 'ports: [{containerPort: 80}], readinessProbe: {httpGet: {port: 80}}')),
    ).toEqual({
      containers: [
        {
          name: 'c',
          image: 'nginx',
          imagePullPolicy: 'Always',
          ports: [{ containerPort: 80, protocol: 'TCP' }],
          readinessProbe: {
            httpGet: { port: 80, path: '/', scheme: 'HTTP' },
            timeoutSeconds: 1,
            periodSeconds: 10,
            successThreshold: 1,
            failureThreshold: 3,
          },
          resources: {},
          terminationMessagePath: '/dev/termination-log',
          terminationMessagePolicy: 'File',
          volumeMounts: [
            {
              mountPath: '/var/run/secrets/kubernetes.io/serviceaccount',
              name: expect.stringMatching(/^kube-api-access-.{5}$/),
              readOnly: true,
            },
          ],
        },
      ],
      volumes: [
        {
          name: expect.stringMatching(/^kube-api-access-.{5}$/),
          projected: expect.objectContaining({ defaultMode: 420 }),
        },
      ],
      dnsPolicy: 'ClusterFirst',
      enableServiceLinks: true,
      preemptionPolicy: 'PreemptLowerPriority',
      priority: 0,
      restartPolicy: 'Always',
      schedulerName: 'default-scheduler',
      securityContext: {},
      serviceAccount: 'default',
      serviceAccountName: 'default',
      terminationGracePeriodSeconds: 30,
      tolerations: [
        {
          effect: 'NoExecute',
          key: 'node.kubernetes.io/not-ready',
          operator: 'Exists',
          tolerationSeconds: 300,
        },
        {
          effect: 'NoExecute',
          key: 'node.kubernetes.io/unreachable',
          operator: 'Exists',
          tolerationSeconds: 300,
        },
      ],
    });
  });

  test.each([
    ['nginx', 'Always'],
    ['nginx:latest', 'Always'],
    ['nginx:1.25', 'IfNotPresent'],
    ['localhost:5000/nginx', 'Always'],
    ['localhost:5000/nginx:1', 'IfNotPresent'],
    ['nginx@sha256:abc', 'IfNotPresent'],
  ])('%s is pulled %s', (image, policy) => {
    expect(podSpec(podText('x').replace('nginx', `"${image}"`))?.containers[0]?.imagePullPolicy).toBe(policy);
  });

  test('limits are requests where there are none', () => {
    expect(
      podSpec(podText('x', 'resources: {limits: {cpu: 1, memory: 1Gi}, requests: {cpu: 500m}}'))
        ?.containers[0]?.resources,
    ).toEqual({
      limits: { cpu: 1, memory: '1Gi' },
      requests: { cpu: '500m', memory: '1Gi' },
    });
  });

  test('ports of the host network are host ports', () => {
    expect(
      podSpec(podText('x', 'ports: [{containerPort: 80}]', 'hostNetwork: true,'))?.containers[0]?.ports,
    ).toEqual([{ containerPort: 80, hostPort: 80, protocol: 'TCP' }]);
  });

  test('nulls and empty lists are absent', () => {
    const spec = podSpec(podText('x', 'command: [], env: null', 'nodeSelector: {}, volumes: null,'));
    expect(spec?.containers[0]).not.toHaveProperty('command');
    expect(spec?.containers[0]).not.toHaveProperty('env');
    expect(spec).not.toHaveProperty('nodeSelector');
  });
});

describe('Services', () => {
  test('get an address of the range, beyond its first 256', () => {
    const spec = serviceSpec('ports: [{port: 80}]');
    expect(spec).toMatchObject({
      type: 'ClusterIP',
      sessionAffinity: 'None',
      internalTrafficPolicy: 'Cluster',
      ipFamilies: ['IPv4'],
      ipFamilyPolicy: 'SingleStack',
      ports: [{ port: 80, protocol: 'TCP', targetPort: 80 }],
    });
    expect(spec?.clusterIP).toMatch(/^10\.(9[6-9]|10\d|11[01])\.\d+\.\d+$/);
    expect(spec?.clusterIP).not.toMatch(/^10\.96\.0\./);
    expect(spec?.clusterIPs).toEqual([spec?.clusterIP]);
  });

  test('the address depends on the Service alone, not on what came before', () => {
    const server = newServer();
    apply(server, '{apiVersion: v1, kind: Service, metadata: {name: other}, spec: {ports: [{port: 1}]}}');
    apply(server, '{apiVersion: v1, kind: Service, metadata: {name: x}, spec: {ports: [{port: 80}]}}');
    expect(server.store.get('Service', 'default', 'x')?.spec.clusterIP).toBe(
      serviceSpec('ports: [{port: 80}]')?.clusterIP,
    );
  });

  test('a small range is used up, and then said to be full', () => {
    const server = newServer({ serviceCIDR: '10.96.0.0/29' });
    const made = Array.from({ length: 8 }, (_, i) =>
      apply(server, `{apiVersion: v1, kind: Service, metadata: {name: s${i}}, spec: {ports: [{port: 80}]}}`),
    );
    expect(made.filter(({ ok }) => ok)).toHaveLength(6);
    expect(made.at(-1)?.stderr[0]).toBe(
      'The Service "s7" is invalid: spec.clusterIPs: Internal error: failed to allocate a serviceIP: range is full',
    );
    const ips = server.store.list('Service').map(({ spec }) => spec.clusterIP);
    expect(new Set(ips).size).toBe(6);
  });

  test.each([
    ['headless', 'clusterIP: None, ports: [{port: 80}]', { clusterIP: 'None', clusterIPs: ['None'] }],
    [
      'an external name',
      'type: ExternalName, externalName: example.org',
      { type: 'ExternalName', externalName: 'example.org', sessionAffinity: 'None' },
    ],
    [
      'affinity',
      'sessionAffinity: ClientIP, ports: [{port: 80}]',
      { sessionAffinityConfig: { clientIP: { timeoutSeconds: 10_800 } } },
    ],
    [
      'a load balancer',
      'type: LoadBalancer, ports: [{port: 80}]',
      { externalTrafficPolicy: 'Cluster', allocateLoadBalancerNodePorts: true },
    ],
    [
      'a chosen address',
      'clusterIP: 10.96.0.10, ports: [{port: 80}]',
      { clusterIP: '10.96.0.10', clusterIPs: ['10.96.0.10'] },
    ],
  ])('%s', (_, spec, expected) => {
    expect(serviceSpec(spec)).toMatchObject(expected);
  });

  test('an external name has no address', () => {
    expect(serviceSpec('type: ExternalName, externalName: example.org')).not.toHaveProperty('clusterIP');
  });

  test('two families have two addresses where both are asked for', () => {
    const spec = serviceSpec(
      'ipFamilyPolicy: PreferDualStack, ports: [{port: 80}]',
      '10.96.0.0/12,fd00:10:96::/112',
    );
    expect(spec?.ipFamilies).toEqual(['IPv4', 'IPv6']);
    expect(spec?.clusterIPs?.[1]).toMatch(/^fd00:10:96::/);
  });
});

test('a NetworkPolicy with egress rules is about both directions', () => {
  const server = newServer();
  const policy = (name: string, spec: string) =>
    apply(
      server,
      `{apiVersion: networking.k8s.io/v1, kind: NetworkPolicy, metadata: {name: ${name}}, spec: {podSelector: {}, ${spec}}}`,
    );
  policy('in', 'ingress: []');
  policy('both', 'egress: [{ports: [{port: 53}]}]');
  expect(server.store.get('NetworkPolicy', 'default', 'in')?.spec.policyTypes).toEqual(['Ingress']);
  expect(server.store.get('NetworkPolicy', 'default', 'both')?.spec).toMatchObject({
    policyTypes: ['Ingress', 'Egress'],
    egress: [{ ports: [{ port: 53, protocol: 'TCP' }] }],
  });
});

test("a Secret's text becomes data", () => {
  const server = newServer();
  apply(server, '{apiVersion: v1, kind: Secret, metadata: {name: s}, stringData: {password: "h\u00e9llo"}}');
  expect(server.store.get('Secret', 'default', 's')).toMatchObject({
    type: 'Opaque',
    data: { password: 'aMOpbGxv' },
  });
});

test('a Namespace is labelled with its name', () => {
  const server = newServer();
  apply(server, '{apiVersion: v1, kind: Namespace, metadata: {name: shop}}');
  expect(server.store.get('Namespace', undefined, 'shop')).toMatchObject({
    metadata: { labels: { 'kubernetes.io/metadata.name': 'shop' } },
    spec: { finalizers: ['kubernetes'] },
    status: { phase: 'Active' },
  });
});
