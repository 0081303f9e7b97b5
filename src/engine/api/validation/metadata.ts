import type { FieldError } from '../error.ts';
import * as field from '../field.ts';
import type { Draft } from '../json.ts';
import { equalJson, objectAt, objectsAt, textAt } from '../json.ts';
import type { ResourceKind } from '../kinds.ts';
import type { JsonPath } from '../path.ts';
import {
  byteLength,
  dns1035Label,
  dns1123Label,
  dns1123Subdomain,
  immutableField,
  qualifiedName,
  validLabelValue,
} from './names.ts';

const totalAnnotationBytes = 256 * 1024;

/** Which check a kind's name has to pass. */
function nameCheck(kind: string): (text: string) => string[] {
  if (kind === 'Service') return dns1035Label;
  if (kind === 'Namespace' || kind === 'StatefulSet') return dns1123Label;
  // RBAC takes any path segment.
  if (/^(?:Cluster)?Role(?:Binding)?$/.test(kind))
    return (text) => (/^\.{1,2}$|[/%]/.test(text) ? [`may not contain '/' or '%'`] : []);
  return dns1123Subdomain;
}

/** apimachinery's ValidateObjectMeta */
export function validateMetadata(resource: ResourceKind, object: Draft): FieldError[] {
  const errors: FieldError[] = [];
  const path = ['metadata'];
  const metadata = objectAt(object, 'metadata');
  const name = textAt(metadata, 'name') ?? '';
  if (name === '') errors.push(field.required([...path, 'name'], 'name or generateName is required'));
  else
    for (const problem of nameCheck(resource.kind)(name))
      errors.push(field.invalid([...path, 'name'], name, problem));
  const namespace = textAt(metadata, 'namespace');
  if (resource.namespaced && namespace !== undefined) {
    for (const problem of dns1123Label(namespace))
      errors.push(field.invalid([...path, 'namespace'], namespace, problem));
  }
  errors.push(...validateLabels(objectAt(metadata, 'labels'), [...path, 'labels']));
  errors.push(...validateAnnotations(objectAt(metadata, 'annotations'), [...path, 'annotations']));
  let controllers = 0;
  for (const [i, reference] of objectsAt(metadata, 'ownerReferences').entries()) {
    const at = [...path, 'ownerReferences', i];
    for (const key of ['apiVersion', 'kind', 'name', 'uid']) {
      if (!textAt(reference, key))
        errors.push(
          field.invalid([...at, key], '', `${key === 'apiVersion' ? 'version' : key} must not be empty`),
        );
    }
    if (reference['controller'] === true && ++controllers === 2) {
      errors.push(
        field.invalid(
          [...path, 'ownerReferences'],
          metadata?.['ownerReferences'],
          'Only one reference can have Controller set to true.',
        ),
      );
    }
  }
  for (const [i, finalizer] of finalizersOf(metadata).entries()) {
    for (const problem of qualifiedName(finalizer))
      errors.push(field.invalid([...path, 'finalizers', i], finalizer, problem));
  }
  return errors;
}

function finalizersOf(metadata: Draft | undefined): string[] {
  const finalizers = metadata?.['finalizers'];
  return Array.isArray(finalizers) ? finalizers.filter((item) => typeof item === 'string') : [];
}

export function validateLabels(labels: Draft | undefined, path: JsonPath): FieldError[] {
  const errors: FieldError[] = [];
  for (const [key, value] of Object.entries(labels ?? {})) {
    for (const problem of qualifiedName(key)) errors.push(field.invalid(path, key, problem));
    if (typeof value !== 'string') continue;
    for (const problem of validLabelValue(value))
      errors.push({ ...field.invalid(path, value, problem), path: [...path, key] });
  }
  return errors;
}

function validateAnnotations(annotations: Draft | undefined, path: JsonPath): FieldError[] {
  const errors: FieldError[] = [];
  let size = 0;
  for (const [key, value] of Object.entries(annotations ?? {})) {
    // Annotation keys may have upper case in their prefix.
    for (const problem of qualifiedName(key.toLowerCase())) errors.push(field.invalid(path, key, problem));
    size += byteLength(key) + (typeof value === 'string' ? byteLength(value) : 0);
  }
  if (size > totalAnnotationBytes) errors.push(field.tooLong(path, totalAnnotationBytes));
  return errors;
}

/** ValidateLabelSelector */
export function validateSelector(selector: Draft | undefined, path: JsonPath): FieldError[] {
  const errors: FieldError[] = [];
  errors.push(...validateLabels(objectAt(selector, 'matchLabels'), [...path, 'matchLabels']));
  for (const [i, expression] of objectsAt(selector, 'matchExpressions').entries()) {
    const at = [...path, 'matchExpressions', i];
    const operator = textAt(expression, 'operator') ?? '';
    const values = Array.isArray(expression['values']) ? expression['values'] : [];
    const key = textAt(expression, 'key') ?? '';
    for (const problem of qualifiedName(key)) errors.push(field.invalid([...at, 'key'], key, problem));
    if (operator === 'In' || operator === 'NotIn') {
      if (values.length === 0)
        errors.push(
          field.required([...at, 'values'], "must be specified when `operator` is 'In' or 'NotIn'"),
        );
    } else if (operator === 'Exists' || operator === 'DoesNotExist') {
      if (values.length > 0)
        errors.push(
          field.forbidden(
            [...at, 'values'],
            "may not be specified when `operator` is 'Exists' or 'DoesNotExist'",
          ),
        );
    } else errors.push(field.invalid([...at, 'operator'], operator, 'not a valid selector operator'));
    for (const [j, value] of values.entries()) {
      if (typeof value !== 'string') continue;
      for (const problem of validLabelValue(value))
        errors.push(field.invalid([...at, 'values', j], value, problem));
    }
  }
  return errors;
}

export function validateImmutable(next: unknown, live: unknown, path: JsonPath): FieldError[] {
  return equalJson(next ?? null, live ?? null) ? [] : [field.invalid(path, next as Draft, immutableField)];
}
