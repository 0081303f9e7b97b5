/** One line of the report: what was measured, beside what it is compared with. */
export interface Row {
  readonly what: string;
  readonly measured: number;
  readonly unit: string;
  readonly comparedWith: string;
  readonly reference: number;
}

/** Ratios are measured/reference: what was asked for is to stay at or below 1 where the reference is a bound. */
export function printTable(title: string, rows: readonly Row[]): void {
  const cells = rows.map(({ what, measured, unit, comparedWith, reference }) => [
    what,
    `${shown(measured)} ${unit}`,
    comparedWith,
    `${shown(reference)} ${unit}`,
    `${(measured / reference).toFixed(2)}×`,
  ]);
  const all = [['what', 'measured', 'compared with', 'that', 'ratio'], ...cells];
  const widths = [0, 1, 2, 3, 4].map((column) => Math.max(...all.map((row) => (row[column] ?? '').length)));
  console.log(`\n${title}`);
  for (const row of all) console.log(row.map((cell, column) => cell.padEnd(widths[column] ?? 0)).join('  '));
}

function shown(value: number): string {
  return value >= 1000 ? Math.round(value).toString() : value >= 10 ? value.toFixed(1) : value.toFixed(2);
}
