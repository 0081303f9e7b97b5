import { explain, type Strings } from '../strings/strings.ts';
import type { HopRow, HopSection } from './hops.ts';
import { salience } from './salience.ts';
import { escapeHtml, sentenceHtml } from './sentence-html.ts';

/** Makes sentences into HTML; the hop list is long, so what it writes is as short as HTML lets it be. */
export type Speaker = (sentence: string) => string;

/**
 * The rows of a section as the content of a list. One text and not a component: a page has thousands of them, and they
 * change only with the experiment. The row of `marked` is the current one.
 */
export function hopRowsHtml(section: HopSection, strings: Strings, marked: number, speak: Speaker): string {
  return section.rows.map((row) => rowHtml(row, strings, marked, speak)).join('');
}

function rowHtml(row: HopRow, strings: Strings, marked: number, speak: Speaker): string {
  const here = row.step === marked;
  const classes = [here ? 'pl-here' : '', row.end ? 'pl-end' : ''].filter((one) => one !== '').join(' ');
  const place = row.end
    ? `<i>${escapeHtml(strings.ui[row.end])}</i>`
    : row.dev === undefined
      ? ''
      : `<code>${escapeHtml(row.dev)}</code><i>${row.dir ?? ''}</i>`;
  const changes = row.changes.map((change) => `<em>${escapeHtml(change)}</em>`).join('');
  const told = row.decisions
    .map(({ decision, netns }) => {
      const sentence = speak(explain(strings, decision, strings.place(netns)));
      return salience(decision) === 2 ? `<p class=pl-turn>${sentence}</p>` : `<p>${sentence}</p>`;
    })
    .join('');
  return `<li${classes === '' ? '' : ` class="${classes}"`}><button${
    here ? ' aria-current=step' : ''
  }><b>${escapeHtml(row.netns)}</b>${place}${changes}</button>${told}</li>`;
}

/** A speaker that refers each term of the glossary to its meaning where it first comes. */
export function speakerOf(strings: Strings): Speaker {
  const untold = new Map(Object.entries(strings.glossary));
  return (sentence) =>
    sentence
      .split('`')
      .map((part, i) => (i % 2 === 1 ? sentenceHtml(`\`${part}\``) : withTerms(part)))
      .join('');

  function withTerms(text: string): string {
    for (const [term, { word }] of untold) {
      const at = positionOf(word, text);
      if (at < 0) continue;
      untold.delete(term);
      const told = `<button class=pl-term popovertarget=${popoverId(term)}>${escapeHtml(word)}</button>`;
      return withTerms(text.slice(0, at)) + told + withTerms(text.slice(at + word.length));
    }
    return escapeHtml(text);
  }
}

/** Where a word stands by itself; a Korean one may have a particle after it. */
function positionOf(word: string, text: string): number {
  return text.search(/^[A-Za-z]/.test(word) ? new RegExp(`(?<![\\w-])${word}(?![\\w-])`) : new RegExp(word));
}

/** The meanings, once for a page: what the terms of its labs open. */
export function glossaryHtml({ glossary }: Strings): string {
  const entries = Object.entries(glossary).map(
    ([term, { word, meaning }]) =>
      `<div popover id=${popoverId(term)}><b>${escapeHtml(word)}</b> ${sentenceHtml(meaning)}</div>`,
  );
  return `<pod-lab-glossary class="not-content">${entries.join('')}</pod-lab-glossary>`;
}

function popoverId(term: string): string {
  return `pl-term-${term}`;
}
