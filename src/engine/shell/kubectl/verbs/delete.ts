import { objectPrefix } from '../../../api/kinds.ts';
import type { Task } from '../../../net/task.ts';
import { failure, Failure, type Invocation, refusal } from '../invocation.ts';
import { dryRunOf, nameOf, outputFormat } from '../output.ts';
import { findTargets, noResources, type Target } from '../targets.ts';
import { waitUntil } from '../waiting.ts';

export function* deleteObjects(k: Invocation): Task<number> {
  const { flags } = k;
  const dryRun = dryRunOf(k);
  if (dryRun instanceof Failure) return k.fail(dryRun);
  const format = outputFormat(k);
  if (format instanceof Failure) return k.fail(format);
  if (format.kind !== 'name' && flags.text('output') !== '') {
    return k.fail(`unexpected -o output mode: ${flags.text('output')}. We only support '-o name'`);
  }
  const cascade = flags.text('cascade') || 'background';
  if (!['background', 'foreground', 'orphan'].includes(cascade)) {
    return k.fail(`invalid cascade value (${cascade}). Must be "background", "foreground", or "orphan"`);
  }
  const grace = gracePeriod(k);
  if (grace instanceof Failure) return k.fail(grace);
  if (flags.on('all') && (flags.has('selector') || flags.has('field-selector'))) {
    return k.fail("setting 'all' parameter but found a non empty selector. ");
  }
  if (k.args.length === 0 && !flags.has('filename')) return k.fail(noResources);
  const found = findTargets(k, k.args, { all: false });
  if (found instanceof Failure) return k.fail(found);
  const errors = flags.on('ignore-not-found') ? [] : [...found.errors];
  if (flags.on('force') && found.targets.length > 0) {
    k.note(
      'Warning: Immediate deletion does not wait for confirmation that the running resource has been terminated. The resource may continue to run on the cluster indefinitely.',
    );
  }
  if (flags.has('namespace') && found.targets.some(({ resource }) => !resource.namespaced)) {
    k.note('Warning: deleting cluster-scoped resources, not scoped to the provided namespace');
  }
  const deleted: Target[] = [];
  for (const target of found.targets) {
    const { resource, object } = target;
    if (dryRun === 'none') {
      const result = k.host.api.delete(resource, object.metadata.namespace, object.metadata.name, {
        ...(grace === undefined ? {} : { gracePeriodSeconds: grace }),
        ...(cascade === 'orphan' ? { propagation: 'Orphan' as const } : {}),
      });
      if (!result.ok) {
        errors.push(refusal(result.error));
        continue;
      }
    }
    deleted.push(target);
    const suffix = { none: '', client: ' (dry run)', server: ' (server dry run)' }[dryRun];
    const done = flags.on('force') ? 'force deleted' : 'deleted';
    const name = JSON.stringify(object.metadata.name);
    k.print(
      format.kind === 'name'
        ? `${nameOf(resource, object)}\n`
        : `${objectPrefix(resource)} ${name} ${done}${suffix}\n`,
    );
  }
  if (found.targets.length === 0 && found.errors.length === 0) k.print('No resources found\n');
  if (dryRun === 'none' && flags.notOff('wait') && !flags.on('force')) {
    for (const target of deleted) {
      if (yield* waitGone(k, target, flags.seconds('timeout') || 604_800)) continue;
      errors.push(
        failure(
          `timed out waiting for the condition on ${target.resource.plural}/${target.object.metadata.name}`,
        ),
      );
    }
  }
  return k.report(errors);
}

/** Waits until the object is gone, or another one has its name. */
export function waitGone(k: Invocation, { resource, object }: Target, seconds: number): Task<boolean> {
  const { namespace, name, uid } = object.metadata;
  return waitUntil(
    k.ctx.world,
    k.store,
    resource.kind,
    seconds,
    () => k.store.get(resource.kind, namespace, name)?.metadata.uid !== uid,
  );
}

function gracePeriod(k: Invocation): number | undefined | Failure {
  const { flags } = k;
  const given = flags.number('grace-period') ?? -1;
  if (flags.on('now')) {
    return given === -1 ? 1 : failure('--now and --grace-period cannot be specified together');
  }
  if (flags.on('force')) {
    return given > 0 ? failure('--force and --grace-period greater than 0 cannot be specified together') : 0;
  }
  // Without --force nothing is deleted before its containers had a second to end.
  if (given === 0) return 1;
  return given < 0 ? undefined : given;
}
