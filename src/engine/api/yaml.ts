import { isAlias, isMap, isPair, isScalar, isSeq, LineCounter, parseAllDocuments } from 'yaml';
import type { Alias, Node as YamlNode, Pair, YAMLError, YAMLMap } from 'yaml';
import { setOwn } from './json.ts';
import type { JsonPath } from './path.ts';
import type { Json } from './types.ts';
import { readPlainYaml } from './yaml-block.ts';
import { scalarValue } from './yaml-scalar.ts';
import { goWords } from './yaml-words.ts';

/** Bounds on what a person's YAML may cost. */
export const yamlLimits = {
  characters: 16_000_000,
  documents: 20_000,
  nodes: 2_000_000,
  depth: 100,
  aliasedNodes: 100_000,
};

export interface Range {
  readonly line: number;
  readonly column: number;
  readonly endLine: number;
  readonly endColumn: number;
}

/** YAML that is none, in the words of go-yaml as kubectl passes them on. */
export interface YamlProblem extends Range {
  /** `yaml: line 3: mapping values are not allowed in this context`; lines count from the document's first. */
  readonly message: string;
  readonly hint?: string;
}

export interface YamlDocument {
  readonly value: Json;
  readonly start: Range;
  /** Keys written twice in one mapping. */
  readonly duplicates: readonly { readonly path: JsonPath; readonly range: Range }[];
  /** Where the value at a path, or its key, is written; the nearest enclosing place when the path is not in the text. */
  locate(path: JsonPath, what: 'key' | 'value'): Range;
}

export interface YamlStream {
  readonly documents: readonly YamlDocument[];
  /** Documents after it are not read, as with kubectl. */
  readonly problem?: YamlProblem;
}

/** All of C0 but tab and line ends, and DEL. */
const controlCharacter = /[^\P{Cc}\t\n\r\x80-\x9f]/u;

interface Chunk {
  readonly text: string;
  readonly firstLine: number;
}

/** Reads a stream of documents as kubectl does: split at `---`, go-yaml's reading of plain scalars, no duplicate check. Never throws. */
export function readYaml(text: string): YamlStream {
  const nowhere = { line: 1, column: 1, endLine: 1, endColumn: 1 };
  if (text.length > yamlLimits.characters) {
    const message = `the text is longer than the limit of ${yamlLimits.characters} characters`;
    return { documents: [], problem: { ...nowhere, message } };
  }
  const documents: YamlDocument[] = [];
  const chunks = chunksOf(text);
  if (chunks.length > yamlLimits.documents) {
    return {
      documents,
      problem: { ...nowhere, message: `more documents than the limit of ${yamlLimits.documents}` },
    };
  }
  for (const chunk of chunks) {
    const control = controlCharacter.exec(chunk.text);
    if (control) {
      const before = chunk.text.slice(0, control.index).split('\n');
      const line = chunk.firstLine + before.length - 1;
      const column = (before.at(-1)?.length ?? 0) + 1;
      const hint = `character U+${(chunk.text.codePointAt(control.index) ?? 0).toString(16).padStart(4, '0').toUpperCase()} is not allowed in YAML`;
      return {
        documents,
        problem: {
          line,
          column,
          endLine: line,
          endColumn: column + 1,
          message: 'yaml: control characters are not allowed',
          hint,
        },
      };
    }
    const plain = readPlainYaml(chunk.text);
    if (plain !== undefined) {
      documents.push(plainDocument(plain, chunk));
      continue;
    }
    const read = readChunk(chunk);
    documents.push(...read.documents);
    if (read.problem) return { documents, problem: read.problem };
  }
  return { documents };
}

/** A document whose value is known; places in it are looked for when somebody asks. */
function plainDocument(value: Json, chunk: Chunk): YamlDocument {
  let parsed: YamlDocument | undefined;
  const nowhere = { line: chunk.firstLine, column: 1, endLine: chunk.firstLine, endColumn: 1 };
  const places = (): YamlDocument | undefined => (parsed ??= readChunk(chunk).documents[0]);
  return {
    value,
    get start() {
      return places()?.start ?? nowhere;
    },
    duplicates: [],
    locate: (path, what) => places()?.locate(path, what) ?? nowhere,
  };
}

