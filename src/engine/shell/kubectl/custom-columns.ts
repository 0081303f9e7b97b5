import { findJsonPath, parseJsonPath, relax } from './jsonpath.ts';
import { alignTabs, tableLayout } from './tabwriter.ts';
import { byBytes, isFields } from './value.ts';

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
    const path = part.slice(colon + 1);
    const parsed = parseJsonPath(relax(path));
    if ('error' in parsed) return { error: parsed.error };
    columns.push({ header: part.slice(0, colon), path });
  }
  return columns;
}

export function formatCustomColumns(
  columns: readonly CustomColumn[],
  objects: readonly unknown[],
  headers: boolean,
): string {
  const lines = objects.map((object) => columns.map(({ path }) => cell(path, object)).join('\t'));
  if (headers) lines.unshift(columns.map(({ header }) => header).join('\t'));
  return alignTabs(lines.map((line) => `${line}\n`).join(''), tableLayout);
}

function cell(path: string, object: unknown): string {
  const found = findJsonPath(path, object);
  if ('error' in found || found.length === 0) return '<none>';
  return found.map(goValue).join(',');
}

/** Go's `%v`. */
function goValue(value: unknown): string {
  if (value === null || value === undefined) return '<none>';
  if (Array.isArray(value)) return `[${value.map(goValue).join(' ')}]`;
  if (!isFields(value)) return String(value);
  const entries = Object.keys(value)
    .sort(byBytes)
    .map((key) => `${key}:${goValue(value[key])}`);
  return `map[${entries.join(' ')}]`;
}
