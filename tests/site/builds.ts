import { execFileSync, spawnSync } from 'node:child_process';
import { cpSync, existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join, resolve } from 'node:path';
import { fileURLToPath } from 'node:url';
import { convertLesson } from '../../src/lesson/convert.ts';

const here = fileURLToPath(new URL('.', import.meta.url));
export const seedPage = resolve('../shared/seed/pod-to-pod-communications.md');
export const hasSeed = existsSync(seedPage);
export const hasHugo = spawnSync('hugo', ['version']).status === 0;
for (const [is, what] of [
  [hasSeed, 'the seed page is not here'],
  [hasHugo, 'hugo is not installed'],
] as const) {
  if (!is) console.warn(`skipped: what needs it, since ${what}`);
}

/** A content tree in a folder of its own: the fixture, the lesson of this site in shortcode form, and the seed page. */
export function makeSite(): { readonly source: string; remove(): void } {
  const dir = mkdtempSync(join(tmpdir(), 'podwalk-site-'));
  const source = join(dir, 'site');
  cpSync(join(here, 'fixture'), source, { recursive: true });
  for (const language of ['ko', 'en']) {
    const path = `content/${language}/docs/networking/pod-to-pod-communications.md`;
    const lesson = convertLesson(readFileSync(path, 'utf8'), 'shortcode', path).source;
    write(join(source, `content/${language}/docs/lesson.md`), lesson);
  }
  if (hasSeed) cpSync(seedPage, join(source, 'content/ko/docs/pod-to-pod-communications.md'));
  return { source, remove: () => rmSync(dir, { recursive: true, force: true }) };
}

function write(file: string, text: string): void {
  mkdirSync(dirname(file), { recursive: true });
  writeFileSync(file, text);
}

/** Builds with real Hugo, the module as a theme component and the pages only Hugo can read added; returns the folder. */
export function buildWithHugo(source: string): string {
  const site = `${source}-hugo`;
  cpSync(source, site, { recursive: true });
  cpSync(join(site, 'hugo-only', 'nested.md'), join(site, 'content/en/docs/nested.md'));
  execFileSync('node', ['scripts/build-hugo.ts'], { stdio: 'pipe' });
  cpSync('build/hugo', join(site, 'themes/podwalk'), { recursive: true });
  const out = `${source}-hugo-public`;
  execFileSync('hugo', ['--quiet', '--source', site, '--destination', out], { stdio: 'pipe' });
  return out;
}

/** Builds with us; returns the folder. */
export function buildWithAstro(source: string): string {
  const out = `${source}-dist`;
  execFileSync('astro', ['build'], {
    // Vitest's own variables (DEV, MODE) would make it a development build.
    env: { PATH: process.env['PATH'], HOME: process.env['HOME'], PODWALK_SOURCE: source, PODWALK_OUT: out },
    stdio: 'pipe',
  });
  return out;
}
