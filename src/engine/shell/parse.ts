import type {
  AndOr,
  Assignment,
  Command,
  Condition,
  List,
  Part,
  Pipeline,
  Redirect,
  Word,
} from './syntax.ts';
import { Unexpected, WordReader, type SyntaxError } from './word-reader.ts';

export type ParseResult =
  { readonly ok: true; readonly list: List } | { readonly ok: false; readonly error: SyntaxError };

/** Parses a script of the small shell: POSIX, and of bash `[[`, `((`, `<<<`, `<(…)`, `&>` and `function`. */
export function parse(text: string): ParseResult {
  const parser = new Parser(text);
  try {
    return { ok: true, list: parser.script() };
  } catch (error) {
    if (error instanceof Unexpected) return { ok: false, error: error.detail };
    throw error;
  }
}

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
  'function',
  '[[',
  ']]',
]);
const CLOSERS = new Set(['then', 'elif', 'else', 'fi', 'do', 'done', 'esac', '}']);

class Parser extends WordReader {
  protected inside(text: string): WordReader {
    const inner = new Parser(text);
    inner.depth = this.depth;
    return inner;
  }

  script(): List {
    const list = this.list(new Set());
    this.blanks();
    if (this.at < this.text.length) this.fail(this.peekToken());
    return list;
  }

  /** An unquoted plain word here, without reading it. */
  peekWord(): string | undefined {
    this.blanks();
    return this.match(/[^\s;&|()<>"'`$\\]+/y)?.[0];
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
        const arithmetic = this.text.startsWith('((', this.at) ? this.doubleParentheses() : undefined;
        if (arithmetic !== undefined)
          return { kind: 'arithmetic', expression: arithmetic, redirects: this.redirects() };
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
        case 'function':
          this.at += keyword.length;
          return this.functionDefinition();
        case '[[': {
          this.at += keyword.length;
          const condition = this.conditionOr();
          this.conditionWord(']]');
          return { kind: 'condition', condition, redirects: this.redirects() };
        }
        case undefined:
        case 'in':
        case '!':
        case ']]':
          return this.match(/[A-Za-z_][\w-]*[ \t]*\([ \t]*\)/y) === null
            ? this.simple()
            : this.functionDefinition();
        default:
          return this.fail(keyword);
      }
    });
  }

  forLoop(): Command {
    this.at += 3;
    this.blanks();
    if (this.text.startsWith('((', this.at)) return this.countingLoop();
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

  /** bash's `for ((i = 0; i < 3; i++))`. */
  countingLoop(): Command {
    const open = this.at;
    if (this.doubleParentheses() === undefined) this.fail('((');
    const inside = this.text.slice(open + 2, this.at - 2).split(';');
    if (inside.length !== 3) this.fail('((');
    const [first = '', condition = '', next = ''] = inside;
    const expression = (text: string): Word => this.inside(text.trim()).quoted(undefined);
    if (this.operator() === ';') this.at++;
    this.newlines();
    const braces = this.keyword() === '{';
    if (braces) this.at++;
    else this.expect('do');
    const body = this.body(braces ? '}' : 'done');
    this.expect(braces ? '}' : 'done');
    return {
      kind: 'count',
      first: expression(first),
      condition: expression(condition.trim() === '' ? '1' : condition),
      next: expression(next),
      body,
      redirects: this.redirects(),
    };
  }

  /** `NAME() COMMAND`, or after the word `function` also without the parentheses. */
  functionDefinition(): Command {
    this.blanks();
    const found = this.match(/([A-Za-z_][\w-]*)[ \t]*(?:\([ \t]*\))?/y);
    if (found === null) this.fail(this.peekToken());
    this.at += found[0].length;
    this.newlines();
    const start = this.at;
    const body = this.command();
    if (body.kind === 'simple') {
      this.at = start;
      this.fail(this.peekToken());
    }
    return { kind: 'function', name: found[1] ?? '', body, redirects: [] };
  }

  conditionOr(): Condition {
    return this.nested(() => {
      let left = this.conditionAnd();
      while (this.conditionOperator('||')) left = { kind: 'or', left, right: this.conditionAnd() };
      return left;
    });
  }

  conditionAnd(): Condition {
    let left = this.conditionPrimary();
    while (this.conditionOperator('&&')) left = { kind: 'and', left, right: this.conditionPrimary() };
    return left;
  }

  conditionPrimary(): Condition {
    return this.nested(() => {
      this.newlines();
      if (this.keyword() === '!') {
        this.at++;
        return { kind: 'not', operand: this.conditionPrimary() };
      }
      if (this.operator() === '(') {
        this.at++;
        const inner = this.conditionOr();
        this.expectOperator(')');
        return inner;
      }
      const unary = this.match(/-[a-zA-Z](?=[ \t])/y);
      if (unary !== null) {
        this.at += unary[0].length;
        return { kind: 'unary', operator: unary[0], operand: this.word() };
      }
      const left = this.word();
      this.blanks();
      const operator = this.match(/(=~|==|!=|=|<|>|-(?:eq|ne|lt|le|gt|ge|nt|ot|ef))(?=[ \t])/y)?.[1];
      if (operator === undefined) return { kind: 'unary', operator: '-n', operand: left };
      this.at += operator.length;
      return { kind: 'binary', operator, left, right: operator === '=~' ? this.pattern() : this.word() };
    });
  }

  /** What stands right of `=~`: parentheses and bars belong to it. */
  pattern(): Word {
    this.blanks();
    const parts: Part[] = [];
    for (;;) {
      const plain = this.match(/[()|<>]+/y)?.[0];
      if (plain !== undefined) {
        this.at += plain.length;
        parts.push({ kind: 'text', text: plain, quoted: false });
      }
      const word = this.word(true);
      parts.push(...word);
      if (plain === undefined && word.length === 0) break;
    }
    if (parts.length === 0) this.fail(this.peekToken());
    return parts;
  }

  conditionOperator(operator: string): boolean {
    this.newlines();
    if (this.operator() !== operator) return false;
    this.at += operator.length;
    return true;
  }

  conditionWord(word: string): void {
    this.newlines();
    if (this.keyword() !== word) this.fail(this.peekToken(), word);
    this.at += word.length;
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
      const process = this.text.startsWith('<(', this.at);
      if ((this.operator() !== undefined && !process) || this.at >= this.text.length) break;
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
    if (this.text.startsWith('<(', this.at)) return undefined;
    const found = this.match(/(\d?)(<<<|<<-?|>>|>&|<&|>\||&>|<|>)/y);
    if (found === null) return undefined;
    const symbol = found[2] ?? '';
    this.at += found[0].length;
    this.blanks();
    if (this.at >= this.text.length) this.fail('newline');
    if (this.operator() !== undefined && !this.text.startsWith('<(', this.at)) this.fail(this.peekToken());
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
}
