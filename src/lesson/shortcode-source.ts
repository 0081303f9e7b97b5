import { pairShortcodes, scanShortcodes, type ShortcodeTag } from './shortcode.ts';
import { Lines } from './lines.ts';
import { unknownWord, type Message } from './message.ts';

/** A shortcode that stands for a text known before Markdown is parsed, such as `ref`. Nothing, and it is an error. */
export type ShortcodeText = (tag: ShortcodeTag, file: string) => string | undefined;

/** What a block shortcode has become in the text that Markdown sees: a directive that no author can have written. */
export interface MaskedTag {
  readonly tag: ShortcodeTag;
  /** The line of the file on which it begins. */
  readonly line: number;
  readonly mask: string;
  readonly original: string;
  /** Turns an offset of the source into a place. */
  placeOf(offset: number): { readonly line: number; readonly column: number };
}

export interface MaskedSource {
  /** As many lines as the source, each at its place; columns differ on the lines of shortcodes only. */
  readonly text: string;
  readonly tags: readonly MaskedTag[];
  readonly messages: readonly Message[];
}

/**
 * Takes the shortcodes out of a source before Markdown is parsed: block shortcodes (`lab`) become container directives,
 * a call between comment marks becomes what it shows, others become their text, and what cannot be read stays as it is, with a message.
 */
export function maskShortcodes(
  source: string,
  bodyStart: number,
  file: string,
  blocks: ReadonlySet<string>,
  texts: Readonly<Record<string, ShortcodeText>>,
): MaskedSource {
  if (!source.includes('{{<', bodyStart) && !source.includes('{{%', bodyStart)) {
    return { text: source, tags: [], messages: [] };
  }
  const lines = new Lines(source);
  const tokens = scanShortcodes(source, bodyStart);
  const { calls, errors } = pairShortcodes(tokens, blocks);
  const messages: Message[] = errors.map((error) => ({
    file,
    ...lines.at(error.start),
    severity: 'error',
    rule: error.message.startsWith('unclosed shortcode "') ? 'lab/unclosed' : 'shortcode/syntax',
    message: error.message,
  }));

  const edits: { start: number; end: number; text: string }[] = [];
  const tags: MaskedTag[] = [];
  for (const token of tokens) if (token.kind === 'literal') edits.push(token);

  // Longer than any colons of the author's, and longer outside than inside, so that each pair closes itself.
  const longest = Math.max(
    2,
    ...Array.from(source.matchAll(/:{3,}/g), (run) => Math.min(run[0].length, 200)),
  );
  const deepest = Math.max(0, ...calls.map((call) => call.depth));
  for (const { open, close, depth } of calls) {
    if (blocks.has(open.name)) {
      const colons = ':'.repeat(longest + 1 + deepest - depth);
      if (close === undefined) {
        const message = `this ${open.name} has nothing inside: write its blocks and {{< /${open.name} >}} after it`;
        messages.push({ file, ...lines.at(open.start), severity: 'error', rule: 'lab/empty', message });
        continue;
      }
      mask(open, `${colons}${open.name}`);
      mask(close, colons);
      continue;
    }
    const expand = Object.hasOwn(texts, open.name) ? texts[open.name] : undefined;
    const text = expand?.(open, file);
    if (text !== undefined) {
      edits.push({ start: open.start, end: open.end, text: text.replace(/[\r\n]+/g, ' ') });
      if (close !== undefined) edits.push({ start: close.start, end: close.end, text: '' });
    } else {
      const known = [...blocks, ...Object.keys(texts)];
      messages.push({
        file,
        ...lines.at(open.start),
        severity: 'error',
        rule: expand === undefined ? 'shortcode/unknown' : 'shortcode/unresolved',
        message:
          expand === undefined
            ? `shortcode ${unknownWord(open.name, known)}`
            : `shortcode "${open.name}" has no answer for ${open.args.map((argument) => JSON.stringify(argument.value)).join(' ')}`,
      });
    }
  }
  return { text: applyEdits(source, edits), tags, messages };

  function mask(tag: ShortcodeTag, text: string): void {
    const original = source.slice(tag.start, tag.end);
    tags.push({
      tag,
      line: lines.at(tag.start).line,
      mask: text,
      original,
      placeOf: (offset) => lines.at(offset),
    });
    // A call over several lines keeps its lines, so that what follows keeps its place.
    edits.push({ start: tag.start, end: tag.end, text: text + original.replace(/[^\r\n]/g, '') });
  }
}

/** Replaces ranges that do not overlap. */
export function applyEdits(
  source: string,
  edits: readonly { readonly start: number; readonly end: number; readonly text: string }[],
): string {
  let result = '';
  let at = 0;
  for (const edit of edits.toSorted((a, b) => a.start - b.start)) {
    result += source.slice(at, edit.start) + edit.text;
    at = edit.end;
  }
  return result + source.slice(at);
}
