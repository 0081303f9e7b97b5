import { isAny, isIpv6, parseIp, type Ip } from './address.ts';
import { Conntrack, endpoint, formatEntry } from './conntrack.ts';
import type { Decision } from './decision.ts';
import { findRule, type Chain } from './iptables-chain.ts';
import { formatRule, targetName, type Rule, type TableName } from './iptables-rule.ts';
import { Ruleset } from './iptables-ruleset.ts';
import { BUILTIN_CHAINS, type Table } from './iptables-table.ts';
import { IpSets } from './ipset.ts';
import { manipOf, setupNat, translate, type NatKind, type NatRange } from './nat.ts';
import { Flow, type RecentLists, type RuleEnvironment } from './netfilter-flow.ts';
import type { IptablesFamily } from './iptables-rule.ts';
import type { Netns } from './netns.ts';
import { runBaseChain } from './nft/evaluate.ts';
import { NftRuleset } from './nft/ruleset.ts';
import type { NftChain } from './nft/table.ts';
import type { HookPoint, Hooks, Skb, Verdict } from './skb.ts';
import { invertTuple } from './tuple.ts';

const HOOKS: readonly HookPoint[] = ['PREROUTING', 'INPUT', 'FORWARD', 'OUTPUT', 'POSTROUTING'];

/** Deep enough for every real ruleset; a chain cannot reach itself, so only hostile ones are deeper. */
const MAX_DEPTH = 128;

/** Netfilter of one namespace: iptables, ip6tables, nftables, conntrack with NAT, ipsets. */
export class Netfilter implements Hooks {
  /** Whoever programs rules may say in whose name one of them drops; asked only while somebody watches. */
  explainDrop: ((flow: Flow, chain: string) => Decision | undefined) | undefined = undefined;
  readonly #ns: Netns;
  // Most namespaces are pods that never have a rule: nothing is made before it is asked for.
  #v4: Ruleset | undefined;
  #v6: Ruleset | undefined;
  #nft: NftRuleset | undefined;
  #conntrack: Conntrack | undefined;
  #sets: IpSets | undefined;
  #environment: RuleEnvironment | undefined;
  #dirty = false;
  #flow: Flow | undefined;
  /** Rules compared in chains that ended without a match, not yet told by a decision. */
  #walked = 0;
  #survey4: Survey = EMPTY;
  #survey6: Survey = EMPTY;

  constructor(ns: Netns) {
    this.#ns = ns;
  }

