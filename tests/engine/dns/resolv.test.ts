import { describe, expect, test } from 'vitest';
import type { PodSpec } from '../../../src/engine/api/types.ts';
import { formatResolvConf, podResolvConf } from '../../../src/engine/dns/resolv.ts';

const defaults = {
  clusterDNS: ['10.96.0.10'],
  clusterDomain: 'cluster.local',
  node: { nameservers: ['203.0.113.10'], searches: ['example.com'], options: [] },
};

function conf(spec: Partial<PodSpec>): string {
  const metadata = { name: 'p', namespace: 'shop', uid: 'u', resourceVersion: '1', creationTimestamp: '' };
  return formatResolvConf(
    podResolvConf(
      { apiVersion: 'v1', kind: 'Pod', metadata, spec: { containers: [], ...spec }, status: {} },
      defaults,
    ),
  );
}

const clusterFirst =
  'search shop.svc.cluster.local svc.cluster.local cluster.local example.com\nnameserver 10.96.0.10\noptions ndots:5\n';
const ofNode = 'search example.com\nnameserver 203.0.113.10\n';

describe("a pod's resolv.conf", () => {
  test.each<[string, Partial<PodSpec>, string]>([
    ['is the cluster’s without a policy', {}, clusterFirst],
    ['is the node’s with Default', { dnsPolicy: 'Default' }, ofNode],
    ['is the node’s on the host network', { hostNetwork: true }, ofNode],
    [
      'is the cluster’s there when asked for',
      { hostNetwork: true, dnsPolicy: 'ClusterFirstWithHostNet' },
      clusterFirst,
    ],
    [
      'is what the pod says with None',
      {
        dnsPolicy: 'None',
        dnsConfig: {
          nameservers: ['1.1.1.1'],
          searches: ['a.b'],
          options: [{ name: 'ndots', value: '2' }, { name: 'edns0' }],
        },
      },
      'search a.b\nnameserver 1.1.1.1\noptions ndots:2 edns0\n',
    ],
    [
      'takes what the pod adds',
      { dnsConfig: { searches: ['svc.cluster.local', 'a.b'], options: [{ name: 'ndots', value: '1' }] } },
      'search shop.svc.cluster.local svc.cluster.local cluster.local example.com a.b\nnameserver 10.96.0.10\noptions ndots:1\n',
    ],
  ])('%s', (_, spec, wanted) => {
    expect(conf(spec)).toBe(wanted);
  });
});
