import { type ResourceKind, resourceNamed, resourceOfKind } from '../../api/kinds.ts';
import { readManifest } from '../../api/manifest.ts';
import { notFound } from '../../api/server.ts';
import type { KubeObject } from '../../api/types.ts';
import { Failure, failure, type Invocation, refusal } from './invocation.ts';
import { parseFieldSelector, parseLabelSelector } from './selectors.ts';
import { byBytes } from './value.ts';

/** An object that a command line names, with its kind. */
export interface Target {
  readonly resource: ResourceKind;
  readonly object: KubeObject;
}

export interface Found {
  readonly targets: readonly Target[];
  /** What was named and is not there. */
  readonly errors: readonly Failure[];
  /** The kinds asked for, in order. */
  readonly resources: readonly ResourceKind[];
  /** One object by name: printed alone, not as a list. */
  readonly single: boolean;
  /** Whether kinds were asked for without names. */
  readonly listed: boolean;
}

export interface TargetOptions {
  /** Without names and selectors, take all objects of the kinds (`get`), or refuse (`delete`). */
  readonly all: boolean;
  readonly missing?: string;
}

/** `kubectl get all`. */
const categoryAll =
  'Pod ReplicationController Service DaemonSet Deployment ReplicaSet StatefulSet HorizontalPodAutoscaler CronJob Job';

export const noResources =
  'You must provide one or more resources by argument or filename.\n' +
  "Example resource specifications include:\n   '-f rsrc.yaml'\n   '--filename=rsrc.json'\n   '<resource> <name>'\n   '<resource>'";

/** Finds what `pods`, `pods,svc`, `pod web`, `pod/web svc/web`, `-l`, `--field-selector`, `-f` name. Facts: cli-runtime's `resource.Builder`. */
export function findTargets(k: Invocation, args: readonly string[], options: TargetOptions): Found | Failure {
  if (k.flags.has('filename')) return findInSources(k);
  const selector = k.flags.text('selector') || k.flags.text('pod-selector');
  const [first, ...rest] = args;
  if (first === undefined) return failure(options.missing ?? noResources);
  if (args.some((arg) => arg.includes('/'))) return findByPath(k, args);
  const resources = readResources(first);
  if (!Array.isArray(resources)) return resources;
  if (rest.length > 0) {
    if (selector !== '') return failure('name cannot be provided when a selector is specified');
    if (k.flags.on('all')) return failure("setting 'all' parameter but found a non empty selector. ");
    if (k.allNamespaces && resources.some(({ namespaced }) => namespaced)) {
      return failure('a resource cannot be retrieved by name across all namespaces');
    }
    const wanted = resources.flatMap((resource) => rest.map((name) => ({ resource, name })));
    return named(k, wanted, resources);
  }
  const fields = k.flags.text('field-selector');
  if (selector === '' && fields === '' && !options.all && !k.flags.on('all')) {
    return failure('resource(s) were provided, but no name was specified');
  }
  const targets: Target[] = [];
  for (const resource of resources) {
    const chosen = selectObjects(k, resource, selector, fields);
    if (!Array.isArray(chosen)) return chosen;
    targets.push(...chosen.map((object) => ({ resource, object })));
  }
  return { targets, errors: [], resources, single: false, listed: true };
}

/** Objects of a kind in the command's namespace (or in all), by label and field selectors, sorted by namespace and name. */
export function selectObjects(
  k: Invocation,
  resource: ResourceKind,
  selector: string,
  fields = '',
): KubeObject[] | Failure {
  const labels = parseLabelSelector(selector);
  const terms = parseFieldSelector(resource, fields);
  for (const parsed of [labels, terms]) {
    if ('error' in parsed) {
      const subject = `${resource.group}/${resource.version}, Resource=${resource.plural}`;
      return refusal({
        reason: 'BadRequest',
        message: `Unable to find ${JSON.stringify(subject)} that match label selector ${JSON.stringify(selector)}, field selector ${JSON.stringify(fields)}: ${parsed.error}`,
      });
    }
  }
  if ('error' in labels || 'error' in terms) return [];
  const namespace = resource.namespaced && !k.allNamespaces ? k.namespace : undefined;
  return sorted(k.store.list(resource.kind, namespace)).filter(
    (object) => labels.matches(object) && terms.matches(object),
  );
}

