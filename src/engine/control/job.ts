import type { Condition, Job, Pod } from '../api/types.ts';
import type { ControlContext } from './context.ts';
import { latency } from './latency.ts';
import { keyOf, splitKey, WorkQueue } from './queue.ts';
import { claimPods, isActive, isReady, podFromTemplate } from './replicaset.ts';

const component = 'job-controller';

/** Pods that run to their end, as often as asked for. */
export class JobController {
  private readonly context: ControlContext;
  private readonly queue: WorkQueue;

  constructor(context: ControlContext) {
    this.context = context;
    this.queue = new WorkQueue(context.clock, context.activity, latency.controller, (key) =>
      this.reconcile(key),
    );
    context.server.admission.set('Job', (object) => withSelector(object as Job));
    context.store.watch('Job', ({ type, object, previous }) => {
      if (type !== 'DELETED' && previous?.spec !== object.spec) this.queue.add(keyOf(object));
    });
    context.store.watch('Pod', ({ object }) => {
      const owner = object.metadata.ownerReferences?.find(({ controller }) => controller);
      if (owner?.kind === 'Job') this.queue.add(`${object.metadata.namespace ?? ''}/${owner.name}`);
    });
  }

  private reconcile(key: string): void {
    const { store, server, events, clock } = this.context;
    const job = store.get('Job', ...splitKey(key));
    if (!job || job.metadata.deletionTimestamp !== undefined) return;
    const ended = job.status.conditions?.some(
      ({ type, status }) => (type === 'Complete' || type === 'Failed') && status === 'True',
    );
    if (ended) return;
    const pods = claimPods(this.context, job, job.spec.selector);
    const succeeded = pods.filter(({ status }) => status.phase === 'Succeeded').length;
    const failed = pods.filter(({ status }) => status.phase === 'Failed').length;
    let active = pods.filter(isActive);
    const { completions, parallelism = 1, backoffLimit = 6 } = job.spec;
    const restarts = active.reduce(
      (sum, pod) => sum + (pod.status.containerStatuses?.[0]?.restartCount ?? 0),
      0,
    );
    const exhausted = failed > backoffLimit || restarts > backoffLimit;
    const complete =
      completions === undefined ? succeeded > 0 && active.length === 0 : succeeded >= completions;
    let conditions: Condition[] = [];
    if (exhausted) {
      for (const pod of active) server.remove(pod);
      active = [];
      const message = 'Job has reached the specified backoff limit';
      conditions = [conditionAt('Failed', 'BackoffLimitExceeded', message, server.now())];
      events.record(job, 'Warning', 'BackoffLimitExceeded', message, component);
    } else if (complete) {
      conditions = [
        conditionAt(
          'Complete',
          'CompletionsReached',
          'Reached expected number of succeeded pods',
          server.now(),
        ),
      ];
      events.record(job, 'Normal', 'Completed', 'Job completed', component);
    } else if (job.spec.suspend) {
      for (const pod of active) server.remove(pod);
      active = [];
    } else {
      const left = completions === undefined ? parallelism : completions - succeeded;
      const wanted = succeeded > 0 && completions === undefined ? active.length : Math.min(parallelism, left);
      // After a failure the next pod waits: 10 s, 20 s, 40 s … up to six minutes.
      const delay = failed > 0 && active.length < wanted ? Math.min(360, 10 * 2 ** (failed - 1)) : 0;
      const last = Math.max(
        0,
        ...pods.filter(({ status }) => status.phase === 'Failed').map((pod) => this.seen(pod)),
      );
      if (delay > 0 && clock.now() < last + delay * latency.second) {
        clock.schedule(last + delay * latency.second - clock.now(), () => this.queue.add(key));
      } else active = [...active, ...this.createPods(job, wanted - active.length, pods)];
      for (const pod of active.slice(wanted)) server.remove(pod);
    }
    const live = store.get('Job', ...splitKey(key));
    if (!live) return;
    const ready = active.filter(isReady).length;
    server.updateStatus(live, {
      startTime: live.status.startTime ?? server.now(),
      ...(active.length > 0 ? { active: active.length } : {}),
      ...(succeeded > 0 ? { succeeded } : {}),
      ...(failed > 0 ? { failed } : {}),
      ready,
      ...(complete ? { completionTime: server.now() } : {}),
      ...(conditions.length > 0 ? { conditions } : {}),
    });
  }

  private readonly failures = new Map<string, number>();

  /** When a pod was first seen to have failed. */
  private seen(pod: Pod): number {
    const { uid } = pod.metadata;
    const at = this.failures.get(uid) ?? this.context.clock.now();
    this.failures.set(uid, at);
    return at;
  }

  private createPods(job: Job, count: number, existing: readonly Pod[]): Pod[] {
    const { server, events } = this.context;
    const made: Pod[] = [];
    const indexed = job.spec.completionMode === 'Indexed';
    const taken = new Set(
      existing
        .filter(({ status }) => status.phase !== 'Failed')
        .map(({ metadata }) => metadata.annotations?.['batch.kubernetes.io/job-completion-index']),
    );
    for (let i = 0; i < count; i++) {
      const pod = podFromTemplate(job.spec.template, job);
      let index = 0;
      while (indexed && taken.has(String(index))) index++;
      taken.add(String(index));
      const annotations = indexed
        ? { ...pod.metadata.annotations, 'batch.kubernetes.io/job-completion-index': String(index) }
        : undefined;
      const named = indexed ? { generateName: `${job.metadata.name}-${index}-` } : {};
      const result = server.createTrusted('Pod', {
        ...pod,
        metadata: { ...pod.metadata, ...named, ...(annotations ? { annotations } : {}) },
      });
      if (!result.ok) {
        events.record(job, 'Warning', 'FailedCreate', `Error creating: ${result.error.message}`, component);
        break;
      }
      events.record(
        job,
        'Normal',
        'SuccessfulCreate',
        `Created pod: ${result.value.metadata.name}`,
        component,
      );
      made.push(result.value);
    }
    return made;
  }
}

/** jobStrategy.PrepareForCreate: the selector and the template's labels follow from the job's uid. */
function withSelector(job: Job): Job {
  if (job.spec.manualSelector) return job;
  const { uid, name } = job.metadata;
  const labels = {
    'batch.kubernetes.io/controller-uid': uid,
    'batch.kubernetes.io/job-name': name,
    'controller-uid': uid,
    'job-name': name,
  };
  const { template } = job.spec;
  return {
    ...job,
    spec: {
      ...job.spec,
      selector: { matchLabels: { 'batch.kubernetes.io/controller-uid': uid } },
      template: {
        ...template,
        metadata: { ...template.metadata, labels: { ...template.metadata?.labels, ...labels } },
      },
    },
  };
}

function conditionAt(type: string, reason: string, message: string, now: string): Condition {
  return { type, status: 'True', reason, message, lastProbeTime: now, lastTransitionTime: now };
}
