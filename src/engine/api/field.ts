/** The errors of k8s.io/apimachinery/pkg/util/validation/field, in its words. */
import type { FieldError } from './error.ts';
import type { DraftValue } from './json.ts';
import { compactJson } from './json.ts';
import type { JsonPath } from './path.ts';
import { formatPath } from './path.ts';
import type { Json } from './types.ts';

type Value = Json | DraftValue | undefined;

function make(path: JsonPath, message: string): FieldError {
  return { field: path.length > 0 ? formatPath(path) : '<nil>', path, message };
}

/** What a person would still read of a value. */
const longestShown = 1000;

function shown(value: Value): string {
  const text =
    typeof value === 'string' ? JSON.stringify(value.slice(0, longestShown)) : compactJson(value ?? null);
  return text.length > 2 * longestShown ? `${text.slice(0, longestShown)}…` : text;
}

export function invalid(path: JsonPath, value: Value, detail: string): FieldError {
  return make(path, `Invalid value: ${shown(value)}: ${detail}`);
}

export function required(path: JsonPath, detail = ''): FieldError {
  return make(path, detail ? `Required value: ${detail}` : 'Required value');
}

export function notSupported(path: JsonPath, value: Value, supported: readonly string[]): FieldError {
  return make(
    path,
    `Unsupported value: ${shown(value)}: supported values: ${supported.map((v) => JSON.stringify(v)).join(', ')}`,
  );
}

export function duplicate(path: JsonPath, value: Value): FieldError {
  return make(path, `Duplicate value: ${shown(value)}`);
}

export function forbidden(path: JsonPath, detail: string): FieldError {
  return make(path, `Forbidden: ${detail}`);
}

export function notFound(path: JsonPath, value: Value): FieldError {
  return make(path, `Not found: ${shown(value)}`);
}

export function tooLong(path: JsonPath, limit: number): FieldError {
  return make(path, `Too long: may not be more than ${limit} bytes`);
}

export function tooMany(path: JsonPath, count: number, limit: number): FieldError {
  return make(path, `Too many: ${count}: must have at most ${limit} items`);
}

export function internal(path: JsonPath, detail: string): FieldError {
  return make(path, `Internal error: ${detail}`);
}