export function sorted(objects: readonly KubeObject[]): KubeObject[] {
  return [...objects].sort(
    (a, b) =>
      byBytes(a.metadata.namespace ?? '', b.metadata.namespace ?? '') ||
      byBytes(a.metadata.name, b.metadata.name),
  );
}

/** The kinds of `pods,svc`, `all`. */
function readResources(list: string): ResourceKind[] | Failure {
  const resources: ResourceKind[] = [];
  for (const name of list.split(',')) {
    const named = name.toLowerCase() === 'all' ? categoryKinds() : readResource(name);
    if (Array.isArray(named)) resources.push(...named);
    else return named;
  }
  return resources;
}

function categoryKinds(): ResourceKind[] {
  return categoryAll.split(' ').flatMap((kind) => resourceOfKind(kind) ?? []);
}

function readResource(name: string): ResourceKind[] | Failure {
  if (name === '') return failure('arguments in resource/name form must have a single resource and name');
  const resource = resourceNamed(name) ?? resourceOfKind(name);
  return resource === undefined ? unknownResource(name) : [resource];
}

export function unknownResource(name: string): Failure {
  return failure(`the server doesn't have a resource type ${JSON.stringify(name)}`);
}

/** Reads one `kind/name` argument. */
export function readPath(arg: string): { resource: ResourceKind; name: string } | Failure {
  const [type = '', name = '', ...more] = arg.split('/');
  if (more.length > 0) {
    return failure(`arguments in resource/name form may not have more than one slash`);
  }
  if (type === '' || name === '' || type.includes(',')) {
    return failure('arguments in resource/name form must have a single resource and name');
  }
  const resource = readResource(type);
  if (!Array.isArray(resource)) return resource;
  const [only] = resource;
  return only === undefined ? unknownResource(type) : { resource: only, name };
}

function findByPath(k: Invocation, args: readonly string[]): Found | Failure {
  const wanted: { resource: ResourceKind; name: string }[] = [];
  if (args.some((arg) => !arg.includes('/'))) {
    const usage = `'kubectl ${k.command} resource/<resource_name>' instead of 'kubectl ${k.command} resource resource/<resource_name>'`;
    return failure(
      `there is no need to specify a resource type as a separate argument when passing arguments in resource/name form (e.g. ${usage}`,
    );
  }
  if (k.flags.text('selector') !== '') return failure('name cannot be provided when a selector is specified');
  for (const arg of args) {
    const path = readPath(arg);
    if (!('resource' in path)) return path;
    if (k.allNamespaces && path.resource.namespaced) {
      return failure('a resource cannot be retrieved by name across all namespaces');
    }
    wanted.push(path);
  }
  return named(k, wanted, [...new Set(wanted.map(({ resource }) => resource))]);
}

function named(
  k: Invocation,
  wanted: readonly { resource: ResourceKind; name: string; namespace?: string }[],
  resources: readonly ResourceKind[],
): Found {
  const targets: Target[] = [];
  const errors: Failure[] = [];
  for (const { resource, name, namespace } of wanted) {
    const object = findObject(k, resource, name, namespace);
    if (object !== undefined) targets.push({ resource, object });
    else errors.push(refusal(notFound(resource, name)));
  }
  return { targets, errors, resources, single: wanted.length === 1, listed: false };
}

export function findObject(
  k: Invocation,
  resource: ResourceKind,
  name: string,
  namespace = k.namespace,
): KubeObject | undefined {
  return k.store.get(resource.kind, resource.namespaced ? namespace : undefined, name);
}

function findInSources(k: Invocation): Found | Failure {
  const manifests = k.sources.map(({ name, text }) => readManifest(text, name));
  const objects = manifests.flatMap((manifest) => manifest.objects);
  const problems = manifests.flatMap((manifest) => manifest.problems).map(({ text }) => new Failure(text));
  const wanted = objects.map(({ resource, name, namespace = k.namespace }) => ({
    resource,
    name,
    namespace,
  }));
  const found = named(k, wanted, [...new Set(wanted.map(({ resource }) => resource))]);
  return { ...found, errors: [...problems, ...found.errors] };
}
