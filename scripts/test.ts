/**
 * Every check there is: `npm test`. Two lanes run side by side, one for what reads the sources and one for what runs
 * them; each check's output is shown when it fails. With CI=true a missing tool is a failure.
 */
import { spawn } from 'node:child_process';
import { ensureTools } from './tools.ts';

interface Check {
  readonly name: string;
  readonly command: string;
  readonly args: readonly string[];
  /** Reads how many tests passed, failed and were skipped out of the output, where the check counts. */
  readonly counts?: boolean;
}

interface Outcome {
  readonly check: Check;
  readonly ok: boolean;
  readonly seconds: number;
  readonly output: string;
}

const sources: readonly Check[] = [
  { name: 'types', command: 'tsc', args: ['--noEmit'] },
  { name: 'svelte', command: 'svelte-check', args: ['--fail-on-warnings', '--output', 'human'] },
  { name: 'lint', command: 'eslint', args: ['.', '--max-warnings', '0'] },
  { name: 'format', command: 'prettier', args: ['--check', '--log-level', 'warn', '.'] },
  { name: 'imports', command: 'depcruise', args: ['src', 'components', '--output-type', 'err'] },
  { name: 'dead code', command: 'knip', args: [] },
];

const running: readonly Check[] = [
  { name: 'element', command: 'npm', args: ['run', '--silent', 'build:element'] },
  { name: 'tests', command: 'vitest', args: ['run'], counts: true },
  { name: 'lessons', command: 'node', args: ['src/cli/podwalk.js', 'check'] },
  { name: 'site', command: 'npm', args: ['run', '--silent', 'build:site'] },
  { name: 'browser', command: 'vitest', args: ['run', '--config', 'vitest.e2e.config.ts'], counts: true },
];

function run(check: Check): Promise<Outcome> {
  const began = performance.now();
  return new Promise((resolve) => {
    const child = spawn(check.command, check.args, { stdio: ['ignore', 'pipe', 'pipe'], env: environment });
    let output = '';
    child.stdout.on('data', (chunk: Buffer) => (output += chunk.toString()));
    child.stderr.on('data', (chunk: Buffer) => (output += chunk.toString()));
    const end = (ok: boolean): void =>
      resolve({ check, ok, output, seconds: (performance.now() - began) / 1000 });
    child.on('error', (error) => {
      output += error.message;
      end(false);
    });
    child.on('close', (code) => end(code === 0));
  });
}

async function lane(checks: readonly Check[]): Promise<readonly Outcome[]> {
  const outcomes: Outcome[] = [];
  for (const check of checks) {
    const outcome = await run(check);
    outcomes.push(outcome);
    console.log(`${outcome.ok ? 'ok  ' : 'FAIL'} ${check.name} (${outcome.seconds.toFixed(1)} s)`);
    if (!outcome.ok) console.log(outcome.output.trimEnd());
    else
      for (const line of outcome.output.split('\n'))
        if (/skipp(ed|ing):/i.test(line)) console.log(`     ${line.trim()}`);
  }
  return outcomes;
}

/** Vitest's closing line: `Tests  2 failed | 311 passed | 4 skipped (317)`. */
function countTests(outcomes: readonly Outcome[]): Record<'passed' | 'failed' | 'skipped', number> {
  const total = { passed: 0, failed: 0, skipped: 0 };
  for (const outcome of outcomes.filter((each) => each.check.counts)) {
    // eslint-disable-next-line no-control-regex -- the runner colours its output
    const line = /^\s*Tests\s+(.*)$/m.exec(outcome.output.replace(/\u001b\[[0-9;]*m/g, ''))?.[1] ?? '';
    for (const [, count, word] of line.matchAll(/(\d+) (passed|failed|skipped)/g)) {
      if (word === 'passed' || word === 'failed' || word === 'skipped') total[word] += Number(count);
    }
  }
  return total;
}

const environment = { ...process.env, PATH: `${process.env['PATH'] ?? ''}:/usr/sbin:/sbin`, NO_COLOR: '1' };
const began = performance.now();
const missing = ensureTools((line) => console.log(line));
for (const tool of missing)
  console.log(`missing: ${tool.program} (Debian's ${tool.package}); skipped: ${tool.for}`);
if (missing.length > 0 && process.env['CI'] === 'true') {
  console.error('CI=true allows no missing tool.');
  process.exit(1);
}
const outcomes = (await Promise.all([lane(sources), lane(running)])).flat();
const failed = outcomes.filter((outcome) => !outcome.ok);
const tests = countTests(outcomes);
console.log(
  `${outcomes.length - failed.length} of ${outcomes.length} checks in ${((performance.now() - began) / 1000).toFixed(0)} s`,
);
if (failed.length > 0) console.log(`failed: ${failed.map((outcome) => outcome.check.name).join(', ')}`);
console.log(`${tests.passed} passed, ${tests.failed} failed, ${tests.skipped} skipped`);
process.exit(failed.length === 0 ? 0 : 1);
