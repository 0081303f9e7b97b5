import type { Netns } from '../net/netns.ts';

/** What a plugin's daemon does with `iptables-restore --noflush`: its chains are replaced, its rules appended. */
export function programRules(netns: Netns, text: string): void {
  const error = netns.netfilter.restore(text, { noflush: true });
  if (error !== undefined) throw new Error(`iptables-restore: ${error}`);
}
