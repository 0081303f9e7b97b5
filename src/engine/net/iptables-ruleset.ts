import { Chain } from './iptables-chain.ts';
import { formatRule, saveRule, type IptablesFamily, type Rule, type TableName } from './iptables-rule.ts';
import type { HookPoint } from './skb.ts';

/** Built-in chains, in the order of their hooks. */
export const BUILTIN_CHAINS: Readonly<Record<TableName, readonly HookPoint[]>> = {
  mangle: ['PREROUTING', 'INPUT', 'FORWARD', 'OUTPUT', 'POSTROUTING'],
  security: ['INPUT', 'FORWARD', 'OUTPUT'],
  raw: ['PREROUTING', 'OUTPUT'],
  filter: ['INPUT', 'FORWARD', 'OUTPUT'],
  nat: ['PREROUTING', 'INPUT', 'OUTPUT', 'POSTROUTING'],
};

/** The order in which `iptables-save` (nft) prints tables. */
export const TABLE_ORDER: readonly TableName[] = ['mangle', 'security', 'raw', 'filter', 'nat'];

/** Why an operation was refused, as iptables tells it. */
export interface Refusal {
  /** Everything after the program's name: `: No chain/target/match by that name.` or ` v1.8.9 (nf_tables):  CHAIN_DEL failed (…)`. */
  readonly message: string;
  readonly exitCode: number;
}

const BAD_RULE: Refusal = { message: ': Bad rule (does a matching rule exist in that chain?).', exitCode: 1 };
const NO_CHAIN: Refusal = { message: ': No chain/target/match by that name.', exitCode: 1 };

function nftFailure(operation: string, reason: string, what: string): Refusal {
  return { message: ` v1.8.9 (nf_tables):  ${operation} failed (${reason}): ${what}`, exitCode: 4 };
}

/** Chains that many namespaces have in common and a program keeps up to date: kube-proxy's, on thousands of nodes. */
export interface ChainSource {
  /** The rules of a chain: the same array for as long as they are the same. */
  get(name: string): readonly Rule[] | undefined;
  names(): Iterable<string>;
}

export class Table {
  readonly name: TableName;
  /** User chains, and each built-in one from the moment that something named it. */
  readonly #chains = new Map<string, Chain>();
  /** What a chain of the source was when it was taken from there. */
  readonly #origins = new Map<string, readonly Rule[]>();
  #source: ChainSource | undefined;

  constructor(name: TableName) {
    this.name = name;
  }

  isBuiltin(name: string): boolean {
    return BUILTIN_CHAINS[this.name].some((hook) => hook === name);
  }

