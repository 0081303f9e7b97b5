import { formatPrefix, type Prefix } from './address.ts';
import type { Flow } from './netfilter-flow.ts';
import { protocolName } from './protocol.ts';

export type IptablesFamily = 'ipv4' | 'ipv6';
export type TableName = 'raw' | 'mangle' | 'nat' | 'filter' | 'security';

/** One row of a chain, in the order and form in which `iptables-save` prints it. Immutable; rows may be shared by many namespaces. */
export interface Rule {
  readonly family: IptablesFamily;
  readonly source?: { readonly prefix: Prefix; readonly invert: boolean };
  readonly destination?: { readonly prefix: Prefix; readonly invert: boolean };
  readonly inInterface?: { readonly name: string; readonly invert: boolean };
  readonly outInterface?: { readonly name: string; readonly invert: boolean };
  readonly protocol?: { readonly number: number; readonly invert: boolean };
  readonly fragment?: { readonly invert: boolean };
  readonly matches: readonly Match[];
  /** Absent: the rule only counts. */
  readonly target?: Target;
}

/** A loaded match extension with its options. */
export interface Match {
  readonly name: string;
  /** Its options as `iptables-save` prints them, each with a leading space. */
  readonly save: string;
  /** What `iptables -L` prints for it, with a leading space. */
  readonly list: (numeric: boolean) => string;
  readonly test: (flow: Flow) => boolean;
  /** Ports that the packet must have: what the destination index reads. */
  readonly dport?: readonly [first: number, last: number];
  /** Asking for connections switches connection tracking on in the namespace. */
  readonly tracks?: true;
  /** A copy with a state of its own, for a match that counts (`limit`, `statistic --mode nth`). */
  readonly instance?: () => Match;
}

/** What a rule does with the packet that it matched. */
type Verdict = 'ACCEPT' | 'DROP' | 'RETURN' | 'CONTINUE' | 'QUEUE';

export type Target =
  | { readonly kind: 'jump' | 'goto'; readonly chain: string }
  | { readonly kind: 'verdict'; readonly verdict: 'ACCEPT' | 'DROP' | 'RETURN' | 'QUEUE' }
  | {
      readonly kind: 'extension';
      readonly name: string;
      readonly save: string;
      readonly list: (numeric: boolean) => string;
      readonly apply: (flow: Flow) => Verdict;
      readonly tracks?: true;
    };

/** What `-j` names. */
export function targetName(target: Target | undefined): string {
  if (target === undefined) return '';
  switch (target.kind) {
    case 'jump':
    case 'goto':
      return target.chain;
    case 'verdict':
      return target.verdict;
    case 'extension':
      return target.name;
  }
}

/** An integer as `strtoul(…, 0)` reads it: decimal, `0x` or octal, at most `max`. */
export function parseInteger(text: string, max = 0xffffffff): number | undefined {
  let value: number;
  if (/^0[xX][0-9a-fA-F]{1,8}$/.test(text)) value = parseInt(text.slice(2), 16);
  else if (/^0[0-7]{1,12}$/.test(text)) value = parseInt(text, 8);
  else if (/^[0-9]{1,12}$/.test(text)) value = parseInt(text, 10);
  else return undefined;
  return value <= max ? value : undefined;
}

/** `xtables_save_string`: bare when it is only letters, digits, `_` and `-`; else quoted. */
export function quote(value: string): string {
  return /^[-_0-9a-zA-Z]+$/.test(value) ? ` ${value}` : ` "${value.replace(/["'\\]/g, '\\$&')}"`;
}

export function hex(value: number): string {
  return `0x${(value >>> 0).toString(16)}`;
}

const texts = new WeakMap<Rule, string>();

/** Everything after the chain's name in `-A CHAIN …`, as `iptables-save` prints it, with a leading space. */
export function saveRule(rule: Rule): string {
  let text = texts.get(rule);
  if (text === undefined) texts.set(rule, (text = writeRule(rule)));
  return text;
}

function writeRule(rule: Rule): string {
  let text = '';
  if (rule.source !== undefined) text += `${bang(rule.source)} -s ${formatPrefix(rule.source.prefix)}`;
  if (rule.destination !== undefined)
    text += `${bang(rule.destination)} -d ${formatPrefix(rule.destination.prefix)}`;
  if (rule.inInterface !== undefined) text += `${bang(rule.inInterface)} -i ${rule.inInterface.name}`;
  if (rule.outInterface !== undefined) text += `${bang(rule.outInterface)} -o ${rule.outInterface.name}`;
  if (rule.protocol !== undefined) text += `${bang(rule.protocol)} -p ${protocolName(rule.protocol.number)}`;
  if (rule.fragment !== undefined) text += `${bang(rule.fragment)} -f`;
  for (const match of rule.matches) text += ` -m ${match.name}${match.save}`;
  if (rule.target !== undefined) {
    text += ` ${rule.target.kind === 'goto' ? '-g' : '-j'} ${targetName(rule.target)}`;
    if (rule.target.kind === 'extension') text += rule.target.save;
  }
  return text;
}

/** A rule as `iptables -S` prints it. */
export function formatRule(chain: string, rule: Rule): string {
  return `-A ${chain}${saveRule(rule)}`;
}

function bang(part: { readonly invert: boolean }): string {
  return part.invert ? ' !' : '';
}
