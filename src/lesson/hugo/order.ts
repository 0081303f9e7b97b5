import { noDate } from './date.ts';

/** What pages are ordered by. */
export interface Ordered {
  readonly weight: number;
  /** Milliseconds since 1970. */
  readonly date?: number;
  readonly linkTitle: string;
  /** Path of the file; the directory's for a section without one. */
  readonly path: string;
}

/**
 * Hugo's default order (`resources/page/pages_sort.go`): weight ascending with 0 last, date with the newest first, link
 * title by collation, path.
 */
export function comparePages(language: string): (a: Ordered, b: Ordered) => number {
  const collate = collation(language);
  return (a, b) => {
    if (a.weight !== b.weight) {
      if (a.weight === 0) return 1;
      return b.weight === 0 ? -1 : a.weight - b.weight;
    }
    const [first, second] = [seconds(a.date), seconds(b.date)];
    if (first !== second) return second - first;
    const titles = collate(a.linkTitle, b.linkTitle);
    if (titles !== 0) return titles;
    return a.path < b.path ? -1 : a.path > b.path ? 1 : 0;
  };
}

function seconds(date: number | undefined): number {
  return Math.floor((date ?? noDate) / 1000);
}

/**
 * Go's collation: Latin comes before other scripts in every language, where
 * CLDR, which `Intl` follows, puts a language's own script first.
 */
function collation(language: string): (a: string, b: string) => number {
  const own = collator(language);
  const latin = collator('en');
  return (a, b) => (differInScript(a, b) ? latin : own).compare(a, b);
}

function collator(language: string): Intl.Collator {
  try {
    return new Intl.Collator(language);
  } catch {
    return new Intl.Collator('en');
  }
}

function differInScript(a: string, b: string): boolean {
  const [first, second] = [[...a], [...b]];
  const index = first.findIndex((rune, position) => rune !== second[position]);
  const [one, other] = [first[index], second[index]];
  return one !== undefined && other !== undefined && isLatin(one) !== isLatin(other);
}

function isLatin(rune: string): boolean {
  return /[\p{Script=Latin}\p{Script=Common}]/u.test(rune);
}
