import { parseTree, printParseErrorCode, type Node as JsonNode, type ParseError } from 'jsonc-parser';
import { parse as parseToml, TomlError } from 'smol-toml';
import { isMap, isScalar, parseDocument, visit, type Node as YamlNode, type Pair } from 'yaml';
import { Lines } from './lines.ts';
import type { Message } from './message.ts';
import type { Place } from './lab.ts';

/** The front matter of a page and where its text begins. */
export interface FrontMatter {
  readonly format: 'yaml' | 'toml' | 'json' | 'none';
  /** Keys in lower case at every level, as Hugo has them; empty when the front matter is broken. */
  readonly data: Readonly<Record<string, unknown>>;
  /** Offset of the first character of the text after the front matter. */
  readonly bodyStart: number;
  /** Where a field's value stands in the file; the front matter's beginning when that is not known. */
  placeOf(...path: readonly string[]): Place;
}

/**
 * Splits and parses front matter as Hugo does: `---` YAML, `+++` TOML, a bare `{` JSON; a byte order mark and blank
 * lines may stand before it. Never throws; what is wrong is in `messages`.
 */
export function readFrontMatter(
  source: string,
  file: string,
): { frontMatter: FrontMatter; messages: Message[] } {
  const messages: Message[] = [];
  const lines = new Lines(source);
  const start = /^\uFEFF?\s*/.exec(source)?.[0].length ?? 0;
  const report = (offset: number, rule: string, message: string): void => {
    messages.push({ file, ...lines.at(Math.min(offset, source.length)), severity: 'error', rule, message });
  };
  const fence = source.startsWith('---', start) ? '---' : source.startsWith('+++', start) ? '+++' : undefined;
  const startPlace: Place = { file, ...lines.at(start) };
  const placeIn =
    (parsed: Parsed) =>
    (...path: readonly string[]): Place => {
      const offset = parsed.offsetOf(path);
      return offset === undefined ? startPlace : { file, ...lines.at(offset) };
    };
  const none: FrontMatter = {
    format: 'none',
    data: {},
    bodyStart: source.startsWith('\uFEFF') ? 1 : 0,
    placeOf: () => startPlace,
  };

  if (fence !== undefined && source.slice(start + 3, lineEnd(source, start)).trim() === '') {
    const opening = lineEnd(source, start);
    const closing = closingFence(source, opening, fence);
    if (closing === undefined) {
      report(
        start,
        'front-matter/unclosed',
        `the front matter that begins with ${fence} is never closed by a line of ${fence}`,
      );
      return { frontMatter: { ...none, bodyStart: source.length }, messages };
    }
    const text = source.slice(opening, closing.start);
    const parsed = fence === '---' ? readYaml(text, opening, report) : readToml(text, opening, lines, report);
    return {
      frontMatter: {
        format: fence === '---' ? 'yaml' : 'toml',
        data: parsed.data,
        bodyStart: closing.end,
        placeOf: placeIn(parsed),
      },
      messages,
    };
  }
  // `{{` begins a shortcode, which needs no front matter before it.
  if (source[start] === '{' && source[start + 1] !== '{') {
    const end = jsonEnd(source, start);
    if (end === undefined) {
      report(start, 'front-matter/unclosed', 'the front matter that begins with { is never closed by a }');
      return { frontMatter: { ...none, bodyStart: source.length }, messages };
    }
    const parsed = readJson(source.slice(start, end), start, report);
    return {
      frontMatter: {
        format: 'json',
        data: parsed.data,
        bodyStart: lineEnd(source, end),
        placeOf: placeIn(parsed),
      },
      messages,
    };
  }
  return { frontMatter: none, messages };
}

/** The source with its front matter turned to blanks of the same length: a Markdown parser's places are then the file's. */
export function blankFrontMatter(source: string, frontMatter: FrontMatter): string {
  return (
    source.slice(0, frontMatter.bodyStart).replace(/[^\r\n]/g, ' ') + source.slice(frontMatter.bodyStart)
  );
}

interface Parsed {
  readonly data: Record<string, unknown>;
  readonly offsetOf: (path: readonly string[]) => number | undefined;
}
type Report = (offset: number, rule: string, message: string) => void;

function lineEnd(source: string, from: number): number {
  const end = source.indexOf('\n', from);
  return end < 0 ? source.length : end + 1;
}

function closingFence(
  source: string,
  from: number,
  fence: string,
): { start: number; end: number } | undefined {
  for (let at = from; at < source.length; at = lineEnd(source, at)) {
    const end = lineEnd(source, at);
    if (source.startsWith(fence, at) && source.slice(at + 3, end).trim() === '') return { start: at, end };
  }
  return undefined;
}

