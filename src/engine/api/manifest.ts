import type { Diagnostic } from '../cluster.ts';
import type { FieldProblem } from './fields.ts';
import { checkFields, mostProblems } from './fields.ts';
import { compactJson, isObject } from './json.ts';
import type { ResourceKind } from './kinds.ts';
import { resourceKinds, resourceOfKind } from './kinds.ts';
import type { JsonPath } from './path.ts';
import { formatPath } from './path.ts';
import { nearest } from './spelling.ts';
import type { Json, JsonObject } from './types.ts';
import type { Range } from './yaml.ts';
import { readYaml } from './yaml.ts';

/** One object of a manifest, recognised but not yet accepted by the server. */
export interface ManifestObject {
  readonly resource: ResourceKind;
  readonly value: JsonObject;
  /** What the API server's strict decoder would say; empty when it would decode. */
  readonly problems: readonly FieldProblem[];
  /** The first of them that is about a type hides the others, as in the server. */
  readonly name: string;
  readonly generateName: string;
  readonly namespace: string | undefined;
  /** Where it begins. */
  readonly place: Range;
  locate(path: JsonPath, what: 'key' | 'value'): Range;
}

/** Something in a manifest that is no object; `text` is the line that kubectl prints. */
export interface ManifestProblem {
  readonly text: string;
  readonly diagnostic: Diagnostic;
}

export interface Manifest {
  readonly objects: readonly ManifestObject[];
  readonly problems: readonly ManifestProblem[];
}