  /** iptables. */
  get v4(): Ruleset {
    return (this.#v4 ??= new Ruleset('ipv4', () => this.#changed()));
  }

  /** ip6tables. */
  get v6(): Ruleset {
    return (this.#v6 ??= new Ruleset('ipv6', () => this.#changed()));
  }

  ruleset(family: IptablesFamily): Ruleset {
    return family === 'ipv4' ? this.v4 : this.v6;
  }

  get nft(): NftRuleset {
    return (this.#nft ??= new NftRuleset(() => this.#changed()));
  }

  get conntrack(): Conntrack {
    return (this.#conntrack ??= new Conntrack(() => this.#ns.world.now));
  }

  get sets(): IpSets {
    return (this.#sets ??= new IpSets());
  }

  /** Whether connections are tracked, and so fragments put together first. */
  get defrag(): boolean {
    if (this.#dirty) this.#refresh();
    return this.#survey4.tracking || this.#survey6.tracking;
  }

  /** Whether any chain stands at the hook, or connection tracking does. */
  active(point: HookPoint): boolean {
    if (this.#dirty) this.#refresh();
    return this.#survey4.hooks.has(point) || this.#survey6.hooks.has(point);
  }

  hook(point: HookPoint, skb: Skb): Verdict {
    if (this.#dirty) this.#refresh();
    const survey = isIpv6(skb.packet.src) ? this.#survey6 : this.#survey4;
    if (survey === EMPTY) return 'ACCEPT';
    const plan = survey.hooks.get(point);
    if (plan === undefined) return 'ACCEPT';
    // A hook may lead to another of the same namespace (a REJECT's answer): then this flow is in use.
    const flow = this.#flow ?? new Flow(skb, point, this.#env());
    if (this.#flow !== undefined) {
      this.#flow = undefined;
      flow.begin(skb, point);
    }
    const verdict = this.#walk(point, plan, survey.tracking, flow);
    this.#flow = flow;
    return verdict;
  }

  #walk(point: HookPoint, plan: HookPlan, tracking: boolean, flow: Flow): Verdict {
    const { skb } = flow;
    for (const place of plan.early) if (this.#run(place, flow) === 'DROP') return 'DROP';
    if (tracking && (point === 'PREROUTING' || point === 'OUTPUT')) this.#track(skb);
    for (const place of plan.before) if (this.#run(place, flow) === 'DROP') return 'DROP';
    if (tracking && point !== 'FORWARD' && this.#nat(plan.nat, flow) === 'DROP') return 'DROP';
    for (const place of plan.after) if (this.#run(place, flow) === 'DROP') return 'DROP';
    if (tracking && (point === 'INPUT' || point === 'POSTROUTING') && !this.conntrack.confirm(skb)) {
      this.#decide(skb, { code: 'drop', reason: 'conntrack' });
      return 'DROP';
    }
    return 'ACCEPT';
  }

  /** An address is gone: connections that were masqueraded behind it are forgotten (`masq_inet_event`). */
  addressRemoved(dev: string, ip: Ip): void {
    this.#conntrack?.delete((entry) => entry.masqueradeDev === dev && entry.reply.dst === ip);
  }

  #changed(): void {
    this.#dirty = true;
  }

  #refresh(): void {
    this.#dirty = false;
    this.#survey4 = survey(this.#v4, nftChains(this.#nft, 'ip'));
    this.#survey6 = survey(this.#v6, nftChains(this.#nft, 'ip6'));
  }

  #track(skb: Skb): void {
    const fresh = skb.ct === undefined && skb.ctState === undefined;
    this.conntrack.track(skb);
    if (!fresh || this.#ns.world.tracer === undefined) return;
    this.#decide(skb, {
      code: 'conntrack',
      state: skb.ctState ?? 'INVALID',
      entry: skb.ct === undefined ? '' : formatEntry(skb.ct, this.#ns.world.now),
    });
  }

  /** `nf_nat_inet_fn`: rules are asked once per connection and direction of rewriting, then the binding is applied. */
  #nat(places: readonly Place[], flow: Flow): Verdict {
    const { skb } = flow;
    const entry = skb.ct;
    if (entry === undefined) return 'ACCEPT';
    const manip = manipOf(flow.hook);
    let bound = false;
    if (skb.ctState === 'NEW' && !(manip === 'src' ? entry.srcNatDone : entry.dstNatDone)) {
      for (const place of places) {
        if (this.#run(place, flow) === 'DROP') return 'DROP';
        if (manip === 'src' ? entry.srcNatDone : entry.dstNatDone) break;
      }
      bound = true;
      if (!(manip === 'src' ? entry.srcNatDone : entry.dstNatDone)) {
        setupNat(this.conntrack, entry, manip, {}, this.#env().random32);
      }
    }
    const rewrite = translate(skb, flow.hook);
    if (rewrite === undefined) return 'ACCEPT';
    flow.read();
    if (bound || this.#ns.world.tracer === undefined) return 'ACCEPT';
    const { protocol } = entry.original;
    this.#decide(skb, {
      code: 'nat',
      field: rewrite.field,
      from: endpoint(rewrite.from.ip, rewrite.from.port, protocol),
      to: endpoint(rewrite.to.ip, rewrite.to.port, protocol),
      entry: formatEntry(entry, this.#ns.world.now),
    });
    return 'ACCEPT';
  }

  #run(place: Place, flow: Flow): Verdict {
    if (place.table !== undefined) return this.#runTable(place.table, place.chain, flow);
    const decide =
      this.#ns.world.tracer === undefined
        ? undefined
        : (decision: Decision) => {
            this.#decide(flow.skb, decision);
          };
    return runBaseChain(place.chain, flow, decide);
  }

  #runTable(table: Table, chain: Chain, flow: Flow): Verdict {
    const traced = this.#ns.world.tracer !== undefined;
    this.#walked = 0;
    const verdict = this.#runChain(table, chain, flow, traced, 0);
    if (verdict === 'ACCEPT' || verdict === 'DROP') return verdict;
    chain.policyCount.packets++;
    chain.policyCount.bytes += flow.length;
    if (traced)
      this.#decide(flow.skb, {
        code: 'chain-policy',
        table: table.name,
        chain: chain.name,
        verdict: chain.policy,
        walked: this.#walked,
      });
    return chain.policy;
  }

  /** RETURN: the caller goes on after its jump. */
  #runChain(
    table: Table,
    start: Chain,
    flow: Flow,
    traced: boolean,
    depth: number,
  ): 'ACCEPT' | 'DROP' | 'RETURN' {
    if (depth > MAX_DEPTH) return 'DROP';
    const chain = start;
    const index = chain.index;
    const { rules } = index;
    for (let at = 0; at < rules.length; at++) {
      const from = at;
      at = findRule(index, from, flow);
      const rule = rules[at];
      if (rule === undefined) {
        this.#walked += rules.length - from;
        return 'RETURN';
      }
      chain.hit(at, flow.length);
      const { target } = rule;
      if (target === undefined) {
        if (traced) this.#decideRule(flow, table, chain, rule, 'CONTINUE', at + 1 - from);
        continue;
      }
      switch (target.kind) {
        case 'verdict': {
          const verdict = target.verdict === 'QUEUE' ? 'DROP' : target.verdict;
          if (traced) this.#decideRule(flow, table, chain, rule, verdict, at + 1 - from);
          return verdict;
        }
        case 'jump':
        case 'goto': {
          if (traced) {
            this.#decideRule(
              flow,
              table,
              chain,
              rule,
              `${target.kind === 'jump' ? 'JUMP' : 'GOTO'}:${target.chain}`,
              at + 1 - from,
            );
          }
          const next = table.get(target.chain);
          if (next === undefined) break;
          const verdict = this.#runChain(table, next, flow, traced, depth + 1);
          if (verdict !== 'RETURN' || target.kind === 'goto') return verdict;
          break;
        }
        case 'extension': {
          // The decision of the rule comes before what the target does, as in nft's trace.
          const place = traced ? this.#reserve(flow, table, chain, rule, at + 1 - from) : undefined;
          const verdict = target.apply(flow);
          place?.(verdict === 'QUEUE' ? 'DROP' : verdict);
          if (verdict === 'ACCEPT' || verdict === 'DROP' || verdict === 'RETURN') return verdict;
          if (verdict === 'QUEUE') return 'DROP';
          break;
        }
      }
    }
    return 'RETURN';
  }

  #decideRule(flow: Flow, table: Table, chain: Chain, rule: Rule, verdict: string, walked: number): void {
    this.#decide(flow.skb, {
      code: 'rule',
      table: table.name,
      chain: chain.name,
      rule: formatRule(chain.name, rule),
      verdict,
      walked: walked + this.#walked,
    });
    this.#walked = 0;
    if (verdict !== 'DROP') return;
    const reason = this.explainDrop?.(flow, chain.name);
    if (reason !== undefined) this.#decide(flow.skb, reason);
  }

