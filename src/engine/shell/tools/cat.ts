import { options, readFile } from '../text.ts';
import { resolve } from '../expand.ts';
import { fileErrorText } from '../files.ts';
import type { Task } from '../../net/task.ts';
import type { Tool, ToolContext } from '../tool.ts';

export const cat: Tool = function* (ctx, args) {
  const given = options(ctx, args, { short: 'nAbeEstTuv', long: { number: 'n' } });
  if (given === undefined) {
    ctx.err("Try 'cat --help' for more information.\n");
    return 1;
  }
  let status = 0;
  let number = 0;
  const print = (text: string): void => {
    ctx.out(
      given.has('n')
        ? text.replace(/^(?=[^]).*/gm, (line) =>
            line === '' && number === 0 ? line : `${String(++number).padStart(6)}\t${line}`,
          )
        : text,
    );
  };
  for (const file of given.rest.length === 0 ? ['-'] : given.rest) {
    if (file === '-') {
      for (;;) {
        const line = yield* ctx.stdin.readLine();
        if (line === undefined || ctx.session.limit !== undefined) break;
        print(line);
      }
      continue;
    }
    const text = readFile(ctx, file);
    if (text === undefined) status = 1;
    else print(text);
  }
  return status;
};

export const tee: Tool = function* (ctx, args) {
  const given = options(ctx, args, { short: 'ai' });
  if (given === undefined) return 1;
  let status = 0;
  const paths: string[] = [];
  for (const file of given.rest) {
    const path = resolve(ctx.cwd, file);
    const opened = ctx.files.write(path, '', given.has('a') ? 'append' : 'truncate');
    if (opened.ok) paths.push(path);
    else {
      ctx.err(`tee: ${file}: ${fileErrorText(opened.error)}\n`);
      status = 1;
    }
  }
  for (;;) {
    const line = yield* ctx.stdin.readLine();
    if (line === undefined || ctx.session.limit !== undefined) return status;
    ctx.out(line);
    for (const path of paths) ctx.files.write(path, line, 'append');
  }
};

export const ls: Tool = (ctx, args) => list(ctx, args, false);
export const busyboxLs: Tool = (ctx, args) => list(ctx, args, true);

function* list(ctx: ToolContext, args: readonly string[], busybox: boolean): Task<number> {
  const given = options(ctx, args, { short: 'la1AhdrtRF', long: { all: 'a', color: 'color' } });
  if (given === undefined) return 2;
  let status = 0;
  const targets = given.rest.length === 0 ? ['.'] : given.rest;
  for (const [i, target] of targets.entries()) {
    const path = resolve(ctx.cwd, target);
    const kind = ctx.files.kind(path);
    if (kind === undefined) {
      ctx.err(`ls: ${busybox ? target : `cannot access '${target}'`}: No such file or directory\n`);
      status = busybox ? 1 : 2;
      continue;
    }
    const names = kind === 'file' || given.has('d') ? undefined : ctx.files.list(path);
    if (names !== undefined && targets.length > 1) ctx.out(`${i > 0 ? '\n' : ''}${target}:\n`);
    for (const name of names?.ok === true ? names.value : [target]) {
      if (name.startsWith('.') && !given.has('a') && !given.has('A') && names !== undefined) continue;
      ctx.out(`${name}\n`);
    }
  }
  return status;
}
