import type { TargetExtension } from '../iptables-extension.ts';
import type { Flow } from '../netfilter-flow.ts';

function notrack(flow: Flow): 'CONTINUE' {
  if (flow.skb.ct === undefined) flow.skb.ctState = 'UNTRACKED';
  return 'CONTINUE';
}

export const ct: TargetExtension = {
  name: 'CT',
  options: [{ name: 'notrack', argument: 'none' }],
  create(given, { table }) {
    if (table !== 'raw') return { kernel: 'Invalid argument' };
    const untracked = given.has('notrack');
    return {
      kind: 'extension',
      name: 'CT',
      save: untracked ? ' --notrack' : '',
      list: () => (untracked ? ' CT notrack' : ' CT'),
      tracks: true,
      apply: untracked ? notrack : () => 'CONTINUE',
    };
  },
};

/** `iptables -L` shows it as `CT NOTRACK`, which it is in the kernel. */
export const notrackTarget: TargetExtension = {
  name: 'NOTRACK',
  options: [],
  create(_given, { table }) {
    if (table !== 'raw') return { kernel: 'Invalid argument' };
    return {
      kind: 'extension',
      name: 'NOTRACK',
      save: '',
      list: () => ' NOTRACK',
      tracks: true,
      apply: notrack,
    };
  },
};
