import type { IptablesFamily } from '../net/iptables-rule.ts';
import { matchesSelector } from '../api/labels.ts';
import type { LabelSelector, Protocol } from '../api/types.ts';
import { namespaceLabels, type PolicyNamespace, type PolicyPod } from './endpoint.ts';
import {
  ACCEPTED,
  chainName,
  clearMark,
  MARK,
  renderChain,
  setMark,
  setName,
  type FelixRule,
} from './felix.ts';
import {
  compileNetworkPolicy,
  selects,
  type CompiledPolicy,
  type Direction,
  type NetworkPolicyInput,
  type PeerInput,
  type PolicyRule,
  type PortInput,
} from './networkpolicy.ts';

/** A pod of a node with the host end of its link. */
export interface CalicoWorkload {
  readonly hostDevice: string;
  readonly pod: PolicyPod;
  readonly serviceAccount: string;
}

export interface CalicoSet {
  readonly name: string;
  readonly type: 'hash:net' | 'hash:ip,port';
  readonly members: readonly string[];
}

/** What Felix programs on a node for NetworkPolicies: chains of the filter table as iptables-restore rows, and ipsets. */
export interface CalicoRules {
  readonly chains: ReadonlyMap<string, readonly string[]>;
  readonly sets: readonly CalicoSet[];
}

export interface CalicoObjects {
  readonly pods: Iterable<PolicyPod>;
  readonly namespaces: Iterable<PolicyNamespace>;
  readonly networkPolicies: Iterable<NetworkPolicyInput>;
}

/** Ports that one multiport match holds. */
const MULTIPORT = 15;

/** Felix' view of a cluster in one family, from which every node's rules are taken; selectors are worked out once. */
export class CalicoPolicies {
  readonly #family: IptablesFamily;
  readonly #pods: readonly PolicyPod[];
  readonly #namespaces = new Map<string, ReturnType<typeof namespaceLabels>>();
  readonly #policies: readonly CompiledPolicy[];
  readonly #sets = new Map<string, CalicoSet>();

