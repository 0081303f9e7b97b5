/**
 * Records what a real kubectl prints for `cases.ts` over `objects.yaml`:
 * `node tests/oracle/kubectl/record.ts PATH-TO-KUBECTL` writes `recorded.json` beside itself. Only reads and dry runs are asked.
 */
import { spawn } from 'node:child_process';
import { mkdtempSync, writeFileSync } from 'node:fs';
import { type AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { parseTimestamp } from '../../../src/engine/shell/kubectl/duration.ts';
import { serveObjects } from './apiserver.ts';
import { cases, words } from './cases.ts';
import { objects } from './objects.ts';

const kubectl = process.argv[2] ?? 'kubectl';
const now = () => new Date().toISOString().replace(/\.\d+Z$/, 'Z');
const server = serveObjects(objects, () => parseTimestamp(now()) ?? 0);
const cache = mkdtempSync(join(tmpdir(), 'kubectl-'));

function run(args: readonly string[]): Promise<{ stdout: string; stderr: string; code: number | null }> {
  return new Promise((resolve) => {
    const { port } = server.address() as AddressInfo;
    const options = {
      env: { KUBECONFIG: join(cache, 'config'), HOME: cache, KUBECTL_COMMAND_HEADERS: 'false' },
      cwd: cache,
    };
    writeFileSync(
      options.env.KUBECONFIG,
      JSON.stringify({
        apiVersion: 'v1',
        kind: 'Config',
        clusters: [{ name: 'c', cluster: { server: `http://127.0.0.1:${port}` } }],
        contexts: [{ name: 'c', context: { cluster: 'c', user: '' } }],
        'current-context': 'c',
      }),
    );
    const child = spawn(kubectl, args, options);
    let stdout = '';
    let stderr = '';
    child.stdout.on('data', (data) => (stdout += String(data)));
    child.stderr.on('data', (data) => (stderr += String(data)));
    child.stdin.end();
    // The fixture server ends watches early, which client-go may log.
    child.on('close', (code) => resolve({ stdout, stderr: stderr.replace(/^I\d{4} .*\n/gm, ''), code }));
  });
}

server.listen(0, '127.0.0.1', () => {
  void (async () => {
    const version = (await run(['version', '--client'])).stdout.trim();
    const recorded = [];
    for (const line of cases) recorded.push({ line, now: now(), ...(await run(words(line))) });
    const name = kubectl.split('/').at(-1) ?? '';
    const text = JSON.stringify({ version, cases: recorded }, null, 1).replaceAll(name, 'kubectl');
    writeFileSync(new URL('recorded.json', import.meta.url), `${text}\n`);
    server.close();
  })();
});
