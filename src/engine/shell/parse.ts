import type { AndOr, Assignment, Command, List, Part, Pipeline, Redirect, Word } from './syntax.ts';

export interface SyntaxError {
  /** What stood where it could not stand: a token as written, or `newline` or `end of file`. */
  readonly token: string;
  /** A quote, bracket or keyword that was opened and never closed. */
  readonly expecting?: string;
  /** `expecting` closes a quotation or a substitution, not a command. */
  readonly matching?: true;
}

export type ParseResult =
  { readonly ok: true; readonly list: List } | { readonly ok: false; readonly error: SyntaxError };

/** Parses a script of the small shell: POSIX without functions, with bash's `<<<` and `&>`. */
export function parse(text: string): ParseResult {
  const parser = new Parser(text);
  try {
    return { ok: true, list: parser.script() };
  } catch (error) {
    if (error instanceof Unexpected) return { ok: false, error: error.detail };
    throw error;
  }
}

/** Thrown and caught in this file only: a recursive descent needs one way out. */
class Unexpected extends Error {
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
const RESERVED = new Set([
  'if',
  'then',
  'elif',
  'else',
  'fi',
  'for',
  'while',
  'until',
  'do',
  'done',
  'case',
  'esac',
  '{',
  '}',
  '!',
  'in',
]);
const CLOSERS = new Set(['then', 'elif', 'else', 'fi', 'do', 'done', 'esac', '}']);

interface Heredoc {
  readonly delimiter: string;
  readonly literal: boolean;
  readonly stripTabs: boolean;
  readonly fill: (word: Word) => void;
}

class Parser {
  readonly text: string;
  at = 0;
  depth = 0;
  heredocs: Heredoc[] = [];

  constructor(text: string) {
    this.text = text;
  }

  script(): List {
    const list = this.list(new Set());
    this.blanks();
    if (this.at < this.text.length) this.fail(this.peekToken());
    return list;
  }

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

