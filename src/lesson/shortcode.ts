/** One argument of a shortcode call; positional ones have no name. Offsets are into the source. */
interface ShortcodeArgument {
  readonly name?: string;
  readonly value: string;
  readonly start: number;
  readonly end: number;
}

export interface ShortcodeTag {
  readonly kind: 'tag';
  readonly form: 'open' | 'close' | 'self';
  /** `<` inserts its output as it is, `%` is processed as Markdown. */
  readonly markup: '<' | '%';
  readonly name: string;
  readonly args: readonly ShortcodeArgument[];
  readonly start: number;
  readonly end: number;
}

/** A call between comment marks: shows a call without making it. */
interface ShortcodeLiteral {
  readonly kind: 'literal';
  /** What is shown. */
  readonly text: string;
  readonly start: number;
  readonly end: number;
}

export interface ShortcodeError {
  readonly kind: 'error';
  readonly message: string;
  readonly start: number;
  readonly end: number;
}

export type ShortcodeToken = ShortcodeTag | ShortcodeLiteral | ShortcodeError;

/**
 * Finds shortcode calls as Hugo's page lexer does, before Markdown is parsed and in code too
 * (`parser/pageparser/pagelexer_shortcode.go`).
 */
export function scanShortcodes(source: string, from = 0): ShortcodeToken[] {
  const tokens: ShortcodeToken[] = [];
  let at = from;
  for (;;) {
    const start = source.indexOf('{{', at);
    if (start < 0) return tokens;
    const markup = source[start + 2];
    if (markup !== '<' && markup !== '%') {
      at = start + 1;
      continue;
    }
    const token = scanOne(source, start, markup);
    tokens.push(token);
    at = token.end;
  }
}

function scanOne(source: string, start: number, markup: '<' | '%'): ShortcodeToken {
  const right = markup === '<' ? '>}}' : '%}}';
  if (source.startsWith('/*', start + 3)) {
    const close = source.indexOf(`*/${right}`, start + 5);
    if (close < 0) return fail(start, start + 5, 'comment must be closed');
    const text = `{{${markup}${source.slice(start + 5, close)}${right}`;
    return { kind: 'literal', text, start, end: close + 5 };
  }
  const args: ShortcodeArgument[] = [];
  let name: string | undefined;
  let form: ShortcodeTag['form'] = 'open';
  let at = start + 3;
  while (at < source.length) {
    if (source.startsWith(right, at)) {
      if (name === undefined) return fail(start, at + 3, 'a shortcode has no name');
      return { kind: 'tag', form, markup, name, args, start, end: at + 3 };
    }
    const character = source[at] ?? '';
    if (/\s/.test(character)) {
      at++;
    } else if (character === '/' && name === undefined && form === 'open') {
      form = 'close';
      at++;
    } else if (character === '/' && source.startsWith(right, at + 1)) {
      if (form === 'open') form = 'self';
      at++;
    } else if (name === undefined) {
      // A slash is part of a nested name, at its end too: `{{< name/>}}` is not closed.
      name = match(source, at, /[\p{L}\p{N}_/.-]+/uy);
      if (name === undefined)
        return fail(
          start,
          at + 1,
          `unrecognized character in shortcode action: ${JSON.stringify(character)}`,
        );
      at += name.length;
    } else {
      const argument = scanArgument(source, at, right);
      if (typeof argument === 'string') return fail(start, at + 1, argument);
      const mixed = args.some((other) => (other.name === undefined) !== (argument.name === undefined));
      if (mixed) return fail(argument.start, argument.end, 'cannot mix named and positional parameters');
      args.push(argument);
      at = argument.end;
    }
  }
  return fail(start, start + 3, 'unclosed shortcode action');
}

