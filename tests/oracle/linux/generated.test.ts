import { describe, expect, test, vi } from 'vitest';
import { generatedLab } from './judge/generated.ts';
import { judge, whyNot } from './judge/kernel.ts';

vi.mock(import('../../../src/engine/net/match/statistic.ts'), async (original) => {
  const { loadedDice } = await import('./judge/loaded-dice.ts');
  return { statistic: loadedDice((await original()).statistic) };
});

/** The same ones every time, unless others are asked for: `PODWALK_SEEDS="7 8 9"`. */
const seeds =
  process.env['PODWALK_SEEDS']?.split(' ').map(Number) ?? Array.from({ length: 16 }, (_, i) => i + 1);

const why = whyNot();
if (why !== undefined) {
  if (process.env['CI'] === 'true') throw new Error(`With CI=true clusters must run on the kernel: ${why}`);
  console.log(`skipped: generated clusters on the kernel (${why})`);
}

describe
  .skipIf(why !== undefined)
  .concurrent('Linux does, frame for frame, what the engine does in the cluster of', () => {
    test.each(seeds)('seed %d', { timeout: 180_000 }, async (seed) => {
      const verdicts = await judge(generatedLab(seed), `seed${seed}`);
      const told = verdicts.flatMap(({ command, differences }) =>
        differences.length === 0 ? [] : [`$ ${command}\n${differences.join('\n')}`],
      );
      expect(told.join('\n'), `PODWALK_SEEDS=${seed}`).toBe('');
    });
  });
