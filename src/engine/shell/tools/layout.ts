import type { Task } from '../../net/task.ts';
import { eachLine, options } from '../text.ts';
import type { Tool, ToolContext } from '../tool.ts';

/** Each line from right to left. */
export const rev: Tool = (ctx, args) =>
  eachLine(ctx, args, (line) => ctx.out(`${[...line].reverse().join('')}\n`));

/** The lines from the last to the first. */
export const tac: Tool = function* (ctx, args) {
  const { lines, status } = yield* linesOf(ctx, args);
  for (const line of lines.toReversed()) ctx.out(`${line}\n`);
  return status;
};

/** Numbers the lines that are not empty, or with `-ba` all. */
export const nl: Tool = function* (ctx, args) {
  const given = options(ctx, args, { short: 'b:w:s:v:' });
  if (given === undefined) return 1;
  const width = Math.min(Number(given.value('w') ?? 6) || 6, 100);
  const separator = given.value('s') ?? '\t';
  let number = Number(given.value('v') ?? 1) || 0;
  return yield* eachLine(ctx, given.rest, (line) => {
    const numbered = line !== '' || given.value('b') === 'a';
    ctx.out(
      numbered
        ? `${String(number++).padStart(width)}${separator}${line}\n`
        : `${' '.repeat(width + separator.length)}${line}\n`,
    );
  });
};

/** Lines side by side, or with `-s` those of a file one after the other. */
export const paste: Tool = function* (ctx, args) {
  const given = options(ctx, args, { short: 'sd:', long: { serial: 's', delimiters: 'd:' } });
  if (given === undefined) return 1;
  const delimiter = (given.value('d') ?? '\t').replace('\\t', '\t').replace('\\n', '\n');
  const files = given.rest.length === 0 ? ['-'] : given.rest;
  // Columns that are standard input take its lines in turn.
  const dashes = files.filter((file) => file === '-').length;
  const input = dashes === 0 ? [] : (yield* linesOf(ctx, [])).lines;
  const columns: string[][] = [];
  let status = 0;
  let dash = 0;
  for (const file of files) {
    if (file === '-') {
      const turn = dash++;
      columns.push(input.filter((_, i) => i % dashes === turn));
      continue;
    }
    const read = yield* linesOf(ctx, [file]);
    if (read.status !== 0) status = read.status;
    columns.push(read.lines);
  }
  const join = (parts: readonly string[]): string =>
    parts.reduce(
      (text, part, i) =>
        i === 0
          ? part
          : `${text}${delimiter === '' ? '' : (delimiter[(i - 1) % delimiter.length] ?? '')}${part}`,
      '',
    );
  if (given.has('s')) for (const column of columns) ctx.out(`${join(column)}\n`);
  else {
    const rows = Math.max(...columns.map((column) => column.length));
    for (let row = 0; row < rows; row++) ctx.out(`${join(columns.map((column) => column[row] ?? ''))}\n`);
  }
  return status;
};

/** `column -t`: fields under each other; without it the lines as they are. */
export const column: Tool = function* (ctx, args) {
  const given = options(ctx, args, {
    short: 'ts:o:',
    long: { table: 't', separator: 's:', 'output-separator': 'o:' },
  });
  if (given === undefined) return 1;
  const { lines, status } = yield* linesOf(ctx, given.rest);
  if (!given.has('t')) {
    for (const line of lines) ctx.out(`${line}\n`);
    return status;
  }
  const separator = given.value('s');
  const rows = lines
    .filter((line) => line.trim() !== '')
    .map((line) => (separator === undefined ? line.trim().split(/\s+/) : line.split(separator)));
  const widths: number[] = [];
  for (const row of rows)
    for (const [i, field] of row.entries()) widths[i] = Math.max(widths[i] ?? 0, field.length);
  const gap = given.value('o') ?? '  ';
  for (const row of rows)
    ctx.out(
      `${row.map((field, i) => (i === row.length - 1 ? field : field.padEnd(widths[i] ?? 0))).join(gap)}\n`,
    );
  return status;
};

function* linesOf(
  ctx: ToolContext,
  files: readonly string[],
): Task<{ readonly lines: string[]; readonly status: number }> {
  const lines: string[] = [];
  const status = yield* eachLine(ctx, files, (line) => void lines.push(line));
  return { lines, status };
}
