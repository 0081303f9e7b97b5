import type { Task } from '../../net/task.ts';
import { resolve } from '../expand.ts';
import { fileErrorText } from '../files.ts';
import type { Budget } from '../regex/machine.ts';
import type { Match } from '../regex/regex.ts';
import { eachLine, options, readFile, searchBudget } from '../text.ts';
import type { Tool, ToolContext } from '../tool.ts';
import { parseSed, SedSyntaxError, type Address, type SedCommand } from './sed/parse.ts';

const USAGE = 'Usage: sed [OPTION]... {script-only-if-no-other-script} [input-file]...\n';

/** GNU sed without reading and writing other files. */
export const sed: Tool = function* (ctx, args) {
  const given = options(ctx, args, {
    short: 'nEre:suzif:',
    long: {
      quiet: 'n',
      silent: 'n',
      'regexp-extended': 'E',
      expression: 'e:',
      file: 'f:',
      'in-place': 'i',
      separate: 's',
    },
  });
  if (given === undefined) {
    ctx.err(USAGE);
    return 1;
  }
  const files = [...given.rest];
  const scripts = [...given.values('e')];
  for (const file of given.values('f')) {
    const text = readFile(ctx, file);
    if (text === undefined) return 1;
    scripts.push(text);
  }
  const script = scripts.length > 0 ? scripts.join('\n') : files.shift();
  if (script === undefined) {
    ctx.err(USAGE);
    return 1;
  }
  let program: SedCommand[];
  try {
    program = parseSed(script, given.has('E') || given.has('r') ? 'extended' : 'basic');
  } catch (error) {
    if (!(error instanceof SedSyntaxError)) throw error;
    ctx.err(`sed: ${error.at === undefined ? '' : `-e expression #1, char ${error.at}: `}${error.message}\n`);
    // GNU panics over what it finds at the end only.
    return error.at === undefined ? 4 : 1;
  }
  const quiet = given.has('n') ? 'quiet' : 'loud';
  if (given.has('i')) return inPlace(ctx, program, files, quiet);
  const run = new Run(ctx, program, quiet, ctx.out);
  const readable = files.filter((file) => file === '-' || canRead(ctx, file));
  if (files.length > 0 && readable.length === 0) return 2;
  yield* run.through(readable);
  const status = files.length - readable.length;
  return run.status === 0 ? (status === 0 ? 0 : 2) : run.status;
};

function canRead(ctx: ToolContext, file: string): boolean {
  const text = ctx.files.read(resolve(ctx.cwd, file));
  if (!text.ok) ctx.err(`sed: can't read ${file}: ${fileErrorText(text.error)}\n`);
  return text.ok;
}

function inPlace(
  ctx: ToolContext,
  program: readonly SedCommand[],
  files: readonly string[],
  quiet: 'quiet' | 'loud',
): number {
  if (files.length === 0) {
    ctx.err('sed: no input files\n');
    return 4;
  }
  let status = 0;
  for (const file of files) {
    const text = ctx.files.read(resolve(ctx.cwd, file));
    if (!text.ok) {
      ctx.err(`sed: can't read ${file}: ${fileErrorText(text.error)}\n`);
      status = 2;
      continue;
    }
    let output = '';
    const run = new Run(ctx, program, quiet, (more) => void (output += more));
    run.lines(text.value === '' ? [] : text.value.replace(/\n$/, '').split('\n'));
    const written = ctx.files.write(resolve(ctx.cwd, file), output, 'truncate');
    if (!written.ok) {
      ctx.err(`sed: couldn't open file ${file}: ${fileErrorText(written.error)}\n`);
      status = 4;
    } else if (run.status !== 0) status = run.status;
  }
  return status;
}

/** What the cycle of one line ended with. */
type End = 'next' | 'restart' | 'quit';

class Run {
  readonly #ctx: ToolContext;
  readonly #program: readonly SedCommand[];
  readonly #quiet: 'quiet' | 'loud';
  readonly #out: (text: string) => void;
  readonly #budget: Budget;
  /** Ranges that are open, and the line at which those with a number end. */
  readonly #ranges = new Map<SedCommand, number>();
  /** Lines that have been read and not begun; the last is held back, so that `$` is known. */
  #waiting: string[] = [];
  #ended = false;
  #number = 0;
  #pattern = '';
  #hold = '';
  #after = '';
  #substituted = false;
  status = 0;

  constructor(
    ctx: ToolContext,
    program: readonly SedCommand[],
    quiet: 'quiet' | 'loud',
    out: (text: string) => void,
  ) {
    this.#ctx = ctx;
    this.#program = program;
    this.#quiet = quiet;
    this.#out = out;
    this.#budget = searchBudget(ctx);
  }

  /** Line by line as they come; a line is worked on when it is known whether another follows. */
  *through(files: readonly string[]): Task<void> {
    const needsNext = this.#program.some(
      ({ from, to, action }) => from?.kind === 'last' || to?.kind === 'last' || /^[nNG]$/.test(action.kind),
    );
    let quit = false;
    yield* eachLine(this.#ctx, files, (line) => {
      this.#waiting.push(line);
      if (needsNext) return false;
      quit = this.#cycle() === 'quit';
      return quit;
    });
    this.#ended = true;
    if (!quit) this.#work();
  }

  lines(lines: readonly string[]): void {
    this.#waiting = [...lines];
    this.#ended = true;
    this.#work();
  }

  #work(): void {
    while (this.#waiting.length > 0 && this.#ctx.session.limit === undefined)
      if (this.#cycle() === 'quit') return;
  }

  get #last(): boolean {
    return this.#ended && this.#waiting.length === 0;
  }

  /** One line through the program; `D` goes on with what is left of it. */
  #cycle(): End {
    this.#pattern = this.#waiting.shift() ?? '';
    this.#number++;
    for (;;) {
      this.#after = '';
      const end = this.#commands();
      if (end !== 'restart') return end;
      if (this.#ctx.session.limit !== undefined) return 'quit';
    }
  }

  #commands(): End {
    const { session } = this.#ctx;
    for (let at = 0; at < this.#program.length; at++) {
      session.steps += 0.1;
      if (session.steps > session.limits.scriptSteps) session.limit ??= 'scriptSteps';
      if (session.limit !== undefined) return 'quit';
      const command = this.#program[at];
      if (command === undefined) break;
      const { action } = command;
      if (this.#selects(command) === command.negated) {
        if (action.kind === '{') at = action.end - 1;
        continue;
      }
      switch (action.kind) {
        case '{':
          break;
        case 'b':
          at = action.to - 1;
          break;
        case 't':
        case 'T':
          if (this.#substituted === (action.kind === 't')) at = action.to - 1;
          this.#substituted = false;
          break;
        case 'p':
          this.#out(`${this.#pattern}\n`);
          break;
        case 'P':
          this.#out(`${this.#firstLine()}\n`);
          break;
        case 'l':
          this.#out(`${visible(this.#pattern)}$\n`);
          break;
        case '=':
          this.#out(`${this.#number}\n`);
          break;
        case 'd':
          this.#out(this.#after);
          return 'next';
        case 'D': {
          if (!this.#pattern.includes('\n')) return 'next';
          this.#pattern = this.#pattern.slice(this.#pattern.indexOf('\n') + 1);
          return 'restart';
        }
        case 'n':
          if (this.#last) return this.#finish('quit');
          this.#finish('next');
          this.#after = '';
          this.#pattern = this.#waiting.shift() ?? '';
          this.#number++;
          break;
        case 'N':
          // GNU prints what it has when there is no next line.
          if (this.#last) return this.#finish('quit');
          this.#grow(`\n${this.#waiting.shift() ?? ''}`);
          this.#number++;
          break;
        case 'h':
          this.#hold = this.#pattern;
          break;
        case 'H':
          if (this.#hold.length <= session.limits.output) this.#hold += `\n${this.#pattern}`;
          break;
        case 'g':
          this.#pattern = this.#hold;
          break;
        case 'G':
          this.#grow(`\n${this.#hold}`);
          break;
        case 'x':
          [this.#pattern, this.#hold] = [this.#hold, this.#pattern];
          break;
        case 'z':
          this.#pattern = '';
          break;
        case 'q':
          this.status = action.status;
          return this.#finish('quit');
        case 'Q':
          this.status = action.status;
          return 'quit';
        case 'i':
          this.#out(`${action.text}\n`);
          break;
        case 'a':
          this.#after += `${action.text}\n`;
          break;
        case 'c':
          // A range is changed once, at its end.
          if (command.to === undefined || !this.#ranges.has(command)) this.#out(`${action.text}\n`);
          return 'next';
        case 'y':
          this.#pattern = [...this.#pattern]
            .map((char) =>
              action.from.includes(char) ? (action.to[action.from.indexOf(char)] ?? char) : char,
            )
            .join('');
          break;
        case 's':
          if (this.#substitute(action)) {
            this.#substituted = true;
            if (action.print) this.#out(`${this.#pattern}\n`);
          }
          break;
      }
    }
    return this.#finish('next');
  }

  #finish(end: End): End {
    if (this.#quiet === 'loud') this.#out(`${this.#pattern}\n`);
    this.#out(this.#after);
    this.#substituted = false;
    return end;
  }

  #firstLine(): string {
    const end = this.#pattern.indexOf('\n');
    return end < 0 ? this.#pattern : this.#pattern.slice(0, end);
  }

  #grow(text: string): void {
    if (this.#pattern.length + text.length <= this.#ctx.session.limits.output) this.#pattern += text;
    else this.#ctx.session.limit ??= 'output';
  }

  #substitute(action: Extract<SedCommand['action'], { kind: 's' }>): boolean {
    const before = this.#pattern;
    let [seen, kept, text] = [0, 0, ''];
    for (const match of action.pattern.matches(before, this.#budget)) {
      if (++seen < action.nth) continue;
      text += before.slice(kept, match.start) + replacement(action.replacement, match);
      kept = match.end;
      if (!action.global || text.length > this.#ctx.session.limits.output) break;
    }
    this.#pattern = '';
    this.#grow(text + before.slice(kept));
    return seen >= action.nth;
  }

  #selects(command: SedCommand): boolean {
    const { from, to } = command;
    if (from === undefined) return true;
    if (to === undefined) return this.#matches(from);
    const end = this.#ranges.get(command);
    if (end !== undefined) {
      const reached = to.kind === 'line' || to.kind === 'plus' ? this.#number >= end : this.#matches(to);
      if (reached) this.#ranges.delete(command);
      return to.kind !== 'line' || this.#number <= end;
    }
    // GNU's `0,/re/` may end at the first line.
    const zero = from.kind === 'line' && from.line === 0 && this.#number === 1 && to.kind === 'pattern';
    if (!zero && !this.#matches(from)) return false;
    if (zero && this.#matches(to)) return true;
    const last = to.kind === 'line' ? to.line : to.kind === 'plus' ? this.#number + to.count : Infinity;
    if (last > this.#number) this.#ranges.set(command, last);
    return true;
  }

  #matches(address: Address): boolean {
    switch (address.kind) {
      case 'line':
        return this.#number === address.line;
      case 'last':
        return this.#last;
      case 'step':
        return address.step === 0
          ? this.#number === address.first
          : this.#number >= address.first && (this.#number - address.first) % address.step === 0;
      case 'pattern':
        return address.pattern.test(this.#pattern, this.#budget);
    }
  }
}

/** `&` and `\1` stand for what matched, `\n` for a newline; `\U` and `\L` change the case up to `\E`. */
function replacement(text: string, { groups }: Match): string {
  let letters: 'as they are' | 'upper' | 'lower' = 'as they are';
  let result = '';
  const add = (piece: string): void => {
    result += letters === 'upper' ? piece.toUpperCase() : letters === 'lower' ? piece.toLowerCase() : piece;
  };
  for (const [token, escaped] of text.matchAll(/\\([\s\S])|[\s\S]/g)) {
    if (escaped === undefined) add(token === '&' ? (groups[0] ?? '') : token);
    else if (/[0-9]/.test(escaped)) add(groups[Number(escaped)] ?? '');
    else if (escaped === 'U') letters = 'upper';
    else if (escaped === 'L') letters = 'lower';
    else if (escaped === 'E') letters = 'as they are';
    else add(escaped === 'n' ? '\n' : escaped === 't' ? '\t' : escaped);
  }
  return result;
}

/** What `l` shows. */
function visible(text: string): string {
  return text.replaceAll('\\', '\\\\').replaceAll('\t', '\\t').replaceAll('\n', '\\n');
}
