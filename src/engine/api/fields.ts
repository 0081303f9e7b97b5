import type { JsonPath } from './path.ts';
import { formatPath } from './path.ts';
import { schema } from './schema.ts';
import { nearest } from './spelling.ts';
import type { Json, JsonObject } from './types.ts';

export interface StructType {
  readonly name: string;
  readonly fields: ReadonlyMap<string, Field>;
}

export interface Field {
  readonly code: string;
  /** OpenAPI says so; the API server's own rules are often more exact. */
  readonly required: boolean;
}

let types: Map<string, StructType> | undefined;

/** A Go struct of the API by its name. The table is read at first use. */
export function structType(name: string): StructType | undefined {
  if (!types) {
    types = new Map();
    for (const line of schema.trim().split('\n')) {
      const [type = '', list = ''] = line.split('|');
      const fields = new Map<string, Field>();
      for (const entry of list.split(',')) {
        const colon = entry.indexOf(':');
        const required = entry[colon - 1] === '!';
        if (colon > 0)
          fields.set(entry.slice(0, required ? colon - 1 : colon), {
            code: entry.slice(colon + 1),
            required,
          });
      }
      types.set(type, { name: type, fields });
    }
  }
  return types.get(name);
}

/** What is wrong with the fields of a JSON object, as sigs.k8s.io/json finds it. */
export interface FieldProblem {
  readonly code: 'unknown-field' | 'duplicate-field' | 'type';
  readonly path: JsonPath;
  /** `unknown field "spec.foo"` or `json: cannot unmarshal …`. */
  readonly message: string;
  readonly hint?: string;
}

export interface FieldCheck {
  /** Unknown fields, in the order of sorted keys in which kubectl sends them. */
  readonly strict: readonly FieldProblem[];
  /** The first value of a wrong type; the API server reports no other then. */
  readonly type?: FieldProblem;
}

/** sigs.k8s.io/json accumulates no more. */
export const mostProblems = 100;

/** Checks a manifest against the fields that its kind has. */
export function checkFields(kind: string, value: JsonObject): FieldCheck {
  const root = structType(kind);
  if (!root) return { strict: [] };
  // Nearly every object is as it should be: paths for messages are made only for those that are not.
  if (fits(value, root.name)) return { strict: [] };
  const strict: FieldProblem[] = [];
  let wrong: FieldProblem | undefined;
  walk(value, root.name, [], '', [], [root]);
  return wrong ? { strict, type: wrong } : { strict };

  function mismatch(
    found: string,
    goType: string,
    struct: string,
    fields: readonly string[],
    path: JsonPath,
  ): void {
    const place = fields.length > 0 ? `Go struct field ${struct}.${fields.join('.')}` : 'Go value';
    wrong ??= {
      code: 'type',
      path,
      message: `json: cannot unmarshal ${found} into ${place} of type ${goType}`,
      ...hintFor(found, goType),
    };
  }

  function walk(
    json: Json | undefined,
    code: string,
    path: JsonPath,
    struct: string,
    fields: readonly string[],
    parents: readonly StructType[],
  ): void {
    if (json === null || json === undefined || code === 'a') return;
    if (code.startsWith('[]')) {
      if (!Array.isArray(json))
        return mismatch(jsonType(json), goType(code, struct, fields), struct, fields, path);
      for (const [i, item] of json.entries())
        walk(item, code.slice(2), [...path, i], struct, fields, parents);
      return;
    }
    if (code.startsWith('{}')) {
      if (!isObject(json))
        return mismatch(jsonType(json), goType(code, struct, fields), struct, fields, path);
      for (const key of Object.keys(json).sort())
        walk(json[key], code.slice(2), [...path, key], struct, fields, parents);
      return;
    }
    const type = structType(code);
    if (type) {
      if (!isObject(json)) return mismatch(jsonType(json), `v1.${code}`, struct, fields, path);
      for (const key of Object.keys(json).sort()) {
        const field = type.fields.get(key);
        if (field)
          walk(json[key], field.code, [...path, key], type.name, [...fields, key], [...parents, type]);
        else if (strict.length < mostProblems) {
          const where = [...path, key];
          const hint = suggest(key, type, parents, path);
          strict.push({
            code: 'unknown-field',
            path: where,
            message: `unknown field ${JSON.stringify(formatPath(where))}`,
            ...(hint ? { hint } : {}),
          });
        }
      }
      return;
    }
    const problem = scalarProblem(json, code);
    if (problem === undefined) return;
    if (problem.startsWith('=')) wrong ??= { code: 'type', path, message: problem.slice(1) };
    else mismatch(problem, goType(code, struct, fields), struct, fields, path);
  }
}

