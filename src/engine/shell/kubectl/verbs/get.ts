import { objectPrefix, type ResourceKind } from '../../../api/kinds.ts';
import type { KubeObject } from '../../../api/types.ts';
import type { Task } from '../../../net/task.ts';
import { describeObject } from '../describe/index.ts';
import type { DescribeContext } from '../describe/description.ts';
import { Failure, type Invocation, refusal } from '../invocation.ts';
import { findJsonPath } from '../jsonpath.ts';
import { formatObjects, type OutputFormat, outputFormat } from '../output.ts';
import { parseQuantity } from '../quantity.ts';
import { parseFieldSelector, parseLabelSelector } from '../selectors.ts';
import { formatTable, type TableOptions } from '../table.ts';
import { findTargets, type Found, sorted, type Target } from '../targets.ts';
import { byBytes, textAt } from '../value.ts';
import { nextChange } from '../waiting.ts';

/** A watch that sees nothing for so long is left, as a person would with Ctrl-C. */
const patience = 60_000_000;

export function* get(k: Invocation): Task<number> {
  if (k.flags.has('raw')) return getRaw(k, k.flags.text('raw'));
  const format = outputFormat(k);
  if (format instanceof Failure) return k.fail(format);
  if (k.args.length === 0 && !k.flags.has('filename')) {
    k.note(
      'You must specify the type of resource to get. Use "kubectl api-resources" for a complete list of supported resources.\n',
    );
    return k.misuse(
      'Required resource not specified.\nUse "kubectl explain <resource>" for a detailed description of that resource (e.g. kubectl explain pods).',
    );
  }
  const found = findTargets(k, k.args, { all: true });
  if (found instanceof Failure) return k.fail(found);
  warnDeprecated(k, found.resources);
  const errors = k.flags.on('ignore-not-found') ? [] : found.errors;
  const sortBy = k.flags.text('sort-by');
  const targets = sortBy === '' ? found.targets : sortTargets(found.targets, sortBy);
  if (k.flags.on('watch') || k.flags.on('watch-only'))
    return yield* watch(k, format, { ...found, errors, targets });
  if (format.kind === 'human') {
    k.print(formatGroups(k, format.wide, targets, found));
    if (targets.length === 0 && errors.length === 0 && !k.flags.on('ignore-not-found')) noteEmpty(k, found);
  } else if (targets.length > 0 || found.listed) {
    const headers = !k.flags.on('no-headers');
    const text = formatObjects(k, format, targets, { single: found.single, headers });
    if (text instanceof Failure) return k.fail(text);
    k.print(text);
  }
  return k.report(errors);
}

/** `--raw`: the paths of the API server that are worth asking. */
function getRaw(k: Invocation, path: string): number {
  if (!/^\/(healthz|livez|readyz)$/.test(path)) {
    return k.fail(
      refusal({ reason: 'NotFound', message: 'the server could not find the requested resource' }),
    );
  }
  k.print('ok');
  return 0;
}

function noteEmpty(k: Invocation, found: Found): void {
  const everywhere = k.allNamespaces || found.resources.some(({ namespaced }) => !namespaced);
  k.note(everywhere ? 'No resources found' : `No resources found in ${k.namespace} namespace.`);
}

/** The API server's own warning, which kubectl passes on. */
function warnDeprecated(k: Invocation, resources: readonly ResourceKind[]): void {
  if (resources.some(({ kind }) => kind === 'Endpoints')) {
    k.note('Warning: v1 Endpoints is deprecated in v1.33+; use discovery.k8s.io/v1 EndpointSlice');
  }
}

/** One table per kind, an empty line between two. */
function formatGroups(k: Invocation, wide: boolean, targets: readonly Target[], found: Found): string {
  const groups = groupByKind(targets);
  const kinds = found.listed ? found.resources.length : groups.length;
  const prefixed = kinds > 1 || k.args[0] === 'all' || k.flags.on('show-kind');
  // kubectl keeps its printer: after a table with namespaces all have the column.
  let namespaces = false;
  return groups
    .map(([resource, objects]) => {
      namespaces ||= k.allNamespaces && resource.namespaced;
      return formatTable(resource.kind, objects, {
        ...tableOptions(k, resource, { wide, prefixed }),
        namespaces,
      });
    })
    .join('\n');
}

function groupByKind(targets: readonly Target[]): [ResourceKind, KubeObject[]][] {
  const groups = new Map<ResourceKind, KubeObject[]>();
  for (const { resource, object } of targets) {
    const group = groups.get(resource);
    if (group === undefined) groups.set(resource, [object]);
    else group.push(object);
  }
  return [...groups];
}

function tableOptions(
  k: Invocation,
  resource: ResourceKind,
  { wide, prefixed }: { readonly wide: boolean; readonly prefixed: boolean },
): TableOptions {
  return {
    now: k.now,
    wide,
    headers: !k.flags.on('no-headers'),
    namespaces: k.allNamespaces && resource.namespaced,
    showLabels: k.flags.on('show-labels'),
    labelColumns: k.flags.list('label-columns').flatMap((list) => list.split(',')),
    ...(prefixed ? { prefix: objectPrefix(resource) } : {}),
  };
}

