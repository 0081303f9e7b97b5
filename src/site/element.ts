import { existsSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { pathToFileURL } from 'node:url';
import type { prerender } from '../../components/prerender.ts';
import { site } from './site.ts';

/** Where `npm run build:element` leaves the browser's files and the prerenderer. */
export const elementDirectory = resolve('build/element');
const prerenderer = resolve('build/prerender/prerender.js');

/** The addresses of the element's stylesheet and script. */
export function elementAssets(): { readonly style: string; readonly script: string } {
  const { basePath } = site().config;
  return { style: `${basePath}podwalk/pod-lab.css`, script: `${basePath}podwalk/pod-lab.js` };
}

let loaded: Promise<{ prerender: typeof prerender }> | undefined;

/** The function that turns HTML with labs into HTML with finished labs: the same build of it that the command line uses. */
export async function loadPrerender(): Promise<typeof prerender> {
  if (!existsSync(join(elementDirectory, 'pod-lab.js')) || !existsSync(prerenderer)) {
    throw new Error('the element has not been built: run "npm run build:element" first');
  }
  loaded ??= import(/* @vite-ignore */ pathToFileURL(prerenderer).href) as Promise<{
    prerender: typeof prerender;
  }>;
  return (await loaded).prerender;
}
