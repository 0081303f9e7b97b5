import { describe, expect, test, vi } from 'vitest';
import { judge, whyNot } from './judge/kernel.ts';
import { labsOfLessons } from './judge/lessons.ts';

vi.mock(import('../../../src/engine/net/match/statistic.ts'), async (original) => {
  const { loadedDice } = await import('./judge/loaded-dice.ts');
  return { statistic: loadedDice((await original()).statistic) };
});

const why = whyNot();
if (why !== undefined) {
  if (process.env['CI'] === 'true') throw new Error(`With CI=true labs must run on the kernel: ${why}`);
  console.log(`skipped: the labs of the lessons on the kernel (${why})`);
}

describe.skipIf(why !== undefined).concurrent('Linux does, frame for frame, what the engine does in', () => {
  test.each(labsOfLessons())('$name', { timeout: 120_000 }, async ({ name, lab }) => {
    const verdicts = await judge(lab, name.replace(/ .*/, ''));
    for (const { command, differences } of verdicts) expect(differences.join('\n'), command).toBe('');
  });
});
