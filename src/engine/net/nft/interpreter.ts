import type { Token } from './lexer.ts';
import { listCommand } from './list-command.ts';
import { ruleCommand } from './rule-command.ts';
import { KERNEL, NOT_FOUND, type Session, type Verb } from './session.ts';
import { elementCommand, setCommand } from './set-command.ts';
import { chainCommand, tableCommand } from './table-command.ts';

/** Reads nft's commands one after the other and carries each out. After a failure the caller puts everything back. */
export function interpret(session: Session): void {
  const { cursor } = session;
  for (;;) {
    while (cursor.peek().kind === 'newline' || cursor.is(';')) cursor.next();
    if (cursor.failed || cursor.peek().kind === 'end') return;
    session.start = cursor.peek();
    command(session);
    if (cursor.failed || cursor.peek().kind === 'end') return;
    if (cursor.peek().kind !== 'newline' && !cursor.is(';')) {
      cursor.unexpected('newline or semicolon');
      return;
    }
  }
}

function command(session: Session): void {
  const { cursor } = session;
  const word = cursor.peek();
  if (word.kind !== 'string') {
    cursor.unexpected();
    return;
  }
  cursor.next();
  switch (word.text) {
    case 'add':
    case 'create':
    case 'insert':
    case 'replace':
    case 'delete':
    case 'get':
      object(session, word.text);
      return;
    case 'table':
    case 'chain':
    case 'rule':
    case 'set':
    case 'map':
    case 'element':
      cursor.at--;
      object(session, 'add');
      return;
    case 'list':
      listCommand(session);
      return;
    case 'flush':
      flush(session);
      return;
    case 'rename':
      rename(session);
      return;
    case 'define':
      define(session);
      return;
    case 'reset':
      reset(session);
      return;
    default:
      // Without a verb a rule is added: nft takes the word for a table.
      if (cursor.peek().kind !== 'string') {
        cursor.unexpected('string');
        return;
      }
      cursor.at--;
      ruleCommand(session, 'add');
  }
}
function object(session: Session, verb: Verb): void {
  const { cursor } = session;
  const kind = cursor.peek();
  switch (kind.kind === 'string' ? kind.text : '') {
    case 'table':
      cursor.next();
      tableCommand(session, verb);
      return;
    case 'chain':
      cursor.next();
      chainCommand(session, verb);
      return;
    case 'rule':
      cursor.next();
      ruleCommand(session, verb);
      return;
    case 'set':
    case 'map':
      cursor.next();
      setCommand(session, verb, kind.text === 'map' ? 'map' : 'set');
      return;
    case 'element':
      cursor.next();
      elementCommand(session, verb);
      return;
    case 'counter':
    case 'quota':
    case 'limit':
    case 'flowtable':
    case 'ct':
    case 'secmark':
    case 'synproxy':
      cursor.fail(`${KERNEL}Operation not supported`, kind);
      return;
    default:
      if (kind.kind === 'string' && verb === 'add') ruleCommand(session, 'add');
      else cursor.unexpected(kind.kind === 'string' ? '' : 'string');
  }
}

function flush(session: Session): void {
  const { cursor } = session;
  const kind = cursor.peek();
  switch (kind.text) {
    case 'ruleset': {
      cursor.next();
      const family = cursor.is('ip', 'ip6', 'inet') ? session.family() : undefined;
      for (const table of session.ruleset.tables)
        if (family === undefined || table.family === family) session.ruleset.delete(table);
      break;
    }
    case 'table': {
      cursor.next();
      for (const chain of session.existing(KERNEL)?.chains() ?? []) chain.follow([]);
      break;
    }
    case 'chain': {
      cursor.next();
      const table = session.existing(KERNEL);
      const name = table === undefined ? undefined : cursor.word();
      if (table === undefined || name === undefined) return;
      const chain = table.chain(name.text);
      if (chain === undefined) cursor.fail(`${KERNEL}${NOT_FOUND}`, name);
      else chain.follow([]);
      break;
    }
    case 'set':
    case 'map': {
      cursor.next();
      const table = session.existing(KERNEL);
      const name = table === undefined ? undefined : cursor.word();
      if (table === undefined || name === undefined) return;
      const set = table.set(name.text);
      if (set?.spec.kind !== kind.text) cursor.fail(NOT_FOUND, name);
      else set.clear();
      break;
    }
    default:
      cursor.unexpected();
      return;
  }
  session.ruleset.changed();
}

function rename(session: Session): void {
  const { cursor } = session;
  if (!cursor.expect('chain', 'chain')) return;
  const table = session.existing(KERNEL);
  const chain = table === undefined ? undefined : session.existingChain(table);
  const name = chain === undefined ? undefined : cursor.word();
  if (table === undefined || chain === undefined || name === undefined) return;
  if (table.chain(name.text) !== undefined) cursor.fail(`${KERNEL}File exists`, name);
  else table.renameChain(chain, name.text);
  session.ruleset.changed();
}

/** `reset counters` and their like work on named objects, of which there are none. */
function reset(session: Session): void {
  const { cursor } = session;
  if (cursor.is('counters', 'quotas')) {
    cursor.next();
    if (cursor.peek().kind !== 'newline') session.existing();
    return;
  }
  cursor.unexpected();
}

/** `define NAME = …`: every `$NAME` after it is what it says. */
function define(session: Session): void {
  const { cursor } = session;
  const name = cursor.word();
  if (name === undefined || !cursor.expect('=', "'='")) return;
  const value: Token[] = [];
  let depth = 0;
  while (
    cursor.peek().kind !== 'end' &&
    (depth > 0 || (cursor.peek().kind !== 'newline' && !cursor.is(';')))
  ) {
    if (cursor.is('{')) depth++;
    if (cursor.is('}')) depth--;
    value.push(cursor.next());
  }
  cursor.define(name.text, value);
}
