import type { Condition } from '../api/types.ts';

/** Thousands of pods have the same conditions since the same second: they keep one list of them. */
const known = new Map<string, Condition>();
const lists = new Map<Condition | undefined, (readonly Condition[])[]>();

/** An equal list, as few of them as can be. */
export function shareConditions(conditions: readonly Condition[]): readonly Condition[] {
  const shared = conditions.map(shareCondition);
  const [first] = shared;
  const alike = lists.get(first) ?? [];
  const found = alike.find(
    (list) => list.length === shared.length && list.every((one, i) => one === shared[i]),
  );
  if (found) return found;
  if (lists.size > 64) lists.clear();
  if (alike.length < 16) lists.set(first, [...alike, shared]);
  return shared;
}

function shareCondition(condition: Condition): Condition {
  const { type, status, reason = '', message = '', lastTransitionTime = '' } = condition;
  const id = `${type} ${status} ${reason} ${lastTransitionTime} ${message}`;
  const found = known.get(id);
  if (found && Object.keys(found).length === Object.keys(condition).length) return found;
  if (known.size > 256) known.clear();
  known.set(id, condition);
  return condition;
}
