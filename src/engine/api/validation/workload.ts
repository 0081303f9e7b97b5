import type { FieldError } from '../error.ts';
import * as field from '../field.ts';
import type { Draft } from '../json.ts';
import { equalJson, numberAt, objectAt, objectsAt, textAt } from '../json.ts';
import { matchesSelector } from '../labels.ts';
import type { JsonPath } from '../path.ts';
import type { LabelSelector, StringMap } from '../types.ts';
import { validateImmutable, validateLabels, validateSelector } from './metadata.ts';
import { mustBeNonNegative } from './names.ts';
import { validatePodSpec } from './pod.ts';

const restartPolicies: Readonly<Record<string, readonly string[]>> = { Job: ['OnFailure', 'Never'] };

/** apps and batch validation of the kinds that make pods from a template. */
export function validateWorkload(kind: string, object: Draft): FieldError[] {
  const spec = objectAt(object, 'spec') ?? {};
  const path = ['spec'];
  const errors: FieldError[] = [];
  for (const key of [
    'replicas',
    'minReadySeconds',
    'revisionHistoryLimit',
    'progressDeadlineSeconds',
    'parallelism',
    'completions',
    'backoffLimit',
  ]) {
    const value = numberAt(spec, key);
    if (value !== undefined && value < 0)
      errors.push(field.invalid([...path, key], value, mustBeNonNegative));
  }
  const template = objectAt(spec, 'template') ?? {};
  if (kind !== 'Job') errors.push(...validateTemplateSelector(kind, spec, template, path));
  errors.push(...validateTemplate(kind, template, [...path, 'template']));
  if (kind === 'Deployment')
    errors.push(...validateStrategy(objectAt(spec, 'strategy'), [...path, 'strategy']));
  if (kind === 'StatefulSet') {
    const policy = textAt(spec, 'podManagementPolicy');
    if (policy !== 'OrderedReady' && policy !== 'Parallel') {
      errors.push(
        field.invalid([...path, 'podManagementPolicy'], policy, "must be 'OrderedReady' or 'Parallel'"),
      );
    }
    const strategy = objectAt(spec, 'updateStrategy');
    const type = textAt(strategy, 'type');
    if (type !== 'RollingUpdate' && type !== 'OnDelete') {
      errors.push(
        field.invalid([...path, 'updateStrategy'], strategy, "must be 'RollingUpdate' or 'OnDelete'"),
      );
    }
  }
  if (kind === 'DaemonSet')
    errors.push(...validateStrategy(objectAt(spec, 'updateStrategy'), [...path, 'updateStrategy']));
  return errors;
}

function validateTemplateSelector(kind: string, spec: Draft, template: Draft, path: JsonPath): FieldError[] {
  const errors: FieldError[] = [];
  const selector = objectAt(spec, 'selector');
  const at = [...path, 'selector'];
  if (!selector) errors.push(field.required(at));
  else {
    errors.push(...validateSelector(selector, at));
    const empty =
      Object.keys(objectAt(selector, 'matchLabels') ?? {}).length +
        objectsAt(selector, 'matchExpressions').length ===
      0;
    if (empty) {
      // Of a ReplicaSet too it is said that it were a Deployment.
      const named = kind === 'StatefulSet' || kind === 'DaemonSet' ? kind.toLowerCase() : 'deployment';
      errors.push(field.invalid(at, selector, `empty selector is invalid for ${named}`));
    }
  }
  const labels = objectAt(objectAt(template, 'metadata'), 'labels');
  if (selector && !matchesSelector(selector as LabelSelector, labels as StringMap | undefined)) {
    errors.push(
      field.invalid(
        [...path, 'template', 'metadata', 'labels'],
        labels ?? null,
        '`selector` does not match template `labels`',
      ),
    );
  }
  return errors;
}

