import type { NftFamily } from './rule.ts';
import type { SetSpec } from './set.ts';

/** What of its table and namespace a rule may name. */
export interface RuleContext {
  readonly family: NftFamily;
  set(name: string): SetSpec | undefined;
  hasChain(name: string): boolean;
  hasInterface(name: string): boolean;
  /** `; did you mean chain …?`, or nothing. */
  suggestChain(): string;
}
