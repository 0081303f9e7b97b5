import { child, type Draft, isObject } from '../../../api/json.ts';
import { resourceOfKind } from '../../../api/kinds.ts';
import type { KubeObject } from '../../../api/types.ts';
import type { Task } from '../../../net/task.ts';
import { changeEach } from '../change.ts';
import { controllerOf } from '../describe/description.ts';
import { Failure, failure, type Invocation, refusal } from '../invocation.ts';
import { dryRunOf, printDone } from '../output.ts';
import { findTargets, type Found, sorted } from '../targets.ts';
import { fieldOf, listAt, textAt, valueAt } from '../value.ts';
import { waitGone } from './delete.ts';

export function* cordon(k: Invocation): Task<number> {
  const found = findNodes(k);
  if (typeof found === 'number') return found;
  return found.errors.length > 0 ? k.report(found.errors) : mark(k, found, 'cordoned');
}

export function* uncordon(k: Invocation): Task<number> {
  const found = findNodes(k);
  if (typeof found === 'number') return found;
  return found.errors.length > 0 ? k.report(found.errors) : mark(k, found, 'uncordoned');
}

function findNodes(k: Invocation): Found | number {
  if (k.args.length === 0 && !k.flags.has('selector')) return k.misuse(`USAGE: ${k.command} NODE [flags]`);
  const found = findTargets(k, ['nodes', ...k.args.map((arg) => arg.replace(/^(node|nodes|no)\//, ''))], {
    all: false,
  });
  return found instanceof Failure ? k.fail(found) : found;
}

function mark(k: Invocation, found: Found, done: 'cordoned' | 'uncordoned'): number {
  const schedulable = done === 'uncordoned';
  return changeEach(k, found, (draft) => {
    const spec = child(draft, 'spec');
    if ((spec['unschedulable'] === true) !== schedulable) return { action: `already ${done}` };
    if (schedulable) delete spec['unschedulable'];
    else spec['unschedulable'] = true;
    return { action: done };
  });
}

export function* drain(k: Invocation): Task<number> {
  const found = findNodes(k);
  if (typeof found === 'number') return found;
  if (found.errors.length > 0) return k.report(found.errors);
  const dryRun = dryRunOf(k);
  if (dryRun instanceof Failure) return k.fail(dryRun);
  let code = mark(k, found, 'cordoned');
  for (const target of found.targets) {
    const name = target.object.metadata.name;
    const pods = sorted(k.store.list('Pod')).filter((pod) => textAt(pod, 'spec.nodeName') === name);
    const { chosen, warnings, problems } = choosePods(k, pods);
    if (problems.length > 0) {
      const all = problems.length === 1 ? problems[0] : `[${problems.join(', ')}]`;
      k.note(
        `error: unable to drain node ${JSON.stringify(name)} due to error: ${all ?? ''}, continuing command...\n` +
          `There are pending nodes to be drained:\n ${name}\n${problems.join('\n')}`,
      );
      code = 1;
      continue;
    }
    if (warnings.length > 0) k.note(`Warning: ${warnings.join('; ')}`);
    const suffix = dryRun === 'none' ? '' : ' (dry run)';
    const podKind = resourceOfKind('Pod');
    if (podKind === undefined) return 1;
    for (const pod of chosen) {
      k.print(`evicting pod ${pod.metadata.namespace ?? ''}/${pod.metadata.name}${suffix}\n`);
      const grace = k.flags.number('grace-period') ?? -1;
      if (dryRun === 'none') {
        const result = k.host.api.delete(
          podKind,
          pod.metadata.namespace,
          pod.metadata.name,
          grace < 0 ? {} : { gracePeriodSeconds: grace },
        );
        if (!result.ok) return k.fail(refusal(result.error));
      }
    }
    if (dryRun === 'none') {
      for (const pod of chosen) {
        if (
          !(yield* waitGone(k, { resource: podKind, object: pod }, k.flags.seconds('timeout') || 604_800))
        ) {
          return k.fail(
            failure(
              `error when waiting for pod ${JSON.stringify(pod.metadata.name)} terminating: global timeout reached: ${k.flags.text('timeout')}`,
            ),
          );
        }
        k.print(`pod/${pod.metadata.name} evicted\n`);
      }
    }
    code ||= printDone(k, target, 'drained');
  }
  return code;
}

/** Which of a node's pods a drain evicts, and what it holds against the others. Facts: `k8s.io/kubectl/pkg/drain/filters.go`. */
function choosePods(k: Invocation, pods: readonly KubeObject[]) {
  const chosen: KubeObject[] = [];
  const groups = new Map<string, { readonly weight: 'warning' | 'problem'; readonly pods: string[] }>();
  const add = (message: string, weight: 'warning' | 'problem', pod: KubeObject) => {
    const group = groups.get(message) ?? { weight, pods: [] };
    group.pods.push(`${pod.metadata.namespace ?? ''}/${pod.metadata.name}`);
    groups.set(message, group);
  };
  const { flags } = k;
  for (const pod of pods) {
    const phase = textAt(pod, 'status.phase');
    const ended = phase === 'Succeeded' || phase === 'Failed';
    const controller = controllerOf(pod);
    if (fieldOf(valueAt(pod, 'metadata.annotations'), 'kubernetes.io/config.mirror') !== undefined) continue;
    if (textAt(controller, 'kind') === 'DaemonSet' && !ended) {
      if (flags.on('ignore-daemonsets')) add('ignoring DaemonSet-managed Pods', 'warning', pod);
      else add('cannot delete DaemonSet-managed Pods (use --ignore-daemonsets to ignore)', 'problem', pod);
      continue;
    }
    if (!ended && listAt(pod, 'spec.volumes').some((volume) => valueAt(volume, 'emptyDir') !== undefined)) {
      if (!flags.on('delete-emptydir-data')) {
        add('cannot delete Pods with local storage (use --delete-emptydir-data to override)', 'problem', pod);
        continue;
      }
    }
    if (!ended && controller === undefined) {
      if (flags.on('force')) add('deleting Pods that declare no controller', 'warning', pod);
      else {
        add(
          'cannot delete cannot delete Pods that declare no controller (use --force to override)',
          'problem',
          pod,
        );
        continue;
      }
    }
    chosen.push(pod);
  }
  const say = (weight: 'warning' | 'problem') =>
    [...groups]
      .filter(([, group]) => group.weight === weight)
      .map(([message, group]) => `${message}: ${group.pods.join(', ')}`);
  return { chosen, warnings: say('warning'), problems: say('problem') };
}

export function* taint(k: Invocation): Task<number> {
  const isTaint = (arg: string) => arg.includes(':') || arg.includes('=') || arg.endsWith('-');
  const resources = k.args.filter((arg) => !isTaint(arg));
  const specs = k.args.filter(isTaint);
  if (resources.length === 0) return k.fail('one or more resources must be specified as <resource> <name>');
  if (specs.length === 0) return k.fail('at least one taint update is required');
  const wanted: { key: string; value: string; effect: string; remove: boolean }[] = [];
  for (const spec of specs) {
    const [, key = '', value = '', effect = '', minus = ''] =
      /^([^=:]*?)(?:=([^:]*?))?(?::(.*?))?(-?)$/.exec(spec) ?? [];
    const remove = minus !== '';
    if (key === '' || (effect === '' && !remove)) return k.misuse(`invalid taint spec: ${spec}`);
    if (effect !== '' && !effects.has(effect)) {
      return k.misuse(`invalid taint effect: ${effect}, unsupported taint effect`);
    }
    wanted.push({ key, value, effect, remove });
  }
  const found = findTargets(k, resources, { all: false });
  if (found instanceof Failure) return k.fail(found);
  if (found.resources.some(({ kind }) => kind !== 'Node')) {
    return k.fail(`invalid resource type ${found.resources[0]?.plural ?? ''}, only node types are supported`);
  }
  return changeEach(
    k,
    found,
    (draft, { object }) => {
      const spec = child(draft, 'spec');
      let taints: Draft[] = Array.isArray(spec['taints']) ? spec['taints'].filter(isObject) : [];
      const added: Draft[] = [];
      for (const { key, value, effect, remove } of wanted) {
        const same = (other: Draft) => other['key'] === key && (effect === '' || other['effect'] === effect);
        const exists = taints.some(same);
        if (remove && !exists)
          return failure(`taint ${JSON.stringify(effect === '' ? key : `${key}:${effect}`)} not found`);
        if (!remove && exists && !k.flags.on('overwrite')) {
          return failure(
            `node ${object.metadata.name} already has ${key} taint(s) with same effect(s) and --overwrite is false`,
          );
        }
        taints = taints.filter((other) => !same(other));
        if (!remove) added.push({ key, ...(value === '' ? {} : { value }), effect });
      }
      taints = [...added, ...taints];
      if (taints.length > 0) spec['taints'] = taints;
      else delete spec['taints'];
      const removals = wanted.filter(({ remove }) => remove).length;
      const both = removals > 0 && removals < wanted.length;
      return {
        action: both || k.flags.on('overwrite') ? 'modified' : removals > 0 ? 'untainted' : 'tainted',
      };
    },
    'unmarked',
  );
}

const effects = new Set(['NoSchedule', 'PreferNoSchedule', 'NoExecute']);
