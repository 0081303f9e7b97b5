/** Shell patterns: `*`, `?`, `[a-z]`, `[!x]`; a backslash takes the meaning from what follows. Never backtracks over more than one star. */
export function matchPattern(pattern: string, text: string): boolean {
  let p = 0;
  let t = 0;
  let star = -1;
  let mark = 0;
  while (t < text.length) {
    const step = p < pattern.length ? matchOne(pattern, p, text[t] ?? '') : 0;
    if (pattern[p] === '*') {
      star = ++p;
      mark = t;
    } else if (step > 0) {
      p += step;
      t++;
    } else if (star >= 0) {
      p = star;
      t = ++mark;
    } else return false;
  }
  while (pattern[p] === '*') p++;
  return p >= pattern.length;
}

/** The pattern's length that matched the one character, 0 when it did not. */
function matchOne(pattern: string, at: number, char: string): number {
  const c = pattern[at];
  if (c === '*') return 0;
  if (c === '?') return 1;
  if (c === '\\' && at + 1 < pattern.length) return pattern[at + 1] === char ? 2 : 0;
  if (c === '[') {
    let i = at + 1;
    const negated = pattern[i] === '!' || pattern[i] === '^';
    if (negated) i++;
    let found = false;
    for (const first = i; i < pattern.length; i++) {
      const low = pattern[i] ?? '';
      if (low === ']' && i > first) return found !== negated ? i + 1 - at : 0;
      if (pattern[i + 1] === '-' && (pattern[i + 2] ?? ']') !== ']') {
        if (low <= char && char <= (pattern[i + 2] ?? '')) found = true;
        i += 2;
      } else if (low === char) found = true;
    }
  }
  return c === char ? 1 : 0;
}

export function escapePattern(text: string): string {
  return text.replace(/[*?[\]\\]/g, '\\$&');
}

export function hasPattern(pattern: string): boolean {
  return /(^|[^\\])(\\\\)*[*?[]/.test(pattern);
}

/** `${name#pattern}` and its three kin. */
export function trimPattern(text: string, pattern: string, operator: '#' | '##' | '%' | '%%'): string {
  const pieces = piecesOf(pattern);
  if (operator.startsWith('#')) {
    const length = prefixLength(text, pieces, operator === '#' ? 'shortest' : 'longest');
    return length === undefined ? text : text.slice(length);
  }
  const backwards = text.split('').reverse().join('');
  const length = prefixLength(backwards, pieces.toReversed(), operator === '%' ? 'shortest' : 'longest');
  return length === undefined ? text : text.slice(0, text.length - length);
}

/** A pattern cut into what matches one character each, and stars. */
function piecesOf(pattern: string): string[] {
  const pieces: string[] = [];
  for (let at = 0; at < pattern.length;) {
    const length = pattern[at] === '*' ? 1 : pieceLength(pattern, at);
    pieces.push(pattern.slice(at, at + length));
    at += length;
  }
  return pieces;
}

function pieceLength(pattern: string, at: number): number {
  if (pattern[at] === '\\' && at + 1 < pattern.length) return 2;
  if (pattern[at] !== '[') return 1;
  let end = at + 1;
  if (pattern[end] === '!' || pattern[end] === '^') end++;
  end = pattern.indexOf(']', end + 1);
  return end < 0 ? 1 : end + 1 - at;
}

/** How much of the text's beginning the pieces match. All ways go on side by side, so that it takes linear time. */
function prefixLength(
  text: string,
  pieces: readonly string[],
  wanted: 'shortest' | 'longest',
): number | undefined {
  let found: number | undefined;
  let states = new Set<number>();
  const enter = (into: Set<number>, state: number): void => {
    for (let next = state; ; next++) {
      into.add(next);
      if (pieces[next] !== '*') return;
    }
  };
  enter(states, 0);
  for (let at = 0; ; at++) {
    if (states.has(pieces.length)) {
      found = at;
      if (wanted === 'shortest') return found;
    }
    if (at >= text.length || states.size === 0) return found;
    const next = new Set<number>();
    for (const state of states) {
      const piece = pieces[state];
      if (piece === '*') enter(next, state);
      else if (piece !== undefined && matchOne(piece, 0, text[at] ?? '') > 0) enter(next, state + 1);
    }
    states = next;
  }
}
