import type { Budget } from '../regex/machine.ts';
import { Regex } from '../regex/regex.ts';
import { eachLine, readFile, searchBudget } from '../text.ts';
import { getopt, optionErrorText } from '../getopt.ts';
import type { Tool, ToolContext } from '../tool.ts';
import { AwkSyntaxError, parseAwk, type Expression, type Rule, type Statement } from './awk/parse.ts';
import { unescapeText } from './echo.ts';

/** awk without functions, getline and redirections. */
export const awk: Tool = function* (ctx, args) {
  const parsed = getopt(args, { short: 'F:v:f:', stopAtOperand: true });
  if (!parsed.ok) {
    ctx.err(`${optionErrorText('awk', parsed.error)}\nUsage: awk [OPTIONS] [AWK_PROGRAM] [FILE]...\n`);
    return 1;
  }
  const { options } = parsed;
  const files = [...options.rest];
  const source = options.has('f') ? readFile(ctx, options.value('f') ?? '') : files.shift();
  if (source === undefined) {
    ctx.err('Usage: awk [OPTIONS] [AWK_PROGRAM] [FILE]...\n');
    return 1;
  }
  let rules: Rule[];
  try {
    rules = parseAwk(source);
  } catch (error) {
    if (!(error instanceof AwkSyntaxError)) throw error;
    ctx.err(`awk: cmd. line:1: ${error.message}\n`);
    return 1;
  }
  const run = new Run(ctx, rules);
  const separator = options.value('F');
  if (separator !== undefined) run.variables.set('FS', separator === 't' ? '\t' : unescapeText(separator));
  for (const assignment of options.values('v')) {
    const equals = assignment.indexOf('=');
    run.variables.set(assignment.slice(0, equals), input(unescapeText(assignment.slice(equals + 1))));
  }
  run.phase('BEGIN');
  let status = 0;
  if (!run.ended && rules.some((rule) => rule.when !== 'BEGIN')) {
    status = yield* eachLine(ctx, files, (line, file) => {
      run.record(line, file);
      return run.ended || ctx.session.limit !== undefined;
    });
  }
  run.ended = run.exited;
  if (!run.exited) run.phase('END');
  return run.code === 0 ? (status === 0 ? 0 : 2) : run.code;
};

/** A number, a string, or a string that came from outside and may be compared as a number. */
type Value = number | string | Outside;

class Outside {
  readonly text: string;
  constructor(text: string) {
    this.text = text;
  }
}

function input(text: string): Value {
  return /^\s*[-+]?(\d+\.?\d*|\.\d+)([eE][-+]?\d+)?\s*$/.test(text) ? new Outside(text) : text;
}

/** What a statement counts of the steps of the line that a person typed, where a command counts one. */
const STATEMENT_STEPS = 0.1;

type Jump = 'next' | 'break' | 'continue' | 'exit' | undefined;

class Run {
  readonly ctx: ToolContext;
  readonly budget: Budget;
  readonly #patterns = new Map<string, Regex>();
  readonly rules: readonly Rule[];
  readonly variables = new Map<string, Value>([
    ['FS', ' '],
    ['OFS', ' '],
    ['ORS', '\n'],
    ['NR', 0],
    ['NF', 0],
    ['SUBSEP', '\x1c'],
  ]);
  readonly arrays = new Map<string, Map<string, Value>>();
  readonly inRange = new Set<Rule>();
  fields: string[] = [''];
  ended = false;
  exited = false;
  code = 0;

  constructor(ctx: ToolContext, rules: readonly Rule[]) {
    this.ctx = ctx;
    this.budget = searchBudget(ctx);
    this.rules = rules;
  }

  phase(when: 'BEGIN' | 'END'): void {
    for (const rule of this.rules)
      if (rule.when === when && rule.action !== undefined && !this.ended)
        this.finish(this.statement(rule.action));
  }

  record(line: string, file: string): void {
    this.variables.set('NR', this.number(this.get('NR')) + 1);
    this.variables.set('FNR', this.number(this.get('FNR')) + 1);
    this.variables.set('FILENAME', file === '-' ? '' : file);
    this.setRecord(line);
    for (const rule of this.rules) {
      if (rule.when !== 'record' || !this.matches(rule)) continue;
      const jump = rule.action === undefined ? this.print([]) : this.statement(rule.action);
      this.finish(jump);
      if (jump === 'next' || this.ended) return;
    }
  }

  finish(jump: Jump): void {
    if (jump === 'exit') {
      this.ended = true;
      this.exited = this.exited || this.code !== 0;
    }
  }

  matches(rule: Rule): boolean {
    if (rule.pattern === undefined) return true;
    if (rule.to === undefined) return this.truth(rule.pattern);
    if (!this.inRange.has(rule)) {
      if (!this.truth(rule.pattern)) return false;
      this.inRange.add(rule);
    }
    if (this.truth(rule.to)) this.inRange.delete(rule);
    return true;
  }

