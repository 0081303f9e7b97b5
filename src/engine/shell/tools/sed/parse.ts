import { Regex } from '../../regex/regex.ts';

export type Address =
  | { readonly kind: 'line'; readonly line: number }
  | { readonly kind: 'last' }
  | { readonly kind: 'pattern'; readonly pattern: Regex }
  /** GNU's `first~step`. */
  | { readonly kind: 'step'; readonly first: number; readonly step: number };

/** Where a range ends; `plus` is GNU's `,+N`. */
type RangeEnd = Address | { readonly kind: 'plus'; readonly count: number };

type Action =
  | { readonly kind: 'p' | 'P' | 'd' | 'D' | '=' | 'n' | 'N' | 'h' | 'H' | 'g' | 'G' | 'x' | 'l' | 'z' }
  | { readonly kind: 'q' | 'Q'; readonly status: number }
  | {
      readonly kind: 's';
      readonly pattern: Regex;
      readonly replacement: string;
      readonly print: boolean;
      /** The first match that is replaced, and whether all that follow are too. */
      readonly nth: number;
      readonly global: boolean;
    }
  | { readonly kind: 'a' | 'i' | 'c'; readonly text: string }
  | { readonly kind: 'y'; readonly from: string; readonly to: string }
  /** A block: what is not selected goes on at `end`. */
  | { readonly kind: '{'; end: number }
  /** To a place of the program: `b` always, `t` and `T` by whether something was substituted. */
  | { readonly kind: 'b' | 't' | 'T'; to: number };

export interface SedCommand {
  readonly from?: Address;
  readonly to?: RangeEnd;
  readonly negated: boolean;
  readonly action: Action;
}

/** What is wrong with a script, and after how many characters where that can be said. */
export class SedSyntaxError extends Error {
  readonly at: number | undefined;

  constructor(message: string, at?: number) {
    super(message);
    this.at = at;
  }
}

/** Throws a `SedSyntaxError`. */
export function parseSed(script: string, syntax: 'basic' | 'extended'): SedCommand[] {
  return new Parser(script, syntax).commands();
}

const simple = ['p', 'P', 'd', 'D', '=', 'n', 'N', 'h', 'H', 'g', 'G', 'x', 'l', 'z'] as const;

class Parser {
  readonly #script: string;
  readonly #syntax: 'basic' | 'extended';
  #at = 0;
  /** The last expression, which an empty one stands for. */
  #last: Regex | undefined;

  constructor(script: string, syntax: 'basic' | 'extended') {
    this.#script = script;
    this.#syntax = syntax;
  }