function scanArgument(source: string, start: number, right: string): ShortcodeArgument | string {
  const quoted = scanQuoted(source, start);
  if (typeof quoted === 'string') return quoted;
  if (quoted !== undefined) return { value: quoted.value, start, end: quoted.end };
  const word = match(source, start, /[\p{L}\p{N}_.-]+/uy);
  if (word === undefined) {
    return `unrecognized character in shortcode action: ${JSON.stringify(source[start] ?? '')}`;
  }
  const equals = match(source, start + word.length, /=\s*/y);
  if (equals === undefined) return { value: word, start, end: start + word.length };
  const valueStart = start + word.length + equals.length;
  const value = scanQuoted(source, valueStart);
  if (typeof value === 'string') return value;
  if (value !== undefined) return { name: word, value: value.value, start, end: value.end };
  const bare =
    match(source, valueStart, right === '>}}' ? /(?:(?!\/?>\}\})\S)*/y : /(?:(?!\/?%\}\})\S)*/y) ?? '';
  return { name: word, value: bare, start, end: valueStart + bare.length };
}

/** A `"…"` with `\"` inside or a backquoted text; the message when it never ends; nothing when there is no quote. */
function scanQuoted(source: string, start: number): { value: string; end: number } | string | undefined {
  if (source[start] === '`') {
    const close = source.indexOf('`', start + 1);
    if (close < 0) return 'unterminated raw string in shortcode parameter-argument';
    return { value: source.slice(start + 1, close), end: close + 1 };
  }
  // `\"…\"`, for calls inside a quoted text.
  const escaped = source.startsWith('\\"', start);
  if (source[start] !== '"' && !escaped) return undefined;
  let value = '';
  for (let at = start + (escaped ? 2 : 1); at < source.length; at++) {
    const character = source[at] ?? '';
    if (character === '\n') break;
    if (escaped && source.startsWith('\\"', at)) return { value, end: at + 2 };
    if (!escaped && source.startsWith('\\"', at)) {
      value += '"';
      at++;
    } else if (character === '"') {
      return { value, end: at + 1 };
    } else {
      value += character;
    }
  }
  return 'unterminated quoted string in shortcode parameter-argument';
}

function match(source: string, at: number, pattern: RegExp): string | undefined {
  pattern.lastIndex = at;
  const found = pattern.exec(source)?.[0];
  return found === '' ? undefined : found;
}

function fail(start: number, end: number, message: string): ShortcodeError {
  return { kind: 'error', message, start, end };
}

/** An opening tag with what belongs to it; `close` is absent for a self-closing call. */
export interface ShortcodeCall {
  readonly open: ShortcodeTag;
  readonly close?: ShortcodeTag;
  readonly depth: number;
}

/**
 * Pairs opening and closing tags. A call that never closes is complete in itself (`ref`), unless its name is one of
 * `blocks`, which need their closing tag.
 */
export function pairShortcodes(
  tokens: readonly ShortcodeToken[],
  blocks: ReadonlySet<string>,
): { calls: ShortcodeCall[]; errors: ShortcodeError[] } {
  const calls: ShortcodeCall[] = [];
  const errors: ShortcodeError[] = tokens.filter((token) => token.kind === 'error');
  const stack: ShortcodeTag[] = [];
  for (const tag of tokens) {
    if (tag.kind !== 'tag') continue;
    if (tag.form === 'self') calls.push({ open: tag, depth: stack.length });
    else if (tag.form === 'open') stack.push(tag);
    else {
      const index = stack.findLastIndex((open) => open.name === tag.name);
      if (index < 0) {
        errors.push(
          fail(tag.start, tag.end, `closing tag for shortcode "${tag.name}" does not match any opening tag`),
        );
        continue;
      }
      for (const inner of stack.splice(index + 1)) settle(inner);
      const open = stack.pop();
      if (open !== undefined) calls.push({ open, close: tag, depth: stack.length });
    }
  }
  for (const open of stack.splice(0)) settle(open);
  return {
    calls: calls.sort((a, b) => a.open.start - b.open.start),
    errors: errors.sort((a, b) => a.start - b.start),
  };

  function settle(open: ShortcodeTag): void {
    if (blocks.has(open.name)) errors.push(fail(open.start, open.end, `unclosed shortcode "${open.name}"`));
    else calls.push({ open, depth: stack.length });
  }
}
