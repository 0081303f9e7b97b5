import { applyManifest, createManifest, type ManifestOptions, replaceManifest } from '../../../api/apply.ts';
import { resourceOfKind } from '../../../api/kinds.ts';
import { readManifest } from '../../../api/manifest.ts';
import type { KubeObject } from '../../../api/types.ts';
import type { Task } from '../../../net/task.ts';
import { Failure, type Invocation } from '../invocation.ts';
import { dryRunOf, outputFormat, printDone } from '../output.ts';

const noSources = 'must specify one of -f and -k';

export function apply(k: Invocation): Task<number> {
  return runSources(k, applyManifest);
}

export function create(k: Invocation): Task<number> {
  if (!k.flags.has('filename') && k.args.length > 0)
    return misuse(k, `Unexpected args: [${k.args.join(' ')}]`);
  return runSources(k, createManifest);
}

export function replace(k: Invocation): Task<number> {
  return runSources(k, replaceManifest);
}

function* misuse(k: Invocation, message: string): Task<number> {
  return k.misuse(message);
}

function* runSources(k: Invocation, run: typeof applyManifest): Task<number> {
  if (k.flags.has('kustomize')) return k.fail('kustomizations are not simulated here: use -f');
  if (k.args.length > 0) return k.misuse(`Unexpected args: [${k.args.join(' ')}]`);
  if (!k.flags.has('filename')) return k.fail(noSources);
  const format = outputFormat(k);
  if (format instanceof Failure) return k.fail(format);
  const dryRun = dryRunOf(k);
  if (dryRun instanceof Failure) return k.fail(dryRun);
  if (dryRun !== 'none') return rehearse(k, run);
  let code = 0;
  for (const { name, text } of k.sources) {
    const options: ManifestOptions = {
      ...(name === 'STDIN' ? {} : { file: name }),
      ...(k.flags.has('namespace') || k.config.namespace !== '' ? { namespace: k.namespace } : {}),
    };
    if (run === replaceManifest && k.flags.on('force')) removeFirst(k, text, name);
    const outcome = run(k.host.api, text, options);
    if (format.kind === 'human') k.print(outcome.stdout.map((line) => `${line}\n`).join(''));
    else for (const object of outcome.objects) code ||= printObject(k, object);
    for (const line of outcome.stderr) k.note(line);
    if (!outcome.ok) code = 1;
  }
  return code;
}

function printObject(k: Invocation, object: KubeObject): number {
  const resource = resourceOfKind(object.kind);
  return resource === undefined ? 0 : printDone(k, { resource, object }, '');
}

/** `--dry-run`: says what would be done, and does not. */
function rehearse(k: Invocation, run: typeof applyManifest): number {
  let code = 0;
  for (const { name, text } of k.sources) {
    const manifest = readManifest(text, name);
    for (const { resource, name: objectName, namespace, value } of manifest.objects) {
      const live = k.store.get(
        resource.kind,
        resource.namespaced ? (namespace ?? k.namespace) : undefined,
        objectName,
      );
      const action =
        run === replaceManifest
          ? 'replaced'
          : live === undefined || run === createManifest
            ? 'created'
            : 'configured';
      const metadata = {
        ...(live?.metadata ?? { uid: '', resourceVersion: '', creationTimestamp: '' }),
        name: objectName,
      };
      const { metadata: given, ...rest } = value;
      const shown = {
        ...rest,
        apiVersion: resource.apiVersion,
        kind: resource.kind,
        metadata: { ...metadata, ...asFields(given) },
      };
      code ||= printDone(k, { resource, object: shown }, action);
    }
    for (const problem of manifest.problems) {
      k.note(problem.text);
      code = 1;
    }
  }
  return code;
}

function asFields(value: unknown): object {
  return typeof value === 'object' && value !== null ? value : {};
}

/** `replace --force` deletes at once and creates anew. */
function removeFirst(k: Invocation, text: string, file: string): void {
  for (const { resource, name, namespace } of readManifest(text, file).objects) {
    k.host.api.delete(resource, namespace ?? k.namespace, name, { gracePeriodSeconds: 0 });
  }
}
