import { parseAddress, parseCidr } from '../address.ts';
import type { FieldError } from '../error.ts';
import * as field from '../field.ts';
import type { Draft } from '../json.ts';
import { numberAt, objectAt, objectsAt, textAt, textsAt } from '../json.ts';
import type { JsonPath } from '../path.ts';
import { clusterIPsOf, validateClusterIPs, validIp } from './cluster-ips.ts';
import { validateLabels } from './metadata.ts';
import { dns1123Label, dns1123Subdomain, portName, portNumber } from './names.ts';

/** core validation.ValidateService */
export function validateService(service: Draft): FieldError[] {
  const spec = objectAt(service, 'spec') ?? {};
  const path = ['spec'];
  const errors: FieldError[] = [];
  const type = textAt(spec, 'type') ?? '';
  const ports = objectsAt(spec, 'ports');
  const ips = clusterIPsOf(spec);
  const headless = ips[0] === 'None';
  if (ports.length === 0 && !headless && type !== 'ExternalName')
    errors.push(field.required([...path, 'ports']));
  if (type === 'LoadBalancer' || type === 'NodePort') {
    if (headless)
      errors.push(
        field.invalid([...path, 'clusterIPs', 0], 'None', `may not be set to 'None' for ${type} services`),
      );
  } else if (type === 'ExternalName') {
    if (ips.length > 0 && !headless)
      errors.push(field.forbidden([...path, 'clusterIPs'], 'may not be set for ExternalName services'));
    for (const name of ['ipFamilies', 'ipFamilyPolicy'])
      if (spec[name] !== undefined)
        errors.push(field.forbidden([...path, name], 'may not be set for ExternalName services'));
    const name = (textAt(spec, 'externalName') ?? '').replace(/\.$/, '');
    if (name === '') errors.push(field.required([...path, 'externalName']));
    else
      for (const problem of dns1123Subdomain(name))
        errors.push(field.invalid([...path, 'externalName'], name, problem));
  }
  const names = new Set<string>();
  for (const [i, port] of ports.entries()) {
    errors.push(...validatePort(port, [...path, 'ports', i], ports.length > 1, names));
    if (type === 'ClusterIP' && numberAt(port, 'nodePort')) {
      errors.push(
        field.forbidden([...path, 'ports', i, 'nodePort'], "may not be used when `type` is 'ClusterIP'"),
      );
    }
  }
  errors.push(...duplicatePorts(ports, path));
  errors.push(...validateLabels(objectAt(spec, 'selector'), [...path, 'selector']));
  errors.push(...validateClusterIPs(spec, path), ...validateExternalIPs(spec, path));
  if (textAt(spec, 'sessionAffinity') === 'None' && objectAt(spec, 'sessionAffinityConfig')) {
    errors.push(
      field.forbidden([...path, 'sessionAffinityConfig'], 'must not be set when session affinity is None'),
    );
  }
  if (spec['allocateLoadBalancerNodePorts'] !== undefined && type !== 'LoadBalancer') {
    const detail = "may only be used when `type` is 'LoadBalancer'";
    errors.push(field.forbidden([...path, 'allocateLoadBalancerNodePorts'], detail));
  }
  const health = numberAt(spec, 'healthCheckNodePort') ?? 0;
  if (health !== 0 && (type !== 'LoadBalancer' || textAt(spec, 'externalTrafficPolicy') !== 'Local')) {
    const detail = "may only be set when `type` is 'LoadBalancer' and `externalTrafficPolicy` is 'Local'";
    errors.push(field.invalid([...path, 'healthCheckNodePort'], health, detail));
  }
  const timeout = numberAt(objectAt(objectAt(spec, 'sessionAffinityConfig'), 'clientIP'), 'timeoutSeconds');
  if (timeout !== undefined && (timeout <= 0 || timeout > 86_400)) {
    errors.push(
      field.invalid(
        [...path, 'sessionAffinityConfig', 'clientIP', 'timeoutSeconds'],
        timeout,
        'must be greater than 0 and less than 86400',
      ),
    );
  }
  if (
    textAt(spec, 'externalTrafficPolicy') !== undefined &&
    type !== 'LoadBalancer' &&
    type !== 'NodePort' &&
    textsAt(spec, 'externalIPs').length === 0
  ) {
    errors.push(
      field.invalid(
        [...path, 'externalTrafficPolicy'],
        textAt(spec, 'externalTrafficPolicy'),
        'may only be set for externally-accessible services',
      ),
    );
  }
  const ranges = textsAt(spec, 'loadBalancerSourceRanges');
  if (ranges.length > 0 && type !== 'LoadBalancer') {
    errors.push(
      field.forbidden(
        [...path, 'LoadBalancerSourceRanges'],
        "may only be used when `type` is 'LoadBalancer'",
      ),
    );
  }
  for (const [i, range] of ranges.entries()) {
    if (!parseCidr(range.trim())) {
      errors.push(
        field.invalid(
          [...path, 'LoadBalancerSourceRanges', i],
          range,
          'must be a valid CIDR value, (e.g. 10.9.8.0/24 or 2001:db8::/64)',
        ),
      );
    }
  }
  const distribution = textAt(spec, 'trafficDistribution');
  const supported = ['PreferClose'];
  if (distribution !== undefined && !supported.includes(distribution))
    errors.push(field.notSupported([...path, 'trafficDistribution'], distribution, supported));
  return errors;
}

