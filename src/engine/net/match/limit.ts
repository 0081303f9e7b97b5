import { type MatchExtension } from '../iptables-extension.ts';
import { parseInteger, type Match } from '../iptables-rule.ts';

/** Units of a rate, longest first, in 1/10000 s (extensions/libxt_limit.c). */
const UNITS = [
  ['day', 864_000_000],
  ['hour', 36_000_000],
  ['min', 600_000],
  ['sec', 10_000],
] as const;

/** A rate such as `3/min`, as the number of 1/10000 s between packets; `fast` when it is over 10000 a second. */
function parseRate(text: string): number | 'bad' | 'fast' {
  const [count, unit] = text.split('/');
  const n = Number(count);
  if (!/^\d+$/.test(count ?? '') || n === 0) return 'bad';
  let base = 10_000;
  if (unit !== undefined) {
    if (unit === '') return 'bad';
    const names = ['second', 'minute', 'hour', 'day'] as const;
    const index = names.findIndex((name) => name.startsWith(unit.toLowerCase()));
    if (index < 0) return 'bad';
    base = [10_000, 600_000, 36_000_000, 864_000_000][index] ?? 10_000;
  }
  const cost = Math.floor(base / n);
  return cost === 0 ? 'fast' : cost;
}

/** The largest unit in which the rate is a whole or rounded number of packets, as `print_rate` chooses it. */
function formatRate(cost: number): string {
  let i = 1;
  for (; i < UNITS.length; i++) {
    const unit = UNITS[i]?.[1] ?? 1;
    if (cost > unit || ((unit % cost) / cost >= 0.0001 && Math.floor(unit / cost) < unit % cost)) break;
  }
  const [name, unit] = UNITS[i - 1] ?? UNITS[3];
  return `${Math.floor(unit / cost)}/${name}`;
}

function limiter(cost: number, burst: number): Match {
  const period = cost * 100;
  let credit: number | undefined;
  let previous = 0;
  return {
    name: 'limit',
    save: ` --limit ${formatRate(cost)}${burst === 5 ? '' : ` --limit-burst ${burst}`}`,
    list: () => ` limit: avg ${formatRate(cost)} burst ${burst}`,
    test(flow) {
      const now = flow.env.now();
      credit = credit === undefined ? burst * period : Math.min(burst * period, credit + (now - previous));
      previous = now;
      if (credit < period) return false;
      credit -= period;
      return true;
    },
    instance: () => limiter(cost, burst),
  };
}

export const limit: MatchExtension = {
  name: 'limit',
  options: [
    { name: 'limit', argument: 'required' },
    { name: 'limit-burst', argument: 'required' },
  ],
  create(given) {
    const text = given.get('limit')?.value ?? '3/hour';
    const cost = parseRate(text);
    if (cost === 'bad') return { error: `bad rate "${text}"'` };
    if (cost === 'fast') return { error: `Rate too fast "${text}"` };
    const burst = parseInteger(given.get('limit-burst')?.value ?? '5', 10000);
    if (burst === undefined)
      return { error: 'limit: bad value for option "--limit-burst", or out of range (0-10000).\n' };
    return limiter(cost, burst);
  },
};
