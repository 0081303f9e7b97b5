import { byBytes, fieldOf, isFields } from './value.ts';

/** Kubernetes' JSONPath templates (`{.items[*].metadata.name}`). Facts: `k8s.io/client-go/util/jsonpath`. */

type Step =
  | { readonly kind: 'text'; readonly text: string }
  | { readonly kind: 'literal'; readonly value: number | boolean }
  | { readonly kind: 'field'; readonly name: string }
  | { readonly kind: 'wildcard' }
  | { readonly kind: 'recursive' }
  | {
      readonly kind: 'slice';
      readonly from?: number;
      readonly to?: number;
      readonly step: number;
      readonly single: boolean;
    }
  | { readonly kind: 'union'; readonly paths: readonly (readonly Step[])[] }
  | {
      readonly kind: 'filter';
      readonly left: readonly Step[];
      readonly operator: string;
      readonly right: readonly Step[];
    }
  | { readonly kind: 'unknown'; readonly name: string }
  | { readonly kind: 'range' | 'end' };

/** One `{…}` or the text between two of them. */
type Action = readonly Step[];

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
export function relax(path: string): string {
  const match = /^\{?\.?([^{}]+)\}?$/.exec(path);
  return match === null ? path : `{.${match[1] ?? ''}}`;
}

class PathError extends Error {}

const maxDepth = 64;

function parseActions(template: string): Action[] {
  const actions: Action[] = [];
  let at = 0;
  while (at < template.length) {
    const open = template.indexOf('{', at);
    const end = open < 0 ? template.length : open;
    if (end > at) actions.push([{ kind: 'text', text: template.slice(at, end) }]);
    if (open < 0) break;
    const parser = new ActionParser(template, open + 1);
    actions.push(parser.parse(true));
    at = parser.at;
  }
  return actions;
}

class ActionParser {
  at: number;
  private readonly text: string;
  private readonly depth: number;

  constructor(text: string, at: number, depth = 0) {
    this.text = text;
    this.at = at;
    this.depth = depth;
    if (depth > maxDepth) throw new PathError('nested too deeply');
  }

  /** Up to the closing brace, or to the end of the text for a part of a filter. */
  parse(closed: boolean): Step[] {
    const steps: Step[] = [];
    for (;;) {
      const next = this.text[this.at];
      if (next === undefined || next === '\n') {
        if (closed || next === '\n') throw new PathError('unclosed action');
        return steps;
      }
      if (next === '}' && closed) {
        this.at++;
        return steps;
      }
      if (this.text.startsWith('[?(', this.at)) steps.push(this.filter());
      else if (this.text.startsWith('..', this.at)) {
        this.at += 2;
        steps.push({ kind: 'recursive' });
        if (/[\w]/.test(this.text[this.at] ?? '')) steps.push(this.field());
      } else if (next === ' ' || next === '@' || next === '$') this.at++;
      else if (next === '[') steps.push(...this.array());
      else if (next === '"' || next === "'") steps.push(this.quoted(next));
      else if (next === '.') {
        this.at++;
        if (this.text[this.at] === '*') {
          this.at++;
          steps.push({ kind: 'wildcard' });
        } else steps.push(this.field());
      } else if (/[+\-\d]/.test(next)) steps.push(this.number());
      else if (/\w/.test(next)) steps.push(this.identifier());
      else throw new PathError(`unrecognized character in action: U+${hex(next)} '${next}'`);
    }
  }

