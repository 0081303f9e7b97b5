import type { List, Part, Word } from './syntax.ts';

export interface SyntaxError {
  /** What stood where it could not stand: a token as written, or `newline` or `end of file`. */
  readonly token: string;
  /** A quote, bracket or keyword that was opened and never closed. */
  readonly expecting?: string;
  /** `expecting` closes a quotation or a substitution, not a command. */
  readonly matching?: true;
}

/** Thrown here and caught where a script is parsed: a recursive descent needs one way out. */
export class Unexpected extends Error {
  readonly detail: SyntaxError;
  constructor(detail: SyntaxError) {
    super(detail.token);
    this.detail = detail;
  }
}

const MAX_DEPTH = 40;
const OPERATORS = [
  '&&',
  '||',
  ';;',
  '<<<',
  '<<',
  '>>',
  '>&',
  '<&',
  '>|',
  '&>',
  '<',
  '>',
  '&',
  '|',
  ';',
  '(',
  ')',
];
interface Heredoc {
  readonly delimiter: string;
  readonly literal: boolean;
  readonly stripTabs: boolean;
  readonly fill: (word: Word) => void;
}

/** Reads characters, operators and words; what is inside of `$(…)` is read by whoever knows commands. */
export abstract class WordReader {
  readonly text: string;
  at = 0;
  depth = 0;
  heredocs: Heredoc[] = [];

  constructor(text: string) {
    this.text = text;
  }

  /** The commands up to one of the words or operators, which stays. */
  abstract list(stop: ReadonlySet<string>): List;

  /** A reader of a text inside of this one. */
  protected abstract inside(text: string): WordReader;

  /** Commands to the end of the text. */
  abstract script(): List;

  fail(token: string, expecting?: string): never {
    throw new Unexpected(expecting === undefined ? { token } : { token, expecting });
  }

  nested<T>(parse: () => T): T {
    if (++this.depth > MAX_DEPTH) this.fail('too many nested commands');
    try {
      return parse();
    } finally {
      this.depth--;
    }
  }

  /** The script ended inside a quotation or a substitution. */
  unclosed(closer: string): never {
    throw new Unexpected({ token: 'end of file', expecting: closer, matching: true });
  }

  match(sticky: RegExp): RegExpExecArray | null {
    sticky.lastIndex = this.at;
    return sticky.exec(this.text);
  }

  blanks(): void {
    for (;;) {
      const c = this.text[this.at];
      if (c === ' ' || c === '\t' || c === '\r') this.at++;
      else if (c === '\\' && this.text[this.at + 1] === '\n') this.at += 2;
      else if (c === '#') while (this.at < this.text.length && this.text[this.at] !== '\n') this.at++;
      else return;
    }
  }

  newlines(): void {
    this.blanks();
    while (this.text[this.at] === '\n') {
      this.at++;
      this.readHeredocs();
      this.blanks();
    }
  }

  operator(): string | undefined {
    this.blanks();
    if (this.text[this.at] === '\n') return '\n';
    return OPERATORS.find((o) => this.text.startsWith(o, this.at));
  }

  peekToken(): string {
    const operator = this.operator();
    if (operator === '\n') return 'newline';
    if (operator !== undefined) return operator;
    if (this.at >= this.text.length) return 'end of file';
    return this.match(/[^\s;&|()<>]+/y)?.[0] ?? 'newline';
  }

  readHeredocs(): void {
    const pending = this.heredocs;
    this.heredocs = [];
    for (const { delimiter, literal, stripTabs, fill } of pending) {
      let body = '';
      while (this.at < this.text.length) {
        const end = this.text.indexOf('\n', this.at);
        let line = end < 0 ? this.text.slice(this.at) : this.text.slice(this.at, end);
        this.at = end < 0 ? this.text.length : end + 1;
        if (stripTabs) line = line.replace(/^\t+/, '');
        if (line === delimiter) break;
        body += `${line}\n`;
      }
      if (literal) fill([{ kind: 'text', text: body, quoted: true }]);
      else {
        const inner = this.inside(body);
        inner.depth++;
        fill(inner.quoted(undefined));
      }
    }
  }

