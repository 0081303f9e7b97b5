import { formatLabels } from './labels.ts';
import { printerOf } from './printers/index.ts';
import { columnsOf, type PrintContext } from './printers/printer.ts';
import { alignTabs, tableLayout } from './tabwriter.ts';
import { fieldOf, textAt, valueAt } from './value.ts';

export interface TableOptions extends PrintContext {
  readonly headers: boolean;
  readonly namespaces: boolean;
  /** Put before each name, as when several kinds are asked for: `pod`, `deployment.apps`. */
  readonly prefix?: string;
  readonly showLabels: boolean;
  /** `-L`: a column per label. */
  readonly labelColumns: readonly string[];
  /** Column widths that later tables keep; updated in place. */
  readonly remembered?: number[];
}

/** The table that `kubectl get` prints for objects of one kind, in the given order. */
export function formatTable(kind: string, objects: readonly unknown[], options: TableOptions): string {
  const printer = printerOf(kind);
  const shown = columnsOf(printer).map((column) => options.wide || !column.wide);
  const lines: string[][] = [];
  if (options.headers) {
    const headers = columnsOf(printer).map((column) => column.header);
    lines.push([
      ...(options.namespaces ? ['NAMESPACE'] : []),
      ...headers.filter((_, index) => shown[index]),
      ...options.labelColumns.map((label) => (label.split('/').at(-1) ?? '').toUpperCase()),
      ...(options.showLabels ? ['LABELS'] : []),
    ]);
  }
  for (const object of objects) {
    const labels = valueAt(object, 'metadata.labels');
    const cells = printer.row(object, options).map((cell) => escapeCell(String(cell)));
    if (options.prefix !== undefined) cells[0] = `${options.prefix}/${cells[0] ?? ''}`;
    lines.push([
      ...(options.namespaces ? [textAt(object, 'metadata.namespace')] : []),
      ...cells.filter((_, index) => shown[index]),
      ...options.labelColumns.map((label) => String(fieldOf(labels, label) ?? '')),
      ...(options.showLabels ? [formatLabels(object, 'metadata.labels')] : []),
    ]);
  }
  const text = lines.map((cells) => `${cells.join('\t')}\n`).join('');
  return alignTabs(
    text,
    options.remembered === undefined ? tableLayout : { ...tableLayout, remembered: options.remembered },
  );
}

/** A cell is one line: what follows a line break becomes `...`; control characters are shown. */
function escapeCell(cell: string): string {
  const end = cell.search(/[\n\f\r]/);
  const line = end < 0 ? cell : `${cell.slice(0, end)}...`;
  return line.replaceAll('\t', ' ').replaceAll('\x1b', '^[');
}
