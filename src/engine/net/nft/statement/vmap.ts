import type { Cursor } from '../cursor.ts';
import { describeTypes, keyTracks, readKey, typesOf, type Key } from '../key.ts';
import type { RuleContext } from '../rule-context.ts';
import type { Statement } from '../rule.ts';
import type { NftSet } from '../set.ts';
import { anonymousSet, count, formatAnonymous, sameTypes } from './match.ts';

/** `KEY vmap @MAP` or `KEY vmap { VALUE : VERDICT, … }`: the verdict of the element that holds. */
export function parseVmap(cursor: Cursor, key: Key, context: RuleContext): Statement | undefined {
  const types = typesOf(key);
  if (cursor.is('{')) {
    const set = anonymousSet(cursor, { kind: 'map', key: types, data: 'verdict' }, context);
    if (set === undefined) return undefined;
    const jumps = set
      .list(0)
      .flatMap(({ data }) => (data !== undefined && 'chain' in data ? [data.chain] : []));
    return {
      ...vmap(key, () => set),
      text: (options) => `${key.text} vmap ${formatAnonymous(set, options)}`,
      jumps,
    };
  }
  if (!cursor.is('@')) return cursor.unexpected();
  const start = cursor.next();
  const name = cursor.word();
  if (name === undefined) return undefined;
  const span = cursor.since(start);
  const spec = context.set(name.text);
  if (spec === undefined) return cursor.fail('No such file or directory', span);
  if (spec.data !== 'verdict') return cursor.fail('Expression is not a map', span);
  if (!sameTypes(types, spec.key))
    return cursor.fail(
      `datatype mismatch, map expects ${describeTypes(spec.key)}, mapping expression has type ${describeTypes(types)}`,
      span,
      key.span,
    );
  return {
    ...vmap(key, (walk) => walk.table.set(name.text)),
    text: () => `${key.text} vmap @${name.text}`,
    sets: [name.text],
  };
}

function vmap(
  key: Key,
  setOf: (walk: Parameters<Statement['run']>[0]) => NftSet | undefined,
): Pick<Statement, 'run' | 'tracks'> {
  return {
    run(walk) {
      const set = setOf(walk);
      const values = readKey(key, walk.flow);
      if (set === undefined || values === undefined) return 'break';
      const element = set.lookup(values, walk.flow.env.now());
      if (element?.data === undefined || !('kind' in element.data)) return 'break';
      walk.found = { set, element };
      count(element, walk.flow.length);
      return element.data;
    },
    ...keyTracks(key),
  };
}
