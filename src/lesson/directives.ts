import type { Nodes, Parents, Root, RootContent } from 'mdast';
import type { ContainerDirective, LeafDirective } from 'mdast-util-directive';
import type { VFile } from 'vfile';
import { CONTINUE, SKIP, visit } from 'unist-util-visit';
import type { Message, Severities } from './message.ts';
import { judgeMessages, unknownWord } from './message.ts';
import { labDirective } from './lab-directive.ts';
import { reachDirective } from './reach-directive.ts';
import type { LabOptions } from './attributes.ts';
import type { LabSource } from './lab.ts';
import type { MaskedTag } from './shortcode-source.ts';

/** What a directive's handler is given besides its node. */
export interface DirectiveContext {
  readonly file: string;
  /** The page's defaults, from its `lab:` field. */
  readonly defaults: LabOptions;
  readonly labs: LabSource[];
  /** The shortcode call that the directive stands for, when it was written as one. */
  shortcode(node: ContainerDirective): MaskedTag | undefined;
  report(message: Omit<Message, 'file'>): void;
  /** What would be an error here after the site's severities, of what was reported since a moment. */
  errorsSince(count: number): Message[];
  readonly reported: readonly Message[];
}

/** Turns a directive's node into what the page shows, in place. */
type DirectiveHandler = (node: ContainerDirective, context: DirectiveContext) => void;

/** Every container directive of the format, by name. Later ones register here. */
const containers: Readonly<Record<string, DirectiveHandler>> = { lab: labDirective };

/** Every leaf directive of the format, by name. */
const leaves: Readonly<Record<string, (node: LeafDirective, context: DirectiveContext) => void>> = {
  reach: reachDirective,
};

/** Names that the format has and this version does not build yet. */
const reserved = ['quiz', 'predict', 'challenge', 'hint', 'solution', 'compare', 'topology'];

/** Container directives that can also be written as shortcodes. */
export const blockNames: ReadonlySet<string> = new Set(Object.keys(containers));

export interface DirectiveOptions {
  readonly severities?: Severities;
  /** Names of directives that belong to whoever hosts the pipeline; they are left alone. */
  readonly foreign?: readonly string[];
  /** The page's defaults for its labs, when the front matter is not in the text that is parsed. */
  readonly defaultsOf?: (file: VFile) => LabOptions | undefined;
  /** Called with what was found in each page. */
  readonly onLesson?: (
    file: VFile,
    found: { readonly labs: readonly LabSource[]; readonly messages: readonly Message[] },
  ) => void;
}

/** Finds and changes the directives of a tree; gives the labs and what is to be told. */
export function transformDirectives(
  tree: Root,
  text: string,
  file: string,
  tags: readonly MaskedTag[],
  defaults: LabOptions,
  options: DirectiveOptions,
): { labs: LabSource[]; messages: Message[] } {
  const labs: LabSource[] = [];
  const messages: Message[] = [];
  const unused = new Set(tags);
  const report = (message: Omit<Message, 'file'>): void => void messages.push({ file, ...message });
  const context: DirectiveContext = {
    file,
    defaults,
    labs,
    report,
    reported: messages,
    errorsSince: (count) =>
      judgeMessages(messages.slice(count), options.severities).filter(
        (message) => message.severity === 'error',
      ),
    shortcode: (node) => {
      const line = node.position?.start.line;
      const opening = tags.find(
        (tag) => tag.line === line && tag.tag.form !== 'close' && tag.tag.name === node.name,
      );
      if (opening === undefined) return undefined;
      unused.delete(opening);
      const closingLine = node.data?.position?.closing?.start.line;
      const closing = tags.find((tag) => tag.line === closingLine && tag.tag.form === 'close');
      if (closing !== undefined) unused.delete(closing);
      return opening;
    },
  };

  visit(tree, (node, index, parent) => {
    if (parent === undefined || index === undefined) return CONTINUE;
    if (node.type === 'leafDirective') {
      if (options.foreign?.includes(node.name)) return CONTINUE;
      const handler = Object.hasOwn(leaves, node.name) ? leaves[node.name] : undefined;
      if (handler !== undefined) {
        handler(node, context);
        return SKIP;
      }
      reportUnknown(node, '::');
      parent.children.splice(index, 1, asWritten(slice(node)));
      return SKIP;
    }
    if (node.type !== 'containerDirective' || options.foreign?.includes(node.name)) return CONTINUE;
    const handler = Object.hasOwn(containers, node.name) ? containers[node.name] : undefined;
    if (handler !== undefined) {
      handler(node, context);
      return CONTINUE;
    }
    reportUnknown(node, ':::');
    const position = node.data?.position;
    const opening = textBetween(position?.opening?.start.offset, position?.opening?.end.offset);
    const closing = textBetween(position?.closing?.start.offset, position?.closing?.end.offset);
    const inside = node.children.filter(
      (child) => child.type !== 'paragraph' || child.data?.directiveLabel !== true,
    );
    const replacement = [asWritten(opening), ...inside, ...(closing === '' ? [] : [asWritten(closing)])];
    parent.children.splice(index, 1, ...replacement);
    return [SKIP, index + 1];
  });
  if (tags.length > 0) restoreTags(tree, tags, unused, report);
  reportMalformed(tree, report);
  return { labs, messages };

  function slice(node: Nodes): string {
    return textBetween(node.position?.start.offset, node.position?.end.offset);
  }

  function textBetween(start: number | undefined, end: number | undefined): string {
    return start === undefined || end === undefined ? '' : text.slice(start, end).trimEnd();
  }

  function reportUnknown(node: ContainerDirective | LeafDirective, colons: string): void {
    const isReserved = reserved.includes(node.name);
    report({
      line: node.position?.start.line ?? 1,
      column: node.position?.start.column ?? 1,
      severity: isReserved ? 'error' : 'warn',
      rule: isReserved ? 'lab/reserved-directive' : 'lab/unknown-directive',
      message: isReserved
        ? `${colons}${node.name} is part of the lesson format, but not built yet`
        : `${colons}${node.name} is shown as it was written: ${unknownWord(node.name, [...Object.keys(containers), ...Object.keys(leaves), ...reserved])}`,
    });
  }
}

