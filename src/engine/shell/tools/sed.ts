import type { Budget } from '../regex/machine.ts';
import { Regex, type Match } from '../regex/regex.ts';
import { eachLine, options, searchBudget } from '../text.ts';
import type { Tool } from '../tool.ts';

type Address = { readonly line: number } | { readonly last: true } | { readonly pattern: Regex };

interface Command {
  readonly from?: Address;
  readonly to?: Address;
  readonly negated: boolean;
  readonly run:
    | { readonly kind: 'p' | 'd' | 'q' | '=' }
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
    | { readonly kind: 'y'; readonly from: string; readonly to: string };
  active: boolean;
}

/** `s`, `p`, `d`, `q`, `=`, `a`, `i`, `c`, `y` with addresses; what else sed can do is refused. */
export const sed: Tool = function* (ctx, args) {
  const given = options(ctx, args, {
    short: 'nEre:su',
    long: { quiet: 'n', silent: 'n', 'regexp-extended': 'E', expression: 'e:' },
  });
  if (given === undefined) return 1;
  const files = [...given.rest];
  const script = (given.has('e') ? given.values('e') : files.splice(0, 1)).join('\n');
  if (script === '') {
    ctx.err('Usage: sed [OPTION]... {script-only-if-no-other-script} [input-file]...\n');
    return 1;
  }
  const parsed = parseScript(script, given.has('E') || given.has('r') ? 'extended' : 'basic');
  if (typeof parsed === 'string') {
    ctx.err(`sed: -e expression #1, char ${script.length}: ${parsed}\n`);
    return 1;
  }
  const lines: string[] = [];
  const budget = searchBudget(ctx);
  const needsLast = parsed.some(
    (c) => (c.from !== undefined && 'last' in c.from) || (c.to !== undefined && 'last' in c.to),
  );
  let number = 0;
  const process = (input: string, last: boolean): boolean => {
    number++;
    let line = input;
    let after = '';
    for (const command of parsed) {
      if (selects(command, number, line, last, budget) === command.negated) continue;
      const { run } = command;
      switch (run.kind) {
        case 'p':
          ctx.out(`${line}\n`);
          break;
        case '=':
          ctx.out(`${number}\n`);
          break;
        case 'd':
          return false;
        case 'q':
          if (!given.has('n')) ctx.out(`${line}\n`);
          return true;
        case 'i':
          ctx.out(`${run.text}\n`);
          break;
        case 'a':
          after += `${run.text}\n`;
          break;
        case 'c':
          ctx.out(`${run.text}\n`);
          return false;
        case 'y':
          line = [...line]
            .map((c) => (run.from.includes(c) ? (run.to[run.from.indexOf(c)] ?? c) : c))
            .join('');
          break;
        case 's': {
          const before = line;
          let seen = 0;
          let kept = 0;
          line = '';
          for (const match of run.pattern.matches(before, budget)) {
            if (++seen < run.nth) continue;
            line += before.slice(kept, match.start) + replacement(run.replacement, match);
            kept = match.end;
            if (!run.global || line.length > ctx.session.limits.output) break;
          }
          const changed = seen >= run.nth;
          line += before.slice(kept);
          if (line.length > ctx.session.limits.output) {
            ctx.session.limit ??= 'output';
            return true;
          }
          if (changed && run.print) ctx.out(`${line}\n`);
          break;
        }
      }
    }
    if (!given.has('n')) ctx.out(`${line}\n`);
    ctx.out(after);
    return false;
  };
  const status = yield* eachLine(ctx, files, (line) => {
    if (!needsLast) return process(line, false);
    lines.push(line);
    return false;
  });
  for (const [i, line] of lines.entries()) if (process(line, i === lines.length - 1)) break;
  return status === 0 ? 0 : 2;
};

/** `&` and `\1` stand for what matched, `\n` for a newline. */
function replacement(text: string, { groups }: Match): string {
  return text.replace(/\\([\s\S])|&/g, (token, escaped: string | undefined) => {
    if (escaped === undefined) return groups[0] ?? '';
    if (/[0-9]/.test(escaped)) return groups[Number(escaped)] ?? '';
    return escaped === 'n' ? '\n' : escaped === 't' ? '\t' : escaped;
  });
}

function matches(address: Address, number: number, line: string, last: boolean, budget: Budget): boolean {
  if ('line' in address) return number === address.line;
  if ('last' in address) return last;
  return address.pattern.test(line, budget);
}

