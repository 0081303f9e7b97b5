import { existsSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { pathToFileURL } from 'node:url';
import type { prerender } from '../../components/prerender.ts';
import { PrerenderPool } from './prerender-pool.ts';
import { site } from './site.ts';

/** Where `npm run build:element` leaves the browser's files and the prerenderer. */
export const elementDirectory = resolve('build/element');
const prerenderDirectory = resolve('build/prerender');

/** The addresses of the element's stylesheet and script. */
export function elementAssets(): { readonly style: string; readonly script: string } {
  const { basePath } = site().config;
  return { style: `${basePath}podwalk/pod-lab.css`, script: `${basePath}podwalk/pod-lab.js` };
}

let loaded: Promise<{ prerender: typeof prerender }> | undefined;

/** The function that turns HTML with labs into HTML with finished labs. */
export async function loadPrerender(): Promise<typeof prerender> {
  requireElement();
  loaded ??= import(
    /* @vite-ignore */ pathToFileURL(join(prerenderDirectory, 'prerender.js')).href
  ) as Promise<{
    prerender: typeof prerender;
  }>;
  return (await loaded).prerender;
}

let pool: Promise<PrerenderPool> | undefined;

/** Prerenders pages on other processors; `expected` are those that will be asked for, and is itself asked once. */
export function prerenderPool(
  expected: () => Promise<readonly { readonly html: string; readonly lang: string }[]>,
): Promise<PrerenderPool> {
  requireElement();
  pool ??= expected().then((pages) => new PrerenderPool(join(prerenderDirectory, 'worker.js'), pages));
  return pool;
}

function requireElement(): void {
  if (
    !existsSync(join(elementDirectory, 'pod-lab.js')) ||
    !existsSync(join(prerenderDirectory, 'worker.js'))
  ) {
    throw new Error('the element has not been built: run "npm run build:element" first');
  }
}