  /** A chain of the source becomes the table's own when it is looked for; it follows the source until that changes it. */
  get(name: string): Chain | undefined {
    const own = this.#chains.get(name);
    const rules = this.#source?.get(name);
    if (rules === this.#origins.get(name)) return own;
    if (rules === undefined) {
      this.#origins.delete(name);
      this.#chains.delete(name);
      return undefined;
    }
    const chain = own ?? new Chain(name);
    chain.setRules(rules);
    this.#origins.set(name, rules);
    this.#chains.set(name, chain);
    return chain;
  }

  has(name: string): boolean {
    const rules = this.#source?.get(name);
    return rules === this.#origins.get(name) ? this.#chains.has(name) : rules !== undefined;
  }

  /** The rules that a user of the table has had a hand in: not those of a chain that is as its source has it. */
  touched(name: string): readonly Rule[] {
    const own = this.#chains.get(name);
    return own === undefined || own.rules === this.#origins.get(name) ? [] : own.rules;
  }

  set(name: string, chain: Chain): void {
    this.#chains.set(name, chain);
  }

  delete(name: string): void {
    this.get(name);
    this.#chains.delete(name);
  }

  /** Every chain, those of the source too. */
  all(): readonly Chain[] {
    for (const name of this.#source?.names() ?? []) this.get(name);
    return [...this.#chains.keys()].flatMap((name) => this.get(name) ?? []);
  }

  get empty(): boolean {
    return this.#chains.size === 0 && this.#source === undefined;
  }

  attach(source: ChainSource): void {
    this.#source = source;
  }

  get source(): ChainSource | undefined {
    return this.#source;
  }

  /** User chains by name, as nft's iptables sorts them. */
  userChains(): readonly Chain[] {
    return this.all()
      .filter((chain) => chain.hook === undefined)
      .sort((a, b) => (a.name < b.name ? -1 : a.name > b.name ? 1 : 0));
  }

  builtin(hook: HookPoint): Chain | undefined {
    return this.#chains.get(hook);
  }
}

/** The iptables (or ip6tables) rules of one namespace. Every operation answers with why it was refused, or undefined. */
export class Ruleset {
  readonly family: IptablesFamily;
  readonly tables = new Map<TableName, Table>();
  readonly #changed: () => void;

  constructor(family: IptablesFamily, changed: () => void) {
    this.family = family;
    this.#changed = changed;
  }

  /** The table, made when it is not there yet: iptables loads a table with its first use. */
  table(name: TableName): Table {
    let table = this.tables.get(name);
    if (table === undefined) {
      table = new Table(name);
      this.tables.set(name, table);
    }
    return table;
  }

  /** A chain that exists, or a built-in one, which comes to be when it is named for a change. */
  chain(tableName: TableName, name: string): Chain | undefined {
    const table = this.table(tableName);
    const known = table.get(name);
    if (known !== undefined) return known;
    const hook = BUILTIN_CHAINS[tableName].find((builtin) => builtin === name);
    if (hook === undefined) return undefined;
    const chain = new Chain(name, hook);
    table.set(name, chain);
    this.#changed();
    return chain;
  }

  /** Takes a table's chains from a source besides its own. */
  attach(table: TableName, source: ChainSource): void {
    this.table(table).attach(source);
    this.#changed();
  }

  /** `-A` (no position) or `-I`. Positions count from 1. */
  insert(table: TableName, name: string, rule: Rule, position?: number): Refusal | undefined {
    const chain = this.chain(table, name);
    if (chain === undefined) return NO_CHAIN;
    if (position !== undefined && position - 1 > chain.rules.length) {
      return { message: ': Index of insertion too big.', exitCode: 1 };
    }
    const refusal = this.#checkTarget(
      table,
      name,
      rule,
      position === undefined ? 'RULE_APPEND' : 'RULE_INSERT',
    );
    if (refusal !== undefined) return refusal;
    chain.insert(position === undefined ? chain.rules.length : position - 1, rule);
    this.#changed();
    return undefined;
  }

  replace(table: TableName, name: string, position: number, rule: Rule): Refusal | undefined {
    const chain = this.table(table).get(name);
    if (chain === undefined) return NO_CHAIN;
    if (position > chain.rules.length) return { message: ': Index of replacement too big.', exitCode: 1 };
    const refusal = this.#checkTarget(table, name, rule, 'RULE_REPLACE');
    if (refusal !== undefined) return refusal;
    chain.replace(position - 1, rule);
    this.#changed();
    return undefined;
  }

  /** `-D CHAIN RULE`: the first row that is written the same. */
  delete(table: TableName, name: string, rule: Rule): Refusal | undefined {
    const chain = this.#existing(table, name);
    const at = chain === undefined ? -1 : this.#find(chain, rule);
    if (chain === undefined || at < 0) return BAD_RULE;
    chain.remove(at);
    this.#changed();
    return undefined;
  }

  check(table: TableName, name: string, rule: Rule): Refusal | undefined {
    const chain = this.#existing(table, name);
    return chain !== undefined && this.#find(chain, rule) >= 0 ? undefined : BAD_RULE;
  }

  deleteNumber(table: TableName, name: string, position: number): Refusal | undefined {
    const chain = this.#existing(table, name);
    if (chain === undefined) return NO_CHAIN;
    if (position > chain.rules.length) return { message: ': Index of deletion too big.', exitCode: 1 };
    chain.remove(position - 1);
    this.#changed();
    return undefined;
  }

  newChain(table: TableName, name: string): Refusal | undefined {
    const chains = this.table(table);
    if (chains.has(name) || this.table(table).isBuiltin(name))
      return { message: ': Chain already exists.', exitCode: 1 };
    chains.set(name, new Chain(name));
    this.#changed();
    return undefined;
  }

  /** `-X`: one chain, or all user chains. */
  deleteChain(table: TableName, name: string | undefined): Refusal | undefined {
    const chains = this.table(table);
    const busy = (chain: string): Refusal =>
      nftFailure('CHAIN_DEL', 'Device or resource busy', `chain ${chain}`);
    if (name === undefined) {
      const user = this.table(table).userChains();
      const references = this.references(table);
      for (const chain of user) {
        const blocked = chain.rules.length > 0 || references.has(chain.name);
        if (blocked) return busy(chain.name);
      }
      for (const chain of user) chains.delete(chain.name);
    } else {
      if (this.table(table).isBuiltin(name)) return busy(name);
      const chain = chains.get(name);
      if (chain === undefined) return NO_CHAIN;
      if (chain.rules.length > 0 || this.references(table).has(name)) return busy(name);
      chains.delete(name);
    }
    this.#changed();
    return undefined;
  }

  renameChain(table: TableName, name: string, newName: string): Refusal | undefined {
    const chains = this.table(table);
    const chain = chains.get(name);
    if (
      chain?.hook !== undefined ||
      chain === undefined ||
      chains.has(newName) ||
      this.table(table).isBuiltin(newName)
    ) {
      return { message: ': File exists.', exitCode: 1 };
    }
    chains.delete(name);
    chain.name = newName;
    chains.set(newName, chain);
    for (const other of chains.all()) {
      for (const [i, rule] of other.rules.entries()) {
        const { target } = rule;
        if (
          target !== undefined &&
          target.kind !== 'verdict' &&
          target.kind !== 'extension' &&
          target.chain === name
        ) {
          const count = { ...other.count(i) };
          other.replace(i, { ...rule, target: { ...target, chain: newName } });
          other.setCount(i, count);
        }
      }
    }
    this.#changed();
    return undefined;
  }

  flush(table: TableName, name: string | undefined): Refusal | undefined {
    const chains = this.table(table);
    if (name === undefined) {
      for (const chain of chains.all()) chain.setRules([]);
    } else {
      const chain = this.#existing(table, name);
      if (chain === undefined) return NO_CHAIN;
      chain.setRules([]);
    }
    this.#changed();
    return undefined;
  }

  setPolicy(table: TableName, name: string, policy: string): Refusal | undefined {
    if (!this.table(table).isBuiltin(name)) return { message: ': Bad built-in chain name.', exitCode: 1 };
    if (policy !== 'ACCEPT' && policy !== 'DROP') {
      return { message: ": Bad policy name. Run `dmesg' for more information.", exitCode: 1 };
    }
    const chain = this.chain(table, name);
    if (chain !== undefined) chain.policy = policy;
    this.#changed();
    return undefined;
  }

  zero(table: TableName, name: string | undefined, position?: number): Refusal | undefined {
    if (name === undefined) {
      for (const chain of this.table(table).all()) chain.zero();
      return undefined;
    }
    const chain = this.#existing(table, name);
    if (chain === undefined) return NO_CHAIN;
    chain.zero(position === undefined ? undefined : position - 1);
    return undefined;
  }

  /** How many rules jump or go to each chain. */
  references(table: TableName): ReadonlyMap<string, number> {
    const counts = new Map<string, number>();
    for (const chain of this.table(table).all()) {
      for (const rule of chain.rules) {
        const to = jumpTarget(rule);
        if (to !== undefined) counts.set(to, (counts.get(to) ?? 0) + 1);
      }
    }
    return counts;
  }

  /** All chains and rules of a table in one go: what `iptables-restore` commits. Chains named are emptied and filled; others stay. */
  commit(
    tableName: TableName,
    chains: ReadonlyMap<string, readonly Rule[]>,
    deleted: readonly string[] = [],
  ): void {
    for (const [name, rules] of chains) {
      let chain = this.chain(tableName, name);
      if (chain === undefined) {
        chain = new Chain(name);
        this.table(tableName).set(name, chain);
      }
      chain.setRules(rules);
    }
    for (const name of deleted) {
      if (!this.table(tableName).isBuiltin(name)) this.table(tableName).delete(name);
    }
    this.#changed();
  }

  /** A private copy of the tables, so that a restore that fails leaves all as it was. */
  snapshot(): () => void {
    const saved = [...this.tables].map(([name, table]) => ({
      name,
      source: table.source,
      chains: table.all().map((chain) => ({
        chain,
        name: chain.name,
        policy: chain.policy,
        policyCount: { ...chain.policyCount },
        rules: chain.keep(),
        counts: chain.rules.map((_, i) => ({ ...chain.count(i) })),
      })),
    }));
    return () => {
      this.tables.clear();
      for (const { name, source, chains } of saved) {
        const table = this.table(name);
        if (source !== undefined) table.attach(source);
        table.all();
        for (const { chain, name: chainName, policy, policyCount, rules, counts } of chains) {
          chain.name = chainName;
          chain.policy = policy;
          chain.setRules(rules);
          for (const [i, count] of counts.entries())
            if (count.packets > 0 || count.bytes > 0) chain.setCount(i, count);
          Object.assign(chain.policyCount, policyCount);
          table.set(chainName, chain);
        }
      }
      this.#changed();
    };
  }

  #existing(table: TableName, name: string): Chain | undefined {
    const known = this.table(table).get(name);
    return known ?? (this.table(table).isBuiltin(name) ? this.chain(table, name) : undefined);
  }

  #find(chain: Chain, rule: Rule): number {
    const text = saveRule(rule);
    return chain.rules.findIndex((other) => saveRule(other) === text);
  }

