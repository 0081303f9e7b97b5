import { execFile } from 'node:child_process';
import { writeFile } from 'node:fs/promises';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { curveChart } from './chart.ts';
import type { ScaleResult } from './scale-cluster.ts';
import { printTable, type Row } from './table.ts';

const SIZES = [10, 100, 1_000, 10_000, 50_000, 150_000];
const CHART = fileURLToPath(new URL('scale.svg', import.meta.url));
const CHILD = fileURLToPath(new URL('scale-cluster.ts', import.meta.url));

const count = (n: number): string => n.toLocaleString('en');

/** Clusters of ten pods to 150,000, thirty to a node and fifteen to a Service; the chart of their cost is written to `bench/scale.svg`. */
export async function run(): Promise<void> {
  const results: ScaleResult[] = [];
  for (const pods of SIZES) {
    const { stdout } = await promisify(execFile)(process.execPath, [CHILD, String(pods)]);
    results.push(JSON.parse(stdout) as ScaleResult);
  }
  const rows = results.flatMap(({ pods, nodes, services, ready, memory, firstCurl, curl, walked }): Row[] => {
    const what = `${count(pods)} pods, ${count(nodes)} nodes, ${count(services)} Services`;
    return [
      { what: `${what}: ready`, measured: ready, unit: 's', comparedWith: 'the bound', reference: 5 },
      { what: '  peak memory', measured: memory, unit: 'MB', comparedWith: 'the bound', reference: 1500 },
      { what: `  a traced curl`, measured: curl, unit: 'ms', comparedWith: 'the bound', reference: 2 },
      {
        what: `  the first one (the kernel compares ${count(walked)} rules)`,
        measured: firstCurl,
        unit: 'ms',
        comparedWith: 'a later one',
        reference: curl,
      },
    ];
  });
  printTable(`Clusters of growing size (Node ${process.versions.node}, processor time)`, rows);
  const series = (of: (result: ScaleResult) => number) =>
    results.map((result) => ({ x: result.pods, y: of(result) }));
  await writeFile(
    CHART,
    curveChart('Cost against size', 'pods', [
      { title: 'until all is ready', unit: 's', points: series(({ ready }) => ready), bound: 5 },
      { title: 'peak memory', unit: 'MB', points: series(({ memory }) => memory), bound: 1500 },
      { title: 'a traced curl', unit: 'ms', points: series(({ curl }) => curl), bound: 2 },
    ]),
  );
  console.log(`\n${CHART}`);
}
