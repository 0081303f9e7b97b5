import { hugoAtLeast, type SiteConfig } from './hugo/config.ts';
import { readFields } from './hugo/page-fields.ts';
import { parseLesson, type Lesson } from './lesson.ts';
import type { MarkdownOptions } from './markdown.ts';
import { judgeMessages } from './message.ts';

/** The Markdown options that a site's configuration asks for. */
export function markdownOptions(config: SiteConfig): MarkdownOptions {
  return {
    headings: {
      kind: config.headingIds,
      attributes: config.headingAttributes,
      fromRawLine: !hugoAtLeast(config, 0, 144),
    },
    unsafe: config.unsafe,
    severities: config.severities,
  };
}

/** Reads a lesson with all that can be told of it without running it: its front matter's fields too. */
export function lintLesson(
  source: string,
  file: string,
  config: SiteConfig,
  options: Pick<MarkdownOptions, 'shortcodes' | 'foreign'> = {},
): Lesson {
  const lesson = parseLesson(source, file, { ...markdownOptions(config), ...options });
  const { messages } = readFields(lesson.frontMatter.data, '', config, lesson.frontMatter, file);
  return { ...lesson, messages: judgeMessages([...lesson.messages, ...messages], config.severities) };
}