  /** One word; `empty` allows none, as after `NAME=`. */
  word(empty = false): Word {
    this.nestingGuard();
    this.blanksUnless(empty);
    const parts: Part[] = [];
    let plain = '';
    const flush = (): void => {
      if (plain !== '') parts.push({ kind: 'text', text: plain, quoted: false });
      plain = '';
    };
    for (;;) {
      const c = this.text[this.at];
      if (parts.length === 0 && plain === '' && this.text.startsWith('<(', this.at)) {
        parts.push(this.processOutput());
        break;
      }
      if (c === undefined || /[\s;&|()<>]/.test(c)) break;
      if (c === "'") {
        const end = this.text.indexOf("'", this.at + 1);
        if (end < 0) this.unclosed("'");
        flush();
        parts.push({ kind: 'text', text: this.text.slice(this.at + 1, end), quoted: true });
        this.at = end + 1;
      } else if (c === '"') {
        flush();
        this.at++;
        parts.push(...this.quoted('"'));
        this.at++;
      } else if (c === '\\') {
        flush();
        const next = this.text[this.at + 1];
        if (next !== '\n') parts.push({ kind: 'text', text: next ?? '\\', quoted: true });
        this.at += 2;
      } else if (c === '$' || c === '`') {
        const part = this.dollar(false);
        if (part === undefined) {
          plain += c;
          this.at++;
        } else {
          flush();
          parts.push(part);
        }
      } else {
        plain += c;
        this.at++;
      }
    }
    flush();
    if (parts.length === 0 && !empty) this.fail(this.peekToken());
    return parts;
  }

  nestingGuard(): void {
    if (this.depth > MAX_DEPTH) this.fail('too many nested commands');
  }

  blanksUnless(empty: boolean): void {
    if (!empty) this.blanks();
  }

  /** The inside of double quotes or of a here-document (`end` undefined), up to and without its end. */
  quoted(end: '"' | '}' | undefined): Part[] {
    const parts: Part[] = [];
    let plain = '';
    const flush = (): void => {
      if (plain !== '') parts.push({ kind: 'text', text: plain, quoted: true });
      plain = '';
    };
    for (;;) {
      const c = this.text[this.at];
      if (c === undefined) {
        if (end !== undefined) this.unclosed(end);
        break;
      }
      if (c === end) break;
      if (c === '\\') {
        const next = this.text[this.at + 1] ?? '';
        if (next === '\n') plain += '';
        else if (next !== '' && '$`"\\'.includes(next)) plain += next;
        else plain += `\\${next}`;
        this.at += 2;
      } else if (c === '$' || c === '`') {
        const part = this.dollar(true);
        if (part === undefined) {
          plain += c;
          this.at++;
        } else {
          flush();
          parts.push(part);
        }
      } else {
        plain += c;
        this.at++;
      }
    }
    flush();
    if (parts.length === 0) parts.push({ kind: 'text', text: '', quoted: true });
    return parts;
  }

