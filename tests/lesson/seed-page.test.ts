import { readFileSync } from 'node:fs';
import { createMarkdownProcessor } from '@astrojs/markdown-remark';
import { describe, expect, it } from 'vitest';
import { parseLesson } from '../../src/lesson/lesson.ts';
import { lessonRehypePlugins, lessonRemarkPlugins } from '../../src/lesson/markdown.ts';
import { fixtures } from './hugo/real-hugo.ts';

const source = readFileSync(`${fixtures}sites/headings/content/docs/pod-to-pod-communications.md`, 'utf8');
const body = source.replace(/^---\n[^]*?\n---\n/, '');

describe('the page that lessons began with', async () => {
  const processor = await createMarkdownProcessor({
    syntaxHighlight: false,
    smartypants: false,
    remarkPlugins: lessonRemarkPlugins() as never,
    rehypePlugins: lessonRehypePlugins() as never,
  });
  const { code: html } = await processor.render(source);

  it('has all of its 92 bold spans bold', () => {
    expect(body.match(/\*\*[^*\n]+\*\*/g)).toHaveLength(92);
    expect(html.match(/<strong>/g)).toHaveLength(92);
    expect(html).not.toContain('**');
  });

  it('keeps every character of its text', () => {
    const written = body
      .replace(/^\s*```.*$/gm, '')
      .replace(/^---$/gm, '')
      .replace(/^#+ |^\s*- (?=\S)(?!protocol)|^> /gm, '')
      .replace(/\[(.*)\]\(https:[^)]*\)/g, '$1')
      .replace(/\*\*|`/g, '');
    const shown = html
      .replace(/<[^>]*>/g, '')
      .replaceAll('&#x3C;', '<')
      .replaceAll('&amp;', '&');
    const bare = (text: string): string => text.replace(/\s+/g, '');
    expect(bare(shown)).toBe(bare(written));
    expect(shown).toContain('curl http://10.244.1.3:80');
  });

  it('has nothing to be told about', () => {
    const { messages, labs, frontMatter } = parseLesson(source, 'page.md');
    expect({ messages, labs }).toEqual({ messages: [], labs: [] });
    expect(frontMatter.data).toEqual({ title: 'pod-to-pod communications', weight: 9 });
  });
});
