import { mkdirSync, renameSync, writeFileSync } from 'node:fs';
import { dirname } from 'node:path';
import { parentPort } from 'node:worker_threads';
import type { Diagnostic } from '../src/engine/cluster.ts';
import { prerender, type PrerenderOptions } from './prerender.ts';

/** One page for a worker thread to prerender, the file that gets it, and what the thread answers. */
export interface PrerenderTask {
  readonly id: number;
  readonly html: string;
  readonly options: PrerenderOptions;
  readonly file: string;
}

export type PrerenderAnswer = { readonly id: number } & (
  { readonly diagnostics: readonly Diagnostic[] } | { readonly failure: string }
);

async function answerTo({ id, html, options, file }: PrerenderTask): Promise<PrerenderAnswer> {
  try {
    const made = await prerender(html, options);
    mkdirSync(dirname(file), { recursive: true });
    // Under another name first: a file that is there is whole.
    writeFileSync(`${file}.part`, made.html);
    renameSync(`${file}.part`, file);
    return { id, diagnostics: made.diagnostics };
  } catch (error) {
    return { id, failure: error instanceof Error ? (error.stack ?? error.message) : String(error) };
  }
}

parentPort?.on('message', (task: PrerenderTask) => {
  void answerTo(task).then((answer) => parentPort?.postMessage(answer));
});
