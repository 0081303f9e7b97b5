import type { Root } from 'mdast';
import remarkGfm from 'remark-gfm';
import remarkParse from 'remark-parse';
import { unified } from 'unified';
import { VFile } from 'vfile';
import type { FrontMatter } from './front-matter.ts';
import type { LabSource } from './lab.ts';
import { lessonRemarkPlugins, type MarkdownOptions } from './markdown.ts';
import type { Message } from './message.ts';

/** A page as the author wrote it, read. */
export interface Lesson {
  readonly file: string;
  readonly source: string;
  readonly frontMatter: FrontMatter;
  /** Labs without errors, in page order, with the page's defaults in place. */
  readonly labs: readonly LabSource[];
  /** In the order of their places. */
  readonly messages: readonly Message[];
  /** The Markdown tree with labs and headings as the page shows them; places are the file's. */
  readonly tree: Root;
}

/** Reads a lesson outside of any site generator. Never throws; what is wrong is in `messages`. */
export function parseLesson(source: string, file: string, options: MarkdownOptions = {}): Lesson {
  const vfile = new VFile({ value: source, path: file });
  const processor = unified().use(remarkParse).use(remarkGfm).use(lessonRemarkPlugins(options));
  const tree: Root = processor.parse(vfile);
  processor.runSync(tree, vfile);
  const { lessonSource, lesson } = vfile.data;
  if (lessonSource === undefined || lesson === undefined) throw new Error('the lesson plugins did not run');
  return {
    file,
    source,
    frontMatter: lessonSource.frontMatter,
    labs: lesson.labs,
    messages: lesson.messages,
    tree,
  };
}