function readYaml(text: string, offset: number, report: Report): Parsed {
  const document = parseDocument(text, { prettyErrors: false, strict: true, logLevel: 'silent' });
  for (const problem of document.errors) {
    report(offset + problem.pos[0], 'front-matter/yaml', firstLine(problem.message));
  }
  // A leading zero makes no octal and is not lost: `010` is what was written.
  visit(document, {
    Scalar(_key, node) {
      if (typeof node.value === 'number' && node.source !== undefined && /^[-+]?0\d+$/.test(node.source)) {
        node.value = node.source;
      }
    },
  });
  if (document.errors.length > 0) return { data: {}, offsetOf: () => undefined };
  let value: unknown;
  try {
    value = document.toJS({ maxAliasCount: 100 });
  } catch (error) {
    report(offset, 'front-matter/yaml', firstLine(String(error)));
    return { data: {}, offsetOf: () => undefined };
  }
  if (value !== null && value !== undefined && !isRecord(value)) {
    report(offset, 'front-matter/yaml', 'the front matter must be a map of fields');
  }
  return {
    data: isRecord(value) ? lowerKeys(value) : {},
    offsetOf: (path) => {
      let node: YamlNode | null | undefined = document.contents;
      for (const name of path) {
        if (!isMap(node)) return undefined;
        const pair: Pair | undefined = node.items.find(
          (item) => isScalar(item.key) && String(item.key.value).toLowerCase() === name.toLowerCase(),
        );
        if (pair === undefined) return undefined;
        const key: unknown = pair.key;
        node = isNode(pair.value) ? pair.value : isScalar(key) ? key : undefined;
      }
      const range = node?.range;
      return range === null || range === undefined ? undefined : offset + range[0];
    },
  };
}

function isNode(value: unknown): value is YamlNode {
  return typeof value === 'object' && value !== null && 'range' in value;
}

function readToml(text: string, offset: number, lines: Lines, report: Report): Parsed {
  try {
    const data = lowerKeys(parseToml(text.replace(/\r\n/g, '\n')));
    return {
      data,
      offsetOf: (path) => {
        const last = path.at(-1);
        if (last === undefined) return undefined;
        const name = last.replace(/[^\w-]/g, '\\$&');
        const match = new RegExp(`(^|[\\s{,."])${name}"?\\s*=\\s*|^\\s*\\[[^\\]]*\\b${name}\\]`, 'im').exec(
          text,
        );
        return match === null ? undefined : offset + match.index + match[0].length;
      },
    };
  } catch (error) {
    if (!(error instanceof TomlError)) throw error;
    const line = lines.at(offset).line + error.line - 1;
    report(
      lines.start(line) + error.column - 1,
      'front-matter/toml',
      firstLine(error.message.replace('Invalid TOML document: ', '')),
    );
    return { data: {}, offsetOf: () => undefined };
  }
}

function readJson(text: string, offset: number, report: Report): Parsed {
  const errors: ParseError[] = [];
  const root = parseTree(text, errors, { disallowComments: true, allowTrailingComma: false });
  for (const error of errors.slice(0, 10)) {
    report(offset + error.offset, 'front-matter/json', words(printParseErrorCode(error.error)));
  }
  const value = errors.length === 0 && root !== undefined ? jsonValue(root) : undefined;
  return {
    data: isRecord(value) ? lowerKeys(value) : {},
    offsetOf: (path) => {
      let node = root;
      for (const name of path) {
        const property = node?.children?.find(
          (child) => String(child.children?.[0]?.value).toLowerCase() === name.toLowerCase(),
        );
        node = property?.children?.[1];
      }
      return node === undefined ? undefined : offset + node.offset;
    },
  };
}

function jsonValue(node: JsonNode): unknown {
  if (node.type === 'array') return (node.children ?? []).map(jsonValue);
  if (node.type !== 'object') return node.value as unknown;
  const entries = (node.children ?? []).flatMap((property) => {
    const [key, value] = property.children ?? [];
    return key === undefined || value === undefined ? [] : [[String(key.value), jsonValue(value)] as const];
  });
  return Object.fromEntries(entries);
}

/** The end of the object that begins at `start`, braces in strings aside. */
function jsonEnd(source: string, start: number): number | undefined {
  let depth = 0;
  let quoted = false;
  for (let index = start; index < source.length; index++) {
    const character = source[index];
    if (quoted) {
      if (character === '\\') index++;
      else if (character === '"') quoted = false;
    } else if (character === '"') quoted = true;
    else if (character === '{') depth++;
    else if (character === '}' && --depth === 0) return index + 1;
  }
  return undefined;
}

export function isRecord(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null && !Array.isArray(value) && !(value instanceof Date);
}

function lowerKeys(value: Record<string, unknown>): Record<string, unknown> {
  const lower = (inner: unknown, depth: number): unknown => {
    if (depth > 50) return undefined;
    if (Array.isArray(inner)) return inner.map((item) => lower(item, depth + 1));
    if (!isRecord(inner)) return inner;
    return Object.fromEntries(
      Object.entries(inner).map(([key, item]) => [key.toLowerCase(), lower(item, depth + 1)]),
    );
  };
  const lowered = lower(value, 0);
  return isRecord(lowered) ? lowered : {};
}

function firstLine(text: string): string {
  return (text.split('\n', 1)[0] ?? '').replace(/^\w*Error: /, '');
}

/** `CommaExpected` → `comma expected`. */
function words(code: string): string {
  return code.replace(/(?!^)([A-Z])/g, ' $1').toLowerCase();
}
