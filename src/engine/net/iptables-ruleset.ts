import { Chain } from './iptables-chain.ts';
import { saveRule, type IptablesFamily, type Rule, type TableName } from './iptables-rule.ts';
import { BUILTIN_CHAINS, Table, type ChainSource } from './iptables-table.ts';

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
