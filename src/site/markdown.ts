import { unified } from '@astrojs/markdown-remark';
import type { Root } from 'mdast';
import { visit } from 'unist-util-visit';
import type { Plugin } from 'unified';
import { site } from './site.ts';
import type { SiteSource } from './source.ts';
import { lessonRehypePlugins, lessonRemarkPlugins, type FoundLesson } from '../lesson/markdown.ts';
import { relative, sep } from 'node:path';
import { refShortcodes } from '../lesson/hugo/ref.ts';
import { markdownOptions } from '../lesson/lint.ts';

/** Astro's Markdown pipeline with the lesson format's plugins in it. */
export function lessonProcessor({
  root,
  config,
}: Pick<SiteSource, 'root' | 'config'>): ReturnType<typeof unified> {
  return unified({
    gfm: true,
    smartypants: config.typographer,
    remarkPlugins: [
      ...(lessonRemarkPlugins({
        ...markdownOptions(config),
        // Asked for when a page is rendered, after the whole site has been read.
        shortcodes: refShortcodes(
          () => site().pages,
          (file) => relative(root, file).split(sep).join('/'),
        ),
        foreign: ['note', 'tip', 'caution', 'danger'],
        onLesson: (file, lesson) => found.set(file.path ?? '', lesson),
      }) as never[]),
      plainImages,
    ],
    rehypePlugins: lessonRehypePlugins() as never[],
  });
}

/** What each page was found to hold when it was last rendered, by the path of its file. */
export const found = new Map<string, FoundLesson>();

/** Images stay what Hugo makes of them, a link to a file beside the page; Astro would move them. */
const plainImages: Plugin<[], Root> = () => (tree) => {
  visit(tree, 'image', (node, index, parent) => {
    if (parent === undefined || index === undefined) return;
    const { url, alt, title, position } = node;
    const properties = { src: url, alt: alt ?? '', ...(title ? { title } : {}), loading: 'lazy' };
    parent.children[index] = {
      type: 'emphasis',
      children: [],
      data: { hName: 'img', hProperties: properties },
      ...(position === undefined ? {} : { position }),
    };
  });
};
