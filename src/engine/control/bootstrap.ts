import { formatAddress, networkOf } from '../api/address.ts';
import type { ApiServer } from '../api/server.ts';
import { resourceOfKind } from '../api/kinds.ts';
import type { Kind } from '../api/types.ts';
import type { ControlPlane } from './control-plane.ts';
import { internalAddresses } from './kubelet.ts';
import { controlPlaneName, controlPlaneTaint } from './nodes.ts';

const corefile = `.:53 {
    errors
    health {
       lameduck 5s
    }
    ready
    kubernetes cluster.local in-addr.arpa ip6.arpa {
       pods insecure
       fallthrough in-addr.arpa ip6.arpa
       ttl 30
    }
    prometheus :9153
    forward . /etc/resolv.conf {
       max_concurrent 1000
    }
    cache 30 {
       disable success cluster.local
       disable denial cluster.local
    }
    loop
    reload
    loadbalance
}
`;

/** Workers join once CoreDNS has been placed on the control plane, as after `kubeadm init`. */
const joinDelay = 100_000;

export interface BootstrapOptions {
  /** Workers: `node-1` … . */
  readonly nodes: number;
}

/** Fills a new cluster as kubeadm and the API server do; the workers join a moment later. */
export function bootstrap(control: ControlPlane, options: BootstrapOptions): void {
  const { server, clock, activity } = control;
  for (const name of ['default', 'kube-node-lease', 'kube-public', 'kube-system'])
    make(server, 'Namespace', { metadata: { name } });
  const node = server.createTrusted('Node', {
    metadata: { name: controlPlaneName, labels: { 'node-role.kubernetes.io/control-plane': '' } },
    spec: { taints: [controlPlaneTaint] },
  });
  createBuiltins(server, (node.ok ? internalAddresses(node.value)[0] : undefined) ?? '');
  activity.begin();
  clock.schedule(joinDelay, () => {
    for (let i = 1; i <= options.nodes; i++)
      server.createTrusted('Node', { metadata: { name: `node-${i}` }, spec: {} });
    activity.end();
  });
}

