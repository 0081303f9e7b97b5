import { execFileSync, spawnSync } from 'node:child_process';
import { cpSync, mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join, relative, sep } from 'node:path';
import { fileURLToPath } from 'node:url';
import type { ContentFile } from '../../../src/lesson/hugo/page-set.ts';

export const fixtures = fileURLToPath(new URL('../fixtures/', import.meta.url));

/** Whether real Hugo is here to compare with; the environment `CI` makes it a must. */
export const hasHugo = spawnSync('hugo', ['version']).status === 0;
if (!hasHugo) console.warn('hugo is not installed: what it would say is not compared');

interface HugoPage {
  readonly address: string;
  readonly kind: string;
  readonly language: string;
  readonly title: string;
  readonly weight: number;
  readonly children: readonly string[] | null;
}

export interface HugoSite {
  readonly pages: readonly HugoPage[];
  /** Every file that it wrote, below the output directory. */
  readonly outputFiles: readonly string[];
  html(outputFile: string): string;
}

/** Builds a fixture site, or a directory of the test's own, with real Hugo. */
export function buildWithHugo(site: string, home = 'index.html'): HugoSite {
  const dir = mkdtempSync(join(tmpdir(), 'podwalk-hugo-'));
  try {
    cpSync(site, join(dir, 'site'), { recursive: true });
    cpSync(join(fixtures, 'layouts'), join(dir, 'site', 'layouts'), { recursive: true, force: false });
    execFileSync('hugo', ['--quiet', '--source', join(dir, 'site'), '--destination', join(dir, 'out')], {
      env: { ...process.env, TZ: 'UTC' },
      stdio: 'pipe',
    });
    const html = new Map(
      filesBelow(join(dir, 'out')).map(
        (file) => [file, readFileSync(join(dir, 'out', file), 'utf8')] as const,
      ),
    );
    const list: unknown = JSON.parse(html.get(home) ?? '[]');
    return {
      pages: list as HugoPage[],
      outputFiles: [...html.keys()],
      html: (file) => html.get(file) ?? '',
    };
  } finally {
    rmSync(dir, { recursive: true });
  }
}

function filesBelow(dir: string): string[] {
  return readdirSync(dir, { recursive: true, withFileTypes: true })
    .filter((entry) => entry.isFile())
    .map((entry) => relative(dir, join(entry.parentPath, entry.name)).split(sep).join('/'))
    .sort();
}

export function contentFiles(site: string): ContentFile[] {
  return filesBelow(join(site, 'content')).map((path) => ({
    path: `content/${path}`,
    source: readFileSync(join(site, 'content', path), 'utf8'),
  }));
}
