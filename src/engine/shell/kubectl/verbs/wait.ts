import type { Task } from '../../../net/task.ts';
import { Failure, failure, type Invocation } from '../invocation.ts';
import { findJsonPath } from '../jsonpath.ts';
import { printDone } from '../output.ts';
import { findTargets, type Target } from '../targets.ts';
import { listAt, textAt } from '../value.ts';
import { waitUntil } from '../waiting.ts';
import { waitGone } from './delete.ts';

/** What `--for` waits for. */
type Goal =
  | { readonly kind: 'delete' | 'create' }
  | { readonly kind: 'condition'; readonly type: string; readonly status: string }
  | { readonly kind: 'jsonpath'; readonly path: string; readonly value: string | undefined };

export function* wait(k: Invocation): Task<number> {
  const goal = readGoal(k.flags.text('for'));
  if (goal instanceof Failure) return k.fail(goal);
  const seconds = timeoutOf(k);
  const found = findTargets(k, k.args, { all: false });
  if (found instanceof Failure) return k.fail(found);
  if (goal.kind === 'create') {
    const [resource] = found.resources;
    if (resource === undefined || found.targets.length > 0) return confirm(k, found.targets);
    yield* waitUntil(k.ctx.world, k.store, resource.kind, seconds, () => {
      const again = findTargets(k, k.args, { all: false });
      return !(again instanceof Failure) && again.errors.length === 0 && again.targets.length > 0;
    });
    const again = findTargets(k, k.args, { all: false });
    return again instanceof Failure
      ? k.fail(again)
      : again.targets.length > 0
        ? confirm(k, again.targets)
        : k.report(again.errors);
  }
  const errors = goal.kind === 'delete' ? [] : [...found.errors];
  if (found.targets.length === 0 && errors.length === 0 && found.listed)
    return k.fail('no matching resources found');
  const deadline = k.ctx.world.now + seconds * 1e6;
  for (const target of found.targets) {
    const left = Math.max(0, (deadline - k.ctx.world.now) / 1e6);
    const { resource, object } = target;
    const { namespace, name } = object.metadata;
    const met =
      goal.kind === 'delete'
        ? yield* waitGone(k, target, left)
        : yield* waitUntil(k.ctx.world, k.store, resource.kind, left, () => {
            const live = k.store.get(resource.kind, namespace, name);
            return live !== undefined && reached(goal, live);
          });
    if (!met) errors.push(failure(`timed out waiting for the condition on ${resource.plural}/${name}`));
    else printDone(k, target, 'condition met');
  }
  return k.report(errors);
}

function confirm(k: Invocation, targets: readonly Target[]): number {
  for (const target of targets) printDone(k, target, 'condition met');
  return 0;
}

/** Thirty seconds unless said otherwise; less than zero means a week. */
function timeoutOf(k: Invocation): number {
  const given = k.flags.seconds('timeout') ?? 30;
  return given < 0 ? 604_800 : given;
}

function readGoal(text: string): Goal | Failure {
  if (/^(delete|create)$/i.test(text)) return { kind: text.toLowerCase() === 'delete' ? 'delete' : 'create' };
  const condition = /^condition=([^=]+)(?:=(.*))?$/.exec(text);
  if (condition !== null)
    return { kind: 'condition', type: condition[1] ?? '', status: condition[2] ?? 'true' };
  const path = /^jsonpath=(?:'|")?(\{?[^}]*\}?)(?:'|")?(?:=([^]*))?$/.exec(text);
  if (path !== null)
    return { kind: 'jsonpath', path: path[1] ?? '', value: path[2]?.replace(/^(['"])(.*)\1$/, '$2') };
  return failure(`unrecognized condition: ${JSON.stringify(text)}`);
}

function reached(goal: Goal, object: unknown): boolean {
  if (goal.kind === 'condition') {
    const condition = listAt(object, 'status.conditions').find(
      (candidate) => textAt(candidate, 'type').toLowerCase() === goal.type.toLowerCase(),
    );
    return textAt(condition, 'status').toLowerCase() === goal.status.toLowerCase();
  }
  if (goal.kind !== 'jsonpath') return false;
  const values = findJsonPath(goal.path, object);
  if ('error' in values || values.length !== 1) return false;
  return goal.value === undefined || String(values[0]) === goal.value;
}
