import type { Cursor } from './cursor.ts';
import { isAddress, type Datatype, type Scalar } from './datatype.ts';
import type { Span } from './lexer.ts';
import { parseOperand, parseScalar } from './operand.ts';
import type { RuleContext } from './rule-context.ts';
import type { Verdict } from './rule.ts';
import type { KeyPart, SetElement, SetSpec } from './set.ts';
import { parseTime } from './time.ts';

/** An element as it was written, with its place. */
export interface ParsedElement {
  readonly element: SetElement;
  readonly span: Span;
}

type Shape = Pick<SetSpec, 'kind' | 'key' | 'data'>;

/** `{ ELEMENT, ELEMENT }`, a comma at its end allowed. */
export function parseElements(
  cursor: Cursor,
  shape: Shape,
  context: RuleContext,
): ParsedElement[] | undefined {
  if (!cursor.expect('{', "'{'")) return undefined;
  const elements: ParsedElement[] = [];
  for (;;) {
    skipNewlines(cursor);
    if (elements.length > 0 && cursor.take('}')) return elements;
    const element = parseElement(cursor, shape, context);
    if (element === undefined) return undefined;
    elements.push(element);
    skipNewlines(cursor);
    if (cursor.take('}')) return elements;
    if (!cursor.expect(',', "comma or '}'")) return undefined;
  }
}

export function skipNewlines(cursor: Cursor): void {
  while (cursor.peek().kind === 'newline') cursor.next();
}

function parseElement(cursor: Cursor, shape: Shape, context: RuleContext): ParsedElement | undefined {
  const start = cursor.peek();
  const key: KeyPart[] = [];
  for (const [i, type] of shape.key.entries()) {
    if (i > 0 && !cursor.expect('.')) return undefined;
    const part = parseElementPart(cursor, type, context);
    if (part === undefined) return undefined;
    key.push(part);
  }
  const span = cursor.since(start);
  if (shape.key.length === 1 && cursor.is('.'))
    return cursor.fail(
      `datatype mismatch, expected ${shape.key[0]?.description ?? ''}, expression has type concatenation`,
      span,
    );
  const rest = parseElementOptions(cursor);
  if (rest === undefined) return undefined;
  if (shape.kind === 'set') return { element: { key, ...rest }, span };
  if (!cursor.expect(':', 'colon')) return undefined;
  const data =
    shape.data === 'verdict'
      ? parseVerdict(cursor, context, span)
      : parseData(cursor, shape.data ?? [], context);
  return data === undefined ? undefined : { element: { key, ...rest, data }, span };
}

function parseElementPart(cursor: Cursor, type: Datatype, context: RuleContext): KeyPart | undefined {
  // A whole address space is the network of length 0.
  if (cursor.is('*')) {
    cursor.next();
    return isAddress(type) ? [0, type.bytes === 4 ? 0xffffffff : 0] : [0, 256 ** type.bytes - 1];
  }
  return parseOperand(cursor, type, context)?.part;
}

type ElementOptions = Pick<SetElement, 'comment' | 'timeout' | 'counter'>;

function parseElementOptions(cursor: Cursor): ElementOptions | undefined {
  let options: ElementOptions = {};
  for (;;) {
    if (cursor.take('timeout')) {
      const timeout = parseTimeWord(cursor);
      if (timeout === undefined) return undefined;
      options = { ...options, timeout };
    } else if (cursor.take('expires')) {
      if (parseTimeWord(cursor) === undefined) return undefined;
    } else if (cursor.take('comment')) {
      const comment = cursor.name();
      if (comment === undefined) return undefined;
      options = { ...options, comment: comment.text };
    } else if (cursor.take('counter')) {
      const counter = parseCount(cursor);
      if (counter === undefined) return undefined;
      options = { ...options, counter };
    } else return options;
  }
}

/** Milliseconds. */
export function parseTimeWord(cursor: Cursor): number | undefined {
  const token = cursor.peek();
  const time =
    token.kind === 'string' || token.kind === 'number' || token.kind === 'quoted'
      ? parseTime(token.text)
      : undefined;
  if (time === undefined) return cursor.unexpected('string');
  cursor.next();
  return time;
}

/** `packets N bytes N` behind `counter`, each left out or not. */
export function parseCount(cursor: Cursor): { packets: number; bytes: number } | undefined {
  const count = { packets: 0, bytes: 0 };
  for (const part of ['packets', 'bytes'] as const) {
    if (!cursor.take(part)) continue;
    const value = cursor.number();
    if (value === undefined) return undefined;
    count[part] = value;
  }
  return count;
}

function parseData(
  cursor: Cursor,
  types: readonly Datatype[],
  context: RuleContext,
): readonly Scalar[] | undefined {
  const values: Scalar[] = [];
  for (const [i, type] of types.entries()) {
    if (i > 0 && !cursor.expect('.')) return undefined;
    const value = parseScalar(cursor, type, context);
    if (value === undefined) return undefined;
    values.push(value);
  }
  return values;
}

/** `accept`, `jump CHAIN`, …. `blamed`: the element that leads there, which the kernel names when the chain is not there. */
export function parseVerdict(cursor: Cursor, context: RuleContext, blamed?: Span): Verdict | undefined {
  const token = cursor.peek();
  switch (token.text) {
    case 'accept':
    case 'drop':
    case 'return':
    case 'continue':
      cursor.next();
      return { kind: token.text };
    case 'jump':
    case 'goto': {
      cursor.next();
      const chain = cursor.word("'{'");
      if (chain === undefined) return undefined;
      if (!context.hasChain(chain.text)) return missingChain(cursor, context, chain, blamed);
      return { kind: token.text, chain: chain.text };
    }
    default:
      return cursor.unexpected();
  }
}

function missingChain(
  cursor: Cursor,
  context: RuleContext,
  chain: Span,
  blamed: Span | undefined,
): undefined {
  const hint = blamed === undefined ? context.suggestChain() : '';
  const words = `No such file or directory${hint}`;
  return cursor.fail(hint === '' ? `Could not process rule: ${words}` : words, blamed ?? chain);
}
