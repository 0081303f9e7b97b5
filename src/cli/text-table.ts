/** Columns as kubectl sets them: capital headings, three spaces between, the last one as long as it is. */
export function textTable(headings: readonly string[], rows: readonly (readonly string[])[]): string {
  const all = [headings.map((heading) => heading.toUpperCase()), ...rows];
  const widths = headings.map((_, column) => Math.max(...all.map((row) => width(row[column] ?? ''))));
  return all
    .map((row) =>
      `${row.map((cell, column) => (column === headings.length - 1 ? cell : cell + ' '.repeat((widths[column] ?? 0) - width(cell) + 3))).join('')}`.trimEnd(),
    )
    .map((line) => `${line}\n`)
    .join('');
}

/** Columns of a terminal: Korean letters take two. */
function width(text: string): number {
  let columns = 0;
  for (const letter of text)
    columns += /[\u1100-\u115f\u3000-\u9fff\uac00-\ud7a3\uff00-\uff60]/.test(letter) ? 2 : 1;
  return columns;
}
