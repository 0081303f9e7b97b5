import { parseHook, separator } from './declaration.ts';
import type { Span, Token } from './lexer.ts';
import { parseRule } from './parse-rule.ts';
import type { NftRule } from './rule.ts';
import { KERNEL, NOT_FOUND, type Session, type Verb } from './session.ts';
import { declareSet, leadsTo } from './set-command.ts';
import type { BaseChain, NftChain, NftTable } from './table.ts';

/** Chains that a block names further down, until it comes to them. */
const foreseen = new WeakSet<NftChain>();

export function tableCommand(session: Session, verb: Verb): void {
  const { cursor } = session;
  if (verb === 'delete') {
    if (cursor.take('handle')) {
      const span = cursor.peek();
      const handle = cursor.number();
      const table = session.ruleset.tables.find((candidate) => candidate.handle === handle);
      if (table === undefined) cursor.fail(`${KERNEL}${NOT_FOUND}`, span);
      else session.ruleset.delete(table);
      return;
    }
    const table = session.existing(KERNEL);
    if (table !== undefined) session.ruleset.delete(table);
    return;
  }
  const named = session.tableName();
  if (named === undefined) return;
  const { family, name } = named;
  const known = session.ruleset.table(family, name.text);
  if (known !== undefined && verb === 'create') {
    cursor.fail(`${KERNEL}File exists`, name);
    return;
  }
  const table = known ?? session.ruleset.add(family, name.text);
  if (known === undefined && session.options.echo) session.out += `add table ${family} ${table.name}\n`;
  if (cursor.is('{')) tableBlock(session, table);
  session.ruleset.changed();
}

function tableBlock(session: Session, table: NftTable): void {
  const { cursor } = session;
  cursor.next();
  declareChains(session, table);
  for (;;) {
    while (cursor.peek().kind === 'newline' || cursor.is(';')) cursor.next();
    if (cursor.take('}')) return;
    const word = cursor.peek();
    switch (word.kind === 'string' ? word.text : '') {
      case 'comment': {
        cursor.next();
        table.comment = cursor.name()?.text;
        break;
      }
      case 'flags':
        cursor.next();
        if (cursor.expect('dormant', 'string')) table.dormant = true;
        break;
      case 'chain': {
        cursor.next();
        const name = cursor.word();
        if (name === undefined || !cursor.expect('{', "'{'")) return;
        chainBlock(session, table, name);
        continue;
      }
      case 'set':
      case 'map': {
        cursor.next();
        const name = cursor.word();
        if (name === undefined) return;
        declareSet(session, table, word.text === 'map' ? 'map' : 'set', name, 'add');
        continue;
      }
      default:
        cursor.unexpected();
    }
    if (cursor.failed || !separator(cursor)) return;
  }
}

/** Rules of a block may name chains that come after them. */
function declareChains(session: Session, table: NftTable): void {
  const { cursor } = session;
  let depth = 0;
  for (let ahead = 0; depth >= 0; ahead++) {
    const token = cursor.peek(ahead);
    if (token.kind === 'end') return;
    if (token.kind !== 'symbol' && !(depth === 0 && token.text === 'chain')) continue;
    if (token.text === '{') depth++;
    else if (token.text === '}') depth--;
    else if (token.text === 'chain') {
      const name = cursor.peek(ahead + 1);
      const block = cursor.peek(ahead + 2).text === '{';
      if (block && name.kind === 'string' && table.chain(name.text) === undefined)
        foreseen.add(table.addChain(name.text, {}));
    }
  }
}

export function chainCommand(session: Session, verb: Verb): void {
  const { cursor } = session;
  const table = session.existing(verb === 'delete' ? KERNEL : '');
  if (table === undefined) return;
  if (verb === 'delete') {
    const chain = session.existingChain(table);
    if (chain === undefined) return;
    const used = references(session, table, chain.name);
    if (used) cursor.fail(`${KERNEL}Device or resource busy`, session.last());
    else table.deleteChain(chain.name);
    session.ruleset.changed();
    return;
  }
  const name = cursor.word();
  if (name === undefined) return;
  const known = table.chain(name.text);
  if (known !== undefined && verb === 'create') {
    cursor.fail(`${KERNEL}File exists`, name);
    return;
  }
  if (cursor.take('{')) chainBlock(session, table, name);
  else if (known === undefined) table.addChain(name.text, {});
  session.echo(`add chain ${table.family} ${table.name} ${name.text}`, table.chain(name.text)?.handle);
  session.ruleset.changed();
}

/** The lines between a chain's braces, the first one taken. */
function chainBlock(session: Session, table: NftTable, name: Token): void {
  const { cursor } = session;
  let base: BaseChain | undefined;
  let policy: 'accept' | 'drop' | undefined;
  let comment: string | undefined;
  const rules: { readonly rule: NftRule; readonly span: Span }[] = [];
  for (;;) {
    while (cursor.peek().kind === 'newline' || cursor.is(';')) cursor.next();
    if (cursor.take('}')) break;
    const start = cursor.peek();
    if (cursor.take('type')) base = parseHook(cursor);
    else if (cursor.take('policy')) {
      if (!cursor.is('accept', 'drop')) cursor.unexpected("accept or drop or '$'");
      policy = cursor.next().text === 'drop' ? 'drop' : 'accept';
    } else if (cursor.is('comment') && cursor.peek(1).kind !== 'symbol') {
      cursor.next();
      comment = cursor.name()?.text;
    } else {
      const rule = parseRule(cursor, session.context(table, name.text));
      if (rule !== undefined) rules.push({ rule, span: cursor.since(start) });
    }
    if (cursor.failed || !separator(cursor)) return;
  }
  const chain = makeChain(session, table, name, base, policy, comment);
  for (const { rule, span } of rules) {
    chain?.insert(chain.rules.length, rule);
    if (cursor.failed || !session.valid(table, rule, span)) return;
  }
}

function makeChain(
  session: Session,
  table: NftTable,
  name: Token,
  hook: BaseChain | undefined,
  policy: 'accept' | 'drop' | undefined,
  comment: string | undefined,
): NftChain | undefined {
  const base = hook === undefined ? undefined : { ...hook, policy: policy ?? 'accept' };
  const misplaced =
    (base?.type === 'nat' && base.hook === 'FORWARD') || (base?.type === 'route' && base.hook !== 'OUTPUT');
  if (misplaced) return session.cursor.fail(`${KERNEL}Operation not supported`, session.whole());
  const known = table.chain(name.text);
  if (known === undefined) return table.addChain(name.text, { base, comment });
  if (base !== undefined && known.base !== undefined) {
    const { type, hook: point, priority } = known.base;
    if (type !== base.type || point !== base.hook || priority !== base.priority)
      return session.cursor.fail(`${KERNEL}File exists`, session.whole());
    known.base = base;
  } else if (foreseen.delete(known)) {
    known.base = base;
    known.comment = comment;
  } else if (base !== undefined || comment !== undefined) {
    return session.cursor.fail(`${KERNEL}File exists`, session.whole());
  } else if (policy !== undefined && known.base !== undefined) known.base = { ...known.base, policy };
  return known;
}

function references(session: Session, table: NftTable, name: string): boolean {
  const jumps = (rule: NftRule): boolean =>
    rule.statements.some((statement) => statement.jumps?.includes(name) === true);
  return (
    table.chains().some((chain) => chain.name !== name && chain.rules.some(jumps)) ||
    table.sets().some((set) => set.list(session.options.now).some(({ data }) => leadsTo(data, name)))
  );
}
