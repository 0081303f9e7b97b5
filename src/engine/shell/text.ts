import type { Task } from '../net/task.ts';
import { resolve } from './expand.ts';
import { fileErrorText } from './files.ts';
import { getopt, optionErrorText, type GetoptSpec, type Options } from './getopt.ts';
import type { Budget } from './regex/machine.ts';
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

/** Instructions of a regular expression that count as one step of the line that a person typed. */
const INSTRUCTIONS_PER_STEP = 1000;

/** What searching may cost, out of what is left for the line. */
export function searchBudget({ session }: Pick<ToolContext, 'session'>): Budget {
  return {
    spend: (instructions) => {
      session.steps += instructions / INSTRUCTIONS_PER_STEP;
      if (session.steps > session.limits.scriptSteps) session.limit ??= 'scriptSteps';
      return session.limit === undefined;
    },
  };
}
