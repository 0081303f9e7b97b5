import type { Diagnostic } from '../cluster.ts';
import type { ApiError, ApiResult, FieldError } from './error.ts';
import { causeText, errorText } from './error.ts';
import type { Draft } from './json.ts';
import { child, compactJson, draftOf, equalJson, isObject } from './json.ts';
import { groupResource, objectPrefix } from './kinds.ts';
import type { Manifest, ManifestObject } from './manifest.ts';
import { decodingError, lastAppliedAnnotation, lastAppliedOf, readManifest } from './manifest.ts';
import { threeWayMerge } from './merge.ts';
import type { JsonPath } from './path.ts';
import type { ApiServer } from './server.ts';
import type { JsonObject, KubeObject } from './types.ts';

export interface ManifestOutcome {
  /** Both streams as a terminal shows them. */
  readonly lines: readonly string[];
  /** Lines for standard output: `pod/pod-a created`. */
  readonly stdout: readonly string[];
  /** Lines for standard error, as kubectl words them. */
  readonly stderr: readonly string[];
  readonly diagnostics: readonly Diagnostic[];
  readonly ok: boolean;
  /** What was accepted, as stored. */
  readonly objects: readonly KubeObject[];
  /** What was read. */
  readonly manifest: Manifest;
}

export interface ManifestOptions {
  /** What messages call the text; kubectl's `STDIN` when absent. */
  readonly file?: string;
  /** `-n`: for objects that name no namespace; an error for those that name another. */
  readonly namespace?: string;
}

type Verb = 'apply' | 'create' | 'replace';

/** `kubectl apply -f`: makes the objects or changes them by a three-way merge with what was applied last. */
export function applyManifest(
  server: ApiServer,
  text: string,
  options: ManifestOptions = {},
): ManifestOutcome {
  return runManifest(server, readManifest(text, options.file), 'apply', options);
}

/** The same of a manifest that has been read already, or of a part of one. */
export function applyObjects(
  server: ApiServer,
  manifest: Manifest,
  options: ManifestOptions = {},
): ManifestOutcome {
  return runManifest(server, manifest, 'apply', options);
}

/** `kubectl create -f` */
export function createManifest(
  server: ApiServer,
  text: string,
  options: ManifestOptions = {},
): ManifestOutcome {
  return runManifest(server, readManifest(text, options.file), 'create', options);
}

/** `kubectl replace -f` */
export function replaceManifest(
  server: ApiServer,
  text: string,
  options: ManifestOptions = {},
): ManifestOutcome {
  return runManifest(server, readManifest(text, options.file), 'replace', options);
}

interface Done {
  readonly action: 'created' | 'configured' | 'unchanged' | 'replaced';
  readonly object: KubeObject;
  readonly warnings?: readonly string[];
}

