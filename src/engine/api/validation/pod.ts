import { parseAddress } from '../address.ts';
import type { FieldError } from '../error.ts';
import * as field from '../field.ts';
import type { Draft, DraftValue } from '../json.ts';
import { equalJson, isObject, numberAt, objectAt, objectsAt, textAt } from '../json.ts';
import type { JsonPath } from '../path.ts';
import { validateContainer } from './container.ts';
import { validateLabels, validateSelector } from './metadata.ts';
import { dns1123Label, dns1123Subdomain, qualifiedName } from './names.ts';

/** core validation.ValidatePodSpec */
export function validatePodSpec(spec: Draft, path: JsonPath): FieldError[] {
  const errors: FieldError[] = [];
  const volumes = validateVolumes(spec, path, errors);
  const names = new Set<string>();
  const containers = objectsAt(spec, 'containers');
  const grace = numberAt(spec, 'terminationGracePeriodSeconds') ?? 30;
  if (containers.length === 0) errors.push(field.required([...path, 'containers']));
  for (const key of ['containers', 'initContainers']) {
    const init = key === 'initContainers';
    for (const [i, container] of objectsAt(spec, key).entries()) {
      errors.push(...validateContainer(container, [...path, key, i], init, names, volumes, grace));
    }
  }
  const deadline = numberAt(spec, 'activeDeadlineSeconds');
  if (deadline !== undefined && (deadline < 1 || deadline > 2_147_483_647))
    errors.push(
      field.invalid(
        [...path, 'activeDeadlineSeconds'],
        deadline,
        'must be between 1 and 2147483647, inclusive',
      ),
    );
  errors.push(...validateDns(spec, path));
  errors.push(...validateLabels(objectAt(spec, 'nodeSelector'), [...path, 'nodeSelector']));
  for (const [key, check] of [
    ['hostname', dns1123Label],
    ['subdomain', dns1123Label],
    ['nodeName', dns1123Subdomain],
    ['serviceAccountName', dns1123Subdomain],
  ] as const) {
    const text = textAt(spec, key);
    if (text) for (const problem of check(text)) errors.push(field.invalid([...path, key], text, problem));
  }
  for (const [i, toleration] of objectsAt(spec, 'tolerations').entries())
    errors.push(...validateToleration(toleration, [...path, 'tolerations', i]));
  for (const [i, alias] of objectsAt(spec, 'hostAliases').entries()) {
    const ip = textAt(alias, 'ip') ?? '';
    if (!parseAddress(ip))
      errors.push(
        field.invalid(
          [...path, 'hostAliases', i, 'ip'],
          ip,
          'must be a valid IP address, (e.g. 10.9.8.7 or 2001:db8::ffff)',
        ),
      );
  }
  if (spec['hostNetwork'] === true) {
    for (const [i, container] of containers.entries()) {
      for (const [j, port] of objectsAt(container, 'ports').entries()) {
        const hostPort = numberAt(port, 'hostPort') ?? 0;
        if (hostPort === 0 || hostPort === numberAt(port, 'containerPort')) continue;
        const at = [...path, 'containers', i, 'ports', j, 'hostPort'];
        errors.push(
          field.invalid(
            at,
            numberAt(port, 'hostPort') ?? 0,
            'must match `containerPort` when `hostNetwork` is true',
          ),
        );
      }
    }
  }
  errors.push(...validateHostPorts(spec, path));
  for (const [i, constraint] of objectsAt(spec, 'topologySpreadConstraints').entries()) {
    const at = [...path, 'topologySpreadConstraints', i];
    const skew = numberAt(constraint, 'maxSkew') ?? 0;
    if (skew <= 0) errors.push(field.invalid([...at, 'maxSkew'], skew, 'must be greater than zero'));
    if (!textAt(constraint, 'topologyKey'))
      errors.push(field.required([...at, 'topologyKey'], 'can not be empty'));
    if (!textAt(constraint, 'whenUnsatisfiable'))
      errors.push(field.notSupported([...at, 'whenUnsatisfiable'], '', ['DoNotSchedule', 'ScheduleAnyway']));
    errors.push(...validateSelector(objectAt(constraint, 'labelSelector'), [...at, 'labelSelector']));
  }
  return errors;
}