function selects(command: Command, number: number, line: string, last: boolean, budget: Budget): boolean {
  const { from, to } = command;
  if (from === undefined) return true;
  if (to === undefined) return matches(from, number, line, last, budget);
  if (command.active) {
    const ends = 'line' in to ? number >= to.line : matches(to, number, line, last, budget);
    if (ends) command.active = false;
    return !('line' in to) || number <= to.line;
  }
  if (!matches(from, number, line, last, budget)) return false;
  command.active = !('line' in to && to.line <= number);
  return true;
}

function parseScript(script: string, kind: 'basic' | 'extended'): Command[] | string {
  const commands: Command[] = [];
  let at = 0;
  const delimited = (end: string): string | undefined => {
    let text = '';
    for (; at < script.length; at++) {
      if (script[at] === end) {
        at++;
        return text;
      }
      if (script[at] === '\\' && at + 1 < script.length) {
        at++;
        text += script[at] === end ? end : `\\${script[at] ?? ''}`;
      } else text += script[at];
    }
    return undefined;
  };
  let failed: string | undefined;
  const address = (): Address | undefined => {
    const digits = /^\d+/.exec(script.slice(at, at + 10))?.[0];
    if (digits !== undefined) {
      at += digits.length;
      return { line: Number(digits) };
    }
    if (script[at] === '$') {
      at++;
      return { last: true };
    }
    if (script[at] !== '/') return undefined;
    at++;
    const text = delimited('/');
    const pattern =
      text === undefined
        ? { error: 'unterminated address regex' }
        : Regex.parse(text, { syntax: kind, escapes: 'sed' });
    if (!('error' in pattern)) return { pattern };
    failed ??= pattern.error;
    return undefined;
  };
  for (;;) {
    while (/[\s;]/.test(script[at] ?? '')) at++;
    if (at >= script.length) return commands;
    const from = address();
    let to: Address | undefined;
    if (from !== undefined && script[at] === ',') {
      at++;
      to = address();
      if (to === undefined) return failed ?? "unexpected `,'";
    }
    if (failed !== undefined) return failed;
    while (script[at] === ' ') at++;
    const negated = script[at] === '!';
    if (negated) at++;
    const letter = script[at++] ?? '';
    const where = {
      negated,
      active: false,
      ...(from === undefined ? {} : { from }),
      ...(to === undefined ? {} : { to }),
    };
    switch (letter) {
      case 'p':
      case 'd':
      case 'q':
      case '=':
        commands.push({ ...where, run: { kind: letter } });
        break;
      case 'a':
      case 'i':
      case 'c': {
        // GNU's one-line form, and `a\` with the text on the next line.
        if (/^[ \t]*\\\n/.test(script.slice(at))) at = script.indexOf('\n', at) + 1;
        const end = script.indexOf('\n', at);
        const text = script.slice(at, end < 0 ? undefined : end).replace(/^\s*\\?\s*/, '');
        at = end < 0 ? script.length : end;
        commands.push({ ...where, run: { kind: letter, text } });
        continue;
      }
      case 's':
      case 'y': {
        const end = script[at++];
        if (end === undefined) return `unterminated \`${letter}' command`;
        const first = delimited(end);
        const second = first === undefined ? undefined : delimited(end);
        if (first === undefined || second === undefined) return `unterminated \`${letter}' command`;
        if (letter === 'y') {
          commands.push({ ...where, run: { kind: 'y', from: first, to: second } });
          break;
        }
        const flags = /^[gpiI0-9]*/.exec(script.slice(at, at + 20))?.[0] ?? '';
        at += flags.length;
        const nth = Number(/\d+/.exec(flags)?.[0] ?? 1);
        const pattern = Regex.parse(first, {
          syntax: kind,
          escapes: 'sed',
          letters: /i/i.test(flags) ? 'any case' : 'exact',
        });
        if ('error' in pattern) return pattern.error;
        const groups = Math.max(0, ...[...second.matchAll(/\\(\d)/g)].map(([, digit]) => Number(digit)));
        if (groups > pattern.groups) return `invalid reference \\${groups} on \`s' command's RHS`;
        commands.push({
          ...where,
          run: {
            kind: 's',
            pattern,
            replacement: second,
            print: flags.includes('p'),
            nth,
            global: flags.includes('g'),
          },
        });
        break;
      }
      case '':
        return 'missing command';
      default:
        return `unknown command: \`${letter}'`;
    }
    while (script[at] === ' ') at++;
    if (at < script.length && !/[;\n}]/.test(script[at] ?? '')) return "unknown option to `s'";
  }
}
