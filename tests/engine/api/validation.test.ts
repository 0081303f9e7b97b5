import { describe, expect, test } from 'vitest';
import { apply, newServer, podText } from './server-under-test.ts';

const label1123 =
  "a lowercase RFC 1123 label must consist of lower case alphanumeric characters or '-', and must start and end with an alphanumeric character (e.g. 'my-name',  or '123-abc', regex used for validation is '[a-z0-9]([-a-z0-9]*[a-z0-9])?')";
const label1035 =
  "a DNS-1035 label must consist of lower case alphanumeric characters or '-', start with an alphabetic character, and end with an alphanumeric character (e.g. 'my-name',  or 'abc-123', regex used for validation is '[a-z]([-a-z0-9]*[a-z0-9])?')";
const labelValue =
  "a valid label must be an empty string or consist of alphanumeric characters, '-', '_' or '.', and must start and end with an alphanumeric character (e.g. 'MyValue',  or 'my_value',  or '12345', regex used for validation is '(([A-Za-z0-9][-A-Za-z0-9_.]*)?[A-Za-z0-9])?')";

const service = (spec: string, name = 'x') =>
  `{apiVersion: v1, kind: Service, metadata: {name: ${name}}, spec: {${spec}}}`;
const policy = (spec: string) =>
  `{apiVersion: networking.k8s.io/v1, kind: NetworkPolicy, metadata: {name: x}, spec: {podSelector: {}, ${spec}}}`;
const deployment = (spec: string, labels = '{app: a}') =>
  `{apiVersion: apps/v1, kind: Deployment, metadata: {name: x}, spec: {selector: {matchLabels: {app: a}}, ${spec && `${spec}, `}template: {metadata: {labels: ${labels}}, spec: {containers: [{name: c, image: i}]}}}}`;
const ingress = (spec: string) =>
  `{apiVersion: networking.k8s.io/v1, kind: Ingress, metadata: {name: x}, spec: {${spec}}}`;

