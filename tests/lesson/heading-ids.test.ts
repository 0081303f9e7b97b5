import { execFileSync } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { createMarkdownProcessor } from '@astrojs/markdown-remark';
import { describe, expect, it } from 'vitest';
import { anchorName, HeadingIds } from '../../src/lesson/hugo/heading-id.ts';
import { lessonRehypePlugins, lessonRemarkPlugins } from '../../src/lesson/markdown.ts';
import { buildWithHugo, fixtures, hasHugo } from './hugo/real-hugo.ts';

describe('an anchor name', () => {
  it.each([
    ['**✅ 정리**', '-정리'],
    ['A & B', 'a--b'],
    ['1️⃣ 첫', '1-첫'],
    ['Ⅳ', ''],
    ['  trimmed - ', 'trimmed--'],
    ['İ', 'i'],
    ['snake_case', 'snake_case'],
  ])('of %j is %j', (text, name) => {
    expect(anchorName(text)).toBe(name);
  });

  it('keeps ASCII only, without accents, in the kind github-ascii', () => {
    expect(anchorName('Ünï 쿠버 x', 'github-ascii')).toBe('uni--x');
  });

  it('collapses what is not a letter or number in the kind blackfriday', () => {
    expect(anchorName(' A & B -- c_d!', 'blackfriday')).toBe('a-b-c-d');
  });

  it('is used once, with -1 and so on after it, beside ids that authors gave', () => {
    const ids = new HeadingIds();
    ids.put('given');
    expect(['a', 'a', 'a-1', 'A', '✅', '✅', 'given'].map((text) => ids.generate(text))).toEqual([
      'a',
      'a-1',
      'a-1-1',
      'a-2',
      'heading',
      'heading-1',
      'given-1',
    ]);
  });
});

const site = join(fixtures, 'sites', 'headings');

async function ourHtml(page: string, fromRawLine = true): Promise<string> {
  const processor = await createMarkdownProcessor({
    syntaxHighlight: false,
    remarkPlugins: lessonRemarkPlugins({ headings: { fromRawLine } }) as never,
    rehypePlugins: lessonRehypePlugins() as never,
  });
  const { code } = await processor.render(readFileSync(join(site, 'content/docs', page), 'utf8'));
  return code;
}

function headings(html: string): string[] {
  return Array.from(html.matchAll(/<h([1-6])([^>]*)>/g), ([, level, attributes]) => {
    const sorted = Array.from((attributes ?? '').matchAll(/([\w-]+)="([^"]*)"/g), ([pair]) => pair).sort();
    return `h${level} ${sorted.join(' ')}`.trim();
  });
}

describe.skipIf(!hasHugo)('beside real hugo', () => {
  const hugo = hasHugo ? buildWithHugo(site) : undefined;

  it.each([
    ['pod-to-pod-communications.md', 'docs/pod-to-pod-communications/index.html'],
    ['headings.md', 'docs/headings/index.html'],
  ])('every heading of %s has the same id and attributes', async (page, output) => {
    expect(headings(await ourHtml(page))).toEqual(headings(hugo?.html(output) ?? ''));
  });

  it('is the version that is said to be compared with', () => {
    expect(execFileSync('hugo', ['version'], { encoding: 'utf8' })).toMatch(/v0\.(\d{2}|1[0-3]\d|14[0-3])\./);
  });
});

it('leaves a link’s address out of the id where Hugo is newer', async () => {
  expect(headings(await ourHtml('headings.md', false)).slice(0, 4)).toEqual([
    'h1 id="a--b"',
    'h2 id="쿠버네티스"',
    'h2 id="code-b-x"',
    'h2 class="cls" id="id" key="v"',
  ]);
});
