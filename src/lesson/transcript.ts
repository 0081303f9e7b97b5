import type { ConsoleStep, Place } from './lab.ts';

const anyLines = '...';
const anyText = '[..]';

/** The steps of a console block's text; `place` is where the text begins in the file. */
export function readTranscript(text: string, place?: Place): { steps: ConsoleStep[]; strayLine?: number } {
  const { entries, strayLine } = splitTranscript(text.split(/\r\n|\r|\n/));
  const steps = entries.map(({ start, commandLines, output }): ConsoleStep => {
    const step = { command: commandOf(commandLines), expected: withoutBlankEnd(output).join('\n') };
    return place === undefined ? step : { ...step, place: { ...place, line: place.line + start } };
  });
  return strayLine === undefined ? { steps } : { steps, strayLine };
}

/** A command with its output as lines, and the index of the line that it begins on. */
export interface TranscriptEntry {
  readonly start: number;
  readonly commandLines: readonly string[];
  readonly output: readonly string[];
}

/** Splits a transcript's lines into commands with their output; `strayLine` is output before the first command. */
export function splitTranscript(lines: readonly string[]): {
  entries: TranscriptEntry[];
  strayLine?: number;
} {
  const entries: { start: number; commandLines: string[]; output: string[] }[] = [];
  let strayLine: number | undefined;
  for (let index = 0; index < lines.length; index++) {
    const line = lines[index] ?? '';
    if (line === '$' || line.startsWith('$ ')) {
      const commandLines = [line];
      // A backslash at the end carries a command on, as in the shell; `> ` is its prompt there.
      while (/\\$/.test(commandLines.at(-1) ?? '') && index + 1 < lines.length)
        commandLines.push(lines[++index] ?? '');
      entries.push({ start: index + 1 - commandLines.length, commandLines, output: [] });
      continue;
    }
    const current = entries.at(-1);
    if (current !== undefined) current.output.push(line);
    else if (line.trim() !== '') strayLine ??= index;
  }
  return strayLine === undefined ? { entries } : { entries, strayLine };
}

function commandOf(lines: readonly string[]): string {
  return lines
    .map((line, index) => (index === 0 ? line.slice(2) : line.replace(/^> ?/, '')).replace(/\\$/, ''))
    .join('')
    .trim();
}

/**
 * Whether output is what was expected: `...` alone on a line stands for any lines, `[..]` for any text in a line.
 * Blanks at the ends of lines and blank lines at the end do not count.
 */
export function matchOutput(expected: string, actual: string): boolean {
  return globMatch(outputLines(expected), outputLines(actual), (line) => line === anyLines, lineMatches);
}

/** Expected and actual output side by side, `-` what was expected and `+` what came, a few equal lines around them. */
export function diffOutput(expected: string, actual: string): string {
  const edits = align(outputLines(expected), outputLines(actual));
  const near = (index: number): boolean =>
    edits
      .slice(Math.max(0, index - 2), index + 3)
      .some((edit) => edit.kind === 'removed' || edit.kind === 'added');
  const printed: string[] = [];
  let skipped = false;
  edits.forEach((edit, index) => {
    if (edit.kind === 'removed') printed.push(`  - ${edit.line}`);
    else if (edit.kind === 'added') printed.push(`  + ${edit.line}`);
    else if (near(index)) printed.push(`    ${edit.kind === 'skipped' ? anyLines : edit.line}`);
    else if (!skipped) printed.push('    …');
    skipped = edit.kind === 'kept' && !near(index);
  });
  const most = 60;
  return printed.length > most
    ? [...printed.slice(0, most), `    … ${printed.length - most} more lines`].join('\n')
    : printed.join('\n');
}

/** The expected output that the actual one should be recorded as: what still holds stays as written, wildcards too. */
export function updateOutput(expected: string, actual: string): string {
  if (matchOutput(expected, actual)) return expected;
  const edits = align(outputLines(expected), outputLines(actual));
  const lines: string[] = [];
  edits.forEach((edit, index) => {
    if (edit.kind === 'kept') lines.push(edit.line);
    else if (edit.kind === 'added') lines.push(writable(edit.line));
    else if (edit.kind === 'skipped') {
      // A wildcard stays only between lines that hold; beside a change it would hide what was printed.
      const beside = [edits[index - 1], edits[index + 1]];
      const holds = beside.every((other) => other === undefined || other.kind === 'kept');
      lines.push(...(holds ? [anyLines] : edit.lines.map(writable)));
    }
  });
  return lines.join('\n');
}

