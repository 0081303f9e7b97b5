import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import type { LabelSelector, Protocol } from '../../../src/engine/api/types.ts';
import type { AdminPolicyInput } from '../../../src/engine/policy/adminpolicy.ts';
import type { PolicyEndpoint } from '../../../src/engine/policy/endpoint.ts';
import type { NetworkPolicyInput, PeerInput, PortInput } from '../../../src/engine/policy/networkpolicy.ts';
import type { PolicyObjects } from '../../../src/engine/policy/policies.ts';
import { Reachability } from '../../../src/engine/policy/reachability.ts';
import { PolicySet } from '../../../src/engine/policy/verdict.ts';

const namespaces = [
  { name: 'x', labels: { team: 'a' } },
  { name: 'y', labels: { team: 'b' } },
  { name: 'z', labels: { team: 'b' } },
];
const protocol = fc.constantFrom<Protocol>('TCP', 'UDP', 'SCTP');
const label = fc.record(
  { app: fc.constantFrom('1', '2'), tier: fc.constantFrom('1', '2', '3') },
  { requiredKeys: [] },
);
const selector: fc.Arbitrary<LabelSelector> = fc.oneof(
  fc.constant({}),
  label.map((matchLabels) => ({ matchLabels })),
  fc
    .constantFrom('In' as const, 'NotIn' as const)
    .map((operator) => ({ matchExpressions: [{ key: 'app', operator, values: ['1'] }] })),
  fc
    .constantFrom('Exists' as const, 'DoesNotExist' as const)
    .map((operator) => ({ matchExpressions: [{ key: 'tier', operator }] })),
);
const namespaceSelector: fc.Arbitrary<LabelSelector> = fc.oneof(
  fc.constant({}),
  fc.constantFrom('a', 'b').map((team) => ({ matchLabels: { team } })),
  fc.constantFrom('x', 'z').map((name) => ({ matchLabels: { 'kubernetes.io/metadata.name': name } })),
);
const cidr = fc.constantFrom('0.0.0.0/0', '10.244.0.0/16', '10.244.1.9/24', '203.0.113.0/24', '::/0');
const peer: fc.Arbitrary<PeerInput> = fc.oneof(
  selector.map((podSelector) => ({ podSelector })),
  namespaceSelector.map((given) => ({ namespaceSelector: given, podSelector: null })),
  fc.record({ namespaceSelector, podSelector: selector }),
  fc
    .record({ cidr, except: fc.subarray(['10.244.1.0/24', '203.0.113.8/29']) })
    .map((ipBlock) => ({ ipBlock })),
);
const port: fc.Arbitrary<PortInput> = fc.oneof(
  fc.record({ protocol }),
  fc.record({ protocol, port: fc.constantFrom(80, 81, 'web') }),
  fc.record({ protocol, port: fc.constant(79), endPort: fc.constantFrom(80, 90) }),
);
const some = <T>(one: fc.Arbitrary<T>): fc.Arbitrary<readonly T[] | undefined> =>
  fc.option(fc.array(one, { maxLength: 2 }), { nil: undefined });
const networkPolicy: fc.Arbitrary<NetworkPolicyInput> = fc
  .record({
    namespace: fc.constantFrom('x', 'y'),
    podSelector: selector,
    policyTypes: fc.subarray(['Ingress', 'Egress']),
    rules: some(fc.record({ peers: some(peer), ports: some(port) })),
  })
  .map(({ namespace, podSelector, policyTypes, rules }) => ({
    metadata: { name: 'p', namespace },
    spec: {
      podSelector,
      policyTypes,
      ingress: rules?.map(({ peers, ports }) => ({ from: peers ?? null, ports: ports ?? null })) ?? null,
      egress: rules?.map(({ peers, ports }) => ({ to: peers ?? null, ports: ports ?? null })) ?? null,
    },
  }));
