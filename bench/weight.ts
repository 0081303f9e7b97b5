import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
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
    if (file !== undefined) staticGraph(join(dirname(entry), file), found);
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
  // `kubectl exec POD -- curl` of an nginx, and what each needs.
  const curl = new Set([worker]);
  for (const module of ['containers', 'curl', 'nginx'])
    staticGraph(named(new RegExp(`^assets/${module}-.*\\.js$`)), curl);
  const engine = new Set(readdirSync(join(directory, 'assets')).map((file) => `assets/${file}`));
  const row = (what: string, files: Iterable<string>, comparedWith: string, reference: number): Row => ({
    what,
    measured: kilobytes(files),
    unit: 'kB',
    comparedWith,
    reference,
  });
  const bound = 90;
  const whole = kilobytes(engine);
  printTable('JavaScript, gzipped', [
    row('before any lab is near', loader, 'the bound', 4),
    row('a reading lab awake: its record plays without the engine', reading, 'the bound', bound),
    row('the first `kubectl exec pod -- curl`', curl, 'the whole engine', whole),
    row('of that the engine without any program', [worker], 'the whole engine', whole),
    row('everything but the editor', [...reading, ...engine], 'the bound, engine included', bound),
    row(
      'the editor, with the first edit',
      staticGraph(named(/^editor-.*\.js$/)),
      'a reading lab',
      kilobytes(reading),
    ),
  ]);
}
