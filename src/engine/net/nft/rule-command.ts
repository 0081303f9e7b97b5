import { parseRule } from './parse-rule.ts';
import { formatNftRule } from './rule.ts';
import type { Session, Verb } from './session.ts';
import type { NftChain } from './table.ts';

export function ruleCommand(session: Session, verb: Verb): void {
  const { cursor } = session;
  if (verb === 'get' || verb === 'create') {
    cursor.at--;
    cursor.unexpected();
    return;
  }
  const chain = session.chainOfRule();
  if (chain === undefined) return;
  const { table } = chain;
  const where = position(session, chain, verb);
  if (where === undefined) return;
  if (verb === 'delete') {
    chain.remove(where);
    session.ruleset.changed();
    return;
  }
  const rule = parseRule(cursor, session.context(table, chain.name));
  if (rule === undefined) return;
  const handle = verb === 'replace' ? chain.replace(where, rule) : chain.insert(where, rule);
  session.ruleset.changed();
  if (!session.valid(table, rule, session.whole())) return;
  session.echo(
    `${verb === 'insert' ? 'insert' : 'add'} rule ${table.family} ${table.name} ${chain.name} ${formatNftRule(rule, session.options)}`,
    handle,
  );
}

/** Where in the chain the rule goes, or which rule is meant. */
function position(session: Session, chain: NftChain, verb: Verb): number | undefined {
  const { cursor } = session;
  const must = verb === 'delete' || verb === 'replace';
  const start = cursor.peek();
  if (cursor.is('handle', 'position')) {
    cursor.next();
    const span = cursor.peek();
    const handle = cursor.number();
    if (handle === undefined) return undefined;
    const at = chain.handles.indexOf(handle);
    if (at < 0) return session.missing(chain.name, span);
    return at + (verb === 'add' ? 1 : 0);
  }
  if (must) return cursor.unexpected('handle');
  if (cursor.take('index')) {
    const index = cursor.number();
    if (index === undefined) return undefined;
    if (index >= chain.rules.length) return session.missing(chain.name, cursor.since(start));
    return index + (verb === 'add' ? 1 : 0);
  }
  return verb === 'insert' ? 0 : chain.rules.length;
}
