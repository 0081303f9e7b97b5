import type { Command, State } from './resource.ts';

/** What turns one state into the other. */
export interface Difference {
  /** Takes away what is gone, last made first. */
  readonly gone: readonly Command[];
  /** Makes what is new or different; after the first. */
  readonly made: readonly Command[];
}

export function differenceOf(before: State, after: State): Difference {
  const devices = new Set<string>();
  for (const { netns, dev } of after.values()) if (dev !== undefined) devices.add(`${netns} ${dev}`);
  const gone: Command[] = [];
  for (const [key, resource] of [...before].reverse()) {
    if (after.has(key)) continue;
    const { netns, dev, remove } = resource;
    // What belonged to a namespace or a device went with it.
    const isPlace = key.startsWith('netns ') || key.startsWith('link ') || key.startsWith('server ');
    const hasGone = !after.has(`netns ${netns}`) || (dev !== undefined && !devices.has(`${netns} ${dev}`));
    if (isPlace || !hasGone) gone.push(...remove);
  }
  const made = [...after].flatMap(([key, { value, add }]) => (before.get(key)?.value === value ? [] : add));
  return { gone, made };
}

/**
 * What a command did by itself is not to be done for it once more: `after` counts as the new state of the namespace that
 * it ran in, and of all that was learnt from traffic; elsewhere `before` still stands.
 */
export function absorb(before: State, after: State, netns: string | undefined): State {
  const own = ({ learnt, netns: where }: { readonly learnt: boolean; readonly netns: string }): boolean =>
    learnt || where === netns;
  const result = new Map([...before].filter(([, resource]) => !own(resource)));
  for (const [key, resource] of after) if (own(resource)) result.set(key, resource);
  return result;
}
