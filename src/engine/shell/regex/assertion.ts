import { CharSet } from './charset.ts';
import type { Assertion } from './syntax.ts';

/** Whether the assertion holds before the character at `at`. */
export function holds(what: Assertion, text: string, at: number): boolean {
  switch (what) {
    case 'begin':
      return at === 0;
    case 'end':
      return at === text.length;
    case 'word':
      return isWord(text, at - 1) !== isWord(text, at);
    case 'not-word':
      return isWord(text, at - 1) === isWord(text, at);
    case 'word-begin':
      return !isWord(text, at - 1) && isWord(text, at);
    case 'word-end':
      return isWord(text, at - 1) && !isWord(text, at);
  }
}

const word = CharSet.of('word');

function isWord(text: string, at: number): boolean {
  return at >= 0 && at < text.length && word.has(text.charCodeAt(at));
}
