/**
 * Who may talk to whom, from manifests alone: the policy engine without a network, which loads and answers at once.
 * `engine/index.ts` has the same for a cluster that runs.
 */
export { compareReach } from './policy/difference.ts';
export type { ReachChange, ReachDifference } from './policy/difference.ts';
export { readInventory } from './policy/inventory.ts';
export type { Endpoint, Inventory, ManifestFile } from './policy/inventory.ts';
export { Prober } from './policy/probe.ts';
export type { ProbeAnswer, ProbeProblem, ProbeVerdict } from './policy/probe.ts';
export { Survey } from './policy/survey.ts';
export type { ReachCell, ReachReason, SurveyChoice } from './policy/survey.ts';
export type { ReachGroup } from './policy/groups.ts';
export type { PortRange } from './policy/portset.ts';
export type { PolicyVerdict } from './policy/verdict.ts';