/** apimachinery's YAMLReader: a line `---` ends a document whatever surrounds it. */
function chunksOf(text: string): Chunk[] {
  const chunks: Chunk[] = [];
  const separator = /^---[ \t]*(?:#[^\n]*)?\r?$/gm;
  let start = 0;
  let line = 1;
  for (;;) {
    const match = separator.exec(text);
    const end = match ? match.index : text.length;
    const part = text.slice(start, end);
    if (part.trim() !== '') chunks.push({ text: part, firstLine: line });
    if (!match) return chunks;
    for (let i = part.indexOf('\n'); i >= 0; i = part.indexOf('\n', i + 1)) line++;
    start = end + match[0].length;
  }
}

function readChunk(chunk: Chunk): YamlStream {
  const counter = new LineCounter();
  const at = (from: number, to: number): Range => {
    const a = counter.linePos(from);
    const b = counter.linePos(Math.max(from, to));
    const shift = chunk.firstLine - 1;
    return { line: a.line + shift, column: a.col, endLine: b.line + shift, endColumn: b.col };
  };
  const tooDeep = (): YamlStream => ({
    documents: [],
    problem: {
      ...{ line: chunk.firstLine, column: 1, endLine: chunk.firstLine, endColumn: 2 },
      message: `yaml: exceeded max depth of ${yamlLimits.depth}`,
    },
  });
  const deep = depthAt(chunk.text);
  if (deep) return tooDeep();
  try {
    const parsed = parseAllDocuments(chunk.text, {
      lineCounter: counter,
      schema: 'failsafe',
      uniqueKeys: false,
      prettyErrors: false,
      logLevel: 'silent',
      keepSourceTokens: false,
    });
    const documents: YamlDocument[] = [];
    for (const document of parsed) {
      const error = document.errors[0];
      if (error) return { documents, problem: problemOf(error, chunk, at) };
      const contents = document.contents;
      if (!contents) continue;
      const reader = new NodeReader(at);
      const value = reader.read(contents, [], 0);
      if (reader.problem) return { documents, problem: reader.problem };
      if (value === null) continue;
      documents.push({
        value,
        start: reader.rangeOf(contents),
        duplicates: reader.duplicates,
        locate: (path, what) => reader.locate(contents, path, what),
      });
    }
    return { documents };
  } catch {
    // The parser recurses: only nesting deeper than the stack gets here.
    return tooDeep();
  }
}

/** Flow nesting is the cheap way to make a parser recurse: `[[[[…`. */
function depthAt(text: string): boolean {
  let depth = 0;
  for (let i = 0; i < text.length; i++) {
    const code = text.charCodeAt(i);
    if (code === 0x5b || code === 0x7b) {
      if (++depth > 4 * yamlLimits.depth) return true;
    } else if (code === 0x5d || code === 0x7d) depth--;
  }
  return false;
}

function problemOf(error: YAMLError, chunk: Chunk, at: (from: number, to: number) => Range): YamlProblem {
  let [from, to] = error.pos;
  if (error.code === 'BLOCK_AS_IMPLICIT_KEY' || error.code === 'MULTILINE_IMPLICIT_KEY') {
    // go-yaml complains at the colon that it did not expect.
    const colon = /:(?=\s)/g;
    colon.lastIndex = from;
    from = colon.exec(chunk.text)?.index ?? from;
    to = from + 1;
  }
  const range = at(from, to);
  const [words, hint] = goWords(error, chunk.text, yamlLimits.depth);
  const line = range.line - chunk.firstLine + 1;
  const where = error.code === 'RESOURCE_EXHAUSTION' ? '' : `line ${line}: `;
  return { ...range, message: `yaml: ${where}${words}`, ...(hint ? { hint } : {}) };
}

/** Turns nodes into JSON as sigs.k8s.io/yaml does, resolving aliases and merge keys within bounds. */
class NodeReader {
  problem: YamlProblem | undefined;
  readonly duplicates: { path: JsonPath; range: Range }[] = [];
  private readonly at: (from: number, to: number) => Range;
  private readonly anchors = new Map<string, YamlNode>();
  private readonly open = new Set<YamlNode>();
  private nodes = 0;
  private aliased = 0;
  private inAlias = 0;

  constructor(at: (from: number, to: number) => Range) {
    this.at = at;
  }

  read(node: unknown, path: JsonPath, depth: number): Json {
    if (this.problem) return null;
    if (isAlias(node)) return this.readAlias(node, path, depth);
    if (!isScalar(node) && !isMap(node) && !isSeq(node)) return null;
    if (++this.nodes > yamlLimits.nodes || (this.inAlias && ++this.aliased > yamlLimits.aliasedNodes)) {
      this.fail(node, 'yaml: document contains excessive aliasing');
      return null;
    }
    if (depth > yamlLimits.depth) {
      this.fail(node, `yaml: exceeded max depth of ${yamlLimits.depth}`);
      return null;
    }
    if (node.anchor) this.anchors.set(node.anchor, node);
    if (isScalar(node)) {
      const source = typeof node.value === 'string' ? node.value : (node.source ?? '');
      const value = scalarValue(source, node.type === 'PLAIN' || node.type === undefined, node.tag);
      if (typeof value === 'number' && !Number.isFinite(value)) {
        this.fail(
          node,
          `json: unsupported value: ${Number.isNaN(value) ? 'NaN' : value > 0 ? '+Inf' : '-Inf'}`,
        );
        return null;
      }
      return value;
    }
    this.open.add(node);
    const value = isMap(node)
      ? this.readMap(node, path, depth)
      : node.items.map((item, i) => this.read(item, [...path, i], depth + 1));
    this.open.delete(node);
    return value;
  }

  private readAlias(alias: Alias, path: JsonPath, depth: number): Json {
    const target = this.anchors.get(alias.source);
    if (!target) return this.fail(alias, `yaml: unknown anchor '${alias.source}' referenced`);
    if (this.open.has(target))
      return this.fail(alias, `yaml: anchor '${alias.source}' value contains itself`);
    this.inAlias++;
    const value = this.read(target, path, depth);
    this.inAlias--;
    return value;
  }

  private readMap(map: YAMLMap, path: JsonPath, depth: number): Json {
    const result: Record<string, Json> = {};
    const merged: Record<string, Json> = {};
    for (const pair of map.items) {
      if (!isPair(pair)) continue;
      const key = this.keyOf(pair);
      if (key === undefined) {
        this.fail(pair.key, 'yaml: invalid map key');
        return null;
      }
      if (key === '<<' && isScalar(pair.key) && pair.key.type === 'PLAIN') {
        const sources = this.read(pair.value, path, depth + 1);
        for (const source of Array.isArray(sources) ? sources : [sources]) {
          if (typeof source !== 'object' || source === null || Array.isArray(source)) {
            this.fail(pair.key, 'yaml: map merge requires map or sequence of maps as the value');
            return null;
          }
          for (const [name, value] of Object.entries(source))
            if (!Object.hasOwn(merged, name)) setOwn(merged, name, value);
        }
        continue;
      }
      if (Object.hasOwn(result, key) && !this.inAlias)
        this.duplicates.push({ path: [...path, key], range: this.rangeOf(pair.key) });
      setOwn(result, key, this.read(pair.value, [...path, key], depth + 1));
    }
    for (const [name, value] of Object.entries(merged))
      if (!Object.hasOwn(result, name)) setOwn(result, name, value);
    return result;
  }

  /** JSON has string keys only: `80: x` becomes `"80"`, as in sigs.k8s.io/yaml. */
  private keyOf(pair: Pair): string | undefined {
    const key: unknown = isAlias(pair.key) ? this.anchors.get(pair.key.source) : pair.key;
    if (!isScalar(key)) return key === null ? 'null' : undefined;
    if (key.anchor) this.anchors.set(key.anchor, key);
    const source = typeof key.value === 'string' ? key.value : (key.source ?? '');
    return String(scalarValue(source, key.type === 'PLAIN', key.tag));
  }

  private fail(node: unknown, message: string): null {
    this.problem ??= { ...this.rangeOf(node), message };
    return null;
  }

  rangeOf(node: unknown): Range {
    const range = isScalar(node) || isMap(node) || isSeq(node) || isAlias(node) ? node.range : undefined;
    return this.at(range?.[0] ?? 0, range?.[1] ?? 0);
  }

  locate(root: unknown, path: JsonPath, what: 'key' | 'value'): Range {
    let node: unknown = root;
    let place: unknown = root;
    for (const [i, step] of path.entries()) {
      const target: unknown = isAlias(node) ? this.anchors.get(node.source) : node;
      const last = i === path.length - 1;
      if (isMap(target)) {
        // The last of equal keys is the one that counts.
        const pair =
          target.items.findLast((item) => this.keyOf(item) === String(step)) ??
          this.mergedPair(target, String(step));
        if (!pair) return this.rangeOf(keyOrStart(place, target));
        place = last && what === 'value' && !isEmpty(pair.value) ? pair.value : pair.key;
        node = pair.value;
      } else if (isSeq(target)) {
        const item: unknown = target.items[Number(step)];
        if (item === undefined) return this.rangeOf(keyOrStart(place, target));
        place = node = item;
      } else return this.rangeOf(place);
    }
    return this.rangeOf(isMap(place) ? keyOrStart(place, place) : place);
  }

  private mergedPair(map: YAMLMap, name: string): Pair | undefined {
    for (const pair of map.items) {
      if (this.keyOf(pair) !== '<<') continue;
      for (const source of isSeq(pair.value) ? pair.value.items : [pair.value]) {
        const target: unknown = isAlias(source) ? this.anchors.get(source.source) : source;
        const found = isMap(target) ? target.items.find((item) => this.keyOf(item) === name) : undefined;
        if (found) return found;
      }
    }
    return undefined;
  }
}

function isEmpty(node: unknown): boolean {
  return node === null || (isScalar(node) && node.range?.[0] === node.range?.[1]);
}

/** A mapping is pointed at by its first key, not by all its lines. */
function keyOrStart(place: unknown, fallback: unknown): unknown {
  const node = place ?? fallback;
  if (isMap(node)) return node.items[0]?.key ?? node;
  return node;
}
