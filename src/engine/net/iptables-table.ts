import { Chain } from './iptables-chain.ts';
import type { Rule, TableName } from './iptables-rule.ts';
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

/** Chains that many namespaces have in common and a program keeps up to date: kube-proxy's, on thousands of nodes. */
export interface ChainSource {
  /** The rules of a chain: the same array for as long as they are the same. */
  get(name: string): readonly Rule[] | undefined;
  has(name: string): boolean;
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
    const rules = this.isBuiltin(name) ? undefined : this.#source?.get(name);
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
    if (!this.#origins.has(name)) return this.#chains.has(name) || this.#source?.has(name) === true;
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

  /** User chains, or those of them that are named, by name, as nft's iptables sorts them. */
  userChains(names?: readonly string[]): readonly Chain[] {
    const chains = names === undefined ? this.all() : names.flatMap((name) => this.get(name) ?? []);
    return chains
      .filter((chain) => chain.hook === undefined)
      .sort((a, b) => (a.name < b.name ? -1 : a.name > b.name ? 1 : 0));
  }

  builtin(hook: HookPoint): Chain | undefined {
    return this.#chains.get(hook);
  }
}
