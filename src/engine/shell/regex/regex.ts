import { CharSet } from './charset.ts';
import { Machine, type Budget } from './machine.ts';
import { compile } from './program.ts';
import {
  parseRegex,
  RegexSyntaxError,
  type ParsedRegex,
  type ParseOptions,
  type RegexNode,
  type Syntax,
} from './syntax.ts';

export interface Match {
  readonly start: number;
  readonly end: number;
  /** What the groups matched; undefined for those that took no part. The whole match is the first. */
  readonly groups: readonly (string | undefined)[];
}

export interface RegexOptions extends ParseOptions {
  readonly letters?: 'exact' | 'any case';
  /** What a match must be: a whole line, or nothing that a letter, digit or `_` goes on from. */
  readonly whole?: 'line' | 'word';
}

/**
 * A regular expression whose search takes time linear in the text, whatever the pattern: all threads of the automaton go
 * through the text side by side. POSIX' are matched leftmost and longest, Perl's leftmost and first.
 */
export class Regex {
  /** How many groups the pattern has. */
  readonly groups: number;
  readonly #machine: Machine;
  readonly #literal: string | undefined;
  readonly #syntax: Syntax;

  private constructor(parsed: ParsedRegex, { syntax, letters = 'exact' }: RegexOptions) {
    this.groups = parsed.groups;
    this.#machine = new Machine(compile(parsed, letters));
    this.#syntax = syntax;
    this.#literal = letters === 'exact' ? literalOf(parsed) : undefined;
  }

  /** The expression, or what is wrong with it in grep's words. */
  static parse(pattern: string, options: RegexOptions): Regex | { readonly error: string } {
    try {
      return new Regex(wholly(parseRegex(pattern, options), options.whole), options);
    } catch (error) {
      if (error instanceof RegexSyntaxError) return { error: error.message };
      throw error;
    }
  }

  /** The text itself. */
  static literal(text: string): Regex {
    return new Regex(parseRegex(text, { syntax: 'fixed' }), { syntax: 'fixed' });
  }

  test(text: string, budget: Budget): boolean {
    if (this.#literal !== undefined) return text.includes(this.#literal);
    return this.#machine.run(text, 0, 'any', budget) !== undefined;
  }

  /** The first match at or after `from`; what is before `from` counts as context. */
  match(text: string, from: number, budget: Budget): Match | undefined {
    if (this.#literal !== undefined) {
      const start = text.indexOf(this.#literal, from);
      return start < 0 ? undefined : { start, end: start + this.#literal.length, groups: [this.#literal] };
    }
    const wanted = this.#syntax === 'perl' ? 'first' : 'longest';
    const slots = this.#machine.run(text, from, wanted, budget);
    if (slots === undefined) return undefined;
    const [start = 0, end = 0] = slots;
    const groups = Array.from({ length: this.groups + 1 }, (_, i) => {
      const [a = -1, b = -1] = [slots[2 * i], slots[2 * i + 1]];
      return a < 0 || b < 0 ? undefined : text.slice(a, b);
    });
    return { start, end, groups };
  }

  /** Every match from left to right; an empty one right behind another is none. */
  *matches(text: string, budget: Budget): Generator<Match, void> {
    let at = 0;
    let last = -1;
    while (at <= text.length) {
      const found = this.match(text, at, budget);
      if (found === undefined) return;
      if (found.start !== found.end || found.start !== last) yield found;
      last = found.end;
      at = found.end > found.start ? found.end : found.end + 1;
    }
  }
}

const wordSet: RegexNode = { kind: 'set', set: CharSet.of('word') };

function wholly({ node, groups }: ParsedRegex, whole: RegexOptions['whole']): ParsedRegex {
  if (whole === undefined) return { node, groups };
  const parts: readonly RegexNode[] =
    whole === 'line'
      ? [{ kind: 'assert', what: 'begin' }, node, { kind: 'assert', what: 'end' }]
      : [
          { kind: 'look', way: 'behind', wanted: 'none', body: wordSet },
          node,
          { kind: 'look', way: 'ahead', wanted: 'none', body: wordSet },
        ];
  return { node: { kind: 'cat', parts }, groups };
}

function literalOf({ node, groups }: ParsedRegex): string | undefined {
  if (groups > 0) return undefined;
  const parts = node.kind === 'cat' ? node.parts : [node];
  let text = '';
  for (const part of parts) {
    if (part.kind !== 'char') return undefined;
    text += String.fromCharCode(part.code);
  }
  return text;
}