function validateTemplate(kind: string, template: Draft, path: JsonPath): FieldError[] {
  const errors: FieldError[] = validateLabels(objectAt(objectAt(template, 'metadata'), 'labels'), [
    ...path,
    'labels',
  ]).map((error) => ({
    ...error,
    path: [...path, 'metadata', ...error.path.slice(path.length)],
  }));
  const spec = objectAt(template, 'spec') ?? {};
  errors.push(...validatePodSpec(spec, [...path, 'spec']));
  const policy = textAt(spec, 'restartPolicy');
  const allowed = restartPolicies[kind] ?? ['Always'];
  if (policy !== undefined && !allowed.includes(policy)) {
    const where = [...path, 'spec', 'restartPolicy'];
    errors.push(
      kind === 'Job'
        ? field.required(where, 'valid values: "OnFailure", "Never"')
        : field.notSupported(where, policy, allowed),
    );
  }
  if (kind !== 'Job' && numberAt(spec, 'activeDeadlineSeconds') !== undefined) {
    errors.push(
      field.forbidden(
        [...path, 'spec', 'activeDeadlineSeconds'],
        `activeDeadlineSeconds in ${kind} is not Supported`,
      ),
    );
  }
  return errors;
}

function validateStrategy(strategy: Draft | undefined, path: JsonPath): FieldError[] {
  const errors: FieldError[] = [];
  const rolling = objectAt(strategy, 'rollingUpdate');
  if (textAt(strategy, 'type') === 'Recreate') {
    if (rolling)
      errors.push(
        field.forbidden(
          [...path, 'rollingUpdate'],
          "may not be specified when strategy `type` is 'Recreate'",
        ),
      );
    return errors;
  }
  for (const key of ['maxUnavailable', 'maxSurge']) {
    const value = rolling?.[key];
    const at = [...path, 'rollingUpdate', key];
    if (typeof value === 'number' && value < 0) errors.push(field.invalid(at, value, mustBeNonNegative));
    if (typeof value !== 'string') continue;
    if (!/^\d+%$/.test(value)) {
      const detail = `a valid percent string must be a numeric string followed by an ending '%' (e.g. '1%',  or '93%', regex used for validation is '[0-9]+%')`;
      errors.push(field.invalid(at, value, detail));
    } else if (key === 'maxUnavailable' && Number(value.slice(0, -1)) > 100)
      errors.push(field.invalid(at, value, 'must not be greater than 100%'));
  }
  const zero = (value: unknown) => value === 0 || value === '0%';
  if (zero(rolling?.['maxUnavailable']) && zero(rolling?.['maxSurge'])) {
    errors.push(
      field.invalid(
        [...path, 'rollingUpdate', 'maxUnavailable'],
        rolling?.['maxUnavailable'],
        'may not be 0 when `maxSurge` is 0',
      ),
    );
  }
  return errors;
}

/** What of a workload stays as it was made. */
export function validateWorkloadUpdate(kind: string, next: Draft, live: Draft): FieldError[] {
  const [spec, old] = [objectAt(next, 'spec') ?? {}, objectAt(live, 'spec') ?? {}];
  if (kind === 'StatefulSet') {
    const free = [
      'replicas',
      'ordinals',
      'template',
      'updateStrategy',
      'revisionHistoryLimit',
      'persistentVolumeClaimRetentionPolicy',
      'minReadySeconds',
    ];
    const rest = (from: Draft): Draft =>
      Object.fromEntries(Object.entries(from).filter(([key]) => !free.includes(key)));
    if (equalJson(rest(spec), rest(old))) return [];
    const changed =
      Object.keys({ ...rest(spec), ...rest(old) }).find((key) => !equalJson(spec[key], old[key])) ??
      'selector';
    const list =
      "'replicas', 'ordinals', 'template', 'updateStrategy', 'revisionHistoryLimit', 'persistentVolumeClaimRetentionPolicy' and 'minReadySeconds'";
    return [
      {
        ...field.forbidden(
          ['spec'],
          `updates to statefulset spec for fields other than ${list} are forbidden`,
        ),
        path: ['spec', changed],
      },
    ];
  }
  const errors = validateImmutable(spec['selector'], old['selector'], ['spec', 'selector']);
  if (kind !== 'Job') return errors;
  errors.push(...validateImmutable(spec['template'], old['template'], ['spec', 'template']));
  errors.push(...validateImmutable(spec['completions'], old['completions'], ['spec', 'completions']));
  return errors;
}
