/**
 * Who may talk to whom, from manifests alone: the policy engine without a network, which loads and answers at once.
 * `engine/index.ts` has the same for a cluster that runs.
 */
export { readInventory } from './policy/inventory.ts';
export type { Endpoint, Inventory, ManifestFile } from './policy/inventory.ts';
export { Prober } from './policy/probe.ts';
export type { ProbeAnswer, ProbeProblem, ProbeVerdict } from './policy/probe.ts';
export type { LabelMismatch, Mismatch } from './policy/near.ts';
export type { NearMiss, PolicyReference, RuleReference, SideVerdict } from './policy/verdict.ts';
