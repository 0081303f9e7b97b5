import type { HookPoint } from '../skb.ts';

/** Names that priorities have; two of them only at one hook. */
const NAMES: readonly (readonly [name: string, value: number, hook?: HookPoint])[] = [
  ['raw', -300],
  ['mangle', -150],
  ['dstnat', -100, 'PREROUTING'],
  ['filter', 0],
  ['security', 50],
  ['srcnat', 100, 'POSTROUTING'],
];

/** The value of a priority's name at a hook. */
export function priorityOf(name: string, hook: HookPoint): number | undefined {
  const found = NAMES.find(([known]) => known === name);
  if (found === undefined) return undefined;
  return found[2] === undefined || found[2] === hook ? found[1] : undefined;
}

/** `dstnat - 10`: by the nearest name within ten, else as a number. */
export function formatPriority(priority: number, hook: HookPoint): string {
  const near = NAMES.find(
    ([, value, only]) => Math.abs(priority - value) <= 10 && (only === undefined || only === hook),
  );
  if (near === undefined) return String(priority);
  const [name, value] = near;
  if (priority === value) return name;
  return `${name} ${priority > value ? '+' : '-'} ${Math.abs(priority - value)}`;
}
