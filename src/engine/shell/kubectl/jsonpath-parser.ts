import { hex } from './go-format.ts';

export type Step =
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
export type Action = readonly Step[];

export class PathError extends Error {}

const maxDepth = 64;

export function parseActions(template: string): Action[] {
  const actions: Action[] = [];
  let at = 0;
  while (at < template.length) {
    const open = template.indexOf('{', at);
    const end = open < 0 ? template.length : open;
    if (end > at) actions.push([{ kind: 'text', text: template.slice(at, end) }]);
    if (open < 0) break;
    const parser = new ActionParser(template, open + 1);
    actions.push(parser.parse('}'));
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
  parse(end: '}' | undefined): Step[] {
    const steps: Step[] = [];
    for (;;) {
      const next = this.text[this.at];
      if (next === undefined || next === '\n') {
        if (end !== undefined || next === '\n') throw new PathError('unclosed action');
        return steps;
      }
      if (next === end) {
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
    return new ActionParser(text, 0, this.depth + 1).parse(undefined);
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
