import { chainHead, listSet, listTable } from './list.ts';
import { NOT_FOUND, OTHER_FAMILIES, type Session } from './session.ts';
import type { NftTable } from './table.ts';

export function listCommand(session: Session): void {
  const { cursor } = session;
  const kind = cursor.peek();
  switch (kind.kind === 'string' ? kind.text : '') {
    case 'ruleset':
      cursor.next();
      for (const table of tablesOfFamily(session)) session.print(listTable(table, session.options));
      return;
    case 'tables':
      cursor.next();
      for (const table of tablesOfFamily(session)) session.print([`table ${table.family} ${table.name}`]);
      return;
    case 'table': {
      cursor.next();
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

function tablesOfFamily(session: Session): readonly NftTable[] {
  const { tables } = session.ruleset;
  if (!session.cursor.is('ip', 'ip6', 'inet', ...OTHER_FAMILIES)) return tables;
  const family = session.cursor.next().text;
  return tables.filter((table) => table.family === family);
}