describe('one error is told in one line', () => {
  test.each([
    [
      'Service',
      'a port out of range',
      service('ports: [{port: 99999}]'),
      'spec.ports[0].port: Invalid value: 99999: must be between 1 and 65535, inclusive',
      'spec.ports[0].targetPort: Invalid value: 99999: must be between 1 and 65535, inclusive',
    ],
    [
      'Service',
      'a target out of range',
      service('ports: [{port: 80, targetPort: 0}]'),
      'spec.ports[0].targetPort: Invalid value: 0: must be between 1 and 65535, inclusive',
    ],
    ['Service', 'no ports', service('selector: {a: b}'), 'spec.ports: Required value'],
    [
      'Service',
      'an unknown type',
      service('type: Loadbalancer, ports: [{port: 80}]'),
      'spec.type: Unsupported value: "Loadbalancer": supported values: "ClusterIP", "ExternalName", "LoadBalancer", "NodePort"',
    ],
    [
      'Service',
      'an unknown protocol',
      service('ports: [{port: 80, protocol: HTTP}]'),
      'spec.ports[0].protocol: Unsupported value: "HTTP": supported values: "SCTP", "TCP", "UDP"',
    ],
    [
      'Service',
      'several ports without names',
      service('ports: [{port: 80}, {port: 81, name: b}]'),
      'spec.ports[0].name: Required value',
    ],
    [
      'Service',
      'a port twice',
      service('ports: [{port: 80, name: a}, {port: 80, name: b}]'),
      'spec.ports[1]: Duplicate value: {"port":80,"protocol":"TCP"}',
    ],
    [
      'Service',
      'a cluster IP outside',
      service('clusterIP: 10.0.0.1, ports: [{port: 80}]'),
      'spec.clusterIPs: Invalid value: ["10.0.0.1"]: failed to allocate IP 10.0.0.1: the provided IP (10.0.0.1) is not in the valid range. The range of valid IPs is 10.96.0.0/12',
    ],
    [
      'Service',
      'a cluster IP that is none',
      service('clusterIP: 10.96.0.256, ports: [{port: 80}]'),
      'spec.clusterIPs[0]: Invalid value: "10.96.0.256": must be a valid IP address, (e.g. 10.9.8.7 or 2001:db8::ffff)',
    ],
    [
      'Service',
      'a node port out of range',
      service('type: NodePort, ports: [{port: 80, nodePort: 80}]'),
      'spec.ports[0].nodePort: Invalid value: 80: provided port is not in the valid range. The range of valid ports is 30000-32767',
    ],
    [
      'Service',
      'a node port for a ClusterIP',
      service('ports: [{port: 80, nodePort: 30080}]'),
      "spec.ports[0].nodePort: Forbidden: may not be used when `type` is 'ClusterIP'",
    ],
    [
      'Service',
      'a family that the cluster lacks',
      service('ipFamilies: [IPv6], ports: [{port: 80}]'),
      'spec.ipFamilies[0]: Invalid value: "IPv6": not configured on this cluster',
    ],
    ['Service', 'no external name', service('type: ExternalName'), 'spec.externalName: Required value'],
    [
      'Service',
      'a bad name',
      service('ports: [{port: 80}]', '1st'),
      `metadata.name: Invalid value: "1st": ${label1035}`,
    ],
    [
      'Service',
      'a bad selector',
      service('ports: [{port: 80}], selector: {a: b c}'),
      `spec.selector: Invalid value: "b c": ${labelValue}`,
    ],
    [
      'Pod',
      'no containers',
      '{apiVersion: v1, kind: Pod, metadata: {name: x}, spec: {}}',
      'spec.containers: Required value',
    ],
    [
      'Pod',
      'no image',
      '{apiVersion: v1, kind: Pod, metadata: {name: x}, spec: {containers: [{name: c}]}}',
      'spec.containers[0].image: Required value',
    ],
    [
      'Pod',
      'a bad container name',
      '{apiVersion: v1, kind: Pod, metadata: {name: x}, spec: {containers: [{name: C, image: i}]}}',
      `spec.containers[0].name: Invalid value: "C": ${label1123}`,
    ],
    [
      'Pod',
      'a container name twice',
      '{apiVersion: v1, kind: Pod, metadata: {name: x}, spec: {containers: [{name: c, image: i}, {name: c, image: i}]}}',
      'spec.containers[1].name: Duplicate value: "c"',
    ],
    [
      'Pod',
      'a port that is none',
      podText('x', 'ports: [{containerPort: 0}]'),
      'spec.containers[0].ports[0].containerPort: Required value',
    ],
    [
      'Pod',
      'a port name too long',
      podText('x', 'ports: [{containerPort: 80, name: averylongportname}]'),
      'spec.containers[0].ports[0].name: Invalid value: "averylongportname": must be no more than 15 bytes',
    ],
    [
      'Pod',
      'an unknown restart policy',
      podText('x', '', 'restartPolicy: Sometimes,'),
      'spec.restartPolicy: Unsupported value: "Sometimes": supported values: "Always", "OnFailure", "Never"',
    ],
    [
      'Pod',
      'a volume that is not there',
      podText('x', 'volumeMounts: [{name: v, mountPath: /v}]'),
      'spec.containers[0].volumeMounts[0].name: Not found: "v"',
    ],
    [
      'Pod',
      'a probe without a handler',
      podText('x', 'readinessProbe: {periodSeconds: 5}'),
      'spec.containers[0].readinessProbe: Required value: must specify a handler type',
    ],
    [
      'Pod',
      'a liveness success threshold',
      podText('x', 'livenessProbe: {successThreshold: 2, tcpSocket: {port: 80}}'),
      'spec.containers[0].livenessProbe.successThreshold: Invalid value: 2: must be 1',
    ],
    [
      'Pod',
      'a request over the limit',
      podText('x', 'resources: {requests: {cpu: 2}, limits: {cpu: 500m}}'),
      'spec.containers[0].resources.requests: Invalid value: 2: must be less than or equal to cpu limit of 500m',
    ],
    [
      'Pod',
      'a label value',
      '{apiVersion: v1, kind: Pod, metadata: {name: x, labels: {a: -b}}, spec: {containers: [{name: c, image: i}]}}',
      `metadata.labels: Invalid value: "-b": ${labelValue}`,
    ],
    [
      'Pod',
      'dnsPolicy None without servers',
      podText('x', '', 'dnsPolicy: None,'),
      'spec.dnsConfig: Required value: must provide `dnsConfig` when `dnsPolicy` is None',
    ],
    [
      'Pod',
      'a preference without its term',
      podText(
        'x',
        '',
        'affinity: {podAffinity: {preferredDuringSchedulingIgnoredDuringExecution: [{weight: 1}]}},',
      ),
      'spec.affinity.podAffinity.preferredDuringSchedulingIgnoredDuringExecution[0].podAffinityTerm: Required value',
    ],
    [
      'Deployment',
      'nothing',
      '{apiVersion: apps/v1, kind: Deployment, metadata: {name: x}, spec: {}}',
      'spec.selector: Required value',
      'spec.template.spec.containers: Required value',
    ],
    [
      'Deployment',
      'labels that the selector does not match',
      deployment('', '{app: b}'),
      'spec.template.metadata.labels: Invalid value: {"app":"b"}: `selector` does not match template `labels`',
    ],
    [
      'Deployment',
      'negative replicas',
      deployment('replicas: -1'),
      'spec.replicas: Invalid value: -1: must be greater than or equal to 0',
    ],
    [
      'Deployment',
      'a restart policy',
      deployment('').replace('containers:', 'restartPolicy: Never, containers:'),
      'spec.template.spec.restartPolicy: Unsupported value: "Never": supported values: "Always"',
    ],
    [
      'StatefulSet',
      'an unknown order',
      deployment('podManagementPolicy: Random').replace('kind: Deployment', 'kind: StatefulSet'),
      `spec.podManagementPolicy: Invalid value: "Random": must be 'OrderedReady' or 'Parallel'`,
    ],
    [
      'DaemonSet',
      'an unknown strategy',
      deployment('updateStrategy: {type: Recreate}').replace('kind: Deployment', 'kind: DaemonSet'),
      'spec.updateStrategy.type: Unsupported value: "Recreate": supported values: "RollingUpdate", "OnDelete"',
    ],
    [
      'Pod',
      'a variable from nowhere',
      podText('x', 'env: [{name: A, valueFrom: {}}]'),
      'spec.containers[0].env[0].valueFrom: Invalid value: "": must specify one of: `fieldRef`, `resourceFieldRef`, `configMapKeyRef` or `secretKeyRef`',
    ],
    [
      'Deployment',
      'no room to roll',
      deployment('strategy: {rollingUpdate: {maxSurge: 0, maxUnavailable: 0}}'),
      'spec.strategy.rollingUpdate.maxUnavailable: Invalid value: 0: may not be 0 when `maxSurge` is 0',
    ],
    [
      'NetworkPolicy',
      'an empty peer',
      policy('ingress: [{from: [{}]}]'),
      'spec.ingress[0].from[0]: Required value: must specify a peer',
    ],
    [
      'NetworkPolicy',
      'two kinds of peer',
      policy('egress: [{to: [{ipBlock: {cidr: 10.0.0.0/8}, podSelector: {}}]}]'),
      'spec.egress[0].to[0]: Forbidden: may not specify both ipBlock and another peer',
    ],
    [
      'NetworkPolicy',
      'a block that is none',
      policy('egress: [{to: [{ipBlock: {cidr: 10.0.0.0}}]}]'),
      'spec.egress[0].to[0].ipBlock.cidr: Invalid value: "10.0.0.0": must be a valid CIDR value, (e.g. 10.9.8.0/24 or 2001:db8::/64)',
    ],
    [
      'NetworkPolicy',
      'an exception outside',
      policy('egress: [{to: [{ipBlock: {cidr: 10.0.0.0/8, except: [11.0.0.0/24]}}]}]'),
      'spec.egress[0].to[0].ipBlock.except[0]: Invalid value: "11.0.0.0/24": must be a strict subset of `cidr`',
    ],
    [
      'NetworkPolicy',
      'a range backwards',
      policy('ingress: [{ports: [{port: 80, endPort: 79}]}]'),
      'spec.ingress[0].ports[0].endPort: Invalid value: 79: must be greater than or equal to `port`',
    ],
    [
      'NetworkPolicy',
      'a range from a name',
      policy('ingress: [{ports: [{port: http, endPort: 90}]}]'),
      'spec.ingress[0].ports[0].endPort: Invalid value: 90: may not be specified when `port` is non-numeric',
    ],
    [
      'NetworkPolicy',
      'a range from nothing',
      policy('ingress: [{ports: [{endPort: 90}]}]'),
      'spec.ingress[0].ports[0].endPort: Invalid value: 90: may not be specified when `port` is not specified',
    ],
    [
      'NetworkPolicy',
      'an unknown protocol',
      policy('ingress: [{ports: [{protocol: ICMP}]}]'),
      'spec.ingress[0].ports[0].protocol: Unsupported value: "ICMP": supported values: "TCP", "UDP", "SCTP"',
    ],
    [
      'Ingress',
      'neither rules nor a default',
      ingress(''),
      'spec: Invalid value: null: either `defaultBackend` or `rules` must be specified',
    ],
    [
      'Ingress',
      'a backend that is none',
      ingress('defaultBackend: {}'),
      'spec.defaultBackend: Invalid value: "": resource or service backend is required',
    ],
    [
      'Ingress',
      'a backend without a port',
      ingress('defaultBackend: {service: {name: a}}'),
      'spec.defaultBackend: Required value: port name or number is required',
    ],
    [
      'IngressClass',
      'a controller without a domain',
      '{apiVersion: networking.k8s.io/v1, kind: IngressClass, metadata: {name: x}, spec: {controller: nginx}}',
      'spec.controller: Invalid value: "nginx": must be a domain-prefixed path (such as "acme.io/foo")',
    ],
    [
      'Node',
      'a taint without an effect',
      '{apiVersion: v1, kind: Node, metadata: {name: x}, spec: {taints: [{key: a}]}}',
      'metadata.taints[0].effect: Required value',
    ],
    [
      'Service',
      'an affinity that is off and configured',
      service(
        'sessionAffinity: None, sessionAffinityConfig: {clientIP: {timeoutSeconds: 5}}, ports: [{port: 80}]',
      ),
      'spec.sessionAffinityConfig: Forbidden: must not be set when session affinity is None',
    ],
    [
      'Service',
      'a policy for the outside of a ClusterIP',
      service('externalTrafficPolicy: Local, ports: [{port: 80}]'),
      'spec.externalTrafficPolicy: Invalid value: "Local": may only be set for externally-accessible services',
    ],
    [
      'Pod',
      'a hook of an init container',
      podText('x', '', 'initContainers: [{name: i, image: i, lifecycle: {preStop: {sleep: {seconds: 1}}}}],'),
      'spec.initContainers[0].lifecycle: Forbidden: may not be set for init containers without restartPolicy=Always',
    ],
    [
      'Pod',
      'a sleep beyond the grace period',
      podText('x', 'lifecycle: {preStop: {sleep: {seconds: 31}}}'),
      'spec.containers[0].lifecycle.preStop.sleep: Invalid value: 31: must be non-negative and less than terminationGracePeriodSeconds (30)',
    ],
    [
      'Pod',
      'an init container named as another',
      podText('x', '', 'initContainers: [{name: c, image: i}],'),
      'spec.initContainers[0].name: Duplicate value: "c"',
    ],
    [
      'NetworkPolicy',
      'an unknown direction',
      policy('policyTypes: [Inbound]'),
      'spec.policyTypes[0]: Unsupported value: "Inbound": supported values: "Ingress", "Egress"',
    ],
    [
      'NetworkPolicy',
      'an unknown operator',
      policy('ingress: [{from: [{podSelector: {matchExpressions: [{key: a, operator: Is}]}}]}]'),
      'spec.ingress[0].from[0].podSelector.matchExpressions[0].operator: Invalid value: "Is": not a valid selector operator',
    ],
    [
      'Ingress',
      'no path type',
      ingress('rules: [{http: {paths: [{path: /, backend: {service: {name: a, port: {number: 80}}}}]}}]'),
      'spec.rules[0].http.paths[0].pathType: Required value: pathType must be specified',
    ],
    [
      'Ingress',
      'an address for a host',
      ingress('rules: [{host: 10.0.0.1}]'),
      'spec.rules[0].host: Invalid value: "10.0.0.1": must be a DNS name, not an IP address',
    ],
    [
      'EndpointSlice',
      'an address of the other family',
      '{apiVersion: discovery.k8s.io/v1, kind: EndpointSlice, metadata: {name: x}, addressType: IPv6, endpoints: [{addresses: [10.0.0.1]}]}',
      'endpoints[0].addresses[0]: Invalid value: "10.0.0.1": must be a valid IPv6 address',
    ],
    [
      'AdminNetworkPolicy',
      'a priority too large',
      '{apiVersion: policy.networking.k8s.io/v1alpha1, kind: AdminNetworkPolicy, metadata: {name: x}, spec: {priority: 1001, subject: {namespaces: {}}}}',
      'spec.priority: Invalid value: 1001: spec.priority in body should be less than or equal to 1000',
    ],
    [
      'AdminNetworkPolicy',
      'no subject',
      '{apiVersion: policy.networking.k8s.io/v1alpha1, kind: AdminNetworkPolicy, metadata: {name: x}, spec: {priority: 1}}',
      'spec.subject: Required value',
    ],
    [
      'ConfigMap',
      'a bad key',
      '{apiVersion: v1, kind: ConfigMap, metadata: {name: x}, data: {"a/b": c}}',
      "data[a/b]: Invalid value: \"a/b\": a valid config key must consist of alphanumeric characters, '-', '_' or '.' (e.g. 'key.name',  or 'KEY_NAME',  or 'key-name', regex used for validation is '[-._a-zA-Z0-9]+')",
    ],
  ])('%s: %s', (kind, _, text, ...causes) => {
    const name = text.includes('1st') ? '1st' : 'x';
    const outcome = apply(newServer(), text);
    const head = `The ${kind} "${name}" is invalid: `;
    expect(outcome.stderr).toEqual([
      causes.length === 1
        ? head + (causes[0] ?? '')
        : `${head}\n${causes.map((cause) => `* ${cause}`).join('\n')}`,
    ]);
    expect(outcome.diagnostics.map(({ message }) => message)).toEqual(causes.map((cause) => head + cause));
  });
});

