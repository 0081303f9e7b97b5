import type { Task } from '../../net/task.ts';
import type { Tool, ToolContext } from '../tool.ts';
import { type Command, commands, findCommand, globalFlags } from './commands.ts';
import { type Flags, parseFlags, readSpecs } from './flags.ts';
import { commandHelp, optionsHelp, rootHelp, unknownCommand } from './help.ts';
import type { KubeConfig, KubectlHost } from './host.ts';
import { Failure, Invocation } from './invocation.ts';
import { readSources } from './sources.ts';

export { completeKubectl } from './completion.ts';
export type { KubectlHost } from './host.ts';

/** `kubectl` for a cluster; it remembers what `kubectl config` sets. */
export function createKubectl(host: KubectlHost): Tool {
  const config: KubeConfig = { namespace: '' };
  return (ctx, args) => kubectl(ctx, host, config, args);
}

function* kubectl(
  ctx: ToolContext,
  host: KubectlHost,
  config: KubeConfig,
  args: readonly string[],
): Task<number> {
  const before = parseFlags(args, readSpecs(globalFlags), { untilArgument: true });
  if ('error' in before) {
    // An unknown flag is taken to have a value; what stands after it would be the command.
    const [flag = '', , name] = args.slice(args.findIndex((arg) => arg.startsWith('-')));
    if (name === undefined || findCommand(commands, name) !== undefined) {
      return fail(
        ctx,
        `${before.error}\nSee 'kubectl ${name === undefined ? '' : `${name} `}--help' for usage.`,
      );
    }
    ctx.err(`Error: flags cannot be placed before plugin name: ${flag}\n`);
    return 1;
  }
  if ('help' in before) return print(ctx, rootHelp());
  const [first, ...rest] = before.flags.args;
  const given = args.slice(0, args.length - before.flags.args.length);
  if (first === undefined) return print(ctx, rootHelp());
  if (first === 'options') return print(ctx, optionsHelp(globalFlags));
  if (first === 'help') return help(ctx, rest);
  const root = findCommand(commands, first);
  if (root === undefined) return fail(ctx, unknownCommand(first));
  const { command, path, args: own } = descend(root, rest);
  if (command.verb === undefined) {
    const stray = own.filter((arg) => !arg.startsWith('-'));
    if (stray.length === 0 || own.includes('--help') || own.includes('-h')) {
      const asked = own.includes('--help') || own.includes('-h');
      if (asked) return print(ctx, commandHelp(path, command));
      ctx.err(commandHelp(path, command));
      return 1;
    }
    return fail(
      ctx,
      `unknown command ${JSON.stringify(stray.join(' '))}\nSee 'kubectl ${path} -h' for help and examples`,
    );
  }
  const parsed = parseFlags([...given, ...own], readSpecs(`${command.flags} ${globalFlags}`));
  if ('help' in parsed) return print(ctx, commandHelp(path, command));
  if ('error' in parsed) return fail(ctx, `${parsed.error}\nSee 'kubectl ${path} --help' for usage.`);
  const { flags } = parsed;
  const problem = serverProblem(flags);
  if (problem !== undefined) return fail(ctx, problem);
  const sources = flags.has('filename') ? yield* readSources(ctx, flags.list('filename')) : [];
  if (sources instanceof Failure) {
    ctx.err(`${sources.text}\n`);
    return 1;
  }
  return yield* command.verb(new Invocation(ctx, host, config, path, flags, sources));
}

/** Follows the names of subcommands: `rollout status`, `create service clusterip`. */
function descend(
  root: Command,
  args: readonly string[],
): { command: Command; path: string; args: readonly string[] } {
  let command = root;
  let path = root.name;
  let rest = args;
  for (;;) {
    const at = rest.findIndex((arg) => !arg.startsWith('-'));
    const next =
      at < 0 || rest.slice(0, at).includes('--')
        ? undefined
        : findCommand(command.commands ?? [], rest[at] ?? '');
    // A flag's value may stand before a name, but only where the command itself does something.
    if (next === undefined || (at > 0 && command.verb !== undefined)) return { command, path, args: rest };
    command = next;
    path = `${path} ${next.name}`;
    rest = rest.filter((_, index) => index !== at);
  }
}

function serverProblem(flags: Flags): string | undefined {
  const context = flags.text('context');
  if (context !== '' && context !== 'kubernetes-admin@kubernetes')
    return `context ${JSON.stringify(context)} does not exist`;
  return undefined;
}

function help(ctx: ToolContext, args: readonly string[]): number {
  const [first, ...rest] = args;
  if (first === undefined) return print(ctx, rootHelp());
  const root = findCommand(commands, first);
  if (root === undefined) return fail(ctx, `Unknown help topic [\`${first}\`]`);
  const { command, path } = descend(root, rest);
  return print(ctx, commandHelp(path, command));
}

function print(ctx: ToolContext, text: string): number {
  ctx.out(text);
  return 0;
}

function fail(ctx: ToolContext, message: string): number {
  ctx.err(`error: ${message}\n`);
  return 1;
}
