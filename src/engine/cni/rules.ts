import type { Family } from '../net/address.ts';
import { tableOf } from '../net/iptables-command.ts';
import { parseArguments } from '../net/iptables-parse.ts';
import { splitWords } from '../net/iptables-restore.ts';
import type { IptablesFamily, Rule, TableName } from '../net/iptables-rule.ts';
import type { Ruleset } from '../net/iptables-ruleset.ts';
import type { Netns } from '../net/netns.ts';

const parsed = new Map<string, readonly Rule[]>();
const MAX_PARSED = 200_000;

/** What follows `-A CHAIN` in a rule, as rules. Nodes have the same rows by the thousand: each is read once. */
export function parseRow(family: Family, table: TableName, row: string): readonly Rule[] {
  const key = `${family} ${table} ${row}`;
  const known = parsed.get(key);
  if (known !== undefined) return known;
  const command = parseArguments(['-A', 'CHAIN', ...splitWords(row)], {
    family: IPTABLES[family],
    setExists: () => true,
    table,
  });
  if ('error' in command || command.operation.kind !== 'append') throw new Error(`no rule: ${row}`);
  const rules = command.operation.rules.map((one) => {
    if ('kernel' in one) throw new Error(`${one.kernel}: ${row}`);
    return one.rule;
  });
  if (parsed.size >= MAX_PARSED) parsed.clear();
  parsed.set(key, rules);
  return rules;
}

const IPTABLES: Readonly<Record<Family, IptablesFamily>> = { 4: 'ipv4', 6: 'ipv6' };

/** A family's tables: iptables' or ip6tables'. */
export function rulesetOf({ netfilter }: Netns, family: Family): Ruleset {
  return netfilter.ruleset(IPTABLES[family]);
}

/** What a plugin's daemon does with `iptables-restore --noflush`, or ip6tables': its chains are made anew, rules for others appended. */
export function programRules(netns: Netns, family: Family, text: string): void {
  const ruleset = rulesetOf(netns, family);
  let table: TableName = 'filter';
  let chains = new Map<string, Rule[]>();
  let appended: (readonly [chain: string, rule: Rule])[] = [];
  for (const line of text.split('\n')) {
    const [word = ''] = line.split(' ', 1);
    if (word.startsWith('*')) {
      table = tableOf(word.slice(1)) ?? table;
      chains = new Map();
      appended = [];
    } else if (word.startsWith(':')) chains.set(word.slice(1), []);
    else if (word === '-A') {
      const [, chain = '', row = ''] = /^-A (\S+) (.*)$/.exec(line) ?? [];
      const own = chains.get(chain);
      if (own !== undefined) own.push(...parseRow(family, table, row));
      else for (const rule of parseRow(family, table, row)) appended.push([chain, rule]);
    } else if (word === 'COMMIT') {
      ruleset.commit(table, chains);
      for (const [chain, rule] of appended) {
        const refusal = ruleset.insert(table, chain, rule);
        if (refusal !== undefined) throw new Error(refusal.message);
      }
    }
  }
}
