import { pathToFileURL } from 'node:url';
import { resolve } from 'node:path';
import { gzipSync } from 'node:zlib';
import { lessonLabs, medianOf } from './lessons.ts';
import { printTable } from './table.ts';
import { runLabs } from '../src/lesson/run.ts';
import type { LabSource } from '../src/lesson/lab.ts';

function escape(text: string): string {
  return text.replaceAll('&', '&amp;').replaceAll('<', '&lt;');
}

function labHtml(lab: LabSource): string {
  const attributes = (['nodes', 'cni', 'cluster'] as const).flatMap((name) =>
    lab[name] === undefined ? [] : [`${name}="${lab[name]}"`],
  );
  const blocks = lab.blocks.map((block) => {
    const text =
      block.kind === 'manifest'
        ? block.text
        : block.steps.map((step) => `$ ${step.command}\n${step.expected}`).join('\n');
    const language = block.kind === 'manifest' ? 'yaml' : 'console';
    return `<div data-lab-block="${language}"><pre><code class="language-${language}">${escape(text)}</code></pre></div>`;
  });
  return `<pod-lab id="${lab.id}" ${attributes.join(' ')}>${blocks.join('')}</pod-lab>`;
}

/** A page of ten labs, prerendered: the first ten of the lesson. */
export async function run(): Promise<void> {
  const { prerender } = (await import(pathToFileURL(resolve('build/prerender/prerender.js')).href)) as {
    prerender: (html: string, options: { lang: string }) => Promise<{ html: string }>;
  };
  const labs = lessonLabs().slice(0, 10);
  const html = labs.map(labHtml).join('\n');
  // A page that was prerendered before is remembered, so no two are the same.
  let round = 0;
  const measured = await medianOf(10, () =>
    prerender(html.replaceAll('pod-a', `pod-a${++round}`), { lang: 'ko' }),
  );
  const engine = await medianOf(10, () => runLabs(labs));
  const { html: done } = await prerender(html, { lang: 'ko' });
  printTable(
    `A page of ${labs.length} labs, prerendered (${(done.length / 1024).toFixed(0)} KiB of HTML, ${(gzipSync(done).length / 1024).toFixed(0)} gzipped)`,
    [
      { what: 'prerender', measured, unit: 'ms', comparedWith: 'the bound', reference: 500 },
      { what: 'prerender', measured, unit: 'ms', comparedWith: 'running the labs alone', reference: engine },
    ],
  );
}
