import type { Protocol } from '../api/types.ts';
import type { IptablesFamily } from '../net/iptables-rule.ts';
import {
  baseChains,
  endpointChain,
  policyChain,
  profileChains,
  type CalicoWorkload,
} from './calico-chains.ts';
import { calicoPolicies, type CalicoPeer, type CalicoPolicy, type CalicoRule } from './calico-policy.ts';
import type { PolicyPod } from './endpoint.ts';
import { ACCEPTED, clearMark, MARK, PASSED, renderChain, setMark, setName, type FelixRule } from './felix.ts';
import { namespaceLookup, type Direction } from './networkpolicy.ts';
import { compilePolicies, type PolicyObjects } from './policies.ts';

export interface CalicoSet {
  readonly name: string;
  readonly type: 'hash:net' | 'hash:ip,port';
  readonly members: readonly string[];
}

/** What Felix programs on a node for the policies: chains of the filter table as iptables-restore rows, and ipsets. */
export interface CalicoRules {
  readonly chains: ReadonlyMap<string, readonly string[]>;
  readonly sets: readonly CalicoSet[];
}

export interface CalicoObjects extends PolicyObjects {
  readonly pods: Iterable<PolicyPod>;
}

/** Ports that one multiport match holds. */
const MULTIPORT = 15;

/** Felix' view of a cluster in one family, from which every node's rules are taken; selectors are worked out once. */
export class CalicoPolicies {
  readonly #family: IptablesFamily;
  readonly #pods: readonly PolicyPod[];
  /** In the order in which packets meet them. */
  readonly #policies: readonly CalicoPolicy[];
  /** Those that may select a pod of a namespace, in the same order. */
  readonly #byNamespace = new Map<string, readonly CalicoPolicy[]>();
  readonly #sets = new Map<string, CalicoSet>();

  constructor(objects: CalicoObjects, family: IptablesFamily) {
    this.#family = family;
    this.#pods = [...objects.pods];
    this.#policies = calicoPolicies(compilePolicies(objects), namespaceLookup(objects.namespaces));
  }

  /** The rules of a node with these pods; undefined when no policy selects any of them. */
  node(workloads: readonly CalicoWorkload[]): CalicoRules | undefined {
    const used = new Set<CalicoPolicy>();
    const chains = new Map<string, readonly FelixRule[]>(baseChains(workloads, this.#family));
    for (const workload of workloads) {
      const policies = this.#of(workload.pod.namespace).filter((policy) => policy.selects(workload.pod));
      for (const policy of policies) used.add(policy);
      const { hostDevice } = workload;
      chains.set(`cali-tw-${hostDevice}`, endpointChain('ingress', workload, policies));
      chains.set(`cali-fw-${hostDevice}`, endpointChain('egress', workload, policies));
      for (const direction of ['ingress', 'egress'] as const) {
        for (const [profile, rules] of profileChains(direction, workload)) chains.set(profile, rules);
      }
    }
    if (used.size === 0) return undefined;
    const sets = new Map<string, CalicoSet>();
    for (const policy of this.#policies) {
      if (!used.has(policy)) continue;
      for (const direction of ['ingress', 'egress'] as const) {
        if (policy[direction] !== undefined)
          chains.set(policyChain(direction, policy), this.#policyRules(direction, policy, sets));
      }
    }
    const rendered = new Map<string, readonly string[]>();
    for (const [name, rules] of chains) rendered.set(name, renderChain(name, rules));
    return { chains: rendered, sets: [...sets.values()] };
  }

  #of(namespace: string): readonly CalicoPolicy[] {
    let policies = this.#byNamespace.get(namespace);
    if (policies === undefined) {
      policies = this.#policies.filter(
        (policy) => policy.namespace === undefined || policy.namespace === namespace,
      );
      this.#byNamespace.set(namespace, policies);
    }
    return policies;
  }

  #policyRules(
    direction: Direction,
    policy: CalicoPolicy,
    sets: Map<string, CalicoSet>,
  ): readonly FelixRule[] {
    const rules = (policy[direction] ?? []).flatMap((rule) => this.#rule(direction, rule, sets));
    while (rules[rules.length - 1]?.action === '--jump RETURN') rules.pop();
    const [first, ...rest] = rules;
    return [{ ...first, comments: [`Policy ${policy.name} ${direction}`] }, ...rest];
  }

  /** The packet that fits is marked and leaves the chain, or is dropped. */
  #rule(direction: Direction, rule: CalicoRule, sets: Map<string, CalicoSet>): readonly FelixRule[] {
    const peer = this.#peer(direction, rule.peer, sets);
    if (peer === undefined) return [];
    const { before, matches: found } = peer;
    const matches = rule.protocol === undefined ? found : [`-p ${rule.protocol.toLowerCase()}`, ...found];
    if (rule.ports === undefined) return [...before, ...actions(rule.action, matches)];
    const rules = [...before];
    for (const list of multiports(rule.ports.numbers))
      rules.push(...actions(rule.action, [...matches, `-m multiport --destination-ports ${list}`]));
    for (const name of rule.ports.names) {
      if (rule.protocol === undefined) continue;
      const set = this.#namedPortSet(name, rule.protocol);
      sets.set(set.name, set);
      rules.push(...actions(rule.action, [...matches, `-m set --match-set ${set.name} dst,dst`]));
    }
    return rules;
  }

