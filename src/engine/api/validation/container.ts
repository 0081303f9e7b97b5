import type { FieldError } from '../error.ts';
import * as field from '../field.ts';
import type { Draft, DraftValue } from '../json.ts';
import { isObject, numberAt, objectAt, objectsAt, textAt } from '../json.ts';
import type { JsonPath } from '../path.ts';
import { quantityValue } from '../quantity.ts';
import {
  dns1123Label,
  envName,
  headerName,
  mustBeNonNegative,
  portName,
  portNumber,
  qualifiedName,
} from './names.ts';

const onlySidecars = 'may not be set for init containers without restartPolicy=Always';

/** core validation.validateContainerCommon, with the names and volumes that the pod has so far. */
export function validateContainer(
  container: Draft,
  path: JsonPath,
  init: boolean,
  names: Set<string>,
  volumes: ReadonlySet<string>,
  gracePeriod: number,
): FieldError[] {
  const errors: FieldError[] = [];
  const name = textAt(container, 'name') ?? '';
  if (name === '') errors.push(field.required([...path, 'name']));
  else for (const problem of dns1123Label(name)) errors.push(field.invalid([...path, 'name'], name, problem));
  if (names.has(name)) errors.push(field.duplicate([...path, 'name'], name));
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
    const sources = Object.keys(from).length;
    const wrong =
      sources === 0
        ? 'must specify one of: `fieldRef`, `resourceFieldRef`, `configMapKeyRef` or `secretKeyRef`'
        : textAt(variable, 'value')
          ? 'may not be specified when `value` is not empty'
          : sources > 1
            ? 'may not have more than one field specified at a time'
            : undefined;
    if (wrong) errors.push(field.invalid([...at, 'valueFrom'], '', wrong));
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
  for (const source of objectsAt(container, 'envFrom')) {
    const count = ['configMapRef', 'secretRef'].filter((key) => isObject(source[key])).length;
    if (count === 1) continue;
    const detail =
      count === 0
        ? 'must specify one of: `configMapRef` or `secretRef`'
        : 'may not have more than one field specified at a time';
    errors.push(field.invalid([...path, 'envFrom'], '', detail));
  }
  const mounts = new Set<string>();
  for (const [i, mount] of objectsAt(container, 'volumeMounts').entries()) {
    const at = [...path, 'volumeMounts', i];
    const volume = textAt(mount, 'name') ?? '';
    const mountPath = textAt(mount, 'mountPath') ?? '';
    if (volume === '') errors.push(field.required([...at, 'name']));
    if (!volumes.has(volume)) errors.push(field.notFound([...at, 'name'], volume));
    if (mountPath === '') errors.push(field.required([...at, 'mountPath']));
    else if (mounts.has(mountPath))
      errors.push(field.invalid([...at, 'mountPath'], mountPath, 'must be unique'));
    mounts.add(mountPath);
  }
  const sidecar = init && textAt(container, 'restartPolicy') === 'Always';
  for (const key of ['livenessProbe', 'readinessProbe', 'startupProbe']) {
    const probe = objectAt(container, key);
    if (!probe) continue;
    if (init && !sidecar) errors.push(field.forbidden([...path, key], onlySidecars));
    else errors.push(...validateProbe(probe, key, [...path, key]));
  }
  const lifecycle = objectAt(container, 'lifecycle');
  if (lifecycle && init && !sidecar) {
    errors.push(field.forbidden([...path, 'lifecycle'], onlySidecars));
  } else {
    for (const key of ['postStart', 'preStop']) {
      const hook = objectAt(lifecycle, key);
      if (hook) {
        const kinds = ['exec', 'httpGet', 'tcpSocket', 'sleep'];
        errors.push(...validateHandler(hook, kinds, [...path, 'lifecycle', key], gracePeriod));
      }
    }
  }
  if (!init && textAt(container, 'restartPolicy') !== undefined) {
    errors.push(field.forbidden([...path, 'restartPolicy'], 'may not be set for non-init containers'));
  }
  errors.push(...validateResources(objectAt(container, 'resources'), [...path, 'resources']));
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

function validateHandler(
  handler: Draft,
  kinds: readonly string[],
  path: JsonPath,
  gracePeriod: number,
): FieldError[] {
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
    if (kind === 'httpGet') {
      for (const header of objectsAt(objectAt(handler, kind), 'httpHeaders')) {
        const name = textAt(header, 'name') ?? '';
        for (const problem of headerName(name))
          errors.push(field.invalid([...path, kind, 'httpHeaders'], name, problem));
      }
    }
  } else if (kind === 'grpc') {
    const port = numberAt(objectAt(handler, kind), 'port') ?? 0;
    for (const problem of portNumber(port))
      errors.push(field.invalid([...path, kind, 'port'], port, problem));
  } else if (kind === 'sleep') {
    const seconds = numberAt(objectAt(handler, kind), 'seconds') ?? 0;
    if (seconds < 0 || seconds > gracePeriod) {
      const detail = `must be non-negative and less than terminationGracePeriodSeconds (${gracePeriod})`;
      errors.push(field.invalid([...path, kind], seconds, detail));
    }
  } else if (kind === 'exec') {
    const command = objectAt(handler, kind)?.['command'];
    if (!Array.isArray(command) || command.length === 0)
      errors.push(field.required([...path, 'exec', 'command']));
  }
  return errors;
}

function validateProbe(probe: Draft, kind: string, path: JsonPath): FieldError[] {
  const errors = validateHandler(probe, ['exec', 'httpGet', 'tcpSocket', 'grpc'], path, 0);
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
  const grace = numberAt(probe, 'terminationGracePeriodSeconds');
  if (grace !== undefined && grace <= 0) {
    errors.push(field.invalid([...path, 'terminationGracePeriodSeconds'], grace, 'must be greater than 0'));
  }
  if (grace !== undefined && kind === 'readinessProbe') {
    const detail = 'must not be set for readinessProbes';
    errors.push(field.invalid([...path, 'terminationGracePeriodSeconds'], grace, detail));
  }
  const successes = numberAt(probe, 'successThreshold');
  if (kind !== 'readinessProbe' && successes !== undefined && successes !== 1)
    errors.push(field.invalid([...path, 'successThreshold'], successes, 'must be 1'));
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
