import type { AdminPortInput, AdminRule, CompiledAdminPolicy } from './adminpolicy.ts';
import { classify, type EndpointClass } from './classes.ts';
import { namedPort, type PolicyEndpoint } from './endpoint.ts';
import { Members } from './members.ts';
import { namespaceLookup, type CompiledPolicy, type Direction, type PortInput } from './networkpolicy.ts';
import { compilePolicies, type CompiledPolicies, type PolicyObjects } from './policies.ts';
import { ALL_PORTS, NO_PORTS, PortSets, type PortRange, type PortSet } from './portset.ts';

/** What applies to classes that the same policies select: one row of port sets, by the class at the other side. */
type Profile = Uint32Array;

/** The policies that speak of a class in one direction, as places in the compiled lists. */
interface Selecting {
  readonly admin: number[];
  readonly network: number[];
  baseline: boolean;
}

/**
 * Who can open connections to whom, and on which ports, for all pairs at once: endpoints that no policy tells apart are
 * one class, classes that the same policies select share their row, and equal port sets are one number.
 */
export class Reachability {
  readonly sets = new PortSets();
  readonly classes: readonly EndpointClass[];
  /** The class of each endpoint, by its place in what was given. */
  readonly classOf: Uint32Array;
  readonly #policies: CompiledPolicies;
  readonly #members: Members;
  readonly #profiles: Readonly<Record<Direction, readonly Profile[]>>;
  readonly #rulePorts = new Map<object, PortSet>();

  constructor(objects: PolicyObjects, endpoints: readonly PolicyEndpoint[]) {
    const labels = namespaceLookup(objects.namespaces);
    this.#policies = compilePolicies(objects);
    const { classes, classOf } = classify(this.#policies, endpoints, labels);
    this.classes = classes;
    this.classOf = classOf;
    this.#members = new Members(classes, labels);
    this.#profiles = { ingress: this.#direction('ingress'), egress: this.#direction('egress') };
  }

  /** Ports of `to` that `from` may connect to; both are classes. Between two addresses outside, all. */
  ports(from: number, to: number): PortSet {
    return this.sets.intersection(
      this.#profiles.egress[from]?.[to] ?? ALL_PORTS,
      this.#profiles.ingress[to]?.[from] ?? ALL_PORTS,
    );
  }

  /** What one side alone allows. */
  side(direction: Direction, from: number, to: number): PortSet {
    const [own, other] = direction === 'ingress' ? [to, from] : [from, to];
    return this.#profiles[direction][own]?.[other] ?? ALL_PORTS;
  }

  #direction(direction: Direction): readonly Profile[] {
    const selecting = this.#selecting(direction);
    const shared = new Map<string, Profile>();
    return this.classes.map(({ representative }, i) => {
      const own = selecting[i] ?? { admin: [], network: [], baseline: false };
      // A named port means what the destination's containers say.
      const resolved = direction === 'ingress' && this.#hasNamedPorts(own, direction) ? i : '';
      const key = `${own.admin.join()};${own.network.join()};${own.baseline};${resolved}`;
      let profile = shared.get(key);
      if (profile === undefined) {
        profile = this.#profile(direction, own, representative);
        shared.set(key, profile);
      }
      return profile;
    });
  }

  #selecting(direction: Direction): readonly Selecting[] {
    const { admin, network, baseline } = this.#policies;
    const selecting = this.classes.map((): Selecting => ({ admin: [], network: [], baseline: false }));
    for (const [i, policy] of admin.entries())
      if (policy[direction].length > 0)
        for (const member of this.#members.subject(policy)) selecting[member]?.admin.push(i);
    for (const [i, policy] of network.entries())
      if (policy[direction] !== undefined)
        for (const member of this.#members.selected(policy.namespace, policy.podSelector))
          selecting[member]?.network.push(i);
    if (baseline !== undefined && baseline[direction].length > 0)
      for (const member of this.#members.subject(baseline)) {
        const own = selecting[member];
        if (own !== undefined) own.baseline = true;
      }
    return selecting;
  }

  #hasNamedPorts(own: Selecting, direction: Direction): boolean {
    const { admin, network, baseline } = this.#policies;
    const ofAdmin = (policy: CompiledAdminPolicy | undefined): boolean =>
      policy?.[direction].some(({ ports }) => ports?.some((port) => port.namedPort)) === true;
    const ofNetwork = (policy: CompiledPolicy | undefined): boolean =>
      policy?.[direction]?.some(({ ports }) => ports?.some(({ port }) => typeof port === 'string')) === true;
    return (
      own.network.some((i) => ofNetwork(network[i])) ||
      own.admin.some((i) => ofAdmin(admin[i])) ||
      (own.baseline && ofAdmin(baseline))
    );
  }

