import { Regex } from '../../regex/regex.ts';

export type Expression =
  | { readonly kind: 'number'; readonly value: number }
  | { readonly kind: 'string'; readonly value: string }
  | { readonly kind: 'regexp'; readonly value: Regex }
  | { readonly kind: 'field'; readonly index: Expression }
  | { readonly kind: 'variable'; readonly name: string }
  | { readonly kind: 'element'; readonly name: string; readonly index: Expression }
  | { readonly kind: 'in'; readonly index: Expression; readonly name: string }
  | { readonly kind: 'unary'; readonly operator: '-' | '+' | '!'; readonly operand: Expression }
  | {
      readonly kind: 'binary';
      readonly operator: string;
      readonly left: Expression;
      readonly right: Expression;
    }
  | {
      readonly kind: 'conditional';
      readonly test: Expression;
      readonly then: Expression;
      readonly otherwise: Expression;
    }
  | {
      readonly kind: 'assign';
      readonly operator: string;
      readonly target: Expression;
      readonly value: Expression;
    }
  | { readonly kind: 'step'; readonly target: Expression; readonly by: 1 | -1; readonly prefix: boolean }
  | { readonly kind: 'call'; readonly name: string; readonly args: readonly Expression[] };

export type Statement =
  | { readonly kind: 'print' | 'printf'; readonly args: readonly Expression[] }
  | { readonly kind: 'expression'; readonly expression: Expression }
  | {
      readonly kind: 'if';
      readonly test: Expression;
      readonly then: Statement;
      readonly otherwise: Statement | undefined;
    }
  | {
      readonly kind: 'while';
      readonly test: Expression;
      readonly body: Statement;
      readonly after: Statement | undefined;
      readonly first: Statement | undefined;
    }
  | { readonly kind: 'do'; readonly test: Expression; readonly body: Statement }
  | { readonly kind: 'forIn'; readonly variable: string; readonly array: string; readonly body: Statement }
  | { readonly kind: 'block'; readonly body: readonly Statement[] }
  | { readonly kind: 'next' | 'break' | 'continue' }
  | { readonly kind: 'exit'; readonly code: Expression | undefined }
  | { readonly kind: 'delete'; readonly name: string; readonly index: Expression | undefined };

export interface Rule {
  readonly when: 'BEGIN' | 'END' | 'record';
  readonly pattern: Expression | undefined;
  readonly to: Expression | undefined;
  /** Absent: print the record. */
  readonly action: Statement | undefined;
}

export class AwkSyntaxError extends Error {}

