import { lastIp, maskIp } from '../../address.ts';
import type { Cursor } from '../cursor.ts';
import { compareScalars, isAddress, MARK, readNumber, type Datatype, type Scalar } from '../datatype.ts';
import { parseElements } from '../elements.ts';
import { describeTypes, keyTracks, readKey, typesOf, type Key } from '../key.ts';
import { parseBits, parseOperand } from '../operand.ts';
import type { RuleContext } from '../rule-context.ts';
import type { Statement } from '../rule.ts';
import {
  covers,
  firstOf,
  formatElement,
  formatKey,
  formatPart,
  NftSet,
  type KeyPart,
  type SetSpec,
} from '../set.ts';

type Operator = '==' | '!=' | '<' | '>' | '<=' | '>=';

const OPERATORS: Readonly<Record<string, Operator>> = {
  '==': '==',
  '!=': '!=',
  '<': '<',
  '>': '>',
  '<=': '<=',
  '>=': '>=',
  eq: '==',
  ne: '!=',
  lt: '<',
  gt: '>',
  le: '<=',
  ge: '>=',
};

/** `KEY [& MASK] [OPERATOR] VALUE | @SET | { … }`. */
export function parseMatch(cursor: Cursor, key: Key, context: RuleContext): Statement | undefined {
  const [expression] = key.expressions;
  if (expression === undefined) return undefined;
  if (cursor.is('&', 'and')) return parseMasked(cursor, key, context);
  const operator = parseOperator(cursor);
  if (cursor.is('@')) return parseNamed(cursor, key, operator ?? '==', context);
  if (cursor.is('{')) return parseAnonymous(cursor, key, operator ?? '==', context);
  if (key.expressions.length > 1) return parseTuple(cursor, key, operator ?? '==', context);
  if (cursor.is('!') && expression.type.bits !== undefined) return parseUnset(cursor, key, context);
  if (expression.type.bits !== undefined && operator !== '<' && operator !== '>')
    return parseBitMatch(cursor, key, operator, context);
  const { type } = expression;
  const first = cursor.peek();
  const right = parseOperand(cursor, type, context);
  if (right === undefined) return undefined;
  if (cursor.is(',')) return cursor.fail(`Basetype of type ${type.description} is not bitmask`, first);
  const sign = operator ?? '==';
  return single(key, type, sign, right.part, `${key.text} ${sign === '==' ? '' : `${sign} `}${right.text}`);
}

function parseOperator(cursor: Cursor): Operator | undefined {
  const found = Object.hasOwn(OPERATORS, cursor.peek().text) ? OPERATORS[cursor.peek().text] : undefined;
  if (found !== undefined) cursor.next();
  return found;
}

/** One value or interval of one field. */
function single(key: Key, type: Datatype, operator: Operator, part: KeyPart, text: string): Statement {
  const [expression] = key.expressions;
  const exact = firstOf(part);
  const prefix = typeof exact === 'string' && exact.endsWith('*') ? exact.slice(0, -1) : undefined;
  const holds = (value: Scalar): boolean => {
    switch (operator) {
      case '==':
      case '!=': {
        const same = prefix === undefined ? covers(type, part, value) : String(value).startsWith(prefix);
        return same === (operator === '==');
      }
      case '<':
        return compareScalars(type, value, exact) < 0;
      case '>':
        return compareScalars(type, value, exact) > 0;
      case '<=':
        return compareScalars(type, value, exact) <= 0;
      case '>=':
        return compareScalars(type, value, exact) >= 0;
    }
  };
  return {
    text: () => text,
    run({ flow }) {
      const value = expression?.read(flow);
      return value !== undefined && holds(value) ? 'next' : 'break';
    },
    ...keyTracks(key),
    ...transportOf(key, operator, part),
  };
}

/** What a match makes known of the transport protocol. */
function transportOf(key: Key, operator: Operator, part: KeyPart): Pick<Statement, 'transport'> {
  const [expression] = key.expressions;
  const bare =
    expression?.text === 'meta l4proto' ||
    expression?.text === 'ip protocol' ||
    expression?.text === 'ip6 nexthdr';
  if (bare && operator === '==' && typeof part === 'number') return { transport: { protocol: part, bare } };
  return transportOfKey(key);
}

function transportOfKey(key: Key): Pick<Statement, 'transport'> {
  for (const { transport } of key.expressions)
    if (typeof transport === 'number') return { transport: { protocol: transport, bare: false } };
  return {};
}

