import { lowerRune } from './heading-id.ts';

export interface PathOptions {
  /** Hugo's `removePathAccents`. */
  readonly removeAccents?: boolean;
  /** Hugo's `disablePathToLower`. */
  readonly keepCase?: boolean;
}

/**
 * A path as Hugo makes one of any text (`MakePathSanitized` in `helpers/path.go`): letters, digits, marks and
 * `. / \ _ # + ~ - @` stay, blanks become one `-`, all else goes, and it is lower case.
 */
export function sanitizePath(text: string, options: PathOptions = {}): string {
  const source =
    options.removeAccents === true
      ? text
          .normalize('NFD')
          .replace(/\p{Mn}/gu, '')
          .normalize('NFC')
      : text;
  const runes = [...source];
  let path = '';
  let hyphenPending = false;
  let wasHyphen = false;
  runes.forEach((rune, index) => {
    const isEscape = rune === '%' && isHex(runes[index + 1]) && isHex(runes[index + 2]);
    if (isEscape || /[\p{L}\p{Nd}\p{M}./\\_#+~@-]/u.test(rune)) {
      wasHyphen = rune === '-';
      if (hyphenPending && !wasHyphen) path += '-';
      hyphenPending = false;
      path += rune;
    } else if (path !== '' && /\s/u.test(rune) && !wasHyphen) {
      hyphenPending = true;
    }
  });
  return options.keepCase === true ? path : [...path].map(lowerRune).join('');
}

function isHex(rune: string | undefined): boolean {
  return rune !== undefined && /^[0-9a-fA-F]$/.test(rune);
}

/** Joins like Go's `path.Join`: empty parts go, `.` and `..` are resolved, one slash between. */
export function joinPath(...parts: readonly string[]): string {
  const joined = parts.filter((part) => part !== '').join('/');
  if (joined === '') return '';
  const rooted = joined.startsWith('/');
  const names: string[] = [];
  for (const name of joined.split('/')) {
    if (name === '' || name === '.') continue;
    if (name !== '..') names.push(name);
    else if (names.length > 0 && names.at(-1) !== '..') names.pop();
    else if (!rooted) names.push(name);
  }
  const cleaned = names.join('/');
  return rooted ? `/${cleaned}` : cleaned || '.';
}

export function dirName(path: string): string {
  const slash = path.lastIndexOf('/');
  return slash < 0 ? '' : path.slice(0, slash);
}

export function baseName(path: string): string {
  return path.slice(path.lastIndexOf('/') + 1);
}