function fits(json: Json | undefined, code: string): boolean {
  if (json === null || json === undefined || code === 'a') return true;
  if (code.startsWith('[]')) {
    const item = code.slice(2);
    return Array.isArray(json) && json.every((one) => fits(one, item));
  }
  if (!isObject(json)) return structType(code) === undefined && scalarProblem(json, code) === undefined;
  if (code.startsWith('{}')) {
    const item = code.slice(2);
    return Object.keys(json).every((key) => fits(json[key], item));
  }
  const type = structType(code);
  return (
    type !== undefined &&
    Object.keys(json).every((key) => {
      const field = type.fields.get(key);
      return field !== undefined && fits(json[key], field.code);
    })
  );
}

function isObject(json: Json | undefined): json is JsonObject {
  return typeof json === 'object' && json !== null && !Array.isArray(json);
}

function jsonType(json: Json): string {
  if (Array.isArray(json)) return 'array';
  if (typeof json === 'object') return 'object';
  return typeof json === 'boolean' ? 'bool' : typeof json;
}

/** What was found instead, or `=` and a whole message, or undefined when the value fits. */
function scalarProblem(json: Json, code: string): string | undefined {
  switch (code) {
    case 's':
      return typeof json === 'string' ? undefined : jsonType(json);
    case 'b':
      return typeof json === 'boolean' ? undefined : jsonType(json);
    case 'i':
    case 'l': {
      if (typeof json !== 'number') return jsonType(json);
      const limit = code === 'i' ? 2_147_483_648 : 2 ** 63;
      return Number.isInteger(json) && json >= -limit && json < limit ? undefined : `number ${json}`;
    }
    case 'x':
      if (typeof json === 'string') return undefined;
      return typeof json === 'number' ? scalarProblem(json, 'i') : jsonType(json);
    case 'q':
      if (typeof json === 'number') return undefined;
      if (typeof json !== 'string')
        return `=json: cannot unmarshal ${jsonType(json)} into Go value of type string`;
      return quantityProblem(json);
    case 't':
      if (typeof json !== 'string')
        return `=json: cannot unmarshal ${jsonType(json)} into Go value of type string`;
      return /^\d{4}-\d\d-\d\d[Tt]\d\d:\d\d:\d\d(\.\d+)?([Zz]|[-+]\d\d:\d\d)$/.test(json)
        ? undefined
        : `=parsing time ${JSON.stringify(json)} as "2006-01-02T15:04:05Z07:00": cannot parse ${JSON.stringify(json)} as "2006"`;
    case 'y': {
      if (typeof json !== 'string') return jsonType(json);
      const clean = json.replace(/[\r\n]/g, '');
      const bad = clean.search(/[^A-Za-z0-9+/=]|=(?!=?$)/);
      if (bad >= 0) return `=illegal base64 data at input byte ${bad}`;
      return clean.length % 4 === 0
        ? undefined
        : `=illegal base64 data at input byte ${clean.length - (clean.length % 4)}`;
    }
    default:
      return typeof json === 'string' ? undefined : jsonType(json);
  }
}

/** resource.ParseQuantity */
function quantityProblem(text: string): string | undefined {
  const match = /^[+-]?(?:\d+(?:\.\d*)?|\.\d+)(.*)$/.exec(text);
  if (!match)
    return `=quantities must match the regular expression '^([+-]?[0-9.]+)([eEinumkKMGTP]*[-+]?[0-9]*)$'`;
  if (/^(?:[numkMGTPE]?|[KMGTPE]i|[eE][-+]?\d+)$/.test(match[1] ?? '')) return undefined;
  return /^[eEinumkKMGTP]*[-+]?\d*$/.test(match[1] ?? '')
    ? `=unable to parse quantity's suffix`
    : `=quantities must match the regular expression '^([+-]?[0-9.]+)([eEinumkKMGTP]*[-+]?[0-9]*)$'`;
}

