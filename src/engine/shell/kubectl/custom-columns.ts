import { goValue } from './go-format.ts';
import { findJsonPath } from './jsonpath.ts';
import { alignTabs, tableLayout } from './tabwriter.ts';

export interface CustomColumn {
  readonly header: string;
  readonly path: string;
}

/** `NAME:.metadata.name,IP:.status.podIP` */
export function parseCustomColumns(spec: string): readonly CustomColumn[] | { readonly error: string } {
  if (spec === '') return { error: 'custom-columns format specified but no custom columns given' };
  const columns: CustomColumn[] = [];
  for (const part of spec.split(',')) {
    const colon = part.indexOf(':');
    if (colon < 0)
      return { error: `unexpected custom-columns spec: ${part}, expected <header>:<json-path-expr>` };
    columns.push({ header: part.slice(0, colon), path: part.slice(colon + 1) });
  }
  return columns;
}

/** The table; a path that fails ends it where it stands. */
export function formatCustomColumns(
  columns: readonly CustomColumn[],
  objects: readonly unknown[],
  options: { readonly headers: boolean },
): { readonly text: string; readonly error?: string } {
  const lines = options.headers ? [columns.map(({ header }) => header)] : [];
  let error: string | undefined;
  for (const object of objects) {
    const cells: string[] = [];
    for (const { path } of columns) {
      const found = findJsonPath(path, object);
      if ('error' in found) error ??= found.error;
      else cells.push(found.length === 0 ? '<none>' : found.map(showCell).join(','));
    }
    if (error !== undefined) break;
    lines.push(cells);
  }
  const text = alignTabs(lines.map((cells) => `${cells.join('\t')}\n`).join(''), tableLayout);
  return error === undefined ? { text } : { text, error };
}

function showCell(value: unknown): string {
  return value === null ? '<none>' : goValue(value);
}
