import { checkFields } from '../../../api/fields.ts';
import { type Draft, type DraftValue, isObject, setOwn } from '../../../api/json.ts';
import type { ResourceKind } from '../../../api/kinds.ts';
import { applyPatch } from '../../../api/merge.ts';
import { readYaml } from '../../../api/yaml.ts';
import type { Task } from '../../../net/task.ts';
import { changeEach } from '../change.ts';
import { goValue } from '../go-format.ts';
import { Failure, failure, type Invocation, refusal } from '../invocation.ts';
import { findTargets } from '../targets.ts';
import { fieldOf, textAt } from '../value.ts';

export function* patch(k: Invocation): Task<number> {
  const text = k.flags.text('patch');
  const type = k.flags.text('type') || 'strategic';
  if (text === '') return k.fail('must specify --patch or --patch-file containing the contents of the patch');
  if (!['json', 'merge', 'strategic'].includes(type)) {
    return k.fail(`--type must be one of [json merge strategic], not ${JSON.stringify(type)}`);
  }
  const { documents, problem } = readYaml(text);
  const value = documents[0]?.value;
  if (problem !== undefined || value === undefined) {
    return k.fail(`unable to parse ${JSON.stringify(text)}: ${problem?.message ?? 'yaml: empty patch'}`);
  }
  const found = findTargets(k, k.args, { all: false });
  if (found instanceof Failure) return k.fail(found);
  return changeEach(k, found, (draft, { resource, object }) => {
    let next: Draft;
    if (type === 'json') {
      const problem = applyOperations(draft, value);
      if (problem !== undefined) return problem;
      next = draft;
    } else {
      if (!isObject(value)) return failure(`unable to parse ${JSON.stringify(text)}: a patch is a mapping`);
      next = type === 'merge' ? mergePatch(draft, value) : applyPatch(resource.kind, draft, value);
      for (const key of Object.keys(draft)) delete draft[key];
      Object.assign(draft, next);
    }
    const undecodable = undecodablePatch(resource, next, type === 'strategic' ? value : undefined);
    if (undecodable !== undefined) return undecodable;
    if (textAt(next, 'metadata.name') !== object.metadata.name) {
      return refusal({
        reason: 'BadRequest',
        message: 'the name of the object does not match the name on the URL',
      });
    }
    return { action: 'patched', unchanged: 'patched (no change)' };
  });
}

/** RFC 7386. */
function mergePatch(target: Draft, change: Draft): Draft {
  const merged: Draft = { ...target };
  for (const [key, value] of Object.entries(change)) {
    const before = Object.hasOwn(target, key) ? target[key] : undefined;
    if (value === null) delete merged[key];
    else setOwn(merged, key, isObject(value) ? mergePatch(isObject(before) ? before : {}, value) : value);
  }
  return merged;
}

/** RFC 6902: `add`, `replace`, `remove` and `test`. */
function applyOperations(root: Draft, operations: unknown): Failure | undefined {
  if (!Array.isArray(operations)) return failure('a patch of type json is a list of operations');
  for (const operation of operations) {
    const op = textAt(operation, 'op');
    const path = textAt(operation, 'path');
    const steps = path
      .split('/')
      .slice(1)
      .map((step) => step.replaceAll('~1', '/').replaceAll('~0', '~'));
    const last = steps.pop() ?? '';
    const parent = steps.reduce<unknown>(
      (at, step) => (Array.isArray(at) ? at[Number(step)] : fieldOf(at, step)),
      root,
    );
    const value: DraftValue = (fieldOf(operation, 'value') as DraftValue | undefined) ?? null;
    const missing = refusal({
      reason: 'Invalid',
      message: `the server rejected our request due to an error in our request`,
    });
    if (Array.isArray(parent)) {
      const index = last === '-' ? parent.length : Number(last);
      if (!(index >= 0) || index > parent.length - (op === 'add' ? 0 : 1)) return missing;
      if (op === 'add') parent.splice(index, 0, value);
      else if (op === 'remove') parent.splice(index, 1);
      else if (op === 'replace') parent[index] = value;
    } else if (isObject(parent)) {
      const exists = Object.hasOwn(parent, last);
      if (op !== 'add' && !exists) return missing;
      if (op === 'remove') delete parent[last];
      else if (op === 'test') {
        if (JSON.stringify(parent[last]) !== JSON.stringify(value)) return missing;
      } else setOwn<DraftValue | undefined>(parent, last, value);
    } else return missing;
  }
  return undefined;
}

/** A patch that gives a field a value of another type. A strategic one is told apart by the converter that reads it. */
function undecodablePatch(resource: ResourceKind, next: Draft, strategic: unknown): Failure | undefined {
  const problem = resource.modelled ? checkFields(resource.kind, next).type : undefined;
  if (problem === undefined) return undefined;
  if (strategic === undefined) {
    const version = JSON.stringify(resource.version);
    const message = `${resource.kind} in version ${version} cannot be handled as a ${resource.kind}: ${problem.message}`;
    return refusal({ reason: 'BadRequest', message });
  }
  const [, found = '', type = ''] =
    /cannot unmarshal (\w+) into .* of type (\S+)$/.exec(problem.message) ?? [];
  const patch = JSON.stringify(goValue(strategic));
  return new Failure(
    `The request is invalid: patch: Invalid value: ${patch}: ${conversionError(found, type)}`,
  );
}

/** Facts: `k8s.io/apimachinery/pkg/runtime/converter.go`, `fromUnstructured`. */
function conversionError(found: string, type: string): string {
  const given =
    found === 'object' ? 'map' : found === 'array' ? 'slice' : found === 'number' ? 'int64' : found;
  if (type.startsWith('[]')) return `cannot restore slice from ${given}`;
  if (type.startsWith('map[')) return `cannot restore map from ${given}`;
  if (type.includes('.')) return `cannot restore struct from: ${given}`;
  if (found === 'number' && type === 'string') return 'cannot convert int64 to string';
  return `unrecognized type: ${type}`;
}
