import { child, isObject, setOwn, type Draft, type DraftValue } from '../../../api/json.ts';
import type { Task } from '../../../net/task.ts';
import { changeEach, splitPairs } from '../change.ts';
import { Failure, failure, type Invocation, refusal } from '../invocation.ts';
import { objectPrefix } from '../../../api/kinds.ts';
import { findTargets } from '../targets.ts';
import { entriesAt, numberAt, textAt } from '../value.ts';

const noNames = 'one or more resources must be specified as <resource> <name> or <resource>/<name>';

export function* label(k: Invocation): Task<number> {
  return editMap(k, 'label', 'labels');
}

export function* annotate(k: Invocation): Task<number> {
  return editMap(k, 'annotation', 'annotations');
}

function editMap(k: Invocation, what: 'label' | 'annotation', field: 'labels' | 'annotations'): number {
  const split = splitPairs(k.args, what);
  if (split instanceof Failure) return k.fail(split);
  const { resources, pairs } = split;
  if (resources.length === 0 && !k.flags.has('filename')) return k.fail(noNames);
  const found = findTargets(k, resources, { all: false });
  if (found instanceof Failure) return k.fail(found);
  if (k.flags.on('list')) {
    for (const { resource, object } of found.targets) {
      const many = found.targets.length > 1;
      if (many) k.print(`Listing ${field} for ${resource.kind}.${resource.group}/${object.metadata.name}:\n`);
      for (const [key, value] of entriesAt(object, `metadata.${field}`))
        k.print(`${many ? ' ' : ''}${key}=${value}\n`);
    }
    return k.report(found.errors);
  }
  if (pairs.length === 0) return k.fail(`at least one ${what} update is required`);
  const overwrite = k.flags.on('overwrite');
  return changeEach(k, found, (draft) => {
    const map = child(child(draft, 'metadata'), field);
    const taken: string[] = [];
    let set = 0;
    let removed = 0;
    for (const pair of pairs) {
      const [, key = '', value = ''] = /^([^=]+)=([^]*)$/.exec(pair) ?? [];
      if (key === '') {
        const name = pair.slice(0, -1);
        if (Object.hasOwn(map, name)) {
          delete map[name];
          removed++;
        } else if (what === 'label' && !k.flags.has('dry-run'))
          k.print(`label ${JSON.stringify(name)} not found.\n`);
        continue;
      }
      const before = Object.hasOwn(map, key) ? map[key] : undefined;
      if (before !== undefined && before !== value && !overwrite)
        taken.push(`'${key}' already has a value (${String(before)})`);
      if (before !== value) set++;
      setOwn<DraftValue | undefined>(map, key, value);
    }
    if (taken.length > 0) {
      const all = taken.join('; ');
      return failure(
        what === 'label'
          ? `${all}, and --overwrite is false`
          : `--overwrite is false but found the following declared annotation(s): ${all}`,
      );
    }
    if (what === 'annotation') return { action: 'annotated' };
    return { action: set > 0 ? 'labeled' : removed > 0 ? 'unlabeled' : 'not labeled' };
  });
}

export function* scale(k: Invocation): Task<number> {
  if (!k.flags.has('replicas')) return k.fail('required flag(s) "replicas" not set');
  const replicas = k.flags.number('replicas') ?? -1;
  if (replicas < 0) {
    return k.fail('The --replicas=COUNT flag is required, and COUNT must be greater than or equal to 0');
  }
  const found = findTargets(k, k.args, { all: false });
  if (found instanceof Failure) return k.fail(found);
  if (found.targets.length === 0 && found.errors.length > 0) {
    const messages = found.errors.map(({ text }) => text.replace(/^Error from server \(NotFound\): /, ''));
    const all = messages.length === 1 ? messages.join() : `[${messages.join(', ')}]`;
    return k.fail(`no objects passed to scale ${all}`);
  }
  const expected = k.flags.number('current-replicas') ?? -1;
  return changeEach(k, found, (draft, { resource, object }) => {
    if (!scalable.has(resource.kind)) {
      return refusal({ reason: 'NotFound', message: 'the server could not find the requested resource' });
    }
    const current = numberAt(object, 'spec.replicas');
    if (expected >= 0 && current !== expected)
      return failure(`Expected replicas to be ${expected}, was ${current}`);
    child(draft, 'spec')['replicas'] = replicas;
    return { action: 'scaled' };
  });
}

