import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { readConfig } from '../../../src/lesson/hugo/config.ts';
import { buildPageSet } from '../../../src/lesson/hugo/page-set.ts';
import { resolveRef } from '../../../src/lesson/hugo/ref.ts';
import { buildWithHugo, hasHugo } from './real-hugo.ts';

const config = `baseURL: https://example.org/base/
defaultContentLanguage: ko
disableKinds: [taxonomy, term, RSS, sitemap, robotsTXT, '404']
refLinksErrorLevel: WARNING
refLinksNotFoundURL: nowhere
languages: { ko: { weight: 1 }, en: { weight: 2 } }
`;
const targets = [
  'sibling',
  'sibling.md',
  './sibling.md',
  '../net/sibling.md',
  '/docs/net/sibling.md',
  'docs/net/sibling',
  'other.md',
  '한글.md',
  'unique.md',
  'unique.md#a-b',
  '#here',
  '/docs/net',
  '/docs/net/_index.md',
  'bundle',
  'bundle/index.md',
  '/nothing.md',
  'twice.md',
  'page.md',
];
const files: Record<string, string> = {
  'docs/net/_index.md': '',
  'docs/net/sibling.md': '',
  'docs/net/한글.md': '',
  'docs/_index.md': '',
  'docs/net/bundle/index.md': '',
  'docs/far/away/unique.md': '',
  'docs/far/twice.md': '',
  'docs/away/twice.md': '',
  'docs/other.md': '',
  'docs/net/sibling.en.md': '',
  'docs/net/page.md': targets.map((target) => `- [link]({{< relref "${target}" >}})`).join('\n'),
};

describe.skipIf(!hasHugo)('relref, as real hugo does it', () => {
  const dir = mkdtempSync(join(tmpdir(), 'podwalk-ref-'));
  writeFileSync(join(dir, 'hugo.yaml'), config);
  for (const [path, source] of Object.entries(files)) {
    mkdirSync(dirname(join(dir, 'content', path)), { recursive: true });
    writeFileSync(join(dir, 'content', path), `---\ntitle: x\n---\n${source}\n`);
  }
  const html = buildWithHugo(dir).html('docs/net/page/index.html');
  rmSync(dir, { recursive: true });
  const links = Array.from(html.matchAll(/href="([^"]*)"/g), ([, link]) => link);
  const set = buildPageSet(
    readConfig(config, 'hugo.yaml').config,
    Object.entries(files).map(([path, source]) => ({ path: `content/${path}`, source })),
    { now: 0 },
  );
  const page = set.pages.find((candidate) => candidate.path === 'docs/net/page');

  it.each(targets.map((target, index) => [target, links[index]]))('%s is %s', (target, link) => {
    expect(page === undefined ? '' : (resolveRef(set, page, target) ?? 'nowhere')).toBe(link);
  });
});