/** `state new,established`: any of the bits; with an operator the very same ones. */
function parseBitMatch(
  cursor: Cursor,
  key: Key,
  operator: Operator | undefined,
  context: RuleContext,
): Statement | undefined {
  const [expression] = key.expressions;
  if (expression === undefined) return undefined;
  const { type } = expression;
  const bits = parseBits(cursor, type, context);
  if (bits === undefined) return undefined;
  if (cursor.take('/')) {
    const mask = parseBits(cursor, type, context);
    return mask === undefined ? undefined : masked(key, mask, '==', bits);
  }
  const implicit = operator === undefined;
  const names = implicit ? type.format(bits) : type.format(bits).replaceAll(',', ' | ');
  const text = `${key.text} ${implicit ? '' : `${operator} `}${names}`;
  return {
    text: () => text,
    run({ flow }) {
      const value = expression.read(flow);
      if (value === undefined) return 'break';
      const holds = implicit
        ? (Number(value) & bits) !== 0
        : (Number(value) === bits) === (operator !== '!=');
      return holds ? 'next' : 'break';
    },
    ...keyTracks(key),
    ...transportOfKey(key),
  };
}

/** `tcp flags ! syn`: none of the bits. */
function parseUnset(cursor: Cursor, key: Key, context: RuleContext): Statement | undefined {
  const [expression] = key.expressions;
  cursor.next();
  if (expression === undefined) return undefined;
  const bits = parseBits(cursor, expression.type, context);
  if (bits === undefined) return undefined;
  return {
    text: () => `${key.text} ! ${expression.type.format(bits)}`,
    run({ flow }) {
      const value = expression.read(flow);
      return value !== undefined && (Number(value) & bits) === 0 ? 'next' : 'break';
    },
    ...keyTracks(key),
    ...transportOfKey(key),
  };
}

/** `KEY & MASK OPERATOR VALUE`. */
function parseMasked(cursor: Cursor, key: Key, context: RuleContext): Statement | undefined {
  const [expression] = key.expressions;
  cursor.next();
  if (expression === undefined) return undefined;
  const { type } = expression;
  const mask = parseMask(cursor, type, context);
  if (mask === undefined) return undefined;
  const span = cursor.peek();
  const operator = parseOperator(cursor) ?? '==';
  if (operator !== '==' && operator !== '!=') return cursor.fail('syntax error, unexpected operator', span);
  const value = parseMask(cursor, type, context);
  if (value === undefined) return undefined;
  if (isAddress(type)) return maskedAddress(cursor, key, type, mask, operator, value);
  return masked(key, mask, operator, value);
}

function parseMask(cursor: Cursor, type: Datatype, context: RuleContext): number | undefined {
  if (type.bits !== undefined) return parseBits(cursor, type, context);
  const token = cursor.peek();
  const number = token.kind === 'number' ? readNumber(token.text) : undefined;
  if (number !== undefined) {
    cursor.next();
    return number;
  }
  const right = parseOperand(cursor, type, context);
  return right === undefined ? undefined : Number(firstOf(right.part));
}

/** An address under a mask of leading ones is a network. */
function maskedAddress(
  cursor: Cursor,
  key: Key,
  type: Datatype,
  mask: number,
  operator: '==' | '!=',
  value: number,
): Statement | undefined {
  const length = Array.from({ length: 33 }, (_, i) => i).find((i) => maskIp(0xffffffff, i) === mask);
  if (type.bytes !== 4 || length === undefined)
    return cursor.fail('Could not process rule: Operation not supported', key.span);
  const ip = maskIp(value, length);
  const text = `${key.text} ${operator === '==' ? '' : '!= '}${type.format(ip)}/${length}`;
  return single(key, type, operator, [ip, lastIp({ ip, length })], text);
}

function masked(key: Key, mask: number, operator: '==' | '!=', value: number): Statement {
  const [expression] = key.expressions;
  const type = expression?.type ?? MARK;
  const text =
    type.bits !== undefined && operator === '=='
      ? `${key.text} ${type.format(value)} / ${type.format(mask)}`
      : `${key.text} & ${type.format(mask)} ${operator} ${type.format(value)}`;
  return {
    text: () => text,
    run({ flow }) {
      const found = expression?.read(flow);
      if (found === undefined) return 'break';
      return ((Number(found) & mask) >>> 0 === value) === (operator === '==') ? 'next' : 'break';
    },
    ...keyTracks(key),
    ...transportOfKey(key),
  };
}

/** `ip saddr . tcp dport 10.0.0.1 . 80`. */
function parseTuple(
  cursor: Cursor,
  key: Key,
  operator: Operator,
  context: RuleContext,
): Statement | undefined {
  const types = typesOf(key);
  const parts: KeyPart[] = [];
  for (const [i, type] of types.entries()) {
    if (i > 0 && !cursor.expect('.')) return undefined;
    const part = parseOperand(cursor, type, context)?.part;
    if (part === undefined) return undefined;
    parts.push(part);
  }
  const text = `${key.text} ${operator === '==' ? '' : `${operator} `}${formatKey(types, parts)}`;
  return {
    text: () => text,
    run({ flow }) {
      const values = readKey(key, flow);
      if (values === undefined) return 'break';
      const same = parts.every((part, i) => covers(types[i], part, values[i] ?? 0));
      return same === (operator === '==') ? 'next' : 'break';
    },
    ...keyTracks(key),
    ...transportOfKey(key),
  };
}

