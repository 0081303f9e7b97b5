import { iptablesRestore } from '../net/iptables-restore.ts';
import type { Netns } from '../net/netns.ts';

/** What a plugin's daemon does with `iptables-restore --noflush`: its chains are replaced, its rules appended. */
export function programRules(netns: Netns, text: string): void {
  const { exitCode, error } = iptablesRestore(netns.netfilter, 'ipv4', ['--noflush'], text);
  if (exitCode !== 0) throw new Error(error);
}