const TOKEN =
  /\s*(?:#[^\n]*)?(\n|"(?:[^"\\]|\\.)*"|\d+(?:\.\d*)?(?:[eE][-+]?\d+)?|\.\d+|[A-Za-z_]\w*|&&|\|\||[-+*/%^=!<>]=|\+\+|--|!~|\*\*|[-+*/%^=!<>~?:;,(){}[\]$|])/y;
const KEYWORDS = new Set([
  'BEGIN',
  'END',
  'if',
  'else',
  'while',
  'for',
  'do',
  'in',
  'print',
  'printf',
  'next',
  'exit',
  'break',
  'continue',
  'delete',
  'getline',
  'function',
]);

/** awk programs without functions, getline and redirections. */
export function parseAwk(text: string): Rule[] {
  return new Parser(text).program();
}

class Parser {
  readonly text: string;
  at = 0;
  depth = 0;
  noIn = 0;
  noGreater = 0;

  constructor(text: string) {
    this.text = text.replace(/\\\n/g, ' ');
  }

  fail(): never {
    throw new AwkSyntaxError('syntax error');
  }

  peek(): string | undefined {
    TOKEN.lastIndex = this.at;
    const found = TOKEN.exec(this.text);
    if (found !== null) return found[1];
    if (
      this.text
        .slice(this.at)
        .replace(/#[^\n]*/g, '')
        .trim() !== ''
    )
      this.fail();
    return undefined;
  }

  next(): string | undefined {
    const token = this.peek();
    if (token !== undefined) this.at = TOKEN.lastIndex;
    return token;
  }

  take(token: string): boolean {
    if (this.peek() !== token) return false;
    this.next();
    return true;
  }

  expect(token: string): void {
    if (!this.take(token)) this.fail();
  }

  blank(): void {
    while (this.take('\n') || this.take(';'));
  }

  newlines(): void {
    while (this.take('\n'));
  }

  nested<T>(parse: () => T): T {
    if (++this.depth > 60) this.fail();
    const result = parse();
    this.depth--;
    return result;
  }

  program(): Rule[] {
    const rules: Rule[] = [];
    for (this.blank(); this.peek() !== undefined; this.blank()) {
      const token = this.peek();
      if (token === 'BEGIN' || token === 'END') {
        this.next();
        if (this.peek() !== '{') this.fail();
        rules.push({ when: token, pattern: undefined, to: undefined, action: this.block() });
        continue;
      }
      const pattern = token === '{' ? undefined : this.expression();
      const to = pattern !== undefined && this.take(',') ? this.expression() : undefined;
      const action = this.peek() === '{' ? this.block() : undefined;
      if (pattern === undefined && action === undefined) this.fail();
      rules.push({ when: 'record', pattern, to, action });
    }
    return rules;
  }

  block(): Statement {
    return this.nested(() => {
      this.expect('{');
      const body: Statement[] = [];
      for (this.blank(); !this.take('}'); this.blank()) {
        if (this.peek() === undefined) this.fail();
        body.push(this.statement());
      }
      return { kind: 'block', body };
    });
  }

  statement(): Statement {
    return this.nested(() => {
      if (this.peek() === '{') return this.block();
      const token = this.peek();
      switch (token) {
        case ';':
          this.next();
          return { kind: 'block', body: [] };
        case 'if': {
          this.next();
          this.expect('(');
          const test = this.expression();
          this.expect(')');
          this.newlines();
          const then = this.statement();
          const mark = this.at;
          this.blank();
          if (this.take('else')) {
            this.newlines();
            return { kind: 'if', test, then, otherwise: this.statement() };
          }
          this.at = mark;
          return { kind: 'if', test, then, otherwise: undefined };
        }
        case 'while': {
          this.next();
          this.expect('(');
          const test = this.expression();
          this.expect(')');
          this.newlines();
          return { kind: 'while', test, body: this.statement(), after: undefined, first: undefined };
        }
        case 'do': {
          this.next();
          this.newlines();
          const body = this.statement();
          this.blank();
          this.expect('while');
          this.expect('(');
          const test = this.expression();
          this.expect(')');
          return { kind: 'do', test, body };
        }
        case 'for':
          this.next();
          return this.forLoop();
        default:
          return this.simple();
      }
    });
  }

  forLoop(): Statement {
    this.expect('(');
    const each = /\s*([A-Za-z_]\w*)\s+in\s+([A-Za-z_]\w*)\s*\)/y;
    each.lastIndex = this.at;
    const found = each.exec(this.text);
    if (found !== null) {
      this.at = each.lastIndex;
      this.newlines();
      return { kind: 'forIn', variable: found[1] ?? '', array: found[2] ?? '', body: this.statement() };
    }
    const first = this.peek() === ';' ? undefined : this.simple(false);
    this.expect(';');
    const test: Expression = this.peek() === ';' ? { kind: 'number', value: 1 } : this.expression();
    this.expect(';');
    const after = this.peek() === ')' ? undefined : this.simple(false);
    this.expect(')');
    this.newlines();
    return { kind: 'while', test, body: this.statement(), after, first };
  }

  simple(ends = true): Statement {
    const statement = this.simpleBody();
    if (!ends) return statement;
    const token = this.peek();
    if (token === ';' || token === '\n') this.next();
    else if (token !== '}' && token !== undefined) this.fail();
    return statement;
  }

  simpleBody(): Statement {
    const token = this.peek();
    switch (token) {
      case 'print':
      case 'printf': {
        this.next();
        this.noGreater++;
        const args: Expression[] = [];
        const grouped = this.peek() === '(' ? this.group() : undefined;
        if (grouped !== undefined) args.push(...grouped);
        else if (!/^[;\n}]$/.test(this.peek() ?? '}') || this.peek() === undefined) {
          if (this.peek() !== undefined) {
            do args.push(this.expression());
            while (this.take(','));
          }
        }
        this.noGreater--;
        if (this.peek() === '>' || this.peek() === '|')
          throw new AwkSyntaxError('redirections are not supported here');
        return { kind: token, args };
      }
      case 'next':
      case 'break':
      case 'continue':
        this.next();
        return { kind: token };
      case 'exit': {
        this.next();
        const none = /^[;\n}]$/.test(this.peek() ?? '}');
        return { kind: 'exit', code: none ? undefined : this.expression() };
      }
      case 'delete': {
        this.next();
        const name = this.next() ?? '';
        const index = this.take('[') ? this.subscript() : undefined;
        return { kind: 'delete', name, index };
      }
      default:
        return { kind: 'expression', expression: this.expression() };
    }
  }

  /** `print (a, b)`: a list in parentheses, when nothing follows it. */
  group(): Expression[] | undefined {
    const mark = this.at;
    this.next();
    const args: Expression[] = [];
    const { noGreater } = this;
    this.noGreater = 0;
    do args.push(this.expression());
    while (this.take(','));
    this.noGreater = noGreater;
    const closed = this.take(')');
    if (closed && /^[;\n}>|]$/.test(this.peek() ?? '}')) return args;
    this.at = mark;
    return undefined;
  }

  expression(): Expression {
    return this.nested(() => {
      const test = this.binary(0);
      if (this.take('?')) {
        const then = this.expression();
        this.expect(':');
        return { kind: 'conditional', test, then, otherwise: this.expression() };
      }
      const operator = this.peek();
      if (
        operator !== undefined &&
        /^([-+*/%^]?=)$/.test(operator) &&
        (test.kind === 'variable' || test.kind === 'field' || test.kind === 'element')
      ) {
        this.next();
        return { kind: 'assign', operator: operator.slice(0, -1), target: test, value: this.expression() };
      }
      return test;
    });
  }

  binary(level: number): Expression {
    if (level === LEVELS.length) return this.unary();
    let left = this.binary(level + 1);
    const operators = LEVELS[level] ?? [];
    for (;;) {
      const token = this.peek();
      if (operators.includes('') && this.startsOperand(token)) {
        left = { kind: 'binary', operator: '', left, right: this.binary(level + 1) };
        continue;
      }
      if (token === undefined || !operators.includes(token) || (token === '>' && this.noGreater > 0))
        return left;
      this.next();
      if (token === 'in') left = { kind: 'in', index: left, name: this.next() ?? '' };
      else left = { kind: 'binary', operator: token, left, right: this.binary(level + 1) };
    }
  }

  /** Whether a token can begin what is concatenated. */
  startsOperand(token: string | undefined): boolean {
    return (
      token !== undefined &&
      (/^["\d.$(]/.test(token) || token === '!' || token === '-'
        ? token !== '-' && token !== '!'
        : /^[A-Za-z_]/.test(token) && token !== 'in')
    );
  }

  unary(): Expression {
    const token = this.peek();
    if (token === '!' || token === '-' || token === '+') {
      this.next();
      const operand = this.nested(() => this.unary());
      return { kind: 'unary', operator: token, operand };
    }
    return this.power();
  }

  power(): Expression {
    const base = this.postfix();
    if (!this.take('^') && !this.take('**')) return base;
    return { kind: 'binary', operator: '^', left: base, right: this.nested(() => this.unary()) };
  }

  postfix(): Expression {
    const token = this.peek();
    if (token === '++' || token === '--') {
      this.next();
      return { kind: 'step', target: this.primary(), by: token === '++' ? 1 : -1, prefix: true };
    }
    const target = this.primary();
    const after = this.peek();
    if (
      (after === '++' || after === '--') &&
      (target.kind === 'variable' || target.kind === 'field' || target.kind === 'element')
    ) {
      this.next();
      return { kind: 'step', target, by: after === '++' ? 1 : -1, prefix: false };
    }
    return target;
  }

  primary(): Expression {
    const before = this.at;
    const token = this.peek();
    if (token === undefined) return this.fail();
    if (token === '/' || token === '/=') return this.regexp();
    this.next();
    if (token.startsWith('"')) return { kind: 'string', value: unescapeString(token.slice(1, -1)) };
    if (/^[\d.]/.test(token)) return { kind: 'number', value: Number(token) };
    if (token === '$')
      return {
        kind: 'field',
        index: this.nested(() =>
          this.peek() === '++' || this.peek() === '--' ? this.postfix() : this.primary(),
        ),
      };
    if (token === '(') {
      const { noGreater } = this;
      this.noGreater = 0;
      let inner = this.expression();
      while (this.take(','))
        inner = { kind: 'binary', operator: 'SUBSEP', left: inner, right: this.expression() };
      this.noGreater = noGreater;
      this.expect(')');
      return inner;
    }
    if (!/^[A-Za-z_]/.test(token) || KEYWORDS.has(token)) {
      this.at = before;
      return this.fail();
    }
    if (this.text[this.at] === '(') {
      this.next();
      const args: Expression[] = [];
      if (!this.take(')')) {
        do args.push(this.expression());
        while (this.take(','));
        this.expect(')');
      }
      return { kind: 'call', name: token, args };
    }
    if (token === 'length') return { kind: 'call', name: token, args: [] };
    if (this.take('[')) return { kind: 'element', name: token, index: this.subscript() };
    return { kind: 'variable', name: token };
  }

  subscript(): Expression {
    let index = this.expression();
    while (this.take(','))
      index = { kind: 'binary', operator: 'SUBSEP', left: index, right: this.expression() };
    this.expect(']');
    return index;
  }

  regexp(): Expression {
    const pattern = /\s*\/((?:[^/\\\n]|\\.)*)\//y;
    pattern.lastIndex = this.at;
    const found = pattern.exec(this.text);
    if (found === null) return this.fail();
    const value = Regex.parse((found[1] ?? '').replaceAll('\\/', '/'), {
      syntax: 'extended',
      escapes: 'awk',
    });
    if ('error' in value) throw new AwkSyntaxError(value.error);
    this.at = pattern.lastIndex;
    return { kind: 'regexp', value };
  }
}

/** From the weakest to the strongest; `''` is concatenation. */
const LEVELS: readonly (readonly string[])[] = [
  ['||'],
  ['&&'],
  ['in'],
  ['~', '!~'],
  ['<', '<=', '==', '!=', '>', '>='],
  [''],
  ['+', '-'],
  ['*', '/', '%'],
];

function unescapeString(text: string): string {
  const escapes: Readonly<Record<string, string>> = {
    n: '\n',
    t: '\t',
    r: '\r',
    '\\': '\\',
    '"': '"',
    '/': '/',
  };
  return text.replace(/\\(.)/gs, (whole, c: string) => escapes[c] ?? whole);
}
