import type { Protocol } from '../api/types.ts';
import type { PolicyEndpoint, PolicyPort } from './endpoint.ts';
import { groupEndpoints, outsideGroups, type ReachGroup } from './groups.ts';
import type { Endpoint, Inventory } from './inventory.ts';
import { compilePolicies } from './policies.ts';
import { ALL_PORTS, NO_PORTS, type PortRange, type PortSet } from './portset.ts';
import { Reachability } from './reachability.ts';
import { PolicySet, type PolicyVerdict } from './verdict.ts';

/** What one group may do with another. */
export interface ReachCell {
  /** `self`: a single pod, which always reaches itself. */
  readonly state: 'all' | 'some' | 'none' | 'self';
  /** Open ports of the destination. */
  readonly ports: readonly PortRange[];
}

/** Why a port is open or not: the verdict on one that tells most. */
export interface ReachReason {
  readonly port: PolicyPort;
  readonly verdict: PolicyVerdict;
}

/** A few rows of many, chosen by name. */
export interface SurveyChoice {
  /** Names or beginnings of names that end in `*`; undefined: all. */
  readonly from?: string;
  readonly to?: string;
}

/** Who can talk to whom, in groups that a person can look at. */
export class Survey {
  readonly sources: readonly ReachGroup[];
  readonly destinations: readonly ReachGroup[];
  readonly #policies: PolicySet;
  readonly #reachability: Reachability;
  readonly #classes = new Map<ReachGroup, number>();

  constructor(inventory: Inventory, choice: SurveyChoice = {}) {
    const outside = outsideGroups([compilePolicies(inventory.policies)]);
    this.#policies = new PolicySet(inventory.policies);
    this.#reachability = new Reachability(inventory.policies, [
      ...inventory.endpoints.map(({ policy }) => policy),
      ...outside.map(({ representative }) => representative),
    ]);
    const { classOf } = this.#reachability;
    const classes = new Map<PolicyEndpoint, number>();
    for (const [i, { policy }] of inventory.endpoints.entries()) classes.set(policy, classOf[i] ?? 0);
    const groups = groupEndpoints(inventory.endpoints, ({ policy }: Endpoint) => String(classes.get(policy)));
    for (const group of groups) this.#classes.set(group, classes.get(group.representative) ?? 0);
    for (const [i, group] of outside.entries())
      this.#classes.set(group, classOf[inventory.endpoints.length + i] ?? 0);
    const all = [...groups, ...outside];
    this.sources = all.filter((group) => isChosen(group, choice.from));
    this.destinations = all.filter((group) => isChosen(group, choice.to));
  }

  cell(from: ReachGroup, to: ReachGroup): ReachCell {
    if (from === to && from.members.length === 1 && !from.name.endsWith(']'))
      return { state: 'self', ports: [] };
    const set = this.#ports(from, to);
    return {
      state: set === ALL_PORTS ? 'all' : set === NO_PORTS ? 'none' : 'some',
      ports: this.#reachability.sets.ranges(set),
    };
  }

  /** The verdict on the port that tells most: a declared one that is refused, else one of what is said in fewer words. */
  reason(from: ReachGroup, to: ReachGroup): ReachReason {
    const port = tellingPort(this.#ports(from, to), to, this.#reachability);
    return { port, verdict: this.#policies.verdict(from.representative, to.representative, port) };
  }

  #ports(from: ReachGroup, to: ReachGroup): PortSet {
    return this.#reachability.ports(this.#classes.get(from) ?? 0, this.#classes.get(to) ?? 0);
  }
}

function isChosen({ name, members }: ReachGroup, wanted: string | undefined): boolean {
  if (wanted === undefined) return true;
  const [start = ''] = wanted.split('*');
  return [name, ...members].some((one) =>
    wanted.endsWith('*') ? one.startsWith(start) : one === wanted || one.startsWith(`${wanted}[`),
  );
}

const USUAL = { protocol: 'TCP', port: 80 } as const satisfies PolicyPort;

function tellingPort(open: PortSet, to: ReachGroup, { sets }: Reachability): PolicyPort {
  const closed = sets.difference(ALL_PORTS, open);
  const refused = to.declared.find(({ protocol, port }) => sets.has(closed, protocol, port));
  if (refused !== undefined) return { protocol: refused.protocol, port: refused.port };
  const size = (set: PortSet): number =>
    sets.ranges(set).reduce((sum, { first, last }) => sum + last - first + 1, 0);
  const few = closed !== NO_PORTS && size(closed) < size(open) ? closed : open;
  const candidates: readonly { readonly protocol: Protocol; readonly port: number }[] = [
    ...to.declared,
    USUAL,
  ];
  const wanted = candidates.find(({ protocol, port }) => sets.has(few, protocol, port));
  const [range] = sets.ranges(few);
  return wanted === undefined
    ? { protocol: range?.protocol ?? USUAL.protocol, port: range?.first ?? USUAL.port }
    : { protocol: wanted.protocol, port: wanted.port };
}