/** A line of output that could be taken for a command begins with a wildcard instead. */
function writable(line: string): string {
  return line === '$' || line.startsWith('$ ') ? `${anyText}${line.slice(1)}` : line;
}

function outputLines(text: string): string[] {
  return withoutBlankEnd(text.split(/\r\n|\r|\n/).map((line) => line.trimEnd()));
}

function withoutBlankEnd(lines: readonly string[]): string[] {
  let end = lines.length;
  while (end > 0 && (lines[end - 1] ?? '').trim() === '') end--;
  return lines.slice(0, end);
}

function lineMatches(pattern: string, line: string): boolean {
  if (!pattern.includes(anyText)) return pattern === line;
  const parts = pattern.split(anyText);
  const first = parts.shift() ?? '';
  const last = parts.pop() ?? '';
  if (!line.startsWith(first) || line.length < first.length + last.length || !line.endsWith(last))
    return false;
  let at = first.length;
  for (const part of parts) {
    const found = line.indexOf(part, at);
    if (found < 0) return false;
    at = found + part.length;
  }
  return at <= line.length - last.length;
}

/** Glob matching over a list, with one place to return to: quadratic at worst. */
function globMatch<T>(
  pattern: readonly T[],
  items: readonly T[],
  isWild: (item: T) => boolean,
  matches: (pattern: T, item: T) => boolean,
): boolean {
  let p = 0;
  let back: { pattern: number; item: number } | undefined;
  for (let i = 0; i < items.length;) {
    const wanted = pattern[p];
    const item = items[i];
    if (wanted !== undefined && isWild(wanted)) {
      back = { pattern: ++p, item: i };
    } else if (wanted !== undefined && item !== undefined && matches(wanted, item)) {
      p++;
      i++;
    } else if (back !== undefined) {
      p = back.pattern;
      i = ++back.item;
    } else {
      return false;
    }
  }
  return pattern.slice(p).every(isWild);
}

type Edit =
  | { readonly kind: 'kept' | 'removed' | 'added'; readonly line: string }
  | { readonly kind: 'skipped'; readonly lines: readonly string[] };

/** The cheapest way from the expected lines to the actual ones. Beyond a bound everything counts as changed. */
function align(expected: readonly string[], actual: readonly string[]): Edit[] {
  const rows = expected.length;
  const columns = actual.length;
  if (rows * columns > 4_000_000) {
    return [
      ...expected.map((line) => ({ kind: 'removed', line }) as const),
      ...actual.map((line) => ({ kind: 'added', line }) as const),
    ];
  }
  const cost = new Uint32Array((rows + 1) * (columns + 1));
  const at = (row: number, column: number): number => cost[row * (columns + 1) + column] ?? 0;
  const same = (row: number, column: number): boolean =>
    lineMatches(expected[row] ?? '', actual[column] ?? '');
  const wild = (row: number): boolean => expected[row] === anyLines;
  for (let row = rows; row >= 0; row--) {
    for (let column = columns; column >= 0; column--) {
      let best: number;
      if (row === rows) best = columns - column;
      else if (column === columns) best = at(row + 1, column) + (wild(row) ? 0 : 1);
      else if (wild(row)) best = Math.min(at(row + 1, column), at(row, column + 1));
      else {
        best = 1 + Math.min(at(row + 1, column), at(row, column + 1));
        if (same(row, column)) best = Math.min(best, at(row + 1, column + 1));
      }
      cost[row * (columns + 1) + column] = best;
    }
  }
  const edits: Edit[] = [];
  let row = 0;
  let column = 0;
  while (row < rows || column < columns) {
    if (row < rows && wild(row)) {
      const from = column;
      while (
        column < columns &&
        at(row, column) === at(row, column + 1) &&
        at(row, column) !== at(row + 1, column)
      )
        column++;
      edits.push({ kind: 'skipped', lines: actual.slice(from, column) });
      row++;
    } else if (
      row < rows &&
      column < columns &&
      same(row, column) &&
      at(row, column) === at(row + 1, column + 1)
    ) {
      edits.push({ kind: 'kept', line: expected[row] ?? '' });
      row++;
      column++;
    } else if (row < rows && at(row, column) === 1 + at(row + 1, column)) {
      edits.push({ kind: 'removed', line: expected[row++] ?? '' });
    } else {
      edits.push({ kind: 'added', line: actual[column++] ?? '' });
    }
  }
  return edits;
}
