import type { ChainRules, ProxyRules } from './iptables.ts';

/** Chains to write and chains to delete, per table: what one `iptables-restore --noflush` of kube-proxy carries. */
export interface ProxySync {
  readonly filter: ChainRules;
  readonly nat: ChainRules;
  readonly deleted: readonly string[];
}

/**
 * The chains that a sync rewrites: the common ones always, and those of Services that changed; of Services that are gone, and
 * of endpoints that are, the chains are deleted. Without `previous` everything is written.
 */
export function syncRules(previous: ProxyRules | undefined, next: ProxyRules): ProxySync {
  if (previous === undefined) return { filter: next.filter, nat: next.nat, deleted: [] };
  const changed = changedServices(previous, next);
  const nat = new Map<string, readonly string[]>();
  for (const [chain, rules] of next.nat) {
    const owner = next.owners.get(chain);
    if (owner === undefined || changed.has(owner)) nat.set(chain, rules);
  }
  const deleted = [...previous.nat.keys()].filter((chain) => !next.nat.has(chain));
  return { filter: next.filter, nat, deleted };
}

function changedServices(previous: ProxyRules, next: ProxyRules): ReadonlySet<string> {
  const changed = new Set<string>();
  for (const [chain, owner] of next.owners) {
    if (!changed.has(owner) && !sameRules(previous.nat.get(chain), next.nat.get(chain))) changed.add(owner);
  }
  for (const [chain, owner] of previous.owners) if (!next.owners.has(chain)) changed.add(owner);
  return changed;
}

function sameRules(a: readonly string[] | undefined, b: readonly string[] | undefined): boolean {
  return a !== undefined && b !== undefined && a.length === b.length && a.every((rule, i) => rule === b[i]);
}

/** The text that kube-proxy hands to `iptables-restore --noflush`, chains in the order of their names after the two common ones. */
export function formatSync(sync: ProxySync): string {
  return `*filter\n${formatTable(sync.filter, [])}COMMIT\n*nat\n${formatTable(sync.nat, sync.deleted)}COMMIT\n`;
}

const FIRST = ['KUBE-NODEPORTS', 'KUBE-SERVICES'];

function formatTable(chains: ChainRules, deleted: readonly string[]): string {
  const rest = [...chains.keys(), ...deleted].filter((chain) => !FIRST.includes(chain)).sort();
  const names = [...FIRST.filter((chain) => chains.has(chain)), ...rest];
  let text = names.map((chain) => `:${chain} - [0:0]\n`).join('');
  for (const chain of names) for (const rule of chains.get(chain) ?? []) text += `-A ${chain} ${rule}\n`;
  for (const chain of [...deleted].sort()) text += `-X ${chain}\n`;
  return text;
}
