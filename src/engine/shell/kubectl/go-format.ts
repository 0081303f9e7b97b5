/** How Go's `fmt` and `encoding/json` write decoded JSON. */

import { byBytes, isFields } from './value.ts';

/** JSON as Go marshals a map: keys sorted, and `<`, `>`, `&` escaped. */
export function sortedJson(value: unknown, indent?: number): string {
  const text = JSON.stringify(
    value,
    (_, inner: unknown) => (isFields(inner) ? sortedFields(inner) : inner),
    indent,
  );
  return text.replace(/[<>&]/g, (character) => `\\u${hex(character).toLowerCase()}`);
}

function sortedFields(fields: Readonly<Record<string, unknown>>): Record<string, unknown> {
  const sorted: Record<string, unknown> = Object.create(null);
  for (const key of Object.keys(fields).sort(byBytes)) sorted[key] = fields[key];
  return sorted;
}

/** Go's `%#v` of decoded JSON, which kubectl prints when a template fails. */
export function goSyntax(value: unknown): string {
  if (Array.isArray(value)) return `[]interface {}{${value.map(goSyntax).join(', ')}}`;
  if (isFields(value)) {
    const entries = Object.keys(value)
      .sort(byBytes)
      .filter((key) => value[key] !== undefined)
      .map((key) => `${JSON.stringify(key)}:${goSyntax(value[key])}`);
    return `map[string]interface {}{${entries.join(', ')}}`;
  }
  if (value === null || value === undefined) return 'interface {}(nil)';
  return typeof value === 'string' ? JSON.stringify(value) : String(value);
}

/** Go's `%v`. */
export function goValue(value: unknown): string {
  if (value === null || value === undefined) return '<nil>';
  if (Array.isArray(value)) return `[${value.map(goValue).join(' ')}]`;
  if (!isFields(value)) return String(value);
  const entries = Object.keys(value)
    .sort(byBytes)
    .map((key) => `${key}:${goValue(value[key])}`);
  return `map[${entries.join(' ')}]`;
}

/** Go's `%T`. */
export function goType(value: unknown): string {
  if (isFields(value)) return 'map[string]interface {}';
  if (typeof value === 'number') return Number.isInteger(value) ? 'int64' : 'float64';
  return typeof value === 'boolean' ? 'bool' : typeof value;
}

/** A code point in four digits at least. */
export function hex(character: string): string {
  return (character.codePointAt(0) ?? 0).toString(16).toUpperCase().padStart(4, '0');
}
