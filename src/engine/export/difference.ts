import type { Command, State } from './resource.ts';

/** What turns one state into the other: what is gone goes, last made first, and what is new or different is made. */
export function commandsBetween(before: State, after: State): Command[] {
  const devices = new Set<string>();
  for (const { netns, dev } of after.values()) if (dev !== undefined) devices.add(`${netns} ${dev}`);
  const commands: Command[] = [];
  for (const [key, resource] of [...before].reverse()) {
    if (after.has(key)) continue;
    const { netns, dev, remove } = resource;
    // What belonged to a namespace or a device went with it.
    const isPlace = key.startsWith('netns ') || key.startsWith('link ') || key.startsWith('server ');
    const hasGone = !after.has(`netns ${netns}`) || (dev !== undefined && !devices.has(`${netns} ${dev}`));
    if (isPlace || !hasGone) commands.push(...remove);
  }
  for (const [key, resource] of after)
    if (before.get(key)?.value !== resource.value) commands.push(...resource.add);
  return commands;
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
