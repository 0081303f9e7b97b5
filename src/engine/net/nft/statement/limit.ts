import type { Cursor } from '../cursor.ts';
import type { Statement } from '../rule.ts';

const SECONDS: Readonly<Record<string, number>> = {
  second: 1,
  minute: 60,
  hour: 3600,
  day: 86_400,
  week: 604_800,
};

const BYTES: Readonly<Record<string, number>> = { bytes: 1, kbytes: 1024, mbytes: 1_048_576 };

/** A token bucket (net/netfilter/nft_limit.c). */
export interface Limiter {
  readonly text: string;
  /** Whether the packet is within the limit, or over it for `over`. */
  readonly test: (now: number, length: number) => boolean;
}

/** `limit rate [over] N/UNIT [burst N packets]`, or of bytes; with the word `limit` taken. */
export function parseLimiter(cursor: Cursor): (() => Limiter) | undefined {
  if (!cursor.expect('rate', 'rate')) return undefined;
  const over = cursor.take('over');
  if (!over) cursor.take('until');
  const amount = cursor.number();
  if (amount === undefined) return undefined;
  let bytes: string | undefined;
  let unit: string;
  if (cursor.take('/')) {
    const token = cursor.peek();
    if (SECONDS[token.text] === undefined) return cursor.unexpected();
    unit = cursor.next().text;
  } else {
    const token = cursor.peek();
    const [size = '', per = ''] = token.text.split('/');
    if (token.kind !== 'string' || BYTES[size] === undefined || SECONDS[per] === undefined)
      return cursor.unexpected('/ or string or bytes');
    cursor.next();
    bytes = size;
    unit = per;
  }
  let burst = bytes === undefined ? 5 : 0;
  let burstText = '';
  if (cursor.take('burst')) {
    burst = cursor.number() ?? 0;
    const of = cursor.peek().text;
    if (of !== 'packets' && BYTES[of] === undefined) return cursor.unexpected('packets or string or bytes');
    cursor.next();
    burstText = ` burst ${burst} ${of}`;
    if (bytes === undefined && burst === 5) burstText = '';
    burst *= BYTES[of] ?? 1;
  }
  if (cursor.failed) return undefined;
  const text = `limit rate ${over ? 'over ' : ''}${amount}${bytes === undefined ? '/' : ` ${bytes}/`}${unit}${burstText}`;
  const perSecond = (amount * (BYTES[bytes ?? ''] ?? 1)) / (SECONDS[unit] ?? 1);
  return () =>
    bucket(text, perSecond, bytes === undefined ? burst : perSecond + burst, over, bytes !== undefined);
}

function bucket(text: string, perSecond: number, depth: number, over: boolean, byBytes: boolean): Limiter {
  let tokens = depth;
  let last: number | undefined;
  return {
    text,
    test(now, length) {
      tokens = Math.min(depth, tokens + ((now - (last ?? now)) / 1_000_000) * perSecond);
      last = now;
      const cost = byBytes ? length : 1;
      // A rate such as 3/minute is a fraction: what is as good as a whole token is one.
      if (tokens + 1e-9 < cost) return over;
      tokens -= cost;
      return !over;
    },
  };
}

export function parseLimit(cursor: Cursor): Statement | undefined {
  const make = parseLimiter(cursor);
  if (make === undefined) return undefined;
  const limiter = make();
  return {
    text: () => limiter.text,
    run: ({ flow }) => (limiter.test(flow.env.now(), flow.length) ? 'next' : 'break'),
  };
}
