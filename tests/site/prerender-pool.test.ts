import { existsSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { afterEach, beforeEach, expect, it } from 'vitest';
import { loadPrerender } from '../../src/site/element.ts';
import { PrerenderPool } from '../../src/site/prerender-pool.ts';
import { finishPages, markUnfinished } from '../../src/site/unfinished.ts';

const lab = (id: string, block = '<pre><code class="language-console">$ hostname\n</code></pre>'): string =>
  `<p>${id}</p><pod-lab id="${id}" nodes="1">${block}</pod-lab>`;
const manifest = (yaml: string): string =>
  `<div data-lab-block="yaml" data-title="pod.yaml"><pre><code>${yaml}</code></pre></div>`;
const piece = (id: string): { html: string; lang: string } => ({ html: lab(id), lang: 'en' });

let directory = '';
beforeEach(() => {
  directory = mkdtempSync(join(tmpdir(), 'podwalk-pool-'));
});
afterEach(() => rmSync(directory, { recursive: true, force: true }));
const pool = (): PrerenderPool =>
  new PrerenderPool(join(directory, 'labs'), resolve('build/prerender/worker.js'), 2);
const page = (name: string, text: string): string => {
  const file = join(directory, name);
  writeFileSync(file, text);
  return file;
};

it('finishes pages as prerender does, begun before or not, several pieces to a page', async () => {
  const prerender = await loadPrerender();
  const threads = pool();
  void threads.begin(piece('a'));
  const file = page('p.html', `<main>${markUnfinished(piece('a'))}<hr>${markUnfinished(piece('b'))}</main>`);
  const plain = page('q.html', '<main>no labs</main>');
  expect(await finishPages([file, plain], threads)).toEqual([]);
  const [a, b] = await Promise.all(
    ['a', 'b'].map(async (id) => (await prerender(lab(id), { lang: 'en' })).html),
  );

  expect(readFileSync(file, 'utf8')).toBe(`<main>${a ?? ''}<hr>${b ?? ''}</main>`);
  expect(a).toContain('<svg');
  await threads.close();
});

it('keeps what it made for the next build, and forgets what that has no use for', async () => {
  const first = pool();
  await Promise.all([first.begin(piece('a')), first.begin(piece('b'))]);
  const kept = first.read(piece('a'));
  await first.close();
  const second = pool();
  await second.begin(piece('a'));
  expect(second.read(piece('a'))).toBe(kept);
  await second.close();
  expect(readdirSync(join(directory, 'labs'))).toHaveLength(1);
});

it('tells what a manifest has against it at its place in the lesson, in every build', async () => {
  const html = lab(
    'broken',
    manifest('apiVersion: v1\nkind: Pod\nmetadata: { name: a, colour: red }\nspec: {}\n'),
  );
  const places = { file: 'content/en/page.md', line: 41, column: 1 };
  const labs = [
    {
      id: 'broken',
      show: [],
      place: { ...places, line: 40 },
      blocks: [{ kind: 'manifest', name: 'pod.yaml', text: '', readonly: false, place: places } as const],
    },
  ];
  for (const build of [pool(), pool()]) {
    const told = await build.begin({ html, lang: 'en', labs });
    expect(told).toContainEqual(
      expect.objectContaining({ severity: 'error', file: 'content/en/page.md', line: 43 }),
    );
    await build.close();
    expect(existsSync(join(directory, 'labs')) && readdirSync(join(directory, 'labs'))).toEqual([]);
  }
});
