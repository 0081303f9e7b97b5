import { createHash } from 'node:crypto';
import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { join, relative, resolve, sep } from 'node:path';
import { configNames, defaultConfig, readConfig, type SiteConfig } from '../lesson/hugo/config.ts';
import type { ContentFile } from '../lesson/hugo/page-set.ts';
import type { Message } from '../lesson/message.ts';

/** A Hugo site on disk: its configuration and the files of its content tree. */
export interface SiteSource {
  /** Absolute. */
  readonly root: string;
  readonly config: SiteConfig;
  readonly messages: readonly Message[];
}

/** The site that is built: `PODWALK_SOURCE`, or the one around us. */
export function sourceRoot(): string {
  return resolve(process.env['PODWALK_SOURCE'] ?? '.');
}

/** Each content tree has its own store of what has been rendered. */
export function cacheDirectory(root: string): string {
  return `./.cache/astro-${createHash('sha256').update(root).digest('hex').slice(0, 8)}`;
}

export function readSource(root = sourceRoot()): SiteSource {
  const name = configNames.find((candidate) => existsSync(join(root, candidate)));
  if (name === undefined) return { root, config: defaultConfig(), messages: [] };
  return { root, ...readConfig(readFileSync(join(root, name), 'utf8'), name) };
}

/** Every file below the content directories; the text of those that are pages. Paths are from the root, with `/`. */
export function readContent(source: SiteSource): ContentFile[] {
  const directories = new Set(source.config.languages.map((language) => language.contentDir));
  const paths = new Set<string>();
  for (const directory of directories) {
    const base = join(source.root, directory);
    if (!existsSync(base)) continue;
    for (const entry of readdirSync(base, { recursive: true, withFileTypes: true })) {
      if (!entry.isFile() || entry.name.startsWith('.')) continue;
      paths.add(relative(source.root, join(entry.parentPath, entry.name)).split(sep).join('/'));
    }
  }
  // Not by the machine's locale: the same tree gives the same order everywhere.
  return [...paths].sort().map((path) => ({
    path,
    source: /\.(md|markdown|html?)$/i.test(path) ? readFileSync(join(source.root, path), 'utf8') : '',
  }));
}