  /** An expansion that begins here, or undefined when the character stands for itself. */
  dollar(quoted: boolean): Part | undefined {
    return this.nested(() => {
      if (this.text[this.at] === '`') return this.backquoted(quoted);
      if (this.text.startsWith('$((', this.at)) {
        const arithmetic = this.arithmetic(quoted);
        if (arithmetic !== undefined) return arithmetic;
      }
      if (this.text.startsWith('$(', this.at)) {
        this.at += 2;
        const script = this.list(new Set([')']));
        this.newlines();
        if (this.text[this.at] !== ')') this.unclosed(')');
        this.at++;
        return { kind: 'command', script, quoted };
      }
      if (this.text.startsWith('${', this.at)) return this.braced(quoted);
      const name = this.match(/\$([A-Za-z_]\w*|[0-9@*#?$!-])/y)?.[1];
      if (name === undefined) return undefined;
      this.at += 1 + name.length;
      return { kind: 'parameter', name, quoted };
    });
  }

  /** bash's `<(…)`: a file with what the commands print. */
  processOutput(): Part {
    return this.nested(() => {
      this.at += 2;
      const script = this.list(new Set([')']));
      this.newlines();
      if (this.text[this.at] !== ')') this.unclosed(')');
      this.at++;
      return { kind: 'process', script, quoted: true };
    });
  }

  backquoted(quoted: boolean): Part {
    let end = this.at + 1;
    while (end < this.text.length && this.text[end] !== '`') end += this.text[end] === '\\' ? 2 : 1;
    if (end >= this.text.length) this.unclosed('`');
    const inner = this.inside(this.text.slice(this.at + 1, end).replace(/\\([`$\\])/g, '$1'));
    this.at = end + 1;
    return { kind: 'command', script: inner.script(), quoted };
  }

  arithmetic(quoted: boolean): Part | undefined {
    this.at++;
    const expression = this.doubleParentheses();
    if (expression !== undefined) return { kind: 'arithmetic', expression, quoted };
    this.at--;
    return undefined;
  }

  /** What is between `((` and `))`; undefined, and nothing read, when they do not close each other. */
  doubleParentheses(): Word | undefined {
    let depth = 0;
    let end = this.at;
    for (; end < this.text.length; end++) {
      const c = this.text[end];
      if (c === '(') depth++;
      if (c === ')' && --depth === 0) break;
    }
    if (this.text[end] !== ')' || this.text[end - 1] !== ')') return undefined;
    const inner = this.inside(this.text.slice(this.at + 2, end - 1));
    this.at = end + 1;
    return inner.quoted(undefined);
  }

  braced(quoted: boolean): Part {
    const open = this.at;
    this.at += 2;
    const head = this.match(/(#(?!\}))?([A-Za-z_]\w*|[0-9]+|[@*#?$!-])/y);
    if (head === null) return this.badSubstitution(open);
    const name = head[2] ?? '';
    this.at += head[0].length;
    if (head[1] === '#') {
      if (this.text[this.at] !== '}') return this.badSubstitution(open);
      this.at++;
      return { kind: 'parameter', name, quoted, operator: 'length' };
    }
    if (this.text[this.at] === '}') {
      this.at++;
      return { kind: 'parameter', name, quoted };
    }
    const symbol = this.match(/:?[-=+?]|##?|%%?/y)?.[0];
    switch (symbol) {
      case '-':
      case ':-':
      case '=':
      case ':=':
      case '+':
      case ':+':
      case '?':
      case ':?':
      case '#':
      case '##':
      case '%':
      case '%%': {
        this.at += symbol.length;
        const word = this.operand();
        this.at++;
        return { kind: 'parameter', name, quoted, operator: symbol, word };
      }
      default:
        return this.badSubstitution(open);
    }
  }

  /** The word in `${name-word}`: quotes work in it, spaces are part of it. */
  operand(): Word {
    const parts: Part[] = [];
    for (;;) {
      const c = this.text[this.at];
      if (c === undefined) this.unclosed('}');
      if (c === '}') return parts;
      if (c === "'" || c === '"') {
        const begin = this.at++;
        if (c === '"') parts.push(...this.quoted('"'));
        else {
          while (this.at < this.text.length && this.text[this.at] !== "'") this.at++;
          parts.push({ kind: 'text', text: this.text.slice(begin + 1, this.at), quoted: true });
        }
        this.at++;
      } else if (c === '$' || c === '`') {
        const part = this.dollar(false);
        if (part === undefined) {
          parts.push({ kind: 'text', text: c, quoted: false });
          this.at++;
        } else parts.push(part);
      } else {
        const escaped = c === '\\';
        parts.push({ kind: 'text', text: escaped ? (this.text[this.at + 1] ?? '') : c, quoted: escaped });
        this.at += escaped ? 2 : 1;
      }
    }
  }

  badSubstitution(open: number): never {
    return this.text.includes('}', open) ? this.fail('bad substitution') : this.unclosed('}');
  }
}