  constructor(objects: CalicoObjects, family: IptablesFamily) {
    this.#family = family;
    this.#pods = [...objects.pods];
    for (const namespace of objects.namespaces)
      this.#namespaces.set(namespace.name, namespaceLabels(namespace));
    this.#policies = [...objects.networkPolicies].map(compileNetworkPolicy).sort((a, b) => {
      const x = policyName(a);
      const y = policyName(b);
      return x < y ? -1 : x > y ? 1 : 0;
    });
  }

  /** The rules of a node with these pods; undefined when no policy selects any of them. */
  node(workloads: readonly CalicoWorkload[]): CalicoRules | undefined {
    const used = new Set<CompiledPolicy>();
    const chains = new Map<string, readonly FelixRule[]>(baseChains(workloads, this.#family));
    for (const workload of workloads) {
      const policies = this.#policies.filter((policy) => selects(policy, workload.pod));
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

  #policyRules(
    direction: Direction,
    policy: CompiledPolicy,
    sets: Map<string, CalicoSet>,
  ): readonly FelixRule[] {
    const rules: FelixRule[] = [];
    for (const rule of policy[direction] ?? []) {
      for (const protocol of protocolsOf(rule.ports)) {
        for (const peer of rule.peers ?? [undefined]) {
          rules.push(...this.#ruleFor(direction, policy, peer, protocol, rule, sets));
        }
      }
    }
    while (rules[rules.length - 1]?.action === '--jump RETURN') rules.pop();
    const comment = `Policy ${policyName(policy)} ${direction}`;
    const [first, ...rest] = rules;
    return [{ ...first, comments: [comment] }, ...rest];
  }

  /** One peer and one protocol of a rule: the packet that fits is marked and leaves the chain. */
  #ruleFor(
    direction: Direction,
    policy: CompiledPolicy,
    peer: PeerInput | undefined,
    protocol: Protocol | undefined,
    rule: PolicyRule,
    sets: Map<string, CalicoSet>,
  ): readonly FelixRule[] {
    const side = direction === 'ingress' ? 'source' : 'destination';
    const before: FelixRule[] = [];
    const matches: string[] = [];
    if (protocol !== undefined) matches.push(`-p ${protocol.toLowerCase()}`);
    const block = peer?.ipBlock;
    if (block !== undefined && block !== null) {
      if (!this.#speaks(block.cidr)) return [];
      const except = block.except ?? [];
      if (except.length === 0) matches.push(`--${side} ${block.cidr}`);
      else {
        before.push(
          { action: clearMark(MARK.scratch) },
          { match: `--${side} ${block.cidr}`, action: setMark(MARK.scratch) },
        );
        for (const cidr of except)
          before.push({ match: `--${side} ${cidr}`, action: clearMark(MARK.scratch) });
        matches.push(`-m mark --mark ${MARK.scratch}/${MARK.scratch}`);
      }
    } else if (peer !== undefined) {
      const set = this.#podSet(peer, policy.namespace);
      sets.set(set.name, set);
      matches.push(`-m set --match-set ${set.name} ${direction === 'ingress' ? 'src' : 'dst'}`);
    }
    const accept = (match: readonly string[]): readonly FelixRule[] => [
      { ...(match.length === 0 ? {} : { match: match.join(' ') }), action: setMark(MARK.accept) },
      { match: ACCEPTED, action: '--jump RETURN' },
    ];
    const ports = (rule.ports ?? []).filter((port) => (port.protocol ?? 'TCP') === protocol);
    if (ports.length === 0 || ports.some((port) => port.port === undefined || port.port === null)) {
      return [...before, ...accept(matches)];
    }
    const rules = [...before];
    for (const list of multiports(ports))
      rules.push(...accept([...matches, `-m multiport --destination-ports ${list}`]));
    for (const { port } of ports) {
      if (typeof port !== 'string' || protocol === undefined) continue;
      const set = this.#namedPortSet(port, protocol);
      sets.set(set.name, set);
      rules.push(...accept([...matches, `-m set --match-set ${set.name} dst,dst`]));
    }
    return rules;
  }

  /** Whether an address or a network is of this family. */
  #speaks(text: string): boolean {
    return text.includes(':') === (this.#family === 'ipv6');
  }

  #podSet(peer: PeerInput, namespace: string): CalicoSet {
    const { podSelector, namespaceSelector } = peer;
    const everyNamespace = namespaceSelector === undefined || namespaceSelector === null;
    const selector = [
      everyNamespace
        ? `projectcalico.org/namespace == '${namespace}'`
        : selectorText(namespaceSelector, 'pcns.'),
      "projectcalico.org/orchestrator == 'k8s'",
      ...(podSelector === undefined || podSelector === null ? [] : [selectorText(podSelector, '')]),
    ].filter((part) => part !== '');
    return this.#cached('s', selector.join(' && '), 'hash:net', () =>
      this.#pods.flatMap((pod) => {
        const inside = everyNamespace
          ? pod.namespace === namespace
          : matchesSelector(namespaceSelector, this.#namespaces.get(pod.namespace));
        if (
          !inside ||
          (podSelector !== undefined && podSelector !== null && !matchesSelector(podSelector, pod.labels))
        )
          return [];
        return pod.ips.filter((ip) => this.#speaks(ip));
      }),
    );
  }

  #namedPortSet(name: string, protocol: Protocol): CalicoSet {
    return this.#cached('n', `all(),${protocol.toLowerCase()},${name}`, 'hash:ip,port', () =>
      this.#pods.flatMap((pod) =>
        pod.ports
          .filter((port) => port.name === name && port.protocol === protocol)
          .flatMap((port) =>
            pod.ips
              .filter((ip) => this.#speaks(ip))
              .map((ip) => `${ip},${protocol.toLowerCase()}:${port.port}`),
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

/** libcalico's name of a Kubernetes NetworkPolicy. */
function policyName(policy: CompiledPolicy): string {
  return `${policy.namespace}/knp.default.${policy.name}`;
}

function policyChain(direction: Direction, policy: CompiledPolicy): string {
  return chainName(direction === 'ingress' ? 'cali-pi-' : 'cali-po-', policyName(policy));
}

function profileChain(direction: Direction, profile: string): string {
  return chainName(direction === 'ingress' ? 'cali-pri-' : 'cali-pro-', profile);
}

/** Protocols in the order in which libcalico groups a rule's ports; undefined: any. */
function protocolsOf(ports: readonly PortInput[] | undefined): readonly (Protocol | undefined)[] {
  if (ports === undefined) return [undefined];
  return [...new Set(ports.map((port) => port.protocol ?? 'TCP'))].sort();
}

/** Numbers and ranges in groups that fit a multiport match; a range takes two places. */
function multiports(ports: readonly PortInput[]): readonly string[] {
  const groups: string[][] = [];
  let room = 0;
  for (const { port, endPort } of ports) {
    if (typeof port !== 'number') continue;
    const range = endPort !== undefined && endPort !== null && endPort !== port;
    const places = range ? 2 : 1;
    if (room < places) {
      groups.push([]);
      room = MULTIPORT;
    }
    groups[groups.length - 1]?.push(range ? `${port}:${endPort}` : String(port));
    room -= places;
  }
  return groups.map((group) => group.join(','));
}

/** A label selector in Calico's own language. */
function selectorText(selector: LabelSelector, prefix: string): string {
  const parts = Object.keys(selector.matchLabels ?? {})
    .sort()
    .map((key) => `${prefix}${key} == '${selector.matchLabels?.[key] ?? ''}'`);
  for (const { key, operator, values = [] } of selector.matchExpressions ?? []) {
    const list = values.map((value) => `'${value}'`).join(', ');
    switch (operator) {
      case 'In':
        parts.push(`${prefix}${key} in { ${list} }`);
        break;
      case 'NotIn':
        parts.push(`${prefix}${key} not in { ${list} }`);
        break;
      case 'Exists':
        parts.push(`has(${prefix}${key})`);
        break;
      case 'DoesNotExist':
        parts.push(`! has(${prefix}${key})`);
        break;
    }
  }
  return parts.length === 0 && prefix !== '' ? 'has(projectcalico.org/namespace)' : parts.join(' && ');
}

/** What a workload may say to its node as to a router whatever the policies are: group membership, and neighbour discovery. */
const ROUTER_ICMPV6 = [130, 131, 132, 133, 135, 136];

function baseChains(
  workloads: readonly CalicoWorkload[],
  family: IptablesFamily,
): readonly (readonly [string, readonly FelixRule[]])[] {
  const devices = workloads.map((workload) => workload.hostDevice).sort();
  const unknown: FelixRule = { comments: ['Unknown interface'], action: '--jump DROP' };
  return [
    [
      'cali-FORWARD',
      [
        { action: clearMark('0xe0000') },
        { match: '-m mark --mark 0/0x10000', action: '--jump cali-from-hep-forward' },
        { match: '--in-interface cali+', action: '--jump cali-from-wl-dispatch' },
        { match: '--out-interface cali+', action: '--jump cali-to-wl-dispatch' },
        { action: '--jump cali-to-hep-forward' },
        { action: '--jump cali-cidr-block' },
      ],
    ],
    [
      'cali-INPUT',
      [
        { match: '--in-interface cali+', action: '--goto cali-wl-to-host' },
        { match: ACCEPTED, action: '--jump ACCEPT' },
        { action: clearMark(MARK.all) },
        { action: '--jump cali-from-host-endpoint' },
        { comments: ['Host endpoint policy accepted packet.'], match: ACCEPTED, action: '--jump ACCEPT' },
      ],
    ],
    [
      'cali-OUTPUT',
      [
        { match: ACCEPTED, action: '--jump ACCEPT' },
        { match: '--out-interface cali+', action: '--jump RETURN' },
        { action: clearMark(MARK.all) },
        { match: '-m conntrack ! --ctstate DNAT', action: '--jump cali-to-host-endpoint' },
        { comments: ['Host endpoint policy accepted packet.'], match: ACCEPTED, action: '--jump ACCEPT' },
      ],
    ],
    ['cali-cidr-block', []],
    ['cali-from-hep-forward', []],
    ['cali-from-host-endpoint', []],
    ['cali-to-hep-forward', []],
    ['cali-to-host-endpoint', []],
    [
      'cali-from-wl-dispatch',
      [
        ...devices.map((name) => ({ match: `--in-interface ${name}`, action: `--goto cali-fw-${name}` })),
        unknown,
      ],
    ],
    [
      'cali-to-wl-dispatch',
      [
        ...devices.map((name) => ({ match: `--out-interface ${name}`, action: `--goto cali-tw-${name}` })),
        unknown,
      ],
    ],
    [
      'cali-wl-to-host',
      [
        ...(family === 'ipv4' ? [] : ROUTER_ICMPV6).map((type) => ({
          match: `-p 58 -m icmp6 --icmpv6-type ${type}`,
          action: '--jump ACCEPT',
        })),
        { action: '--jump cali-from-wl-dispatch' },
        { comments: ['Configured DefaultEndpointToHostAction'], action: '--jump ACCEPT' },
      ],
    ],
  ];
}

/** What stands between a workload and the rest, in one direction (felix/rules/endpoints.go). */
function endpointChain(
  direction: Direction,
  workload: CalicoWorkload,
  policies: readonly CompiledPolicy[],
): readonly FelixRule[] {
  const rules: FelixRule[] = [
    { match: '-m conntrack --ctstate RELATED,ESTABLISHED', action: '--jump ACCEPT' },
    { match: '-m conntrack --ctstate INVALID', action: '--jump DROP' },
    { action: clearMark(MARK.accept) },
  ];
  if (direction === 'egress') {
    rules.push(
      {
        comments: ['Drop VXLAN encapped packets originating in workloads'],
        match: '-p udp -m multiport --destination-ports 4789',
        action: '--jump DROP',
      },
      {
        comments: ['Drop IPinIP encapped packets originating in workloads'],
        match: '-p 4',
        action: '--jump DROP',
      },
    );
  }
  const speaking = policies.filter((policy) => policy[direction] !== undefined);
  const passing = `-m mark --mark 0/${MARK.pass}`;
  if (speaking.length > 0) {
    rules.push({ comments: ['Start of policies'], action: clearMark(MARK.pass) });
    for (const policy of speaking) {
      rules.push(
        { match: passing, action: `--jump ${policyChain(direction, policy)}` },
        { comments: ['Return if policy accepted'], match: ACCEPTED, action: '--jump RETURN' },
      );
    }
    rules.push({ comments: ['Drop if no policies passed packet'], match: passing, action: '--jump DROP' });
  }
  for (const profile of profilesOf(workload)) {
    rules.push(
      { action: `--jump ${profileChain(direction, profile)}` },
      { comments: ['Return if profile accepted'], match: ACCEPTED, action: '--jump RETURN' },
    );
  }
  rules.push({ comments: ['Drop if no profiles matched'], action: '--jump DROP' });
  return rules;
}

/** A namespace's profile allows everything; a service account's says nothing. */
function profilesOf({ pod, serviceAccount }: CalicoWorkload): readonly [namespace: string, account: string] {
  return [`kns.${pod.namespace}`, `ksa.${pod.namespace}.${serviceAccount}`];
}

function profileChains(
  direction: Direction,
  workload: CalicoWorkload,
): readonly (readonly [string, readonly FelixRule[]])[] {
  const [namespace, account] = profilesOf(workload);
  return [
    [
      profileChain(direction, namespace),
      [{ comments: [`Profile ${namespace} ${direction}`], action: setMark(MARK.accept) }],
    ],
    [profileChain(direction, account), [{ comments: [`Profile ${account} ${direction}`] }]],
  ];
}