/** Reads a manifest as `kubectl -f` does; `file` is what its messages call it. Never throws. */
export function readManifest(text: string, file = 'STDIN'): Manifest {
  const stream = readYaml(text);
  const objects: ManifestObject[] = [];
  const problems: ManifestProblem[] = [];
  for (const document of stream.documents) {
    const stop = addObject(
      document.value,
      [],
      (path, what) => document.locate(path, what),
      document.duplicates,
    );
    if (stop) return { objects, problems };
  }
  if (stream.problem) {
    const { message, hint, ...range } = stream.problem;
    const words = message.startsWith('yaml:') ? `error converting YAML to JSON: ${message}` : message;
    problems.push({
      text: `error: error parsing ${file}: ${words}`,
      diagnostic: {
        severity: 'error',
        code: 'manifest/yaml',
        message: words,
        ...place(range),
        ...(hint ? { hint } : {}),
      },
    });
  }
  return { objects, problems };

  function place(range: Range): Pick<Diagnostic, 'line' | 'column' | 'endLine' | 'endColumn' | 'file'> {
    return { ...range, ...(file === 'STDIN' ? {} : { file }) };
  }

  /** True when kubectl reads no further. */
  function addObject(
    value: Json,
    at: JsonPath,
    locateInDocument: ManifestObject['locate'],
    duplicates: readonly { readonly path: JsonPath; readonly range: Range }[],
  ): boolean {
    const locate: ManifestObject['locate'] = (path, what) => locateInDocument([...at, ...path], what);
    const report = (code: string, text: string, message: string, range: Range, hint?: string): void => {
      problems.push({
        text,
        diagnostic: { severity: 'error', code, message, ...place(range), ...(hint ? { hint } : {}) },
      });
    };
    const validation = (code: string, message: string, range: Range, hint?: string): true => {
      const advice = 'if you choose to ignore these errors, turn validation off with --validate=false';
      report(
        code,
        `error: error validating "${file}": error validating data: ${message}; ${advice}`,
        message,
        range,
        hint,
      );
      return true;
    };
    if (!isObject(value)) {
      return validation(
        'manifest/not-an-object',
        'invalid object to validate',
        locate([], 'value'),
        'a manifest is a mapping that begins with apiVersion and kind',
      );
    }
    const object: JsonObject = value;
    const { apiVersion, kind } = object;
    const missing = [
      ...(typeof apiVersion === 'string' && apiVersion !== '' ? [] : ['apiVersion not set']),
      ...(typeof kind === 'string' && kind !== '' ? [] : ['kind not set']),
    ];
    if (missing.length > 0 || typeof apiVersion !== 'string' || typeof kind !== 'string') {
      const misspelt = Object.keys(object).find(
        (key) => key !== 'kind' && key !== 'apiVersion' && nearest(key, ['kind', 'apiVersion']),
      );
      const known = typeof kind === 'string' ? resourceOfKind(kind) : undefined;
      const hint = misspelt
        ? `"${misspelt}" is written "${nearest(misspelt, ['kind', 'apiVersion']) ?? ''}"`
        : known
          ? `a ${known.kind} is in ${known.apiVersion}`
          : undefined;
      return validation(
        'manifest/missing-kind',
        missing.length > 1 ? `[${missing.join(', ')}]` : (missing[0] ?? ''),
        locate(misspelt ? [misspelt] : [], 'key'),
        hint,
      );
    }
    if (kind.endsWith('List') && (Array.isArray(object['items']) || kind === 'List')) {
      const items = Array.isArray(object['items']) ? object['items'] : [];
      for (const [i, item] of items.entries())
        if (addObject(item, [...at, 'items', i], locateInDocument, duplicates)) return true;
      return false;
    }
    const metadata = isObject(object['metadata']) ? object['metadata'] : {};
    const text = (key: string): string => {
      const found = Object.hasOwn(metadata, key) ? metadata[key] : undefined;
      return typeof found === 'string' ? found : '';
    };
    const resource = resourceOfKind(kind);
    if (!resource || resource.apiVersion !== apiVersion) {
      const message = `resource mapping not found for name: ${JSON.stringify(text('name'))} namespace: ${JSON.stringify(text('namespace'))} from ${JSON.stringify(file)}: no matches for kind ${JSON.stringify(kind)} in version ${JSON.stringify(apiVersion)}\nensure CRDs are installed first`;
      const similar = resource
        ? undefined
        : nearest(
            kind,
            resourceKinds.map((candidate) => candidate.kind),
          );
      const hint = resource
        ? `a ${kind} is in ${resource.apiVersion}`
        : similar
          ? `did you mean "${similar}"?`
          : 'this cluster knows the kinds of Kubernetes itself, and no custom ones';
      report(
        'manifest/unknown-kind',
        `error: ${message}`,
        message,
        locate([resource ? 'apiVersion' : 'kind'], 'value'),
        hint,
      );
      return false;
    }
    const check = resource.modelled ? checkFields(kind, object) : { strict: [] };
    const doubled: FieldProblem[] = duplicates
      .slice(0, mostProblems)
      .filter(({ path }) => at.every((step, i) => path[i] === step))
      .map(({ path }) => ({
        code: 'duplicate-field',
        path: path.slice(at.length),
        message: `duplicate field ${JSON.stringify(formatPath(path.slice(at.length)))}`,
        hint: 'YAML keeps only the last of equal keys',
      }));
    objects.push({
      resource,
      value: object,
      problems: check.type ? [check.type] : [...doubled, ...check.strict].slice(0, mostProblems),
      name: text('name'),
      generateName: text('generateName'),
      namespace: resource.namespaced ? text('namespace') || undefined : undefined,
      get place() {
        return locate([], 'value');
      },
      locate,
    });
    return false;
  }
}

/** The API server's one line about an object that does not decode: `Pod in version "v1" cannot be handled as a Pod: …`. */
export function decodingError(object: ManifestObject): string | undefined {
  const [first] = object.problems;
  if (!first) return undefined;
  return first.code === 'type'
    ? first.message
    : `strict decoding error: ${object.problems.map(({ message }) => message).join(', ')}`;
}

/** kubectl.kubernetes.io/last-applied-configuration, as GetModifiedConfiguration makes it. */
export function lastAppliedOf(value: JsonObject, namespace: string | undefined): string {
  const metadata: JsonObject = isObject(value['metadata']) ? value['metadata'] : {};
  const annotations: JsonObject = isObject(metadata['annotations']) ? metadata['annotations'] : {};
  const kept = Object.fromEntries(
    Object.entries(annotations).filter(([key]) => key !== lastAppliedAnnotation),
  );
  const named = namespace === undefined ? {} : { namespace };
  return `${compactJson({ ...value, metadata: { ...metadata, ...named, annotations: kept } })}\n`;
}

export const lastAppliedAnnotation = 'kubectl.kubernetes.io/last-applied-configuration';
