import { options } from '../text.ts';
import { fileErrorText } from '../files.ts';
import { matchPattern } from '../pattern.ts';
import type { Tool } from '../tool.ts';

export const sysctl: Tool = function* (ctx, args) {
  const given = options(ctx, args, {
    short: 'anNewqpr:',
    long: {
      all: 'a',
      values: 'n',
      names: 'N',
      ignore: 'e',
      write: 'w',
      quiet: 'q',
      system: 'p',
      load: 'p',
      pattern: 'r:',
    },
  });
  if (given === undefined) {
    ctx.err('\nUsage:\n sysctl [options] [variable[=value] ...]\n');
    return 1;
  }
  const { sysctl: table } = ctx.netns;
  const show = (name: string, value: string): void =>
    ctx.out(given.has('N') ? `${name}\n` : given.has('n') ? `${value}\n` : `${name} = ${value}\n`);
  if (given.has('a')) {
    const pattern = given.value('r');
    for (const { name, value } of table.list())
      if (pattern === undefined || name.includes(pattern)) show(name, value);
    return 0;
  }
  if (given.rest.length === 0 && !given.has('p')) {
    ctx.err("sysctl: no variables specified\nTry `sysctl --help' for more information.\n");
    return 1;
  }
  let status = 0;
  for (const arg of given.rest) {
    const equals = arg.indexOf('=');
    const typed = (equals < 0 ? arg : arg.slice(0, equals)).trim();
    const name = typed.includes('/')
      ? typed
          .split('/')
          .map((part) => part.replaceAll('.', '/'))
          .join('.')
          .replaceAll('/', '.')
      : typed;
    if (equals < 0) {
      const names = /[*?]/.test(name)
        ? table
            .list()
            .map((entry) => entry.name)
            .filter((known) => matchPattern(name, known))
        : [
            name,
            ...(table.get(name) === undefined
              ? table
                  .list()
                  .map((entry) => entry.name)
                  .filter((known) => known.startsWith(`${name}.`))
              : []),
          ];
      const found = names.filter((known) => table.get(known) !== undefined);
      for (const known of found) show(known, table.get(known) ?? '');
      if (found.length > 0) continue;
      if (!given.has('e'))
        ctx.err(`sysctl: cannot stat /proc/sys/${name.replaceAll('.', '/')}: ${fileErrorText('ENOENT')}\n`);
      status = given.has('e') ? status : 1;
      if (given.has('w') && !given.has('e')) ctx.err(`sysctl: "${arg}" must be of the form name=value\n`);
      continue;
    }
    const value = arg.slice(equals + 1).trim();
    const error = table.set(name, value);
    if (error === undefined) {
      if (!given.has('q')) show(name, value);
    } else if (error === 'unknown') {
      if (!given.has('e'))
        ctx.err(`sysctl: cannot stat /proc/sys/${name.replaceAll('.', '/')}: ${fileErrorText('ENOENT')}\n`);
      status = given.has('e') ? status : 1;
    } else {
      ctx.err(`sysctl: setting key "${name}": ${fileErrorText('EINVAL')}\n`);
      status = 1;
    }
  }
  return status;
};
