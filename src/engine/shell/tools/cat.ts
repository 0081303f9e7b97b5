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
    const shown = names?.ok === true ? names.value : [target];
    const visible = shown.filter(
      (name) => !name.startsWith('.') || given.has('a') || given.has('A') || names === undefined,
    );
    if (given.has('l')) longList(ctx, names === undefined ? '' : path, visible, busybox);
    else for (const name of visible) ctx.out(`${name}\n`);
  }
  return status;
}

/** `ls -l`: the columns as wide as their widest, BusyBox's as wide as always. */
function longList(ctx: ToolContext, directory: string, names: readonly string[], busybox: boolean): void {
  const entries = names.map((name) => {
    const path = directory === '' ? resolve(ctx.cwd, name) : `${directory === '/' ? '' : directory}/${name}`;
    const isDirectory = ctx.files.kind(path) === 'directory';
    const text = isDirectory ? undefined : ctx.files.read(path);
    const size = isDirectory ? 4096 : text?.ok === true ? text.value.length : 0;
    return { name, mode: isDirectory ? 'drwxr-xr-x' : '-rw-r--r--', links: isDirectory ? 2 : 1, size };
  });
  // In blocks of a kilobyte, four to a page.
  if (directory !== '')
    ctx.out(`total ${entries.reduce((sum, { size }) => sum + 4 * Math.ceil(size / 4096), 0)}\n`);
  const width = Math.max(0, ...entries.map(({ size }) => String(size).length));
  for (const { name, mode, links, size } of entries)
    ctx.out(
      busybox
        ? `${mode} ${String(links).padStart(4)} root     root     ${String(size).padStart(9)} Jan  1 00:00 ${name}\n`
        : `${mode} ${links} root root ${String(size).padStart(width)} Jan  1 00:00 ${name}\n`,
    );
}
