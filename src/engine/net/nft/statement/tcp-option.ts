import { clampMss } from '../../mss.ts';
import type { Cursor } from '../cursor.ts';
import type { Statement } from '../rule.ts';
import { TCP } from '../../netfilter-flow.ts';

/** `tcp option maxseg size set N` or `… set rt mtu`: what a SYN announces is lowered. */
export function parseTcpOption(cursor: Cursor): Statement | undefined {
  cursor.next();
  cursor.next();
  for (const word of ['maxseg', 'size', 'set']) {
    if (cursor.is(word)) cursor.next();
    else return cursor.fail('Could not process rule: Operation not supported', cursor.peek());
  }
  let mss: number | undefined;
  if (cursor.take('rt')) {
    if (!cursor.expect('mtu')) return undefined;
  } else {
    mss = cursor.number();
    if (mss === undefined) return undefined;
  }
  return {
    text: () => `tcp option maxseg size set ${mss ?? 'rt mtu'}`,
    run({ flow }) {
      if (flow.protocol !== TCP) return 'break';
      clampMss(flow, mss);
      return 'next';
    },
    transport: { protocol: TCP, bare: false },
    ...(mss === undefined ? { hooks: { only: ['FORWARD', 'OUTPUT', 'POSTROUTING'] } } : {}),
  };
}
