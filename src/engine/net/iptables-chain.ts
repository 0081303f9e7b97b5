import type { Ip } from './address.ts';
import { prefixContains } from './address.ts';
import type { Match, Rule } from './iptables-rule.ts';
import { interfaceMatches } from './match/physdev.ts';
import type { Flow } from './netfilter-flow.ts';
import type { HookPoint } from './skb.ts';

export interface RuleCount {
  packets: number;
  bytes: number;
}

/** A chain of one table in one namespace. An array of rules that came from outside is never changed, so that its index may be shared. */
export class Chain {
  name: string;
  /** Of a built-in chain. */
  readonly hook: HookPoint | undefined;
  policy: 'ACCEPT' | 'DROP' = 'ACCEPT';
  readonly policyCount: RuleCount = { packets: 0, bytes: 0 };
  #rules: readonly Rule[] = [];
  /** The same array while nobody else holds it: then rules are added in place. */
  #private: Rule[] | undefined;
  /** Sparse: only rules that were hit or had counters set. */
  #counts: (RuleCount | undefined)[] = [];
  #index: ChainIndex | undefined;

  constructor(name: string, hook?: HookPoint) {
    this.name = name;
    this.hook = hook;
  }

  get rules(): readonly Rule[] {
    return this.#rules;
  }

  /** The rules as they are now, for keeping: a later change makes another array. */
  keep(): readonly Rule[] {
    this.#private = undefined;
    return this.#rules;
  }

