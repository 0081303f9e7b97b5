import type { ApiResult } from '../../api/error.ts';
import { checkFields } from '../../api/fields.ts';
import { type Draft, draftOf, type DraftValue, equalJson, isObject } from '../../api/json.ts';
import type { ResourceKind } from '../../api/kinds.ts';
import type { KubeObject } from '../../api/types.ts';
import { Failure, failure, type Invocation, refusal } from './invocation.ts';
import { dryRunOf, printDone } from './output.ts';
import type { Found, Target } from './targets.ts';

/** What a change made of an object: the words to print (others, or none, when it changed nothing), or why not. */
export type Changed = { readonly action: string; readonly unchanged?: string } | Failure;

/** Changes each object through the API server and prints what was done; a dry run is marked as one, but by `taint`. */
export function changeEach(
  k: Invocation,
  found: Found,
  change: (draft: Draft, target: Target) => Changed,
  mark: 'marked' | 'unmarked' = 'marked',
): number {
  const dryRun = dryRunOf(k);
  if (dryRun instanceof Failure) return k.fail(dryRun);
  const errors = [...found.errors];
  let code = 0;
  for (const target of found.targets) {
    const draft = draftOf(target.object);
    const changed = change(draft, target);
    if (changed instanceof Failure) {
      errors.push(changed);
      continue;
    }
    dropUnknown(k, target.resource, draft);
    const same = equalJson(draft, draftOf(target.object));
    const result: ApiResult<KubeObject> =
      dryRun === 'none' && !same
        ? k.host.api.update(target.resource, draft)
        : { ok: true, value: target.object };
    const action = same ? (changed.unchanged ?? changed.action) : changed.action;
    if (!result.ok) errors.push(refusal(result.error));
    else if (action !== '')
      code ||= printDone(k, { resource: target.resource, object: result.value }, action, mark);
  }
  return k.report(errors) || code;
}

/** Fields that the kind does not have are dropped with a warning, as the API server does with what is no manifest. */
function dropUnknown(k: Invocation, resource: ResourceKind, draft: Draft): void {
  if (!resource.modelled) return;
  for (const problem of checkFields(resource.kind, draft).strict) {
    if (problem.code !== 'unknown-field') continue;
    k.note(`Warning: ${problem.message}`);
    const path = [...problem.path];
    const last = path.pop();
    let parent: DraftValue | undefined = draft;
    for (const step of path) {
      parent = Array.isArray(parent) ? parent[Number(step)] : isObject(parent) ? parent[step] : undefined;
    }
    if (isObject(parent) && last !== undefined) delete parent[last];
  }
}

/** Separates `pods web a=b c-` into what names objects and what changes them. */
export function splitPairs(
  args: readonly string[],
  what: string,
): { readonly resources: readonly string[]; readonly pairs: readonly string[] } | Failure {
  const isPair = (arg: string) => /^[^=]+=/.test(arg) || arg.endsWith('-');
  const start = args.findIndex(isPair);
  const resources = start < 0 ? args : args.slice(0, start);
  const pairs = start < 0 ? [] : args.slice(start);
  const stray = pairs.find((arg) => !isPair(arg));
  if (stray !== undefined) return failure(`all resources must be specified before ${what} changes: ${stray}`);
  return { resources, pairs };
}
