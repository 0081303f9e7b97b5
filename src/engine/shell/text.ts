import type { Task } from '../net/task.ts';
import { resolve } from './expand.ts';
import { fileErrorText } from './files.ts';
import { getopt, optionErrorText, type GetoptSpec, type Options } from './getopt.ts';
import type { ToolContext } from './tool.ts';

/** Reads lines (without newline) of files, or of standard input when there are none or `-`; `visit` returns true to stop. */
export function* eachLine(
  ctx: ToolContext,
  files: readonly string[],
  visit: (line: string, file: string) => unknown,
): Task<number> {
  let status = 0;
  for (const file of files.length === 0 ? ['-'] : files) {
    if (file === '-') {
      for (;;) {
        const line = yield* ctx.stdin.readLine();
        if (line === undefined || ctx.session.limit !== undefined) break;
        if (visit(line.replace(/\n$/, ''), file) === true) return status;
      }
      continue;
    }
    const text = readFile(ctx, file);
    if (text === undefined) {
      status = 1;
      continue;
    }
    if (text === '') continue;
    for (const line of text.replace(/\n$/, '').split('\n')) if (visit(line, file) === true) return status;
  }
  return status;
}

/** A file's text; its error is printed. */
export function readFile(ctx: ToolContext, file: string): string | undefined {
  const result = ctx.files.read(resolve(ctx.cwd, file));
  if (result.ok) return result.value;
  ctx.err(`${ctx.name}: ${file}: ${fileErrorText(result.error)}\n`);
  return undefined;
}

/** Parsed options, or undefined when the error has been printed. */
export function options(ctx: ToolContext, args: readonly string[], spec: GetoptSpec): Options | undefined {
  const result = getopt(args, spec);
  if (result.ok) return result.options;
  ctx.err(`${optionErrorText(ctx.name, result.error)}\n`);
  return undefined;
}

/** A POSIX regular expression as JavaScript's; undefined when it is none. */
export function posixRegExp(
  pattern: string,
  kind: 'basic' | 'extended' | 'fixed',
  flags = '',
): RegExp | undefined {
  let source = pattern;
  if (kind === 'fixed') source = pattern.replace(/[\\^$.*+?()[\]{}|]/g, '\\$&');
  else {
    source = source.replace(
      /\[(\^?\]?(?:\[:\w+:\]|[^\]])*)\]|\\.|[+?(){}|]/g,
      (token, set: string | undefined) => {
        if (set !== undefined) return bracket(set);
        if (kind === 'extended') return token;
        // In a basic expression the escaped ones are the operators.
        if (/^\\[+?(){}|]$/.test(token)) return token.slice(1);
        return token.length === 1 ? `\\${token}` : token;
      },
    );
    source = source.replaceAll('\\<', '\\b').replaceAll('\\>', '\\b');
  }
  try {
    return new RegExp(source, flags);
  } catch {
    return undefined;
  }
}

const CLASSES: Readonly<Record<string, string>> = {
  alnum: 'A-Za-z0-9',
  alpha: 'A-Za-z',
  digit: '0-9',
  lower: 'a-z',
  upper: 'A-Z',
  space: '\\s',
  blank: ' \\t',
  punct: '!-\\/:-@\\[-`{-~',
  xdigit: '0-9A-Fa-f',
  word: '\\w',
};

function bracket(set: string): string {
  const negated = set.startsWith('^');
  const body = (negated ? set.slice(1) : set).replace(
    /\[:(\w+):\]|[\\\][]/g,
    (token, name: string | undefined) => (name === undefined ? `\\${token}` : (CLASSES[name] ?? '')),
  );
  return `[${negated ? '^' : ''}${body}]`;
}