  /** Extension targets make decisions of their own (a binding, a reject's error): the rule's is told first. */
  #reserve(
    flow: Flow,
    table: Table,
    chain: Chain,
    rule: Rule,
    walked: number,
  ): ((verdict: string) => void) | undefined {
    const name = targetName(rule.target);
    const foreseen =
      name === 'REJECT'
        ? 'DROP'
        : ['DNAT', 'SNAT', 'MASQUERADE', 'REDIRECT'].includes(name)
          ? 'ACCEPT'
          : undefined;
    if (foreseen === undefined)
      return (verdict) => this.#decideRule(flow, table, chain, rule, verdict, walked);
    this.#decideRule(flow, table, chain, rule, foreseen, walked);
    return undefined;
  }

  #decide(skb: Skb, decision: Decision): void {
    const { world } = this.#ns;
    world.tracer?.decision(world.now, skb.walk, this.#ns.name, decision);
  }

  #bind(flow: Flow, kind: NatKind, range: NatRange): 'ACCEPT' | 'DROP' {
    const { skb, hook } = flow;
    const entry = skb.ct;
    if (entry === undefined) return 'ACCEPT';
    const manip = manipOf(hook);
    if (manip === 'src' ? entry.srcNatDone : entry.dstNatDone) return 'DROP';
    const before = invertTuple(entry.reply);
    const after = setupNat(this.conntrack, entry, manip, range, this.#env().random32);
    if (kind === 'MASQUERADE') entry.masqueradeDev = flow.out;
    if (this.#ns.world.tracer === undefined) return 'ACCEPT';
    const { protocol } = before;
    const [from, to] =
      manip === 'src'
        ? [endpoint(before.src, before.sport, protocol), endpoint(after.src, after.sport, protocol)]
        : [endpoint(before.dst, before.dport, protocol), endpoint(after.dst, after.dport, protocol)];
    this.#decide(skb, { code: 'nat-binding', kind, from, to, entry: formatEntry(entry, this.#ns.world.now) });
    return 'ACCEPT';
  }

  #env(): RuleEnvironment {
    return (this.#environment ??= environmentOf(this.#ns, this.sets, (flow, kind, range) =>
      this.#bind(flow, kind, range),
    ));
  }
}

