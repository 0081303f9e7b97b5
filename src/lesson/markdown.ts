import type { Root } from 'mdast';
import remarkCjkFriendly from 'remark-cjk-friendly';
import remarkCjkFriendlyStrikethrough from 'remark-cjk-friendly-gfm-strikethrough';
import type { PluggableList, Plugin } from 'unified';
import type { VFile } from 'vfile';
import { blockNames, transformDirectives, type DirectiveOptions } from './directives.ts';
import { makeDefinitionLists } from './definition-lists.ts';
import { rehypeFootnoteIds } from './footnote-ids.ts';
import { setHeadingIds, type HeadingOptions } from './heading-ids.ts';
import type { LabSource } from './lab.ts';
import { remarkLessonSyntax } from './lesson-syntax.ts';
import { judgeMessages, type Message } from './message.ts';
import { secureBareLinks } from './linkify.ts';
import { readPageDefaults } from './page-defaults.ts';
import { omitRawHtml } from './raw-html.ts';
import type { ShortcodeText } from './shortcode-source.ts';

export interface MarkdownOptions extends DirectiveOptions {
  readonly headings?: HeadingOptions;
  /** Hugo's `markup.goldmark.renderer.unsafe`. Default off: raw HTML is left out. */
  readonly unsafe?: boolean;
  /** Hugo's `markup.goldmark.extensions.definitionList`. Default on. */
  readonly definitionLists?: boolean;
  /** Shortcodes that stand for a text: `ref`, `relref`. */
  readonly shortcodes?: Readonly<Record<string, ShortcodeText>>;
}

/** What a page was found to hold; in `file.data.lesson` after the plugins ran. */
export interface FoundLesson {
  readonly labs: readonly LabSource[];
  /** With the site's severities, in the order of their places. */
  readonly messages: readonly Message[];
}

declare module 'vfile' {
  interface DataMap {
    lesson: FoundLesson;
  }
}

/**
 * The remark plugins of the lesson format, to be used after `remark-parse` and `remark-gfm`. The text may still have its
 * front matter, which is then read for the labs' defaults and counted in every place.
 */
export function lessonRemarkPlugins(options: MarkdownOptions = {}): PluggableList {
  return [
    [remarkLessonSyntax, { blocks: blockNames, texts: options.shortcodes ?? {} }],
    remarkCjkFriendly,
    remarkCjkFriendlyStrikethrough,
    [remarkLesson, options],
  ];
}

/** The rehype plugins of the lesson format. */
export function lessonRehypePlugins(): PluggableList {
  return [rehypeFootnoteIds];
}

/** Changes the tree: raw HTML, directives, headings. */
const remarkLesson: Plugin<[MarkdownOptions], Root> = (options) => (tree: Root, file: VFile) => {
  const path = file.path ?? '';
  const parsed = file.data.lessonSource;
  const text = parsed?.masked.text ?? String(file);
  const messages: Message[] = [...(parsed?.messages ?? [])];
  if (options.unsafe !== true && !path.endsWith('.mdx')) {
    omitRawHtml(tree, (line, column, html) => {
      messages.push({
        file: path,
        line,
        column,
        severity: 'warn',
        rule: 'html/omitted',
        message: `raw HTML is left out while unsafe is off: ${html.slice(0, 40).split('\n', 1)[0] ?? ''}`,
      });
    });
  }
  if (options.definitionLists !== false) makeDefinitionLists(tree);
  secureBareLinks(tree);
  const page = parsed === undefined ? undefined : readPageDefaults(parsed.frontMatter, path);
  messages.push(...(page?.messages ?? []));
  const defaults = { ...page?.defaults, ...options.defaultsOf?.(file) };
  const found = transformDirectives(tree, text, path, parsed?.masked.tags ?? [], defaults, options);
  setHeadingIds(tree, text, options.headings ?? {});
  const lesson: FoundLesson = {
    labs: found.labs,
    messages: judgeMessages([...messages, ...found.messages], options.severities),
  };
  file.data.lesson = lesson;
  options.onLesson?.(file, lesson);
};
