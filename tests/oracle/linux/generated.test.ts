import { describe, expect, test, vi } from 'vitest';
import { generatedLab } from './judge/generated.ts';
import { judge, whyNot } from './judge/kernel.ts';
import { startAll } from './judge/pool.ts';

vi.mock(import('../../../src/engine/net/match/statistic.ts'), async (original) => {
  const { loadedDice } = await import('./judge/loaded-dice.ts');
  return { statistic: loadedDice((await original()).statistic) };
});

/** The same ones every time, unless others are asked for: `PODWALK_SEEDS="7 8 9"`. */
const seeds =
  process.env['PODWALK_SEEDS']?.split(' ').map(Number) ?? Array.from({ length: 12 }, (_, i) => i + 1);

const why = whyNot();
if (why !== undefined) {
  if (process.env['CI'] === 'true') throw new Error(`With CI=true clusters must run on the kernel: ${why}`);
  console.log(`skipped: generated clusters on the kernel (${why})`);
}

const verdicts =
  why === undefined ? startAll(seeds.map((seed) => () => judge(generatedLab(seed), `seed${seed}`))) : [];

describe.skipIf(why !== undefined)(
  'Linux does, frame for frame, what the engine does in the cluster of',
  () => {
    test.each(seeds.map((seed, index) => ({ seed, index })))(
      'seed $seed',
      { timeout: 300_000 },
      async ({ seed, index }) => {
        const told = ((await verdicts[index]) ?? []).flatMap(({ command, differences }) =>
          differences.length === 0 ? [] : [`$ ${command}\n${differences.join('\n')}`],
        );
        expect(told.join('\n'), `PODWALK_SEEDS=${seed}`).toBe('');
      },
    );
  },
);
