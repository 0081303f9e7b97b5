import { readFileSync } from 'node:fs';
import { describe, expect, test } from 'vitest';
import { Bench } from '../../engine/shell/kubectl/harness.ts';
import { cases, words } from './cases.ts';
import { objects } from './objects.ts';

/** What kubectl v1.33.1 printed for these lines over these objects (see `record.ts`). */
interface Recorded {
  cases: { line: string; now: string; stdout: string; stderr: string; code: number }[];
}

const recorded: Recorded = JSON.parse(readFileSync(new URL('recorded.json', import.meta.url), 'utf8'));

function bench(now: string): Bench {
  const bench = new Bench();
  bench.setTime(now);
  bench.put(...objects);
  return bench;
}

/** Where the recording machine and this cluster differ on purpose. */
const ours = new Set([
  // Its long text of help is not kept.
  'top',
  // Go's struct order; here keys are sorted, as in what a server sends.
  'create cm a --from-literal=k=v --dry-run=client -o json',
]);

describe('kubectl prints what the real one printed', () => {
  test.each(recorded.cases.filter(({ line }) => !ours.has(line)))(
    'kubectl $line',
    ({ line, now, stdout, stderr, code }) => {
      expect(bench(now).run(words(line))).toEqual({ stdout, stderr, code });
    },
  );
});

test('every line of cases.ts has been recorded', () => {
  expect(recorded.cases.map(({ line }) => line)).toEqual(cases);
});