  /** What is said before anything is tried: a jump to a chain that is not there. */
  checkJump(table: TableName, rule: Rule): Refusal | undefined {
    const to = jumpTarget(rule);
    if (to === undefined || this.table(table).isBuiltin(to) || this.table(table).has(to)) return undefined;
    return { message: ` v1.8.9 (nf_tables): Chain '${to}' does not exist`, exitCode: 2 };
  }

  /** The kernel's own checks of a jump: no built-in chain at its end, and no way round from one (`nft_chain_validate`). */
  #checkTarget(table: TableName, name: string, rule: Rule, operation: string): Refusal | undefined {
    const to = jumpTarget(rule);
    if (to === undefined) return undefined;
    const chains = this.table(table);
    if (this.table(table).isBuiltin(to))
      return nftFailure(operation, 'Operation not supported', `rule in chain ${name}`);
    const next = (from: string): readonly string[] => [
      ...chains.touched(from).flatMap((other) => jumpTarget(other) ?? []),
      ...(from === name ? [to] : []),
    ];
    const clean = new Set<string>();
    const loops = (from: string, path: ReadonlySet<string>): boolean => {
      if (path.has(from)) return true;
      if (clean.has(from)) return false;
      const longer = new Set(path).add(from);
      if (next(from).some((other) => loops(other, longer))) return true;
      clean.add(from);
      return false;
    };
    // Most jumps lead to a few chains that lead nowhere: then there is nothing to search from the top.
    if (!loops(to, new Set([name]))) return undefined;
    clean.clear();
    const round = BUILTIN_CHAINS[table].some((hook) => chains.has(hook) && loops(hook, new Set()));
    return round ? nftFailure(operation, 'Too many links', `rule in chain ${name}`) : undefined;
  }
}

