import type { JsonPath } from './path.ts';

/** `field.Error`: one thing wrong with one field. */
export interface FieldError {
  /** `spec.ports[0].port`, as the API server writes paths. */
  readonly field: string;
  readonly path: JsonPath;
  /** With its type: `Invalid value: 99999: must be between 1 and 65535, inclusive`. */
  readonly message: string;
}

/** `metav1.Status` of a refused request. */
export interface ApiError {
  readonly reason:
    | 'BadRequest'
    | 'NotFound'
    | 'AlreadyExists'
    | 'Conflict'
    | 'Invalid'
    | 'Forbidden'
    | 'MethodNotAllowed'
    | 'InternalError'
    /** Not Kubernetes': this cluster's own bound on its number of objects. */
    | 'LimitReached';
  readonly message: string;
  /** For `Invalid`. */
  readonly kind?: string;
  readonly name?: string;
  readonly causes?: readonly FieldError[];
  /** The field that a request was refused for, when one can be told. */
  readonly path?: JsonPath;
}

export type ApiResult<T> =
  { readonly ok: true; readonly value: T } | { readonly ok: false; readonly error: ApiError };

export function accept<T>(value: T): ApiResult<T> {
  return { ok: true, value };
}

export function refuse(error: ApiError): { readonly ok: false; readonly error: ApiError } {
  return { ok: false, error };
}

/** What kubectl prints for it on standard error: cmdutil.StandardErrorMessage and checkErr. */
export function errorText(error: ApiError): string {
  if (error.reason === 'LimitReached') return `error: ${error.message}`;
  if (error.reason === 'Invalid' && error.causes) {
    const head = `The ${error.kind ?? ''} "${error.name ?? ''}" is invalid`;
    const causes = [...new Set(error.causes.map(causeText))];
    const [only = ''] = causes;
    return causes.length === 1
      ? `${head}: ${only}`
      : `${head}: \n${causes.map((cause) => `* ${cause}`).join('\n')}`;
  }
  return `Error from server (${error.reason}): ${error.message}`;
}

export function causeText(cause: FieldError): string {
  return `${cause.field}: ${cause.message}`;
}

/** More than this is told to nobody's use. */
const mostCauses = 100;

/** apierrors.NewInvalid */
export function invalid(groupKindName: string, fullName: string, errors: readonly FieldError[]): ApiError {
  const name = fullName.length > 300 ? `${fullName.slice(0, 300)}…` : fullName;
  const causes = errors.slice(0, mostCauses);
  const texts = [...new Set(causes.map(causeText))];
  const [only = ''] = texts;
  return {
    reason: 'Invalid',
    kind: groupKindName.split('.')[0] ?? '',
    name,
    causes,
    message: `${groupKindName} "${name}" is invalid: ${texts.length === 1 ? only : `[${texts.join(', ')}]`}`,
    ...(causes[0] ? { path: causes[0].path } : {}),
  };
}
