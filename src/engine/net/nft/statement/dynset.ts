import type { Cursor } from '../cursor.ts';
import { parseCount, parseTimeWord } from '../elements.ts';
import { describeTypes, keyTracks, parseKey, readKey, typesOf, type Key } from '../key.ts';
import type { Span, Token } from '../lexer.ts';
import type { RuleContext } from '../rule-context.ts';
import type { NftWalk, Statement } from '../rule.ts';
import { formatTime } from '../time.ts';
import type { NftSet, SetElement } from '../set.ts';
import { parseLimiter, type Limiter } from './limit.ts';
import { sameTypes } from './match.ts';

type Operation = 'add' | 'update' | 'delete';

interface Recorded {
  readonly key: Key;
  readonly timeout: number | undefined;
  readonly limiter: (() => Limiter) | undefined;
  readonly counter: boolean;
}

/** `update @SET { KEY timeout TIME }`: the packet's own key becomes an element, or lives on. */
export function parseDynset(
  cursor: Cursor,
  operation: Operation,
  context: RuleContext,
  start: Span,
): Statement | undefined {
  const at = cursor.next();
  const name = cursor.word();
  if (name === undefined) return undefined;
  const span = cursor.since(at);
  if (!cursor.expect('{', "'{'")) return undefined;
  const recorded = parseRecorded(cursor, context);
  if (recorded === undefined || !cursor.expect('}')) return undefined;
  return dynset(cursor, { operation, name, span, recorded, context, start });
}

/** The older way to write it: `set update KEY @SET`. */
export function parseSetStatement(cursor: Cursor, context: RuleContext, start: Span): Statement | undefined {
  if (!cursor.is('add', 'update', 'delete')) return cursor.unexpected('add or update or delete');
  const operation = cursor.next().text as Operation;
  const recorded = parseRecorded(cursor, context);
  if (recorded === undefined) return undefined;
  const at = cursor.peek();
  if (!cursor.expect('@')) return undefined;
  const name = cursor.word();
  if (name === undefined) return undefined;
  return dynset(cursor, { operation, name, span: cursor.since(at), recorded, context, start });
}

function parseRecorded(cursor: Cursor, context: RuleContext): Recorded | undefined {
  const key = parseKey(cursor, context);
  if (key === undefined) return cursor.failed ? undefined : cursor.unexpected();
  let timeout: number | undefined;
  let limiter: (() => Limiter) | undefined;
  let counter = false;
  for (;;) {
    if (cursor.take('timeout')) timeout = parseTimeWord(cursor);
    else if (cursor.take('limit')) limiter = parseLimiter(cursor);
    else if (cursor.take('counter')) counter = parseCount(cursor) !== undefined;
    else break;
  }
  return cursor.failed ? undefined : { key, timeout, limiter, counter };
}

interface Parts {
  readonly operation: Operation;
  readonly name: Token;
  readonly span: Span;
  readonly recorded: Recorded;
  readonly context: RuleContext;
  readonly start: Span;
}

function dynset(cursor: Cursor, parts: Parts): Statement | undefined {
  const { operation, name, span, recorded, context, start } = parts;
  const { key, timeout, limiter, counter } = recorded;
  const spec = context.set(name.text);
  if (spec === undefined) return cursor.fail('No such file or directory', span);
  if (!sameTypes(typesOf(key), spec.key))
    return cursor.fail(
      `datatype mismatch, expected ${describeTypes(spec.key)}, expression has type ${describeTypes(typesOf(key))}`,
      key.span,
      span,
    );
  if (timeout !== undefined && !spec.flags.has('timeout'))
    return cursor.fail('Could not process rule: Operation not supported', cursor.since(start));
  const text = `${operation} @${name.text} { ${key.text}${limiter === undefined ? '' : ` ${limiter().text}`}${counter ? ' counter' : ''}${timeout === undefined ? '' : ` timeout ${formatTime(timeout)}`} }`;
  return {
    text: () => text,
    run(walk) {
      const set = walk.table.set(name.text);
      const values = readKey(key, walk.flow);
      if (set === undefined || values === undefined) return 'break';
      if (operation === 'delete') {
        set.delete({ key: values });
        return 'next';
      }
      return touch(walk, set, values, operation, recorded) ? 'next' : 'break';
    },
    sets: [name.text],
    ...keyTracks(key),
  };
}

/** Elements that rules add are at most as many as the set's size: 65535 where it has none. */
function touch(
  walk: NftWalk,
  set: NftSet,
  values: readonly (number | string)[],
  operation: Operation,
  recorded: Recorded,
): boolean {
  const { flow } = walk;
  const now = flow.env.now();
  const old = set.get({ key: values }, now);
  if (old === undefined && set.list(now).length >= (set.spec.size ?? 65535)) return false;
  const life = recorded.timeout ?? set.spec.timeout;
  let element: SetElement;
  if (old === undefined) {
    const made = recorded.limiter?.();
    const { length } = flow;
    element = {
      key: values,
      ...(recorded.timeout === undefined ? {} : { timeout: recorded.timeout }),
      ...(life === undefined ? {} : { expires: now + life * 1000 }),
      ...(recorded.counter || set.spec.counter === true ? { counter: { packets: 0, bytes: 0 } } : {}),
      ...(made === undefined
        ? {}
        : { limit: { text: made.text, test: (at: number) => made.test(at, length) } }),
    };
    set.add(element);
  } else if (operation === 'update' && life !== undefined) {
    element = { ...old, expires: now + life * 1000 };
    set.add(element);
  } else element = old;
  walk.found = { set, element };
  if (element.counter !== undefined) {
    element.counter.packets++;
    element.counter.bytes += flow.length;
  }
  return element.limit?.test(now) ?? true;
}
