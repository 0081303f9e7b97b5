import { createHash } from 'node:crypto';
import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { fileURLToPath, pathToFileURL } from 'node:url';
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

const shared: unique symbol = Symbol.for('podwalk.prerender-pool');

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

/**
 * The build's one pool. Astro loads the content, renders the pages and ends the build in three module graphs of one
 * process; what they share hangs on the process.
 */
export function prerenderPool(cacheDirectory: URL): PrerenderPool {
  requireElement();
  const process = globalThis as typeof globalThis & { [shared]?: PrerenderPool };
  process[shared] ??= new PrerenderPool(
    join(fileURLToPath(cacheDirectory), 'labs', prerenderVersion()),
    join(prerenderDirectory, 'worker.js'),
  );
  return process[shared];
}

/** Another prerenderer makes other pages of the same text. */
function prerenderVersion(): string {
  const hash = createHash('sha256');
  for (const entry of readdirSync(prerenderDirectory, { recursive: true, withFileTypes: true })
    .filter((each) => each.isFile())
    .map((each) => join(each.parentPath, each.name))
    .sort())
    hash.update(readFileSync(entry));
  return hash.digest('base64url').slice(0, 12);
}

function requireElement(): void {
  if (
    !existsSync(join(elementDirectory, 'pod-lab.js')) ||
    !existsSync(join(prerenderDirectory, 'worker.js'))
  ) {
    throw new Error('the element has not been built: run "npm run build:element" first');
  }
}
