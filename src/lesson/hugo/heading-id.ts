/** Hugo's `markup.goldmark.parser.autoHeadingIDType`. */
export type HeadingIdKind = 'github' | 'github-ascii' | 'blackfriday';

/**
 * Hugo's anchor for a heading's text (`markup/goldmark/autoid.go`): letters, decimal digits and `_` stay, a blank or `-`
 * becomes `-`, all else goes. The result can be empty.
 */
export function anchorName(text: string, kind: HeadingIdKind = 'github'): string {
  if (kind === 'blackfriday') return blackfridayName(text);
  const source =
    kind === 'github-ascii'
      ? text
          .normalize('NFD')
          .replace(/\p{Mn}/gu, '')
          .normalize('NFC')
      : text;
  let name = '';
  for (const rune of source.trim()) {
    if (kind === 'github-ascii' && rune.charCodeAt(0) > 127) continue;
    if (rune === '-' || rune === ' ') name += '-';
    else if (/[\p{L}\p{Nd}_]/u.test(rune)) name += lowerRune(rune);
  }
  return name;
}

/** Lower case rune by rune, as Go does it: never more than one rune for one. */
export function lowerRune(rune: string): string {
  return String.fromCodePoint(rune.toLowerCase().codePointAt(0) ?? 0);
}

/** `blackfriday.SanitizedAnchorName`: runs of anything else become one dash, none at the ends. */
function blackfridayName(text: string): string {
  let name = '';
  let dash = false;
  for (const rune of text) {
    if (/[\p{L}\p{N}]/u.test(rune)) {
      if (dash && name !== '') name += '-';
      dash = false;
      name += lowerRune(rune);
    } else {
      dash = true;
    }
  }
  return name;
}

/** The heading ids of one page, each of them once. */
export class HeadingIds {
  readonly #kind: HeadingIdKind;
  readonly #taken = new Set<string>();

  constructor(kind: HeadingIdKind = 'github') {
    this.#kind = kind;
  }

  /** The id of a heading with this text; repeats get `-1`, `-2`, … and an empty one is `heading`. */
  generate(text: string): string {
    const name = anchorName(text, this.#kind);
    const base = name === '' ? 'heading' : name;
    let id = base;
    for (let number = 1; this.#taken.has(id); number++) id = `${base}-${number}`;
    this.#taken.add(id);
    return id;
  }

  /** Takes an id that an author gave. */
  put(id: string): void {
    this.#taken.add(id);
  }
}
