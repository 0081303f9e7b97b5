import { arrive, hasArrived, type LateModules } from './late.ts';
import type { WorldStep } from './protocol.ts';
import type { Supply } from './worlds.ts';

/** Brings late modules, each once. */
export function supplyOf(modules: LateModules): Supply {
  const bring = async (name: string): Promise<void> => {
    const module = modules.get(name);
    if (module === undefined) throw new Error(`no module ${name}`);
    arrive(name, await module.load());
  };
  return {
    bring,
    foresee(steps) {
      const missing = spokenOf(steps, modules).filter((name) => !hasArrived(name));
      return missing.length > 0 && Promise.all(missing.map(bring)).then(() => {});
    },
  };
}

/** The modules of which steps speak by their own names or by those of their functions: `dig`, `describe`, `nginx`. */
function spokenOf(steps: readonly WorldStep[], modules: LateModules): string[] {
  const words = new Set<string>();
  for (const step of steps) {
    const text = step.kind === 'run' ? step.command : imagesIn(step.manifest);
    for (const word of text.split(/[^\w-]+/))
      for (const one of [word, word.split('-')[0]]) words.add(one ?? '');
  }
  return [...modules].flatMap(([name, { names }]) =>
    [name.slice(name.lastIndexOf('/') + 1), ...names].some((word) => words.has(word)) ? [name] : [],
  );
}

/** Most words of a manifest are names; those after `image:` say what will run. */
function imagesIn(manifest: string): string {
  return [...manifest.matchAll(/\bimage["']?:\s*(\S+)/g)].map(([, image]) => image).join(' ');
}
