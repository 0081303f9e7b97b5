import { parseAddress } from '../address.ts';
import type { FieldError } from '../error.ts';
import * as field from '../field.ts';
import type { Draft, DraftValue } from '../json.ts';
import { equalJson, isObject, numberAt, objectAt, objectsAt, textAt } from '../json.ts';
import type { JsonPath } from '../path.ts';
import { quantityValue } from '../quantity.ts';
import { validateLabels, validateSelector } from './metadata.ts';
import {
  dns1123Label,
  dns1123Subdomain,
  envName,
  mustBeNonNegative,
  portName,
  portNumber,
  qualifiedName,
} from './names.ts';

/** core validation.ValidatePodSpec */
export function validatePodSpec(spec: Draft, path: JsonPath): FieldError[] {
  const errors: FieldError[] = [];
  const volumes = validateVolumes(spec, path, errors);
  const names = new Set<string>();
  const containers = objectsAt(spec, 'containers');
  if (containers.length === 0) errors.push(field.required([...path, 'containers']));
  for (const key of ['initContainers', 'containers']) {
    for (const [i, container] of objectsAt(spec, key).entries()) {
      errors.push(
        ...validateContainer(container, [...path, key, i], key === 'initContainers', names, volumes, spec),
      );
    }
  }
  for (const key of ['terminationGracePeriodSeconds']) {
    const value = numberAt(spec, key);
    if (value !== undefined && value < 0)
      errors.push(field.invalid([...path, key], value, mustBeNonNegative));
  }
  const deadline = numberAt(spec, 'activeDeadlineSeconds');
  if (deadline !== undefined && deadline < 1)
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
        if (numberAt(port, 'hostPort') === numberAt(port, 'containerPort')) continue;
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
    else if (names.has(name)) errors.push(field.duplicate([...at, 'name'], name));
    else for (const problem of dns1123Label(name)) errors.push(field.invalid([...at, 'name'], name, problem));
    names.add(name);
    const sources = Object.keys(volume).filter((key) => key !== 'name');
    for (const extra of sources.slice(1))
      errors.push(field.forbidden([...at, extra], 'may not specify more than 1 volume type'));
  }
  return names;
}

