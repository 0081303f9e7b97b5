import { parseAddress, parseCidr } from '../address.ts';
import { visitStructsAt } from '../defaults.ts';
import type { FieldError } from '../error.ts';
import * as field from '../field.ts';
import { structType } from '../fields.ts';
import type { Draft } from '../json.ts';
import { equalJson, objectAt, objectsAt, textAt } from '../json.ts';
import type { ResourceKind } from '../kinds.ts';
import type { JsonPath } from '../path.ts';
import { formatPath } from '../path.ts';
import { validateImmutable, validateMetadata } from './metadata.ts';
import { configMapKey, qualifiedName, validLabelValue } from './names.ts';
import {
  validateAdminPolicy,
  validateEndpoints,
  validateEndpointSlice,
  validateIngress,
  validateNetworkPolicy,
} from './network.ts';
import { validatePodSpec, validatePodUpdate } from './pod.ts';
import { validateClusterIPsUpdate } from './cluster-ips.ts';
import { validateService } from './service.ts';
import { validateWorkload, validateWorkloadUpdate } from './workload.ts';

/** Everything wrong with a new object, defaulted before, in the API server's words. */
export function validateCreate(resource: ResourceKind, object: Draft): FieldError[] {
  const errors = validateMetadata(resource, object);
  if (!resource.modelled) return errors;
  const schema = validateSchema(resource.kind, object);
  errors.push(...schema.unsupported, ...validateKind(resource.kind, object));
  return withMissing(errors, schema.missing);
}

/** Everything wrong with an object as it should become. */
export function validateUpdate(resource: ResourceKind, next: Draft, live: Draft): FieldError[] {
  const errors = validateMetadata(resource, next);
  if (!resource.modelled) return errors;
  const schema = validateSchema(resource.kind, next);
  errors.push(...schema.unsupported, ...validateChange(resource.kind, next, live));
  // A pod that was changed where it may not is told so, and not what else its new spec lacks.
  if (resource.kind !== 'Pod' || errors.length === 0) errors.push(...validateKind(resource.kind, next));
  return withMissing(errors, schema.missing);
}

/** Required fields that no rule has complained about in its own words. */
function withMissing(errors: readonly FieldError[], missing: readonly FieldError[]): FieldError[] {
  const told = new Set<string>();
  for (const { path } of errors)
    for (let i = 1; i <= path.length; i++) told.add(formatPath(path.slice(0, i)));
  return [...errors, ...missing.filter(({ path }) => !told.has(formatPath(path)))];
}

/** What is checked elsewhere in other words; and nobody writes Events by hand. */
const ownRules = new Set(['Event', 'Taint', 'StatefulSetUpdateStrategy']);

/** Lists of supported values that the API server does not sort. */
const spokenOrder: Readonly<Record<string, readonly string[]>> = {
  'PodSpec.restartPolicy': ['Always', 'OnFailure', 'Never'],
  'PodSpec.dnsPolicy': ['ClusterFirstWithHostNet', 'ClusterFirst', 'Default', 'None'],
  'PodSpec.preemptionPolicy': ['PreemptLowerPriority', 'Never'],
  'Container.terminationMessagePolicy': ['File', 'FallbackToLogsOnError'],
  'Toleration.effect': ['NoSchedule', 'PreferNoSchedule', 'NoExecute'],
  'Toleration.operator': ['Equal', 'Exists'],
  'DaemonSetUpdateStrategy.type': ['RollingUpdate', 'OnDelete'],
  'NetworkPolicyPort.protocol': ['TCP', 'UDP', 'SCTP'],
  'NetworkPolicySpec.policyTypes': ['Ingress', 'Egress'],
};

interface FieldRule {
  readonly name: string;
  readonly required: boolean;
  readonly list: boolean;
  /** What its texts may be. */
  readonly supported: readonly string[] | undefined;
}

const fieldRules = new Map<string, readonly FieldRule[]>();

