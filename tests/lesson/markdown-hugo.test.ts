import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { createMarkdownProcessor } from '@astrojs/markdown-remark';
import { describe, expect, it } from 'vitest';
import { lessonRehypePlugins, lessonRemarkPlugins } from '../../src/lesson/markdown.ts';
import { buildWithHugo, fixtures, hasHugo } from './hugo/real-hugo.ts';

const site = join(fixtures, 'sites', 'headings');

/** What is left when only the way of writing differs: blanks, references, classes, and how code, tasks and footnotes are dressed. */
function plain(html: string): string[] {
  return html
    .replace(/<pre[^>]*>\s*<code[^>]*>/g, '<pre>')
    .replace(/<div class="highlight">|<\/code>(?=<\/pre>)/g, '')
    .replace(/<(?:div|section)[^>]*footnotes[^]*$/, '')
    .replace(/<\/?span[^>]*>/g, '')
    .replace(/(?:<!-- raw HTML omitted -->\s*)+/g, '[omitted]')
    .replace(/<input[^>]*>/g, '[task]')
    .replace(/ (?:class|role|style|align|data-[\w-]+|aria-[\w-]+)(?:="[^"]*")?/g, '')
    .replace(/<a([^>]*?) id="[^"]*"/g, '<a$1')
    .replace(/<div filename="[^"]*">(.*?)<\/div>/gs, '$1')
    .replace(/<sup(?: id="[^"]*")?>/g, '<sup>')
    .replace(/&(#x3C|lt);/gi, '‹')
    .replace(/&(#34|#x22|quot);/gi, '"')
    .replace(/&(#x26|amp);/gi, '＆')
    .replaceAll('&copy;', '©')
    .replace(/>\s+</g, '><')
    .split(/(?<=<\/(?:p|li|td|th|dd|dt|pre|h\d|blockquote)>|<hr>|\[omitted\])/)
    .map((part) => part.trim())
    .filter((part) => part !== '');
}

describe.skipIf(!hasHugo)('beside real hugo', () => {
  it('every block of Markdown says the same', async () => {
    const processor = await createMarkdownProcessor({
      syntaxHighlight: false,
      smartypants: false,
      remarkPlugins: lessonRemarkPlugins({ headings: { fromRawLine: true } }) as never,
      rehypePlugins: lessonRehypePlugins() as never,
    });
    const { code } = await processor.render(readFileSync(join(site, 'content/docs/markdown.md'), 'utf8'));
    const hugo = buildWithHugo(site).html('docs/markdown/index.html');
    expect(plain(code)).toEqual(plain(hugo));
  });
});
