import { existsSync, readdirSync, readFileSync, statSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { loadPrerender } from '../site/element.ts';
import { readArguments } from './arguments.ts';
import { UsageError, type Command } from './command.ts';

/** `podwalk prerender DIR`: finished labs in every page below a folder that another generator wrote. */
export const prerender: Command = async (args, terminal) => {
  const { positionals } = readArguments(args, {});
  const [directory] = positionals;
  if (directory === undefined || positionals.length > 1) throw new UsageError('which folder?');
  if (!existsSync(directory) || !statSync(directory).isDirectory())
    throw new UsageError(`${directory} is no folder`);
  const render = await loadPrerender();
  let pages = 0;
  let errors = 0;
  for (const entry of readdirSync(directory, { recursive: true, withFileTypes: true })) {
    const file = join(entry.parentPath, entry.name);
    if (!entry.isFile() || !/\.html?$/i.test(entry.name)) continue;
    const html = readFileSync(file, 'utf8');
    if (!html.includes('<pod-lab')) continue;
    const lang = /<html[^>]*\slang=["']?([\w-]+)/i.exec(html)?.[1] ?? 'en';
    const { html: next, diagnostics } = await render(html, { lang });
    for (const told of diagnostics) {
      if (told.severity === 'error') errors++;
      terminal.err(`${file}: ${told.severity} ${told.code}  ${told.message}\n`);
    }
    writeFileSync(file, next);
    pages++;
  }
  terminal.out(`${pages} ${pages === 1 ? 'page' : 'pages'} with labs\n`);
  return errors === 0 ? 0 : 1;
};
