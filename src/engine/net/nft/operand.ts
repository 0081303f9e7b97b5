import { addressBits, lastIp, maskIp } from '../address.ts';
import type { Cursor } from './cursor.ts';
import {
  compareScalars,
  IFACE_INDEX,
  IFNAME,
  isAddress,
  isBadValue,
  type Datatype,
  type Scalar,
} from './datatype.ts';
import type { Token } from './lexer.ts';
import type { RuleContext } from './rule-context.ts';
import { formatPart, type KeyPart } from './set.ts';

/** A value, a network, an interval or or-ed bits, with how a rule prints it. */
export interface Operand {
  readonly part: KeyPart;
  readonly text: string;
}

/** One value of the type. */
export function parseScalar(cursor: Cursor, type: Datatype, context: RuleContext): Scalar | undefined {
  const token = cursor.peek();
  if (type === IFNAME || type === IFACE_INDEX) return parseInterface(cursor, type, context);
  if (token.kind !== 'string' && token.kind !== 'number' && token.kind !== 'quoted')
    return cursor.unexpected();
  cursor.next();
  return valueOf(cursor, type, token);
}

function valueOf(cursor: Cursor, type: Datatype, token: Token): Scalar | undefined {
  const value = type.parse(token.text);
  return isBadValue(value) ? cursor.fail(value.error, token) : value;
}

function parseInterface(cursor: Cursor, type: Datatype, context: RuleContext): Scalar | undefined {
  const { kind } = cursor.peek();
  if (kind !== 'string' && kind !== 'quoted' && kind !== 'asterisk' && kind !== 'number')
    return cursor.unexpected();
  const token = cursor.next();
  if (type === IFACE_INDEX && !context.hasInterface(token.text))
    return cursor.fail('Interface does not exist', token);
  return valueOf(cursor, type, token);
}

/** `VALUE`, `VALUE-VALUE`, `ADDRESS/LENGTH` or `BIT,BIT`. */
export function parseOperand(cursor: Cursor, type: Datatype, context: RuleContext): Operand | undefined {
  const start = cursor.peek();
  const first = parseScalar(cursor, type, context);
  if (first === undefined) return undefined;
  if (cursor.is('/') && isAddress(type)) {
    cursor.next();
    const bits = addressBits(Number(first));
    const span = cursor.peek();
    const length = cursor.number();
    if (length === undefined) return undefined;
    if (length > bits)
      return cursor.fail(`Prefix length ${length} is invalid for type of ${bits} bits width`, span);
    if (length === bits) return { part: first, text: type.format(first) };
    const ip = maskIp(Number(first), length);
    return { part: [ip, lastIp({ ip, length })], text: `${type.format(ip)}/${length}` };
  }
  if (cursor.is('-')) {
    cursor.next();
    const last = parseScalar(cursor, type, context);
    if (last === undefined) return undefined;
    if (compareScalars(type, first, last) > 0)
      return cursor.fail('Range has zero or negative size', cursor.since(start));
    return { part: [first, last], text: `${type.format(first)}-${type.format(last)}` };
  }
  return { part: first, text: formatPart(type, first) };
}

/** Bits joined by `,` or `|`, in parentheses or not. */
export function parseBits(cursor: Cursor, type: Datatype, context: RuleContext): number | undefined {
  const closing = cursor.take('(');
  let bits = 0;
  do {
    const one = parseScalar(cursor, type, context);
    if (one === undefined) return undefined;
    bits |= Number(one);
  } while (cursor.take(',') || cursor.take('|'));
  if (closing && !cursor.expect(')')) return undefined;
  return bits;
}
