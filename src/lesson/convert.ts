import type { Nodes, Root } from 'mdast';
import type { ContainerDirective } from 'mdast-util-directive';
import remarkGfm from 'remark-gfm';
import remarkParse from 'remark-parse';
import { unified } from 'unified';
import { VFile } from 'vfile';
import { blockNames } from './directives.ts';
import { parseLesson } from './lesson.ts';
import { remarkLessonSyntax } from './lesson-syntax.ts';
import type { Message } from './message.ts';
import { applyEdits } from './shortcode-source.ts';
import type { ShortcodeTag } from './shortcode.ts';

export type LabForm = 'directive' | 'shortcode';

/**
 * Writes the labs of a lesson in the other form. Only the lines that open and close labs change, byte for byte; labs shown
 * in code stay, and so does one that cannot be written in the other form, with a message.
 */
export function convertLesson(
  source: string,
  to: LabForm,
  file: string,
): { source: string; messages: Message[] } {
  const messages: Message[] = [];
  const converted = to === 'shortcode' ? toShortcodes(source, file, messages) : toDirectives(source, file);
  if (converted === source) return { source, messages };
  const meaning = (text: string): string => {
    const { labs, messages: told } = parseLesson(text, file);
    return JSON.stringify([labs, told.map((message) => message.rule)], withoutPlaces);
  };
  if (meaning(converted) === meaning(source)) return { source: converted, messages };
  const message = 'the labs would not mean the same afterwards, so the file is left as it is';
  return {
    source,
    messages: [
      ...messages,
      { file, line: 1, column: 1, severity: 'error', rule: 'convert/meaning', message },
    ],
  };
}

function withoutPlaces(key: string, value: unknown): unknown {
  return key === 'place' ? undefined : value;
}

interface Edit {
  readonly start: number;
  readonly end: number;
  readonly text: string;
}

function toShortcodes(source: string, file: string, messages: Message[]): string {
  const { tree } = parse(source, file, undefined);
  const edits: Edit[] = [];
  for (const { node, quoted } of directivesIn(tree)) {
    const { opening, closing } = node.data?.position ?? {};
    const [start, end] = [opening?.start.offset, opening?.end.offset];
    const [closeStart, closeEnd] = [closing?.start.offset, closing?.end.offset];
    if (start === undefined || end === undefined || closeStart === undefined || closeEnd === undefined) {
      leave(node, 'it is never closed');
      continue;
    }
    if (quoted) {
      leave(node, 'Hugo hands the marks of a block quote to the shortcode as text');
      continue;
    }
    const args = writtenAttributes(node, source).map(shortcodeArgument);
    if (args.includes(undefined)) {
      leave(node, 'an attribute has both a backquote and a backslash');
      continue;
    }
    edits.push({ start, end, text: `{{< ${node.name}${args.join('')} >}}` });
    edits.push({ start: closeStart, end: closeEnd, text: `{{< /${node.name} >}}` });
  }
  return applyEdits(source, edits);

  function leave(node: ContainerDirective, why: string): void {
    const { line, column } = node.position?.start ?? { line: 1, column: 1 };
    const message = `:::${node.name} is left as it is: ${why}`;
    messages.push({ file, line, column, severity: 'warn', rule: 'convert/left', message });
  }
}

function toDirectives(source: string, file: string): string {
  const { tree, tags } = parse(source, file, blockNames);
  const edits: Edit[] = [];
  const colonsOf = new Map<number, number>();
  const pairs = directivesIn(tree).flatMap(({ node }) => {
    const open = tags.find((tag) => tag.line === node.position?.start.line && tag.tag.form === 'open');
    const close = tags.find(
      (tag) => tag.line === node.data?.position?.closing?.start.line && tag.tag.form === 'close',
    );
    return open === undefined || close === undefined ? [] : [{ open: open.tag, close: close.tag }];
  });
  // From the inside out: a fence of colons must be longer than every one within it.
  for (const { open, close } of pairs.toReversed()) {
    const inside = source.slice(open.end, close.start);
    const runs = Array.from(inside.matchAll(/^[ \t]*(:{3,})/gm), (run) => (run[1] ?? '').length);
    const within = pairs.filter((other) => other.open.start > open.start && other.close.end < close.end);
    const nested = within.map((other) => colonsOf.get(other.open.start) ?? 0);
    const colons = Math.max(2, ...runs, ...nested) + 1;
    colonsOf.set(open.start, colons);
    edits.push({
      start: open.start,
      end: open.end,
      text: `${':'.repeat(colons)}${open.name}${directiveAttributes(open, source)}`,
    });
    edits.push({ start: close.start, end: close.end, text: ':'.repeat(colons) });
  }
  return applyEdits(source, edits);
}

