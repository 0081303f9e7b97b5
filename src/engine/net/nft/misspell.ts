/**
 * How far two names are apart, as nft counts it (src/misspell.c), its rows overlapping and its comparisons one letter
 * late as there: which name is suggested depends on that.
 */
function distance(a: string, b: string): number {
  const width = b.length;
  const cells = Array<number>((a.length + 1) * (width + 1)).fill(0);
  const at = (i: number, j: number): number => cells[i * width + j] ?? 0;
  for (let i = 0; i <= a.length; i++) cells[i * width] = i;
  for (let j = 0; j <= width; j++) cells[j] = j;
  for (let i = 1; i <= a.length; i++)
    for (let j = 1; j <= width; j++) {
      const cost = (a[i] ?? '') === (b[j] ?? '') ? 0 : 1;
      let best = Math.min(at(i - 1, j) + 1, at(i, j - 1) + 1, at(i - 1, j - 1) + cost);
      if (i > 1 && j > 1 && (a[i] ?? '') === b[j - 1] && a[i - 1] === (b[j] ?? ''))
        best = Math.min(best, at(i - 2, j - 2) + cost);
      cells[i * width + j] = best;
    }
  return at(a.length, width);
}

/** Of the names the one that is meant, if any is near enough. */
export function nearest<T>(
  wanted: string,
  candidates: Iterable<T>,
  nameOf: (candidate: T) => string,
): T | undefined {
  let found: T | undefined;
  let least = Infinity;
  for (const candidate of candidates) {
    const name = nameOf(candidate);
    const longest = Math.max(name.length, wanted.length);
    if (longest <= 1) continue;
    const shortest = Math.min(name.length, wanted.length);
    const threshold =
      longest - shortest <= 1 ? Math.max(Math.ceil(longest / 3), 1) : Math.ceil((longest + 2) / 3);
    const far = distance(name, wanted);
    if (far > threshold || far >= least) continue;
    least = far;
    found = candidate;
  }
  return found;
}
