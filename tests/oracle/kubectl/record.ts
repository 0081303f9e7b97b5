/**
 * Records what a real kubectl prints: `node tests/oracle/kubectl/record.ts PATH-TO-KUBECTL`.
 * `recorded.json`: the reads and dry runs of `cases.ts` over `objects.yaml`; `recorded-changes.json`: the lines of
 * `sequences.ts`, sent to the engine's API server.
 */
import { spawn } from 'node:child_process';
import { mkdtempSync, writeFileSync } from 'node:fs';
import type { Server } from 'node:http';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { parseTimestamp } from '../../../src/engine/shell/kubectl/duration.ts';
import { Bench } from '../../engine/shell/kubectl/harness.ts';
import { serveObjects } from './apiserver.ts';
import { cases, words } from './cases.ts';
import { serveBench } from './live.ts';
import { objects } from './objects.ts';
import { sequences } from './sequences.ts';

const kubectl = process.argv[2] ?? 'kubectl';
const now = () => new Date().toISOString().replace(/\.\d+Z$/, 'Z');

interface Ran {
  readonly stdout: string;
  readonly stderr: string;
  readonly code: number | null;
}

type Run = (args: readonly string[]) => Promise<Ran>;

/** Calls back with a kubectl whose server this is and whose working directory holds the files. */
async function withServer(
  server: Server,
  files: Readonly<Record<string, string>>,
  use: (run: Run) => Promise<void>,
) {
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const address = server.address();
  const port = typeof address === 'object' && address !== null ? address.port : 0;
  const cwd = mkdtempSync(join(tmpdir(), 'kubectl-'));
  const config = join(cwd, '.config');
  for (const [name, text] of Object.entries(files)) writeFileSync(join(cwd, name), text);
  writeFileSync(
    config,
    JSON.stringify({
      apiVersion: 'v1',
      kind: 'Config',
      clusters: [{ name: 'c', cluster: { server: `http://127.0.0.1:${port}` } }],
      contexts: [{ name: 'c', context: { cluster: 'c', user: '' } }],
      'current-context': 'c',
    }),
  );
  const env = { KUBECONFIG: config, HOME: cwd, KUBECTL_COMMAND_HEADERS: 'false' };
  await use(
    (args) =>
      new Promise((resolve) => {
        const child = spawn(kubectl, args, { cwd, env });
        let stdout = '';
        let stderr = '';
        child.stdout.on('data', (data) => (stdout += String(data)));
        child.stderr.on('data', (data) => (stderr += String(data)));
        child.stdin.end();
        // The fixture server ends watches early, which client-go may log.
        child.on('close', (code) => resolve({ stdout, stderr: stderr.replace(/^I\d{4} .*\n/gm, ''), code }));
      }),
  );
  server.closeAllConnections();
  server.close();
}

function save(name: string, value: unknown): void {
  const own = kubectl.split('/').at(-1) ?? 'kubectl';
  writeFileSync(
    new URL(name, import.meta.url),
    `${JSON.stringify(value, null, 1).replaceAll(own, 'kubectl')}\n`,
  );
}

await withServer(
  serveObjects(objects, () => parseTimestamp(now()) ?? 0),
  {},
  async (run) => {
    const version = (await run(['version', '--client'])).stdout.trim();
    const recorded = [];
    for (const line of cases) recorded.push({ line, now: now(), ...(await run(words(line))) });
    save('recorded.json', { version, cases: recorded });
  },
);

const changes: { name: string; steps: (Ran & { line: string })[] }[] = [];
for (const { name, files, lines } of sequences) {
  await withServer(serveBench(new Bench()), files, async (run) => {
    const steps = [];
    for (const line of lines) steps.push({ line, ...(await run(words(line))) });
    changes.push({ name, steps });
  });
}
save('recorded-changes.json', changes);
