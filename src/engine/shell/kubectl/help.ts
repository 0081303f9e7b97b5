import { type Command, commandGroups, commands } from './commands.ts';
import { type FlagSpec, readSpecs } from './flags.ts';

const seeOptions =
  'Use "kubectl options" for a list of global command-line options (applies to all commands).\n';

/** What `kubectl` alone prints. */
export function rootHelp(): string {
  const groups = commandGroups.map(([title, list]) => {
    const plugins = title === 'Other Commands' ? 'Subcommands provided by plugins:\n\n' : '';
    return `${plugins}${title}:\n${listCommands(list, 15)}`;
  });
  return (
    'kubectl controls the Kubernetes cluster manager.\n\n Find more information at: https://kubernetes.io/docs/reference/kubectl/\n\n' +
    `${groups.join('\n')}\nUsage:\n  kubectl [flags] [options]\n\n` +
    `Use "kubectl <command> --help" for more information about a given command.\n${seeOptions}`
  );
}

/** What a command without its subcommand prints, and `--help`. */
export function commandHelp(path: string, command: Command): string {
  const specs = readSpecs(command.flags);
  const available =
    command.commands === undefined
      ? ''
      : `${aliasesOf(command)}Available Commands:\n${listCommands(command.commands, Math.max(13, widest(command.commands) + 2))}\n`;
  const options =
    specs.length === 0 ? '' : `Options:\n${[...specs].sort(byName).map(showFlag).join('\n')}\n\n`;
  const more =
    command.commands === undefined
      ? ''
      : `Use "kubectl ${path} <command> --help" for more information about a given command.\n`;
  const usage =
    command.verb === undefined
      ? `kubectl ${path} ${withSubcommands.has(path) ? 'SUBCOMMAND' : '[flags]'} [options]`
      : `kubectl ${path} [options]`;
  return `${command.summary}.\n\n${available}${options}Usage:\n  ${usage}\n\n${more}${seeOptions}`;
}

const withSubcommands = new Set(['rollout', 'set', 'config']);

function aliasesOf({ name, aliases = [] }: Command): string {
  return aliases.length === 0 ? '' : `Aliases:\n${[name, ...aliases].join(', ')}\n\n`;
}

export function optionsHelp(flags: string): string {
  return `The following options can be passed to any command:\n\n${[...readSpecs(flags)].sort(byName).map(showFlag).join('\n')}\n`;
}

function listCommands(list: readonly Command[], width: number): string {
  return list.map(({ name, summary }) => `  ${name.padEnd(width)} ${summary}\n`).join('');
}

function widest(list: readonly Command[]): number {
  return Math.max(...list.map(({ name }) => name.length));
}

function byName(a: FlagSpec, b: FlagSpec): number {
  return a.name < b.name ? -1 : 1;
}

function showFlag({ name, short, kind }: FlagSpec): string {
  const values = { bool: 'false', int: '0', duration: '0s', list: '[]', text: "''" };
  return `    ${short === '' ? '' : `-${short}, `}--${name}=${values[kind]}`;
}

/** `unknown command`, and what was perhaps meant: cobra's suggestions by prefix and edit distance. */
export function unknownCommand(name: string): string {
  const meant = commands.filter(
    (command) => distance(name, command.name) <= 2 || command.name.startsWith(name.toLowerCase()),
  );
  const suggestions =
    meant.length === 0
      ? ''
      : `\n\nDid you mean this?\n${meant.map((command) => `\t${command.name}`).join('\n')}`;
  return `unknown command ${JSON.stringify(name)} for "kubectl"${suggestions}`;
}

/** Levenshtein's, ignoring case. */
function distance(a: string, b: string): number {
  if (Math.abs(a.length - b.length) > 2) return 3;
  let row = Array.from({ length: b.length + 1 }, (_, index) => index);
  for (let i = 1; i <= a.length; i++) {
    const next = [i];
    for (let j = 1; j <= b.length; j++) {
      const cost = a[i - 1]?.toLowerCase() === b[j - 1]?.toLowerCase() ? 0 : 1;
      next.push(Math.min((next[j - 1] ?? 0) + 1, (row[j] ?? 0) + 1, (row[j - 1] ?? 0) + cost));
    }
    row = next;
  }
  return row.at(-1) ?? 0;
}
