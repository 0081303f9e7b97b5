import { existsSync, readFileSync } from 'node:fs';
import { describe, expect, test } from 'vitest';
import { parseAllDocuments } from 'yaml';
import { humanDuration, parseTimestamp } from '../../../src/engine/shell/kubectl/duration.ts';
import { printerOf } from '../../../src/engine/shell/kubectl/printers/index.ts';
import { columnsOf } from '../../../src/engine/shell/kubectl/printers/printer.ts';
import { formatTable, type TableOptions } from '../../../src/engine/shell/kubectl/table.ts';
import { textAt } from '../../../src/engine/shell/kubectl/value.ts';

interface Columns {
  now: string;
  resources: Record<string, Resource>;
  humanDuration: { expr: string; seconds: number; want: string }[];
  printerTests: {
    id: string;
    kind: string;
    wide: boolean;
    manifest: string;
    cells: (string | number)[][];
    test: string;
    timeDependent: boolean;
  }[];
}

interface Resource {
  columns: { header: string; wideOnly: boolean }[];
  manifests: string;
  output: string;
  outputWide: string;
  outputShowLabels: string;
  outputNoHeaders: string;
  outputWithKind: string;
  outputAllNamespaces?: string;
}

const file = new URL('../../../../shared/oracle/kubectl/columns.json', import.meta.url);
const present = existsSync(file);
if (!present && process.env['CI'] === 'true') throw new Error('The oracle data must be there with CI=true.');
const oracle: Columns = present
  ? JSON.parse(readFileSync(file, 'utf8'))
  : { now: '', resources: {}, humanDuration: [], printerTests: [] };

const documents = (text: string): unknown[] => parseAllDocuments(text).map((document) => document.toJS());
const plain: TableOptions = {
  now: parseTimestamp(oracle.now) ?? 0,
  wide: false,
  headers: true,
  namespaces: false,
  showLabels: false,
  labelColumns: [],
};

describe.runIf(present)('a table of kubectl get is the real one, to the byte', () => {
  describe.each(Object.entries(oracle.resources))('%s', (_, resource) => {
    const objects = documents(resource.manifests);
    const kind = textAt(objects[0], 'kind');
    const prefix = resource.outputWithKind.split('\n')[1]?.split('/')[0] ?? '';
    const print = (options: Partial<TableOptions>) => formatTable(kind, objects, { ...plain, ...options });

    test('columns', () => {
      expect(columnsOf(printerOf(kind))).toEqual(
        resource.columns.map(({ header, wideOnly }) => ({ header, wide: wideOnly })),
      );
    });
    test.each<[keyof Resource, Partial<TableOptions>]>([
      ['output', {}],
      ['outputWide', { wide: true }],
      ['outputShowLabels', { showLabels: true }],
      ['outputNoHeaders', { headers: false }],
      ['outputWithKind', { prefix }],
      ['outputAllNamespaces', { namespaces: true }],
    ])('%s', (form, options) => {
      if (resource[form] !== undefined) expect(print(options)).toBe(resource[form]);
    });
  });
});

describe.runIf(present)('a row of cells is what the printer tests of Kubernetes assert', () => {
  // Those tests read the clock while they run: ages hold for some second about this one.
  const about = parseTimestamp('2026-11-23T01:55:08Z') ?? 0;
  test.each(oracle.printerTests)('$id $kind $test', ({ kind, wide, manifest, cells, timeDependent }) => {
    const printer = printerOf(kind);
    const shown = columnsOf(printer).map((column) => wide || !column.wide);
    const rows = (now: number) =>
      documents(manifest).map((object) =>
        printer.row(object, { now, wide }).filter((_, index) => shown[index]),
      );
    if (timeDependent) expect([0, -1, -2, 1].map((late) => rows(about + late))).toContainEqual(cells);
    else expect(rows(about)).toEqual(cells);
  });
});

describe.runIf(present)('a duration is written as Kubernetes writes it', () => {
  test.each(oracle.humanDuration)('$expr is $want', ({ seconds, want }) => {
    expect(humanDuration(seconds)).toBe(want);
  });
});
