import { spawnSync } from 'node:child_process';
import { mkdirSync, rmSync, writeFileSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { cacheDirectory } from '../src/site/source.ts';
import { applyEdits } from '../src/lesson/shortcode-source.ts';
import { lessonSource } from './lessons.ts';
import { printTable } from './table.ts';

const copies = Number(process.env['PODWALK_BENCH_COPIES'] ?? 1000);
const base = resolve('.cache/bench-site');

/** The lesson with its first `labs` labs; every other directive is taken out, whole. */
function withLabs(source: string, labs: number): string {
  const blocks = [...source.matchAll(/^:::lab[^]*?^:::$\n?/gm)];
  return applyEdits(
    source,
    blocks.slice(labs).map((block) => ({ start: block.index, end: block.index + block[0].length, text: '' })),
  );
}

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

/** A thousand lessons with three labs each, beside plain Starlight with the same processor and the same text. */
export async function run(): Promise<void> {
  rmSync(base, { recursive: true, force: true });
  const lesson = lessonSource();
  const ours = join(base, 'ours');
  const plain = join(base, 'plain');
  write(
    join(ours, 'hugo.yaml'),
    'title: Bench\ndefaultContentLanguage: en\nlanguages:\n  en: { languageName: English, contentDir: content }\n',
  );
  for (let number = 1; number <= copies; number++) {
    write(join(ours, 'content/docs', `lesson-${number}.md`), copy(withLabs(lesson, 3), number));
    write(join(plain, 'src/content/docs/docs', `lesson-${number}.md`), copy(withLabs(lesson, 0), number));
  }
  write(join(ours, 'content/_index.md'), '---\ntitle: Bench\n---\n');
  write(join(plain, 'src/content/docs/index.md'), '---\ntitle: Bench\n---\n');
  write(
    join(plain, 'package.json'),
    '{ "type": "module", "dependencies": { "@astrojs/starlight": "*", "astro": "*" } }\n',
  );
  write(
    join(plain, 'astro.config.mjs'),
    [
      "import { unified } from '@astrojs/markdown-remark';",
      "import starlight from '@astrojs/starlight';",
      "import { defineConfig } from 'astro/config';",
      "export default defineConfig({ site: 'https://bench.example', markdown: { processor: unified() }, integrations: [starlight({ title: 'Bench' })] });",
      '',
    ].join('\n'),
  );
  write(
    join(plain, 'src/content.config.ts'),
    [
      "import { docsLoader } from '@astrojs/starlight/loaders';",
      "import { docsSchema } from '@astrojs/starlight/schema';",
      "import { defineCollection } from 'astro:content';",
      'export const collections = { docs: defineCollection({ loader: docsLoader(), schema: docsSchema() }) };',
      '',
    ].join('\n'),
  );
  // From nothing, both of them.
  rmSync(cacheDirectory(ours), { recursive: true, force: true });
  const reference = timed(plain, {});
  const measured = timed('.', { PODWALK_SOURCE: ours, PODWALK_OUT: join(ours, 'dist') });
  const again = timed('.', { PODWALK_SOURCE: ours, PODWALK_OUT: join(ours, 'dist') });
  printTable(`A site of ${copies} lessons, three labs each`, [
    {
      what: 'astro build with labs',
      measured,
      unit: 's',
      comparedWith: 'plain Starlight, no labs',
      reference,
    },
    {
      what: 'astro build with labs',
      measured,
      unit: 's',
      comparedWith: '1.5 times that',
      reference: 1.5 * reference,
    },
    {
      what: 'the same again, nothing changed',
      measured: again,
      unit: 's',
      comparedWith: 'the first build',
      reference: measured,
    },
  ]);
}
