import type { HookPoint } from '../skb.ts';
import type { Cursor } from './cursor.ts';
import { DATATYPES, type Datatype } from './datatype.ts';
import { parseElements, parseTimeWord, skipNewlines, type ParsedElement } from './elements.ts';
import { parseKey, typesOf } from './key.ts';
import { priorityOf } from './priority.ts';
import type { RuleContext } from './rule-context.ts';
import type { SetFlag, SetSpec } from './set.ts';
import type { BaseChain, ChainType } from './table.ts';

/** Ends a line of a block. */
export function separator(cursor: Cursor): boolean {
  if (cursor.peek().kind === 'newline' || cursor.is(';')) {
    while (cursor.peek().kind === 'newline' || cursor.is(';')) cursor.next();
    return true;
  }
  cursor.unexpected('newline or semicolon');
  return false;
}

const HOOKS: Readonly<Record<string, HookPoint>> = {
  prerouting: 'PREROUTING',
  input: 'INPUT',
  forward: 'FORWARD',
  output: 'OUTPUT',
  postrouting: 'POSTROUTING',
};

const TYPES: readonly string[] = ['filter', 'nat', 'route'];

/** `type filter hook input priority filter`, with `type` taken. The policy is a line of its own. */
export function parseHook(cursor: Cursor): BaseChain | undefined {
  const type = cursor.anyWord();
  if (type === undefined) return undefined;
  if (!TYPES.includes(type.text)) return cursor.fail('unknown chain type', type);
  if (!cursor.expect('hook', 'hook')) return undefined;
  const name = cursor.anyWord();
  if (name === undefined) return undefined;
  const hook = Object.hasOwn(HOOKS, name.text) ? HOOKS[name.text] : undefined;
  if (hook === undefined) return cursor.fail('unknown chain hook', name);
  if (!cursor.expect('priority', 'priority')) return undefined;
  const priority = parsePriority(cursor, hook);
  if (priority === undefined) return undefined;
  return { type: type.text as ChainType, hook, priority, policy: 'accept' };
}

function parsePriority(cursor: Cursor, hook: HookPoint): number | undefined {
  if (cursor.take('-')) {
    const value = cursor.number();
    return value === undefined ? undefined : -value;
  }
  if (cursor.peek().kind === 'number') return cursor.number();
  const name = cursor.anyWord();
  if (name === undefined) return undefined;
  const value = priorityOf(name.text, hook);
  if (value === undefined) return cursor.fail(`invalid priority expression symbol in this context.`, name);
  if (!cursor.is('+', '-')) return value;
  const sign = cursor.next().text === '+' ? 1 : -1;
  const offset = cursor.number();
  return offset === undefined ? undefined : value + sign * offset;
}

/** A set or map in its braces, as far as it goes before its elements are judged. */
export interface SetDeclaration {
  readonly spec: SetSpec;
  readonly elements: readonly ParsedElement[];
}

interface Draft {
  key?: readonly Datatype[];
  keyText?: string;
  data?: 'verdict' | readonly Datatype[];
  dataText?: string;
  flags: Set<SetFlag>;
  timeout?: number;
  gcInterval?: number;
  size?: number;
  policy?: 'performance' | 'memory';
  autoMerge?: true;
  counter?: true;
  comment?: string;
}

/** `{ type …; flags …; … }`. */
export function parseSetBlock(
  cursor: Cursor,
  kind: 'set' | 'map',
  name: string,
  context: RuleContext,
): SetDeclaration | undefined {
  const open = cursor.peek();
  if (!cursor.expect('{', "'{'")) return undefined;
  const draft: Draft = { flags: new Set() };
  let elements: readonly ParsedElement[] = [];
  for (;;) {
    while (cursor.peek().kind === 'newline' || cursor.is(';')) cursor.next();
    if (cursor.take('}')) break;
    if (cursor.take('elements')) {
      if (!cursor.expect('=', "'='")) return undefined;
      skipNewlines(cursor);
      const { key } = draft;
      if (key === undefined) return cursor.fail('set definition does not specify key', cursor.since(open));
      const parsed = parseElements(
        cursor,
        { kind, key, ...(draft.data === undefined ? {} : { data: draft.data }) },
        context,
      );
      if (parsed === undefined) return undefined;
      elements = parsed;
    } else if (!parseSetLine(cursor, kind, draft, context)) return undefined;
    if (!separator(cursor)) return undefined;
  }
  const { key, ...rest } = draft;
  if (key === undefined) return cursor.fail('set definition does not specify key', cursor.since(open));
  if (kind === 'map' && draft.data === undefined)
    return cursor.fail('map definition does not specify mapping data type', cursor.since(open));
  if (draft.timeout !== undefined) draft.flags.add('timeout');
  return { spec: { name, kind, key, ...rest }, elements };
}

