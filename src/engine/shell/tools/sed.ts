import type { Tool } from '../tool.ts';
import { eachLine, options, posixRegExp } from '../text.ts';

type Address = { readonly line: number } | { readonly last: true } | { readonly pattern: RegExp };

interface Command {
  readonly from?: Address;
  readonly to?: Address;
  readonly negated: boolean;
  readonly run:
    | { readonly kind: 'p' | 'd' | 'q' | '=' }
    | {
        readonly kind: 's';
        readonly pattern: RegExp;
        readonly replacement: string;
        readonly print: boolean;
        readonly nth: number;
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
  const needsLast = parsed.some(
    (c) => (c.from !== undefined && 'last' in c.from) || (c.to !== undefined && 'last' in c.to),
  );
  let number = 0;
  const process = (input: string, last: boolean): boolean => {
    number++;
    let line = input;
    let after = '';
    for (const command of parsed) {
      if (selects(command, number, line, last) === command.negated) continue;
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
          let seen = 0;
          let changed = false;
          line = line.replace(run.pattern, (...match: (string | number | undefined)[]) => {
            const whole = String(match[0]);
            if (++seen < run.nth) return whole;
            changed = true;
            return run.replacement.replace(/\\([0-9&n\\/])|&/g, (token, escaped: string | undefined) => {
              if (escaped === undefined) return whole;
              if (escaped === 'n') return '\n';
              return /[0-9]/.test(escaped) ? String(match[Number(escaped)] ?? '') : token.slice(1);
            });
          });
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

function matches(address: Address, number: number, line: string, last: boolean): boolean {
  if ('line' in address) return number === address.line;
  if ('last' in address) return last;
  return line.search(address.pattern) >= 0;
}

function selects(command: Command, number: number, line: string, last: boolean): boolean {
  const { from, to } = command;
  if (from === undefined) return true;
  if (to === undefined) return matches(from, number, line, last);
  if (command.active) {
    const ends = 'line' in to ? number >= to.line : matches(to, number, line, last);
    if (ends) command.active = false;
    return !('line' in to) || number <= to.line;
  }
  if (!matches(from, number, line, last)) return false;
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
    const pattern = text === undefined ? undefined : posixRegExp(text, kind);
    if (pattern === undefined) failed ??= 'unterminated address regex';
    return pattern === undefined ? undefined : { pattern };
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
        const pattern = posixRegExp(
          first,
          kind,
          `${flags.includes('g') || nth > 1 ? 'g' : ''}${/i/i.test(flags) ? 'i' : ''}`,
        );
        if (pattern === undefined) return 'invalid regular expression';
        commands.push({
          ...where,
          run: { kind: 's', pattern, replacement: second, print: flags.includes('p'), nth },
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
