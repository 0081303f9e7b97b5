import type { FieldError } from './error.ts';
import type { Draft } from './json.ts';
import type { ResourceKind } from './kinds.ts';

export function validateCreate(resource: ResourceKind, object: Draft): FieldError[] {
  void resource;
  void object;
  return [];
}

export function validateUpdate(resource: ResourceKind, next: Draft, live: Draft): FieldError[] {
  void live;
  return validateCreate(resource, next);
}
