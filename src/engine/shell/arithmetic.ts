/** `$(( … ))`: whole numbers and C's operators; a name stands for its variable. */
export type ArithmeticResult =
  { readonly ok: true; readonly value: number } | { readonly ok: false; readonly error: string };

export interface Variables {
  get(name: string): string;
  set(name: string, value: string): void;
}

export function evaluate(text: string, variables: Variables): ArithmeticResult {
  const tokens =
    text.match(/\d\w*|[A-Za-z_]\w*|<<=|>>=|\*\*|\+\+|--|&&|\|\||[-+*/%<>=!&|^]=|<<|>>|\S/g) ?? [];
  if (tokens.length === 0) return { ok: true, value: 0 };
  const run = new Evaluation(tokens, variables);
  const value = run.expression(0);
  if (run.error === undefined && run.at < tokens.length) run.error = 'arithmetic syntax error';
  return run.error === undefined ? { ok: true, value } : { ok: false, error: run.error };
}

const LEVELS: Readonly<Record<string, number>> = {
  '||': 3,
  '&&': 4,
  '|': 5,
  '^': 6,
  '&': 7,
  '==': 8,
  '!=': 8,
  '<': 9,
  '<=': 9,
  '>': 9,
  '>=': 9,
  '<<': 10,
  '>>': 10,
  '+': 11,
  '-': 11,
  '*': 12,
  '/': 12,
  '%': 12,
  '**': 13,
};

class Evaluation {
  readonly tokens: readonly string[];
  readonly variables: Variables;
  at = 0;
  depth = 0;
  error: string | undefined;

  constructor(tokens: readonly string[], variables: Variables) {
    this.tokens = tokens;
    this.variables = variables;
  }

  fail(error: string): number {
    this.error ??= error;
    this.at = this.tokens.length;
    return 0;
  }

  expression(level: number): number {
    if (this.depth > 60) return this.fail('expression recursion level exceeded');
    this.depth++;
    let left = this.unary();
    for (;;) {
      const operator = this.tokens[this.at];
      if (operator === '?' && level <= 2) {
        this.at++;
        const then = this.expression(2);
        if (this.tokens[this.at++] !== ':') this.fail('arithmetic syntax error');
        const otherwise = this.expression(2);
        left = left !== 0 ? then : otherwise;
        continue;
      }
      const strength = operator === undefined ? undefined : LEVELS[operator];
      if (operator === undefined || strength === undefined || strength < Math.max(level, 3)) break;
      this.at++;
      left = this.apply(operator, left, this.expression(operator === '**' ? strength : strength + 1));
    }
    this.depth--;
    return left;
  }

  unary(): number {
    const token = this.tokens[this.at++];
    if (token === undefined) return this.fail('arithmetic syntax error');
    switch (token) {
      case '-':
        return -this.inner();
      case '+':
        return this.inner();
      case '!':
        return this.inner() === 0 ? 1 : 0;
      case '~':
        return ~this.inner();
      case '(': {
        const value = this.expression(0);
        if (this.tokens[this.at++] !== ')') return this.fail('arithmetic syntax error');
        return value;
      }
      case '++':
      case '--': {
        const name = this.tokens[this.at++] ?? '';
        return this.assign(name, this.variable(name) + (token === '++' ? 1 : -1));
      }
    }
    if (/^\d/.test(token)) {
      const value = Number(/^0\d/.test(token) ? `0o${token.slice(1)}` : token);
      return Number.isSafeInteger(value) ? value : this.fail('arithmetic syntax error');
    }
    if (!/^[A-Za-z_]/.test(token)) return this.fail('arithmetic syntax error');
    const next = this.tokens[this.at] ?? '';
    if (next === '++' || next === '--') {
      this.at++;
      const before = this.variable(token);
      this.assign(token, before + (next === '++' ? 1 : -1));
      return before;
    }
    if (next === '=' || (/^([-+*/%&|^]|<<|>>)=$/.test(next) && next.length >= 2)) {
      this.at++;
      const right = this.expression(2);
      return this.assign(
        token,
        next === '=' ? right : this.apply(next.slice(0, -1), this.variable(token), right),
      );
    }
    return this.variable(token);
  }

  inner(): number {
    if (++this.depth > 60) return this.fail('expression recursion level exceeded');
    const value = this.unary();
    this.depth--;
    return value;
  }

  variable(name: string): number {
    const value = this.variables.get(name).trim();
    if (value === '') return 0;
    return /^-?\d{1,15}$/.test(value) ? Number(value) : this.fail('arithmetic syntax error');
  }

  assign(name: string, value: number): number {
    if (!/^[A-Za-z_]\w*$/.test(name)) return this.fail('arithmetic syntax error');
    if (this.error === undefined) this.variables.set(name, String(value));
    return value;
  }

  apply(operator: string, a: number, b: number): number {
    switch (operator) {
      case '||':
        return a !== 0 || b !== 0 ? 1 : 0;
      case '&&':
        return a !== 0 && b !== 0 ? 1 : 0;
      case '|':
        return a | b;
      case '^':
        return a ^ b;
      case '&':
        return a & b;
      case '==':
        return a === b ? 1 : 0;
      case '!=':
        return a !== b ? 1 : 0;
      case '<':
        return a < b ? 1 : 0;
      case '<=':
        return a <= b ? 1 : 0;
      case '>':
        return a > b ? 1 : 0;
      case '>=':
        return a >= b ? 1 : 0;
      case '<<':
        return a * 2 ** (b & 63);
      case '>>':
        return Math.floor(a / 2 ** (b & 63));
      case '+':
        return a + b;
      case '-':
        return a - b;
      case '*':
        return a * b;
      case '**':
        return b < 0 ? this.fail('exponent less than 0') : Math.trunc(a ** b);
      default:
        if (b === 0) return this.fail('divide by zero');
        return operator === '%' ? a % b : Math.trunc(a / b);
    }
  }
}
