import { options } from '../text.ts';
import type { Tool } from '../tool.ts';

export const basename: Tool = function* (ctx, args) {
  const given = options(ctx, args, { short: 'as:', long: { suffix: 's:', multiple: 'a' } });
  if (given === undefined) return 1;
  const many = given.has('a') || given.has('s');
  const [first] = given.rest;
  if (first === undefined) {
    ctx.err("basename: missing operand\nTry 'basename --help' for more information.\n");
    return 1;
  }
  const suffix = given.value('s') ?? (many ? '' : (given.rest[1] ?? ''));
  for (const path of many ? given.rest : [first]) {
    const bare = withoutSlashes(path);
    const name = bare.slice(bare.lastIndexOf('/') + 1) || bare;
    ctx.out(
      `${name !== suffix && name.endsWith(suffix) ? name.slice(0, name.length - suffix.length) : name}\n`,
    );
  }
  return 0;
};

export const dirname: Tool = function* (ctx, args) {
  if (args.length === 0) {
    ctx.err("dirname: missing operand\nTry 'dirname --help' for more information.\n");
    return 1;
  }
  for (const path of args) {
    const bare = withoutSlashes(path);
    const at = bare.lastIndexOf('/');
    ctx.out(`${at < 0 ? '.' : withoutSlashes(bare.slice(0, at)) || '/'}\n`);
  }
  return 0;
};

function withoutSlashes(path: string): string {
  let end = path.length;
  while (end > 1 && path[end - 1] === '/') end--;
  return path.slice(0, end);
}
