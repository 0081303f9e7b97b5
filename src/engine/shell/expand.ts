import type { Task } from '../net/task.ts';
import { evaluate } from './arithmetic.ts';
import { escapePattern, hasPattern, matchPattern, trimPattern } from './pattern.ts';
import type { List, Part, Word } from './syntax.ts';
import type { Files } from './tool.ts';

/** What expansion needs of the shell. */
export interface Expander {
  readonly files: Files;
  readonly cwd: string;
  /** bash's `{a,b}` and `{1..3}`. */
  readonly braces: boolean;
  get(name: string): string | undefined;
  set(name: string, value: string): void;
  positional(): readonly string[];
  substitute(script: List): Task<string>;
  /** The path of a file with this in it, as `<(…)` makes one. */
  fileWith(text: string): string;
  /** Says what is wrong; the command is not run. */
  fail(message: string): void;
}

interface Field {
  text: string;
  /** `text` with what was quoted escaped, to be matched against file names. */
  pattern: string;
}

/** A word to the arguments that it becomes: braces, parameters, commands, arithmetic, field splitting, file names. */
export function* expandWords(shell: Expander, words: readonly Word[]): Task<string[]> {
  const args: string[] = [];
  let length = 0;
  for (const word of words) {
    for (const braced of shell.braces ? expandBraces(word) : [word]) {
      for (const field of yield* expandFields(shell, braced, true)) {
        const found = glob(shell, field);
        args.push(...found);
        for (const text of found) length += text.length;
      }
      if (args.length > MAX_WORDS || length > MAX_LENGTH) {
        shell.fail('Argument list too long');
        return [];
      }
    }
  }
  return args;
}

/** A word to one string, as in an assignment. */
export function* expandString(shell: Expander, word: Word): Task<string> {
  const fields = yield* expandFields(shell, word, false);
  return fields.map((field) => field.text).join(' ');
}

/** A word to a pattern, as in `case`. */
export function* expandPattern(shell: Expander, word: Word): Task<string> {
  const fields = yield* expandFields(shell, word, false);
  return fields.map((field) => field.pattern).join(' ');
}

const MAX_WORDS = 20_000;
/** Characters of one command line after expansion: ARG_MAX of Linux. */
const MAX_LENGTH = 2_097_152;

function* expandFields(shell: Expander, word: Word, split: boolean): Task<Field[]> {
  const fields: Field[] = [];
  let current: Field | undefined;
  const add = (text: string, quoted: boolean): void => {
    current ??= { text: '', pattern: '' };
    if (current.text.length + text.length > MAX_LENGTH) {
      shell.fail('Argument list too long');
      return;
    }
    current.text += text;
    current.pattern += quoted ? escapePattern(text) : text;
  };
  const finish = (): void => {
    if (current !== undefined) fields.push(current);
    current = undefined;
  };
  for (const [index, part] of word.entries()) {
    if (part.kind === 'text') {
      const home = index === 0 && !part.quoted && /^~(?=\/|$)/.test(part.text);
      if (home) add((shell.get('HOME') ?? '/root') + part.text.slice(1), part.quoted);
      else add(part.text, part.quoted);
      continue;
    }
    if (
      part.kind === 'parameter' &&
      part.operator === undefined &&
      (part.name === '@' || part.name === '*')
    ) {
      const all = shell.positional();
      if (part.quoted && (part.name === '*' || !split)) add(all.join(' '), true);
      else {
        for (const [i, value] of all.entries()) {
          if (i > 0) finish();
          add(value, part.quoted);
        }
      }
      continue;
    }
    const value = yield* expandPart(shell, part);
    if (part.quoted || !split) add(value, part.quoted);
    else {
      const pieces = value.split(/[ \t\n]+/);
      for (const [i, piece] of pieces.entries()) {
        if (i > 0) finish();
        if (piece !== '') add(piece, false);
      }
    }
  }
  finish();
  return fields;
}

function* expandPart(shell: Expander, part: Exclude<Part, { kind: 'text' }>): Task<string> {
  switch (part.kind) {
    case 'command':
      return (yield* shell.substitute(part.script)).replace(/\n+$/, '');
    case 'process':
      return shell.fileWith(yield* shell.substitute(part.script));
    case 'arithmetic': {
      const result = evaluate(yield* expandString(shell, part.expression), {
        get: (name) => shell.get(name) ?? '',
        set: (name, value) => shell.set(name, value),
      });
      if (result.ok) return String(result.value);
      shell.fail(result.error);
      return '';
    }
    case 'parameter':
      return yield* expandParameter(shell, part);
  }
}

