import type { Json } from './types.ts';
import { scalarValue } from './yaml-scalar.ts';

/** Not of the plain kind that this reader knows: the real parser has to look. */
class Unusual extends Error {}

/** Deeper than any manifest; the real parser has the exact bound. */
const MAX_DEPTH = 40;

/**
 * The value of a document in the YAML that manifests are written in: block mappings and sequences, one-line scalars, and
 * one-line flow collections. Undefined for everything else, errors too: then the real parser has the word.
 */
export function readPlainYaml(text: string): Json | undefined {
  if (/[\t\r]|^(?:%|\.\.\.|---)/m.test(text)) return undefined;
  try {
    return new BlockReader(text).document();
  } catch (unusual) {
    if (unusual instanceof Unusual) return undefined;
    throw unusual;
  }
}

const SPACE = 0x20;
const DASH = 0x2d;
const HASH = 0x23;
const COLON = 0x3a;
const NEWLINE = 0x0a;
const DOUBLE_QUOTE = 0x22;
const SINGLE_QUOTE = 0x27;
const BRACE = 0x7b;
const BRACKET = 0x5b;

class BlockReader {
  readonly #text: string;
  /** Where the content of the current line begins and ends, and its column; -1 at the end of the text. */
  #at = 0;
  #end = 0;
  #indent = -1;

  constructor(text: string) {
    this.#text = text;
    this.#next(0);
  }

  document(): Json | undefined {
    if (this.#indent < 0) return undefined;
    const value = this.#block(0);
    if (this.#indent >= 0 || value === null || typeof value !== 'object') throw new Unusual();
    return value;
  }

  /** Goes to the next line with content, from the beginning of a line. */
  #next(from: number): void {
    const text = this.#text;
    for (let start = from; start < text.length;) {
      let end = text.indexOf('\n', start);
      if (end < 0) end = text.length;
      let at = start;
      while (at < end && text.charCodeAt(at) === SPACE) at++;
      if (at < end && text.charCodeAt(at) !== HASH) {
        this.#at = at;
        this.#end = end;
        this.#indent = at - start;
        return;
      }
      start = end + 1;
    }
    this.#indent = -1;
  }

  #nextLine(): void {
    this.#next(this.#end + 1);
  }

