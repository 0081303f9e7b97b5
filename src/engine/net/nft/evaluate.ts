import type { Decision } from '../decision.ts';
import type { Flow } from '../netfilter-flow.ts';
import { formatNftRule, type NftRule, type NftWalk, type Outcome, type Verdict } from './rule.ts';
import { formatElement, type NftSet, type SetElement } from './set.ts';
import type { NftChain, NftTable } from './table.ts';

/** Chains lead to chains at most so deep. */
const DEEPEST = 16;

/** One packet in one base chain (`nft_do_chain`). `decide` is there while somebody traces. */
export function runBaseChain(
  chain: NftChain,
  flow: Flow,
  decide: ((decision: Decision) => void) | undefined,
): 'ACCEPT' | 'DROP' {
  const walk = new Walk(chain.table, flow, decide);
  const verdict = walk.run(chain, 0);
  if (verdict !== 'RETURN') return verdict;
  const policy = chain.base?.policy === 'drop' ? 'DROP' : 'ACCEPT';
  walk.policy(chain, policy);
  return policy;
}

class Walk implements NftWalk {
  readonly flow: Flow;
  readonly table: NftTable;
  found: { readonly set: NftSet; readonly element: SetElement } | undefined;
  readonly #decide: ((decision: Decision) => void) | undefined;
  /** Rules compared since the last one that matched. */
  #walked = 0;
  /** The rule that is being run, until its decision is told. */
  #current: { readonly chain: NftChain; readonly rule: NftRule } | undefined;

  constructor(table: NftTable, flow: Flow, decide: ((decision: Decision) => void) | undefined) {
    this.table = table;
    this.flow = flow;
    this.#decide = decide;
  }

  run(start: NftChain, depth: number): 'ACCEPT' | 'DROP' | 'RETURN' {
    if (depth > DEEPEST) return 'DROP';
    const { rules } = start;
    for (const rule of rules) {
      const outcome = this.#rule(start, rule);
      if (outcome === undefined) continue;
      switch (outcome.kind) {
        case 'accept':
          return 'ACCEPT';
        case 'drop':
          return 'DROP';
        case 'return':
          return 'RETURN';
        case 'continue':
          break;
        case 'jump':
        case 'goto': {
          const next = this.table.chain(outcome.chain);
          const verdict = next === undefined ? 'RETURN' : this.run(next, depth + 1);
          if (verdict !== 'RETURN' || outcome.kind === 'goto') return verdict;
        }
      }
    }
    return 'RETURN';
  }

  foresee(verdict: string): void {
    this.#tell(verdict);
  }

  policy(chain: NftChain, verdict: 'ACCEPT' | 'DROP'): void {
    this.#decide?.({
      code: 'nft-policy',
      table: `${this.table.family} ${this.table.name}`,
      chain: chain.name,
      verdict,
      walked: this.#walked,
    });
  }

  /** The verdict of a rule that holds; undefined when it does not hold or only does something. */
  #rule(chain: NftChain, rule: NftRule): Verdict | undefined {
    this.found = undefined;
    this.#walked++;
    this.#current = { chain, rule };
    let outcome: Outcome = 'next';
    for (const statement of rule.statements) {
      outcome = statement.run(this);
      if (outcome !== 'next') break;
    }
    if (outcome === 'break') return undefined;
    this.#tell(outcome === 'next' ? 'CONTINUE' : verdictName(outcome));
    return outcome === 'next' ? undefined : outcome;
  }

  #tell(verdict: string): void {
    const told = this.#current;
    if (told === undefined) return;
    this.#current = undefined;
    const walked = this.#walked;
    this.#walked = 0;
    if (this.#decide === undefined) return;
    const { chain, rule } = told;
    const { found, flow } = this;
    const now = flow.env.now();
    this.#decide({
      code: 'nft-rule',
      table: `${this.table.family} ${this.table.name}`,
      chain: chain.name,
      rule: formatNftRule(rule),
      verdict,
      walked,
      ...(found === undefined || found.set.spec.name === ''
        ? {}
        : {
            set: `${found.set.spec.kind} ${found.set.spec.name}`,
            element: formatElement(found.set.spec, found.element, now, { stateless: false }),
          }),
    });
  }
}

function verdictName(verdict: Verdict): string {
  switch (verdict.kind) {
    case 'jump':
    case 'goto':
      return `${verdict.kind.toUpperCase()}:${verdict.chain}`;
    default:
      return verdict.kind.toUpperCase();
  }
}
