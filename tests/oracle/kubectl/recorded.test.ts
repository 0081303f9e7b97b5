import { readFileSync } from 'node:fs';
import { describe, expect, test } from 'vitest';
import { Bench } from '../../engine/shell/kubectl/harness.ts';
import { words } from './cases.ts';
import { objects } from './objects.ts';

/** What kubectl v1.33.1 printed for these lines over these objects (see `record.ts`). */
interface Recorded {
  now: string;
  cases: { line: string; stdout: string; stderr: string; code: number }[];
}

const recorded: Recorded = JSON.parse(readFileSync(new URL('recorded.json', import.meta.url), 'utf8'));

function bench(): Bench {
  const bench = new Bench();
  bench.setTime(recorded.now);
  bench.put(...objects);
  return bench;
}

/** Where the recording machine and this cluster differ on purpose. */
const ours = new Set<string>([]);

describe('kubectl prints what the real one printed', () => {
  test.each(recorded.cases.filter(({ line }) => !ours.has(line)))(
    'kubectl $line',
    ({ line, stdout, stderr, code }) => {
      expect(bench().run(words(line))).toEqual({ stdout, stderr, code });
    },
  );
});
