import { goType, goValue, sortedJson } from './go-format.ts';
import { type Action, parseActions, PathError, type Step } from './jsonpath-parser.ts';
import { byBytes, fieldOf, isFields } from './value.ts';

/** Kubernetes' JSONPath templates (`{.items[*].metadata.name}`). Facts: `k8s.io/client-go/util/jsonpath`. */

export type JsonPathTemplate = { readonly actions: readonly Action[] } | { readonly error: string };
export type JsonPathResult = { readonly text: string } | { readonly error: string };

export function parseJsonPath(template: string): JsonPathTemplate {
  try {
    return { actions: parseActions(template) };
  } catch (error) {
    if (error instanceof PathError) return { error: error.message };
    throw error;
  }
}

/** The template's text for a value; what a path finds is joined by spaces. */
export function printJsonPath(
  template: JsonPathTemplate,
  value: unknown,
  form: 'text' | 'json' = 'text',
): JsonPathResult {
  if ('error' in template) return template;
  try {
    return { text: runActions(template.actions, value, form === 'text' ? showText : showJson) };
  } catch (error) {
    if (error instanceof PathError) return { error: error.message };
    throw error;
  }
}

/** What a single path finds: `.status.podIP`, with or without braces and the leading dot. */
export function findJsonPath(path: string, value: unknown): readonly unknown[] | { readonly error: string } {
  const template = parseJsonPath(relax(path));
  if ('error' in template) return template;
  try {
    return walkAll([value], template.actions[0] ?? []);
  } catch (error) {
    if (error instanceof PathError) return { error: error.message };
    throw error;
  }
}

/** `metadata.name`, `.metadata.name` and `{.metadata.name}` alike; undefined for anything else. */
function relax(path: string): string {
  const match = /^\{?\.?([^{}]+)\}?$/.exec(path);
  return match === null ? path : `{.${match[1] ?? ''}}`;
}

/** Values and the text of one action each, `{range}` bodies repeated. */
function runActions(
  actions: readonly Action[],
  value: unknown,
  show: (values: readonly unknown[]) => string,
): string {
  let text = '';
  for (let at = 0; at < actions.length; at++) {
    const action = actions[at] ?? [];
    if (action[0]?.kind === 'end') return text;
    if (action[0]?.kind !== 'range') {
      text += show(walkAll([value], action));
      continue;
    }
    const body = actions.slice(at + 1);
    const length = bodyLength(body);
    for (const item of walkAll([value], action.slice(1)))
      text += runActions(body.slice(0, length), item, show);
    at += length + 1;
  }
  return text;
}

function bodyLength(actions: readonly Action[]): number {
  let depth = 1;
  for (const [index, action] of actions.entries()) {
    if (action[0]?.kind === 'range') depth++;
    if (action[0]?.kind === 'end' && --depth === 0) return index;
  }
  return actions.length;
}

function walkAll(values: readonly unknown[], steps: readonly Step[]): readonly unknown[] {
  return steps.reduce<readonly unknown[]>((current, step) => walk(current, step), values);
}

function walk(values: readonly unknown[], step: Step): readonly unknown[] {
  switch (step.kind) {
    case 'text':
      return [step.text];
    case 'literal':
      return [step.value];
    case 'field':
      return values.map((value) => fieldOf(value, step.name)).filter((value) => value !== undefined);
    case 'wildcard':
      return values.flatMap(children);
    case 'recursive':
      return values.flatMap((value) => containers(value));
    case 'slice':
      return values.flatMap((value) => slice(value, step));
    case 'union':
      return step.paths.flatMap((path) => walkAll(values, path));
    case 'filter':
      return values.flatMap((value) => {
        if (value === null) return [];
        if (!Array.isArray(value))
          throw new PathError(`${goValue(value)} is not array or slice and cannot be filtered`);
        return value.filter((item) => passes(item, step.left, step.operator, step.right));
      });
    case 'unknown':
      throw new PathError(`unrecognized identifier ${step.name}`);
    case 'range':
    case 'end':
      return values;
  }
}

function children(value: unknown): readonly unknown[] {
  if (Array.isArray(value)) return value;
  if (!isFields(value)) return [];
  return Object.keys(value)
    .sort(byBytes)
    .map((key) => value[key]);
}

/** The value and everything in it that holds something. */
function containers(value: unknown): unknown[] {
  const inside = children(value);
  return inside.length === 0 ? [] : [value, ...inside.flatMap(containers)];
}

function slice(value: unknown, step: Step & { kind: 'slice' }): readonly unknown[] {
  if (value === null) return [];
  if (!Array.isArray(value)) throw new PathError(`${goType(value)} is not array or slice`);
  const index = (bound: number) => (bound < 0 ? bound + value.length : bound);
  const from = index(step.from ?? 0);
  if (step.single) {
    if (from >= value.length || from < 0) {
      throw new PathError(`array index out of bounds: index ${from}, length ${value.length}`);
    }
    return [value[from]];
  }
  const to = Math.min(index(step.to ?? value.length), value.length);
  if (step.step <= 0) throw new PathError(`step must be > 0`);
  return value.slice(Math.max(0, from), to).filter((_, position) => position % step.step === 0);
}

function passes(item: unknown, left: readonly Step[], operator: string, right: readonly Step[]): boolean {
  const lefts = walkAll([item], left);
  if (operator === 'exists') return lefts.length > 0;
  if (lefts.length > 1) throw new PathError('can only compare one element at a time');
  if (lefts.length === 0) return false;
  const rights = walkAll([item], right);
  if (rights.length > 1) throw new PathError('can only compare one element at a time');
  if (rights.length === 0) return false;
  const [a, b] = [lefts[0], rights[0]];
  if (operator === '==') return a === b;
  if (operator === '!=') return a !== b;
  if (typeof a !== typeof b || (typeof a !== 'number' && typeof a !== 'string')) {
    throw new PathError('incompatible types for comparison');
  }
  const order = typeof a === 'number' ? a - Number(b) : byBytes(String(a), String(b));
  switch (operator) {
    case '<':
      return order < 0;
    case '>':
      return order > 0;
    case '<=':
      return order <= 0;
    case '>=':
      return order >= 0;
    default:
      throw new PathError(`unrecognized filter operator ${operator}`);
  }
}

function showText(values: readonly unknown[]): string {
  return values.map(showValue).join(' ');
}

function showJson(values: readonly unknown[]): string {
  return `${sortedJson(values, 4)}\n`;
}

function showValue(value: unknown): string {
  if (typeof value === 'string') return value;
  if (value === null || value === undefined) return '';
  return typeof value === 'object' ? sortedJson(value) : String(value);
}