/** The Service `kubernetes`, CoreDNS and `kube-dns`. */
function createBuiltins(server: ApiServer, apiServerAddress: string): void {
  const dns = { 'k8s-app': 'kube-dns' };
  const kubeSystem = { namespace: 'kube-system' };
  const ip = (offset: bigint): string => {
    const [range] = server.services.ranges;
    return range ? formatAddress({ family: range.family, value: networkOf(range) + offset }) : '';
  };
  make(server, 'Service', {
    metadata: {
      namespace: 'default',
      name: 'kubernetes',
      labels: { component: 'apiserver', provider: 'kubernetes' },
    },
    spec: {
      clusterIP: ip(1n),
      ipFamilyPolicy: 'SingleStack',
      ports: [{ name: 'https', port: 443, protocol: 'TCP', targetPort: 6443 }],
    },
  });
  const [family = 'IPv4'] = server.services.ranges.map((range) => range.family);
  make(server, 'Endpoints', {
    metadata: {
      namespace: 'default',
      name: 'kubernetes',
      labels: { 'endpointslice.kubernetes.io/skip-mirror': 'true' },
    },
    subsets: [
      { addresses: [{ ip: apiServerAddress }], ports: [{ name: 'https', port: 6443, protocol: 'TCP' }] },
    ],
  });
  make(server, 'EndpointSlice', {
    metadata: {
      namespace: 'default',
      name: 'kubernetes',
      labels: { 'kubernetes.io/service-name': 'kubernetes' },
    },
    addressType: family,
    endpoints: [{ addresses: [apiServerAddress], conditions: { ready: true } }],
    ports: [{ name: 'https', port: 6443, protocol: 'TCP' }],
  });
  make(server, 'ServiceAccount', { metadata: { ...kubeSystem, name: 'coredns' } });
  make(server, 'ConfigMap', { metadata: { ...kubeSystem, name: 'coredns' }, data: { Corefile: corefile } });
  make(server, 'Service', {
    metadata: {
      ...kubeSystem,
      name: 'kube-dns',
      labels: { ...dns, 'kubernetes.io/cluster-service': 'true', 'kubernetes.io/name': 'CoreDNS' },
      annotations: { 'prometheus.io/port': '9153', 'prometheus.io/scrape': 'true' },
    },
    spec: {
      clusterIP: ip(10n),
      selector: dns,
      ports: [
        { name: 'dns', port: 53, protocol: 'UDP', targetPort: 53 },
        { name: 'dns-tcp', port: 53, protocol: 'TCP', targetPort: 53 },
        { name: 'metrics', port: 9153, protocol: 'TCP', targetPort: 9153 },
      ],
    },
  });
  make(server, 'Deployment', {
    metadata: { ...kubeSystem, name: 'coredns', labels: dns },
    spec: {
      replicas: 2,
      strategy: { type: 'RollingUpdate', rollingUpdate: { maxUnavailable: 1 } },
      selector: { matchLabels: dns },
      template: {
        metadata: { labels: dns },
        spec: {
          priorityClassName: 'system-cluster-critical',
          serviceAccountName: 'coredns',
          tolerations: [
            { key: 'CriticalAddonsOnly', operator: 'Exists' },
            { key: 'node-role.kubernetes.io/control-plane', effect: 'NoSchedule' },
          ],
          nodeSelector: { 'kubernetes.io/os': 'linux' },
          affinity: {
            podAntiAffinity: {
              preferredDuringSchedulingIgnoredDuringExecution: [
                {
                  weight: 100,
                  podAffinityTerm: {
                    labelSelector: {
                      matchExpressions: [{ key: 'k8s-app', operator: 'In', values: ['kube-dns'] }],
                    },
                    topologyKey: 'kubernetes.io/hostname',
                  },
                },
              ],
            },
          },
          containers: [
            {
              name: 'coredns',
              image: 'registry.k8s.io/coredns/coredns:v1.12.0',
              imagePullPolicy: 'IfNotPresent',
              resources: { limits: { memory: '170Mi' }, requests: { cpu: '100m', memory: '70Mi' } },
              args: ['-conf', '/etc/coredns/Corefile'],
              volumeMounts: [{ name: 'config-volume', mountPath: '/etc/coredns', readOnly: true }],
              ports: [
                { containerPort: 53, name: 'dns', protocol: 'UDP' },
                { containerPort: 53, name: 'dns-tcp', protocol: 'TCP' },
                { containerPort: 9153, name: 'metrics', protocol: 'TCP' },
              ],
              livenessProbe: {
                httpGet: { path: '/health', port: 8080, scheme: 'HTTP' },
                initialDelaySeconds: 60,
                timeoutSeconds: 5,
                successThreshold: 1,
                failureThreshold: 5,
              },
              readinessProbe: { httpGet: { path: '/ready', port: 8181, scheme: 'HTTP' } },
              securityContext: {
                allowPrivilegeEscalation: false,
                capabilities: { add: ['NET_BIND_SERVICE'], drop: ['ALL'] },
                readOnlyRootFilesystem: true,
              },
            },
          ],
          dnsPolicy: 'Default',
          volumes: [
            {
              name: 'config-volume',
              configMap: { name: 'coredns', items: [{ key: 'Corefile', path: 'Corefile' }] },
            },
          ],
        },
      },
    },
  });
}

/** Our own objects go through the front door too, so that they are defaulted and checked like anyone's. */
function make(server: ApiServer, kind: Kind, object: object): void {
  const resource = resourceOfKind(kind);
  if (!resource) throw new Error(`no such kind: ${kind}`);
  const result = server.create(resource, { apiVersion: resource.apiVersion, kind, ...object });
  if (!result.ok && result.error.reason !== 'LimitReached') throw new Error(result.error.message);
}
