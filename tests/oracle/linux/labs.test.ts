import { describe, expect, test, vi } from 'vitest';
import { judge, whyNot } from './judge/kernel.ts';
import { labsOfLessons } from './judge/lessons.ts';
import { startAll } from './judge/pool.ts';

vi.mock(import('../../../src/engine/net/match/statistic.ts'), async (original) => {
  const { loadedDice } = await import('./judge/loaded-dice.ts');
  return { statistic: loadedDice((await original()).statistic) };
});

const why = whyNot();
if (why !== undefined) {
  if (process.env['CI'] === 'true') throw new Error(`With CI=true labs must run on the kernel: ${why}`);
  console.log(`skipped: the labs of the lessons on the kernel (${why})`);
}

const labs = why === undefined ? labsOfLessons() : [];
const verdicts = startAll(
  labs.map(
    ({ lab }, index) =>
      () =>
        judge(lab, `lab${index}`),
  ),
);

describe.skipIf(why !== undefined)('Linux does, frame for frame, what the engine does in', () => {
  test.each(labs.map(({ name }, index) => ({ name, index })))(
    '$name',
    { timeout: 300_000 },
    async ({ index }) => {
      for (const { command, differences } of (await verdicts[index]) ?? [])
        expect(differences.join('\n'), command).toBe('');
    },
  );
});