test('each cause has the place of its field', () => {
  const text = `apiVersion: v1
kind: Service
metadata:
  name: web
spec:
  type: NodePort
  ports:
  - name: http
    port: 99999
    targetPort: 80
  - name: http
    port: 81
`;
  const outcome = apply(newServer(), text);
  expect(outcome.diagnostics.map(({ line, column }) => [line, column])).toEqual([
    [9, 11],
    [11, 11],
  ]);
});

describe('what may not change', () => {
  const put = (before: string, after: string) => {
    const server = newServer();
    expect(apply(server, before).stderr).toEqual([]);
    return apply(server, after);
  };

  test.each([
    ['the image of a pod may', podText('x'), podText('x').replace('nginx', 'nginx:2'), undefined],
    [
      'the ports of a pod',
      podText('x'),
      podText('x', 'ports: [{containerPort: 80}]'),
      'spec: Forbidden: pod updates may not change fields other than `spec.containers[*].image`',
    ],
    [
      'a toleration of a pod',
      podText('x', '', 'tolerations: [{key: a, operator: Exists}],'),
      podText('x', '', 'tolerations: [{key: b, operator: Exists}],'),
      'spec.tolerations: Forbidden: existing toleration can not be modified except its tolerationSeconds',
    ],
    [
      'the number of containers',
      podText('x'),
      podText('x').replace('}]}}', '}, {name: d, image: i}]}}'),
      'spec.containers: Forbidden: pod updates may not add or remove containers',
    ],
    [
      'a cluster IP',
      service('clusterIP: 10.96.0.5, ports: [{port: 80}]'),
      service('clusterIP: 10.96.0.6, ports: [{port: 80}]'),
      'spec.clusterIPs[0]: Invalid value: ["10.96.0.6"]: may not change once set',
    ],
    [
      "a Deployment's selector",
      deployment(''),
      deployment('').replaceAll('app: a', 'app: b'),
      'spec.selector: Invalid value: {"matchLabels":{"app":"b"}}: field is immutable',
    ],
    [
      'a Secret that is immutable',
      '{apiVersion: v1, kind: Secret, metadata: {name: x}, immutable: true, stringData: {a: b}}',
      '{apiVersion: v1, kind: Secret, metadata: {name: x}, immutable: true, stringData: {a: c}}',
      'data: Forbidden: field is immutable when `immutable` is set',
    ],
  ])('%s', (_, before, after, cause) => {
    const outcome = put(before, after);
    if (cause === undefined) expect(outcome.stdout[0]).toMatch(/ configured$/);
    else expect(outcome.stderr[0]).toContain(cause);
  });

  test('a refused change leaves the object as it was', () => {
    const server = newServer();
    apply(server, deployment(''));
    const before = server.store.get('Deployment', 'default', 'x');
    apply(server, deployment('').replaceAll('app: a', 'app: b'));
    expect(server.store.get('Deployment', 'default', 'x')).toBe(before);
  });
});

test('a namespace that does not exist refuses what is put into it', () => {
  const outcome = apply(
    newServer(),
    '{apiVersion: v1, kind: ConfigMap, metadata: {name: c, namespace: nowhere}}',
  );
  expect(outcome.stderr).toEqual([
    'Error from server (NotFound): error when creating "x.yaml": namespaces "nowhere" not found',
  ]);
});

test('among other errors an invalid object takes one line, as kubectl prints several', () => {
  const outcome = apply(newServer(), `${service('ports: [{port: 0}]')}\n---\n{apiVersion: v1, kind: Foo}`);
  expect(outcome.stderr[0]).toBe(
    'Error from server (Invalid): error when creating "x.yaml": Service "x" is invalid: [spec.ports[0].port: Invalid value: 0: must be between 1 and 65535, inclusive, spec.ports[0].targetPort: Invalid value: 0: must be between 1 and 65535, inclusive]',
  );
});
