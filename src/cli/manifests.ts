import { readdirSync, readFileSync, statSync } from 'node:fs';
import { join } from 'node:path';
import type { Diagnostic } from '../engine/index.ts';
import type { ManifestFile } from '../engine/reach.ts';
import { UsageError } from './command.ts';

/** The manifests that arguments name: files, `-` for standard input, and folders as `kubectl -f` reads them. */
export function manifestFiles(names: readonly string[]): ManifestFile[] {
  return names.flatMap((name) => {
    try {
      if (name === '-') return { name: 'STDIN', text: readFileSync(0, 'utf8') };
      if (!statSync(name).isDirectory()) return { name, text: readFileSync(name, 'utf8') };
      const inside = readdirSync(name)
        .filter((file) => /\.(ya?ml|json)$/.test(file))
        .sort();
      if (inside.length === 0) throw new UsageError(`there is no .yaml, .yml or .json file in ${name}`);
      return inside.map((file) => ({ name: join(name, file), text: readFileSync(join(name, file), 'utf8') }));
    } catch (error) {
      if (error instanceof UsageError) throw error;
      throw new UsageError(`cannot read ${name}`);
    }
  });
}

/** `file:line:col error code  message (hint)`, as editors click it. */
export function diagnosticLine(told: Diagnostic, file: string): string {
  const hint = told.hint === undefined ? '' : ` (${told.hint})`;
  return `${told.file ?? file}:${told.line}:${told.column} ${told.severity} ${told.code}  ${told.message}${hint}\n`;
}
