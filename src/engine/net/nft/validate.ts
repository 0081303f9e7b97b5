import type { NftRule } from './rule.ts';
import type { BaseChain, NftTable } from './table.ts';

/** As deep as the kernel lets chains lead to chains (NFT_JUMP_STACK_SIZE). */
const DEEPEST = 16;

/** What the kernel finds wrong with a table (`nft_chain_validate`), from every hook down: an errno's text. */
export function validate(table: NftTable, now: number): string | undefined {
  for (const { base, name } of table.baseChains()) {
    const problem = base === undefined ? undefined : walk(table, base, name, new Set(), now, new Set());
    if (problem !== undefined) return problem;
  }
  return undefined;
}

function walk(
  table: NftTable,
  base: BaseChain,
  name: string,
  path: ReadonlySet<string>,
  now: number,
  clean: Set<string>,
): string | undefined {
  if (path.has(name) || path.size >= DEEPEST) return 'Too many links';
  if (clean.has(name)) return undefined;
  const longer = new Set(path).add(name);
  for (const rule of table.chain(name)?.rules ?? []) {
    if (misplaced(rule, base)) return 'Operation not supported';
    for (const next of new Set(leads(table, rule, now))) {
      const problem = walk(table, base, next, longer, now, clean);
      if (problem !== undefined) return problem;
    }
  }
  clean.add(name);
  return undefined;
}

function misplaced(rule: NftRule, base: BaseChain): boolean {
  return rule.statements.some(
    ({ hooks }) =>
      hooks !== undefined &&
      (!hooks.only.includes(base.hook) || (hooks.type === 'nat' && base.type !== 'nat')),
  );
}

function leads(table: NftTable, rule: NftRule, now: number): string[] {
  return rule.statements.flatMap(({ jumps, sets }) => [
    ...(jumps ?? []),
    ...(sets ?? []).flatMap((name) =>
      (table.set(name)?.list(now) ?? []).flatMap(({ data }) =>
        data !== undefined && 'chain' in data ? [data.chain] : [],
      ),
    ),
  ]);
}
