import { child, draftOf, setOwn, type Draft } from '../../../api/json.ts';
import { groupResource } from '../../../api/kinds.ts';
import type { KubeObject } from '../../../api/types.ts';
import { timestampOf } from '../../../api/clock.ts';
import type { Task } from '../../../net/task.ts';
import { changeEach } from '../change.ts';
import { Description } from '../describe/description.ts';
import { describeTemplate } from '../describe/pod.ts';
import { Failure, failure, type Invocation } from '../invocation.ts';
import { nameOf } from '../output.ts';
import { changeCauseOf, replicaSetsOf, revisionOf, withoutHash } from '../revision.ts';
import { alignTabs, describeLayout } from '../tabwriter.ts';
import { findTargets, type Found, type Target } from '../targets.ts';
import { listAt, numberAt, textAt, valueAt } from '../value.ts';
import { nextChange } from '../waiting.ts';

function workloads(k: Invocation): Found | number {
  if (k.args.length === 0 && !k.flags.has('filename')) return k.fail('required resource not specified');
  const found = findTargets(k, k.args, { all: true });
  return found instanceof Failure ? k.fail(found) : found;
}

export function* status(k: Invocation): Task<number> {
  const found = workloads(k);
  if (typeof found === 'number') return found;
  if (found.errors.length > 0) return k.report(found.errors);
  const timeout = k.flags.seconds('timeout') ?? 0;
  for (const target of found.targets) {
    const code = yield* follow(k, target, k.ctx.world.now + (timeout > 0 ? timeout : 604_800) * 1e6);
    if (code !== 0) return code;
  }
  return 0;
}

function* follow(k: Invocation, { resource, object }: Target, deadline: number): Task<number> {
  const { namespace, name } = object.metadata;
  let told: KubeObject | undefined;
  for (;;) {
    const live = k.store.get(resource.kind, namespace, name);
    if (live === undefined) return k.fail('object has been deleted');
    if (live !== told) {
      told = live;
      const progress = rolloutStatus(resource.kind, live);
      if (progress === undefined) return k.fail(`no status viewer has been implemented for ${resource.kind}`);
      if (progress instanceof Failure) return k.fail(progress);
      k.print(`${progress.text}\n`);
      if (progress.done || !k.flags.notOff('watch')) return 0;
    }
    if (k.ctx.world.now >= deadline) return k.fail('timed out waiting for the condition');
    yield* nextChange(k.ctx.world, k.store, resource.kind, deadline - k.ctx.world.now);
  }
}

interface Progress {
  readonly text: string;
  readonly done: boolean;
}

/** Facts: `k8s.io/kubectl/pkg/polymorphichelpers/rollout_status.go`. */
function rolloutStatus(kind: string, object: KubeObject): Progress | Failure | undefined {
  const waiting = (text: string): Progress => ({ text, done: false });
  const name = JSON.stringify(object.metadata.name);
  const count = (path: string) => numberAt(object, path);
  const observed = (object.metadata.generation ?? 0) <= count('status.observedGeneration');
  switch (kind) {
    case 'Deployment': {
      if (!observed) return waiting('Waiting for deployment spec update to be observed...');
      const head = `Waiting for deployment ${name} rollout to finish:`;
      const progressing = listAt(object, 'status.conditions').find(
        (condition) => textAt(condition, 'type') === 'Progressing',
      );
      if (textAt(progressing, 'reason') === 'ProgressDeadlineExceeded') {
        return failure(`deployment ${name} exceeded its progress deadline`);
      }
      const updated = count('status.updatedReplicas');
      if (updated < count('spec.replicas')) {
        return waiting(
          `${head} ${updated} out of ${count('spec.replicas')} new replicas have been updated...`,
        );
      }
      const old = count('status.replicas') - updated;
      if (old > 0) return waiting(`${head} ${old} old replicas are pending termination...`);
      const available = count('status.availableReplicas');
      if (available < updated)
        return waiting(`${head} ${available} of ${updated} updated replicas are available...`);
      return { text: `deployment ${name} successfully rolled out`, done: true };
    }
    case 'DaemonSet': {
      if (!observed) return waiting('Waiting for daemon set spec update to be observed...');
      const head = `Waiting for daemon set ${name} rollout to finish:`;
      const desired = count('status.desiredNumberScheduled');
      const updated = count('status.updatedNumberScheduled');
      const available = count('status.numberAvailable');
      if (updated < desired)
        return waiting(`${head} ${updated} out of ${desired} new pods have been updated...`);
      if (available < desired)
        return waiting(`${head} ${available} of ${desired} updated pods are available...`);
      return { text: `daemon set ${name} successfully rolled out`, done: true };
    }
    case 'StatefulSet': {
      if (!observed) return waiting('Waiting for statefulset spec update to be observed...');
      const missing = count('spec.replicas') - count('status.readyReplicas');
      if (missing > 0) return waiting(`Waiting for ${missing} pods to be ready...`);
      const updated = count('status.updatedReplicas');
      const revision = textAt(object, 'status.updateRevision');
      if (revision !== textAt(object, 'status.currentRevision')) {
        return waiting(
          `waiting for statefulset rolling update to complete ${updated} pods at revision ${revision}...`,
        );
      }
      const done = count('status.currentReplicas');
      return {
        text: `statefulset rolling update complete ${done} pods at revision ${textAt(object, 'status.currentRevision')}...`,
        done: true,
      };
    }
    default:
      return undefined;
  }
}

