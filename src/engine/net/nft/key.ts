import type { Flow } from '../netfilter-flow.ts';
import type { Cursor } from './cursor.ts';
import type { Datatype, Scalar } from './datatype.ts';
import {
  BARE_META,
  ctKey,
  ctTupleKey,
  fibExpression,
  headerField,
  isHeader,
  metaKey,
  numgen,
  type Expression,
} from './expression.ts';
import type { Span } from './lexer.ts';
import type { RuleContext } from './rule-context.ts';

/** What a rule or a set looks up: one expression or several joined by `.`. */
export interface Key {
  readonly text: string;
  readonly expressions: readonly Expression[];
  readonly span: Span;
}

export function typesOf(key: Key): readonly Datatype[] {
  return key.expressions.map(({ type }) => type);
}

/** `IPv4 address`, `concatenation of (IPv4 address, internet network service)`. */
export function describeTypes(types: readonly Datatype[]): string {
  const names = types.map(({ description }) => description).join(', ');
  return types.length === 1 ? names : `concatenation of (${names})`;
}

/** Reads a key from a packet; undefined when the packet lacks a part of it. */
export function readKey({ expressions }: Key, flow: Flow): readonly Scalar[] | undefined {
  const values: Scalar[] = [];
  for (const expression of expressions) {
    const value = expression.read(flow);
    if (value === undefined) return undefined;
    values.push(value);
  }
  return values;
}

export function keyTracks({ expressions }: Key): { readonly tracks?: true } {
  return expressions.some((expression) => expression.tracks === true) ? { tracks: true } : {};
}

/** A key, or undefined with the cursor's failure set. */
export function parseKey(cursor: Cursor, context: RuleContext): Key | undefined {
  const start = cursor.peek();
  const expressions: Expression[] = [];
  do {
    const one = parseExpression(cursor, context);
    if (one === undefined) return undefined;
    expressions.push(one);
  } while (cursor.take('.'));
  return { text: expressions.map(({ text }) => text).join(' . '), expressions, span: cursor.since(start) };
}

/** Words that nft knows and that are not simulated: refused as a kernel without them would. */
const NOT_BUILT = [
  'ether',
  'vlan',
  'arp',
  'ah',
  'esp',
  'comp',
  'udplite',
  'dccp',
  'igmp',
  'rt',
  'rt0',
  'socket',
];
NOT_BUILT.push('osf', 'ipsec', 'exthdr', 'hbh', 'frag', 'dst', 'mh', 'jhash', 'symhash');

function parseExpression(cursor: Cursor, context: RuleContext): Expression | undefined {
  const token = cursor.peek();
  if (token.kind !== 'string') return cursor.unexpected();
  if (NOT_BUILT.includes(token.text))
    return cursor.fail('Could not process rule: Operation not supported', token);
  cursor.next();
  if (BARE_META.includes(token.text)) return metaKey(token.text);
  switch (token.text) {
    case 'meta':
      return parseMeta(cursor, context);
    case 'ct':
      return parseCt(cursor);
    case 'fib':
      return parseFib(cursor);
    case 'numgen':
      return parseNumgen(cursor);
    default:
      break;
  }
  if (!isHeader(token.text)) return undefined;
  const field = cursor.peek();
  if (field.kind !== 'string') return cursor.unexpected();
  const made = headerField(token.text, field.text);
  if (made === undefined) return cursor.unexpected();
  cursor.next();
  const wrong = made.family !== undefined && context.family !== 'inet' && context.family !== made.family;
  if (wrong)
    return cursor.fail(
      `conflicting protocols specified: ${context.family} vs. ${made.family ?? ''}`,
      cursor.since(token),
    );
  return made;
}

/** Keys of `meta` and `ct` that nft knows and that are not simulated. */
const META_NOT_BUILT = [
  'skuid',
  'skgid',
  'cpu',
  'cgroup',
  'iiftype',
  'oiftype',
  'priority',
  'rtclassid',
  'ibrname',
];
META_NOT_BUILT.push('obrname', 'ipsec', 'time', 'day', 'hour', 'nftrace', 'secpath', 'random');
const CT_NOT_BUILT = [
  'bytes',
  'packets',
  'avgpkt',
  'expiration',
  'helper',
  'label',
  'zone',
  'id',
  'count',
  'event',
];

function parseMeta(cursor: Cursor, context: RuleContext): Expression | undefined {
  const key = cursor.peek();
  if (META_NOT_BUILT.includes(key.text))
    return cursor.fail('Could not process rule: Operation not supported', key);
  const made = key.kind === 'string' ? metaKey(key.text) : undefined;
  if (made === undefined) return cursor.unexpected();
  const start = cursor.tokens[cursor.at - 1] ?? key;
  cursor.next();
  if (key.text === 'nfproto' && context.family !== 'inet')
    return cursor.fail('meta nfproto is only useful in the inet family', cursor.since(start));
  return made;
}

function parseCt(cursor: Cursor): Expression | undefined {
  const key = cursor.peek();
  if (CT_NOT_BUILT.includes(key.text))
    return cursor.fail('Could not process rule: Operation not supported', key);
  if (key.kind !== 'string') return cursor.unexpected();
  if (key.text === 'original' || key.text === 'reply') {
    cursor.next();
    const family = cursor.is('ip6') ? 'ip6' : 'ip';
    if (cursor.is('ip', 'ip6')) cursor.next();
    const made = ctTupleKey(key.text, family, cursor.peek().text);
    if (made === undefined) return cursor.unexpected();
    cursor.next();
    return made;
  }
  const made = ctKey(key.text);
  if (made === undefined) return cursor.unexpected();
  cursor.next();
  return made;
}

const FIB_FLAGS = ['saddr', 'daddr', 'iif', 'oif', 'mark'];

function parseFib(cursor: Cursor): Expression | undefined {
  const flags: string[] = [];
  do {
    if (!cursor.is(...FIB_FLAGS)) return cursor.unexpected();
    flags.push(cursor.next().text);
  } while (cursor.take('.'));
  const result = cursor.peek();
  if (!cursor.is('type', 'oif', 'oifname')) return cursor.unexpected();
  cursor.next();
  return (
    fibExpression(flags, result.text) ??
    cursor.fail('Could not process rule: Operation not supported', result)
  );
}

function parseNumgen(cursor: Cursor): Expression | undefined {
  if (!cursor.is('random', 'inc')) return cursor.unexpected('random or inc');
  const mode = cursor.next().text === 'inc' ? 'inc' : 'random';
  if (!cursor.expect('mod', 'mod')) return undefined;
  const modulus = cursor.number();
  if (modulus === undefined) return undefined;
  if (modulus < 1 || modulus > 0xffffffff)
    return cursor.fail(
      'Could not process rule: Numerical result out of range',
      cursor.tokens[0] ?? cursor.peek(),
    );
  const offset = cursor.take('offset') ? cursor.number() : 0;
  return offset === undefined ? undefined : numgen(mode, modulus, offset);
}