  commands(): SedCommand[] {
    const program: SedCommand[] = [];
    const open: { end: number }[] = [];
    const labels = new Map<string, number>();
    const jumps: { readonly action: { to: number }; readonly label: string }[] = [];
    for (;;) {
      while (/[\s;]/.test(this.#peek())) this.#at++;
      if (this.#at >= this.#script.length) break;
      if (this.#peek() === '#') {
        this.#line();
        continue;
      }
      const where = this.#addresses();
      while (this.#peek() === ' ') this.#at++;
      let negated = false;
      while (this.#peek() === '!' || (negated && this.#peek() === ' ')) {
        negated = true;
        this.#at++;
      }
      const letter = this.#script[this.#at];
      if (letter === undefined) this.#fail('missing command');
      this.#at++;
      const add = (action: Action): void => void program.push({ ...where, negated, action });
      const one = simple.find((kind) => kind === letter);
      if (one !== undefined) add({ kind: one });
      else
        switch (letter) {
          case '{': {
            const action = { kind: letter, end: 0 };
            open.push(action);
            add(action);
            continue;
          }
          case '}': {
            const block = open.pop();
            if (block === undefined) return this.#fail("unexpected `}'");
            block.end = program.length;
            break;
          }
          case 'q':
          case 'Q':
            while (this.#peek() === ' ') this.#at++;
            add({ kind: letter, status: Number(this.#match(/\d{1,3}/y) ?? 0) & 255 });
            break;
          case ':':
            if (where.from !== undefined) return this.#fail(": doesn't want any addresses");
            {
              const label = this.#label();
              if (label === '') return this.#fail('":" lacks a label');
              labels.set(label, program.length);
            }
            continue;
          case 'b':
          case 't':
          case 'T': {
            const action = { kind: letter, to: 0 };
            jumps.push({ action, label: this.#label() });
            add(action);
            continue;
          }
          case 'a':
          case 'i':
          case 'c':
            add({ kind: letter, text: this.#text() });
            continue;
          case 's':
            add(this.#substitution());
            break;
          case 'y':
            add(this.#transliteration());
            break;
          default:
            return this.#fail(`unknown command: \`${letter}'`);
        }
      while (this.#peek() === ' ') this.#at++;
      if (this.#peek() !== '' && !/[;\n}#]/.test(this.#peek())) {
        this.#at++;
        return this.#fail('extra characters after command');
      }
    }
    if (open.length > 0) throw new SedSyntaxError("unmatched `{'", 0);
    for (const { action, label } of jumps) {
      const to = label === '' ? program.length : labels.get(label);
      if (to === undefined) throw new SedSyntaxError(`can't find label for jump to \`${label}'`);
      action.to = to;
    }
    return program;
  }

  #peek(): string {
    return this.#script[this.#at] ?? '';
  }

  #fail(message: string): never {
    throw new SedSyntaxError(message, this.#at);
  }

  #match(sticky: RegExp): string | undefined {
    sticky.lastIndex = this.#at;
    const found = sticky.exec(this.#script)?.[0];
    this.#at += found?.length ?? 0;
    return found;
  }

  #addresses(): Pick<SedCommand, 'from' | 'to'> {
    const from = this.#address();
    if (from === undefined) return {};
    while (this.#peek() === ' ') this.#at++;
    if (this.#peek() !== ',') return { from };
    this.#at++;
    while (this.#peek() === ' ') this.#at++;
    const plus = this.#match(/\+\d{1,9}/y);
    const to: RangeEnd | undefined =
      plus === undefined ? this.#address() : { kind: 'plus', count: Number(plus) };
    if (to !== undefined) return { from, to };
    this.#at++;
    return this.#fail("unexpected `,'");
  }

  #address(): Address | undefined {
    const step = this.#match(/\d{1,9}~\d{1,9}/y)?.split('~');
    if (step !== undefined) return { kind: 'step', first: Number(step[0]), step: Number(step[1]) };
    const digits = this.#match(/\d{1,9}/y);
    if (digits !== undefined) return { kind: 'line', line: Number(digits) };
    if (this.#peek() === '$') {
      this.#at++;
      return { kind: 'last' };
    }
    if (this.#peek() !== '/' && this.#peek() !== '\\') return undefined;
    if (this.#peek() === '\\') this.#at++;
    const end = this.#peek();
    this.#at++;
    const text = this.#delimited(end);
    if (text === undefined) return this.#fail('unterminated address regex');
    return { kind: 'pattern', pattern: this.#regex(text, this.#match(/[IM]+/y) ?? '') };
  }

  #regex(text: string, flags: string): Regex {
    if (text === '') {
      if (this.#last === undefined) throw new SedSyntaxError('no previous regular expression', 0);
      return this.#last;
    }
    const regex = Regex.parse(text, {
      syntax: this.#syntax,
      escapes: 'sed',
      letters: /i/i.test(flags) ? 'any case' : 'exact',
    });
    if ('error' in regex) return this.#fail(regex.error);
    return (this.#last = regex);
  }

  /** Up to the delimiter, which may stand in brackets of an expression too. */
  #delimited(end: string): string | undefined {
    let text = '';
    for (; this.#at < this.#script.length; this.#at++) {
      const char = this.#peek();
      if (char === end) {
        this.#at++;
        return text;
      }
      if (char === '\\' && this.#at + 1 < this.#script.length) {
        this.#at++;
        text += this.#peek() === end ? end : `\\${this.#peek()}`;
      } else text += char;
    }
    return undefined;
  }

  #substitution(): Action {
    const end = this.#peek();
    this.#at++;
    const pattern = end === '' ? undefined : this.#delimited(end);
    const replacement = pattern === undefined ? undefined : this.#delimited(end);
    if (pattern === undefined || replacement === undefined) return this.#fail("unterminated `s' command");
    const flags = this.#match(/[gpiIm0-9]{1,20}/y) ?? '';
    if (/[^ ;\n}#]/.test(this.#peek())) {
      this.#at++;
      return this.#fail("unknown option to `s'");
    }
    const regex = this.#regex(pattern, flags);
    const groups = Math.max(0, ...[...replacement.matchAll(/\\(\d)/g)].map(([, digit]) => Number(digit)));
    if (groups > regex.groups) return this.#fail(`invalid reference \\${groups} on \`s' command's RHS`);
    const nth = Number(/\d+/.exec(flags)?.[0] ?? 1);
    if (nth === 0) return this.#fail("number option to `s' command may not be zero");
    return {
      kind: 's',
      pattern: regex,
      replacement,
      print: flags.includes('p'),
      nth,
      global: flags.includes('g'),
    };
  }

  #transliteration(): Action {
    const end = this.#peek();
    this.#at++;
    const from = end === '' ? undefined : this.#delimited(end);
    const to = from === undefined ? undefined : this.#delimited(end);
    if (from === undefined || to === undefined) return this.#fail("unterminated `y' command");
    const [plainFrom, plainTo] = [unescaped(from), unescaped(to)];
    if (plainFrom.length !== plainTo.length)
      return this.#fail("strings for `y' command are different lengths");
    return { kind: 'y', from: plainFrom, to: plainTo };
  }

  /** GNU's one-line form, and `a\` with the text on the next line. */
  #text(): string {
    this.#match(/[ \t]*\\\n/y);
    const text = this.#line();
    if (text.trim() === '') return this.#fail("expected \\ after `a', `c' or `i'");
    return text.replace(/^\s*\\?/, (space) => (space.includes('\\') ? '' : '')).replace(/^\s+/, '');
  }

  #label(): string {
    return this.#match(/[^;\n}]*/y)?.trim() ?? '';
  }

  #line(): string {
    const end = this.#script.indexOf('\n', this.#at);
    const text = this.#script.slice(this.#at, end < 0 ? undefined : end);
    this.#at = end < 0 ? this.#script.length : end;
    return text;
  }
}

function unescaped(text: string): string {
  return text.replace(/\\(.)/g, (_, char: string) => (char === 'n' ? '\n' : char === 't' ? '\t' : char));
}