function environmentOf(ns: Netns, sets: IpSets, nat: RuleEnvironment['nat']): RuleEnvironment {
  const recent: RecentLists = new Map();
  return {
    sets,
    recent,
    nat,
    now: () => ns.world.now,
    random32: () => ns.world.random.uint32(),
    addressType: (ip, dev) =>
      ns.routes.addressType(ip, dev === undefined ? undefined : ns.devices.get(dev)).toUpperCase(),
    reversePath(flow, loose) {
      const result = ns.routes.lookup({ dst: flow.src, src: flow.dst });
      return result.kind === 'unicast' && (loose || result.dev === flow.skb.inDev);
    },
    pathMtu({ skb }) {
      const mtu = skb.route === undefined || skb.route.mtu === 0 ? skb.outDev?.mtu : skb.route.mtu;
      return mtu ?? 1500;
    },
    masqueradeAddress({ skb }) {
      if (skb.outDev === undefined) return undefined;
      const address = ns.selectAddress(skb.outDev, skb.route?.gateway ?? skb.packet.dst, 'global');
      return isAny(address) ? undefined : address;
    },
    redirectAddress({ skb, hook, src }) {
      if (hook === 'OUTPUT') return parseIp(isIpv6(src) ? '::1' : '127.0.0.1');
      return skb.inDev?.addresses.find((address) => isIpv6(address.ip) === isIpv6(src))?.ip;
    },
  };
}

/** A built-in chain of iptables, or a base chain of nftables. */
type Place =
  { readonly table: Table; readonly chain: Chain } | { readonly table: undefined; readonly chain: NftChain };

/** The chains that a hook runs, by their priorities: before conntrack, before NAT, NAT's own, and after it. */
interface HookPlan {
  readonly early: readonly Place[];
  readonly before: readonly Place[];
  readonly nat: readonly Place[];
  readonly after: readonly Place[];
}

/** What a ruleset makes the hooks do. A hook without chains, where nothing is tracked, has no plan. */
interface Survey {
  readonly hooks: ReadonlyMap<HookPoint, HookPlan>;
  /** Something asks for connections, so every packet is tracked. */
  readonly tracking: boolean;
}

const EMPTY: Survey = { hooks: new Map(), tracking: false };