/** `KEY @SET`. */
function parseNamed(
  cursor: Cursor,
  key: Key,
  operator: Operator,
  context: RuleContext,
): Statement | undefined {
  const start = cursor.next();
  const name = cursor.word();
  if (name === undefined) return undefined;
  const span = cursor.since(start);
  const spec = context.set(name.text);
  if (spec === undefined) return cursor.fail('No such file or directory', span);
  const types = typesOf(key);
  if (!sameTypes(types, spec.key))
    return cursor.fail(
      `datatype mismatch, expected ${describeTypes(types)}, expression has type ${describeTypes(spec.key)}`,
      span,
      key.span,
    );
  const text = `${key.text} ${operator === '!=' ? '!= ' : ''}@${name.text}`;
  return {
    text: () => text,
    run(walk) {
      const set = walk.table.set(name.text);
      const values = readKey(key, walk.flow);
      if (set === undefined || values === undefined) return 'break';
      const element = set.lookup(values, walk.flow.env.now());
      if ((element !== undefined) !== (operator !== '!=')) return 'break';
      if (element !== undefined) {
        walk.found = { set, element };
        count(element, walk.flow.length);
      }
      return 'next';
    },
    sets: [name.text],
    ...keyTracks(key),
    ...transportOfKey(key),
  };
}

export function sameTypes(a: readonly Datatype[], b: readonly Datatype[]): boolean {
  return (
    a.length === b.length &&
    a.every((type, i) => type.description === b[i]?.description || type.bytes === b[i]?.bytes)
  );
}

/** Elements of a set with `counter` count what they match. */
export function count(
  element: { readonly counter?: { packets: number; bytes: number } },
  bytes: number,
): void {
  if (element.counter === undefined) return;
  element.counter.packets++;
  element.counter.bytes += bytes;
}

/** An anonymous set that the text of the rule holds. */
export function anonymousSet(
  cursor: Cursor,
  shape: Pick<SetSpec, 'kind' | 'key' | 'data'>,
  context: RuleContext,
): NftSet | undefined {
  const elements = parseElements(cursor, shape, context);
  if (elements === undefined) return undefined;
  const interval = elements.some(({ element }) => element.key.some((part) => typeof part === 'object'));
  const set = new NftSet({
    ...shape,
    name: '',
    flags: new Set(interval ? ['constant', 'interval'] : ['constant']),
  });
  for (const [i, { element, span }] of elements.entries()) {
    const other = interval && shape.key.length === 1 ? set.overlapping(element, 0) : undefined;
    if (other !== undefined) {
      const earlier = elements.slice(0, i).find((candidate) => candidate.element === other);
      return cursor.fail('conflicting intervals specified', earlier?.span ?? span, span);
    }
    set.add(element);
  }
  return set;
}

export function formatAnonymous(set: NftSet, options: { readonly stateless: boolean }): string {
  return `{ ${set
    .list(0)
    .map((element) => formatElement(set.spec, element, 0, options))
    .join(', ')} }`;
}

/** `KEY { … }`. A set of one value is that value. */
function parseAnonymous(
  cursor: Cursor,
  key: Key,
  operator: Operator,
  context: RuleContext,
): Statement | undefined {
  const types = typesOf(key);
  const [type] = types;
  const set = anonymousSet(cursor, { kind: 'set', key: types }, context);
  if (set === undefined || type === undefined) return undefined;
  const sign = operator === '!=' ? '!= ' : '';
  const [only, ...more] = set.list(0);
  const [part] = only?.key ?? [];
  if (more.length === 0 && types.length === 1 && part !== undefined) {
    if (type.bits !== undefined) {
      const bits = Number(firstOf(part));
      const [expression] = key.expressions;
      return {
        text: () => `${key.text} ${sign}${type.format(bits)}`,
        run: ({ flow }) =>
          ((Number(expression?.read(flow) ?? 0) & bits) !== 0) === (sign === '') ? 'next' : 'break',
        ...keyTracks(key),
        ...transportOfKey(key),
      };
    }
    return single(key, type, operator, part, `${key.text} ${sign}${formatPart(type, part)}`);
  }
  return {
    text: (options) => `${key.text} ${sign}${formatAnonymous(set, options)}`,
    run(walk) {
      const values = readKey(key, walk.flow);
      if (values === undefined) return 'break';
      const element = set.lookup(values, 0);
      return (element !== undefined) === (sign === '') ? 'next' : 'break';
    },
    ...keyTracks(key),
    ...transportOfKey(key),
  };
}
