import { formatRule, saveRule, type Rule } from './iptables-rule.ts';
import { BUILTIN_CHAINS, type Table } from './iptables-table.ts';

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
  const user = table.userChains(chains);
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