/** By what a path finds in each: numbers, quantities and text; what lacks it comes first. */
function sortTargets(targets: readonly Target[], path: string): readonly Target[] {
  const keys = new Map<Target, string>();
  for (const target of targets) {
    const values = findJsonPath(path, target.object);
    keys.set(target, 'error' in values || values[0] === undefined ? '' : String(values[0]));
  }
  return [...targets].sort((a, b) => {
    const [left = '', right = ''] = [keys.get(a), keys.get(b)];
    const [x, y] = [parseQuantity(left), parseQuantity(right)];
    return x !== undefined && y !== undefined ? x.value - y.value : byBytes(left, right);
  });
}

function* watch(k: Invocation, format: OutputFormat, found: Found): Task<number> {
  const [resource, ...others] = found.resources;
  if (resource === undefined || others.length > 0) {
    return k.fail('you may only specify a single resource type');
  }
  const prefixed = k.flags.on('show-kind');
  const remembered: number[] = [];
  let headers = !k.flags.on('no-headers');
  const print = (objects: readonly KubeObject[]): number => {
    if (format.kind === 'human') {
      const options = { ...tableOptions(k, resource, { wide: format.wide, prefixed }), headers, remembered };
      headers = false;
      k.print(formatTable(resource.kind, objects, options));
      return 0;
    }
    for (const object of objects) {
      const text = formatObjects(k, format, [{ resource, object }], { single: true, headers: false });
      if (text instanceof Failure) return k.fail(text);
      k.print(format.kind === 'yaml' ? `---\n${text}` : format.kind === 'jsonpath' ? `${text}` : text);
    }
    return 0;
  };

  const labels = parseLabelSelector(k.flags.text('selector'));
  const fields = parseFieldSelector(resource, k.flags.text('field-selector'));
  const names = found.listed ? undefined : new Set(found.targets.map(({ object }) => object.metadata.name));
  const wanted = (object: KubeObject) =>
    (!resource.namespaced || k.allNamespaces || object.metadata.namespace === k.namespace) &&
    (names === undefined || names.has(object.metadata.name)) &&
    'matches' in labels &&
    labels.matches(object) &&
    'matches' in fields &&
    fields.matches(object);

  const changed: KubeObject[] = [];
  const stop = k.store.watch(resource.kind, ({ object }) => {
    if (wanted(object)) changed.push(object);
  });
  try {
    if (!k.flags.on('watch-only') && found.targets.length > 0)
      print(found.targets.map(({ object }) => object));
    let code = k.report(found.errors);
    if (code !== 0) return code;
    let quietSince = k.ctx.world.now;
    for (;;) {
      const left = quietSince + patience - k.ctx.world.now;
      if (left <= 0) break;
      yield* nextChange(k.ctx.world, k.store, resource.kind, left);
      for (const object of changed.splice(0)) {
        code = print([object]);
        if (code !== 0) return code;
        quietSince = k.ctx.world.now;
      }
    }
  } finally {
    stop();
  }
  k.ctx.err('^C\n');
  return 130;
}

export function* describe(k: Invocation): Task<number> {
  const missing =
    'You must specify the type of resource to describe. Use "kubectl api-resources" for a complete list of supported resources.';
  const found = findTargets(k, k.args, { all: true, missing });
  if (found instanceof Failure) return k.fail(found);
  warnDeprecated(k, found.resources);
  const context = describeContext(k);
  const [only] = found.resources;
  const prefix = k.args[1];
  if (
    found.targets.length === 0 &&
    only !== undefined &&
    found.resources.length === 1 &&
    k.args.length === 2
  ) {
    const matching = sorted(
      k.store
        .list(only.kind, only.namespaced ? k.namespace : undefined)
        .filter(({ metadata }) => metadata.name.startsWith(prefix ?? '')),
    );
    for (const object of matching) k.print(`${describeObject(only.kind, object, context)}\n`);
    if (matching.length > 0) return 0;
  }
  k.print(
    found.targets.map(({ resource, object }) => describeObject(resource.kind, object, context)).join('\n\n'),
  );
  if (found.targets.length === 0 && found.errors.length === 0) noteEmpty(k, found);
  return k.report(found.errors);
}

function describeContext(k: Invocation): DescribeContext {
  const shown = k.flags.notOff('show-events');
  return {
    now: k.now,
    list: (kind, namespace) => sorted(k.store.list(kind, namespace)),
    events: (object) => {
      if (!shown) return undefined;
      const kind = textAt(object, 'kind');
      const uid = textAt(object, 'metadata.uid');
      const name = textAt(object, 'metadata.name');
      return k.store.list('Event').filter(({ involvedObject }) => {
        const sameName = involvedObject.kind === kind && involvedObject.name === name;
        return (
          sameName &&
          (involvedObject.uid === undefined || involvedObject.uid === uid || involvedObject.uid === name)
        );
      });
    },
  };
}
