import type { MatchExtension } from '../iptables-extension.ts';
import { parseInteger, type Match } from '../iptables-rule.ts';

/** The kernel compares 31 random bits, so a probability is kept as a number of 1/2^31ths (extensions/libxt_statistic.c). */
const SCALE = 0x8000_0000;

/** 0.33333333333 becomes 0.33333333349, as `iptables-save` prints what the kernel holds. */
function formatProbability(scaled: number): string {
  return (scaled / SCALE).toFixed(11);
}

function random(scaled: number, invert: boolean): Match {
  const text = `${invert ? ' !' : ''}`;
  return {
    name: 'statistic',
    save: ` --mode random${text} --probability ${formatProbability(scaled)}`,
    list: () => ` statistic mode random${text} probability ${formatProbability(scaled)}`,
    test: (flow) => flow.env.random32() >>> 1 < scaled !== invert,
  };
}

function nth(every: number, packet: number, invert: boolean): Match {
  const text = `${invert ? ' !' : ''}`;
  let count = every - 1 - packet;
  return {
    name: 'statistic',
    save: ` --mode nth${text} --every ${every} --packet ${packet}`,
    list: () => ` statistic mode nth${text} every ${every}${packet === 0 ? '' : ` packet ${packet}`}`,
    test() {
      count = count >= every - 1 ? 0 : count + 1;
      return (count === 0) !== invert;
    },
    instance: () => nth(every, packet, invert),
  };
}

export const statistic: MatchExtension = {
  name: 'statistic',
  options: [
    { name: 'mode', argument: 'required' },
    { name: 'probability', argument: 'required', invertible: true },
    { name: 'every', argument: 'required', invertible: true },
    { name: 'packet', argument: 'required' },
  ],
  create(given) {
    const mode = given.get('mode')?.value ?? 'random';
    if (mode !== 'random' && mode !== 'nth') return { error: `Bad mode "${mode}"` };
    const every = given.get('every');
    const packet = given.get('packet');
    const probability = given.get('probability');
    let scaled = 0;
    if (probability !== undefined) {
      const number = /^\d*\.?\d+$/.test(probability.value) ? Number(probability.value) : NaN;
      if (!(number >= 0 && number <= 1)) {
        return { error: 'statistic: bad value for option "--probability", or out of range (0-1).\n' };
      }
      scaled = Math.round(number * SCALE);
    }
    if (mode === 'random') {
      if (probability === undefined)
        return { error: '--probability must be specified when using random mode' };
      return random(scaled, probability.invert);
    }
    if (every === undefined) return { error: '--every must be specified when using nth mode' };
    if (packet === undefined) return { error: 'statistic: option "--every" also requires "--packet".\n' };
    const n = parseInteger(every.value);
    const p = parseInteger(packet.value);
    if (n === undefined || n === 0)
      return { error: 'statistic: bad value for option "--every", or out of range (1-4294967295).\n' };
    if (p === undefined)
      return { error: 'statistic: bad value for option "--packet", or out of range (0-4294967294).\n' };
    if (p >= n) return { error: 'the --packet p must be 0 <= p <= n-1' };
    return nth(n, p, every.invert);
  },
};
