import type { Store } from './api/store.ts';
import type { Completion } from './cluster.ts';
import type { EngineRuntime } from './runtime.ts';
import { completeKubectl } from './shell/kubectl/index.ts';
import type { Place } from './shell/tool.ts';

export interface CompletionSources {
  readonly client: Place;
  readonly store: Store;
  readonly runtime: EngineRuntime;
}

const MAX_OPTIONS = 100;
const machines = ['ext', 'lan', 'router'];

/** What may stand where the cursor is: a command, a verb, a kind, an object's name, a host. */
export function completeLine(line: string, cursor: number, sources: CompletionSources): Completion {
  const before = line.slice(0, Math.max(0, cursor));
  // Only the last command of a pipeline or list counts.
  const begin = Math.max(...[';', '|', '&'].map((sign) => before.lastIndexOf(sign))) + 1;
  const words = before.slice(begin).trimStart().split(/\s+/);
  const typed = words.at(-1) ?? '';
  const options = candidates(words, sources)
    .filter((option) => option.startsWith(typed) && option !== typed)
    .sort();
  return { from: before.length - typed.length, options: [...new Set(options)].slice(0, MAX_OPTIONS) };
}

/** `words` ends with the one being typed, which may be empty. */
function candidates(
  words: readonly string[],
  { client, store, runtime }: CompletionSources,
): readonly string[] {
  const [command = '', ...rest] = words;
  if (rest.length === 0) return [...client.tools.keys()];
  if (command === 'ssh') {
    if (rest.length === 1) return [...runtime.machines.keys(), ...machines];
    return rest.length === 2 ? [...client.tools.keys()] : [];
  }
  if (command !== 'kubectl' && command !== 'k') return [];
  const dashes = rest.indexOf('--');
  if (dashes < 0) return completeKubectl(store, rest);
  return rest.length === dashes + 2 ? toolsOf(rest.slice(1, dashes), store, runtime) : [];
}

/** The programs of the container that `kubectl exec POD --` reaches. */
function toolsOf(words: readonly string[], store: Store, runtime: EngineRuntime): string[] {
  const pod = words.map((word) => store.get('Pod', 'default', word)).find((one) => one !== undefined);
  const named = words[words.indexOf('-c') + 1];
  const container = words.includes('-c') ? named : pod?.spec.containers[0]?.name;
  if (pod === undefined || container === undefined) return [];
  return [...(runtime.container(pod, container)?.tools.keys() ?? [])];
}
