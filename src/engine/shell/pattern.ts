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
  const lengths = Array.from({ length: text.length + 1 }, (_, i) => i);
  if (operator.length === 2) lengths.reverse();
  for (const length of lengths) {
    if (operator.startsWith('#')) {
      if (matchPattern(pattern, text.slice(0, length))) return text.slice(length);
    } else if (matchPattern(pattern, text.slice(text.length - length)))
      return text.slice(0, text.length - length);
  }
  return text;
}
