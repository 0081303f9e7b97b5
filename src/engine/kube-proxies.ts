import type { Store } from './api/store.ts';
import { parseRow, programRules } from './cni/rules.ts';
import type { Rule, TableName } from './net/iptables-rule.ts';
import { formatIp } from './net/address.ts';
import type { World } from './net/world.ts';
import { proxyRules } from './proxy/iptables.ts';
import type { ChainRules, ProxyNode, ProxyRules } from './proxy/iptables.ts';
import { syncRules } from './proxy/sync.ts';
import type { EngineRuntime, MachineListener } from './runtime.ts';
import type { Machine } from './machine.ts';
import type { Netns } from './net/netns.ts';

/** From a change of a Service or its endpoints to the rules, in virtual microseconds. */
const SYNC_DELAY = 10_000;

/** Where kube-proxy hooks its chains into the built-in ones (pkg/proxy/iptables, iptablesJumpChains), and the kubelet its own. */
const jumps = `*filter
:KUBE-EXTERNAL-SERVICES - [0:0]
:KUBE-FIREWALL - [0:0]
:KUBE-FORWARD - [0:0]
:KUBE-NODEPORTS - [0:0]
:KUBE-PROXY-FIREWALL - [0:0]
:KUBE-SERVICES - [0:0]
-A INPUT -m conntrack --ctstate NEW -m comment --comment "kubernetes load balancer firewall" -j KUBE-PROXY-FIREWALL
-A INPUT -m comment --comment "kubernetes health check service ports" -j KUBE-NODEPORTS
-A INPUT -m conntrack --ctstate NEW -m comment --comment "kubernetes externally-visible service portals" -j KUBE-EXTERNAL-SERVICES
-A INPUT -j KUBE-FIREWALL
-A FORWARD -m conntrack --ctstate NEW -m comment --comment "kubernetes load balancer firewall" -j KUBE-PROXY-FIREWALL
-A FORWARD -m comment --comment "kubernetes forwarding rules" -j KUBE-FORWARD
-A FORWARD -m conntrack --ctstate NEW -m comment --comment "kubernetes service portals" -j KUBE-SERVICES
-A FORWARD -m conntrack --ctstate NEW -m comment --comment "kubernetes externally-visible service portals" -j KUBE-EXTERNAL-SERVICES
-A OUTPUT -m conntrack --ctstate NEW -m comment --comment "kubernetes load balancer firewall" -j KUBE-PROXY-FIREWALL
-A OUTPUT -m conntrack --ctstate NEW -m comment --comment "kubernetes service portals" -j KUBE-SERVICES
-A OUTPUT -j KUBE-FIREWALL
COMMIT
*nat
:KUBE-KUBELET-CANARY - [0:0]
:KUBE-MARK-MASQ - [0:0]
:KUBE-NODEPORTS - [0:0]
:KUBE-POSTROUTING - [0:0]
:KUBE-PROXY-CANARY - [0:0]
:KUBE-SERVICES - [0:0]
-A PREROUTING -m comment --comment "kubernetes service portals" -j KUBE-SERVICES
-A OUTPUT -m comment --comment "kubernetes service portals" -j KUBE-SERVICES
-A POSTROUTING -m comment --comment "kubernetes postrouting rules" -j KUBE-POSTROUTING
COMMIT
`;

/** What a node has from kubelet and kube-proxy before any Service: it comes before the CNI's rules. */
export function programKubeChains(netns: Netns): void {
  programRules(netns, jumps);
}

/** The kube-proxies of all nodes. */
export class KubeProxies implements MachineListener {
  readonly #world: World;
  readonly #store: Store;
  readonly #podCIDR: string;
  readonly #nodes = new Map<string, { readonly machine: Machine; written: ProxyRules | undefined }>();
  #scheduled = false;

  constructor(world: World, store: Store, runtime: EngineRuntime, options: { readonly podCIDR: string }) {
    this.#world = world;
    this.#store = store;
    this.#podCIDR = options.podCIDR;
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
    this.#nodes.set(machine.name, { machine, written: undefined });
    this.#dirty();
  }

  nodeRemoved(name: string): void {
    this.#nodes.delete(name);
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
    const services = this.#store.list('Service');
    const slices = this.#store.list('EndpointSlice');
    for (const own of this.#nodes.values()) {
      const next = proxyRules(services, slices, this.#facts(own.machine));
      const { filter, nat, deleted } = syncRules(own.written, next);
      const { v4 } = own.machine.netns.netfilter;
      v4.commit('filter', chainRules('filter', filter));
      v4.commit('nat', chainRules('nat', nat), deleted);
      own.written = next;
    }
  }

  #facts(machine: Machine): ProxyNode {
    const addresses = [...machine.netns.devices.values()].flatMap((device) =>
      device.addresses.map(({ ip, length }) => `${formatIp(ip)}/${length}`),
    );
    const node = this.#store.get('Node', undefined, machine.name);
    return {
      name: machine.name,
      family: 'IPv4',
      nodeIP: machine.cni === undefined ? '' : formatIp(machine.cni.ip),
      addresses,
      zone: node?.metadata.labels?.['topology.kubernetes.io/zone'],
      detectLocal: { mode: 'cidr', cidr: this.#podCIDR },
      randomFully: true,
      localhostNodePorts: true,
      loadBalancerIPMode: true,
      nfacct: false,
      hints: 'always',
    };
  }
}

/** In the order of their names, as kube-proxy writes them. */
function chainRules(table: TableName, chains: ChainRules): ReadonlyMap<string, readonly Rule[]> {
  const rules = (chain: string): Rule[] => (chains.get(chain) ?? []).flatMap((row) => parseRow(table, row));
  return new Map([...chains.keys()].sort().map((chain) => [chain, rules(chain)]));
}
