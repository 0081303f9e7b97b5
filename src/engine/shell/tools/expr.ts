import { Regex } from '../regex/regex.ts';
import { searchBudget } from '../text.ts';
import type { Tool, ToolContext } from '../tool.ts';

/** What is wrong with an expression; expr says it and exits with 2. */
class ExprError extends Error {}

const levels: readonly (readonly string[])[] = [
  ['|'],
  ['&'],
  ['<', '<=', '=', '==', '!=', '>=', '>'],
  ['+', '-'],
  ['*', '/', '%'],
  [':'],
];
/** Parentheses inside each other. */
const MAX_DEPTH = 200;

/** expr(1): integers, comparisons, `|`, `&`, `STRING : REGEX`, `length`, `substr`, `index`. */
export const expr: Tool = function* (ctx, args) {
  if (args.length === 0) {
    ctx.err("expr: missing operand\nTry 'expr --help' for more information.\n");
    return 2;
  }
  try {
    const reader = new Reader(ctx, args);
    const value = reader.level(0, 0);
    reader.end();
    ctx.out(`${value}\n`);
    return truth(value) ? 0 : 1;
  } catch (error) {
    if (!(error instanceof ExprError)) throw error;
    ctx.err(`expr: ${error.message}\n`);
    return 2;
  }
};

class Reader {
  readonly #ctx: ToolContext;
  readonly #words: readonly string[];
  #at = 0;

  constructor(ctx: ToolContext, words: readonly string[]) {
    this.#ctx = ctx;
    this.#words = words;
  }

  end(): void {
    const word = this.#words[this.#at];
    if (word !== undefined) throw new ExprError(`syntax error: unexpected argument '${word}'`);
  }

  level(level: number, depth: number): string {
    const operators = levels[level];
    if (operators === undefined) return this.#operand(depth);
    let left = this.level(level + 1, depth);
    for (;;) {
      const operator = this.#words[this.#at];
      if (operator === undefined || !operators.includes(operator)) return left;
      this.#at++;
      left = this.#apply(operator, left, this.level(level + 1, depth));
    }
  }

  #operand(depth: number): string {
    const word = this.#words[this.#at++];
    if (word === undefined)
      throw new ExprError(`syntax error: missing argument after '${this.#words[this.#at - 2] ?? ''}'`);
    switch (word) {
      case '(': {
        if (depth > MAX_DEPTH) throw new ExprError('syntax error: too many parentheses');
        const value = this.level(0, depth + 1);
        if (this.#words[this.#at++] !== ')')
          throw new ExprError(`syntax error: expecting ')' after '${this.#words[this.#at - 2] ?? ''}'`);
        return value;
      }
      case ')':
        throw new ExprError("syntax error: unexpected ')'");
      case '+':
        return this.#words[this.#at++] ?? '';
      case 'length':
        return String(this.#operand(depth).length);
      case 'index': {
        const [text, chars] = [this.#operand(depth), this.#operand(depth)];
        return String([...text].findIndex((char) => chars.includes(char)) + 1);
      }
      case 'substr': {
        const [text, from, count] = [this.#operand(depth), this.#operand(depth), this.#operand(depth)];
        const start = Number(from);
        const length = Number(count);
        return start > 0 && length > 0 ? text.slice(start - 1, start - 1 + length) : '';
      }
    }
    return word;
  }

  #apply(operator: string, left: string, right: string): string {
    switch (operator) {
      case '|':
        return truth(left) ? left : truth(right) ? right : '0';
      case '&':
        return truth(left) && truth(right) ? left : '0';
      case ':':
        return this.#match(left, right);
      case '+':
        return String(integer(left) + integer(right));
      case '-':
        return String(integer(left) - integer(right));
      case '*':
        return String(integer(left) * integer(right));
      case '/':
      case '%': {
        const divisor = integer(right);
        if (divisor === 0n) throw new ExprError('division by zero');
        return String(operator === '/' ? integer(left) / divisor : integer(left) % divisor);
      }
      default:
        return compare(operator, left, right) ? '1' : '0';
    }
  }

  #match(text: string, pattern: string): string {
    const regex = Regex.parse(`^\\(${pattern}\\)`, { syntax: 'basic' });
    if ('error' in regex) throw new ExprError(regex.error);
    const found = regex.match(text, 0, searchBudget(this.#ctx));
    if (regex.groups > 1) return found?.groups[2] ?? '';
    return String(found === undefined ? 0 : found.end);
  }
}

function integer(text: string): bigint {
  if (!/^-?\d{1,40}$/.test(text)) throw new ExprError('non-integer argument');
  return BigInt(text);
}

function compare(operator: string, left: string, right: string): boolean {
  const numeric = /^-?\d{1,40}$/.test(left) && /^-?\d{1,40}$/.test(right);
  const [a, b] = numeric ? [BigInt(left), BigInt(right)] : [left, right];
  switch (operator) {
    case '<':
      return a < b;
    case '<=':
      return a <= b;
    case '>':
      return a > b;
    case '>=':
      return a >= b;
    case '!=':
      return a !== b;
    default:
      return a === b;
  }
}

function truth(value: string): boolean {
  return value !== '' && !/^-?0+$/.test(value);
}
