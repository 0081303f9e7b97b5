import type { Store } from './api/store.ts';
import type { Pod } from './api/types.ts';
import type { World } from './net/world.ts';
import { CalicoPolicies, type CalicoWorkload } from './policy/calico.ts';
import type { PolicyPod } from './policy/endpoint.ts';
import { Felix } from './policy/felix-program.ts';
import type { Machine } from './machine.ts';
import type { EngineRuntime, MachineListener } from './runtime.ts';

/** From a change of a policy, a pod or a namespace to the rules, in virtual microseconds. */
const SYNC_DELAY = 10_000;

/** Calico's agents on all nodes: NetworkPolicies become rules where the pods are. */
export class Felixes implements MachineListener {
  readonly #world: World;
  readonly #store: Store;
  readonly #runtime: EngineRuntime;
  readonly #nodes = new Map<string, { readonly machine: Machine; readonly felix: Felix }>();
  #scheduled = false;
  /** Whether some node has rules of policies. */
  #active = false;

  constructor(world: World, store: Store, runtime: EngineRuntime) {
    this.#world = world;
    this.#store = store;
    this.#runtime = runtime;
    for (const machine of runtime.machines.values()) this.nodeAdded(machine);
    runtime.listeners.push(this);
    for (const kind of ['NetworkPolicy', 'Pod', 'Namespace'] as const) store.watch(kind, () => this.#dirty());
  }

  get idle(): boolean {
    return !this.#scheduled;
  }

  nodeAdded(machine: Machine): void {
    this.#nodes.set(machine.name, { machine, felix: new Felix(machine.netns.netfilter) });
    this.#dirty();
  }

  nodeRemoved(name: string): void {
    this.#nodes.delete(name);
  }

  #dirty(): void {
    if (this.#scheduled || (!this.#active && this.#store.list('NetworkPolicy').length === 0)) return;
    this.#scheduled = true;
    this.#world.schedule(SYNC_DELAY, () => {
      this.#scheduled = false;
      this.#sync();
    });
  }

  #sync(): void {
    const networkPolicies = this.#store.list('NetworkPolicy');
    const policies = new CalicoPolicies({
      pods: this.#store.list('Pod').map(policyPod),
      namespaces: this.#store.list('Namespace').map(({ metadata }) => ({
        name: metadata.name,
        labels: metadata.labels ?? {},
      })),
      networkPolicies,
    });
    const workloads = new Map<string, CalicoWorkload[]>();
    for (const { pod, machine, hostDevice } of this.#runtime.sandboxes.values()) {
      const current = this.#store.get('Pod', pod.metadata.namespace, pod.metadata.name);
      if (hostDevice === undefined || current === undefined) continue;
      const own = {
        hostDevice,
        pod: policyPod(current),
        serviceAccount: current.spec.serviceAccountName ?? 'default',
      };
      const list = workloads.get(machine.name);
      if (list === undefined) workloads.set(machine.name, [own]);
      else list.push(own);
    }
    this.#active = networkPolicies.length > 0;
    for (const [name, { felix }] of this.#nodes) felix.program(policies.node(workloads.get(name) ?? []));
  }
}

function policyPod({ metadata, spec, status }: Pod): PolicyPod {
  return {
    kind: 'pod',
    namespace: metadata.namespace ?? 'default',
    name: metadata.name,
    labels: metadata.labels ?? {},
    ips: status.podIPs?.map(({ ip }) => ip) ?? (status.podIP === undefined ? [] : [status.podIP]),
    ports: spec.containers.flatMap((container) =>
      (container.ports ?? []).map((port) => ({
        name: port.name ?? '',
        protocol: port.protocol ?? 'TCP',
        port: port.containerPort,
      })),
    ),
  };
}