function* expandParameter(shell: Expander, part: Extract<Part, { kind: 'parameter' }>): Task<string> {
  const all = part.name === '@' || part.name === '*';
  const value = all ? shell.positional().join(' ') : shell.get(part.name);
  const word = part.word ?? [];
  switch (part.operator) {
    case undefined:
      return value ?? '';
    case 'length':
      return String(all ? shell.positional().length : (value ?? '').length);
    case '#':
    case '##':
    case '%':
    case '%%':
      return trimPattern(value ?? '', yield* expandPattern(shell, word), part.operator);
    case '+':
    case ':+':
      return value === undefined || (part.operator === ':+' && value === '')
        ? ''
        : yield* expandString(shell, word);
    default: {
      const unset = value === undefined || (part.operator.startsWith(':') && value === '');
      if (!unset) return value;
      const other = yield* expandString(shell, word);
      if (part.operator.endsWith('=')) shell.set(part.name, other);
      if (part.operator.endsWith('?'))
        shell.fail(`${part.name}: ${other === '' ? 'parameter not set' : other}`);
      return other;
    }
  }
}

/** `{a,b}` and `{1..3}` in unquoted text. */
function expandBraces(word: Word): Word[] {
  for (const [at, part] of word.entries()) {
    if (part.kind !== 'text' || part.quoted || !part.text.includes('{')) continue;
    for (const found of part.text.matchAll(/\{([^{}]*)\}/g)) {
      const inner = found[1] ?? '';
      const range = /^(-?\d+)\.\.(-?\d+)$/.exec(inner) ?? /^([a-zA-Z])\.\.([a-zA-Z])$/.exec(inner);
      if (range === null && !inner.includes(',')) continue;
      const items = range === null ? inner.split(',') : braceRange(range[1] ?? '', range[2] ?? '');
      const before = part.text.slice(0, found.index);
      const after = part.text.slice(found.index + found[0].length);
      const words: Word[] = [];
      for (const item of items) {
        const text: Part = { kind: 'text', text: before + item + after, quoted: false };
        words.push(...expandBraces([...word.slice(0, at), text, ...word.slice(at + 1)]));
        if (words.length > MAX_WORDS) break;
      }
      return words;
    }
  }
  return [word];
}

function braceRange(from: string, to: string): string[] {
  const numeric = /\d/.test(from);
  const a = numeric ? Number(from) : from.charCodeAt(0);
  const b = numeric ? Number(to) : to.charCodeAt(0);
  const count = Math.min(Math.abs(b - a) + 1, MAX_WORDS);
  return Array.from({ length: count }, (_, i) => {
    const value = a <= b ? a + i : a - i;
    return numeric ? String(value) : String.fromCharCode(value);
  });
}

/** File names that match, in order; the word itself when none does. */
function glob(shell: Expander, field: Field): string[] {
  if (!hasPattern(field.pattern)) return [field.text];
  const absolute = field.pattern.startsWith('/');
  let found = [absolute ? '/' : ''];
  for (const segment of field.pattern.split('/').filter((s) => s !== '')) {
    const next: string[] = [];
    for (const base of found) {
      if (!hasPattern(segment)) {
        const path = base + segment.replace(/\\(.)/g, '$1');
        if (shell.files.kind(resolve(shell.cwd, path)) !== undefined) next.push(`${path}/`);
        continue;
      }
      const names = shell.files.list(resolve(shell.cwd, base));
      if (!names.ok) continue;
      for (const name of [...names.value].sort()) {
        if (name.startsWith('.') && !segment.startsWith('.')) continue;
        if (matchPattern(segment, name)) next.push(`${base}${name}/`);
      }
    }
    found = next.slice(0, MAX_WORDS);
  }
  const paths = found.map((path) => path.replace(/\/$/, ''));
  return paths.length > 0 ? paths : [field.text];
}

/** An absolute path without `.` and `..`. */
export function resolve(cwd: string, path: string): string {
  const parts: string[] = [];
  for (const part of (path.startsWith('/') ? path : `${cwd}/${path}`).split('/')) {
    if (part === '..') parts.pop();
    else if (part !== '' && part !== '.') parts.push(part);
  }
  return `/${parts.join('/')}`;
}
