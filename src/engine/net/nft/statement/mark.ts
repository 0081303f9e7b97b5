import type { Cursor } from '../cursor.ts';
import { MARK, readNumber } from '../datatype.ts';
import { keyTracks, parseKey, readKey, typesOf, type Key } from '../key.ts';
import type { RuleContext } from '../rule-context.ts';
import type { NftWalk, Statement } from '../rule.ts';
import type { NftSet } from '../set.ts';
import { anonymousSet, formatAnonymous } from './match.ts';

/** A value that is computed: `(source & mask) ^ xor`, as the kernel's bitwise expression has it. */
interface Computed {
  readonly source: 'meta mark' | 'ct mark' | undefined;
  readonly mask: number;
  readonly xor: number;
}

/** `meta mark set VALUE` and `ct mark set VALUE`, with `set` taken. */
export function parseMarkSet(
  cursor: Cursor,
  target: 'meta mark' | 'ct mark',
  context: RuleContext,
): Statement | undefined {
  const mapped = isTerm(cursor) ? undefined : parseMapped(cursor, context);
  if (mapped !== undefined) return { ...mapped, ...assign(target, mapped.value) };
  if (cursor.failed) return undefined;
  const computed = parseComputed(cursor);
  if (computed === undefined) return undefined;
  const text = `${target} set ${formatComputed(computed)}`;
  return {
    text: () => text,
    ...assign(target, ({ flow }) => {
      const { skb } = flow;
      const source =
        computed.source === 'meta mark' ? skb.mark : computed.source === 'ct mark' ? (skb.ct?.mark ?? 0) : 0;
      return ((source & computed.mask) ^ computed.xor) >>> 0;
    }),
    ...(target === 'ct mark' || computed.source === 'ct mark' ? { tracks: true } : {}),
  };
}

function assign(
  target: 'meta mark' | 'ct mark',
  valueOf: (walk: NftWalk) => number | undefined,
): Pick<Statement, 'run'> {
  return {
    run(walk) {
      const value = valueOf(walk);
      if (value === undefined) return 'break';
      const { skb } = walk.flow;
      if (target === 'meta mark') skb.mark = value;
      else if (skb.ct !== undefined) skb.ct.mark = value;
      return 'next';
    },
  };
}

function isTerm(cursor: Cursor): boolean {
  if (cursor.peek().kind === 'number' || cursor.is('mark')) return true;
  return cursor.is('meta', 'ct') && cursor.peek(1).text === 'mark';
}

function parseComputed(cursor: Cursor): Computed | undefined {
  let value = parseTerm(cursor);
  while (value !== undefined && cursor.is('and', 'or', 'xor', '&', '|', '^')) {
    const operator = cursor.next().text;
    const token = cursor.peek();
    const operand = token.kind === 'number' ? readNumber(token.text) : undefined;
    if (operand === undefined) return cursor.unexpected('number');
    cursor.next();
    value = combine(value, operator, operand);
  }
  return value;
}

function combine({ source, mask, xor }: Computed, operator: string, operand: number): Computed {
  switch (operator) {
    case 'and':
    case '&':
      return { source, mask: (mask & operand) >>> 0, xor: (xor & operand) >>> 0 };
    case 'or':
    case '|':
      return { source, mask: (mask & ~operand) >>> 0, xor: ((xor & ~operand) | operand) >>> 0 };
    default:
      return { source, mask, xor: (xor ^ operand) >>> 0 };
  }
}

function parseTerm(cursor: Cursor): Computed | undefined {
  const token = cursor.peek();
  if (token.kind === 'number') {
    const value = MARK.parse(token.text);
    if (typeof value !== 'number') return cursor.fail('Value exceeds valid range 0-4294967295', token);
    cursor.next();
    return { source: undefined, mask: 0, xor: value };
  }
  if (!isTerm(cursor)) return cursor.unexpected();
  const first = cursor.next().text;
  if (first !== 'mark') cursor.next();
  return { source: first === 'ct' ? 'ct mark' : 'meta mark', mask: 0xffffffff, xor: 0 };
}

/** As nft prints what the kernel holds (netlink_delinearize.c: and, xor and or are told apart again). */
function formatComputed({ source, mask, xor }: Computed): string {
  if (source === undefined) return MARK.format(xor);
  const or = (~mask & xor) >>> 0;
  const flip = (mask & xor) >>> 0;
  const and = (mask | or) >>> 0;
  let text: string = source;
  if (and !== 0xffffffff) text += ` & ${MARK.format(and)}`;
  if (flip !== 0) text += ` ^ ${MARK.format(flip)}`;
  if (or !== 0) text += ` | ${MARK.format(or)}`;
  return text;
}

interface Mapped extends Pick<Statement, 'text' | 'tracks' | 'sets'> {
  readonly value: (walk: NftWalk) => number | undefined;
}

/** `KEY map { VALUE : MARK, … }` or `KEY map @MAP`. */
function parseMapped(cursor: Cursor, context: RuleContext): Mapped | undefined {
  const key = parseKey(cursor, context);
  if (key === undefined) return cursor.failed ? undefined : cursor.unexpected();
  if (!cursor.expect('map')) return undefined;
  const map = parseMap(cursor, key, context);
  if (map === undefined) return undefined;
  return {
    text: (options) => `meta mark set ${key.text} map ${map.text(options)}`,
    value(walk) {
      const values = readKey(key, walk.flow);
      const element = values === undefined ? undefined : map.set(walk)?.lookup(values, walk.flow.env.now());
      const data = element?.data;
      return data === undefined || 'kind' in data ? undefined : Number(data[0]);
    },
    ...keyTracks(key),
    ...(map.name === undefined ? {} : { sets: [map.name] }),
  };
}

function parseMap(
  cursor: Cursor,
  key: Key,
  context: RuleContext,
):
  | {
      readonly text: (options: { readonly stateless: boolean }) => string;
      readonly set: (walk: NftWalk) => NftSet | undefined;
      readonly name?: string;
    }
  | undefined {
  if (cursor.take('@')) {
    const name = cursor.word();
    if (name === undefined) return undefined;
    const spec = context.set(name.text);
    if (spec === undefined) return cursor.fail('No such file or directory', name);
    if (spec.data === undefined || spec.data === 'verdict')
      return cursor.fail('Expression is not a map', name);
    return { text: () => `@${name.text}`, set: (walk) => walk.table.set(name.text), name: name.text };
  }
  const set = anonymousSet(cursor, { kind: 'map', key: typesOf(key), data: [MARK] }, context);
  return set === undefined ? undefined : { text: (options) => formatAnonymous(set, options), set: () => set };
}