export function* history(k: Invocation): Task<number> {
  const found = workloads(k);
  if (typeof found === 'number') return found;
  const revision = k.flags.number('revision') ?? 0;
  const errors = [...found.errors];
  for (const { resource, object } of found.targets) {
    if (resource.kind !== 'Deployment') {
      errors.push(failure(`no history viewer has been implemented for ${JSON.stringify(resource.kind)}`));
      continue;
    }
    const revisions = revisionsOf(k, object);
    const name = nameOf(resource, object);
    if (revision > 0) {
      const one = revisions.find((replicaSet) => revisionOf(replicaSet) === revision);
      if (one === undefined) {
        errors.push(failure(`unable to find the specified revision`));
        continue;
      }
      const d = new Description();
      describeTemplate(d, valueAt(one, 'spec.template'));
      k.print(`${name} with revision #${revision}\n${d.toString()}\n`);
    } else if (revisions.length === 0) k.print(`${name} \nNo rollout history found.\n`);
    else {
      const rows = revisions.map((replicaSet) => `${revisionOf(replicaSet)}\t${changeCauseOf(replicaSet)}\n`);
      k.print(`${name} \n${alignTabs(`REVISION\tCHANGE-CAUSE\n${rows.join('')}`, describeLayout)}\n`);
    }
  }
  return k.report(errors);
}

/** ReplicaSets of a Deployment, oldest revision first. */
function revisionsOf(k: Invocation, deployment: KubeObject): readonly unknown[] {
  const { all } = replicaSetsOf(deployment, k.store.list('ReplicaSet', deployment.metadata.namespace));
  return all.filter((replicaSet) => revisionOf(replicaSet) > 0).sort((a, b) => revisionOf(a) - revisionOf(b));
}

export function* undo(k: Invocation): Task<number> {
  const found = workloads(k);
  if (typeof found === 'number') return found;
  const to = k.flags.number('to-revision') ?? 0;
  return changeEach(k, found, (draft, { resource, object }) => {
    const name = JSON.stringify(object.metadata.name);
    if (resource.kind !== 'Deployment')
      return failure(`no rollbacker has been implemented for ${JSON.stringify(resource.kind)}`);
    if (valueAt(object, 'spec.paused') === true) {
      return failure(
        `you cannot rollback a paused deployment; resume it first with 'kubectl rollout resume deployment/${object.metadata.name}' and try again`,
      );
    }
    const revisions = revisionsOf(k, object);
    const wanted = to > 0 ? revisions.find((replicaSet) => revisionOf(replicaSet) === to) : revisions.at(-2);
    if (wanted === undefined) {
      return failure(
        to > 0
          ? `unable to find specified revision ${to} in history`
          : `no rollout history found for deployment ${name}`,
      );
    }
    const { current } = replicaSetsOf(object, revisions);
    if (current === wanted) {
      return { action: `skipped rollback (current template already matches revision ${revisionOf(wanted)})` };
    }
    const template = withoutHash(valueAt(wanted, 'spec.template'));
    if (typeof template === 'object' && template !== null)
      child(draft, 'spec')['template'] = draftOf(template);
    return { action: 'rolled back' };
  });
}

export function* restart(k: Invocation): Task<number> {
  const found = workloads(k);
  if (typeof found === 'number') return found;
  return changeEach(k, found, (draft, { resource, object }) => {
    if (!['Deployment', 'DaemonSet', 'StatefulSet'].includes(resource.kind)) {
      return failure(
        `${groupResource(resource)} ${JSON.stringify(object.metadata.name)} restarting is not supported`,
      );
    }
    if (valueAt(object, 'spec.paused') === true) {
      return failure(
        `${groupResource(resource)} ${JSON.stringify(object.metadata.name)} can't restart paused deployment (run rollout resume first)`,
      );
    }
    const annotations = child(child(child(child(draft, 'spec'), 'template'), 'metadata'), 'annotations');
    setOwn<Draft[string]>(annotations, 'kubectl.kubernetes.io/restartedAt', timestampOf(k.ctx.world.now));
    return { action: 'restarted' };
  });
}

export function* pause(k: Invocation): Task<number> {
  return setPaused(k, 'paused');
}

export function* resume(k: Invocation): Task<number> {
  return setPaused(k, 'resumed');
}

function setPaused(k: Invocation, action: 'paused' | 'resumed'): number {
  const paused = action === 'paused';
  const found = workloads(k);
  if (typeof found === 'number') return found;
  return changeEach(k, found, (draft, { resource, object }) => {
    const what = `${groupResource(resource)} ${JSON.stringify(object.metadata.name)}`;
    if (resource.kind !== 'Deployment')
      return failure(`${what} ${paused ? 'pausing' : 'resuming'} is not supported`);
    if ((valueAt(object, 'spec.paused') === true) === paused) {
      return failure(paused ? `${what} is already paused` : `${what} is not paused`);
    }
    const spec = child(draft, 'spec');
    if (paused) spec['paused'] = true;
    else delete spec['paused'];
    return { action };
  });
}
