import { ageAt, humanDuration, parseTimestamp } from '../duration.ts';
import { formatLabelSelector, formatLabels } from '../labels.ts';
import { flagAt, listAt, numberAt, textAt, valueAt } from '../value.ts';
import { conditionStatus } from './pod.ts';
import { age, containersAndImages, name, type Printer } from './printer.ts';

export const deploymentPrinter: Printer = {
  columns: 'NAME,READY,UP-TO-DATE,AVAILABLE,AGE|CONTAINERS,IMAGES,SELECTOR',
  row: (deployment, context) => [
    name(deployment),
    readyOfDesired(deployment),
    numberAt(deployment, 'status.updatedReplicas'),
    numberAt(deployment, 'status.availableReplicas'),
    age(deployment, context),
    ...containersAndImages(deployment),
    formatLabelSelector(deployment, 'spec.selector'),
  ],
};

export const replicaSetPrinter: Printer = {
  columns: 'NAME,DESIRED,CURRENT,READY,AGE|CONTAINERS,IMAGES,SELECTOR',
  row: (replicaSet, context) => [
    name(replicaSet),
    numberAt(replicaSet, 'spec.replicas'),
    numberAt(replicaSet, 'status.replicas'),
    numberAt(replicaSet, 'status.readyReplicas'),
    age(replicaSet, context),
    ...containersAndImages(replicaSet),
    formatLabelSelector(replicaSet, 'spec.selector'),
  ],
};

export const statefulSetPrinter: Printer = {
  columns: 'NAME,READY,AGE|CONTAINERS,IMAGES',
  row: (statefulSet, context) => [
    name(statefulSet),
    readyOfDesired(statefulSet),
    age(statefulSet, context),
    ...containersAndImages(statefulSet),
  ],
};

export const daemonSetPrinter: Printer = {
  columns: 'NAME,DESIRED,CURRENT,READY,UP-TO-DATE,AVAILABLE,NODE SELECTOR,AGE|CONTAINERS,IMAGES,SELECTOR',
  row: (daemonSet, context) => [
    name(daemonSet),
    numberAt(daemonSet, 'status.desiredNumberScheduled'),
    numberAt(daemonSet, 'status.currentNumberScheduled'),
    numberAt(daemonSet, 'status.numberReady'),
    numberAt(daemonSet, 'status.updatedNumberScheduled'),
    numberAt(daemonSet, 'status.numberAvailable'),
    formatLabels(daemonSet, 'spec.template.spec.nodeSelector'),
    age(daemonSet, context),
    ...containersAndImages(daemonSet),
    formatLabelSelector(daemonSet, 'spec.selector'),
  ],
};

export const jobPrinter: Printer = {
  columns: 'NAME,STATUS,COMPLETIONS,DURATION,AGE|CONTAINERS,IMAGES,SELECTOR',
  row: (job, context) => [
    name(job),
    jobStatus(job),
    completions(job),
    jobDuration(job, context.now),
    age(job, context),
    ...containersAndImages(job),
    formatLabelSelector(job, 'spec.selector'),
  ],
};

export const cronJobPrinter: Printer = {
  columns: 'NAME,SCHEDULE,TIMEZONE,SUSPEND,ACTIVE,LAST SCHEDULE,AGE|CONTAINERS,IMAGES,SELECTOR',
  row(cronJob, context) {
    const last = valueAt(cronJob, 'status.lastScheduleTime');
    return [
      name(cronJob),
      textAt(cronJob, 'spec.schedule'),
      textAt(cronJob, 'spec.timeZone') || '<none>',
      flagAt(cronJob, 'spec.suspend') ? 'True' : 'False',
      listAt(cronJob, 'status.active').length,
      last === undefined ? '<none>' : ageAt(context.now, last),
      age(cronJob, context),
      ...containersAndImages({ spec: valueAt(cronJob, 'spec.jobTemplate.spec') }),
      formatLabelSelector(cronJob, 'spec.jobTemplate.spec.selector'),
    ];
  },
};

function readyOfDesired(object: unknown): string {
  return `${numberAt(object, 'status.readyReplicas')}/${numberAt(object, 'spec.replicas')}`;
}

function jobStatus(job: unknown): string {
  if (conditionStatus(job, 'Complete') === 'True') return 'Complete';
  if (conditionStatus(job, 'Failed') === 'True') return 'Failed';
  if (valueAt(job, 'metadata.deletionTimestamp') !== undefined) return 'Terminating';
  if (conditionStatus(job, 'Suspended') === 'True') return 'Suspended';
  if (conditionStatus(job, 'FailureTarget') === 'True') return 'FailureTarget';
  if (conditionStatus(job, 'SuccessCriteriaMet') === 'True') return 'SuccessCriteriaMet';
  return 'Running';
}

function completions(job: unknown): string {
  const succeeded = numberAt(job, 'status.succeeded');
  if (valueAt(job, 'spec.completions') !== undefined)
    return `${succeeded}/${numberAt(job, 'spec.completions')}`;
  const parallelism = numberAt(job, 'spec.parallelism');
  return parallelism > 1 ? `${succeeded}/1 of ${parallelism}` : `${succeeded}/1`;
}

function jobDuration(job: unknown, now: number): string {
  const started = parseTimestamp(valueAt(job, 'status.startTime'));
  if (started === undefined) return '';
  return humanDuration((parseTimestamp(valueAt(job, 'status.completionTime')) ?? now) - started);
}
