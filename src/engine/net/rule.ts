/** Policy routing rules of one namespace (net/core/fib_rules.c): in order of preference, until a table answers. */
import { formatIp, formatPrefix, prefixContains, type Prefix } from './address.ts';
import type { Errno } from './errno.ts';
import type { RouteFlow } from './route.ts';

export interface RoutingRule {
  readonly family: 4 | 6;
  readonly preference: number;
  readonly from: Prefix | undefined;
  readonly to: Prefix | undefined;
  readonly iif: string | undefined;
  readonly oif: string | undefined;
  readonly mark: number | undefined;
  readonly markMask: number;
  readonly invert: boolean;
  readonly action: 'lookup' | 'blackhole' | 'unreachable' | 'prohibit';
  readonly table: number;
  readonly suppressPrefixLength: number | undefined;
}

export type RoutingRuleSpec = Partial<RoutingRule>;

const UNCONDITIONAL: Omit<RoutingRule, 'family' | 'preference' | 'table'> = {
  from: undefined,
  to: undefined,
  iif: undefined,
  oif: undefined,
  mark: undefined,
  markMask: 0xffffffff,
  invert: false,
  action: 'lookup',
  suppressPrefixLength: undefined,
};

export class Rules {
  /** No rule looks at anything but the destination, so lookups may be remembered by it. */
  destinationOnly = true;
  readonly #tables: { changed(): void };
  #rules4: readonly RoutingRule[] = DEFAULT_4;
  #rules6: readonly RoutingRule[] = DEFAULT_6;

  constructor(tables: { changed(): void }) {
    this.#tables = tables;
  }

  list(family: 4 | 6 = 4): readonly RoutingRule[] {
    return family === 4 ? this.#rules4 : this.#rules6;
  }

  /** `ip rule add`; without a preference it goes before all but the local table's. */
  add(spec: RoutingRuleSpec): Errno | undefined {
    const family = spec.family ?? 4;
    const rules = this.list(family);
    const second = rules.find((rule) => rule.preference > 0);
    const preference = spec.preference ?? Math.max(1, (second?.preference ?? 32766) - 1);
    const rule: RoutingRule = { ...UNCONDITIONAL, table: 254, ...spec, family, preference };
    if (rules.some((other) => formatRule(other) === formatRule(rule))) return 'EEXIST';
    this.#set(
      family,
      [...rules, rule].sort((a, b) => a.preference - b.preference),
    );
    return undefined;
  }

  /** `ip rule del`: the first one that has all that is given. */
  delete(spec: RoutingRuleSpec): Errno | undefined {
    const family = spec.family ?? 4;
    const rules = this.list(family);
    const wanted = { ...spec, family };
    const index = rules.findIndex((rule) => agrees(rule, wanted));
    if (index < 0) return 'ENOENT';
    this.#set(
      family,
      rules.filter((_, i) => i !== index),
    );
    return undefined;
  }

  matches(rule: RoutingRule, flow: RouteFlow): boolean {
    const hit =
      (rule.from === undefined || (flow.src !== undefined && prefixContains(rule.from, flow.src))) &&
      (rule.to === undefined || prefixContains(rule.to, flow.dst)) &&
      (rule.iif === undefined || (flow.iif?.name ?? 'lo') === rule.iif) &&
      (rule.oif === undefined || flow.oif?.name === rule.oif) &&
      (rule.mark === undefined || (((flow.mark ?? 0) ^ rule.mark) & rule.markMask) === 0);
    return hit !== rule.invert;
  }

  #set(family: 4 | 6, rules: readonly RoutingRule[]): void {
    if (family === 4) this.#rules4 = rules;
    else this.#rules6 = rules;
    this.destinationOnly = [...this.#rules4, ...this.#rules6].every(
      (rule) =>
        rule.from === undefined &&
        rule.iif === undefined &&
        rule.oif === undefined &&
        rule.mark === undefined,
    );
    this.#tables.changed();
  }
}

function basic(family: 4 | 6, preference: number, table: number): RoutingRule {
  return { ...UNCONDITIONAL, family, preference, table };
}

const DEFAULT_4 = [basic(4, 0, 255), basic(4, 32766, 254), basic(4, 32767, 253)];
const DEFAULT_6 = [basic(6, 0, 255), basic(6, 32766, 254)];

function agrees(rule: RoutingRule, spec: RoutingRuleSpec): boolean {
  const samePrefix = (a: Prefix | undefined, b: Prefix | undefined): boolean =>
    b === undefined || (a?.ip === b.ip && a.length === b.length);
  return (
    (spec.preference === undefined || rule.preference === spec.preference) &&
    samePrefix(rule.from, spec.from) &&
    samePrefix(rule.to, spec.to) &&
    (spec.iif === undefined || rule.iif === spec.iif) &&
    (spec.oif === undefined || rule.oif === spec.oif) &&
    (spec.mark === undefined || rule.mark === spec.mark) &&
    (spec.action === undefined || rule.action === spec.action) &&
    (spec.table === undefined || rule.table === spec.table)
  );
}

/** One line of `ip rule`, preference first. */
export function formatRule(rule: RoutingRule): string {
  const prefix = (p: Prefix): string =>
    p.length === (rule.family === 4 ? 32 : 128) ? formatIp(p.ip) : formatPrefix(p);
  const words = [
    `${rule.preference}:\t${rule.invert ? 'not ' : ''}from ${rule.from === undefined ? 'all' : prefix(rule.from)}`,
  ];
  if (rule.to !== undefined) words.push(`to ${prefix(rule.to)}`);
  if (rule.mark !== undefined) {
    const mask = rule.markMask === 0xffffffff ? '' : `/0x${rule.markMask.toString(16)}`;
    words.push(`fwmark 0x${rule.mark.toString(16)}${mask}`);
  }
  if (rule.iif !== undefined) words.push(`iif ${rule.iif}`);
  if (rule.oif !== undefined) words.push(`oif ${rule.oif}`);
  if (rule.action !== 'lookup') words.push(rule.action);
  else {
    const names: Readonly<Record<number, string>> = { 255: 'local', 254: 'main', 253: 'default' };
    words.push(`lookup ${names[rule.table] ?? rule.table}`);
    if (rule.suppressPrefixLength !== undefined)
      words.push(`suppress_prefixlength ${rule.suppressPrefixLength}`);
  }
  return words.join(' ');
}
