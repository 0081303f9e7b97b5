import { spawnSync } from 'node:child_process';
import { mkdirSync, rmSync, writeFileSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { cacheDirectory } from '../src/site/source.ts';
import { applyEdits } from '../src/lesson/shortcode-source.ts';
import { lessonSource } from './lessons.ts';
import { printTable } from './table.ts';

const copies = Number(process.env['PODWALK_BENCH_COPIES'] ?? 1000);
const base = resolve('.cache/bench-site');

const labs = 3;

/** The lesson with its first labs turned into something; every other directive is taken out, whole. */
function lessonWith(source: string, turn: (lab: string) => string): string {
  const blocks = [...source.matchAll(/^:::lab[^]*?^:::$\n?/gm)];
  return applyEdits(
    source,
    blocks.map((block, i) => ({
      start: block.index,
      end: block.index + block[0].length,
      text: i < labs ? turn(block[0]) : '',
    })),
  );
}

const asLab = (lab: string): string => lab;
/** The same blocks and sentences with nothing around them: what any Markdown makes of a lab. */
const asBlocks = (lab: string): string => lab.replace(/^:::lab.*\n/, '').replace(/^:::$/m, '');
const cut = (): string => '';

/** Copies that differ, so that nothing can be made once and used a thousand times. */
function copy(source: string, number: number): string {
  return source.replaceAll('pod-a', `pod-a${number}`).replace(/^title: .*$/m, `title: Lesson ${number}`);
}

function write(file: string, text: string): void {
  mkdirSync(join(file, '..'), { recursive: true });
  writeFileSync(file, text);
}

function timed(cwd: string, environment: Record<string, string>): number {
  const began = performance.now();
  const { status, stdout, stderr } = spawnSync('astro', ['build'], {
    cwd,
    env: { ...process.env, ...environment },
    encoding: 'utf8',
    maxBuffer: 1 << 28,
  });
  if (status !== 0)
    throw new Error(`astro build failed in ${cwd}:\n${stdout.slice(-2000)}\n${stderr.slice(-2000)}`);
  return (performance.now() - began) / 1000;
}

/** A site of plain Starlight with the processor that we use. */
function writePlain(name: string, lesson: string): string {
  const directory = join(base, name);
  for (let number = 1; number <= copies; number++)
    write(join(directory, 'src/content/docs/docs', `lesson-${number}.md`), copy(lesson, number));
  write(join(directory, 'src/content/docs/index.md'), '---\ntitle: Bench\n---\n');
  write(
    join(directory, 'package.json'),
    '{ "type": "module", "dependencies": { "@astrojs/starlight": "*", "astro": "*" } }\n',
  );
  write(
    join(directory, 'astro.config.mjs'),
    [
      "import { unified } from '@astrojs/markdown-remark';",
      "import starlight from '@astrojs/starlight';",
      "import { defineConfig } from 'astro/config';",
      "export default defineConfig({ site: 'https://bench.example', markdown: { processor: unified() }, integrations: [starlight({ title: 'Bench' })] });",
      '',
    ].join('\n'),
  );
  write(
    join(directory, 'src/content.config.ts'),
    [
      "import { docsLoader } from '@astrojs/starlight/loaders';",
      "import { docsSchema } from '@astrojs/starlight/schema';",
      "import { defineCollection } from 'astro:content';",
      'export const collections = { docs: defineCollection({ loader: docsLoader(), schema: docsSchema() }) };',
      '',
    ].join('\n'),
  );
  return directory;
}

/** A thousand lessons with three labs each, beside plain Starlight with the same processor and the same text. */
export async function run(): Promise<void> {
  rmSync(base, { recursive: true, force: true });
  const lesson = lessonSource();
  const ours = join(base, 'ours');
  write(
    join(ours, 'hugo.yaml'),
    'title: Bench\ndefaultContentLanguage: en\nlanguages:\n  en: { languageName: English, contentDir: content }\n',
  );
  write(join(ours, 'content/_index.md'), '---\ntitle: Bench\n---\n');
  for (let number = 1; number <= copies; number++)
    write(join(ours, 'content/docs', `lesson-${number}.md`), copy(lessonWith(lesson, asLab), number));
  const build = (): number => timed('.', { PODWALK_SOURCE: ours, PODWALK_OUT: join(ours, 'dist') });

  const blocks = timed(writePlain('blocks', lessonWith(lesson, asBlocks)), {});
  const text = timed(writePlain('text', lessonWith(lesson, cut)), {});
  // From nothing, as they were.
  rmSync(cacheDirectory(ours), { recursive: true, force: true });
  const measured = build();
  const again = build();
  const what = 'astro build with labs';
  const unit = 's';
  printTable(`A site of ${copies} lessons, ${labs} labs each`, [
    { what, measured, unit, comparedWith: 'plain Starlight, the labs plain code blocks', reference: blocks },
    { what, measured, unit, comparedWith: '1.5 times that', reference: 1.5 * blocks },
    { what, measured, unit, comparedWith: 'plain Starlight, the labs cut out', reference: text },
    { what: 'the same again', measured: again, unit, comparedWith: 'the first build', reference: measured },
  ]);
}