function validateVolumes(spec: Draft, path: JsonPath, errors: FieldError[]): ReadonlySet<string> {
  const names = new Set<string>();
  for (const [i, volume] of objectsAt(spec, 'volumes').entries()) {
    const at = [...path, 'volumes', i];
    const name = textAt(volume, 'name') ?? '';
    if (name === '') errors.push(field.required([...at, 'name']));
    else for (const problem of dns1123Label(name)) errors.push(field.invalid([...at, 'name'], name, problem));
    if (name !== '' && names.has(name)) errors.push(field.duplicate([...at, 'name'], name));
    names.add(name);
    const sources = Object.keys(volume).filter((key) => key !== 'name');
    for (const extra of sources.slice(1))
      errors.push(field.forbidden([...at, extra], 'may not specify more than 1 volume type'));
  }
  return names;
}

/** checkContainerPortConflicts: no two containers of the pod on one host port. */
function validateHostPorts(spec: Draft, path: JsonPath): FieldError[] {
  const errors: FieldError[] = [];
  const taken = new Set<string>();
  for (const [i, container] of objectsAt(spec, 'containers').entries()) {
    for (const [j, port] of objectsAt(container, 'ports').entries()) {
      const hostPort = numberAt(port, 'hostPort');
      if (!hostPort) continue;
      const id = `${textAt(port, 'protocol') ?? 'TCP'}/${textAt(port, 'hostIP') ?? ''}/${hostPort}`;
      if (taken.has(id)) errors.push(field.duplicate([...path, 'containers', i, 'ports', j, 'hostPort'], id));
      taken.add(id);
    }
  }
  return errors;
}

function validateDns(spec: Draft, path: JsonPath): FieldError[] {
  const errors: FieldError[] = [];
  const config = objectAt(spec, 'dnsConfig');
  const servers = Array.isArray(config?.['nameservers']) ? config['nameservers'] : [];
  const searches = Array.isArray(config?.['searches']) ? config['searches'] : [];
  const at = [...path, 'dnsConfig'];
  if (textAt(spec, 'dnsPolicy') === 'None' && servers.length === 0) {
    return config
      ? [
          field.required(
            [...at, 'nameservers'],
            'must provide at least one DNS nameserver when `dnsPolicy` is None',
          ),
        ]
      : [field.required(at, 'must provide `dnsConfig` when `dnsPolicy` is None')];
  }
  if (servers.length > 3)
    errors.push(field.invalid([...at, 'nameservers'], servers, 'must not have more than 3 nameservers'));
  for (const [i, server] of servers.entries()) {
    if (typeof server === 'string' && !parseAddress(server)) {
      errors.push(
        field.invalid(
          [...at, 'nameservers', i],
          server,
          'must be a valid IP address, (e.g. 10.9.8.7 or 2001:db8::ffff)',
        ),
      );
    }
  }
  if (searches.length > 32)
    errors.push(field.invalid([...at, 'searches'], searches, 'must not have more than 32 search paths'));
  for (const [i, search] of searches.entries()) {
    if (typeof search !== 'string' || search === '.') continue;
    for (const problem of dns1123Subdomain(search.replace(/\.$/, '')))
      errors.push(field.invalid([...at, 'searches', i], search, problem));
  }
  for (const [i, option] of objectsAt(config, 'options').entries()) {
    if (!textAt(option, 'name')) errors.push(field.required([...at, 'options', i], 'must not be empty'));
  }
  return errors;
}

function validateToleration(toleration: Draft, path: JsonPath): FieldError[] {
  const errors: FieldError[] = [];
  const key = textAt(toleration, 'key') ?? '';
  const operator = textAt(toleration, 'operator') ?? '';
  if (key)
    for (const problem of qualifiedName(key)) errors.push(field.invalid([...path, 'key'], key, problem));
  else if (operator !== 'Exists') {
    errors.push(
      field.invalid(
        [...path, 'operator'],
        operator,
        'operator must be Exists when `key` is empty, which means "match all values and all keys"',
      ),
    );
  }
  if (
    numberAt(toleration, 'tolerationSeconds') !== undefined &&
    textAt(toleration, 'effect') !== 'NoExecute'
  ) {
    errors.push(
      field.invalid(
        [...path, 'effect'],
        textAt(toleration, 'effect') ?? '',
        "effect must be 'NoExecute' when `tolerationSeconds` is set",
      ),
    );
  }
  if (operator === 'Exists' && textAt(toleration, 'value')) {
    errors.push(
      field.invalid(
        [...path, 'operator'],
        textAt(toleration, 'value'),
        "value must be empty when `operator` is 'Exists'",
      ),
    );
  }
  return errors;
}