function validatePort(port: Draft, path: JsonPath, several: boolean, names: Set<string>): FieldError[] {
  const errors: FieldError[] = [];
  const name = textAt(port, 'name') ?? '';
  if (several && name === '') errors.push(field.required([...path, 'name']));
  else if (name) {
    for (const problem of dns1123Label(name)) errors.push(field.invalid([...path, 'name'], name, problem));
    if (names.has(name)) errors.push(field.duplicate([...path, 'name'], name));
    names.add(name);
  }
  const number = numberAt(port, 'port') ?? 0;
  for (const problem of portNumber(number)) errors.push(field.invalid([...path, 'port'], number, problem));
  const target = port['targetPort'];
  if (typeof target === 'number')
    for (const problem of portNumber(target))
      errors.push(field.invalid([...path, 'targetPort'], target, problem));
  else if (typeof target === 'string')
    for (const problem of portName(target))
      errors.push(field.invalid([...path, 'targetPort'], target, problem));
  return errors;
}

function duplicatePorts(ports: readonly Draft[], path: JsonPath): FieldError[] {
  const errors: FieldError[] = [];
  const seen = new Set<string>();
  const nodePorts = new Set<string>();
  for (const [i, port] of ports.entries()) {
    const protocol = textAt(port, 'protocol') ?? 'TCP';
    const number = numberAt(port, 'port') ?? 0;
    if (seen.has(`${protocol} ${number}`)) {
      const error = field.duplicate([...path, 'ports', i], { port: number, protocol });
      errors.push({ ...error, path: [...path, 'ports', i, 'port'] });
    }
    seen.add(`${protocol} ${number}`);
    const nodePort = numberAt(port, 'nodePort');
    if (!nodePort) continue;
    if (nodePorts.has(`${protocol} ${nodePort}`))
      errors.push(field.duplicate([...path, 'ports', i, 'nodePort'], nodePort));
    nodePorts.add(`${protocol} ${nodePort}`);
  }
  return errors;
}

function validateExternalIPs(spec: Draft, path: JsonPath): FieldError[] {
  const errors: FieldError[] = [];
  for (const [i, ip] of textsAt(spec, 'externalIPs').entries()) {
    const address = parseAddress(ip);
    const at = [...path, 'externalIPs', i];
    if (!address) errors.push(field.invalid(at, ip, validIp));
    else if (address.value === 0n) errors.push(field.invalid(at, ip, `may not be unspecified (${ip})`));
    else if (/^127\.|^::1$/.test(ip))
      errors.push(field.invalid(at, ip, 'may not be in the loopback range (127.0.0.0/8, ::1/128)'));
    else if (/^169\.254\./.test(ip))
      errors.push(field.invalid(at, ip, 'may not be in the link-local range (169.254.0.0/16, fe80::/10)'));
  }
  return errors;
}
