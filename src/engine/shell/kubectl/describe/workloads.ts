import { matchesSelector } from '../../../api/labels.ts';
import { formatTimestamp, humanDuration, parseTimestamp } from '../duration.ts';
import { formatLabels, formatLabelSelector } from '../labels.ts';
import { replicaSetsOf } from '../revision.ts';
import { entriesAt, flagAt, listAt, numberAt, textAt, valueAt } from '../value.ts';
import { controlledBy, controllerOf, type DescribeContext, Description } from './description.ts';
import { describeTemplate } from './pod.ts';

export function describeDeployment(deployment: unknown, context: DescribeContext): string {
  const d = new Description();
  const status = (name: string) => numberAt(deployment, `status.${name}Replicas`);
  const { current, old } = replicaSetsOf(
    deployment,
    context.list('ReplicaSet', textAt(deployment, 'metadata.namespace')),
  );
  d.field('Name', textAt(deployment, 'metadata.name'));
  d.field('Namespace', textAt(deployment, 'metadata.namespace'));
  d.field('CreationTimestamp', formatTimestamp(valueAt(deployment, 'metadata.creationTimestamp')));
  d.labels('Labels', deployment, 'metadata.labels');
  d.annotations(deployment);
  d.field('Selector', formatLabelSelector(deployment, 'spec.selector'));
  d.field(
    'Replicas',
    `${numberAt(deployment, 'spec.replicas')} desired | ${status('updated')} updated | ${numberAt(deployment, 'status.replicas')} total | ` +
      `${status('available')} available | ${status('unavailable')} unavailable`,
  );
  d.field('StrategyType', textAt(deployment, 'spec.strategy.type'));
  d.field('MinReadySeconds', numberAt(deployment, 'spec.minReadySeconds'));
  const rolling = valueAt(deployment, 'spec.strategy.rollingUpdate');
  if (rolling !== undefined) {
    const surge = `${textAt(rolling, 'maxUnavailable')} max unavailable, ${textAt(rolling, 'maxSurge')} max surge`;
    d.field('RollingUpdateStrategy', surge);
  }
  describeTemplate(d, valueAt(deployment, 'spec.template'));
  describeConditions(d, deployment);
  if (current !== undefined || old.length > 0) {
    d.field('OldReplicaSets', old.map(created).join(', ') || '<none>');
    d.field('NewReplicaSet', current === undefined ? '<none>' : created(current));
  }
  d.events(deployment, context);
  return d.toString();
}

export function describeReplicaSet(replicaSet: unknown, context: DescribeContext): string {
  const d = new Description();
  d.field('Name', textAt(replicaSet, 'metadata.name'));
  d.field('Namespace', textAt(replicaSet, 'metadata.namespace'));
  d.field('Selector', formatLabelSelector(replicaSet, 'spec.selector'));
  d.labels('Labels', replicaSet, 'metadata.labels');
  d.annotations(replicaSet);
  d.optional('Controlled By', controlledBy(replicaSet));
  d.field(
    'Replicas',
    `${numberAt(replicaSet, 'status.replicas')} current / ${numberAt(replicaSet, 'spec.replicas')} desired`,
  );
  d.field('Pods Status', podsStatus(replicaSet, context));
  describeTemplate(d, valueAt(replicaSet, 'spec.template'));
  describeConditions(d, replicaSet);
  d.events(replicaSet, context);
  return d.toString();
}

