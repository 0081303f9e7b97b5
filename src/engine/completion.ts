import type { ApiServer } from './api/server.ts';
import { resourceKinds } from './api/kinds.ts';
import type { Completion } from './cluster.ts';
import type { EngineRuntime } from './runtime.ts';
import type { Place } from './shell/tool.ts';

export interface CompletionSources {
  readonly client: Place;
  readonly api: ApiServer;
  readonly runtime: EngineRuntime;
}

const MAX_OPTIONS = 100;
const verbs = [
  ...[
    'annotate',
    'api-resources',
    'apply',
    'cluster-info',
    'cordon',
    'create',
    'delete',
    'describe',
    'drain',
  ],
  ...['exec', 'expose', 'get', 'label', 'logs', 'patch', 'port-forward', 'rollout', 'run', 'scale', 'set'],
  ...['taint', 'uncordon', 'version', 'wait'],
];
const machines = ['ext', 'lan', 'router'];

/** What may stand where the cursor is: a command, a verb, a kind, an object's name, a host. */
export function completeLine(line: string, cursor: number, sources: CompletionSources): Completion {
  const before = line.slice(0, Math.max(0, cursor));
  // Only the last command of a pipeline or list counts.
  const begin = Math.max(...[';', '|', '&'].map((sign) => before.lastIndexOf(sign))) + 1;
  const words = before
    .slice(begin)
    .split(/\s+/)
    .filter((word) => word !== '');
  const fresh = /\s$/.test(before) || before.length === begin;
  const typed = fresh ? '' : (words.pop() ?? '');
  const options = candidates(words, sources)
    .filter((option) => option.startsWith(typed) && option !== typed)
    .sort();
  return { from: before.length - typed.length, options: [...new Set(options)].slice(0, MAX_OPTIONS) };
}

function candidates(words: readonly string[], { client, api, runtime }: CompletionSources): string[] {
  const [command, verb, ...rest] = words;
  if (command === undefined) return [...client.tools.keys()];
  if (command === 'ssh')
    return verb === undefined
      ? [...runtime.machines.keys(), ...machines]
      : rest.length === 0
        ? [...client.tools.keys()]
        : [];
  if (command !== 'kubectl' && command !== 'k') return [];
  if (verb === undefined) return verbs;
  const dashes = rest.indexOf('--');
  if (dashes >= 0) return rest.length === dashes + 1 ? toolsOf(rest[0] ?? '', api, runtime) : [];
  const given = rest.filter((word) => !word.startsWith('-'));
  const names = (kind: string): string[] =>
    api.store.list(kind, 'default').map(({ metadata }) => metadata.name);
  if (verb === 'exec' || verb === 'logs' || verb === 'port-forward')
    return given.length === 0 ? names('Pod') : ['--'];
  if (verb === 'cordon' || verb === 'uncordon' || verb === 'drain')
    return api.store.list('Node').map(({ metadata }) => metadata.name);
  const [kind] = given;
  if (kind === undefined) return resourceKinds.map(({ plural }) => plural);
  const resource = resourceKinds.find(
    ({ plural, singular, shortNames }) => plural === kind || singular === kind || shortNames.includes(kind),
  );
  if (resource === undefined) return [];
  return resource.namespaced
    ? names(resource.kind)
    : api.store.list(resource.kind).map(({ metadata }) => metadata.name);
}

function toolsOf(name: string, api: ApiServer, runtime: EngineRuntime): string[] {
  const pod = api.store.get('Pod', 'default', name);
  const container = pod?.spec.containers[0]?.name;
  if (pod === undefined || container === undefined) return [];
  return [...(runtime.container(pod, container)?.tools.keys() ?? [])];
}