  /** The tiers in their order: what admin rules leave or pass on goes to NetworkPolicies, or where none selects, to the baseline. */
  #profile(direction: Direction, own: Selecting, pod: PolicyEndpoint): Profile {
    const { sets } = this;
    const { admin, network, baseline } = this.#policies;
    const size = this.classes.length;
    const granted = new Uint32Array(size);
    for (const i of own.network) this.#grant(network[i], direction, pod, granted);
    // Most clusters have the one tier.
    if (own.admin.length === 0 && !own.baseline)
      return own.network.length > 0 ? granted : granted.fill(ALL_PORTS);
    const allowed = new Uint32Array(size);
    const lower = new Uint32Array(size).fill(ALL_PORTS);
    const passed = new Uint32Array(size);
    for (const i of own.admin)
      this.#adminRules(admin[i]?.[direction] ?? [], direction, pod, allowed, lower, passed);
    for (const [other, set] of passed.entries()) lower[other] = sets.union(lower[other] ?? NO_PORTS, set);
    if (own.network.length > 0)
      for (const [other, set] of granted.entries())
        lower[other] = sets.intersection(lower[other] ?? NO_PORTS, set);
    else if (own.baseline)
      this.#adminRules(baseline?.[direction] ?? [], direction, pod, allowed, lower, lower);
    return allowed.map((set, other) => sets.union(set, lower[other] ?? NO_PORTS));
  }

  /** Adds to `granted` what the rules of a NetworkPolicy allow. */
  #grant(
    policy: CompiledPolicy | undefined,
    direction: Direction,
    pod: PolicyEndpoint,
    granted: Profile,
  ): void {
    const { sets } = this;
    for (const rule of policy?.[direction] ?? []) {
      const portsTo = this.#portsTo(direction, rule.ports, pod, networkRange);
      if (rule.peers === undefined)
        for (let other = 0; other < granted.length; other++)
          granted[other] = sets.union(granted[other] ?? NO_PORTS, portsTo(other));
      else
        for (const peer of rule.peers)
          for (const other of this.#members.peer(peer, policy?.namespace ?? ''))
            granted[other] = sets.union(granted[other] ?? NO_PORTS, portsTo(other));
    }
  }

  /** Takes what rules decide out of `left`, in their order, and puts it where they say. */
  #adminRules(
    rules: readonly AdminRule[],
    direction: Direction,
    pod: PolicyEndpoint,
    allowed: Profile,
    left: Profile,
    passed: Profile,
  ): void {
    const { sets } = this;
    for (const rule of rules) {
      const portsTo = this.#portsTo(direction, rule.ports, pod, adminRange);
      for (const peer of rule.peers) {
        for (const other of this.#members.adminPeer(peer)) {
          const open = left[other] ?? NO_PORTS;
          const hit = sets.intersection(open, portsTo(other));
          if (hit === NO_PORTS) continue;
          left[other] = sets.difference(open, hit);
          if (rule.action === 'Allow') allowed[other] = sets.union(allowed[other] ?? NO_PORTS, hit);
          if (rule.action === 'Pass') passed[other] = sets.union(passed[other] ?? NO_PORTS, hit);
        }
      }
    }
  }

  /** Ports of a rule by the class at the other side; that matters only to names, and only where it is the destination. */
  #portsTo<T extends PortInput | AdminPortInput>(
    direction: Direction,
    ports: readonly T[] | undefined,
    pod: PolicyEndpoint,
    range: (port: T, destination: PolicyEndpoint) => readonly PortRange[] | undefined,
  ): (other: number) => PortSet {
    if (direction === 'egress' && ports?.some(isNamed) === true)
      return (other) => this.#portsOf(ports, this.#at(other), range);
    const set = this.#portsOf(ports, pod, range);
    return () => set;
  }

  #at(other: number): PolicyEndpoint {
    return this.classes[other]?.representative ?? { kind: 'external', ip: '' };
  }

  #portsOf<T extends PortInput | AdminPortInput>(
    ports: readonly T[] | undefined,
    destination: PolicyEndpoint,
    range: (port: T, destination: PolicyEndpoint) => readonly PortRange[] | undefined,
  ): PortSet {
    if (ports === undefined) return ALL_PORTS;
    const known = this.#rulePorts.get(ports);
    if (known !== undefined) return known;
    const set = this.sets.of(ports.flatMap((port) => range(port, destination) ?? []));
    if (!ports.some(isNamed)) this.#rulePorts.set(ports, set);
    return set;
  }
}

function isNamed(port: PortInput | AdminPortInput): boolean {
  return 'namedPort' in port ? Boolean(port.namedPort) : 'port' in port && typeof port.port === 'string';
}

function networkRange(
  { protocol, port, endPort }: PortInput,
  destination: PolicyEndpoint,
): readonly PortRange[] {
  const name = protocol ?? 'TCP';
  if (port === undefined || port === null) return [{ protocol: name, first: 1, last: 65_535 }];
  const first = typeof port === 'string' ? namedPort(destination, port, name) : port;
  return first === undefined ? [] : [{ protocol: name, first, last: endPort ?? first }];
}

function adminRange(
  { portNumber, portRange, namedPort: name }: AdminPortInput,
  destination: PolicyEndpoint,
): readonly PortRange[] {
  if (portNumber)
    return [{ protocol: portNumber.protocol ?? 'TCP', first: portNumber.port, last: portNumber.port }];
  if (portRange)
    return [{ protocol: portRange.protocol ?? 'TCP', first: portRange.start, last: portRange.end }];
  if (!name || destination.kind === 'external') return [];
  // A named port of the admin tiers has no protocol of its own.
  return destination.ports.flatMap((port) =>
    port.name === name ? { protocol: port.protocol, first: port.port, last: port.port } : [],
  );
}