function runManifest(
  server: ApiServer,
  manifest: Manifest,
  verb: Verb,
  options: ManifestOptions,
): ManifestOutcome {
  const file = options.file ?? 'STDIN';
  const stdout: string[] = [];
  const errors: { readonly text: string; readonly error?: ApiError }[] = [];
  const warnings: string[] = [];
  const lines: string[] = [];
  const diagnostics: Diagnostic[] = [];
  const objects: KubeObject[] = [];
  for (const object of manifest.objects) {
    const outcome = handle(object);
    if ('failure' in outcome) {
      errors.push(outcome.failure);
      diagnostics.push(...outcome.diagnostics);
      continue;
    }
    objects.push(outcome.object);
    warnings.push(...(outcome.warnings ?? []));
    lines.push(...(outcome.warnings ?? []));
    const line = `${objectPrefix(object.resource)}/${outcome.object.metadata.name} ${outcome.action}`;
    stdout.push(line);
    lines.push(line);
    if (!object.resource.modelled) {
      diagnostics.push({
        ...diagnosticAt(
          object,
          ['kind'],
          'value',
          'manifest/no-effect',
          `${object.resource.kind} is accepted, and has no effect in this cluster`,
        ),
        severity: 'info',
      });
    }
  }
  for (const problem of manifest.problems) {
    errors.push({ text: problem.text });
    diagnostics.push(problem.diagnostic);
  }
  if (manifest.objects.length === 0 && errors.length === 0) {
    errors.push({ text: `error: no objects passed to ${verb}` });
    const message = `no objects passed to ${verb}`;
    diagnostics.push({
      severity: 'error',
      code: 'manifest/empty',
      message,
      line: 1,
      column: 1,
      ...named(options.file),
    });
  }
  const [only] = errors;
  // Alone, an Invalid error is spelt out; among others each takes one line (cmdutil.MultipleErrors).
  const stderr =
    errors.length === 1 && only?.error ? [errorText(only.error)] : errors.map((error) => error.text);
  return {
    lines: [...lines, ...stderr],
    stdout,
    stderr: [...warnings, ...stderr],
    diagnostics,
    ok: errors.length === 0,
    objects,
    manifest,
  };

  function handle(object: ManifestObject):
    | Done
    | {
        readonly failure: { readonly text: string; readonly error?: ApiError };
        readonly diagnostics: readonly Diagnostic[];
      } {
    const { resource } = object;
    const fail = (code: string, message: string, path: JsonPath): ReturnType<typeof handle> => ({
      failure: { text: `error: ${message}` },
      diagnostics: [diagnosticAt(object, path, 'value', code, message)],
    });
    if (
      options.namespace !== undefined &&
      object.namespace !== undefined &&
      object.namespace !== options.namespace
    ) {
      const message = `the namespace from the provided object "${object.namespace}" does not match the namespace "${options.namespace}". You must pass '--namespace=${object.namespace}' to perform this operation.`;
      return fail('manifest/namespace', message, ['metadata', 'namespace']);
    }
    const namespace = resource.namespaced ? (object.namespace ?? options.namespace ?? 'default') : undefined;
    const live = object.name ? server.store.get(resource.kind, namespace, object.name) : undefined;
    if (verb === 'replace' && !live) {
      const error: ApiError = {
        reason: 'NotFound',
        message: `${groupResource(resource)} "${object.name}" not found`,
      };
      return refused(object, error, `error when replacing ${JSON.stringify(file)}: `);
    }
    const updating = live !== undefined && verb !== 'create';
    const prefix = updating
      ? verb === 'replace'
        ? `error when replacing ${JSON.stringify(file)}: `
        : ''
      : `error when creating ${JSON.stringify(file)}: `;
    const undecodable = decodingError(object);
    if (undecodable !== undefined) {
      const message =
        updating && verb === 'apply'
          ? undecodable
          : `${resource.kind} in version ${JSON.stringify(resource.version)} cannot be handled as a ${resource.kind}: ${undecodable}`;
      const patching =
        updating && verb === 'apply'
          ? `error when applying patch:\n${compactJson(object.value)}\nto:\n${described(object, namespace)}\nfor: ${JSON.stringify(file)}: error when patching ${JSON.stringify(file)}: `
          : prefix;
      return {
        failure: { text: `Error from server (BadRequest): ${patching}${message}` },
        diagnostics: object.problems.map((problem) => {
          const words =
            problem.code === 'type' ? problem.message : `strict decoding error: ${problem.message}`;
          const at = diagnosticAt(
            object,
            problem.path,
            problem.code === 'type' ? 'value' : 'key',
            `manifest/${problem.code}`,
            words,
          );
          return problem.hint === undefined ? at : { ...at, hint: problem.hint };
        }),
      };
    }
    if (!object.name) {
      if (object.generateName && verb === 'apply') {
        return fail(
          'manifest/generate-name',
          `from ${object.generateName}: cannot use generate name with apply`,
          ['metadata', 'generateName'],
        );
      }
      if (!object.generateName && verb !== 'create')
        return fail('manifest/name', 'resource name may not be empty', ['metadata']);
    }
    const value = withNamespace(object.value, namespace);
    if (!updating) {
      const draft = verb === 'apply' ? withLastApplied(value, namespace) : draftOf(value);
      const result = server.create(resource, draft);
      return finish(object, result, prefix, 'created', namespace);
    }
    if (verb === 'replace')
      return finish(object, server.update(resource, value), prefix, 'replaced', namespace);
    return change(object, live, value, namespace);
  }

  function change(
    object: ManifestObject,
    live: KubeObject,
    value: JsonObject,
    namespace: string | undefined,
  ): ReturnType<typeof handle> {
    const annotations = live.metadata.annotations;
    const recorded =
      annotations && Object.hasOwn(annotations, lastAppliedAnnotation)
        ? annotations[lastAppliedAnnotation]
        : undefined;
    const missing = `Warning: resource ${groupResource(object.resource)}/${object.name} is missing the ${lastAppliedAnnotation} annotation which is required by kubectl apply. kubectl apply should only be used on resources created declaratively by either kubectl create --save-config or kubectl apply. The missing annotation will be patched automatically.`;
    const current = draftOf(live);
    const modified = withLastApplied(value, namespace);
    const merged = threeWayMerge(object.resource.kind, recordedDraft(recorded), modified, current);
    if (equalJson(merged, current)) return { action: 'unchanged', object: live };
    const result = server.update(object.resource, merged);
    const done = finish(object, result, '', 'configured', namespace);
    return 'failure' in done || recorded !== undefined ? done : { ...done, warnings: [missing] };
  }

  function finish(
    object: ManifestObject,
    result: ApiResult<KubeObject>,
    prefix: string,
    action: Done['action'],
    namespace: string | undefined,
  ): ReturnType<typeof handle> {
    if (result.ok) return { action, object: result.value };
    if (action !== 'configured') return refused(object, result.error, prefix);
    const patch = `error when applying patch:\n${compactJson(object.value)}\nto:\n${described(object, namespace)}\nfor: ${JSON.stringify(file)}: error when patching ${JSON.stringify(file)}: `;
    return refused(object, result.error, patch);
  }

  function refused(object: ManifestObject, error: ApiError, prefix: string): ReturnType<typeof handle> {
    const sourced: ApiError =
      error.reason === 'LimitReached' ? error : { ...error, message: `${prefix}${error.message}` };
    const { causes } = error;
    return {
      failure: { text: errorText(withoutCauses(sourced)), error: sourced },
      diagnostics:
        causes && causes.length > 0
          ? causes.map((cause) => causeDiagnostic(object, error, cause))
          : [
              diagnosticAt(
                object,
                error.path ?? ['metadata', 'name'],
                'value',
                error.reason === 'LimitReached' ? 'limit/objects' : 'manifest/refused',
                error.reason === 'LimitReached'
                  ? error.message
                  : `Error from server (${error.reason}): ${error.message}`,
              ),
            ],
    };
  }

  function causeDiagnostic(object: ManifestObject, error: ApiError, cause: FieldError): Diagnostic {
    const message = `The ${error.kind ?? object.resource.kind} "${error.name ?? ''}" is invalid: ${causeText(cause)}`;
    return diagnosticAt(object, cause.path, 'value', 'manifest/invalid', message);
  }

  function diagnosticAt(
    object: ManifestObject,
    path: JsonPath,
    what: 'key' | 'value',
    code: string,
    message: string,
  ): Diagnostic {
    return { severity: 'error', code, message, ...object.locate(path, what), ...named(options.file) };
  }
}

