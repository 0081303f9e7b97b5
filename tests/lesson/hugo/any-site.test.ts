import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { parseLesson } from '../../../src/lesson/lesson.ts';
import { readConfig } from '../../../src/lesson/hugo/config.ts';
import { buildPageSet } from '../../../src/lesson/hugo/page-set.ts';
import { buildWithHugo, contentFiles, hasHugo, type HugoSite } from './real-hugo.ts';

const config = `baseURL: https://example.org/x/
defaultContentLanguage: ko
disableKinds: [taxonomy, term, RSS, sitemap, robotsTXT, '404']
params: { podwalk: { hugo: 0.111.3 } }
`;

/** Builds a site of these content files with real Hugo, and hands its directory on. */
function build<T>(files: Readonly<Record<string, string>>, use: (hugo: HugoSite, dir: string) => T): T {
  const dir = mkdtempSync(join(tmpdir(), 'podwalk-any-'));
  try {
    writeFileSync(join(dir, 'hugo.yaml'), config);
    for (const [path, source] of Object.entries(files)) {
      mkdirSync(dirname(join(dir, 'content', path)), { recursive: true });
      writeFileSync(join(dir, 'content', path), source);
    }
    return use(buildWithHugo(dir), dir);
  } finally {
    rmSync(dir, { recursive: true });
  }
}

const words = fc.constantFrom(
  '파드',
  'Pod',
  'A',
  'b',
  'İ',
  'ß',
  'é',
  'e\u0301',
  '✅',
  '1️⃣',
  '10',
  '٣',
  'ⅳ',
  '½',
  '_',
  '-',
  '--',
  ' ',
  '  ',
  '.',
  ',',
  '+',
  '&',
  '(',
  ')',
  '/',
  '#',
  '~',
  '%',
  '%20',
  "'",
  '"',
  '!',
  '?',
  ':',
  ';',
  '=',
  '@',
  '$',
  '^',
  '|',
  'ñ',
  '中文',
  'かな',
  '\u200d',
  '\u00a0',
  '·',
  '→',
  'Ω',
);
const name = fc.array(words, { minLength: 1, maxLength: 7 }).map((parts) => parts.join(''));
const marked = fc
  .array(
    fc.oneof(
      words,
      fc.constantFrom(
        '`code`',
        '**bold**',
        '*em*',
        '[link](https://a.b/c)',
        '\\*',
        '&amp;',
        '<b>',
        '{x}',
        '`a & b`',
        '~~s~~',
      ),
    ),
    {
      minLength: 1,
      maxLength: 8,
    },
  )
  .map((parts) => parts.join(''));

describe.skipIf(!hasHugo)('for any site, as real hugo does it', () => {
  it('headings get their ids', () => {
    const headings = fc.sample(marked, { numRuns: 400, seed: 7 }).map((text) => `## x ${text}`);
    const source = headings.join('\n\n');
    const expected = build({ 'page.md': source }, (hugo) =>
      Array.from(hugo.html('page/index.html').matchAll(/<h2 id="([^"]*)"/g), ([, id]) => id),
    );
    const { tree } = parseLesson(source, 'page.md', { headings: { fromRawLine: true } });
    const own = tree.children.flatMap((node) =>
      node.type === 'heading' ? [node.data?.hProperties?.['id']] : [],
    );
    expect(own).toEqual(expected);
  });

  it('pages get their addresses, from file names, slugs and urls', () => {
    const files: Record<string, string> = {};
    fc.sample(fc.tuple(name, name, fc.integer({ min: 0, max: 3 })), { numRuns: 200, seed: 11 }).forEach(
      ([file, field, kind], index) => {
        const text = JSON.stringify(field);
        const line =
          kind === 1
            ? `slug: ${text}\n`
            : kind === 2 && !/\/\/|%/.test(field)
              ? `url: ${JSON.stringify(`/u${index}/${field}`)}\n`
              : '';
        // Hugo panics at a url with a stray percent sign. Every file is in a directory of its own, or two would claim one address.
        files[`d${index}/${file.replaceAll('/', '') || 'x'}.md`] = `---\ntitle: t\n${line}---\n`;
      },
    );
    build(files, (hugo, dir) => {
      const mine = buildPageSet(readConfig(config, 'hugo.yaml').config, contentFiles(dir), {
        now: Date.now(),
      });
      const own = mine.pages.map((page) => page.outputFile).sort();
      expect(own).toEqual([...hugo.outputFiles].sort());
    });
  });

  it('lists are in order, whatever titles, weights and dates are', () => {
    const page = fc.record({
      title: name,
      weight: fc.constantFrom(0, 0, 0, 1, 2, -1),
      day: fc.constantFrom(0, 0, 0, 1, 2),
    });
    const files: Record<string, string> = {};
    fc.sample(page, { numRuns: 240, seed: 13 }).forEach(({ title, weight, day }, index) => {
      const date = day === 0 ? '' : `date: 2024-01-0${day}\n`;
      files[`s${index % 12}/p${index}.md`] =
        `---\ntitle: ${JSON.stringify(title)}\nweight: ${weight}\n${date}---\n`;
    });
    build(files, (hugo, dir) => {
      const mine = buildPageSet(readConfig(config, 'hugo.yaml').config, contentFiles(dir), {
        now: Date.now(),
      });
      for (const section of hugo.pages.filter((candidate) => candidate.kind === 'section')) {
        const own = mine.byAddress(section.address);
        const children =
          own === undefined
            ? []
            : mine.children(own).map((child) => `${child.address} ${child.fields.title}`);
        const titles = new Map(mine.pages.map((candidate) => [candidate.address, candidate.fields.title]));
        expect(children).toEqual(
          (section.children ?? []).map((address) => `${address} ${titles.get(address) ?? ''}`),
        );
      }
    });
  });
});