  get index(): ChainIndex {
    return (this.#index ??= this.#private === undefined ? indexOf(this.#rules) : buildIndex(this.#rules));
  }

  /** All rules at once, counters at zero: what `iptables-restore` does to a chain it names. */
  setRules(rules: readonly Rule[]): void {
    this.#private = undefined;
    this.#rules = isStateless(rules) ? rules : rules.map(instantiate);
    this.#counts = [];
    this.#index = undefined;
  }

  insert(at: number, rule: Rule, count?: RuleCount): void {
    const own = hasState(rule) ? instantiate(rule) : rule;
    this.#own().splice(at, 0, own);
    if (at < this.#counts.length || count !== undefined) {
      while (this.#counts.length < at) this.#counts.push(undefined);
      this.#counts.splice(at, 0, count);
    }
    this.#index = undefined;
  }

  remove(at: number): void {
    this.#own().splice(at, 1);
    if (at < this.#counts.length) this.#counts.splice(at, 1);
    this.#index = undefined;
  }

  replace(at: number, rule: Rule): void {
    this.#own()[at] = hasState(rule) ? instantiate(rule) : rule;
    this.#counts[at] = undefined;
    this.#index = undefined;
  }

  #own(): Rule[] {
    if (this.#private === undefined) {
      this.#private = [...this.#rules];
      this.#rules = this.#private;
    }
    return this.#private;
  }

  count(at: number): RuleCount {
    return this.#counts[at] ?? ZERO;
  }

  hit(at: number, bytes: number): void {
    const count = this.#counts[at];
    if (count === undefined) {
      while (this.#counts.length < at) this.#counts.push(undefined);
      this.#counts[at] = { packets: 1, bytes };
      return;
    }
    count.packets++;
    count.bytes += bytes;
  }

  setCount(at: number, count: RuleCount): void {
    while (this.#counts.length < at) this.#counts.push(undefined);
    this.#counts[at] = { ...count };
  }

  zero(at?: number): void {
    if (at !== undefined) {
      this.#counts[at] = undefined;
      return;
    }
    this.#counts = [];
    this.policyCount.packets = 0;
    this.policyCount.bytes = 0;
  }
}

const ZERO: RuleCount = { packets: 0, bytes: 0 };

/** Arrays that were looked through: a long one may be given to thousands of chains. */
const stateless = new WeakSet<readonly Rule[]>();

function isStateless(rules: readonly Rule[]): boolean {
  if (stateless.has(rules)) return true;
  if (rules.some(hasState)) return false;
  stateless.add(rules);
  return true;
}

function hasState(rule: Rule): boolean {
  return rule.matches.some((match) => match.instance !== undefined);
}

function instantiate(rule: Rule): Rule {
  return { ...rule, matches: rule.matches.map((match): Match => match.instance?.() ?? match) };
}

/**
 * Where in a long chain a packet can match at all: rules that name one destination address, then rules that name one
 * destination port, and the rest. kube-proxy's KUBE-SERVICES has a rule per Service; the kernel compares them all.
 */
export interface ChainIndex {
  readonly rules: readonly Rule[];
  readonly byDestination: ReadonlyMap<Ip, readonly number[]> | undefined;
  readonly byPort: ReadonlyMap<number, readonly number[]> | undefined;
  readonly rest: readonly number[];
}

const INDEXED_FROM = 12;
const NO_RULES: readonly number[] = [];

const indexes = new WeakMap<readonly Rule[], ChainIndex>();

function indexOf(rules: readonly Rule[]): ChainIndex {
  const known = indexes.get(rules);
  if (known !== undefined) return known;
  const index = buildIndex(rules);
  indexes.set(rules, index);
  return index;
}

function buildIndex(rules: readonly Rule[]): ChainIndex {
  if (rules.length < INDEXED_FROM)
    return { rules, byDestination: undefined, byPort: undefined, rest: NO_RULES };
  const byDestination = new Map<Ip, number[]>();
  const byPort = new Map<number, number[]>();
  const rest: number[] = [];
  for (const [i, rule] of rules.entries()) {
    const { destination } = rule;
    if (
      destination !== undefined &&
      !destination.invert &&
      (destination.prefix.length === 32 ? rule.family === 'ipv4' : destination.prefix.length === 128)
    ) {
      push(byDestination, destination.prefix.ip, i);
      continue;
    }
    const port = rule.matches.find((match) => match.dport !== undefined)?.dport;
    if (port !== undefined && port[0] === port[1]) push(byPort, port[0], i);
    else rest.push(i);
  }
  if (rest.length === rules.length)
    return { rules, byDestination: undefined, byPort: undefined, rest: NO_RULES };
  return { rules, byDestination, byPort, rest };
}

function push(map: Map<number, number[]>, key: number, value: number): void {
  const list = map.get(key);
  if (list === undefined) map.set(key, [value]);
  else list.push(value);
}

/** The first rule from `from` on that matches; the number of rules when none does. */
export function findRule(index: ChainIndex, from: number, flow: Flow): number {
  const { rules, byDestination, byPort, rest } = index;
  if (byDestination === undefined) {
    for (let i = from; i < rules.length; i++) {
      const rule = rules[i];
      if (rule !== undefined && ruleMatches(rule, flow)) return i;
    }
    return rules.length;
  }
  const a = byDestination.get(flow.dst) ?? NO_RULES;
  const b = byPort?.get(flow.dport) ?? NO_RULES;
  let i = skip(a, from);
  let j = skip(b, from);
  let k = skip(rest, from);
  for (;;) {
    const x = a[i] ?? Infinity;
    const y = b[j] ?? Infinity;
    const z = rest[k] ?? Infinity;
    const at = Math.min(x, y, z);
    const rule = rules[at];
    if (rule === undefined) return rules.length;
    if (ruleMatches(rule, flow)) return at;
    if (x === at) i++;
    else if (y === at) j++;
    else k++;
  }
}

/** Position of the first number that is at least `from`, in a sorted list. */
function skip(list: readonly number[], from: number): number {
  let low = 0;
  let high = list.length;
  while (low < high) {
    const middle = (low + high) >> 1;
    if ((list[middle] ?? 0) < from) low = middle + 1;
    else high = middle;
  }
  return low;
}

export function ruleMatches(rule: Rule, flow: Flow): boolean {
  const { source, destination, protocol, inInterface, outInterface, fragment } = rule;
  if (destination !== undefined && prefixContains(destination.prefix, flow.dst) === destination.invert)
    return false;
  if (source !== undefined && prefixContains(source.prefix, flow.src) === source.invert) return false;
  if (protocol !== undefined && (protocol.number === flow.protocol) === protocol.invert) return false;
  if (inInterface !== undefined && interfaceMatches(inInterface.name, flow.in) === inInterface.invert)
    return false;
  if (outInterface !== undefined && interfaceMatches(outInterface.name, flow.out) === outInterface.invert)
    return false;
  if (fragment !== undefined && flow.later === fragment.invert) return false;
  for (const match of rule.matches) if (!match.test(flow)) return false;
  return true;
}
