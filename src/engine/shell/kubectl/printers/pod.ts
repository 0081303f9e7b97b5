import { ageAt, parseTimestamp } from '../duration.ts';
import { fieldOf, flagAt, listAt, numberAt, textAt, valueAt } from '../value.ts';
import { age, name, type Printer } from './printer.ts';

export const podPrinter: Printer = {
  columns: 'NAME,READY,STATUS,RESTARTS,AGE|IP,NODE,NOMINATED NODE,READINESS GATES',
  row(pod, context) {
    const { ready, total, reason, restarts, lastRestart } = podSummary(pod);
    const ago = lastRestart === undefined ? '' : ` (${ageAt(context.now, lastRestart)} ago)`;
    const gates = listAt(pod, 'spec.readinessGates');
    const passed = gates.filter((gate) => conditionStatus(pod, textAt(gate, 'conditionType')) === 'True');
    return [
      name(pod),
      `${ready}/${total}`,
      reason,
      restarts > 0 ? `${restarts}${ago}` : '0',
      age(pod, context),
      textAt(listAt(pod, 'status.podIPs')[0], 'ip') || '<none>',
      textAt(pod, 'spec.nodeName') || '<none>',
      textAt(pod, 'status.nominatedNodeName') || '<none>',
      gates.length > 0 ? `${passed.length}/${gates.length}` : '<none>',
    ];
  },
};

/** The value of a status condition, `''` where it is absent. */
export function conditionStatus(object: unknown, type: string): string {
  return textAt(
    listAt(object, 'status.conditions').find((condition) => textAt(condition, 'type') === type),
    'status',
  );
}

/** What READY, STATUS and RESTARTS say of a pod. */
function podSummary(pod: unknown) {
  const phase = textAt(pod, 'status.phase');
  const sidecars = new Set<string>();
  for (const container of listAt(pod, 'spec.initContainers')) {
    if (textAt(container, 'restartPolicy') === 'Always') sidecars.add(textAt(container, 'name'));
  }
  const initContainers = listAt(pod, 'spec.initContainers').length;
  let reason = textAt(pod, 'status.reason') || phase;
  if (listAt(pod, 'status.conditions').some(isSchedulingGate)) reason = 'SchedulingGated';

  let ready = 0;
  let initializing = false;
  const init = new RestartCount();
  const sidecar = new RestartCount();
  for (const [index, status] of listAt(pod, 'status.initContainerStatuses').entries()) {
    init.add(status);
    const isSidecar = sidecars.has(textAt(status, 'name'));
    if (isSidecar) sidecar.add(status);
    const terminated = valueAt(status, 'state.terminated');
    if (terminated !== undefined && numberAt(terminated, 'exitCode') === 0) continue;
    if (isSidecar && flagAt(status, 'started')) {
      if (flagAt(status, 'ready')) ready++;
      continue;
    }
    const waiting = textAt(status, 'state.waiting.reason');
    initializing = true;
    if (terminated !== undefined) reason = `Init:${terminationReason(terminated)}`;
    else if (waiting !== '' && waiting !== 'PodInitializing') reason = `Init:${waiting}`;
    else reason = `Init:${index}/${initContainers}`;
    break;
  }

  let counted = init;
  if (!initializing || conditionStatus(pod, 'Initialized') === 'True') {
    counted = sidecar;
    let running = false;
    for (const status of listAt(pod, 'status.containerStatuses').toReversed()) {
      counted.add(status);
      const waiting = textAt(status, 'state.waiting.reason');
      const terminated = valueAt(status, 'state.terminated');
      if (waiting !== '') reason = waiting;
      else if (terminated !== undefined) reason = terminationReason(terminated);
      else if (flagAt(status, 'ready') && valueAt(status, 'state.running') !== undefined) {
        running = true;
        ready++;
      }
    }
    if (reason === 'Completed' && running) {
      reason = conditionStatus(pod, 'Ready') === 'True' ? 'Running' : 'NotReady';
    }
  }

  if (valueAt(pod, 'metadata.deletionTimestamp') !== undefined) {
    if (textAt(pod, 'status.reason') === 'NodeLost') reason = 'Unknown';
    else if (phase !== 'Succeeded' && phase !== 'Failed') reason = 'Terminating';
  }
  const total = listAt(pod, 'spec.containers').length + sidecars.size;
  return { ready, total, reason, restarts: counted.count, lastRestart: counted.last };
}

class RestartCount {
  count = 0;
  last: unknown;

  add(status: unknown): void {
    this.count += numberAt(status, 'restartCount');
    const finished = valueAt(status, 'lastState.terminated.finishedAt');
    const at = parseTimestamp(finished);
    if (at !== undefined && at > (parseTimestamp(this.last) ?? -Infinity)) this.last = finished;
  }
}

function terminationReason(terminated: unknown): string {
  const signal = numberAt(terminated, 'signal');
  const fallback = signal !== 0 ? `Signal:${signal}` : `ExitCode:${numberAt(terminated, 'exitCode')}`;
  return textAt(terminated, 'reason') || fallback;
}

function isSchedulingGate(condition: unknown): boolean {
  return fieldOf(condition, 'type') === 'PodScheduled' && fieldOf(condition, 'reason') === 'SchedulingGated';
}