  /** The collection that begins on the current line. */
  #block(depth: number): Json {
    if (depth > MAX_DEPTH) throw new Unusual();
    return this.#isItem() ? this.#sequence(this.#indent, depth) : this.#mapping(this.#indent, depth);
  }

  #isItem(): boolean {
    if (this.#text.charCodeAt(this.#at) !== DASH) return false;
    return this.#at + 1 === this.#end || this.#text.charCodeAt(this.#at + 1) === SPACE;
  }

  #sequence(indent: number, depth: number): Json {
    const items: Json[] = [];
    while (this.#indent === indent && this.#isItem()) {
      let at = this.#at + 1;
      while (at < this.#end && this.#text.charCodeAt(at) === SPACE) at++;
      if (at === this.#end || this.#text.charCodeAt(at) === HASH) {
        this.#nextLine();
        items.push(this.#indent > indent ? this.#block(depth + 1) : null);
        continue;
      }
      const inner = indent + at - this.#at;
      this.#at = at;
      if (this.#isItem()) throw new Unusual();
      if (this.#keyEnd() < 0) items.push(this.#value(at, indent, depth));
      else {
        this.#indent = inner;
        items.push(this.#mapping(inner, depth + 1));
      }
    }
    if (this.#indent > indent) throw new Unusual();
    return items;
  }

  #mapping(indent: number, depth: number): Json {
    const map: Record<string, Json> = {};
    while (this.#indent === indent && !this.#isItem()) {
      const end = this.#keyEnd();
      if (end < 0) throw new Unusual();
      const key = String(plainValue(this.#text.slice(this.#at, end)));
      if (key === '__proto__' || Object.hasOwn(map, key)) throw new Unusual();
      let at = end + 1;
      while (at < this.#end && this.#text.charCodeAt(at) === SPACE) at++;
      if (at < this.#end && this.#text.charCodeAt(at) !== HASH) {
        map[key] = this.#value(at, indent, depth);
        continue;
      }
      this.#nextLine();
      if (this.#indent > indent) map[key] = this.#block(depth + 1);
      else map[key] = this.#indent === indent && this.#isItem() ? this.#sequence(indent, depth + 1) : null;
    }
    if (this.#indent > indent) throw new Unusual();
    return map;
  }

  /** Where the colon after a plain key is; -1 when the line does not begin with one. */
  #keyEnd(): number {
    const text = this.#text;
    let at = this.#at;
    while (at < this.#end && isWordCode(text.charCodeAt(at))) at++;
    if (at === this.#at || at === this.#end || text.charCodeAt(at) !== COLON) return -1;
    return at + 1 === this.#end || text.charCodeAt(at + 1) === SPACE ? at : -1;
  }

  /** What stands on the rest of the line, from `at`; nothing may go on below it. */
  #value(at: number, indent: number, depth: number): Json {
    const text = this.#text;
    const first = text.charCodeAt(at);
    let value: Json;
    if (first === DOUBLE_QUOTE || first === SINGLE_QUOTE) {
      const end = this.#quoteEnd(at);
      this.#nothingAfter(end + 1);
      value = text.slice(at + 1, end);
    } else if (first === BRACE || first === BRACKET) {
      const flow = new FlowReader(text, at, this.#end);
      value = flow.value(depth);
      this.#nothingAfter(flow.at);
    } else value = this.#plain(at);
    this.#nextLine();
    if (this.#indent > indent) throw new Unusual();
    return value;
  }

  #quoteEnd(at: number): number {
    return quoteEnd(this.#text, at, this.#end);
  }

  #nothingAfter(from: number): void {
    let at = from;
    while (at < this.#end && this.#text.charCodeAt(at) === SPACE) at++;
    if (at < this.#end && (at === from || this.#text.charCodeAt(at) !== HASH)) throw new Unusual();
  }

  #plain(at: number): Json {
    const text = this.#text;
    if (!beginsPlain(text.charCodeAt(at))) throw new Unusual();
    let end = at;
    for (let i = at; i < this.#end; i++) {
      const code = text.charCodeAt(i);
      if (code === SPACE) continue;
      if (code === HASH && text.charCodeAt(i - 1) === SPACE) break;
      if (code === COLON && (i + 1 === this.#end || text.charCodeAt(i + 1) === SPACE)) throw new Unusual();
      if (code > 0x7e) throw new Unusual();
      end = i + 1;
    }
    return plainValue(text.slice(at, end));
  }
}

/** Flow collections of words and quoted texts on one line. */
class FlowReader {
  at: number;
  readonly #text: string;
  readonly #end: number;

  constructor(text: string, at: number, end: number) {
    this.#text = text;
    this.at = at;
    this.#end = end;
  }

  value(depth: number): Json {
    if (depth > MAX_DEPTH) throw new Unusual();
    const opening = this.#text[this.at];
    if (opening === '[') return this.#sequence(depth);
    if (opening === '{') return this.#mapping(depth);
    return this.#scalar();
  }

  #sequence(depth: number): Json {
    const items: Json[] = [];
    this.at++;
    this.#spaces();
    while (this.#text[this.at] !== ']') {
      items.push(this.value(depth + 1));
      this.#separator(']');
    }
    this.at++;
    return items;
  }

  #mapping(depth: number): Json {
    const map: Record<string, Json> = {};
    this.at++;
    this.#spaces();
    while (this.#text[this.at] !== '}') {
      const quoted = /["']/.test(this.#text[this.at] ?? '');
      const key = String(this.#scalar());
      if (key === '__proto__' || Object.hasOwn(map, key) || this.#text[this.at] !== ':') throw new Unusual();
      this.at++;
      if (!quoted && this.#text[this.at] !== ' ') throw new Unusual();
      this.#spaces();
      map[key] = this.value(depth + 1);
      this.#separator('}');
    }
    this.at++;
    return map;
  }

  #separator(closing: string): void {
    this.#spaces();
    if (this.#text[this.at] === ',') {
      this.at++;
      this.#spaces();
      if (this.#text[this.at] === closing) throw new Unusual();
    } else if (this.#text[this.at] !== closing) throw new Unusual();
  }

  #spaces(): void {
    while (this.at < this.#end && this.#text.charCodeAt(this.at) === SPACE) this.at++;
    if (this.at >= this.#end) throw new Unusual();
  }

  #scalar(): Json {
    const text = this.#text;
    const from = this.at;
    const first = text.charCodeAt(from);
    if (first === DOUBLE_QUOTE || first === SINGLE_QUOTE) {
      const end = quoteEnd(text, from, this.#end);
      this.at = end + 1;
      return text.slice(from + 1, end);
    }
    while (this.at < this.#end) {
      const code = text.charCodeAt(this.at);
      if (!isWordCode(code)) {
        if (code !== COLON || !isWordCode(text.charCodeAt(this.at + 1))) break;
      }
      this.at++;
    }
    if (this.at === from || !beginsPlain(first)) throw new Unusual();
    return plainValue(text.slice(from, this.at));
  }
}

/** The closing quote; texts with escapes, or that are not ASCII, are left to the real parser. */
function quoteEnd(text: string, at: number, end: number): number {
  const quote = text.charCodeAt(at);
  for (let i = at + 1; i < end; i++) {
    const code = text.charCodeAt(i);
    if (code === quote) {
      if (quote === SINGLE_QUOTE && text.charCodeAt(i + 1) === SINGLE_QUOTE) throw new Unusual();
      return i;
    }
    if (code === 0x5c || code > 0x7e || code === NEWLINE) throw new Unusual();
  }
  throw new Unusual();
}

/** Letters, digits and `_ - . /`: what keys and words consist of. */
function isWordCode(code: number): boolean {
  return (
    (code >= 0x61 && code <= 0x7a) ||
    (code >= 0x41 && code <= 0x5a) ||
    (code >= 0x2d && code <= 0x39) ||
    code === 0x5f
  );
}

/** Whether a plain scalar may begin so without further ado. */
function beginsPlain(code: number): boolean {
  return isWordCode(code) && code !== DASH ? true : code === 0x2f || code === 0x7e || code === 0x24;
}

/** Most words are words, and most numbers are small. */
function plainValue(source: string): Json {
  const first = source.charCodeAt(0);
  if (first >= 0x31 && first <= 0x39 && /^\d{1,15}$/.test(source)) return Number(source);
  const letter = first | 0x20;
  if (letter >= 0x61 && letter <= 0x7a && !/^(?:[tTfFyYoO]|[nN][uoUO])/.test(source)) return source;
  const value = scalarValue(source, true, undefined);
  if (typeof value === 'number' && !Number.isFinite(value)) throw new Unusual();
  return value;
}