function jumpTarget(rule: Rule): string | undefined {
  const { target } = rule;
  return target?.kind === 'jump' || target?.kind === 'goto' ? target.chain : undefined;
}

/** Lines of `iptables -S`. */
export function listRules(
  table: Table,
  chains: readonly string[] | undefined,
  counters: boolean,
): readonly string[] {
  const lines: string[] = [];
  const wanted = (name: string): boolean => chains === undefined || chains.includes(name);
  for (const hook of BUILTIN_CHAINS[table.name]) {
    if (!wanted(hook)) continue;
    const chain = table.builtin(hook);
    const count = chain?.policyCount ?? { packets: 0, bytes: 0 };
    lines.push(
      `-P ${hook} ${chain?.policy ?? 'ACCEPT'}${counters ? ` -c ${count.packets} ${count.bytes}` : ''}`,
    );
  }
  const user = table.userChains().filter((chain) => wanted(chain.name));
  for (const chain of user) lines.push(`-N ${chain.name}`);
  const builtins = BUILTIN_CHAINS[table.name]
    .flatMap((hook) => table.builtin(hook) ?? [])
    .filter((chain) => wanted(chain.name));
  for (const chain of [...builtins, ...user]) {
    for (const [i, rule] of chain.rules.entries()) {
      const text = formatRule(chain.name, rule);
      const { packets, bytes } = chain.count(i);
      lines.push(counters ? withCounters(text, rule, packets, bytes) : text);
    }
  }
  return lines;
}

/** `-S -v` writes the counters before the target. */
function withCounters(text: string, rule: Rule, packets: number, bytes: number): string {
  const { target } = rule;
  if (target === undefined) return `${text} -c ${packets} ${bytes}`;
  const tail = saveRule({ family: rule.family, matches: [], target });
  return `${text.slice(0, text.length - tail.length)} -c ${packets} ${bytes}${tail}`;
}

/** Lines of `iptables-save` for one table, between its comments. */
export function saveTable(table: Table, counters: boolean): readonly string[] {
  const lines = [`*${table.name}`];
  for (const hook of BUILTIN_CHAINS[table.name]) {
    const chain = table.builtin(hook);
    const count = chain?.policyCount ?? { packets: 0, bytes: 0 };
    lines.push(`:${hook} ${chain?.policy ?? 'ACCEPT'} [${count.packets}:${count.bytes}]`);
  }
  const user = table.userChains();
  for (const chain of user) lines.push(`:${chain.name} - [0:0]`);
  const builtins = BUILTIN_CHAINS[table.name].flatMap((hook) => table.builtin(hook) ?? []);
  for (const chain of [...builtins, ...user]) {
    for (const [i, rule] of chain.rules.entries()) {
      const { packets, bytes } = chain.count(i);
      lines.push(`${counters ? `[${packets}:${bytes}] ` : ''}${formatRule(chain.name, rule)}`);
    }
  }
  lines.push('COMMIT');
  return lines;
}
