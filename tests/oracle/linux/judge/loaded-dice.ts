import type { MatchExtension } from '../../../../src/engine/net/iptables-extension.ts';

/**
 * Which of a Service's endpoints a connection gets is chance, and two runs cannot share it. So the dice are loaded, on both
 * sides alike: `--mode random` becomes a rule that always holds, and every connection gets the first endpoint.
 */
export function loadedDice(statistic: MatchExtension): MatchExtension {
  return {
    ...statistic,
    create: (given, context) =>
      statistic.create(
        given.get('mode')?.value === 'random'
          ? new Map([
              ['mode', { value: 'nth', invert: false }],
              ['every', { value: '1', invert: false }],
              ['packet', { value: '0', invert: false }],
            ])
          : given,
        context,
      ),
  };
}