  /** What matches the other side, after the rules that prepare it; undefined: nobody in this family. */
  #peer(
    direction: Direction,
    peer: CalicoPeer | undefined,
    sets: Map<string, CalicoSet>,
  ): { readonly before: readonly FelixRule[]; readonly matches: readonly string[] } | undefined {
    const side = direction === 'ingress' ? 'source' : 'destination';
    switch (peer?.kind) {
      case undefined:
        return { before: [], matches: [] };
      case 'pods': {
        const set = this.#podSet(peer.selector, peer.matches);
        sets.set(set.name, set);
        const end = direction === 'ingress' ? 'src' : 'dst';
        return { before: [], matches: [`-m set --match-set ${set.name} ${end}`] };
      }
      case 'nets': {
        const nets = peer.nets.filter((net) => this.#speaks(net));
        const [only] = nets;
        if (only === undefined) return undefined;
        if (nets.length === 1 && peer.except.length === 0)
          return { before: [], matches: [`--${side} ${only}`] };
        return {
          before: [
            { action: clearMark(MARK.scratch) },
            ...nets.map((net) => ({ match: `--${side} ${net}`, action: setMark(MARK.scratch) })),
            ...peer.except.map((net) => ({ match: `--${side} ${net}`, action: clearMark(MARK.scratch) })),
          ],
          matches: [`-m mark --mark ${MARK.scratch}/${MARK.scratch}`],
        };
      }
    }
  }

  /** Whether an address or a network is of this family. */
  #speaks(text: string): boolean {
    return text.includes(':') === (this.#family === 'ipv6');
  }

  #podSet(selector: string, matches: (pod: PolicyPod) => boolean): CalicoSet {
    return this.#cached('s', selector, 'hash:net', () =>
      this.#pods.flatMap((pod) => (matches(pod) ? pod.ips.filter((ip) => this.#speaks(ip)) : [])),
    );
  }

  #namedPortSet(name: string, protocol: Protocol): CalicoSet {
    const word = protocol.toLowerCase();
    return this.#cached('n', `all(),${word},${name}`, 'hash:ip,port', () =>
      this.#pods.flatMap((pod) =>
        pod.ports
          .filter((port) => port.name === name && port.protocol === protocol)
          .flatMap(({ port }) =>
            pod.ips.filter((ip) => this.#speaks(ip)).map((ip) => `${ip},${word}:${port}`),
          ),
      ),
    );
  }

  #cached(
    kind: 's' | 'n',
    text: string,
    type: CalicoSet['type'],
    members: () => readonly string[],
  ): CalicoSet {
    const name = setName(this.#family, kind, text);
    let set = this.#sets.get(name);
    if (set === undefined) {
      set = { name, type, members: [...new Set(members())] };
      this.#sets.set(name, set);
    }
    return set;
  }
}

function actions(action: CalicoRule['action'], matches: readonly string[]): readonly FelixRule[] {
  const match = matches.length === 0 ? {} : { match: matches.join(' ') };
  switch (action) {
    case 'Allow':
      return [
        { ...match, action: setMark(MARK.accept) },
        { match: ACCEPTED, action: '--jump RETURN' },
      ];
    case 'Pass':
      return [
        { ...match, action: setMark(MARK.pass) },
        { match: PASSED, action: '--jump RETURN' },
      ];
    case 'Deny':
      return [{ ...match, action: '--jump DROP' }];
  }
}

/** Numbers and ranges in groups that fit a multiport match; a range takes two places. */
function multiports(ports: readonly string[]): readonly string[] {
  const groups: string[][] = [];
  let room = 0;
  for (const port of ports) {
    const places = port.includes(':') ? 2 : 1;
    if (room < places) {
      groups.push([]);
      room = MULTIPORT;
    }
    groups[groups.length - 1]?.push(port);
    room -= places;
  }
  return groups.map((group) => group.join(','));
}