  /** An unquoted plain word here, without reading it. */
  peekWord(): string | undefined {
    this.blanks();
    return this.match(/[^\s;&|()<>"'`$\\]+/y)?.[0];
  }

  peekToken(): string {
    const operator = this.operator();
    if (operator === '\n') return 'newline';
    if (operator !== undefined) return operator;
    if (this.at >= this.text.length) return 'end of file';
    return this.match(/[^\s;&|()<>]+/y)?.[0] ?? 'newline';
  }

  /** The reserved word here, when it is one. */
  keyword(): string | undefined {
    const word = this.peekWord();
    if (word === undefined || !RESERVED.has(word)) return undefined;
    const next = this.text[this.at + word.length];
    return next === undefined || /[\s;&|()<>]/.test(next) ? word : undefined;
  }

  expect(word: string): void {
    this.newlines();
    if (this.keyword() !== word) this.fail(this.peekToken(), word);
    this.at += word.length;
  }

  expectOperator(operator: string): void {
    this.newlines();
    if (this.operator() !== operator) this.fail(this.peekToken(), operator);
    this.at += operator.length;
  }

  list(stop: ReadonlySet<string>): List {
    const list: AndOr[] = [];
    for (;;) {
      this.newlines();
      if (this.at >= this.text.length) return list;
      const operator = this.operator();
      if (operator === ')' || operator === ';;') {
        if (!stop.has(operator)) this.fail(operator);
        return list;
      }
      const keyword = this.keyword();
      if (keyword !== undefined && CLOSERS.has(keyword)) {
        if (!stop.has(keyword)) this.fail(keyword);
        return list;
      }
      const begin = this.at;
      const andOr = this.andOr();
      const text = this.text.slice(begin, this.at).trim();
      const end = this.operator();
      const background = end === '&';
      list.push({ ...andOr, background, text });
      if (end === ';' || end === '&') this.at++;
      else if (end !== '\n' && end !== ')' && end !== ';;' && this.at < this.text.length)
        this.fail(this.peekToken());
    }
  }

  /** A list that has to have something in it, as between `then` and `fi`. */
  body(...stop: string[]): List {
    return this.nested(() => {
      const list = this.list(new Set(stop));
      if (list.length === 0) this.fail(this.peekToken());
      return list;
    });
  }

  andOr(): { first: Pipeline; rest: { operator: '&&' | '||'; pipeline: Pipeline }[] } {
    const first = this.pipeline();
    const rest: { operator: '&&' | '||'; pipeline: Pipeline }[] = [];
    for (;;) {
      const operator = this.operator();
      if (operator !== '&&' && operator !== '||') return { first, rest };
      this.at += 2;
      this.newlines();
      rest.push({ operator, pipeline: this.pipeline() });
    }
  }

  pipeline(): Pipeline {
    let negated = false;
    let timed = false;
    for (;;) {
      if (this.keyword() === '!') {
        negated = !negated;
        this.at++;
      } else if (this.peekWord() === 'time' && /\s/.test(this.text[this.at + 4] ?? '')) {
        timed = true;
        this.at += 4;
      } else break;
      this.blanks();
    }
    const commands = [this.command()];
    while (this.operator() === '|') {
      this.at++;
      this.newlines();
      commands.push(this.command());
    }
    return { commands, negated, timed };
  }

  command(): Command {
    return this.nested(() => {
      const keyword = this.keyword();
      if (this.operator() === '(') {
        this.at++;
        const body = this.body(')');
        this.expectOperator(')');
        return { kind: 'subshell', body, redirects: this.redirects() };
      }
      switch (keyword) {
        case '{': {
          this.at++;
          const body = this.body('}');
          this.expect('}');
          return { kind: 'group', body, redirects: this.redirects() };
        }
        case 'for':
          return this.forLoop();
        case 'while':
        case 'until': {
          this.at += 5;
          const condition = this.body('do');
          this.expect('do');
          const body = this.body('done');
          this.expect('done');
          return { kind: keyword, condition, body, redirects: this.redirects() };
        }
        case 'if':
          return this.conditional();
        case 'case':
          return this.caseOf();
        case undefined:
        case 'in':
        case '!':
          return this.simple();
        default:
          return this.fail(keyword);
      }
    });
  }

  forLoop(): Command {
    this.at += 3;
    const name = this.peekWord();
    if (name === undefined || !/^[A-Za-z_]\w*$/.test(name)) this.fail(name ?? this.peekToken());
    this.at += name.length;
    this.newlines();
    let words: Word[] | undefined;
    if (this.keyword() === 'in') {
      this.at += 2;
      words = [];
      for (;;) {
        const operator = this.operator();
        if (operator === ';' || operator === '\n') break;
        if (operator !== undefined || this.at >= this.text.length) this.fail(this.peekToken(), 'do');
        words.push(this.word());
      }
    }
    if (this.operator() === ';') this.at++;
    this.expect('do');
    const body = this.body('done');
    this.expect('done');
    return { kind: 'for', name, words, body, redirects: this.redirects() };
  }

  conditional(): Command {
    const branches: { condition: List; body: List }[] = [];
    let otherwise: List | undefined;
    this.at += 2;
    for (;;) {
      const condition = this.body('then');
      this.expect('then');
      branches.push({ condition, body: this.body('elif', 'else', 'fi') });
      this.newlines();
      if (this.keyword() !== 'elif') break;
      this.at += 4;
    }
    if (this.keyword() === 'else') {
      this.at += 4;
      otherwise = this.body('fi');
    }
    this.expect('fi');
    return { kind: 'if', branches, otherwise, redirects: this.redirects() };
  }

  caseOf(): Command {
    this.at += 4;
    this.blanks();
    const word = this.word();
    this.expect('in');
    const items: { patterns: Word[]; body: List }[] = [];
    for (;;) {
      this.newlines();
      if (this.keyword() === 'esac') break;
      if (this.operator() === '(') this.at++;
      const patterns = [this.word()];
      while (this.operator() === '|') {
        this.at++;
        patterns.push(this.word());
      }
      this.expectOperator(')');
      items.push({ patterns, body: this.nested(() => this.list(new Set([';;', 'esac']))) });
      this.newlines();
      if (this.operator() === ';;') this.at += 2;
      else if (this.keyword() !== 'esac') this.fail(this.peekToken(), 'esac');
    }
    this.expect('esac');
    return { kind: 'case', word, items, redirects: this.redirects() };
  }

  simple(): Command {
    const assignments: Assignment[] = [];
    const words: Word[] = [];
    const redirects: Redirect[] = [];
    for (;;) {
      const redirect = this.redirect();
      if (redirect !== undefined) {
        redirects.push(redirect);
        continue;
      }
      if (this.operator() !== undefined || this.at >= this.text.length) break;
      const assignment = words.length === 0 ? this.match(/([A-Za-z_]\w*)=/y) : null;
      if (assignment !== null) {
        this.at += assignment[0].length;
        assignments.push({ name: assignment[1] ?? '', value: this.word(true) });
      } else words.push(this.word());
    }
    if (words.length + assignments.length + redirects.length === 0) this.fail(this.peekToken());
    if (words.length > 0 && this.operator() === '(') this.fail('(');
    return { kind: 'simple', assignments, words, redirects };
  }

  redirects(): Redirect[] {
    const redirects: Redirect[] = [];
    for (;;) {
      const redirect = this.redirect();
      if (redirect === undefined) return redirects;
      redirects.push(redirect);
    }
  }

  redirect(): Redirect | undefined {
    this.blanks();
    const found = this.match(/(\d?)(<<<|<<-?|>>|>&|<&|>\||&>|<|>)/y);
    if (found === null) return undefined;
    const symbol = found[2] ?? '';
    this.at += found[0].length;
    this.blanks();
    if (this.at >= this.text.length) this.fail('newline');
    if (this.operator() !== undefined) this.fail(this.peekToken());
    const fd = found[1] === '' ? (symbol.startsWith('<') ? 0 : 1) : Number(found[1]);
    if (symbol === '<<' || symbol === '<<-') return this.heredoc(fd, symbol === '<<-');
    const operator = symbol === '>|' ? '>' : symbol;
    const target = this.word();
    switch (operator) {
      case '<':
      case '>':
      case '>>':
      case '<<<':
      case '>&':
      case '<&':
      case '&>':
        return { fd, operator, target };
      default:
        return this.fail(symbol);
    }
  }

  heredoc(fd: number, stripTabs: boolean): Redirect {
    const raw = this.match(/[^\s;&|()<>]+/y)?.[0] ?? '';
    this.at += raw.length;
    let target: Word = [];
    this.heredocs.push({
      delimiter: raw.replace(/["'\\]/g, ''),
      literal: /["'\\]/.test(raw),
      stripTabs,
      fill: (word) => (target = word),
    });
    return {
      fd,
      operator: '<<',
      get target() {
        return target;
      },
    };
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
        const inner = new Parser(body);
        inner.depth = this.depth + 1;
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

  backquoted(quoted: boolean): Part {
    let end = this.at + 1;
    while (end < this.text.length && this.text[end] !== '`') end += this.text[end] === '\\' ? 2 : 1;
    if (end >= this.text.length) this.unclosed('`');
    const inner = new Parser(this.text.slice(this.at + 1, end).replace(/\\([`$\\])/g, '$1'));
    inner.depth = this.depth;
    this.at = end + 1;
    return { kind: 'command', script: inner.script(), quoted };
  }

  arithmetic(quoted: boolean): Part | undefined {
    let depth = 0;
    let end = this.at + 1;
    for (; end < this.text.length; end++) {
      const c = this.text[end];
      if (c === '(') depth++;
      if (c === ')' && --depth === 0) break;
    }
    if (this.text[end] !== ')' || this.text[end - 1] !== ')') return undefined;
    const inner = new Parser(this.text.slice(this.at + 3, end - 1));
    inner.depth = this.depth;
    const expression = inner.quoted(undefined);
    this.at = end + 1;
    return { kind: 'arithmetic', expression, quoted };
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
