import type { NftFamily } from './rule.ts';
import { NftTable, type TableSource } from './table.ts';

/** All nftables tables of one namespace. */
export class NftRuleset {
  readonly #tables = new Map<string, NftTable>();
  readonly #changed: () => void;
  #handles = 0;
  /** What `nft -e` counts. */
  generation = 1;

  constructor(changed: () => void) {
    this.#changed = changed;
  }

  /** In the order of their making. */
  get tables(): readonly NftTable[] {
    return [...this.#tables.values()];
  }

  table(family: NftFamily, name: string): NftTable | undefined {
    return this.#tables.get(`${family} ${name}`);
  }

  add(family: NftFamily, name: string): NftTable {
    return this.#keep(new NftTable(family, name, ++this.#handles));
  }

  /** A table that a program keeps: it is there with all that is in its source. */
  attach(family: NftFamily, name: string, source: TableSource): NftTable {
    return this.#keep(new NftTable(family, name, ++this.#handles, source));
  }

  delete(table: NftTable): void {
    this.#tables.delete(`${table.family} ${table.name}`);
    this.changed();
  }

  /** Something of a table is other than it was: hooks are planned again. */
  changed(): void {
    this.generation++;
    this.#changed();
  }

  /** Puts everything back as it is now. */
  save(): () => void {
    const tables = [...this.#tables].map(([key, table]) => [key, table, table.save()] as const);
    const handles = this.#handles;
    return () => {
      this.#handles = handles;
      this.#tables.clear();
      for (const [key, table, restore] of tables) {
        restore();
        this.#tables.set(key, table);
      }
      this.#changed();
    };
  }

  #keep(table: NftTable): NftTable {
    this.#tables.set(`${table.family} ${table.name}`, table);
    this.changed();
    return table;
  }
}
