import { resolve } from 'node:path';
import { expect, it } from 'vitest';
import { loadPrerender } from '../../src/site/element.ts';
import { PrerenderPool } from '../../src/site/prerender-pool.ts';

const page = (id: string): { html: string; lang: string } => ({
  html: `<p>${id}</p><pod-lab id="${id}" nodes="1"><pre><code class="language-console">$ hostname\n</code></pre></pod-lab>`,
  lang: 'en',
});

it('gives the pages that prerender gives, asked for in any order, expected or not', async () => {
  const prerender = await loadPrerender();
  const expected = ['a', 'b', 'c'].map(page);
  const pool = new PrerenderPool(resolve('build/prerender/worker.js'), expected, 2);
  for (const { html, lang } of [page('c'), page('a'), page('unexpected'), page('b'), page('a')]) {
    const { html: pooled, diagnostics } = await pool.run(html, lang);
    expect({ html: pooled, diagnostics }).toEqual(await prerender(html, { lang }));
    expect(pooled).toContain('<svg');
  }
});