  setRecord(line: string): void {
    this.fields = [line, ...this.split(line, this.text(this.get('FS')))];
    this.variables.set('NF', this.fields.length - 1);
  }

  split(text: string, separator: string): string[] {
    if (text === '') return [];
    if (separator === ' ') return text.trim() === '' ? [] : text.trim().split(/\s+/);
    if (separator.length === 1 && separator !== '\\') return text.split(separator);
    return this.splitBy(text, this.regex(separator));
  }

  splitBy(text: string, pattern: Regex): string[] {
    const parts: string[] = [];
    let from = 0;
    for (const { start, end } of pattern.matches(text, this.budget)) {
      if (end === start) continue;
      parts.push(text.slice(from, start));
      from = end;
    }
    return [...parts, text.slice(from)];
  }

  /** A pattern out of a string; one that is none ends the program. */
  regex(text: string): Regex {
    const known = this.#patterns.get(text);
    if (known !== undefined) return known;
    const pattern = Regex.parse(text, { syntax: 'extended', escapes: 'awk' });
    if ('error' in pattern) {
      this.ctx.err(`awk: ${pattern.error}\n`);
      this.ended = true;
      this.exited = true;
      this.code = 2;
      return Regex.literal('');
    }
    if (this.#patterns.size < 100) this.#patterns.set(text, pattern);
    return pattern;
  }

  get(name: string): Value {
    return this.variables.get(name) ?? '';
  }

  array(name: string): Map<string, Value> {
    let array = this.arrays.get(name);
    if (array === undefined) {
      array = new Map();
      this.arrays.set(name, array);
    }
    return array;
  }

  step(): boolean {
    this.ctx.session.steps += STATEMENT_STEPS;
    if (this.ctx.session.steps > this.ctx.session.limits.scriptSteps)
      this.ctx.session.limit ??= 'scriptSteps';
    return this.ctx.session.limit === undefined;
  }

  statement(statement: Statement): Jump {
    if (!this.step()) return 'exit';
    switch (statement.kind) {
      case 'block':
        for (const inner of statement.body) {
          const jump = this.statement(inner);
          if (jump !== undefined) return jump;
        }
        return undefined;
      case 'expression':
        this.value(statement.expression);
        return undefined;
      case 'print':
        return this.print(statement.args);
      case 'printf':
        this.ctx.out(this.format(statement.args));
        return undefined;
      case 'if':
        if (this.truth(statement.test)) return this.statement(statement.then);
        return statement.otherwise === undefined ? undefined : this.statement(statement.otherwise);
      case 'while':
        if (statement.first !== undefined) this.statement(statement.first);
        while (this.truth(statement.test) && this.step()) {
          const jump = this.statement(statement.body);
          if (jump === 'break') break;
          if (jump === 'next' || jump === 'exit') return jump;
          if (statement.after !== undefined) this.statement(statement.after);
        }
        return undefined;
      case 'do':
        do {
          const jump = this.statement(statement.body);
          if (jump === 'break') break;
          if (jump === 'next' || jump === 'exit') return jump;
        } while (this.truth(statement.test) && this.step());
        return undefined;
      case 'forIn':
        for (const key of [...this.array(statement.array).keys()]) {
          this.variables.set(statement.variable, input(key));
          const jump = this.statement(statement.body);
          if (jump === 'break') break;
          if (jump === 'next' || jump === 'exit') return jump;
        }
        return undefined;
      case 'delete':
        if (statement.index === undefined) this.arrays.delete(statement.name);
        else this.array(statement.name).delete(this.text(this.value(statement.index)));
        return undefined;
      case 'exit':
        if (statement.code !== undefined) this.code = this.number(this.value(statement.code)) & 255;
        return 'exit';
      default:
        return statement.kind;
    }
  }

  print(args: readonly Expression[]): undefined {
    const texts =
      args.length === 0 ? [this.fields[0] ?? ''] : args.map((arg) => this.output(this.value(arg)));
    this.ctx.out(texts.join(this.text(this.get('OFS'))) + this.text(this.get('ORS')));
    return undefined;
  }

  output(value: Value): string {
    return this.text(value);
  }

  text(value: Value): string {
    if (typeof value === 'string') return value;
    if (value instanceof Outside) return value.text;
    return Number.isInteger(value) ? String(value) : String(Number(value.toPrecision(6)));
  }

  number(value: Value): number {
    if (typeof value === 'number') return value;
    const found = /^\s*[-+]?(\d+\.?\d*|\.\d+)([eE][-+]?\d+)?/.exec(
      value instanceof Outside ? value.text : value,
    );
    return found === null ? 0 : Number(found[0]);
  }

  truth(expression: Expression): boolean {
    const value = this.value(expression);
    return typeof value === 'string' ? value !== '' : this.number(value) !== 0;
  }

  pattern(expression: Expression | undefined): Regex {
    if (expression?.kind === 'regexp') return expression.value;
    return this.regex(expression === undefined ? '' : this.text(this.value(expression)));
  }

  value(expression: Expression): Value {
    switch (expression.kind) {
      case 'number':
      case 'string':
        return expression.value;
      case 'regexp':
        return expression.value.test(this.fields[0] ?? '', this.budget) ? 1 : 0;
      case 'field':
        return input(this.fields[Math.max(0, Math.floor(this.number(this.value(expression.index))))] ?? '');
      case 'variable':
        return this.get(expression.name);
      case 'element':
        return this.array(expression.name).get(this.text(this.value(expression.index))) ?? '';
      case 'in':
        return this.array(expression.name).has(this.text(this.value(expression.index))) ? 1 : 0;
      case 'unary': {
        if (expression.operator === '!') return this.truth(expression.operand) ? 0 : 1;
        const value = this.number(this.value(expression.operand));
        return expression.operator === '-' ? -value : value;
      }
      case 'conditional':
        return this.value(this.truth(expression.test) ? expression.then : expression.otherwise);
      case 'assign': {
        const right = this.value(expression.value);
        const result =
          expression.operator === ''
            ? right
            : this.arithmetic(
                expression.operator,
                this.number(this.value(expression.target)),
                this.number(right),
              );
        this.assign(expression.target, result);
        return result;
      }
      case 'step': {
        const before = this.number(this.value(expression.target));
        this.assign(expression.target, before + expression.by);
        return expression.prefix ? before + expression.by : before;
      }
      case 'binary':
        return this.binary(expression.operator, expression.left, expression.right);
      case 'call':
        return this.call(expression.name, expression.args);
    }
  }

  assign(target: Expression, value: Value): void {
    if (target.kind === 'variable') {
      this.variables.set(target.name, value);
      if (target.name === 'NF') {
        const count = Math.max(0, Math.min(10_000, this.number(value)));
        while (this.fields.length - 1 < count) this.fields.push('');
        this.fields.length = count + 1;
        this.rebuild();
      }
    } else if (target.kind === 'element')
      this.array(target.name).set(this.text(this.value(target.index)), value);
    else if (target.kind === 'field') {
      const index = Math.max(0, Math.min(10_000, Math.floor(this.number(this.value(target.index)))));
      if (index === 0) {
        this.setRecord(this.text(value));
        return;
      }
      while (this.fields.length <= index) this.fields.push('');
      this.fields[index] = this.text(value);
      this.variables.set('NF', this.fields.length - 1);
      this.rebuild();
    }
  }

  rebuild(): void {
    this.fields[0] = this.fields.slice(1).join(this.text(this.get('OFS')));
  }

  /** No text grows beyond what may be printed. */
  join(a: string, b: string): string {
    if (a.length + b.length <= this.ctx.session.limits.output) return a + b;
    this.ctx.session.limit ??= 'output';
    return a;
  }

  arithmetic(operator: string, a: number, b: number): number {
    switch (operator) {
      case '+':
        return a + b;
      case '-':
        return a - b;
      case '*':
        return a * b;
      case '/':
        return b === 0 ? 0 : a / b;
      case '%':
        return b === 0 ? 0 : a % b;
      default:
        return a ** b;
    }
  }

  binary(operator: string, left: Expression, right: Expression): Value {
    switch (operator) {
      case '||':
        return this.truth(left) || this.truth(right) ? 1 : 0;
      case '&&':
        return this.truth(left) && this.truth(right) ? 1 : 0;
      case '~':
      case '!~':
        return this.pattern(right).test(this.text(this.value(left)), this.budget) === (operator === '~')
          ? 1
          : 0;
      case '':
        return this.join(this.text(this.value(left)), this.text(this.value(right)));
      case 'SUBSEP':
        return this.text(this.value(left)) + this.text(this.get('SUBSEP')) + this.text(this.value(right));
      case '<':
      case '<=':
      case '==':
      case '!=':
      case '>':
      case '>=':
        return this.compare(operator, this.value(left), this.value(right)) ? 1 : 0;
      default:
        return this.arithmetic(operator, this.number(this.value(left)), this.number(this.value(right)));
    }
  }

  compare(operator: string, a: Value, b: Value): boolean {
    const numeric = typeof a !== 'string' && typeof b !== 'string';
    const [x, y] = numeric ? [this.number(a), this.number(b)] : [this.text(a), this.text(b)];
    const order = x < y ? -1 : x > y ? 1 : 0;
    switch (operator) {
      case '<':
        return order < 0;
      case '<=':
        return order <= 0;
      case '==':
        return order === 0;
      case '!=':
        return order !== 0;
      case '>':
        return order > 0;
      default:
        return order >= 0;
    }
  }

  format(args: readonly Expression[]): string {
    const [first, ...rest] = args.map((arg) => this.value(arg));
    let at = 0;
    return this.text(first ?? '').replace(
      /%(%|([-+ 0#]*)(\d*)(?:\.(\d+))?([sdicfgeuxXo]))/g,
      (_, all: string, flags: string, width: string, precision: string | undefined, kind: string) => {
        if (all === '%') return '%';
        const value = rest[at++] ?? '';
        let text: string;
        if (kind === 's')
          text = precision === undefined ? this.text(value) : this.text(value).slice(0, Number(precision));
        else if (kind === 'c') text = this.text(value).slice(0, 1);
        else if (kind === 'f') text = this.number(value).toFixed(Math.min(Number(precision ?? 6), 50));
        else if (kind === 'e') text = this.number(value).toExponential(Math.min(Number(precision ?? 6), 50));
        else if (kind === 'g')
          text = String(
            Number(this.number(value).toPrecision(Math.max(1, Math.min(Number(precision ?? 6), 50)))),
          );
        else
          text = Math.trunc(this.number(value)).toString(
            kind === 'x' || kind === 'X' ? 16 : kind === 'o' ? 8 : 10,
          );
        const columns = Math.min(Number(width), 10_000);
        return flags.includes('-')
          ? text.padEnd(columns)
          : text.padStart(columns, flags.includes('0') && kind !== 's' ? '0' : ' ');
      },
    );
  }

  call(name: string, args: readonly Expression[]): Value {
    const arg = (i: number): Value => {
      const expression = args[i];
      return expression === undefined ? '' : this.value(expression);
    };
    switch (name) {
      case 'length': {
        const first = args[0];
        if (first?.kind === 'variable' && this.arrays.has(first.name)) return this.array(first.name).size;
        return first === undefined ? (this.fields[0] ?? '').length : this.text(arg(0)).length;
      }
      case 'substr': {
        const text = this.text(arg(0));
        const from = Math.round(this.number(arg(1)));
        const count = args.length > 2 ? Math.round(this.number(arg(2))) : Infinity;
        return text.slice(Math.max(from - 1, 0), Math.max(0, from - 1 + count));
      }
      case 'index':
        return this.text(arg(0)).indexOf(this.text(arg(1))) + 1;
      case 'toupper':
        return this.text(arg(0)).toUpperCase();
      case 'tolower':
        return this.text(arg(0)).toLowerCase();
      case 'int':
        return Math.trunc(this.number(arg(0)));
      case 'sqrt':
        return Math.sqrt(this.number(arg(0)));
      case 'sprintf':
        return this.format(args);
      case 'match': {
        const found = this.pattern(args[1]).match(this.text(arg(0)), 0, this.budget);
        const start = found === undefined ? 0 : found.start + 1;
        this.variables.set('RSTART', start);
        this.variables.set('RLENGTH', found === undefined ? -1 : found.end - found.start);
        return start;
      }
      case 'split': {
        const target = args[1];
        if (target?.kind !== 'variable') return 0;
        const separator = args[2];
        const text = this.text(arg(0));
        const parts =
          separator?.kind === 'regexp'
            ? text === ''
              ? []
              : this.splitBy(text, separator.value)
            : this.split(
                text,
                separator === undefined ? this.text(this.get('FS')) : this.text(this.value(separator)),
              );
        this.arrays.set(target.name, new Map(parts.map((part, i) => [String(i + 1), input(part)])));
        return parts.length;
      }
      case 'sub':
      case 'gsub': {
        const target: Expression = args[2] ?? { kind: 'field', index: { kind: 'number', value: 0 } };
        const pattern = this.pattern(args[0]);
        const replacement = this.text(arg(1));
        const before = this.text(this.value(target));
        let [count, kept, text] = [0, 0, ''];
        for (const { start, end } of pattern.matches(before, this.budget)) {
          count++;
          text += before.slice(kept, start);
          text += replacement.replace(/\\&|&/g, (token) => (token === '&' ? before.slice(start, end) : '&'));
          kept = end;
          if (name === 'sub' || text.length > this.ctx.session.limits.output) break;
        }
        text += before.slice(kept);
        if (text.length > this.ctx.session.limits.output) this.ctx.session.limit ??= 'output';
        else if (count > 0) this.assign(target, text);
        return count;
      }
      default:
        this.ctx.err(`awk: cmd. line:1: Call to undefined function\n`);
        this.ended = true;
        this.code = 1;
        return '';
    }
  }
}
