import { Cursor } from './cursor.ts';
import type { Ruleset } from '../iptables-ruleset.ts';
import type { Span, Token } from './lexer.ts';
import type { ListOptions } from './list.ts';
import { nearest } from './misspell.ts';
import type { RuleContext } from './rule-context.ts';
import type { NftFamily, NftRule } from './rule.ts';
import type { NftRuleset } from './ruleset.ts';
import type { NftChain, NftTable } from './table.ts';
import { validate } from './validate.ts';

export interface SessionOptions extends ListOptions {
  readonly echo: boolean;
  readonly hasInterface: (name: string) => boolean;
  /** iptables' tables, which nft lists too. */
  readonly iptables: readonly Ruleset[];
}

export type Verb = 'add' | 'create' | 'insert' | 'replace' | 'delete' | 'get';

/** Families that a kernel has and that no packet here passes. */
export const OTHER_FAMILIES = ['arp', 'bridge', 'netdev'];

/** What the kernel refuses begins so. */
export const KERNEL = 'Could not process rule: ';
export const NOT_FOUND = 'No such file or directory';

/** One input and the tables that it works on: what all commands need. */
export class Session {
  readonly cursor: Cursor;
  readonly ruleset: NftRuleset;
  readonly options: SessionOptions;
  out = '';
  /** What is told beside the output. */
  warnings = '';
  /** Where the command of the moment begins. */
  start: Token;

  constructor(text: string, ruleset: NftRuleset, options: SessionOptions) {
    this.cursor = new Cursor(text);
    this.ruleset = ruleset;
    this.options = options;
    this.start = this.cursor.peek();
  }

  /** The family that is named, or ip. */
  family(): NftFamily | undefined {
    const { cursor } = this;
    if (cursor.is('ip', 'ip6', 'inet')) return cursor.next().text as NftFamily;
    if (cursor.is(...OTHER_FAMILIES)) return cursor.fail(`${KERNEL}Operation not supported`, cursor.peek());
    return 'ip';
  }

  /** A family and the name of a table. */
  tableName(): { readonly family: NftFamily; readonly name: Token } | undefined {
    const family = this.family();
    const name = family === undefined ? undefined : this.cursor.word();
    return family === undefined || name === undefined ? undefined : { family, name };
  }

  /** A table that is there. */
  existing(prefix = ''): NftTable | undefined {
    const named = this.tableName();
    if (named === undefined) return undefined;
    const { family, name } = named;
    const found = this.ruleset.table(family, name.text);
    if (found !== undefined) return found;
    if (this.managed(family, name.text) !== undefined)
      return this.cursor.fail(`table ${family} ${name.text} is managed by iptables-nft, do not touch!`, name);
    const near = nearest(
      name.text,
      this.ruleset.tables.filter((table) => table.family === family),
      (table) => table.name,
    );
    const hint =
      near === undefined || prefix !== '' ? '' : `; did you mean table ‘${near.name}’ in family ${family}?`;
    return this.cursor.fail(`${prefix}${NOT_FOUND}${hint}`, name);
  }

  /** Whether iptables has such a table: it is listed and not changed with nft here. */
  managed(family: string, name: string): Ruleset | undefined {
    const ruleset = this.options.iptables.find((one) => (one.family === 'ipv4' ? 'ip' : 'ip6') === family);
    const table = [...(ruleset?.tables.values() ?? [])].find((one) => one.name === name);
    return table === undefined || table.empty ? undefined : ruleset;
  }

  /** Takes the name of a table of iptables, if that is what comes. */
  takeManaged(): { readonly ruleset: Ruleset; readonly name: string } | undefined {
    const named = this.cursor.is('ip', 'ip6') ? 1 : 0;
    const { text: name } = this.cursor.peek(named);
    const ruleset = this.managed(named === 0 ? 'ip' : this.cursor.peek().text, name);
    if (ruleset === undefined) return undefined;
    for (let i = 0; i <= named; i++) this.cursor.next();
    return { ruleset, name };
  }

  /** What nft guesses for a chain's name, and nothing where the chain is there. */
  chainHint(name: string): string {
    const near = this.#nearestChain(name);
    if (near === undefined || near.name === name) return '';
    return `; did you mean chain ‘${near.name}’ in table ${near.table.family} ‘${near.table.name}’?`;
  }

  /** What the kernel did not find, with what nft guesses for the chain's name. */
  missing(chain: string, span: Span): undefined {
    const hint = this.chainHint(chain);
    return this.cursor.fail(hint === '' ? `${KERNEL}${NOT_FOUND}` : `${NOT_FOUND}${hint}`, span);
  }

  #nearestChain(name: string): NftChain | undefined {
    const chains = this.ruleset.tables.flatMap((table) => table.chains());
    return nearest(name, chains, (chain) => chain.name);
  }

  /** A chain that is there. */
  existingChain(table: NftTable): NftChain | undefined {
    const name = this.cursor.word();
    if (name === undefined) return undefined;
    return table.chain(name.text) ?? this.missing(name.text, name);
  }

  /**
   * The chain of a rule. Of one that is not there nft looks in all tables for a chain with such a name: if that is in
   * another table, it is the table that was meant.
   */
  chainOfRule(): NftChain | undefined {
    const named = this.tableName();
    const name = named === undefined ? undefined : this.cursor.word();
    if (named === undefined || name === undefined) return undefined;
    const table = this.ruleset.table(named.family, named.name.text);
    const chain = table?.chain(name.text);
    if (chain !== undefined) return chain;
    const near = this.#nearestChain(name.text);
    if (near !== undefined && near.table !== table)
      return this.cursor.fail(
        `${NOT_FOUND}; did you mean table ‘${near.table.name}’ in family ${near.table.family}?`,
        named.name,
      );
    return this.missing(name.text, table === undefined ? named.name : name);
  }

  context(table: NftTable, chain = ''): RuleContext {
    return {
      family: table.family,
      set: (name) => table.set(name)?.spec,
      hasChain: (name) => table.chain(name) !== undefined,
      hasInterface: this.options.hasInterface,
      suggestChain: () => this.chainHint(chain),
    };
  }

  /** The kernel's own look at what a rule adds: where statements may stand, and that no way leads round. */
  valid(table: NftTable, rule: Pick<NftRule, 'statements'>, span: Span): boolean {
    const concerned = rule.statements.some(
      ({ hooks, jumps, sets }) => hooks !== undefined || jumps !== undefined || sets !== undefined,
    );
    if (!concerned) return true;
    return this.judge(table, span);
  }

  judge(table: NftTable, span: Span): boolean {
    const problem = validate(table, this.options.now);
    if (problem !== undefined) this.cursor.fail(`${KERNEL}${problem}`, span);
    return problem === undefined;
  }

  print(lines: readonly string[]): void {
    this.out += `${lines.join('\n')}\n`;
  }

  echo(text: string, handle: number | undefined): void {
    if (!this.options.echo) return;
    this.out += `${text}${this.options.handles ? ` # handle ${handle ?? 0}` : ''}\n`;
  }

  /** The whole command, with what ends it: where the kernel refuses it as such. */
  whole(): Span {
    const span = this.cursor.since(this.start);
    return { start: span.start, end: span.end + (this.cursor.peek().kind === 'newline' ? 1 : 0) };
  }

  last(): Span {
    return this.cursor.tokens[this.cursor.at - 1] ?? this.start;
  }
}
