import css from './reach.css?inline';
import { reachEn } from '../strings/reach/en.ts';
import { reachKo } from '../strings/reach/ko.ts';
import type { Language } from '../strings/strings.ts';
import { matrixHtml } from './matrix.ts';
import type { ReachView } from './view.ts';

/** The matrix for a lab's panel, with its style: it is whole where no script runs. */
export function panelHtml(view: ReachView, language: Language, id: string): string {
  return `<style>${css}</style>${matrixHtml(view, language === 'ko' ? reachKo : reachEn, `${id}-why`)}`;
}
