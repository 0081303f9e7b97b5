/**
 * Who can talk to whom among 10,000 pods with 1,000 policies, all pairs (ENGINE.md: under 2 s), beside asking pod by pod:
 * the same questions put one at a time, timed on a sample whose answers must be the same.
 */
import type { PolicyPod, PolicyPort } from '../src/engine/policy/endpoint.ts';
import {
  matchesPeer,
  matchesPort,
  namespaceLookup,
  selects,
  type Direction,
  type NetworkPolicyInput,
} from '../src/engine/policy/networkpolicy.ts';
import { compilePolicies, type PolicyObjects } from '../src/engine/policy/policies.ts';
import { Reachability } from '../src/engine/policy/reachability.ts';
import { printTable, type Row } from './table.ts';

const NAMESPACES = 100;
const POLICIES = 10;
const SAMPLE = 20_000;

interface Shape {
  readonly apps: number;
  readonly replicas: number;
}

/** Namespaces of one team each, apps of some replicas; each namespace isolates itself and opens what a service needs. */
function cluster({ apps, replicas }: Shape): {
  readonly objects: PolicyObjects;
  readonly pods: readonly PolicyPod[];
} {
  const pods: PolicyPod[] = [];
  const networkPolicies: NetworkPolicyInput[] = [];
  const namespaces = Array.from({ length: NAMESPACES }, (_, n) => ({
    name: `ns-${n}`,
    labels: { team: `team-${n % 10}`, stage: n % 3 === 0 ? 'prod' : 'test' },
  }));
  for (const [n, { name: namespace }] of namespaces.entries()) {
    for (let app = 0; app < apps; app++)
      for (let replica = 0; replica < replicas; replica++)
        pods.push({
          kind: 'pod',
          namespace,
          name: `app-${app}-${replica}`,
          labels: {
            app: `app-${app}`,
            tier: `tier-${app % 3}`,
            'pod-template-hash': `${n}-${app}-${replica}`,
          },
          ips: [`10.${n}.${app}.${replica}`],
          ports: [{ name: 'http', protocol: 'TCP', port: 8000 + (app % 7) }],
        });
    for (let p = 0; p < POLICIES; p++) networkPolicies.push(policy(namespace, n, p, apps));
  }
  return { objects: { namespaces, networkPolicies }, pods };
}

function policy(namespace: string, n: number, p: number, apps: number): NetworkPolicyInput {
  const app = (i: number) => ({ matchLabels: { app: `app-${i % apps}` } });
  const metadata = { name: `p-${p}`, namespace };
  switch (p) {
    case 0:
      return { metadata, spec: { podSelector: {}, policyTypes: ['Ingress'] } };
    case 1:
      return {
        metadata,
        spec: {
          podSelector: {},
          policyTypes: ['Egress'],
          egress: [
            { ports: [{ protocol: 'UDP', port: 53 }] },
            { to: [{ podSelector: {} }, { namespaceSelector: { matchLabels: { stage: 'prod' } } }] },
          ],
        },
      };
    case 2:
      return {
        metadata,
        spec: {
          podSelector: app(p),
          egress: [
            { to: [{ ipBlock: { cidr: '0.0.0.0/0', except: [`10.${n}.0.0/16`] } }], ports: [{ port: 443 }] },
          ],
        },
      };
    default:
      return {
        metadata,
        spec: {
          podSelector: app(p),
          ingress: [
            {
              from: [{ podSelector: app(p + 1) }, { podSelector: { matchLabels: { tier: 'tier-1' } } }],
              ports: [{ port: 'http' }],
            },
            {
              from: [{ namespaceSelector: { matchLabels: { team: `team-${p}` } } }],
              ports: [{ port: 9090, endPort: 9100 }],
            },
          ],
        },
      };
  }
}

/** The plain way: walk the policies of both sides for every question. */
function oneByOne(objects: PolicyObjects): (from: PolicyPod, to: PolicyPod, port: PolicyPort) => boolean {
  const labels = namespaceLookup(objects.namespaces);
  const policies = Map.groupBy(compilePolicies(objects).network, ({ namespace }) => namespace);
  const side = (
    direction: Direction,
    pod: PolicyPod,
    other: PolicyPod,
    to: PolicyPod,
    port: PolicyPort,
  ): boolean => {
    let selected = false;
    for (const policy of policies.get(pod.namespace) ?? []) {
      const rules = policy[direction];
      if (rules === undefined || !selects(policy, pod)) continue;
      selected = true;
      for (const { peers, ports } of rules)
        if (
          (peers?.some((peer) => matchesPeer(peer, policy.namespace, other, labels)) ?? true) &&
          (ports?.some((entry) => matchesPort(entry, port, to)) ?? true)
        )
          return true;
    }
    return !selected;
  };
  return (from, to, port) => side('egress', from, to, to, port) && side('ingress', to, from, to, port);
}

/** Milliseconds, the best of three: other work on the machine only ever adds. */
function best(run: () => void): number {
  let least = Infinity;
  for (let i = 0; i < 3; i++) {
    const start = performance.now();
    run();
    least = Math.min(least, performance.now() - start);
  }
  return least;
}

function measure(shape: Shape): Row[] {
  const { objects, pods } = cluster(shape);
  let all = new Reachability(objects, []);
  let open = 0;
  const grouped = best(() => {
    all = new Reachability(objects, pods);
    open = 0;
    for (let from = 0; from < all.classes.length; from++)
      for (let to = 0; to < all.classes.length; to++) if (all.ports(from, to) !== 0) open++;
  });
  const allows = oneByOne(objects);
  const at = (i: number): PolicyPod => {
    const pod = pods[i % pods.length];
    if (pod === undefined) throw new Error('no pods');
    return pod;
  };
  const port = { protocol: 'TCP', port: 8001 } as const;
  const answers = new Uint8Array(SAMPLE);
  const single = best(() => {
    for (let i = 0; i < SAMPLE; i++) answers[i] = allows(at(i * 7919), at(i * 104_729 + 1), port) ? 1 : 0;
  });
  let different = 0;
  for (let i = 0; i < SAMPLE; i++) {
    const from = all.classOf[(i * 7919) % pods.length] ?? 0;
    const to = all.classOf[(i * 104_729 + 1) % pods.length] ?? 0;
    if (all.sets.has(all.ports(from, to), port.protocol, port.port) !== (answers[i] === 1)) different++;
  }
  if (different > 0) throw new Error(`${different} of ${SAMPLE} answers differ`);
  const pairs = pods.length * pods.length;
  const what = `${pods.length} pods in ${all.classes.length} classes, ${NAMESPACES * POLICIES} policies, ${pairs.toExponential(0)} pairs, every port (${open} class pairs open)`;
  return [
    { what, measured: grouped, unit: 'ms', comparedWith: 'asked for', reference: 2000 },
    {
      what: '',
      measured: grouped,
      unit: 'ms',
      comparedWith: `pod by pod, one port (from ${SAMPLE} pairs, same answers)`,
      reference: (single / SAMPLE) * pairs,
    },
  ];
}

export async function run(): Promise<void> {
  await Promise.resolve();
  printTable('Reachability of all pairs', [
    ...measure({ apps: 10, replicas: 10 }),
    ...measure({ apps: 50, replicas: 2 }),
    ...measure({ apps: 100, replicas: 1 }),
  ]);
}
