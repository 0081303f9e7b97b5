import { readFileSync, writeFileSync } from 'node:fs';
import type { Diagnostic } from '../engine/index.ts';
import type { PrerenderPool, Wanted } from './prerender-pool.ts';

const mark = /<!--podwalk-labs ([\w-]*) (\d+)-->/g;

/** A piece of a page whose labs are finished once the page is written: a build does not wait for them before. */
export function markUnfinished({ html, lang }: Wanted): string {
  return `<!--podwalk-labs ${lang} ${html.length}-->${html}`;
}

/** Finishes what is marked in written pages; gives what the labs' manifests and options have against them. */
export async function finishPages(
  files: readonly string[],
  pool: PrerenderPool,
): Promise<readonly Diagnostic[]> {
  const marked: string[] = [];
  const begun = new Set<Promise<readonly Diagnostic[]>>();
  for (const file of files) {
    const pieces = unfinished(readFileSync(file, 'utf8'));
    if (pieces.length > 0) marked.push(file);
    for (const { wanted } of pieces) begun.add(pool.begin(wanted));
  }
  const diagnostics = (await Promise.all(begun)).flat();
  for (const file of marked) {
    const page = readFileSync(file, 'utf8');
    let finished = '';
    let end = 0;
    for (const piece of unfinished(page)) {
      finished += page.slice(end, piece.start) + pool.read(piece.wanted);
      end = piece.end;
    }
    writeFileSync(file, finished + page.slice(end));
  }
  return diagnostics;
}

function unfinished(
  page: string,
): { readonly start: number; readonly end: number; readonly wanted: Wanted }[] {
  return [...page.matchAll(mark)].map(({ 0: { length }, 1: lang = '', 2: size, index }) => {
    const begin = index + length;
    const end = begin + Number(size);
    return { start: index, end, wanted: { html: page.slice(begin, end), lang } };
  });
}
