/**
 * Reading plain API objects without trusting their shape: what is absent or of another type reads as empty.
 * Paths are dotted field names (`status.podIP`); keys that may hold dots (labels) are read with `entriesAt`.
 */

export type Fields = Readonly<Record<string, unknown>>;

export function isFields(value: unknown): value is Fields {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

export function fieldOf(value: unknown, name: string): unknown {
  return isFields(value) && Object.hasOwn(value, name) ? value[name] : undefined;
}

export function valueAt(value: unknown, path: string): unknown {
  let found = value;
  for (const name of path.split('.')) found = fieldOf(found, name);
  return found ?? undefined;
}

export function textAt(value: unknown, path: string): string {
  const found = valueAt(value, path);
  return typeof found === 'string'
    ? found
    : typeof found === 'number' || typeof found === 'boolean'
      ? String(found)
      : '';
}

export function numberAt(value: unknown, path: string): number {
  const found = valueAt(value, path);
  return typeof found === 'number' ? found : 0;
}

export function flagAt(value: unknown, path: string): boolean {
  return valueAt(value, path) === true;
}

export function listAt(value: unknown, path: string): readonly unknown[] {
  const found = valueAt(value, path);
  return Array.isArray(found) ? found : [];
}

export function textsAt(value: unknown, path: string): string[] {
  return listAt(value, path).map((item) => (isFields(item) ? '' : String(item)));
}

/** The entries of a string map, sorted by key, as Go prints maps that it sorts. */
export function entriesAt(value: unknown, path: string): (readonly [string, string])[] {
  const found = valueAt(value, path);
  if (!isFields(found)) return [];
  return Object.keys(found)
    .sort(byBytes)
    .map((key) => [key, isFields(found[key]) ? '' : String(found[key] ?? '')]);
}

/** Go compares strings by their bytes; for what UTF-16 holds in one unit that is the order of code units. */
export function byBytes(a: string, b: string): number {
  return a < b ? -1 : a > b ? 1 : 0;
}
