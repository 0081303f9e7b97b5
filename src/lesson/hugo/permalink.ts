import { sanitizePath, type PathOptions } from './path.ts';

/** What a permalink pattern can speak of. */
export interface PermalinkSource {
  readonly title: string;
  readonly slug: string;
  /** Without extension and language; the directory's name for a bundle. */
  readonly fileName: string;
  readonly sections: readonly string[];
  /** Milliseconds since 1970. */
  readonly date: number;
}

const weekdays = ['Sunday', 'Monday', 'Tuesday', 'Wednesday', 'Thursday', 'Friday', 'Saturday'];
const monthNames = [
  'January',
  'February',
  'March',
  'April',
  'May',
  'June',
  'July',
  'August',
  'September',
  'October',
  'November',
  'December',
];

/** Fills in a pattern such as `/:year/:slug/` (`resources/page/permalinks.go`); what is wrong with it, if anything is. */
export function expandPermalink(
  pattern: string,
  page: PermalinkSource,
  options: PathOptions,
): { readonly path: string } | { readonly problem: string } {
  const date = new Date(page.date);
  const path = (text: string): string => sanitizePath(text, options).replaceAll('+', ' ');
  let problem: string | undefined;
  const filled = pattern.replace(/:(\w+)(\[[\w:]*\])?/g, (whole, name: string, slice: string | undefined) => {
    switch (name) {
      case 'year':
        return String(date.getUTCFullYear());
      case 'month':
        return String(date.getUTCMonth() + 1).padStart(2, '0');
      case 'monthname':
        return monthNames[date.getUTCMonth()] ?? '';
      case 'day':
        return String(date.getUTCDate()).padStart(2, '0');
      case 'weekday':
        return String(date.getUTCDay());
      case 'weekdayname':
        return weekdays[date.getUTCDay()] ?? '';
      case 'yearday':
        return String(Math.floor((date.getTime() - Date.UTC(date.getUTCFullYear(), 0, 1)) / 86_400_000) + 1);
      case 'section':
        return page.sections[0] ?? '';
      case 'sections':
        return sliceOf(page.sections, slice).join('/');
      case 'title':
        return path(page.title);
      case 'slug':
        return path(page.slug === '' ? page.title : page.slug);
      case 'slugorfilename':
      case 'slugorcontentbasename':
        return path(page.slug === '' ? page.fileName : page.slug);
      case 'filename':
      case 'contentbasename':
        return path(page.fileName);
      default:
        problem = `permalink ill-formed: unknown token ${whole}`;
        return '';
    }
  });
  return problem === undefined ? { path: filled } : { problem };
}

/** `[1:]`, `[:last]`, `[0]`, `[last]`. */
function sliceOf(sections: readonly string[], slice: string | undefined): readonly string[] {
  if (slice === undefined) return sections;
  const index = (text: string, otherwise: number): number =>
    text === '' ? otherwise : text === 'last' ? sections.length - 1 : Number(text);
  const [low = '', high] = slice.slice(1, -1).split(':');
  const from = index(low, 0);
  return sections.slice(from, high === undefined ? from + 1 : index(high, sections.length));
}
