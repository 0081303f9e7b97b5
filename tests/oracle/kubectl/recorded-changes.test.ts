import { readFileSync } from 'node:fs';
import { describe, expect, test } from 'vitest';
import { Bench } from '../../engine/shell/kubectl/harness.ts';
import { words } from './cases.ts';
import { sequences } from './sequences.ts';

/** What kubectl v1.33.1 printed for these lines, sent to this engine's API server (see `record.ts`). */
const recorded: { name: string; steps: { line: string; stdout: string; stderr: string; code: number }[] }[] =
  JSON.parse(readFileSync(new URL('recorded-changes.json', import.meta.url), 'utf8'));

describe.each(sequences)('$name: kubectl prints what the real one printed', ({ name, files, lines }) => {
  const steps = recorded.find((sequence) => sequence.name === name)?.steps ?? [];
  const placed = Object.fromEntries(Object.entries(files).map(([file, text]) => [`/root/${file}`, text]));
  const bench = new Bench({}, placed);

  test('every line has been recorded', () => {
    expect(steps.map(({ line }) => line)).toEqual(lines);
  });
  test.each(steps)('kubectl $line', ({ line, stdout, stderr, code }) => {
    expect(bench.run(words(line))).toEqual({ stdout, stderr, code });
  });
});
