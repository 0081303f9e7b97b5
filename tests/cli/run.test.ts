import { execFileSync } from 'node:child_process';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, describe, expect, test } from 'vitest';
import { commands } from '../../src/cli/commands.ts';

const folder = mkdtempSync(join(tmpdir(), 'podwalk-'));
afterAll(() => rmSync(folder, { recursive: true }));
const manifest = join(folder, 'pods.yaml');
writeFileSync(
  manifest,
  `apiVersion: v1
kind: Pod
metadata: {name: client}
spec:
  nodeName: node-1
  containers: [{name: c, image: nicolaka/netshoot, command: [sleep, infinity]}]
---
apiVersion: v1
kind: Pod
metadata: {name: web, labels: {app: web}}
spec:
  nodeName: node-1
  containers: [{name: web, image: nginx, readinessProbe: {httpGet: {port: 80}, periodSeconds: 1}}]
`,
);

interface Ran {
  readonly code: number;
  /** What a terminal shows: both streams as they came. */
  readonly all: string;
  readonly out: string;
  readonly err: string;
}

async function run(...args: string[]): Promise<Ran> {
  let [all, out, err] = ['', '', ''];
  const code = await commands('run', args, {
    out: (text) => {
      out += text;
      all += text;
    },
    err: (text) => {
      err += text;
      all += text;
    },
  });
  return { code, all, out, err };
}

const hop = /^[\w./-]+:[\w.@-]+ (in|out) /;

describe('podwalk run', () => {
  test('exits as the command does, each stream on its own', async () => {
    expect(await run('--', 'echo out; echo err >&2; exit 3')).toEqual({
      code: 3,
      all: 'out\nerr\n',
      out: 'out\n',
      err: 'err\n',
    });
  });

  test('takes several words as a command and its arguments, one as a line of the shell', async () => {
    expect((await run('--', 'echo', 'a  b', '$HOME;')).out).toBe('a  b $HOME;\n');
    expect((await run('--', 'for i in 1 2; do sleep 0.$i && echo $i & done; wait; echo end')).out).toBe(
      '1\n2\nend\n',
    );
  });

  test('--hops tells frames where they happen among the output', async () => {
    const { out } = await run(
      manifest,
      '--hops',
      '--',
      'echo before; kubectl exec client -- ping -c 2 -q 10.244.1.3 | tail -3; echo after; sleep 3',
    );
    const shape = out
      .split('\n')
      .map((line) => (hop.test(line) ? (line.includes('echo-reply') ? 'reply' : 'hop') : line))
      .filter((line, i, all) => line !== all[i - 1]);
    expect(shape.slice(0, 6)).toEqual([
      'before',
      'hop',
      'reply',
      'hop',
      'reply',
      '--- 10.244.1.3 ping statistics ---',
    ]);
    expect(shape).toContain('after');
    // The kubelet's probes of web are nobody's command; what the pods ask about each other afterwards is.
    expect(out).not.toMatch(/:80 |\[S\]/);
  });

  test('a hop line does not begin in the middle of a line of output', async () => {
    const { out } = await run(
      manifest,
      '--hops',
      '--',
      'printf before; kubectl exec client -- ping -c 1 10.244.1.3 >/dev/null',
    );
    expect(out.split('\n')[0]).toBe('before');
    expect(
      out
        .split('\n')
        .slice(1, -1)
        .every((line) => hop.test(line)),
    ).toBe(true);
  });

  test.each([
    ['en', 'node-1 looks up 10.244.2.1: the route `10.244.2.0/24'],
    ['ko', 'node-1이 10.244.2.1을 라우팅 테이블에서 조회합니다.'],
  ])('--explain --lang %s adds what was decided between the frames', async (language, sentence) => {
    const { out } = await run(
      manifest,
      '--explain',
      '--lang',
      language,
      '--',
      'kubectl exec client -- ping -c 1 10.244.2.1',
    );
    const lines = out.split('\n');
    const at = lines.findIndex((line) => line.startsWith(`    ${sentence}`));
    expect(lines.findIndex((line) => /^node-1:cni0 in .* icmp echo ttl=64$/.test(line))).toBeLessThan(at);
    expect(
      lines.findIndex((line) => /^node-1:flannel.1 out .* icmp echo ttl=63$/.test(line)),
    ).toBeGreaterThan(at);
  });

  test.each([
    [['pods.yaml'], 'the command goes behind "--"'],
    [['--', ' '], 'the command behind "--" is empty'],
    [['/nowhere.yaml', '--', 'true'], 'cannot read /nowhere.yaml'],
    [['--nodes', 'two', '--', 'true'], '--nodes must be a whole number, not two'],
    [['--lang', 'fr', '--', 'true'], '--lang must be ko or en, not fr'],
    [['--hop', '--', 'true'], "Unknown option '--hop'"],
    [['--cni', 'flanel', '--', 'true'], 'cni: unknown plugin "flanel" (did you mean "flannel"?)'],
  ])('%j is answered by what is wrong', async (args, message) => {
    const { code, err } = await run(...args);
    expect(code).toBe(2);
    expect(err.split('\n')[0]).toBe(`podwalk run: ${message}`);
  });

  test('a capture that cannot be written is said', async () => {
    const { code, err } = await run('--capture', folder, '--', 'true');
    expect(code).toBe(1);
    expect(err).toMatch(/^podwalk run: cannot write .*EISDIR/);
  });

  test('a limit that was reached is named', async () => {
    const { code, err } = await run('--', 'while true; do sleep 1; done');
    expect(code).toBe(130);
    expect(err).toMatch(/virtual time \(limit: commandTime\)\n$/);
  });

  test('whoever reads may stop reading', () => {
    const main = new URL('../../src/cli/main.ts', import.meta.url).pathname;
    const line = `set -o pipefail; "$0" "$1" run -- 'seq 1 100000' | head -n 1`;
    const out = execFileSync('bash', ['-c', line, process.execPath, main], { encoding: 'utf8' });
    expect(out).toBe('1\n');
  });
});
