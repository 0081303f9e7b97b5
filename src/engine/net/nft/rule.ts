import type { Flow } from '../netfilter-flow.ts';
import type { NftSet, SetElement } from './set.ts';
import type { NftTable } from './table.ts';

export type NftFamily = 'ip' | 'ip6' | 'inet';

/** Where a packet goes on (`verdict` in nft's grammar). */
export type Verdict =
  | { readonly kind: 'accept' | 'drop' | 'return' | 'continue' }
  | { readonly kind: 'jump' | 'goto'; readonly chain: string };

/** `next`: go on with the rule's next statement; `break`: with the next rule. */
export type Outcome = 'next' | 'break' | Verdict;

/** One packet in one base chain: what statements look at and note. */
export interface NftWalk {
  readonly flow: Flow;
  readonly table: NftTable;
  /** The element of a set or map that was found last, for the decision of the rule. */
  found: { readonly set: NftSet; readonly element: SetElement } | undefined;
  /** Told before a statement that makes decisions of its own, as nft's trace tells the rule first. */
  foresee(verdict: string): void;
}

/** One statement or expression of a rule, as it is printed and as it is run. */
export interface Statement {
  readonly text: (options: { readonly stateless: boolean }) => string;
  readonly run: (walk: NftWalk) => Outcome;
  /** Asks for connections: connection tracking is switched on in the namespace. */
  readonly tracks?: true;
  /** Nothing may stand behind it. */
  readonly terminal?: true;
  /** Chains that it may lead to by name. */
  readonly jumps?: readonly string[];
  /** Sets and maps that it names. */
  readonly sets?: readonly string[];
  /** Where it may stand. */
  readonly hooks?: { readonly type?: 'nat'; readonly only: readonly string[] };
  /** The transport protocol that the packets behind it have; `meta l4proto tcp` is not printed before `tcp dport`. */
  readonly transport?: { readonly protocol: number; readonly bare: boolean };
}

/** A rule. Immutable but for what its statements count; rules that count nothing may be shared by many namespaces. */
export interface NftRule {
  readonly statements: readonly Statement[];
  readonly comment?: string;
}

const STATEFUL = { stateless: false };

/** A rule as `nft list ruleset` prints it, without its indentation. */
export function formatNftRule(rule: NftRule, options: { readonly stateless: boolean } = STATEFUL): string {
  const text = rule.statements.map((statement) => statement.text(options)).join(' ');
  return rule.comment === undefined ? text : `${text} comment "${rule.comment}"`;
}

export function formatVerdict(verdict: Verdict): string {
  switch (verdict.kind) {
    case 'jump':
    case 'goto':
      return `${verdict.kind} ${verdict.chain}`;
    default:
      return verdict.kind;
  }
}
