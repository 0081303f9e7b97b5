import type { AstroIntegration, AstroIntegrationLogger } from 'astro';
import {
  cpSync,
  existsSync,
  mkdirSync,
  renameSync,
  rmSync,
  statSync,
  createReadStream,
  writeFileSync,
} from 'node:fs';
import { dirname, extname, join, normalize } from 'node:path';
import { fileURLToPath } from 'node:url';
import { diagnosticMessages } from '../lesson/check.ts';
import { formatMessage, judgeMessages } from '../lesson/message.ts';
import { elementDirectory, prerenderPool } from './element.ts';
import { readSite, type Site } from './site.ts';
import { finishPages } from './unfinished.ts';

/** What a Hugo tree needs beside its pages: the element's files, resources of bundles, aliases, addresses that end in `.html`. */
export function podwalk(): AstroIntegration {
  let cacheDirectory: URL | undefined;
  return {
    name: 'podwalk',
    hooks: {
      'astro:config:done': ({ config }) => {
        cacheDirectory = config.cacheDir;
      },
      'astro:server:setup': ({ server }) => {
        const { basePath } = readSite({ drafts: true }).config;
        server.middlewares.use(`${basePath}podwalk`, (request, response, next) => {
          const path = normalize(new URL(request.url ?? '/', 'http://localhost').pathname);
          const file = join(elementDirectory, path);
          if (!existsSync(file) || !statSync(file).isFile()) return next();
          response.setHeader('content-type', extname(file) === '.css' ? 'text/css' : 'text/javascript');
          createReadStream(file).pipe(response);
        });
      },
      'astro:build:done': async ({ dir, assets, logger }) => {
        const out = fileURLToPath(dir);
        const site = readSite({ drafts: false });
        if (cacheDirectory !== undefined)
          await finishLabs([...assets.values()].flat(), cacheDirectory, site, logger);
        cpSync(elementDirectory, join(out, 'podwalk'), { recursive: true });
        if (!existsSync(join(out, 'favicon.svg'))) cpSync('src/site/favicon.svg', join(out, 'favicon.svg'));
        copyResources(site, out);
        flattenUgly(site, out);
        writeAliases(site, out);
      },
    },
  };
}

/** Finishes the labs of the pages that were written; the build stops after every mistake of every lab has been told. */
async function finishLabs(
  written: readonly URL[],
  cacheDirectory: URL,
  site: Site,
  logger: AstroIntegrationLogger,
): Promise<void> {
  const pages = written.map((url) => fileURLToPath(url)).filter((file) => file.endsWith('.html'));
  const pool = prerenderPool(cacheDirectory);
  const diagnostics = await finishPages(pages, pool);
  await pool.close();
  const messages = judgeMessages(diagnosticMessages(diagnostics, ''), site.config.severities);
  const told = new Set(messages.map(formatMessage));
  for (const line of told) logger[/^\S+ error /.test(line) ? 'error' : 'warn'](line);
  const errors = messages.filter(({ severity }) => severity === 'error').length;
  if (errors > 0)
    throw new Error(`${errors} ${errors === 1 ? 'mistake' : 'mistakes'} in the labs, told above`);
}

/** Files of a bundle go where its page goes. */
function copyResources(site: Site, out: string): void {
  const bundles = site.pages.pages.filter((page) =>
    /(^|\/)_?index(\.[\w-]+)?\.(md|html?)$/i.test(page.file?.path ?? ''),
  );
  for (const resource of site.pages.resources) {
    const owners = bundles.filter((page) => resource.startsWith(`${page.dir}/`));
    const deepest = Math.max(0, ...owners.map((page) => page.dir.length));
    for (const owner of owners.filter((page) => page.dir.length === deepest)) {
      const target = join(out, dirname(owner.outputFile), resource.slice(owner.dir.length + 1));
      mkdirSync(dirname(target), { recursive: true });
      cpSync(join(site.root, resource), target);
    }
  }
}

/** Astro writes `a.html/index.html` for the address `a.html`. */
function flattenUgly(site: Site, out: string): void {
  for (const { outputFile } of site.pages.pages) {
    const built = join(out, outputFile, 'index.html');
    if (!/\.html?$/.test(outputFile) || !existsSync(built)) continue;
    renameSync(built, `${join(out, outputFile)}.tmp`);
    rmSync(join(out, outputFile), { recursive: true });
    renameSync(`${join(out, outputFile)}.tmp`, join(out, outputFile));
  }
}

/** As Hugo's own template for aliases. */
function writeAliases(site: Site, out: string): void {
  for (const page of site.pages.pages) {
    const url = encodeURI(page.address);
    for (const file of page.aliasFiles) {
      if (existsSync(join(out, file))) continue;
      mkdirSync(dirname(join(out, file)), { recursive: true });
      writeFileSync(
        join(out, file),
        `<!DOCTYPE html><html lang="${page.language}"><head><title>${url}</title><link rel="canonical" href="${url}"><meta name="robots" content="noindex"><meta charset="utf-8"><meta http-equiv="refresh" content="0; url=${url}"></head></html>\n`,
      );
    }
  }
}
