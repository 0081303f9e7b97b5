import type { Ruleset } from '../iptables-ruleset.ts';
import { chainHead, listSet, listTable } from './list.ts';

import { listIptables } from './iptables-view.ts';
import { NOT_FOUND, OTHER_FAMILIES, type Session } from './session.ts';
import type { NftTable } from './table.ts';

export function listCommand(session: Session): void {
  const { cursor } = session;
  const kind = cursor.peek();
  switch (kind.kind === 'string' ? kind.text : '') {
    case 'ruleset':
      cursor.next();
      listRuleset(session);
      return;
    case 'tables':
      cursor.next();
      listTables(session);
      return;
    case 'table': {
      cursor.next();
      const managed = session.takeManaged();
      if (managed !== undefined) {
        printIptables(session, managed.ruleset, { table: managed.name });
        return;
      }
      const table = session.existing();
      if (table !== undefined) session.print(listTable(table, session.options));
      return;
    }
    case 'chains':
      cursor.next();
      for (const table of tablesOfFamily(session))
        session.print([
          `table ${table.family} ${table.name} {`,
          ...table.chains().flatMap((chain) => [...chainHead(chain, session.options), '\t}']),
          '}',
        ]);
      return;
    case 'sets':
    case 'maps':
      cursor.next();
      for (const table of tablesOfFamily(session))
        session.print([
          `table ${table.family} ${table.name} {`,
          ...table
            .sets()
            .filter(({ spec }) => `${spec.kind}s` === kind.text)
            .flatMap((set) => listSet(set, session.options)),
          '}',
        ]);
      return;
    case 'chain':
    case 'set':
    case 'map':
      cursor.next();
      listOne(session, kind.text);
      return;
    case 'counters':
    case 'quotas':
    case 'limits':
      cursor.next();
      for (const table of tablesOfFamily(session))
        session.print([`table ${table.family} ${table.name} {`, '}']);
      return;
    default:
      cursor.unexpected();
  }
}

function listOne(session: Session, kind: string): void {
  const { cursor } = session;
  const managed = kind === 'chain' ? session.takeManaged() : undefined;
  if (managed !== undefined) {
    const chain = cursor.word();
    if (chain === undefined) return;
    const found = [...managed.ruleset.tables.values()].find(({ name }) => name === managed.name);
    if (found?.has(chain.text) === true)
      printIptables(session, managed.ruleset, { table: managed.name, chain: chain.text });
    else cursor.fail(NOT_FOUND, chain);
    return;
  }
  const table = session.existing();
  const name = table === undefined ? undefined : cursor.word();
  if (table === undefined || name === undefined) return;
  if (kind === 'chain') {
    const chain = table.chain(name.text);
    if (chain === undefined) cursor.fail(NOT_FOUND, name);
    else session.print(listTable(table, session.options, { sets: [], chains: [chain] }, 'bare'));
    return;
  }
  const set = table.set(name.text);
  if (set?.spec.kind !== kind) cursor.fail(NOT_FOUND, name);
  else session.print(listTable(table, session.options, { sets: [set], chains: [] }, 'bare'));
}

/** iptables' tables come first: they are there from the node's start. */
function listRuleset(session: Session): void {
  for (const ruleset of iptablesOfFamily(session)) printIptables(session, ruleset, {});
  for (const table of tablesOfFamily(session)) session.print(listTable(table, session.options));
}

function iptablesOfFamily({ cursor, options }: Session): readonly Ruleset[] {
  const named = cursor.peek();
  return options.iptables.filter(
    ({ family }) => named.kind === 'newline' || named.text === (family === 'ipv4' ? 'ip' : 'ip6'),
  );
}

function listTables(session: Session): void {
  for (const ruleset of iptablesOfFamily(session))
    for (const table of ruleset.tables.values())
      if (!table.empty) session.print([`table ${ruleset.family === 'ipv4' ? 'ip' : 'ip6'} ${table.name}`]);
  for (const table of tablesOfFamily(session)) session.print([`table ${table.family} ${table.name}`]);
}

function printIptables(
  session: Session,
  ruleset: Ruleset,
  pick: { readonly table?: string; readonly chain?: string },
): void {
  for (const { lines, warning } of listIptables(ruleset, session.options, pick)) {
    session.print(lines);
    session.warnings += warning ?? '';
  }
}

function tablesOfFamily(session: Session): readonly NftTable[] {
  const { tables } = session.ruleset;
  if (!session.cursor.is('ip', 'ip6', 'inet', ...OTHER_FAMILIES)) return tables;
  const family = session.cursor.next().text;
  return tables.filter((table) => table.family === family);
}
