import { resourceKinds, resourceNamed } from '../../api/kinds.ts';
import type { Store } from '../../api/store.ts';
import { type Command, commands, findCommand, globalFlags } from './commands.ts';
import { type FlagSpec, readSpecs } from './flags.ts';
import { byBytes } from './value.ts';

/** What may stand in place of the last word of a kubectl line: commands, flags, resource types, names. Without `kubectl` itself. */
export function completeKubectl(store: Store, words: readonly string[]): readonly string[] {
  const partial = words.at(-1) ?? '';
  const before = words.slice(0, -1);
  if (before.includes('--')) return [];
  let list = commands;
  let command: Command | undefined;
  const args: string[] = [];
  const flags = new Map<string, string>();
  let pending: FlagSpec | undefined;
  for (const word of before) {
    if (pending !== undefined) {
      flags.set(pending.name, word);
      pending = undefined;
      continue;
    }
    const specs = specsOf(command);
    const flag = /^(--?)([\w-]+)(?:=(.*))?$/.exec(word);
    if (flag !== null) {
      const [, dashes, name = '', value] = flag;
      const spec = specs.find((candidate) =>
        dashes === '--' ? candidate.name === name : candidate.short === name,
      );
      if (spec !== undefined && value !== undefined) flags.set(spec.name, value);
      else if (spec !== undefined && spec.bare === undefined) pending = spec;
      continue;
    }
    const next = findCommand(list, word);
    if (next === undefined) args.push(word);
    else {
      command = next;
      list = next.commands ?? [];
    }
  }
  const namespace = flags.get('namespace') ?? 'default';
  const options = pending === undefined ? positional() : valuesOf(store, pending, namespace, args);
  return [...new Set(options)].filter((option) => option.startsWith(partial)).sort(byBytes);

  function positional(): readonly string[] {
    if (partial.startsWith('-')) return specsOf(command).map(({ name }) => `--${name}`);
    if (command === undefined) return commands.map(({ name }) => name);
    if (list.length > 0 && args.length === 0)
      return [...list.map(({ name }) => name), ...targets(store, command, args, partial, namespace)];
    return targets(store, command, args, partial, namespace);
  }
}

function specsOf(command: Command | undefined): readonly FlagSpec[] {
  return readSpecs(`${command?.flags ?? ''} ${globalFlags}`);
}

function valuesOf(
  store: Store,
  flag: FlagSpec,
  namespace: string,
  args: readonly string[],
): readonly string[] {
  switch (flag.name) {
    case 'namespace':
      return namesOf(store, 'Namespace', undefined);
    case 'output':
      return ['json', 'yaml', 'name', 'wide', 'jsonpath=', 'custom-columns='];
    case 'container': {
      const pod = store.get('Pod', namespace, (args[0] ?? '').replace(/^pods?\//, ''));
      return pod?.spec.containers.map(({ name }) => name) ?? [];
    }
    default:
      return [];
  }
}

const podCommands = new Set(['exec', 'logs', 'attach', 'port-forward']);
const nodeCommands = new Set(['cordon', 'uncordon', 'drain']);
const typed = new Set(
  'get describe delete edit label annotate scale expose patch wait explain history pause restart resume status undo image env'.split(
    ' ',
  ),
);

function targets(
  store: Store,
  { name }: Command,
  args: readonly string[],
  partial: string,
  namespace: string,
): readonly string[] {
  if (podCommands.has(name)) return args.length === 0 ? namesOf(store, 'Pod', namespace) : [];
  if (nodeCommands.has(name)) return namesOf(store, 'Node', undefined);
  if (!typed.has(name)) return [];
  const slash = partial.indexOf('/');
  if (slash > 0) {
    const resource = resourceNamed(partial.slice(0, slash));
    if (resource === undefined) return [];
    const prefix = partial.slice(0, slash + 1);
    return namesOf(store, resource.kind, resource.namespaced ? namespace : undefined).map(
      (each) => prefix + each,
    );
  }
  const [type] = args;
  if (type === undefined) return resourceKinds.filter(({ modelled }) => modelled).map(({ plural }) => plural);
  const resource = resourceNamed(type);
  return resource === undefined
    ? []
    : namesOf(store, resource.kind, resource.namespaced ? namespace : undefined);
}

function namesOf(store: Store, kind: string, namespace: string | undefined): readonly string[] {
  return store.list(kind, namespace).map(({ metadata }) => metadata.name);
}
