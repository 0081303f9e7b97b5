import { microsecondsOf, timestampOf } from '../api/clock.ts';
import type { Condition, Deployment, ReplicaSet } from '../api/types.ts';
import { latency } from './latency.ts';

export interface RolloutFacts {
  readonly current: ReplicaSet | undefined;
  readonly sets: readonly ReplicaSet[];
  /** As many pods are available as the strategy promises. */
  readonly enough: boolean;
  readonly complete: boolean;
  /** No pods of old templates are left. */
  readonly rolled: boolean;
  /** Since the last status. */
  readonly progressed: boolean;
}

/** syncRolloutStatus and calculateStatus of the deployment controller. */
export function deploymentConditions(deployment: Deployment, facts: RolloutFacts, now: number): Condition[] {
  const before = deployment.status.conditions ?? [];
  const time = timestampOf(now);
  const made = (type: string, status: 'True' | 'False', reason: string, message: string): Condition => {
    const old = before.find((condition) => condition.type === type);
    if (old?.status === status && old.reason === reason && old.message === message) return old;
    const lastTransitionTime =
      old?.status === status && old.lastTransitionTime ? old.lastTransitionTime : time;
    return { type, status, reason, message, lastUpdateTime: time, lastTransitionTime };
  };
  const conditions = [
    facts.enough
      ? made('Available', 'True', 'MinimumReplicasAvailable', 'Deployment has minimum availability.')
      : made(
          'Available',
          'False',
          'MinimumReplicasUnavailable',
          'Deployment does not have minimum availability.',
        ),
  ];
  const old = before.find(({ type }) => type === 'Progressing');
  if (facts.current) conditions.push(progressing(facts.current.metadata.name, old));
  for (const set of facts.sets) {
    const failure = set.status.conditions?.find(({ type }) => type === 'ReplicaFailure');
    if (!failure) continue;
    conditions.push(made('ReplicaFailure', 'True', failure.reason ?? '', failure.message ?? ''));
    break;
  }
  return conditions;

  function progressing(name: string, known: Condition | undefined): Condition {
    const done = `ReplicaSet "${name}" has successfully progressed.`;
    // What has once succeeded is not in progress again until its template changes.
    if (facts.complete || (facts.rolled && known?.message === done)) {
      return made('Progressing', 'True', 'NewReplicaSetAvailable', done);
    }
    const underWay = `ReplicaSet "${name}" is progressing.`;
    const stuck = `ReplicaSet "${name}" has timed out progressing.`;
    if (facts.progressed || !known || (known.message !== underWay && known.message !== stuck)) {
      return { ...made('Progressing', 'True', 'ReplicaSetUpdated', underWay), lastUpdateTime: time };
    }
    const deadline = progressDeadline(deployment, [known]);
    if (deadline === undefined || now < deadline) return known;
    return made('Progressing', 'False', 'ProgressDeadlineExceeded', stuck);
  }
}

/** When a roll that is under way is given up as stuck; undefined when it is over. */
export function progressDeadline(
  deployment: Deployment,
  conditions: readonly Condition[],
): number | undefined {
  const condition = conditions.find(({ type }) => type === 'Progressing');
  if (condition?.reason !== 'ReplicaSetUpdated') return undefined;
  const since = microsecondsOf(condition.lastUpdateTime ?? '');
  const seconds = deployment.spec.progressDeadlineSeconds ?? 600;
  return since === undefined ? undefined : since + (seconds + 1) * latency.second;
}