/** The fields of a struct of which the table says more than their type. */
function rulesOf(struct: string): readonly FieldRule[] {
  let rules = fieldRules.get(struct);
  if (rules === undefined) {
    const fields = ownRules.has(struct) ? [] : [...(structType(struct)?.fields ?? [])];
    rules = fields.flatMap(([name, { code, required }]) => {
      const list = code.startsWith('[]');
      const allowed = code.slice(list ? 2 : 0);
      const supported = allowed.includes('/')
        ? (spokenOrder[`${struct}.${name}`] ?? allowed.split('/').filter((text) => text !== ''))
        : undefined;
      if (name === 'podManagementPolicy' || (!required && supported === undefined)) return [];
      return [{ name, required, list, supported }];
    });
    fieldRules.set(struct, rules);
  }
  return rules;
}

/** What the field table says by itself: strings that must be one of a few, and fields that must be there. */
function validateSchema(
  kind: string,
  object: Draft,
): { readonly unsupported: readonly FieldError[]; readonly missing: readonly FieldError[] } {
  const unsupported: FieldError[] = [];
  const missing: FieldError[] = [];
  visitStructsAt(kind, object, [], (struct, part, path) => {
    for (const { name, required, list, supported } of rulesOf(struct)) {
      const value = Object.hasOwn(part, name) ? part[name] : undefined;
      // Absent and empty are the same to Go.
      if (value === undefined || value === '') {
        if (required) missing.push(field.required([...path, name]));
        continue;
      }
      if (supported === undefined) continue;
      for (const [i, item] of (list && Array.isArray(value) ? value : [value]).entries()) {
        if (typeof item !== 'string' || supported.includes(item)) continue;
        unsupported.push(field.notSupported(list ? [...path, name, i] : [...path, name], item, supported));
      }
    }
  });
  return { unsupported, missing };
}

function validateKind(kind: string, object: Draft): FieldError[] {
  switch (kind) {
    case 'Pod':
      return validatePodSpec(objectAt(object, 'spec') ?? {}, ['spec']);
    case 'Service':
      return validateService(object);
    case 'Deployment':
    case 'ReplicaSet':
    case 'StatefulSet':
    case 'DaemonSet':
    case 'Job':
      return validateWorkload(kind, object);
    case 'NetworkPolicy':
      return validateNetworkPolicy(object);
    case 'AdminNetworkPolicy':
    case 'BaselineAdminNetworkPolicy':
      return validateAdminPolicy(kind, object);
    case 'EndpointSlice':
      return validateEndpointSlice(object);
    case 'Endpoints':
      return validateEndpoints(object);
    case 'Ingress':
      return validateIngress(object);
    case 'IngressClass': {
      const controller = textAt(objectAt(object, 'spec'), 'controller') ?? '';
      if (controller === '') return [field.required(['spec', 'controller'])];
      return /^[^/]+\/./.test(controller)
        ? []
        : [
            field.invalid(
              ['spec', 'controller'],
              controller,
              'must be a domain-prefixed path (such as "acme.io/foo")',
            ),
          ];
    }
    case 'ConfigMap':
    case 'Secret':
      return ['data', 'binaryData'].flatMap((key) =>
        Object.keys(objectAt(object, key) ?? {}).flatMap((name) =>
          configMapKey(name).map((problem) => ({
            ...field.invalid([key], name, problem),
            path: [key, name],
            field: `${key}[${name}]`,
          })),
        ),
      );
    case 'Node':
      return validateNode(object);
    default:
      return [];
  }
}

