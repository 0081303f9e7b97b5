import type { Condition, Pod, PodPhase, PodStatus } from '../api/types.ts';
import type { ContainerRecord } from './container.ts';
import { containerStatus, isContainerReady, isRunning } from './container.ts';
import { shareConditions } from './shared-conditions.ts';

export interface PodFacts {
  readonly pod: Pod;
  readonly init: readonly ContainerRecord[];
  readonly main: readonly ContainerRecord[];
  readonly ips: readonly string[];
  readonly hostIPs: readonly string[];
  readonly startTime: string;
  readonly now: string;
}

/** The status that the kubelet reports: generateAPIPodStatus. */
export function podStatusOf(facts: PodFacts): PodStatus {
  const { pod, init, main, ips, hostIPs, startTime } = facts;
  const phase = phaseOf(pod, init, main);
  return {
    phase,
    conditions: conditionsOf(facts, phase),
    ...(hostIPs[0] === undefined ? {} : { hostIP: hostIPs[0], hostIPs: hostIPObjects(hostIPs) }),
    ...(ips[0] === undefined ? {} : { podIP: ips[0], podIPs: ips.map((ip) => ({ ip })) }),
    startTime,
    ...(init.length > 0 ? { initContainerStatuses: init.map(containerStatus) } : {}),
    containerStatuses: main.map(containerStatus),
    ...(pod.status.qosClass === undefined ? {} : { qosClass: pod.status.qosClass }),
  };
}

/** Pods of one node share them. */
const objectsOfHostIPs = new WeakMap<readonly string[], readonly { readonly ip: string }[]>();

function hostIPObjects(hostIPs: readonly string[]): readonly { readonly ip: string }[] {
  let objects = objectsOfHostIPs.get(hostIPs);
  if (objects === undefined) objectsOfHostIPs.set(hostIPs, (objects = hostIPs.map((ip) => ({ ip }))));
  return objects;
}

/** Conditions follow from few facts: pods that had the same ones and now agree in these have the same ones again. */
const followers = new WeakMap<readonly Condition[], Map<string, readonly Condition[]>>();

function conditionsOf(facts: PodFacts, phase: PodPhase): readonly Condition[] {
  const { pod, init, main, ips, now } = facts;
  const before = pod.status.conditions;
  if (before === undefined || init.length > 0 || pod.spec.readinessGates !== undefined)
    return newConditions(facts, phase);
  let key = `${now} ${phase} ${ips.length > 0 ? 'ip' : ''}`;
  for (const record of main) if (!isContainerReady(record)) key += ` ${record.spec.name}`;
  let following = followers.get(before);
  if (following === undefined) followers.set(before, (following = new Map()));
  let conditions = following.get(key);
  if (conditions === undefined) following.set(key, (conditions = newConditions(facts, phase)));
  return conditions;
}

function newConditions({ pod, init, main, ips, now }: PodFacts, phase: PodPhase): readonly Condition[] {
  const ended = phase === 'Succeeded' || phase === 'Failed';
  const sidecars = init.filter(({ role }) => role === 'sidecar');
  const incomplete = init.filter((record) =>
    record.role === 'init' ? !isContainerReady(record) : !record.started,
  );
  const unready = [...sidecars, ...main].filter((record) => !isContainerReady(record));
  const names = (records: readonly ContainerRecord[]) =>
    `[${records.map(({ spec }) => spec.name).join(' ')}]`;
  const containersReady: Condition = ended
    ? {
        type: 'ContainersReady',
        status: 'False',
        ...(phase === 'Succeeded' ? { reason: 'PodCompleted' } : { reason: 'PodFailed' }),
      }
    : unready.length > 0
      ? {
          type: 'ContainersReady',
          status: 'False',
          reason: 'ContainersNotReady',
          message: `containers with unready status: ${names(unready)}`,
        }
      : { type: 'ContainersReady', status: 'True' };
  const gates = (pod.spec.readinessGates ?? []).filter(
    ({ conditionType }) =>
      !pod.status.conditions?.some(({ type, status }) => type === conditionType && status === 'True'),
  );
  const ready: Condition =
    containersReady.status === 'True' && gates.length > 0
      ? {
          type: 'Ready',
          status: 'False',
          reason: 'ReadinessGatesNotReady',
          message: gates
            .map(
              ({ conditionType }) =>
                `corresponding condition of pod readiness gate "${conditionType}" does not exist.`,
            )
            .join(', '),
        }
      : { ...containersReady, type: 'Ready' };
  const initialized: Condition =
    incomplete.length > 0 && !ended
      ? {
          type: 'Initialized',
          status: 'False',
          reason: 'ContainersNotInitialized',
          message: `containers with incomplete status: ${names(incomplete)}`,
        }
      : { type: 'Initialized', status: 'True', ...(phase === 'Succeeded' ? { reason: 'PodCompleted' } : {}) };
  const own: Condition[] = [
    { type: 'PodReadyToStartContainers', status: ips.length > 0 && !ended ? 'True' : 'False' },
    initialized,
    ready,
    containersReady,
    { type: 'PodScheduled', status: 'True' },
  ];
  const before = pod.status.conditions ?? [];
  const conditions = own.map((condition) => withTransition(condition, before, now));
  for (const condition of before)
    if (!own.some(({ type }) => type === condition.type)) conditions.push(condition);
  return shareConditions(conditions);
}

/** A condition keeps its time while its status stays. */
export function withTransition(condition: Condition, before: readonly Condition[], now: string): Condition {
  const old = before.find(({ type }) => type === condition.type);
  const lastTransitionTime =
    old?.status === condition.status && old.lastTransitionTime ? old.lastTransitionTime : now;
  return { ...condition, lastProbeTime: null, lastTransitionTime };
}

/** kubelet's getPhase. */
function phaseOf(pod: Pod, init: readonly ContainerRecord[], main: readonly ContainerRecord[]): PodPhase {
  const policy = pod.spec.restartPolicy ?? 'Always';
  for (const record of init) {
    if (record.role !== 'init') continue;
    const ended = record.state.terminated;
    if (ended && ended.exitCode !== 0 && policy === 'Never') return 'Failed';
    if (ended?.exitCode !== 0) return 'Pending';
  }
  let running = 0;
  let waiting = 0;
  let stopped = 0;
  let failed = 0;
  for (const record of main) {
    if (isRunning(record)) running++;
    else if (record.state.terminated) {
      stopped++;
      if (record.state.terminated.exitCode !== 0) failed++;
    } else if (record.lastState?.terminated) stopped++;
    else waiting++;
  }
  if (waiting > 0) return 'Pending';
  if (running > 0) return 'Running';
  if (stopped > 0) {
    // What will be started again counts as running.
    if (policy === 'Always') return 'Running';
    if (failed === 0 && main.every(({ state }) => state.terminated)) return 'Succeeded';
    return policy === 'Never' ? 'Failed' : 'Running';
  }
  return 'Pending';
}
