import type { Json, JsonObject } from './types.ts';

/** JSON being built; stored objects are never of this type. */
export interface Draft {
  [key: string]: DraftValue | undefined;
}
export type DraftValue = string | number | boolean | null | DraftValue[] | Draft;

export function isObject(value: unknown): value is Draft {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

/** Plain assignment would take `__proto__` for the prototype. */
export function setOwn<T>(object: Record<string, T>, key: string, value: T): void {
  if (key === '__proto__')
    Object.defineProperty(object, key, { value, enumerable: true, configurable: true, writable: true });
  else object[key] = value;
}

/** A deep copy that may be changed. Values other than JSON's are impossible in stored objects. */
export function draftOf(value: object): Draft {
  const copy: Draft = {};
  for (const [key, item] of Object.entries(value)) if (item !== undefined) setOwn(copy, key, copyValue(item));
  return copy;
}

function copyValue(value: unknown): DraftValue {
  if (Array.isArray(value)) return value.map(copyValue);
  if (typeof value === 'object' && value !== null) return draftOf(value);
  return typeof value === 'string' || typeof value === 'number' || typeof value === 'boolean' ? value : null;
}

/** The object at a key, made when absent. */
export function child(parent: Draft, key: string): Draft {
  const value = parent[key];
  if (isObject(value)) return value;
  const made: Draft = {};
  setOwn(parent, key, made);
  return made;
}

export function objectAt(parent: Draft | undefined, key: string): Draft | undefined {
  const value = parent && Object.hasOwn(parent, key) ? parent[key] : undefined;
  return isObject(value) ? value : undefined;
}

/** The objects of a list; anything else counts as an empty one. */
export function objectsAt(parent: Draft | undefined, key: string): Draft[] {
  const value = parent && Object.hasOwn(parent, key) ? parent[key] : undefined;
  return Array.isArray(value) ? value.filter(isObject) : [];
}

export function textAt(parent: Draft | undefined, key: string): string | undefined {
  const value = parent && Object.hasOwn(parent, key) ? parent[key] : undefined;
  return typeof value === 'string' ? value : undefined;
}

/** The strings of a list; none where there is no list. */
export function textsAt(parent: Draft | undefined, key: string): string[] {
  const list = parent?.[key];
  return Array.isArray(list) ? list.filter((item) => typeof item === 'string') : [];
}

export function numberAt(parent: Draft | undefined, key: string): number | undefined {
  const value = parent && Object.hasOwn(parent, key) ? parent[key] : undefined;
  return typeof value === 'number' ? value : undefined;
}

/** Equality of JSON; keys that are undefined count as absent. */
export function equalJson(a: unknown, b: unknown): boolean {
  if (a === b) return true;
  if (typeof a !== 'object' || typeof b !== 'object' || a === null || b === null) return false;
  if (Array.isArray(a) || Array.isArray(b)) {
    if (!Array.isArray(a) || !Array.isArray(b) || a.length !== b.length) return false;
    return a.every((item, i) => equalJson(item, b[i]));
  }
  const left = a as Readonly<Record<string, unknown>>;
  const right = b as Readonly<Record<string, unknown>>;
  for (const key of Object.keys(left)) {
    if (left[key] !== (Object.hasOwn(right, key) ? right[key] : undefined)) {
      if (!Object.hasOwn(right, key) || !equalJson(left[key], right[key])) return false;
    }
  }
  for (const key of Object.keys(right))
    if (right[key] !== undefined && !Object.hasOwn(left, key)) return false;
  return true;
}

/** As Go marshals maps: keys sorted, no spaces. */
export function compactJson(value: Json | DraftValue | JsonObject | undefined): string {
  if (Array.isArray(value)) return `[${value.map((item) => compactJson(item as Json)).join(',')}]`;
  if (typeof value === 'object' && value !== null) {
    const object = value as JsonObject;
    const keys = Object.keys(object).filter((key) => object[key] !== undefined);
    return `{${keys
      .sort()
      .map((key) => `${goString(key)}:${compactJson(object[key])}`)
      .join(',')}}`;
  }
  return typeof value === 'string' ? goString(value) : JSON.stringify(value ?? null);
}

const plain = /^[\w ./:,=@+*()[\]{}-]*$/;

/** encoding/json escapes these for HTML's sake. */
function goString(text: string): string {
  if (plain.test(text)) return `"${text}"`;
  return JSON.stringify(text).replace(
    /[<>&\u2028\u2029]/g,
    (c) => `\\u${c.charCodeAt(0).toString(16).padStart(4, '0')}`,
  );
}
