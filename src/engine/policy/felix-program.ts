import { parseArguments } from '../net/iptables-parse.ts';
import { splitWords } from '../net/iptables-restore.ts';
import type { IptablesFamily, Rule } from '../net/iptables-rule.ts';
import type { Netfilter } from '../net/netfilter.ts';
import type { CalicoRules } from './calico.ts';

/** Where the built-in chains meet Felix': inserted first, or appended last. Their hashes are those of every Calico node. */
const INSERTED = [
  ['INPUT', '-m comment --comment "cali:Cz_u1IQiXIMmKD4c" -j cali-INPUT'],
  ['FORWARD', '-m comment --comment "cali:wUHhoiAYhphO9Mso" -j cali-FORWARD'],
  ['OUTPUT', '-m comment --comment "cali:tVnHkvAo15HuiPy0" -j cali-OUTPUT'],
] as const;
const APPENDED = [
  [
    'FORWARD',
    '-m comment --comment "cali:S93hcgKJrXEqnTfs" -m comment --comment "Policy explicitly accepted packet." -m mark --mark 0x10000/0x10000 -j ACCEPT',
  ],
  ['FORWARD', '-m comment --comment "cali:mp77cMpurHhyjLrM" -j MARK --set-xmark 0x10000/0x10000'],
] as const;

/** The chain and its jump as they are while no policy selects a pod of the node. */
const QUIET_FORWARD = [
  '-i cali+ -m comment --comment "Policy explicitly accepted packet." -j ACCEPT',
  '-o cali+ -j ACCEPT',
];
const QUIET_JUMP = '-j cali-FORWARD';

/** Felix on one node, in one family: makes the namespace's filter table and ipsets those of the policies. */
export class Felix {
  readonly #netfilter: Netfilter;
  readonly #family: IptablesFamily;
  #active = false;
  #chains: ReadonlyMap<string, readonly string[]> = new Map();
  #sets = new Set<string>();

  constructor(netfilter: Netfilter, family: IptablesFamily) {
    this.#netfilter = netfilter;
    this.#family = family;
  }

  /** `rules` undefined: no policy selects anything here. Only chains that changed are written. */
  program(rules: CalicoRules | undefined): void {
    const next = rules?.chains ?? new Map<string, readonly string[]>();
    for (const set of rules?.sets ?? [])
      this.#netfilter.sets.replace(
        set.name,
        set.type,
        this.#family === 'ipv4' ? 'inet' : 'inet6',
        set.members,
      );
    const changed = new Map<string, readonly Rule[]>();
    for (const [chain, rows] of next) {
      if (!sameRows(this.#chains.get(chain), rows))
        changed.set(
          chain,
          rows.flatMap((row) => this.#parse(row)),
        );
    }
    if (rules === undefined && this.#active)
      changed.set(
        'cali-FORWARD',
        QUIET_FORWARD.flatMap((row) => this.#parse(row)),
      );
    if (rules !== undefined && !this.#active) this.#activate(changed);
    else {
      const stale = [...this.#chains.keys()].filter(
        (chain) => !next.has(chain) && (rules !== undefined || chain !== 'cali-FORWARD'),
      );
      if (rules === undefined && this.#active) this.#deactivate();
      if (changed.size > 0 || stale.length > 0)
        this.#netfilter.ruleset(this.#family).commit('filter', changed, stale);
    }
    this.#active = rules !== undefined;
    this.#chains = next;
    const wanted = new Set(rules?.sets.map((set) => set.name) ?? []);
    for (const name of this.#sets) if (!wanted.has(name)) this.#netfilter.sets.destroy(name);
    this.#sets = wanted;
  }

  /** Policies begin to count: Felix' chains go before everybody else's. */
  #activate(chains: ReadonlyMap<string, readonly Rule[]>): void {
    const ruleset = this.#netfilter.ruleset(this.#family);
    ruleset.commit('filter', chains);
    for (const rule of this.#parse(QUIET_JUMP)) ruleset.delete('filter', 'FORWARD', rule);
    for (const [chain, row] of INSERTED)
      for (const rule of this.#parse(row)) ruleset.insert('filter', chain, rule, 1);
    for (const [chain, row] of APPENDED)
      for (const rule of this.#parse(row)) ruleset.insert('filter', chain, rule);
  }

  #deactivate(): void {
    const ruleset = this.#netfilter.ruleset(this.#family);
    for (const [chain, row] of [...INSERTED, ...APPENDED])
      for (const rule of this.#parse(row)) ruleset.delete('filter', chain, rule);
    for (const rule of this.#parse(QUIET_JUMP)) ruleset.insert('filter', 'FORWARD', rule);
  }

  #parse(row: string): readonly Rule[] {
    const command = parseArguments(['-A', 'cali', ...splitWords(row)], {
      family: this.#family,
      setExists: (name) => this.#netfilter.sets.has(name),
      table: 'filter',
    });
    if ('error' in command || command.operation.kind !== 'append') return [];
    return command.operation.rules.flatMap((parsed) => ('rule' in parsed ? [parsed.rule] : []));
  }
}

function sameRows(a: readonly string[] | undefined, b: readonly string[]): boolean {
  return a !== undefined && a.length === b.length && a.every((row, i) => row === b[i]);
}
