import type { Store } from './api/store.ts';
import { labelOf } from './api/labels.ts';
import type { EndpointSlice, Service } from './api/types.ts';
import type { Machine } from './machine.ts';
import { familyOf, formatIp, formatPrefix } from './net/address.ts';
import type { Family, Prefix } from './net/address.ts';
import type { World } from './net/world.ts';
import type { ProxyNode } from './proxy/node.ts';
import { createKubeProxy } from './proxy/proxy.ts';
import type { KubeProxy, ProxyMode } from './proxy/proxy.ts';
import type { EngineRuntime, MachineListener } from './runtime.ts';
import { healthChecks, ServiceHealth } from './service-health.ts';

/** From a change of a Service or its endpoints to the rules, in virtual microseconds. */
const SYNC_DELAY = 10_000;
/**
 * `minSyncPeriod`: after a burst there is one sync a second (pkg/util/async, BoundedFrequencyRunner). kube-proxy's burst is
 * two; a small cluster shall not spend its time waiting.
 */
const MIN_SYNC_PERIOD = 1_000_000;
const BURST = 20;

const API_FAMILY: Readonly<Record<Family, ProxyNode['family']>> = { 4: 'IPv4', 6: 'IPv6' };

interface Newcomer {
  readonly machine: Machine;
  readonly zone: string | undefined;
}

/**
 * The kube-proxies of all nodes, one for each family that the cluster's pods have (a real one also fills the other family's
 * tables, with chains that lead nowhere): a change of Services or endpoints reaches every one of them a
 * moment later.
 */
export class KubeProxies implements MachineListener {
  readonly #world: World;
  readonly #store: Store;
  readonly #clusterCIDRs: readonly Prefix[];
  readonly #serviceCIDRs: readonly string[];
  readonly #mode: ProxyMode;
  readonly #machines = new Map<string, Machine>();
  /** Nodes that have come since the last sync. */
  #fresh: Newcomer[] = [];
  /** Those that somebody has met. */
  readonly #proxies = new Map<string, readonly KubeProxy[]>();
  readonly #health = new Map<string, ServiceHealth>();
  #services: readonly Service[] = [];
  #slices: readonly EndpointSlice[] = [];
  #scheduled = false;
  #tokens = BURST;
  #counted = 0;

  constructor(
    world: World,
    store: Store,
    runtime: EngineRuntime,
    options: {
      readonly clusterCIDRs: readonly Prefix[];
      readonly serviceCIDRs: readonly string[];
      readonly mode: ProxyMode;
    },
  ) {
    this.#world = world;
    this.#store = store;
    this.#clusterCIDRs = options.clusterCIDRs;
    this.#serviceCIDRs = options.serviceCIDRs;
    this.#mode = options.mode;
    for (const machine of runtime.machines.values()) this.nodeAdded(machine);
    runtime.listeners.push(this);
    store.watch('Service', () => this.#dirty());
    store.watch('EndpointSlice', () => this.#dirty());
  }

  /** Whether every node's rules are what they should be. */
  get idle(): boolean {
    return !this.#scheduled;
  }

  nodeAdded(machine: Machine): void {
    const node = this.#store.get('Node', undefined, machine.name);
    this.#machines.set(machine.name, machine);
    this.#fresh.push({ machine, zone: labelOf(node?.metadata.labels, 'topology.kubernetes.io/zone') });
    this.#dirty();
  }

  nodeRemoved(name: string): void {
    this.#machines.delete(name);
    this.#proxies.delete(name);
    this.#health.delete(name);
  }

  #dirty(): void {
    if (this.#scheduled) return;
    this.#scheduled = true;
    const { now } = this.#world;
    this.#tokens = Math.min(BURST, this.#tokens + (now - this.#counted) / MIN_SYNC_PERIOD);
    this.#counted = now;
    const wait = Math.max(0, 1 - this.#tokens) * MIN_SYNC_PERIOD;
    this.#tokens--;
    this.#world.schedule(Math.max(SYNC_DELAY, wait), () => {
      this.#scheduled = false;
      this.#services = this.#store.list('Service');
      this.#slices = this.#store.list('EndpointSlice');
      for (const proxies of this.#proxies.values())
        for (const proxy of proxies) proxy.sync(this.#services, this.#slices);
      const checks = healthChecks(this.#services);
      for (const health of this.#health.values()) health.sync(checks, this.#slices);
      for (const newcomer of this.#fresh) newcomer.machine.netns.defer(() => this.#start(newcomer));
      this.#fresh = [];
    });
  }

  /** A node's proxies start with what there is by then: what their rules were before, nobody has seen. */
  #start({ machine, zone }: Newcomer): void {
    if (this.#machines.get(machine.name) !== machine) return;
    const { netfilter } = machine.netns;
    const proxies = this.#clusterCIDRs.map((cidr) =>
      createKubeProxy(this.#mode, this.#facts(machine, zone, cidr), netfilter),
    );
    this.#proxies.set(machine.name, proxies);
    for (const proxy of proxies) proxy.sync(this.#services, this.#slices);
    const health = new ServiceHealth(machine);
    this.#health.set(machine.name, health);
    health.sync(healthChecks(this.#services), this.#slices);
  }

  #facts(machine: Machine, zone: string | undefined, cidr: Prefix): ProxyNode {
    const family = familyOf(cidr.ip);
    const nodeIP = machine.cni?.ips.find((ip) => familyOf(ip) === family);
    const addresses = [...machine.netns.devices.values()].flatMap((device) =>
      device.addresses.map(({ ip, length }) => `${formatIp(ip)}/${length}`),
    );
    return {
      name: machine.name,
      family: API_FAMILY[family],
      nodeIP: nodeIP === undefined ? '' : formatIp(nodeIP),
      addresses,
      zone,
      detectLocal: { mode: 'cidr', cidr: formatPrefix(cidr) },
      randomFully: true,
      localhostNodePorts: true,
      loadBalancerIPMode: true,
      nfacct: false,
      hints: 'always',
      serviceCIDRs: this.#serviceCIDRs.filter((range) => range.includes(':') === (family === 6)),
    };
  }
}