const scalable = new Set(['Deployment', 'ReplicaSet', 'StatefulSet', 'ReplicationController']);

export function* setImage(k: Invocation): Task<number> {
  return editContainers(k, 'image', (container, pairs) => {
    const name = textAt(container, 'name');
    const pair = pairs.find(([key]) => key === name) ?? pairs.find(([key]) => key === '*');
    if (pair !== undefined) container['image'] = pair[1];
  });
}

export function* setEnv(k: Invocation): Task<number> {
  return editContainers(k, 'env', (container, pairs, removed) => {
    const variables = Array.isArray(container['env']) ? container['env'] : [];
    const names = new Set([...pairs.map(([name]) => name), ...removed]);
    const kept = variables.filter((variable) => !names.has(textAt(variable, 'name')));
    container['env'] = [...kept, ...pairs.map(([name, value]) => ({ name, value }))];
  });
}

function editContainers(
  k: Invocation,
  what: 'image' | 'env',
  edit: (container: Draft, pairs: readonly (readonly [string, string])[], removed: readonly string[]) => void,
): number {
  const split = splitPairs(k.args, what);
  if (split instanceof Failure) return k.fail(split);
  const pairs = split.pairs
    .filter((pair) => pair.includes('='))
    .map((pair) => {
      const equals = pair.indexOf('=');
      return [pair.slice(0, equals), pair.slice(equals + 1)] as const;
    });
  const removed = split.pairs.filter((pair) => !pair.includes('=')).map((pair) => pair.slice(0, -1));
  if (split.resources.length === 0 && !k.flags.has('filename')) return k.fail(noNames);
  const found = findTargets(k, split.resources, { all: false });
  if (found instanceof Failure) return k.fail(found);
  if (found.errors.length > 0) return k.report(found.errors);
  if (split.pairs.length === 0) {
    return k.fail(
      what === 'image'
        ? 'at least one image update is required'
        : 'at least one environment variable must be provided',
    );
  }
  return changeEach(k, found, (draft, { resource, object }) => {
    const spec =
      resource.kind === 'Pod' ? child(draft, 'spec') : child(child(child(draft, 'spec'), 'template'), 'spec');
    const containers = (['initContainers', 'containers'] as const).flatMap((list) => {
      const items = spec[list];
      return Array.isArray(items) ? items.filter(isObject) : [];
    });
    if (what === 'image') {
      const names = containers.map((container) => textAt(container, 'name'));
      const unknown = pairs.find(([name]) => name !== '*' && !names.includes(name));
      if (unknown !== undefined)
        return failure(`unable to find container named ${JSON.stringify(unknown[0])}`);
    }
    if (containers.length === 0)
      return failure(`${objectPrefix(resource)}/${object.metadata.name} has no containers`);
    for (const container of containers) edit(container, pairs, removed);
    return { action: `${what} updated`, unchanged: '' };
  });
}

export function* setSelector(k: Invocation): Task<number> {
  const expression = k.args.at(-1) ?? '';
  const pairs = expression.split(',').map((pair) => pair.split('='));
  if (k.args.length < 2 || pairs.some(([key = '', value]) => key === '' || value === undefined)) {
    return k.fail(noNames);
  }
  const found = findTargets(k, k.args.slice(0, -1), { all: false });
  if (found instanceof Failure) return k.fail(found);
  return changeEach(k, found, (draft, { resource }) => {
    if (resource.kind !== 'Service') return failure('setting a selector is only supported for Services');
    const selector: Draft = {};
    for (const [key = '', value = ''] of pairs) setOwn<DraftValue | undefined>(selector, key, value);
    child(draft, 'spec')['selector'] = selector;
    return { action: 'selector updated', unchanged: '' };
  });
}

export function* edit(k: Invocation): Task<number> {
  const found = findTargets(k, k.args, { all: false });
  if (found instanceof Failure) return k.fail(found);
  if (found.targets.length === 0) return k.report(found.errors);
  k.note('there is no editor in this terminal: change the manifest and apply it, or use "kubectl patch"');
  return k.fail('there was a problem with the editor "vi"');
}
