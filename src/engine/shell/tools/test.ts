import { resolve } from '../expand.ts';
import type { Tool, ToolContext } from '../tool.ts';

/** `test EXPRESSION` and `[ EXPRESSION ]`. */
export const test: Tool = function* (ctx, args) {
  let words = args;
  if (ctx.name === '[') {
    if (args.at(-1) !== ']') {
      ctx.err("[: missing `]'\n");
      return 2;
    }
    words = args.slice(0, -1);
  }
  const run = new Test(ctx, words);
  const value = words.length > 0 && run.or();
  if (run.error === undefined && run.at < words.length) run.error = 'too many arguments';
  if (run.error !== undefined) {
    ctx.err(`${ctx.name}: ${run.error}\n`);
    return 2;
  }
  return value ? 0 : 1;
};

const COMPARISONS: Readonly<Record<string, (a: number, b: number) => boolean>> = {
  '-eq': (a, b) => a === b,
  '-ne': (a, b) => a !== b,
  '-lt': (a, b) => a < b,
  '-le': (a, b) => a <= b,
  '-gt': (a, b) => a > b,
  '-ge': (a, b) => a >= b,
};

/** `-n`, `-z`, and what can be asked of a file; undefined when the operator is none of them. */
export function unaryTest(
  { files, cwd }: Pick<ToolContext, 'files' | 'cwd'>,
  operator: string,
  operand: string,
): boolean | undefined {
  if (operator === '-n') return operand !== '';
  if (operator === '-z') return operand === '';
  if (!/^-[efdrwxsLh]$/.test(operator)) return undefined;
  const path = resolve(cwd, operand);
  const kind = files.kind(path);
  if (operator === '-d') return kind === 'directory';
  if (operator === '-f') return kind === 'file';
  if (operator === '-s') {
    const content = files.read(path);
    return content.ok && content.value !== '';
  }
  return kind !== undefined && operator !== '-L' && operator !== '-h';
}

class Test {
  readonly ctx: ToolContext;
  readonly words: readonly string[];
  at = 0;
  error: string | undefined;
  depth = 0;

  constructor(ctx: ToolContext, words: readonly string[]) {
    this.ctx = ctx;
    this.words = words;
  }

  or(): boolean {
    let value = this.and();
    while (this.words[this.at] === '-o') {
      this.at++;
      value = this.and() || value;
    }
    return value;
  }

  and(): boolean {
    let value = this.primary();
    while (this.words[this.at] === '-a') {
      this.at++;
      value = this.primary() && value;
    }
    return value;
  }

  primary(): boolean {
    const word = this.words[this.at++];
    if (word === undefined) {
      this.error ??= 'argument expected';
      return false;
    }
    const operator = this.words[this.at];
    const right = this.words[this.at + 1];
    if (operator !== undefined && right !== undefined) {
      const compare = COMPARISONS[operator];
      if (compare !== undefined) {
        this.at += 2;
        return compare(this.number(word), this.number(right));
      }
      if (operator === '=' || operator === '==' || operator === '!=') {
        this.at += 2;
        return (word === right) === (operator !== '!=');
      }
    }
    if (word === '!' && operator !== undefined && ++this.depth < 50) return !this.primary();
    if (word === '(' && ++this.depth < 50) {
      const value = this.or();
      if (this.words[this.at++] !== ')') this.error ??= "missing `)'";
      return value;
    }
    const value = operator === undefined ? undefined : unaryTest(this.ctx, word, operator);
    if (value === undefined) return word !== '';
    this.at++;
    return value;
  }

  number(text: string): number {
    if (/^\s*[-+]?\d+\s*$/.test(text)) return Number(text);
    this.error ??= `${text}: integer expression expected`;
    return 0;
  }
}