  private field(): Step {
    let name = '';
    for (;;) {
      const next = this.text[this.at];
      if (next === undefined || /[\s.[\],:|=!<>{}()"'@$]/.test(next)) break;
      if (next === '\\') this.at++;
      name += this.text[this.at] ?? '';
      this.at++;
    }
    return name === '*' ? { kind: 'wildcard' } : { kind: 'field', name };
  }

  private array(): Step[] {
    const end = this.closing(this.at);
    if (end < 0) throw new PathError('unterminated array');
    const inside = this.text.slice(this.at + 1, end).trim();
    this.at = end + 1;
    return this.subscript(inside);
  }

  private subscript(inside: string): Step[] {
    if (inside === '*') return [{ kind: 'wildcard' }];
    // A quoted key is a path of its own: dots in it separate unless escaped.
    const key = /^'([^']*)'$/.exec(inside);
    if (key !== null) return this.part(`.${key[1] ?? ''}`);
    const parts = splitUnion(inside);
    if (parts.length > 1) {
      return [{ kind: 'union', paths: parts.map((part) => this.subscript(part)) }];
    }
    const match = /^(-?\d*)(:-?\d*)?(:-?\d*)?$/.exec(inside);
    if (match === null || inside === '') throw new PathError(`invalid array index ${inside}`);
    const bound = (text: string | undefined) =>
      text === undefined || text === '' ? undefined : Number(text);
    const from = bound(match[1]);
    const to = bound(match[2]?.slice(1));
    const step = bound(match[3]?.slice(1)) ?? 1;
    return [
      {
        kind: 'slice',
        ...(from === undefined ? {} : { from }),
        ...(to === undefined ? {} : { to }),
        step,
        single: match[2] === undefined,
      },
    ];
  }

  private part(text: string): Step[] {
    return new ActionParser(text, 0, this.depth + 1).parse(false);
  }

  private filter(): Step {
    const start = this.at + 3;
    let depth = 1;
    let quote = '';
    for (let at = start; at < this.text.length; at++) {
      const next = this.text[at] ?? '';
      if (quote !== '') {
        if (next === quote) quote = '';
      } else if (next === '"' || next === "'") quote = next;
      else if (next === '(') depth++;
      else if (next === ')' && --depth === 0) {
        if (this.text[at + 1] !== ']') throw new PathError('unclosed array expect ]');
        this.at = at + 2;
        return this.comparison(this.text.slice(start, at));
      }
    }
    throw new PathError('unterminated filter');
  }

  private comparison(text: string): Step {
    const [, left = text, operator = 'exists', right = ''] = /^([^!<>=]+)([!<>=]+)([^]+?)$/.exec(text) ?? [];
    return { kind: 'filter', left: this.part(left.trim()), operator, right: this.part(right.trim()) };
  }

  private quoted(quote: string): Step {
    let text = '';
    for (this.at++; ; this.at++) {
      const next = this.text[this.at];
      if (next === undefined) throw new PathError('unterminated quoted string');
      if (next === quote) break;
      if (next !== '\\') text += next;
      else text += escapes[this.text[++this.at] ?? ''] ?? this.text[this.at] ?? '';
    }
    this.at++;
    return { kind: 'text', text };
  }

  private number(): Step {
    const [digits = ''] = /^[+-]?[\d.]*/.exec(this.text.slice(this.at)) ?? [];
    this.at += digits.length;
    const value = Number(digits);
    if (Number.isNaN(value)) throw new PathError(`cannot parse number ${digits}`);
    return { kind: 'literal', value };
  }

  private identifier(): Step {
    const [word = ''] = /^\w+/.exec(this.text.slice(this.at)) ?? [];
    this.at += word.length;
    if (word === 'range' || word === 'end') return { kind: word };
    if (word === 'true' || word === 'false') return { kind: 'literal', value: word === 'true' };
    return { kind: 'unknown', name: word };
  }

  /** The bracket that closes the one at `open`. */
  private closing(open: number): number {
    let quote = '';
    for (let at = open + 1; at < this.text.length; at++) {
      const next = this.text[at] ?? '';
      if (quote !== '') {
        if (next === quote) quote = '';
      } else if (next === '"' || next === "'") quote = next;
      else if (next === ']') return at;
    }
    return -1;
  }
}

const escapes: Readonly<Record<string, string>> = {
  n: '\n',
  t: '\t',
  r: '\r',
  '\\': '\\',
  '"': '"',
  "'": "'",
};

function splitUnion(text: string): string[] {
  return (text.match(/(?:'[^']*'|"[^"]*"|[^,'"])+/g) ?? []).map((part) => part.trim());
}

function hex(character: string): string {
  return (character.codePointAt(0) ?? 0).toString(16).toUpperCase().padStart(4, '0');
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
function goType(value: unknown): string {
  if (isFields(value)) return 'map[string]interface {}';
  if (typeof value === 'number') return Number.isInteger(value) ? 'int64' : 'float64';
  return typeof value === 'boolean' ? 'bool' : typeof value;
}
