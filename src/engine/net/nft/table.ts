import type { HookPoint } from '../skb.ts';
import type { NftFamily, NftRule } from './rule.ts';
import { NftSet, type SetElements, type SetSpec } from './set.ts';

export type ChainType = 'filter' | 'nat' | 'route';

/** Where a base chain stands. */
export interface BaseChain {
  readonly type: ChainType;
  readonly hook: HookPoint;
  readonly priority: number;
  readonly policy: 'accept' | 'drop';
}

/** A chain of a program's own, the same object for as long as it is the same. */
export interface SourceChain {
  readonly base?: BaseChain;
  readonly comment?: string;
  readonly rules: readonly NftRule[];
}

export interface SourceSet {
  readonly spec: SetSpec;
  readonly elements: SetElements;
}

/** What a program keeps in its table, in many namespaces at once: kube-proxy's, on thousands of nodes. */
export interface TableSource {
  readonly baseNames: readonly string[];
  chain(name: string): SourceChain | undefined;
  chainNames(): Iterable<string>;
  set(name: string): SourceSet | undefined;
  setNames(): Iterable<string>;
}

export class NftChain {
  name: string;
  readonly table: NftTable;
  base: BaseChain | undefined;
  comment: string | undefined;
  readonly handle: number;
  rules: readonly NftRule[];
  /** Parallel to the rules; those of a source's rules are given when somebody asks. */
  #handles: readonly number[] = [];

  constructor(
    table: NftTable,
    name: string,
    made: { readonly base?: BaseChain | undefined; readonly comment?: string | undefined },
    rules: readonly NftRule[] = [],
  ) {
    this.table = table;
    this.name = name;
    this.base = made.base;
    this.comment = made.comment;
    this.handle = table.nextHandle();
    this.rules = rules;
  }

  get handles(): readonly number[] {
    if (this.#handles.length < this.rules.length)
      this.#handles = this.rules.map((_, i) => this.#handles[i] ?? this.table.nextHandle());
    return this.#handles;
  }

  /** `position` counts from 0. */
  insert(position: number, rule: NftRule): number {
    const handle = this.table.nextHandle();
    this.#set(this.rules.toSpliced(position, 0, rule), this.handles.toSpliced(position, 0, handle));
    return handle;
  }

  replace(position: number, rule: NftRule): number {
    const handle = this.table.nextHandle();
    this.#set(this.rules.with(position, rule), this.handles.with(position, handle));
    return handle;
  }

  remove(position: number): void {
    this.#set(this.rules.toSpliced(position, 1), this.handles.toSpliced(position, 1));
  }

  /** All rules at once, as their source has them. */
  follow(rules: readonly NftRule[]): void {
    this.#set(rules, []);
  }

  save(): () => void {
    const { name, base, rules } = this;
    const handles = this.#handles;
    return () => {
      this.name = name;
      this.base = base;
      this.#set(rules, handles);
    };
  }

  #set(rules: readonly NftRule[], handles: readonly number[]): void {
    this.rules = rules;
    this.#handles = handles;
  }
}

/** One table of one family in one namespace: chains, sets and maps, its own or as a program's source has them. */
export class NftTable {
  readonly family: NftFamily;
  readonly name: string;
  comment: string | undefined;
  dormant = false;
  readonly handle: number;
  readonly #chains = new Map<string, NftChain>();
  readonly #sets = new Map<string, NftSet>();
  readonly #source: TableSource | undefined;
  /** What chains and sets of the source were when they were taken from there. */
  readonly #chainOrigins = new Map<string, SourceChain>();
  readonly #setOrigins = new Map<string, SourceSet>();
  #handles = 0;

  constructor(family: NftFamily, name: string, handle: number, source?: TableSource) {
    this.family = family;
    this.name = name;
    this.handle = handle;
    this.#source = source;
  }

  nextHandle(): number {
    return ++this.#handles;
  }

  /** A chain of the source becomes the table's own when it is looked for, and follows the source when that changes it. */
  chain(name: string): NftChain | undefined {
    const own = this.#chains.get(name);
    if (this.#source === undefined) return own;
    const origin = this.#chainOrigins.get(name);
    const now = this.#source.chain(name);
    if (now === origin) return own;
    if (now === undefined) {
      this.#chainOrigins.delete(name);
      this.#chains.delete(name);
      return undefined;
    }
    this.#chainOrigins.set(name, now);
    if (own !== undefined) {
      if (own.rules !== now.rules) own.follow(now.rules);
      return own;
    }
    const chain = new NftChain(this, name, now, now.rules);
    this.#chains.set(name, chain);
    return chain;
  }

  set(name: string): NftSet | undefined {
    const own = this.#sets.get(name);
    if (this.#source === undefined) return own;
    const origin = this.#setOrigins.get(name);
    const now = this.#source.set(name);
    if (now === origin) return own;
    if (now === undefined) {
      this.#setOrigins.delete(name);
      this.#sets.delete(name);
      return undefined;
    }
    this.#setOrigins.set(name, now);
    if (own !== undefined && own.spec === now.spec) {
      own.follow(now.elements);
      return own;
    }
    const set = new NftSet(now.spec, now.elements);
    set.handle = this.nextHandle();
    this.#sets.set(name, set);
    return set;
  }

  /** In the order of their making. */
  chains(): readonly NftChain[] {
    const names = new Set([...(this.#source?.chainNames() ?? []), ...this.#chains.keys()]);
    return [...names].flatMap((name) => this.chain(name) ?? []);
  }

  sets(): readonly NftSet[] {
    const names = new Set([...(this.#source?.setNames() ?? []), ...this.#sets.keys()]);
    return [...names].flatMap((name) => this.set(name) ?? []);
  }

  /** Chains that hang on hooks: what is asked when the hooks are planned. */
  baseChains(): readonly NftChain[] {
    for (const name of this.#source?.baseNames ?? []) this.chain(name);
    return [...this.#chains.values()].filter((chain) => chain.base !== undefined);
  }

  addChain(
    name: string,
    made: { readonly base?: BaseChain | undefined; readonly comment?: string | undefined },
  ): NftChain {
    const chain = new NftChain(this, name, made);
    this.#chains.set(name, chain);
    return chain;
  }

  deleteChain(name: string): void {
    this.#chains.delete(name);
  }

  renameChain(chain: NftChain, name: string): void {
    const entries = [...this.#chains];
    this.#chains.clear();
    for (const [key, value] of entries) this.#chains.set(value === chain ? name : key, value);
    chain.name = name;
  }

  addSet(spec: SetSpec): NftSet {
    const set = new NftSet(spec);
    set.handle = this.nextHandle();
    this.#sets.set(spec.name, set);
    return set;
  }

  deleteSet(name: string): void {
    this.#sets.delete(name);
  }

  /** Everything as it is now, for a transaction that fails. */
  save(): () => void {
    const { comment, dormant } = this;
    const handles = this.#handles;
    const chains = [...this.#chains].map(([name, chain]) => [name, chain, chain.save()] as const);
    const sets = [...this.#sets].map(([name, set]) => [name, set, set.save()] as const);
    return () => {
      this.comment = comment;
      this.dormant = dormant;
      this.#handles = handles;
      this.#chains.clear();
      for (const [name, chain, restore] of chains) {
        restore();
        this.#chains.set(name, chain);
      }
      this.#sets.clear();
      for (const [name, set, restore] of sets) {
        restore();
        this.#sets.set(name, set);
      }
    };
  }
}