function withoutCauses(error: ApiError): ApiError {
  const { reason, message } = error;
  return { reason, message };
}

function named(file: string | undefined): { readonly file?: string } {
  return file === undefined ? {} : { file };
}

/** resource.Info's String. */
function described({ resource, name }: ManifestObject, namespace: string | undefined): string {
  const group = resource.group ? `${resource.group}/${resource.version}` : `/${resource.version}`;
  return `Resource: "${group}, Resource=${resource.plural}", GroupVersionKind: "${group}, Kind=${resource.kind}"\nName: "${name}", Namespace: "${namespace ?? ''}"`;
}

function withNamespace(value: JsonObject, namespace: string | undefined): JsonObject {
  if (namespace === undefined) return value;
  const metadata = isObject(value['metadata']) ? value['metadata'] : {};
  return { ...value, metadata: { ...metadata, namespace } };
}

function withLastApplied(value: JsonObject, namespace: string | undefined): Draft {
  const draft = draftOf(value);
  const annotations = child(child(draft, 'metadata'), 'annotations');
  annotations[lastAppliedAnnotation] = lastAppliedOf(value, namespace);
  return draft;
}

function recordedDraft(text: string | undefined): Draft {
  if (text === undefined) return {};
  try {
    const parsed: unknown = JSON.parse(text);
    return isObject(parsed) ? draftOf(parsed) : {};
  } catch {
    // A person may have written anything into the annotation.
    return {};
  }
}
