import type { TargetExtension } from '../iptables-extension.ts';

/** ACCEPT, DROP, RETURN: the standard target's own verdicts. */
export const verdicts: readonly TargetExtension[] = (['ACCEPT', 'DROP', 'RETURN'] as const).map(
  (verdict) => ({
    name: verdict,
    options: [],
    create: () => ({ kind: 'verdict', verdict }),
  }),
);