function validateNode(node: Draft): FieldError[] {
  const errors: FieldError[] = [];
  const spec = objectAt(node, 'spec');
  const podCIDRs = Array.isArray(spec?.['podCIDRs']) ? spec['podCIDRs'] : [];
  const podCIDR = textAt(spec, 'podCIDR');
  for (const [i, cidr] of (podCIDRs.length > 0 ? podCIDRs : podCIDR ? [podCIDR] : []).entries()) {
    if (typeof cidr !== 'string' || parseCidr(cidr)) continue;
    const error = field.invalid(
      ['spec', 'podCIDRs', i],
      cidr,
      'must be a valid CIDR value, (e.g. 10.9.8.0/24 or 2001:db8::/64)',
    );
    errors.push(podCIDRs.length > 0 ? error : { ...error, path: ['spec', 'podCIDR'] });
  }
  const cidrs = podCIDRs.flatMap((cidr) => (typeof cidr === 'string' ? (parseCidr(cidr) ?? []) : []));
  if (cidrs.length > 1 && new Set(cidrs.map(({ family }) => family)).size < cidrs.length) {
    const detail = 'may specify no more than one CIDR for each IP family';
    errors.push(field.invalid(['spec', 'podCIDRs'], podCIDRs, detail));
  }
  const seen = new Set<string>();
  for (const [i, taint] of objectsAt(spec, 'taints').entries()) {
    // ValidateNode says `metadata.taints` of what stands in the spec.
    const told = (errors: readonly FieldError[]): FieldError[] =>
      errors.map((error) => ({ ...error, field: error.field.replace(/^spec/, 'metadata') }));
    errors.push(...told(validateTaint(taint, ['spec', 'taints', i], seen)));
  }
  for (const [i, address] of objectsAt(objectAt(node, 'status'), 'addresses').entries()) {
    if (textAt(address, 'type') !== 'InternalIP') continue;
    const ip = textAt(address, 'address') ?? '';
    if (!parseAddress(ip))
      errors.push(
        field.invalid(
          ['status', 'addresses', i, 'address'],
          ip,
          'must be a valid IP address, (e.g. 10.9.8.7 or 2001:db8::ffff)',
        ),
      );
  }
  return errors;
}

function validateTaint(taint: Draft, path: JsonPath, seen: Set<string>): FieldError[] {
  const errors: FieldError[] = [];
  const key = textAt(taint, 'key') ?? '';
  const value = textAt(taint, 'value') ?? '';
  const effect = textAt(taint, 'effect') ?? '';
  const effects = ['NoSchedule', 'PreferNoSchedule', 'NoExecute'];
  for (const problem of qualifiedName(key)) errors.push(field.invalid([...path, 'key'], key, problem));
  for (const problem of validLabelValue(value))
    errors.push(field.invalid([...path, 'value'], value, problem));
  if (effect === '') errors.push(field.required([...path, 'effect']));
  else if (!effects.includes(effect)) errors.push(field.notSupported([...path, 'effect'], effect, effects));
  if (seen.has(`${key} ${effect}`)) {
    const error = field.duplicate(path, taint);
    errors.push({ ...error, message: `${error.message}: taints must be unique by key and effect pair` });
  }
  seen.add(`${key} ${effect}`);
  return errors;
}

function validateChange(kind: string, next: Draft, live: Draft): FieldError[] {
  switch (kind) {
    case 'Pod':
      return validatePodUpdate(next, live);
    case 'Service':
      return validateClusterIPsUpdate(next, live);
    case 'Deployment':
    case 'ReplicaSet':
    case 'StatefulSet':
    case 'DaemonSet':
    case 'Job':
      return validateWorkloadUpdate(kind, next, live);
    case 'EndpointSlice':
      return validateImmutable(next['addressType'], live['addressType'], ['addressType']);
    case 'ConfigMap':
    case 'Secret': {
      if (kind === 'Secret' && next['type'] !== live['type'])
        return validateImmutable(next['type'], live['type'], ['type']);
      if (live['immutable'] !== true) return [];
      const detail = 'field is immutable when `immutable` is set';
      return ['immutable', 'data', 'binaryData']
        .filter((key) => !equalJson(next[key], live[key]))
        .map((key) => field.forbidden([key], detail));
    }
    case 'Node': {
      const old = textAt(objectAt(live, 'spec'), 'podCIDR');
      const now = textAt(objectAt(next, 'spec'), 'podCIDR');
      return old === undefined || old === now
        ? []
        : [
            field.forbidden(
              ['spec', 'podCIDR'],
              'node updates may not change podCIDR except from "" to valid',
            ),
          ];
    }
    default:
      return [];
  }
}