function asWritten(value: string): RootContent {
  return { type: 'paragraph', children: [{ type: 'text', value }] };
}

/** Gives back the shortcode calls that did not become directives, because they stand in code or inside a line. */
function restoreTags(
  tree: Root,
  tags: readonly MaskedTag[],
  unused: ReadonlySet<MaskedTag>,
  report: (message: Omit<Message, 'file'>) => void,
): void {
  const inCode = new Set<MaskedTag>();
  if (unused.size > 0) {
    visit(tree, (node) => {
      if (!('value' in node) || node.position === undefined) return;
      const { start, end } = node.position;
      for (const tag of unused) {
        if (tag.line < start.line || tag.line > end.line || !node.value.includes(tag.mask)) continue;
        node.value = node.value.replace(tag.mask, () => tag.original);
        if (node.type === 'code' || node.type === 'inlineCode') inCode.add(tag);
      }
    });
  }
  for (const tag of tags) {
    if (!unused.has(tag)) continue;
    const closing = tag.tag.form === 'close';
    report({
      line: tag.line,
      column: 1,
      severity: 'error',
      rule: inCode.has(tag) ? 'shortcode/in-code' : 'lab/placement',
      message: inCode.has(tag)
        ? `Hugo runs ${tag.original.split('\n', 1)[0]} in code too; to show it, write {{${tag.tag.markup}/* … */${tag.tag.markup === '<' ? '>' : '%'}}}`
        : `the ${closing ? 'closing' : 'opening'} call of "${tag.tag.name}" must stand alone on its line`,
    });
  }
}

/** Text that was meant to be a directive and is none. */
function reportMalformed(tree: Root, report: (message: Omit<Message, 'file'>) => void): void {
  visit(tree, 'paragraph', (node, _index, parent: Parents | undefined) => {
    const first = node.children[0];
    if (first?.type !== 'text' || parent === undefined || node.position === undefined) return;
    for (const [index, line] of first.value.split('\n').entries()) {
      const found = /^(:{3,})([ \t]*)([A-Za-z]\w*)/.exec(line);
      const known = found !== null && (blockNames.has(found[3] ?? '') || reserved.includes(found[3] ?? ''));
      if (found === null || !known) continue;
      report({
        line: node.position.start.line + index,
        column: node.position.start.column,
        severity: 'error',
        rule: 'lab/malformed',
        message:
          found[2] === ''
            ? `${found[0]} is not read as a directive: its attributes must be {…} right after the name, on one line, with values that have blanks or quotes inside quoted`
            : `write ${found[1] ?? ''}${found[3] ?? ''} without a blank between`,
      });
    }
  });
}
