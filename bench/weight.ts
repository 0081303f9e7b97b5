import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { gzipSync } from 'node:zlib';
import { printTable, type Row } from './table.ts';

const directory = 'build/element';
const kilobytes = (files: Iterable<string>): number =>
  [...files].reduce(
    (sum, file) => sum + gzipSync(readFileSync(join(directory, file)), { level: 9 }).length,
    0,
  ) / 1000;

/** Every file that a file imports at once, itself included; what it imports later is left for later. */
function staticGraph(entry: string, found = new Set<string>()): Set<string> {
  if (found.has(entry)) return found;
  found.add(entry);
  const source = readFileSync(join(directory, entry), 'utf8');
  for (const [, file] of source.matchAll(
    /(?:^|[;}\s])(?:import|export)\s*(?:[^"'()]*?\bfrom\s*)?["']\.\/([^"']+\.js)["']/g,
  )) {
    if (file !== undefined) staticGraph(file, found);
  }
  return found;
}

function named(pattern: RegExp): string {
  const file = readdirSync(directory, { recursive: true })
    .map(String)
    .find((name) => pattern.test(name));
  if (file === undefined) throw new Error(`no file ${pattern} in ${directory}: run "npm run build:element"`);
  return file;
}

/** JavaScript of ours, gzipped, at each stage of a reader's visit. */
export async function run(): Promise<void> {
  if (!existsSync(directory)) throw new Error('run "npm run build:element" first');
  const loader = staticGraph('pod-lab.js');
  const reading = new Set([
    ...loader,
    ...staticGraph(named(/^wake-.*\.js$/)),
    ...staticGraph(named(/^ko-.*\.js$/)),
  ]);
  const worker = named(/^assets\/worker-.*\.js$/);
  const engine = staticGraph(worker);
  const rows: Row[] = [
    {
      what: 'before any lab is near',
      measured: kilobytes(loader),
      unit: 'kB',
      comparedWith: 'the bound',
      reference: 4,
    },
    {
      what: 'a reading lab awake (its record, no engine)',
      measured: kilobytes(reading),
      unit: 'kB',
      comparedWith: 'the bound',
      reference: 90,
    },
    {
      what: 'the engine and its worker, with the first command',
      measured: kilobytes(engine),
      unit: 'kB',
      comparedWith: 'a reading lab',
      reference: kilobytes(reading),
    },
    {
      what: 'everything but the editor',
      measured: kilobytes(new Set([...reading, ...engine])),
      unit: 'kB',
      comparedWith: 'the bound, engine included',
      reference: 90,
    },
    {
      what: 'the editor, with the first edit',
      measured: kilobytes(staticGraph(named(/^editor-.*\.js$/))),
      unit: 'kB',
      comparedWith: 'a reading lab',
      reference: kilobytes(reading),
    },
  ];
  printTable('JavaScript, gzipped', rows);
}