/** ValidatePodUpdate: nearly all of a pod's spec stays as it was made. */
export function validatePodUpdate(next: Draft, live: Draft): FieldError[] {
  const nextSpec = objectAt(next, 'spec') ?? {};
  const liveSpec = objectAt(live, 'spec') ?? {};
  const count = (spec: Draft, key: string) => objectsAt(spec, key).length;
  for (const key of ['containers', 'initContainers']) {
    if (count(nextSpec, key) !== count(liveSpec, key)) {
      return [
        field.forbidden(
          ['spec', key],
          `pod updates may not add or remove ${key === 'containers' ? 'containers' : 'init containers'}`,
        ),
      ];
    }
  }
  const [deadline, oldDeadline] = [
    numberAt(nextSpec, 'activeDeadlineSeconds'),
    numberAt(liveSpec, 'activeDeadlineSeconds'),
  ];
  if (deadline !== undefined && oldDeadline !== undefined && deadline > oldDeadline) {
    const detail = 'must be less than or equal to previous value';
    return [field.invalid(['spec', 'activeDeadlineSeconds'], deadline, detail)];
  }
  const tolerations = objectsAt(nextSpec, 'tolerations');
  const kept = objectsAt(liveSpec, 'tolerations').every((old) =>
    tolerations.some((one) => equalJson({ ...one, tolerationSeconds: 0 }, { ...old, tolerationSeconds: 0 })),
  );
  if (!kept) {
    const detail = 'existing toleration can not be modified except its tolerationSeconds';
    return [field.forbidden(['spec', 'tolerations'], detail)];
  }
  if (equalJson(mutable(nextSpec, liveSpec), liveSpec)) return [];
  const allowed =
    'pod updates may not change fields other than `spec.containers[*].image`,`spec.initContainers[*].image`,`spec.activeDeadlineSeconds`,`spec.tolerations` (only additions to existing tolerations),`spec.terminationGracePeriodSeconds` (allow it to be set to 1 if it was previously negative)';
  const error = field.forbidden(['spec'], allowed);
  return [{ ...error, path: firstDifference(nextSpec, liveSpec, ['spec']) }];
}

/** The spec with what may change put back. */
function mutable(next: Draft, live: Draft): Draft {
  const copy: Draft = { ...next };
  for (const key of ['containers', 'initContainers']) {
    const old = objectsAt(live, key);
    if (!Array.isArray(next[key])) continue;
    copy[key] = objectsAt(next, key).map((container, i) => {
      const image = old[i]?.['image'];
      return image === undefined ? container : { ...container, image };
    });
  }
  // Tolerations and the deadline have been looked at by themselves.
  if (live['tolerations'] === undefined) delete copy['tolerations'];
  else copy['tolerations'] = live['tolerations'];
  if (numberAt(next, 'activeDeadlineSeconds') !== undefined) {
    if (live['activeDeadlineSeconds'] === undefined) delete copy['activeDeadlineSeconds'];
    else copy['activeDeadlineSeconds'] = live['activeDeadlineSeconds'];
  }
  return copy;
}

function firstDifference(
  next: DraftValue | undefined,
  live: DraftValue | undefined,
  path: JsonPath,
): JsonPath {
  if (isObject(next) && isObject(live)) {
    for (const key of Object.keys(next))
      if (!equalJson(next[key], live[key])) return firstDifference(next[key], live[key], [...path, key]);
  } else if (Array.isArray(next) && Array.isArray(live)) {
    for (const [i, item] of next.entries())
      if (!equalJson(item, live[i])) return firstDifference(item, live[i], [...path, i]);
  }
  return path;
}