function parseSetLine(cursor: Cursor, kind: 'set' | 'map', draft: Draft, context: RuleContext): boolean {
  const word = cursor.anyWord();
  switch (word?.text) {
    case 'type':
      return parseTypes(cursor, kind, draft);
    case 'typeof':
      return parseTypeof(cursor, kind, draft, context);
    case 'flags':
      return parseFlags(cursor, draft);
    case 'timeout': {
      const time = parseTimeWord(cursor);
      if (time !== undefined) draft.timeout = time;
      return time !== undefined;
    }
    case 'gc-interval': {
      const time = parseTimeWord(cursor);
      if (time !== undefined) draft.gcInterval = time;
      return time !== undefined;
    }
    case 'size': {
      const size = cursor.number();
      if (size !== undefined) draft.size = size;
      return size !== undefined;
    }
    case 'policy':
      if (!cursor.is('memory', 'performance')) {
        cursor.unexpected('memory or performance');
        return false;
      }
      draft.policy = cursor.next().text === 'memory' ? 'memory' : 'performance';
      return true;
    case 'auto-merge':
      draft.autoMerge = true;
      return true;
    case 'counter':
      draft.counter = true;
      return true;
    case 'comment': {
      const text = cursor.name();
      if (text !== undefined) draft.comment = text.text;
      return text !== undefined;
    }
    case undefined:
      return false;
    default:
      cursor.at--;
      cursor.unexpected();
      return false;
  }
}

function parseTypes(cursor: Cursor, kind: 'set' | 'map', draft: Draft): boolean {
  const key = parseTypeList(cursor);
  if (key === undefined) return false;
  draft.key = key;
  if (kind === 'set') return true;
  if (!cursor.expect(':', 'colon')) return false;
  if (cursor.take('verdict')) {
    draft.data = 'verdict';
    return true;
  }
  const data = parseTypeList(cursor);
  if (data !== undefined) draft.data = data;
  return data !== undefined;
}

function parseTypeList(cursor: Cursor): readonly Datatype[] | undefined {
  const types: Datatype[] = [];
  do {
    const name = cursor.anyWord();
    if (name === undefined) return undefined;
    const type = DATATYPES.get(name.text);
    if (type === undefined) return cursor.fail(`unknown datatype ${name.text}`, name);
    types.push(type);
  } while (cursor.take('.'));
  return types;
}

function parseTypeof(cursor: Cursor, kind: 'set' | 'map', draft: Draft, context: RuleContext): boolean {
  const key = parseKey(cursor, context);
  if (key === undefined) {
    if (!cursor.failed) cursor.unexpected();
    return false;
  }
  draft.key = typesOf(key);
  draft.keyText = key.text;
  if (kind === 'set') return true;
  if (!cursor.expect(':', 'colon')) return false;
  if (cursor.take('verdict')) {
    draft.data = 'verdict';
    return true;
  }
  const data = parseKey(cursor, context);
  if (data === undefined) {
    if (!cursor.failed) cursor.unexpected();
    return false;
  }
  draft.data = typesOf(data);
  draft.dataText = data.text;
  return true;
}

const FLAGS: readonly string[] = ['constant', 'interval', 'dynamic', 'timeout'];

function parseFlags(cursor: Cursor, draft: Draft): boolean {
  do {
    if (!cursor.is(...FLAGS)) {
      cursor.unexpected('constant or interval or dynamic or timeout');
      return false;
    }
    draft.flags.add(cursor.next().text as SetFlag);
  } while (cursor.take(','));
  return true;
}