export function describeStatefulSet(statefulSet: unknown, context: DescribeContext): string {
  const d = new Description();
  d.field('Name', textAt(statefulSet, 'metadata.name'));
  d.field('Namespace', textAt(statefulSet, 'metadata.namespace'));
  d.field('CreationTimestamp', formatTimestamp(valueAt(statefulSet, 'metadata.creationTimestamp')));
  d.field('Selector', formatLabelSelector(statefulSet, 'spec.selector'));
  d.labels('Labels', statefulSet, 'metadata.labels');
  d.annotations(statefulSet);
  d.field(
    'Replicas',
    `${numberAt(statefulSet, 'spec.replicas')} desired | ${numberAt(statefulSet, 'status.replicas')} total`,
  );
  d.field('Update Strategy', textAt(statefulSet, 'spec.updateStrategy.type'));
  d.optional('Partition', textAt(statefulSet, 'spec.updateStrategy.rollingUpdate.partition'), 1);
  d.field('Pods Status', podsStatus(statefulSet, context));
  describeTemplate(d, valueAt(statefulSet, 'spec.template'));
  const claims = listAt(statefulSet, 'spec.volumeClaimTemplates');
  d.line(claims.length === 0 ? 'Volume Claims:\t<none>' : 'Volume Claims:');
  for (const claim of claims) {
    d.field('Name', textAt(claim, 'metadata.name'), 1);
    d.field('StorageClass', textAt(claim, 'spec.storageClassName'), 1);
    d.labels('  Labels', claim, 'metadata.labels');
    d.labels('  Annotations', claim, 'metadata.annotations');
    d.field('Capacity', textAt(claim, 'spec.resources.requests.storage') || '<default>', 1);
    d.field('Access Modes', `[${listAt(claim, 'spec.accessModes').join(' ')}]`, 1);
  }
  d.events(statefulSet, context);
  return d.toString();
}

export function describeDaemonSet(daemonSet: unknown, context: DescribeContext): string {
  const d = new Description();
  const status = (name: string) => numberAt(daemonSet, `status.${name}`);
  d.field('Name', textAt(daemonSet, 'metadata.name'));
  d.field('Namespace', textAt(daemonSet, 'metadata.namespace'));
  d.field('Selector', formatLabelSelector(daemonSet, 'spec.selector'));
  d.field('Node-Selector', formatLabels(daemonSet, 'spec.template.spec.nodeSelector'));
  d.labels('Labels', daemonSet, 'metadata.labels');
  d.annotations(daemonSet);
  d.line(`Desired Number of Nodes Scheduled: ${status('desiredNumberScheduled')}`);
  d.line(`Current Number of Nodes Scheduled: ${status('currentNumberScheduled')}`);
  d.line(`Number of Nodes Scheduled with Up-to-date Pods: ${status('updatedNumberScheduled')}`);
  d.line(`Number of Nodes Scheduled with Available Pods: ${status('numberAvailable')}`);
  d.line(`Number of Nodes Misscheduled: ${status('numberMisscheduled')}`);
  d.field('Pods Status', podsStatus(daemonSet, context));
  describeTemplate(d, valueAt(daemonSet, 'spec.template'));
  d.events(daemonSet, context);
  return d.toString();
}

export function describeJob(job: unknown, context: DescribeContext): string {
  const d = new Description();
  const optional = (label: string, path: string) => d.optional(label, textAt(job, path));
  d.field('Name', textAt(job, 'metadata.name'));
  d.field('Namespace', textAt(job, 'metadata.namespace'));
  const selector = formatLabelSelector(job, 'spec.selector');
  d.field('Selector', selector === '<none>' ? '' : selector);
  d.labels('Labels', job, 'metadata.labels');
  d.annotations(job);
  optional('Parallelism', 'spec.parallelism');
  d.field('Completions', textAt(job, 'spec.completions') || '<unset>');
  optional('Completion Mode', 'spec.completionMode');
  optional('Suspend', 'spec.suspend');
  optional('Backoff Limit', 'spec.backoffLimit');
  optional('TTL Seconds After Finished', 'spec.ttlSecondsAfterFinished');
  const started = valueAt(job, 'status.startTime');
  const completed = valueAt(job, 'status.completionTime');
  if (started !== undefined) d.field('Start Time', formatTimestamp(started));
  if (completed !== undefined) {
    d.field('Completed At', formatTimestamp(completed));
    d.field('Duration', humanDuration((parseTimestamp(completed) ?? 0) - (parseTimestamp(started) ?? 0)));
  }
  const deadline = textAt(job, 'spec.activeDeadlineSeconds');
  d.optional('Active Deadline Seconds', deadline === '' ? '' : `${deadline}s`);
  const ready = textAt(job, 'status.ready');
  d.field(
    'Pods Statuses',
    `${numberAt(job, 'status.active')} Active ${ready === '' ? '' : `(${ready} Ready) `}/ ` +
      `${numberAt(job, 'status.succeeded')} Succeeded / ${numberAt(job, 'status.failed')} Failed`,
  );
  describeTemplate(d, valueAt(job, 'spec.template'));
  d.events(job, context);
  return d.toString();
}