function parse(source: string, file: string, blocks: ReadonlySet<string> | undefined) {
  const vfile = new VFile({ value: source, path: file });
  const processor = unified()
    .use(remarkParse)
    .use(remarkGfm)
    .use(remarkLessonSyntax, blocks === undefined ? {} : { blocks });
  const tree: Root = processor.parse(vfile);
  return { tree, tags: vfile.data.lessonSource?.masked.tags ?? [] };
}

/** The block directives of ours, outermost first, and whether they stand in a block quote. */
function directivesIn(tree: Root): { node: ContainerDirective; quoted: boolean }[] {
  const found: { node: ContainerDirective; quoted: boolean }[] = [];
  const walk = (node: Nodes, quoted: boolean): void => {
    if (node.type === 'containerDirective' && blockNames.has(node.name)) found.push({ node, quoted });
    if ('children' in node)
      for (const child of node.children) walk(child, quoted || node.type === 'blockquote');
  };
  walk(tree, false);
  return found;
}

interface Attribute {
  readonly name: string;
  readonly value: string;
  readonly isQuoted: boolean;
  /** The blanks before it. */
  readonly gap: string;
}

function writtenAttributes(node: ContainerDirective, source: string): Attribute[] {
  const places = Object.entries(node.data?.position?.attributes ?? {}).flatMap(([name, place]) => {
    const [start, end] = [place?.start.offset, place?.end.offset];
    return start === undefined || end === undefined ? [] : [{ name, start, end }];
  });
  let previous: number | undefined;
  return places
    .sort((a, b) => a.start - b.start)
    .map(({ name, start, end }) => {
      const between = previous === undefined ? '' : source.slice(previous, start);
      previous = end;
      return {
        name,
        value: node.attributes?.[name] ?? '',
        isQuoted: /=\s*["']/.test(source.slice(start, end)),
        gap: /^[ \t]+$/.test(between) ? between : ' ',
      };
    });
}

/** With the blanks before it; nothing when Hugo has no way to write the value. */
function shortcodeArgument({ name, value, isQuoted, gap }: Attribute): string | undefined {
  if (!isQuoted && /^[^\s"`\\<>%}]+$/.test(value)) return `${gap}${name}=${value}`;
  if (!/\\(?:"|$)|[\r\n]/.test(value)) return `${gap}${name}="${value.replaceAll('"', '\\"')}"`;
  return value.includes('`') ? undefined : `${gap}${name}=\`${value}\``;
}

function directiveAttributes(tag: ShortcodeTag, source: string): string {
  let previous: number | undefined;
  const written = tag.args.map(({ name, value, start, end }) => {
    const between = previous === undefined ? '' : source.slice(previous, start);
    previous = end;
    const gap = between === '' ? '' : /^[ \t]+$/.test(between) ? between : ' ';
    const isQuoted = /^[^=]*=\s*["`]/.test(source.slice(start, end));
    // A positional argument is a mistake that stays one: a name without a value.
    if (name === undefined) return `${gap}${value}`;
    if (name === 'id' && !isQuoted && /^[^\s"#'.<=>`}&]+$/.test(value)) return `${gap}#${value}`;
    const bare = !isQuoted && /^[^\s"'<=>`}&]+$/.test(value);
    return bare ? `${gap}${name}=${value}` : `${gap}${name}="${escapeAttribute(value)}"`;
  });
  return written.length === 0 ? '' : `{${written.join('')}}`;
}

/** Directive values are read as HTML's: only what would be a character reference needs escaping. */
function escapeAttribute(value: string): string {
  return value
    .replace(/&(?=#|[A-Za-z])/g, '&amp;')
    .replaceAll('"', '&quot;')
    .replace(/[\r\n]+/g, ' ');
}
