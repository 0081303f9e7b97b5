import type {} from 'mdast-util-to-hast';
import type { Heading, Nodes, Root } from 'mdast';
import { visit } from 'unist-util-visit';
import { takeHeadingAttributes } from './heading-attributes.ts';
import { HeadingIds, type HeadingIdKind } from './hugo/heading-id.ts';

export interface HeadingOptions {
  readonly kind?: HeadingIdKind;
  /** Before Hugo 0.144 the id came from the heading's raw line, a link's address included. Default: from its text. */
  readonly fromRawLine?: boolean;
  /** Hugo's `markup.goldmark.parser.attribute.title`. Default on. */
  readonly attributes?: boolean;
}

/** Gives every heading the id that Hugo gives it. Whoever makes ids later leaves those that are there. */
export function setHeadingIds(tree: Root, text: string, options: HeadingOptions): void {
  const ids = new HeadingIds(options.kind);
  visit(tree, 'heading', (heading) => {
    // The raw line is read before attributes are taken, and loses them by itself.
    const raw = rawLine(heading, text);
    const taken = options.attributes === false ? undefined : takeHeadingAttributes(heading);
    const { class: className, ...attributes } = taken ?? {};
    const own = attributes['id'];
    const rawWithout = taken === undefined ? raw : raw.replace(/[ \t]*\{[^{}]*\}[ \t]*$/, '');
    const id =
      own ?? ids.generate(options.fromRawLine === true ? rawWithout : lastLine(plainText(heading, text)));
    if (own !== undefined) ids.put(own);
    heading.data = {
      ...heading.data,
      hProperties: {
        ...heading.data?.hProperties,
        ...attributes,
        ...(className === undefined ? {} : { className: className.split(' ') }),
        id,
      },
    };
  });
}

/** The last line of a heading as it stands in the source. */
function rawLine(heading: Heading, text: string): string {
  const start = heading.children[0]?.position?.start.offset;
  const end = heading.children.at(-1)?.position?.end.offset;
  return start === undefined || end === undefined ? '' : lastLine(text.slice(start, end));
}

function lastLine(text: string): string {
  return text.split(/\r\n|\r|\n/).at(-1) ?? '';
}

/** The text of a heading without its marks; escapes and entities as they were written. */
function plainText(node: Nodes, text: string): string {
  switch (node.type) {
    case 'text': {
      const { start, end } = node.position ?? {};
      if (start?.offset === undefined || end?.offset === undefined) return node.value;
      const written = text.slice(start.offset, end.offset);
      // Attributes have been taken from the value but not from the source.
      return /\{[^{}]*\}[ \t]*$/.test(written) && !/\}[ \t]*$/.test(node.value)
        ? written.replace(/[ \t]*\{[^{}]*\}[ \t]*$/, '')
        : written;
    }
    case 'inlineCode':
      return node.value;
    case 'image':
    case 'imageReference':
      return node.alt ?? '';
    case 'break':
      return '\n';
    default:
      return 'children' in node ? node.children.map((child) => plainText(child, text)).join('') : '';
  }
}
