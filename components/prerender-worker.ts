import { parentPort } from 'node:worker_threads';
import { prerender, type Prerendered, type PrerenderOptions } from './prerender.ts';

/** One page for a worker thread to prerender, and what it answers. */
export interface PrerenderTask {
  readonly id: number;
  readonly html: string;
  readonly options: PrerenderOptions;
}

export type PrerenderAnswer = { readonly id: number } & (
  { readonly result: Prerendered } | { readonly error: string }
);

parentPort?.on('message', ({ id, html, options }: PrerenderTask) => {
  const answer = (message: PrerenderAnswer): void => parentPort?.postMessage(message);
  prerender(html, options).then(
    (result) => answer({ id, result }),
    (error: unknown) =>
      answer({ id, error: error instanceof Error ? (error.stack ?? error.message) : String(error) }),
  );
});
