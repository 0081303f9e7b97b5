import { CharSet } from './charset.ts';

/** GNU grep's and sed's basic and extended expressions, `-F`, and what of Perl's people use with `grep -P`. */
export type Syntax = 'basic' | 'extended' | 'perl' | 'fixed';

export type Assertion = 'begin' | 'end' | 'word' | 'not-word' | 'word-begin' | 'word-end';

export type RegexNode =
  | { readonly kind: 'char'; readonly code: number }
  | { readonly kind: 'set'; readonly set: CharSet }
  | { readonly kind: 'cat'; readonly parts: readonly RegexNode[] }
  | { readonly kind: 'alt'; readonly choices: readonly RegexNode[] }
  | { readonly kind: 'group'; readonly index: number; readonly body: RegexNode }
  | {
      readonly kind: 'repeat';
      readonly body: RegexNode;
      readonly min: number;
      readonly max: number;
      readonly greed: 'greedy' | 'lazy';
    }
  | { readonly kind: 'assert'; readonly what: Assertion }
  | {
      readonly kind: 'look';
      readonly way: 'ahead' | 'behind';
      readonly wanted: 'match' | 'none';
      readonly body: RegexNode;
    }
  /** Perl's `\K`: what is matched begins here. */
  | { readonly kind: 'keep' };

/** What is wrong with a pattern, in glibc's words. */
export class RegexSyntaxError extends Error {}

export interface ParsedRegex {
  readonly node: RegexNode;
  /** How many groups there are. */
  readonly groups: number;
}

/** Groups inside each other; more are nobody's intention. */
const MAX_DEPTH = 200;
/** RE_DUP_MAX (regex.h). */
const MAX_REPEAT = 32_767;

const controls: Readonly<Record<string, number>> = { a: 7, f: 12, n: 10, r: 13, t: 9, v: 11 };

export interface ParseOptions {
  readonly syntax: Syntax;
  /** `\n` and `\t` mean what they mean in C; awk has them, and `\]`, in brackets too. */
  readonly escapes?: 'sed' | 'awk';
}

/** Throws a `RegexSyntaxError`. */
export function parseRegex(pattern: string, options: ParseOptions): ParsedRegex {
  if (options.syntax === 'fixed')
    return {
      node: { kind: 'cat', parts: [...pattern].flatMap((char) => codesOf(char)) },
      groups: 0,
    };
  const parser = new Parser(pattern, options);
  const node = parser.alternatives(0);
  parser.atEnd();
  return { node, groups: parser.groups };
}

function codesOf(char: string): RegexNode[] {
  return Array.from({ length: char.length }, (_, i) => ({ kind: 'char', code: char.charCodeAt(i) }));
}

class Parser {
  readonly #text: string;
  readonly #syntax: Syntax;
  readonly #controls: boolean;
  readonly #escapesInBrackets: boolean;
  #at = 0;
  groups = 0;

  constructor(text: string, { syntax, escapes }: ParseOptions) {
    this.#text = text;
    this.#syntax = syntax;
    this.#controls = escapes !== undefined || syntax === 'perl';
    this.#escapesInBrackets = escapes === 'awk' || syntax === 'perl';
  }