function validateContainer(
  container: Draft,
  path: JsonPath,
  init: boolean,
  names: Set<string>,
  volumes: ReadonlySet<string>,
  spec: Draft,
): FieldError[] {
  const errors: FieldError[] = [];
  const name = textAt(container, 'name') ?? '';
  if (name === '') errors.push(field.required([...path, 'name']));
  else if (names.has(name)) errors.push(field.duplicate([...path, 'name'], name));
  else for (const problem of dns1123Label(name)) errors.push(field.invalid([...path, 'name'], name, problem));
  names.add(name);
  const image = textAt(container, 'image') ?? '';
  if (image === '') errors.push(field.required([...path, 'image']));
  else if (image.trim() !== image)
    errors.push(field.invalid([...path, 'image'], image, 'must not have leading or trailing whitespace'));
  errors.push(...validatePorts(container, path));
  for (const [i, variable] of objectsAt(container, 'env').entries()) {
    const at = [...path, 'env', i];
    const key = textAt(variable, 'name') ?? '';
    if (key === '') errors.push(field.required([...at, 'name']));
    else for (const problem of envName(key)) errors.push(field.invalid([...at, 'name'], key, problem));
    const from = objectAt(variable, 'valueFrom');
    if (!from) continue;
    if (textAt(variable, 'value'))
      errors.push(field.invalid([...at, 'valueFrom'], '', 'may not be specified when `value` is not empty'));
    const sources = Object.keys(from);
    if (sources.length === 0)
      errors.push(
        field.invalid(
          [...at, 'valueFrom'],
          '',
          'must specify one of: `fieldRef`, `resourceFieldRef`, `configMapKeyRef` or `secretKeyRef`',
        ),
      );
    else if (sources.length > 1)
      errors.push(
        field.invalid([...at, 'valueFrom'], '', 'may not have more than one field specified at a time'),
      );
    const fieldRef = objectAt(from, 'fieldRef');
    if (fieldRef) {
      const fieldPath = textAt(fieldRef, 'fieldPath') ?? '';
      const where = [...at, 'valueFrom', 'fieldRef', 'fieldPath'];
      const supported = [
        'metadata.name',
        'metadata.namespace',
        'metadata.uid',
        'spec.nodeName',
        'spec.serviceAccountName',
        'status.hostIP',
        'status.hostIPs',
        'status.podIP',
        'status.podIPs',
      ];
      if (fieldPath === '') errors.push(field.required(where));
      else if (/^metadata\.(?:labels|annotations)\['.+'\]$/.test(fieldPath)) continue;
      else if (!/^(?:metadata|spec|status)\.\w+$/.test(fieldPath))
        errors.push(
          field.invalid(
            where,
            fieldPath,
            `error converting fieldPath: field label not supported: ${fieldPath}`,
          ),
        );
      else if (!supported.includes(fieldPath)) errors.push(field.notSupported(where, fieldPath, supported));
    }
  }
  const mounts = new Set<string>();
  for (const [i, mount] of objectsAt(container, 'volumeMounts').entries()) {
    const at = [...path, 'volumeMounts', i];
    const volume = textAt(mount, 'name') ?? '';
    const mountPath = textAt(mount, 'mountPath') ?? '';
    if (volume === '') errors.push(field.required([...at, 'name']));
    else if (!volumes.has(volume)) errors.push(field.notFound([...at, 'name'], volume));
    if (mountPath === '') errors.push(field.required([...at, 'mountPath']));
    else if (mounts.has(mountPath))
      errors.push(field.invalid([...at, 'mountPath'], mountPath, 'must be unique'));
    mounts.add(mountPath);
  }
  const sidecar = init && textAt(container, 'restartPolicy') === 'Always';
  for (const key of ['livenessProbe', 'readinessProbe', 'startupProbe']) {
    const probe = objectAt(container, key);
    if (!probe) continue;
    if (init && !sidecar)
      errors.push(
        field.forbidden([...path, key], 'may not be set for init containers without restartPolicy=Always'),
      );
    else errors.push(...validateProbe(probe, key, [...path, key], container));
  }
  const lifecycle = objectAt(container, 'lifecycle');
  for (const key of ['postStart', 'preStop']) {
    const hook = objectAt(lifecycle, key);
    if (hook)
      errors.push(
        ...validateHandler(hook, ['exec', 'httpGet', 'tcpSocket', 'sleep'], [...path, 'lifecycle', key]),
      );
  }
  errors.push(...validateResources(objectAt(container, 'resources'), [...path, 'resources']));
  void spec;
  return errors;
}