/** Where iptables' tables stand (include/uapi/linux/netfilter_ipv4.h); nat's chains stand where NAT is. */
const PRIORITIES = { raw: -300, mangle: -150, filter: 0, security: 50 } as const;
const CONNTRACK = -200;

/** On the way out NAT comes before filter, so that filter sees where a packet really goes. */
const NAT: Readonly<Record<HookPoint, number>> = {
  PREROUTING: -100,
  INPUT: 100,
  FORWARD: 100,
  OUTPUT: -100,
  POSTROUTING: 100,
};

/** nftables' base chains that packets of a family pass. */
function nftChains(ruleset: NftRuleset | undefined, family: 'ip' | 'ip6'): readonly NftChain[] {
  return (ruleset?.tables ?? []).flatMap((table) =>
    !table.dormant && (table.family === family || table.family === 'inet') ? table.baseChains() : [],
  );
}

function survey(ruleset: Ruleset | undefined, nft: readonly NftChain[]): Survey {
  const tables = [...(ruleset?.tables.values() ?? [])];
  if (tables.length === 0 && nft.length === 0) return EMPTY;
  const reached = tables.filter((table) =>
    BUILTIN_CHAINS[table.name].some((hook) => table.builtin(hook) !== undefined),
  );
  // Where there is NAT no rule has to be read to know: a node may have tens of thousands.
  const tracking =
    reached.some(({ name }) => name === 'nat') || nft.some(nftTracks) || reached.some(tableTracks);
  const hooks = new Map<HookPoint, HookPlan>();
  for (const point of HOOKS) {
    const plan = planOf(point, ruleset, nft);
    const empty = plan.early.length + plan.before.length + plan.nat.length + plan.after.length === 0;
    if (!empty || (tracking && point !== 'FORWARD')) hooks.set(point, plan);
  }
  return { hooks, tracking };
}

function planOf(point: HookPoint, ruleset: Ruleset | undefined, nft: readonly NftChain[]): HookPlan {
  const here = (name: TableName): readonly Place[] => {
    const table = ruleset?.tables.get(name);
    const chain = table?.builtin(point);
    return table === undefined || chain === undefined ? [] : [{ table, chain }];
  };
  const bases = nft.flatMap((chain) =>
    chain.base?.hook === point
      ? [
          {
            place: { table: undefined, chain },
            priority: chain.base.priority,
            nat: chain.base.type === 'nat',
          },
        ]
      : [],
  );
  const byPriority = (
    list: readonly { readonly place: Place; readonly priority: number }[],
  ): readonly Place[] => [...list].sort((a, b) => a.priority - b.priority).map(({ place }) => place);
  const steps = [
    ...(['raw', 'mangle', 'filter', 'security'] as const).flatMap((name) =>
      here(name).map((place) => ({ place, priority: PRIORITIES[name] })),
    ),
    ...bases.filter(({ nat }) => !nat),
  ];
  return {
    early: byPriority(steps.filter(({ priority }) => priority < CONNTRACK)),
    before: byPriority(steps.filter(({ priority }) => priority >= CONNTRACK && priority < NAT[point])),
    nat: byPriority([
      ...here('nat').map((place) => ({ place, priority: NAT[point] })),
      ...bases.filter(({ nat }) => nat),
    ]),
    after: byPriority(steps.filter(({ priority }) => priority >= NAT[point])),
  };
}

/** NAT needs connections, and so does what a table's rules look at. */
function nftTracks({ base, rules, table }: NftChain): boolean {
  if (base?.type === 'nat') return true;
  const tracks = (rule: NftChain['rules'][number]): boolean =>
    rule.statements.some((statement) => statement.tracks === true);
  return rules.some(tracks) || table.chains().some((chain) => chain.rules.some(tracks));
}

function tableTracks(table: Table): boolean {
  for (const chain of table.all()) {
    for (const rule of chain.rules) {
      if (rule.matches.some((match) => match.tracks === true)) return true;
      if (rule.target?.kind === 'extension' && rule.target.tracks === true) return true;
    }
  }
  return false;
}