const pods = fc.record({ namespaceSelector, podSelector: selector });
const adminPeer = fc.oneof(
  namespaceSelector.map((given) => ({ namespaces: given })),
  pods.map((given) => ({ pods: given })),
  fc.array(cidr, { maxLength: 2 }).map((networks) => ({ networks })),
);
const adminPort = fc.oneof(
  fc.record({ protocol, port: fc.constantFrom(80, 81) }).map((portNumber) => ({ portNumber })),
  protocol.map((given) => ({ portRange: { protocol: given, start: 1, end: 80 } })),
  fc.constant({ namedPort: 'web' }),
);
const adminRules = fc.array(
  fc.record({
    action: fc.constantFrom('Allow', 'Deny', 'Pass'),
    peers: fc.array(adminPeer, { maxLength: 2 }),
    ports: some(adminPort),
  }),
  { maxLength: 3 },
);
const adminPolicy = (baseline: 'baseline' | 'admin'): fc.Arbitrary<AdminPolicyInput> =>
  fc
    .record({
      priority: fc.nat(3),
      subject: fc.oneof(
        namespaceSelector.map((given) => ({ namespaces: given })),
        pods.map((given) => ({ pods: given })),
      ),
      ingress: adminRules,
      egress: adminRules,
    })
    .map(({ priority, subject, ingress, egress }) => {
      const rules = (list: typeof ingress, key: 'from' | 'to') =>
        list.map(({ action, peers, ports }) => ({
          action: baseline === 'baseline' && action === 'Pass' ? 'Allow' : action,
          [key]: peers,
          ports: ports ?? null,
        }));
      return {
        metadata: { name: 'default' },
        spec: { priority, subject, ingress: rules(ingress, 'from'), egress: rules(egress, 'to') },
      };
    });

const endpoints: readonly PolicyEndpoint[] = [
  ...['x', 'y', 'z'].flatMap((namespace) =>
    ['1', '2'].flatMap((app) =>
      ['1', ''].map((tier, i): PolicyEndpoint => ({
        kind: 'pod',
        namespace,
        name: `${app}${tier}`,
        labels: { app, ...(tier === '' ? {} : { tier }), unique: `${namespace}${app}${tier}` },
        ips: i === 0 ? [`10.244.${app}.${i + 2}`] : [],
        ports: [{ name: 'web', protocol: app === '1' ? 'TCP' : 'UDP', port: 80 + i }],
      })),
    ),
  ),
  ...['203.0.113.10', '203.0.113.4', '10.244.1.77', '2001:db8::1'].map((ip): PolicyEndpoint => ({
    kind: 'external',
    ip,
  })),
];
const objects: fc.Arbitrary<PolicyObjects> = fc.record({
  namespaces: fc.constant(namespaces),
  networkPolicies: fc.array(networkPolicy, { maxLength: 4 }),
  adminNetworkPolicies: fc.array(adminPolicy('admin'), { maxLength: 3 }),
  baselineAdminNetworkPolicies: fc.array(adminPolicy('baseline'), { maxLength: 1 }),
});

describe('the reachability of all pairs', () => {
  it('is what asking for each pair and port gives', () => {
    fc.assert(
      fc.property(objects, (given) => {
        const all = new Reachability(given, endpoints);
        const one = new PolicySet(given);
        for (const [i, from] of endpoints.entries()) {
          for (const [j, to] of endpoints.entries()) {
            const set = all.ports(all.classOf[i] ?? 0, all.classOf[j] ?? 0);
            for (const name of ['TCP', 'UDP', 'SCTP'] as const)
              for (const number of [1, 79, 80, 81, 90, 91, 65_535]) {
                const { allowed } = one.verdict(from, to, { protocol: name, port: number });
                if (all.sets.has(set, name, number) !== allowed)
                  throw new Error(`${JSON.stringify({ from, to, name, number, allowed })}`);
              }
          }
        }
      }),
      { numRuns: 150 },
    );
  });

  it('takes endpoints that policies cannot tell apart for one', () => {
    const everybody = new Reachability({ namespaces, networkPolicies: [] }, endpoints);
    expect(everybody.classes).toHaveLength(2);
    const inX: NetworkPolicyInput = {
      metadata: { name: 'p', namespace: 'x' },
      spec: { podSelector: { matchLabels: { app: '1' } } },
    };
    const { classes } = new Reachability({ namespaces, networkPolicies: [inX] }, endpoints);
    expect(classes.map(({ representative }) => representative)).toMatchObject([
      { namespace: 'x', labels: { app: '1' } },
      { namespace: 'x', labels: { app: '2' } },
      { namespace: 'y', labels: { app: '1' } },
      { namespace: 'y', labels: { app: '2' } },
      { kind: 'external' },
    ]);
  });
});
