import { ageAt } from '../duration.ts';
import { listAt, textAt, valueAt } from '../value.ts';

/** The columns of a kind in `kubectl get`, and how an object fills them. Facts: kubernetes `pkg/printers/internalversion/printers.go`. */
export interface Printer {
  /** Headers; those after `|` are printed with `-o wide` only. */
  readonly columns: string;
  /** All cells in column order, the wide ones too. */
  row(object: unknown, context: PrintContext): readonly (string | number)[];
}

export interface PrintContext {
  /** Seconds of virtual time. */
  readonly now: number;
  readonly wide: boolean;
}

export interface Column {
  readonly header: string;
  readonly wide: boolean;
}

/** Reads `NAME,AGE|IP`; a `*` before a header makes that one wide (events have wide columns in the middle). */
export function columnsOf(printer: Printer): readonly Column[] {
  const [narrow = '', wide = ''] = printer.columns.split('|');
  const headers = [...narrow.split(','), ...wide.split(',').map((header) => `*${header}`)];
  return headers
    .filter((header) => header !== '*')
    .map((header) => ({ header: header.replace('*', ''), wide: header.startsWith('*') }));
}

export const name = (object: unknown) => textAt(object, 'metadata.name');
export const age = (object: unknown, context: PrintContext) =>
  ageAt(context.now, valueAt(object, 'metadata.creationTimestamp'));

/** CONTAINERS and IMAGES of what has a pod template. */
export function containersAndImages(object: unknown): [string, string] {
  const containers = listAt(object, 'spec.template.spec.containers');
  const join = (field: string) => containers.map((container) => textAt(container, field)).join(',');
  return [join('name'), join('image')];
}

export const fallbackPrinter: Printer = {
  columns: 'NAME,AGE',
  row: (object, context) => [name(object), age(object, context)],
};