export function describeCronJob(cronJob: unknown, context: DescribeContext): string {
  const d = new Description();
  const optional = (label: string, path: string) => d.field(label, textAt(cronJob, path) || '<unset>');
  const last = valueAt(cronJob, 'status.lastScheduleTime');
  d.identity(cronJob);
  d.field('Schedule', textAt(cronJob, 'spec.schedule'));
  d.field('Concurrency Policy', textAt(cronJob, 'spec.concurrencyPolicy'));
  d.field('Suspend', flagAt(cronJob, 'spec.suspend') ? 'True' : 'False');
  optional('Successful Job History Limit', 'spec.successfulJobsHistoryLimit');
  optional('Failed Job History Limit', 'spec.failedJobsHistoryLimit');
  const deadline = textAt(cronJob, 'spec.startingDeadlineSeconds');
  d.field('Starting Deadline Seconds', deadline === '' ? '<unset>' : `${deadline}s`);
  d.field('Selector', '<unset>');
  optional('Parallelism', 'spec.jobTemplate.spec.parallelism');
  optional('Completions', 'spec.jobTemplate.spec.completions');
  describeTemplate(d, valueAt(cronJob, 'spec.jobTemplate.spec.template'));
  d.field('Last Schedule Time', last === undefined ? '<unset>' : formatTimestamp(last));
  const active = listAt(cronJob, 'status.active').map((job) => textAt(job, 'name'));
  d.field('Active Jobs', active.join(', ') || '<none>');
  d.events(cronJob, context);
  return d.toString();
}

function describeConditions(d: Description, object: unknown): void {
  const conditions = listAt(object, 'status.conditions');
  if (conditions.length === 0) return;
  d.line('Conditions:');
  d.table(
    ['Type', 'Status', 'Reason'],
    conditions.map((condition) => [
      `${textAt(condition, 'type')} `,
      textAt(condition, 'status'),
      textAt(condition, 'reason'),
    ]),
  );
}

function created(replicaSet: unknown): string {
  const replicas = `${numberAt(replicaSet, 'status.replicas')}/${numberAt(replicaSet, 'spec.replicas')}`;
  return `${textAt(replicaSet, 'metadata.name')} (${replicas} replicas created)`;
}

function podsStatus(owner: unknown, context: DescribeContext): string {
  const uid = textAt(owner, 'metadata.uid');
  const pods = context
    .list('Pod', textAt(owner, 'metadata.namespace'))
    .filter((pod) => textAt(controllerOf(pod), 'uid') === uid && selects(owner, pod));
  const count = (phase: string) => pods.filter((pod) => textAt(pod, 'status.phase') === phase).length;
  return `${count('Running')} Running / ${count('Pending')} Waiting / ${count('Succeeded')} Succeeded / ${count('Failed')} Failed`;
}

function selects(owner: unknown, pod: unknown): boolean {
  const labels = Object.fromEntries(entriesAt(pod, 'metadata.labels'));
  const matchLabels = Object.fromEntries(entriesAt(owner, 'spec.selector.matchLabels'));
  return matchesSelector({ matchLabels }, labels);
}