function validatePorts(container: Draft, path: JsonPath): FieldError[] {
  const errors: FieldError[] = [];
  const names = new Set<string>();
  for (const [i, port] of objectsAt(container, 'ports').entries()) {
    const at = [...path, 'ports', i];
    const name = textAt(port, 'name');
    if (name) {
      const problems = portName(name);
      for (const problem of problems) errors.push(field.invalid([...at, 'name'], name, problem));
      if (problems.length === 0 && names.has(name)) errors.push(field.duplicate([...at, 'name'], name));
      names.add(name);
    }
    const number = numberAt(port, 'containerPort') ?? 0;
    if (number === 0) errors.push(field.required([...at, 'containerPort']));
    else
      for (const problem of portNumber(number))
        errors.push(field.invalid([...at, 'containerPort'], number, problem));
    const hostPort = numberAt(port, 'hostPort');
    if (hostPort)
      for (const problem of portNumber(hostPort))
        errors.push(field.invalid([...at, 'hostPort'], hostPort, problem));
  }
  return errors;
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

function validateHandler(handler: Draft, kinds: readonly string[], path: JsonPath): FieldError[] {
  const errors: FieldError[] = [];
  const given = kinds.filter((key) => isObject(handler[key]));
  if (given.length === 0) errors.push(field.required(path, 'must specify a handler type'));
  for (const key of given.slice(1))
    errors.push(field.forbidden([...path, key], 'may not specify more than 1 handler type'));
  const [kind] = given;
  if (kind === 'httpGet' || kind === 'tcpSocket') {
    const port = objectAt(handler, kind)?.['port'];
    const at = [...path, kind, 'port'];
    if (typeof port === 'string')
      for (const problem of portName(port)) errors.push(field.invalid(at, port, problem));
    else
      for (const problem of portNumber(typeof port === 'number' ? port : 0))
        errors.push(field.invalid(at, port ?? 0, problem));
  } else if (kind === 'exec') {
    const command = objectAt(handler, kind)?.['command'];
    if (!Array.isArray(command) || command.length === 0)
      errors.push(field.required([...path, 'exec', 'command']));
  }
  return errors;
}

function validateProbe(probe: Draft, kind: string, path: JsonPath, container: Draft): FieldError[] {
  const errors = validateHandler(probe, ['exec', 'httpGet', 'tcpSocket', 'grpc'], path);
  for (const key of [
    'initialDelaySeconds',
    'timeoutSeconds',
    'periodSeconds',
    'successThreshold',
    'failureThreshold',
  ]) {
    const value = numberAt(probe, key);
    if (value !== undefined && value < 0)
      errors.push(field.invalid([...path, key], value, mustBeNonNegative));
  }
  const successes = numberAt(probe, 'successThreshold');
  if (kind !== 'readinessProbe' && successes !== undefined && successes !== 1)
    errors.push(field.invalid([...path, 'successThreshold'], successes, 'must be 1'));
  void container;
  return errors;
}

function validateResources(resources: Draft | undefined, path: JsonPath): FieldError[] {
  const errors: FieldError[] = [];
  const amount = (value: DraftValue | undefined) =>
    quantityValue(typeof value === 'string' || typeof value === 'number' ? value : undefined);
  for (const key of ['limits', 'requests']) {
    for (const [name, value] of Object.entries(objectAt(resources, key) ?? {})) {
      const at = [...path, key];
      for (const problem of qualifiedName(name)) errors.push(field.invalid(at, name, problem));
      if (!name.includes('/') && !/^(?:cpu|memory|ephemeral-storage|hugepages-.+)$/.test(name)) {
        errors.push(
          field.invalid([...at, name], name, 'must be a standard resource type or fully qualified'),
        );
      }
      const number = amount(value);
      if (number !== undefined && number < 0)
        errors.push(field.invalid([...at, name], value, mustBeNonNegative));
      const limit = amount(objectAt(resources, 'limits')?.[name]);
      if (key === 'requests' && number !== undefined && limit !== undefined && number > limit) {
        const shown = objectAt(resources, 'limits')?.[name];
        errors.push(
          field.invalid(
            [...path, 'requests'],
            value,
            `must be less than or equal to ${name} limit of ${String(shown)}`,
          ),
        );
      }
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
  if (textAt(spec, 'dnsPolicy') === 'None') {
    if (!config) errors.push(field.required(at, 'must provide `dnsConfig` when `dnsPolicy` is None'));
    else if (servers.length === 0)
      errors.push(
        field.required(
          [...at, 'nameservers'],
          'must provide at least one DNS nameserver when `dnsPolicy` is None',
        ),
      );
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
      field.invalid([...path, 'operator'], operator, "value must be empty when `operator` is 'Exists'"),
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
      const policy = old[i]?.['imagePullPolicy'];
      // The pull policy follows the tag when nobody set it.
      return {
        ...container,
        ...(image === undefined ? {} : { image }),
        ...(policy === undefined ? {} : { imagePullPolicy: policy }),
      };
    });
  }
  const before = objectsAt(live, 'tolerations');
  const after = objectsAt(next, 'tolerations');
  if (before.every((old) => after.some((toleration) => equalJson(old, toleration))))
    copy['tolerations'] = live['tolerations'];
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