  atEnd(): void {
    if (this.#at < this.#text.length) throw new RegexSyntaxError('Unmatched ) or \\)');
  }

  alternatives(depth: number): RegexNode {
    if (depth > MAX_DEPTH) throw new RegexSyntaxError('Regular expression too big');
    const choices = [this.#sequence(depth)];
    while (this.#take(this.#syntax === 'basic' ? '\\|' : '|')) choices.push(this.#sequence(depth));
    return choices.length === 1 && choices[0] !== undefined ? choices[0] : { kind: 'alt', choices };
  }

  #sequence(depth: number): RegexNode {
    const parts: RegexNode[] = [];
    for (;;) {
      const start = this.#at;
      if (start >= this.#text.length || this.#looking(this.#syntax === 'basic' ? '\\|' : '|')) break;
      if (this.#closes(depth)) break;
      const atom = this.#atom(depth, parts.length === 0 || parts.every(isBegin));
      parts.push(atom === undefined ? { kind: 'cat', parts: [] } : this.#repeated(atom));
    }
    return parts.length === 1 && parts[0] !== undefined ? parts[0] : { kind: 'cat', parts };
  }

  /** A closing parenthesis that closes something; grep takes a lone one of an extended expression as itself. */
  #closes(depth: number): boolean {
    if (this.#syntax === 'basic') return this.#looking('\\)');
    return this.#text[this.#at] === ')' && (depth > 0 || this.#syntax === 'perl');
  }

  /** One thing that can be repeated; undefined for a repetition of nothing, which matches nothing at all. */
  #atom(depth: number, first: boolean): RegexNode | undefined {
    const char = this.#text[this.#at] ?? '';
    const basic = this.#syntax === 'basic';
    switch (char) {
      case '\\':
        return this.#escape(depth);
      case '[':
        this.#at++;
        return { kind: 'set', set: this.#bracket() };
      case '.':
        this.#at++;
        return { kind: 'set', set: CharSet.any(this.#syntax === 'perl' ? 'no newline' : 'newline') };
      case '^':
        this.#at++;
        return basic && !first ? { kind: 'char', code: 94 } : { kind: 'assert', what: 'begin' };
      case '$':
        this.#at++;
        return basic && !this.#beforeEnd() ? { kind: 'char', code: 36 } : { kind: 'assert', what: 'end' };
      case '(':
        if (basic) break;
        this.#at++;
        return this.#group(depth);
      case '*':
      case '+':
      case '?':
        if (basic || !first) break;
        if (this.#syntax === 'perl')
          throw new RegexSyntaxError('quantifier does not follow a repeatable item');
        this.#at++;
        return undefined;
      case '{':
        if (this.#syntax !== 'extended' || !first || this.#interval() === undefined) break;
        return undefined;
    }
    this.#at++;
    return { kind: 'char', code: char.charCodeAt(0) };
  }

  /** In a basic expression `$` is an anchor at the end only. */
  #beforeEnd(): boolean {
    return this.#at >= this.#text.length || this.#looking('\\)') || this.#looking('\\|');
  }

  #group(depth: number): RegexNode {
    const special = this.#syntax === 'perl' && this.#take('?');
    let index: number | undefined;
    let look: { readonly way: 'ahead' | 'behind'; readonly wanted: 'match' | 'none' } | undefined;
    if (!special) index = ++this.groups;
    else if (this.#take('=')) look = { way: 'ahead', wanted: 'match' };
    else if (this.#take('!')) look = { way: 'ahead', wanted: 'none' };
    else if (this.#take('<=')) look = { way: 'behind', wanted: 'match' };
    else if (this.#take('<!')) look = { way: 'behind', wanted: 'none' };
    else if (!this.#take(':')) {
      const name = /^(?:P?<\w+>|'\w+')/.exec(this.#text.slice(this.#at, this.#at + 80))?.[0];
      if (name === undefined) throw new RegexSyntaxError('unrecognized character after (? or (?-');
      this.#at += name.length;
      index = ++this.groups;
    }
    const body = this.alternatives(depth + 1);
    if (!this.#take(this.#syntax === 'basic' ? '\\)' : ')'))
      throw new RegexSyntaxError(
        this.#syntax === 'perl' ? 'missing closing parenthesis' : 'Unmatched ( or \\(',
      );
    if (look !== undefined) return { kind: 'look', ...look, body };
    return index === undefined ? body : { kind: 'group', index, body };
  }

  #repeated(atom: RegexNode): RegexNode {
    let node = atom;
    for (;;) {
      const times = this.#times();
      if (times === undefined) return node;
      const lazy = this.#syntax === 'perl' && this.#take('?');
      node = { kind: 'repeat', body: node, ...times, greed: lazy ? 'lazy' : 'greedy' };
    }
  }

  #times(): { readonly min: number; readonly max: number } | undefined {
    if (this.#take('*')) return { min: 0, max: Infinity };
    const escape = this.#syntax === 'basic' ? '\\' : '';
    if (this.#take(`${escape}+`)) return { min: 1, max: Infinity };
    if (this.#take(`${escape}?`)) return { min: 0, max: 1 };
    return this.#interval();
  }

  /** `{3}`, `{3,}`, `{,5}`, `{3,5}`; what is no interval is itself in an extended expression. */
  #interval(): { readonly min: number; readonly max: number } | undefined {
    const basic = this.#syntax === 'basic';
    const open = basic ? '\\{' : '{';
    if (!this.#looking(open)) return undefined;
    const rest = this.#text.slice(this.#at + open.length, this.#at + open.length + 24);
    const found = (basic ? /^(\d*)(?:(,)(\d*))?\\\}/ : /^(\d*)(?:(,)(\d*))?\}/).exec(rest);
    const [whole, from = '', comma, to = ''] = found ?? [];
    if (whole === undefined || (from === '' && comma === undefined)) {
      if (!basic) return undefined;
      throw new RegexSyntaxError(rest.includes('\\}') ? 'Invalid content of \\{\\}' : 'Unmatched \\{');
    }
    // Perl's has no beginning left out.
    if (this.#syntax === 'perl' && from === '') return undefined;
    const min = Number(from);
    const max = comma === undefined ? min : to === '' ? Infinity : Number(to);
    if (max < min) throw new RegexSyntaxError('Invalid content of \\{\\}');
    if (min > MAX_REPEAT || (max !== Infinity && max > MAX_REPEAT))
      throw new RegexSyntaxError('Regular expression too big');
    this.#at += open.length + whole.length;
    return { min, max };
  }

  #escape(depth: number): RegexNode {
    const char = this.#text[this.#at + 1];
    if (char === undefined) throw new RegexSyntaxError('Trailing backslash');
    this.#at += 2;
    if (this.#syntax === 'basic' && char === '(') return this.#group(depth);
    if (this.#syntax === 'basic' && char === '{') {
      this.#at -= 2;
      // At the beginning it stands for itself.
      if (this.#at === 0) this.#at = 2;
      else throw new RegexSyntaxError('Invalid preceding regular expression');
      return { kind: 'char', code: 123 };
    }
    switch (char) {
      case 'w':
        return { kind: 'set', set: CharSet.of('word') };
      case 'W':
        return { kind: 'set', set: CharSet.of('word', 'not') };
      case 's':
        return { kind: 'set', set: CharSet.of('space') };
      case 'S':
        return { kind: 'set', set: CharSet.of('space', 'not') };
      case 'b':
        return { kind: 'assert', what: 'word' };
      case 'B':
        return { kind: 'assert', what: 'not-word' };
    }
    if (this.#syntax === 'perl') return this.#perlEscape(char);
    switch (char) {
      case '<':
        return { kind: 'assert', what: 'word-begin' };
      case '>':
        return { kind: 'assert', what: 'word-end' };
      case '`':
        return { kind: 'assert', what: 'begin' };
      case "'":
        return { kind: 'assert', what: 'end' };
    }
    if (/[1-9]/.test(char)) this.#refuseBackReference(char);
    return this.#plainEscape(char);
  }

  #perlEscape(char: string): RegexNode {
    switch (char) {
      case 'd':
        return { kind: 'set', set: CharSet.of('digit') };
      case 'D':
        return { kind: 'set', set: CharSet.of('digit', 'not') };
      case 'h':
        return { kind: 'set', set: CharSet.of('blank') };
      case 'A':
        return { kind: 'assert', what: 'begin' };
      case 'z':
      case 'Z':
        return { kind: 'assert', what: 'end' };
      case 'K':
        return { kind: 'keep' };
    }
    if (/[1-9]/.test(char)) this.#refuseBackReference(char);
    return this.#plainEscape(char);
  }

  #plainEscape(char: string): RegexNode {
    const control = this.#controls && Object.hasOwn(controls, char) ? controls[char] : undefined;
    return { kind: 'char', code: control ?? char.charCodeAt(0) };
  }

  /** No automaton finds what a back reference asks for, so none is tried. */
  #refuseBackReference(digit: string): never {
    throw new RegexSyntaxError(
      Number(digit) > this.groups
        ? 'Invalid back reference'
        : 'back references in patterns are not simulated',
    );
  }

  #bracket(): CharSet {
    const set = new CharSet();
    const negated = this.#take('^');
    let size = 0;
    for (;;) {
      const char = this.#text[this.#at];
      if (char === undefined) throw new RegexSyntaxError('Unmatched [, [^, [:, [., or [=');
      if (char === ']' && size > 0) {
        this.#at++;
        break;
      }
      size++;
      if (this.#take('[:')) {
        const name = this.#until(':]');
        if (!set.addClass(name)) throw new RegexSyntaxError('Invalid character class name');
        continue;
      }
      if (this.#bracketEscape(set)) continue;
      const low = this.#bracketCode();
      if (this.#text[this.#at] !== '-' || (this.#text[this.#at + 1] ?? ']') === ']') {
        set.addRange(low, low);
        continue;
      }
      this.#at++;
      const high = this.#bracketCode();
      if (high < low || this.#rangeGoesOn()) throw new RegexSyntaxError('Invalid range end');
      set.addRange(low, high);
    }
    if (negated) set.negate();
    return set;
  }

  /** `a-c-e` means nothing. */
  #rangeGoesOn(): boolean {
    return (
      this.#syntax !== 'perl' && this.#text[this.#at] === '-' && (this.#text[this.#at + 1] ?? ']') !== ']'
    );
  }

  /** A backslash is itself in a bracket, but not in Perl's; `\d` there is a class. */
  #bracketEscape(set: CharSet): boolean {
    if (this.#syntax !== 'perl' || this.#text[this.#at] !== '\\') return false;
    const char = this.#text[this.#at + 1] ?? '';
    const name = { d: 'digit', w: 'word', s: 'space', h: 'blank' }[char];
    if (name === undefined) return false;
    this.#at += 2;
    set.addClass(name);
    return true;
  }

  #bracketCode(): number {
    for (const mark of ['.', '=']) {
      if (!this.#take(`[${mark}`)) continue;
      const name = this.#until(`${mark}]`);
      if (name.length !== 1) throw new RegexSyntaxError('Invalid collation character');
      return name.charCodeAt(0);
    }
    const char = this.#text[this.#at++] ?? '';
    const next = this.#text[this.#at] ?? '';
    if (char === '\\' && next !== '') {
      const control = this.#controls && Object.hasOwn(controls, next) ? controls[next] : undefined;
      if (control !== undefined || this.#escapesInBrackets) {
        this.#at++;
        return control ?? next.charCodeAt(0);
      }
    }
    return char.charCodeAt(0);
  }

  #until(end: string): string {
    const at = this.#text.indexOf(end, this.#at);
    if (at < 0) throw new RegexSyntaxError('Unmatched [, [^, [:, [., or [=');
    const text = this.#text.slice(this.#at, at);
    this.#at = at + end.length;
    return text;
  }

  #looking(text: string): boolean {
    return this.#text.startsWith(text, this.#at);
  }

  #take(text: string): boolean {
    if (!this.#looking(text)) return false;
    this.#at += text.length;
    return true;
  }
}

function isBegin(node: RegexNode): boolean {
  return node.kind === 'assert' && node.what === 'begin';
}
