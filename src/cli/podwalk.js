#!/usr/bin/env node
// The sources are TypeScript that Node 24 runs as it is; an older Node hands over to the one pinned as a dependency.
import { spawnSync } from 'node:child_process';
import { createRequire } from 'node:module';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';

const main = join(dirname(fileURLToPath(import.meta.url)), 'main.ts');
if (Number(process.versions.node.split('.')[0]) >= 24) {
  await import(main);
} else {
  const node = join(dirname(createRequire(import.meta.url).resolve('node/package.json')), 'bin', 'node');
  const { status, error } = spawnSync(node, [main, ...process.argv.slice(2)], { stdio: 'inherit' });
  if (error) console.error(`podwalk needs Node 24 or newer, and ${node} did not start: ${error.message}`);
  process.exitCode = status ?? 1;
}
