import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { configNames, readConfig } from '../../../src/lesson/hugo/config.ts';
import { buildPageSet } from '../../../src/lesson/hugo/page-set.ts';
import { buildWithHugo, contentFiles, fixtures, hasHugo } from './real-hugo.ts';

const now = Date.UTC(2026, 0, 1);

function ours(name: string) {
  const site = join(fixtures, 'sites', name);
  const file = configNames.find((candidate) => existsSync(join(site, candidate))) ?? '';
  const { config, messages } = readConfig(readFileSync(join(site, file), 'utf8'), file);
  expect(messages).toEqual([]);
  return buildPageSet(config, contentFiles(site), { now });
}

it('finds hugo where CI needs it', () => {
  expect(hasHugo || process.env['CI'] === undefined).toBe(true);
});

describe.skipIf(!hasHugo).each([
  ['addresses', 'index.html'],
  ['languages-by-directory', 'index.html'],
  ['languages-by-suffix', 'en/index.html'],
  ['order', 'index.html'],
])('the site %s, built by real hugo', (name, home) => {
  const hugo = buildWithHugo(join(fixtures, 'sites', name), home);
  const mine = ours(name);
  // What is never rendered has no address, yet is in Hugo's lists.
  const rendered = hugo.pages.filter((page) => page.address !== '');

  it('has the same pages at the same addresses with the same titles and weights', () => {
    const key = (page: { address: string; kind: string; language: string; title: string; weight: number }) =>
      `${page.language} ${page.kind} ${decodeURI(page.address)} "${page.title}" ${page.weight}`;
    const listed = mine.pages
      .filter((page) => page.fields.listed)
      .map((page) => key({ ...page, title: page.fields.title, weight: page.fields.weight }));
    expect(listed.sort()).toEqual(rendered.map(key).sort());
  });

  it('writes the same files, aliases among them', () => {
    const files = mine.pages.flatMap((page) => [page.outputFile, ...page.aliasFiles]);
    expect([...new Set(files)].sort()).toEqual([...hugo.outputFiles].sort());
  });

  it('lists the pages of every section in the same order', () => {
    for (const page of hugo.pages) {
      if (page.kind === 'page') continue;
      const own = mine.byAddress(decodeURI(page.address));
      const children = own === undefined ? undefined : mine.children(own).map((child) => child.address);
      expect({ of: page.address, children }).toEqual({
        of: page.address,
        children: (page.children ?? []).filter((child) => child !== '').map(decodeURI),
      });
    }
  });
});
