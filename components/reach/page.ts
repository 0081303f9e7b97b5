import type { ReachStrings } from '../strings/reach/words.ts';
import { escape, matrixHtml } from './matrix.ts';
import type { ReachView } from './view.ts';

const PAGE = `
:root { color-scheme: light dark; --reach-page: #fff; }
@media (prefers-color-scheme: dark) { :root { --reach-page: #16181d; } }
body { margin: 0 auto; padding: 1.5rem 1rem 4rem; max-width: 80rem; background: var(--reach-page); color: light-dark(#1c1e21, #e6e7ea);
  font: 1rem/1.55 system-ui, 'Apple SD Gothic Neo', 'Noto Sans KR', 'Malgun Gothic', sans-serif; word-break: keep-all; }
h1 { margin: 0; font-size: 1.4rem; line-height: 1.25; }
.about { margin: 0.25rem 0 1.25rem; max-width: 44rem; color: light-dark(#5a5f66, #a3a8b0); overflow-wrap: anywhere; }
`;

/** A page of its own: no script, nothing loaded from anywhere. */
export function reachPage(
  view: ReachView,
  strings: ReachStrings,
  about: { readonly files: readonly string[]; readonly policies: string; readonly css: string },
): string {
  return `<!doctype html>
<html lang="${strings.language}">
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<title>${escape(strings.title)}</title>
<style>${PAGE}${about.css}</style>
<main>
<h1>${escape(strings.title)}</h1>
<p class="about">${escape(strings.lead)}<br>${escape(about.files.join(', '))} · ${escape(about.policies)}</p>
${matrixHtml(view, strings)}
</main>
</html>
`;
}
