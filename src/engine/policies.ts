import type { Store } from './api/store.ts';
import type { Pod } from './api/types.ts';
import type { IptablesFamily } from './net/iptables-rule.ts';
import type { World } from './net/world.ts';
import type { Decision } from './net/decision.ts';
import { formatIp, type Family, type Ip } from './net/address.ts';
import { ICMP, ICMP6, SCTP, TCP, UDP, type Flow } from './net/netfilter-flow.ts';
import { CalicoPolicies } from './policy/calico.ts';
import type { CalicoWorkload } from './policy/calico-chains.ts';
import type { PolicyEndpoint, PolicyPod, PolicyPort } from './policy/endpoint.ts';
import { Felix } from './policy/felix-program.ts';
import type { PolicyObjects } from './policy/policies.ts';
import { PolicySet } from './policy/verdict.ts';
import type { Machine } from './machine.ts';
import type { EngineRuntime, MachineListener } from './runtime.ts';

/** From a change that policies look at to the rules, in virtual microseconds. */
const SYNC_DELAY = 10_000;

const POLICIES = ['NetworkPolicy', 'AdminNetworkPolicy', 'BaselineAdminNetworkPolicy'] as const;

/** The Felix of every node: it makes policies of all tiers into rules on the links of its pods. */
export class PolicyEnforcer implements MachineListener {
  readonly #world: World;
  readonly #store: Store;
  readonly #runtime: EngineRuntime;
  readonly #families: readonly IptablesFamily[];
  readonly #felix = new Map<string, readonly Felix[]>();
  #scheduled = false;
  #inForce = false;
  /** What the rules were made from, so that a drop of theirs can be explained. */
  #programmed: Programmed | undefined;

  constructor(world: World, store: Store, runtime: EngineRuntime, families: readonly Family[]) {
    this.#families = families.map((family) => (family === 4 ? 'ipv4' : 'ipv6'));
    this.#world = world;
    this.#store = store;
    this.#runtime = runtime;
    for (const machine of runtime.machines.values()) this.nodeAdded(machine);
    runtime.listeners.push(this);
    for (const kind of POLICIES) store.watch(kind, () => this.#dirty());
    store.watch('Namespace', () => this.#dirtyIfUsed());
    store.watch('Pod', ({ object, previous }) => {
      if (previous === undefined || looksDifferent(previous, object)) this.#dirtyIfUsed();
    });
  }

  get idle(): boolean {
    return !this.#scheduled;
  }

  nodeAdded(machine: Machine): void {
    const { netfilter } = machine.netns;
    netfilter.explainDrop = (flow, chain) => this.#explain(flow, chain);
    this.#felix.set(
      machine.name,
      this.#families.map((family) => new Felix(netfilter, family)),
    );
    this.#dirtyIfUsed();
  }

  nodeRemoved(name: string): void {
    this.#felix.delete(name);
  }

  #dirtyIfUsed(): void {
    if (this.#inForce || this.#any()) this.#dirty();
  }

  #any(): boolean {
    return POLICIES.some((kind) => this.#store.count(kind) > 0);
  }

  #dirty(): void {
    if (this.#scheduled) return;
    this.#scheduled = true;
    this.#world.schedule(SYNC_DELAY, () => {
      this.#scheduled = false;
      this.#sync();
    });
  }

  #sync(): void {
    this.#inForce = this.#any();
    const objects = {
      pods: this.#store.list('Pod').filter(isOnPodNetwork).map(policyPod),
      namespaces: this.#store
        .list('Namespace')
        .map(({ metadata }) => ({ name: metadata.name, labels: metadata.labels ?? {} })),
      networkPolicies: this.#store.list('NetworkPolicy'),
      adminNetworkPolicies: this.#store.list('AdminNetworkPolicy'),
      baselineAdminNetworkPolicies: this.#store.list('BaselineAdminNetworkPolicy'),
    };
    this.#programmed = { ...objects, verdicts: undefined };
    const policies = this.#families.map((family) => new CalicoPolicies(objects, family));
    const workloads = new Map<string, CalicoWorkload[]>();
    for (const sandbox of this.#runtime.sandboxes.values()) {
      const { pod, machine } = sandbox;
      const hostDevice = this.#runtime.hostDevice(sandbox);
      if (hostDevice === undefined) continue;
      const own = workloads.get(machine.name) ?? [];
      own.push({ hostDevice, pod: policyPod(pod), serviceAccount: pod.spec.serviceAccountName ?? 'default' });
      workloads.set(machine.name, own);
    }
    for (const [name, felix] of this.#felix) {
      const own = workloads.get(name) ?? [];
      policies.forEach((family, i) => felix[i]?.program(family.node(own)));
    }
  }

  /** In whose name a chain of Felix' dropped a packet; undefined where it was for another reason. */
  #explain(flow: Flow, chain: string): Decision | undefined {
    const sign = /^cali-([tf]w|p[io])-/.exec(chain)?.[1];
    if (sign === undefined || this.#programmed === undefined) return undefined;
    const port = portOf(flow);
    if (port === undefined) return undefined;
    const from = this.#at(flow.src);
    const to = this.#at(flow.dst);
    const verdicts = (this.#programmed.verdicts ??= new PolicySet(this.#programmed));
    const direction = sign === 'tw' || sign === 'pi' ? 'ingress' : 'egress';
    const side = verdicts.verdict(from, to, port)[direction];
    if (side.allowed) return undefined;
    return { code: 'policy', direction, from: nameOf(from), to: nameOf(to), ...port, side };
  }

  #at(ip: Ip): PolicyEndpoint {
    const text = formatIp(ip);
    return this.#programmed?.pods.find(({ ips }) => ips.includes(text)) ?? { kind: 'external', ip: text };
  }
}

interface Programmed extends PolicyObjects {
  readonly pods: readonly PolicyPod[];
  /** Made when first asked for. */
  verdicts: PolicySet | undefined;
}

const PROTOCOLS: Readonly<Record<number, PolicyPort['protocol']>> = {
  [TCP]: 'TCP',
  [UDP]: 'UDP',
  [SCTP]: 'SCTP',
  [ICMP]: 'ICMP',
  [ICMP6]: 'ICMP',
};

function portOf({ protocol, dport }: Flow): PolicyPort | undefined {
  const name = PROTOCOLS[protocol];
  return name === undefined ? undefined : { protocol: name, port: name === 'ICMP' ? 0 : dport };
}

function nameOf(endpoint: PolicyEndpoint): string {
  return endpoint.kind === 'pod' ? `${endpoint.namespace}/${endpoint.name}` : endpoint.ip;
}

function isOnPodNetwork({ spec, status }: Pod): boolean {
  return spec.hostNetwork !== true && status.phase !== 'Succeeded' && status.phase !== 'Failed';
}

function policyPod({ metadata, spec, status }: Pod): PolicyPod {
  return {
    kind: 'pod',
    namespace: metadata.namespace ?? 'default',
    name: metadata.name,
    labels: metadata.labels ?? {},
    ips: status.podIPs?.map(({ ip }) => ip) ?? [],
    ports: spec.containers.flatMap(({ ports = [] }) =>
      ports.flatMap(({ name, protocol = 'TCP', containerPort }) =>
        name === undefined ? [] : [{ name, protocol, port: containerPort }],
      ),
    ),
  };
}

/** Policies see a pod's labels and addresses, and whether it is still there. */
function looksDifferent(before: Pod, after: Pod): boolean {
  return (
    before.metadata.labels !== after.metadata.labels ||
    before.status.podIP !== after.status.podIP ||
    before.status.phase !== after.status.phase
  );
}
