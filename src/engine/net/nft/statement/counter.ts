import type { Cursor } from '../cursor.ts';
import { parseCount } from '../elements.ts';
import type { Statement } from '../rule.ts';

/** `counter packets N bytes N`. */
export function parseCounter(cursor: Cursor): Statement | undefined {
  const count = parseCount(cursor);
  if (count === undefined) return undefined;
  return {
    text: ({ stateless }) =>
      stateless ? 'counter' : `counter packets ${count.packets} bytes ${count.bytes}`,
    run({ flow }) {
      count.packets++;
      count.bytes += flow.length;
      return 'next';
    },
  };
}

const SIZES = ['bytes', 'kbytes', 'mbytes'];

/** `quota [over] N UNIT`. */
export function parseQuota(cursor: Cursor): Statement | undefined {
  const over = cursor.take('over');
  if (!over) cursor.take('until');
  const amount = cursor.number();
  const unit = cursor.peek();
  if (amount === undefined) return undefined;
  const power = SIZES.indexOf(unit.text);
  if (power < 0) return cursor.unexpected('string or bytes');
  cursor.next();
  const limit = amount * 1024 ** power;
  let used = 0;
  if (cursor.take('used')) {
    used = cursor.number() ?? 0;
    used *= 1024 ** Math.max(0, SIZES.indexOf(cursor.next().text));
  }
  return {
    text: ({ stateless }) =>
      `quota ${over ? 'over ' : ''}${amount} ${unit.text}${used === 0 || stateless ? '' : ` used ${formatBytes(used)}`}`,
    run({ flow }) {
      used += flow.length;
      return used > limit === over ? 'next' : 'break';
    },
  };
}

function formatBytes(bytes: number): string {
  let amount = bytes;
  let power = 0;
  while (power < 2 && amount % 1024 === 0) {
    amount /= 1024;
    power++;
  }
  return `${amount} ${SIZES[power] ?? 'bytes'}`;
}