/** Named string types of k8s.io/api, where the field's own name is not the type's. */
const namedStrings: Readonly<Record<string, string>> = {
  'ServiceSpec.type': 'ServiceType',
  'ServiceSpec.sessionAffinity': 'ServiceAffinity',
  'ServiceSpec.ipFamilyPolicy': 'IPFamilyPolicy',
  'ServiceSpec.ipFamilies': 'IPFamily',
  'ServiceSpec.externalTrafficPolicy': 'ServiceExternalTrafficPolicy',
  'ServiceSpec.internalTrafficPolicy': 'ServiceInternalTrafficPolicy',
  'Container.imagePullPolicy': 'PullPolicy',
  'PodSpec.dnsPolicy': 'DNSPolicy',
  'DeploymentStrategy.type': 'DeploymentStrategyType',
  'Toleration.operator': 'TolerationOperator',
  'Toleration.effect': 'TaintEffect',
  'Taint.effect': 'TaintEffect',
  'HTTPGetAction.scheme': 'URIScheme',
  'NetworkPolicySpec.policyTypes': 'PolicyType',
  'HTTPIngressPath.pathType': 'PathType',
  'LabelSelectorRequirement.operator': 'LabelSelectorOperator',
  'NodeSelectorRequirement.operator': 'NodeSelectorOperator',
};

/** Go's name for a type of the table. */
function goType(code: string, struct: string, fields: readonly string[]): string {
  if (code.startsWith('[]')) return `[]${goType(code.slice(2), struct, fields)}`;
  if (code.startsWith('{}')) {
    const value = code.slice(2);
    return value === 'q' ? 'v1.ResourceList' : `map[string]${goType(value, struct, fields)}`;
  }
  const field = fields.at(-1) ?? '';
  const named = namedStrings[`${struct}.${field}`];
  if (named) return `v1.${named}`;
  const names: Readonly<Record<string, string>> = {
    s: 'string',
    b: 'bool',
    i: 'int32',
    l: 'int64',
    x: 'int32',
    q: 'resource.Quantity',
    t: 'v1.Time',
    y: '[]uint8',
  };
  return names[code] ?? `v1.${code.includes('/') ? field.charAt(0).toUpperCase() + field.slice(1) : code}`;
}

function hintFor(found: string, wanted: string): { readonly hint?: string } {
  if (wanted === 'string' && /^(?:number|bool)/.test(found))
    return { hint: 'put the value in quotes: it must be text' };
  if (/^int/.test(wanted) && found === 'string') return { hint: 'write the number without quotes' };
  if (wanted.startsWith('[]')) return { hint: 'a list is wanted here: begin each item with "- "' };
  if (found === 'array') return { hint: 'one value is wanted here, not a list' };
  return {};
}

/** A field of that name nearby: misspelt, in another case, or indented under the wrong parent. */
function suggest(
  key: string,
  type: StructType,
  parents: readonly StructType[],
  path: JsonPath,
): string | undefined {
  const close = nearest(key, type.fields.keys());
  if (close) return `did you mean "${close}"?`;
  const inside = findBelow(type, key);
  if (inside) return `"${key}" belongs in ${formatPath([...path, inside])}`;
  for (let up = parents.length - 1; up >= 0; up--) {
    const parent = parents[up];
    if (!parent || parent === type || !parent.fields.has(key)) continue;
    return `"${key}" belongs to the ${parent.name} around it: check the indentation`;
  }
  return undefined;
}

/** The shortest way down to a struct that has the field: `containers[].ports[]`. */
function findBelow(type: StructType, key: string): string | undefined {
  let level: { type: StructType; way: string }[] = [{ type, way: '' }];
  const seen = new Set([type.name]);
  for (let depth = 0; depth < 3; depth++) {
    const next: { type: StructType; way: string }[] = [];
    for (const { type: at, way } of level) {
      for (const [name, { code }] of at.fields) {
        const below = structType(code.replace(/^(?:\[\]|\{\})/, ''));
        if (!below || seen.has(below.name) || name === 'status' || name === 'ephemeralContainers') continue;
        seen.add(below.name);
        const there = `${way}${way ? '.' : ''}${name}${code.startsWith('[]') ? '[]' : ''}`;
        if (below.fields.has(key)) return there;
        next.push({ type: below, way: there });
      }
    }
    level = next;
  }
  return undefined;
}
