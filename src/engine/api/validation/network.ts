import { cidrContains, parseAddress, parseCidr } from '../address.ts';
import type { FieldError } from '../error.ts';
import * as field from '../field.ts';
import type { Draft, DraftValue } from '../json.ts';
import { isObject, numberAt, objectAt, objectsAt, textAt } from '../json.ts';
import type { JsonPath } from '../path.ts';
import { validateSelector } from './metadata.ts';
import { dns1035Label, dns1123Subdomain, portName, portNumber, wildcardSubdomain } from './names.ts';

const validCidr = 'must be a valid CIDR value, (e.g. 10.9.8.0/24 or 2001:db8::/64)';

/** networking validation.ValidateNetworkPolicySpec */
export function validateNetworkPolicy(policy: Draft): FieldError[] {
  const spec = objectAt(policy, 'spec') ?? {};
  const errors = validateSelector(objectAt(spec, 'podSelector'), ['spec', 'podSelector']);
  for (const [direction, side] of [
    ['ingress', 'from'],
    ['egress', 'to'],
  ] as const) {
    for (const [i, rule] of objectsAt(spec, direction).entries()) {
      const path = ['spec', direction, i];
      for (const [j, port] of objectsAt(rule, 'ports').entries())
        errors.push(...validatePolicyPort(port, [...path, 'ports', j]));
      for (const [j, peer] of objectsAt(rule, side).entries())
        errors.push(...validatePeer(peer, [...path, side, j]));
    }
  }
  const types = spec['policyTypes'];
  if (Array.isArray(types) && types.length > 2)
    errors.push(field.invalid(['spec', 'policyTypes'], types, 'may not specify more than two policyTypes'));
  return errors;
}

function validatePolicyPort(port: Draft, path: JsonPath): FieldError[] {
  const errors: FieldError[] = [];
  const number = port['port'];
  if (typeof number === 'number')
    for (const problem of portNumber(number)) errors.push(field.invalid([...path, 'port'], number, problem));
  else if (typeof number === 'string')
    for (const problem of portName(number)) errors.push(field.invalid([...path, 'port'], number, problem));
  const end = numberAt(port, 'endPort');
  if (end === undefined) return errors;
  const at = [...path, 'endPort'];
  if (number === undefined) {
    errors.push(field.invalid(at, end, 'may not be specified when `port` is not specified'));
  } else if (typeof number === 'string') {
    errors.push(field.invalid(at, end, 'may not be specified when `port` is non-numeric'));
  } else {
    if (typeof number === 'number' && end < number) {
      errors.push(field.invalid(at, end, 'must be greater than or equal to `port`'));
    }
    for (const problem of portNumber(end)) errors.push(field.invalid(at, end, problem));
  }
  return errors;
}

function validatePeer(peer: Draft, path: JsonPath): FieldError[] {
  const errors: FieldError[] = [];
  const block = objectAt(peer, 'ipBlock');
  const selectors = ['podSelector', 'namespaceSelector'].filter((key) => isObject(peer[key]));
  for (const key of selectors) errors.push(...validateSelector(objectAt(peer, key), [...path, key]));
  if (!block && selectors.length === 0) errors.push(field.required(path, 'must specify a peer'));
  else if (block && selectors.length > 0)
    errors.push(field.forbidden(path, 'may not specify both ipBlock and another peer'));
  if (!block) return errors;
  const text = textAt(block, 'cidr') ?? '';
  const cidr = parseCidr(text);
  const at = [...path, 'ipBlock'];
  if (text === '') errors.push(field.required([...at, 'cidr']));
  else if (!cidr) errors.push(field.invalid([...at, 'cidr'], text, validCidr));
  for (const [i, except] of (Array.isArray(block['except']) ? block['except'] : []).entries()) {
    if (typeof except !== 'string') continue;
    const inner = parseCidr(except);
    if (!inner) errors.push(field.invalid([...at, 'except', i], except, validCidr));
    else if (cidr && (!cidrContains(cidr, inner) || cidr.length >= inner.length)) {
      errors.push(field.invalid([...at, 'except', i], except, `must be a strict subset of \`cidr\``));
    }
  }
  return errors;
}

/** discovery validation.ValidateEndpointSlice */
export function validateEndpointSlice(slice: Draft): FieldError[] {
  const errors: FieldError[] = [];
  const type = textAt(slice, 'addressType') ?? '';
  if (type === '') errors.push(field.required(['addressType']));
  const endpoints = objectsAt(slice, 'endpoints');
  if (endpoints.length > 1000) errors.push(field.tooMany(['endpoints'], endpoints.length, 1000));
  for (const [i, endpoint] of endpoints.entries()) {
    const path = ['endpoints', i, 'addresses'];
    const addresses = Array.isArray(endpoint['addresses']) ? endpoint['addresses'] : [];
    if (addresses.length === 0) errors.push(field.required(path, 'must contain at least 1 address'));
    else if (addresses.length > 100) errors.push(field.tooMany(path, addresses.length, 100));
    for (const [j, address] of addresses.entries()) {
      if (typeof address !== 'string') continue;
      if (type === 'FQDN')
        for (const problem of dns1123Subdomain(address))
          errors.push(field.invalid([...path, j], address, problem));
      else if ((type === 'IPv4' || type === 'IPv6') && parseAddress(address)?.family !== type) {
        errors.push(field.invalid([...path, j], address, `must be a valid ${type} address`));
      } else errors.push(...specialAddress(address, [...path, j]));
    }
  }
  const ports = objectsAt(slice, 'ports');
  if (ports.length > 20_000) errors.push(field.tooMany(['ports'], ports.length, 20_000));
  const names = new Set<string>();
  for (const [i, port] of ports.entries()) {
    const name = textAt(port, 'name') ?? '';
    if (names.has(name)) errors.push(field.duplicate(['ports', i, 'name'], name));
    names.add(name);
    const number = numberAt(port, 'port');
    if (number !== undefined)
      for (const problem of portNumber(number))
        errors.push(field.invalid(['ports', i, 'port'], number, problem));
  }
  return errors;
}

/** ValidateEndpointIP: addresses that no endpoint may have. */
function specialAddress(text: string, path: JsonPath): FieldError[] {
  const address = parseAddress(text);
  if (address?.family !== 'IPv4') return [];
  const first = Number(address.value >> 24n);
  if (address.value === 0n) return [field.invalid(path, text, `may not be unspecified (0.0.0.0 or ::)`)];
  if (first === 127)
    return [field.invalid(path, text, 'may not be in the loopback range (127.0.0.0/8, ::1/128)')];
  if (text.startsWith('169.254.'))
    return [field.invalid(path, text, 'may not be in the link-local range (169.254.0.0/16, fe80::/10)')];
  return first >= 224 && first < 240
    ? [field.invalid(path, text, 'may not be in the link-local multicast range (224.0.0.0/24, ff02::/10)')]
    : [];
}

/** core validation.ValidateEndpoints */
export function validateEndpoints(endpoints: Draft): FieldError[] {
  const errors: FieldError[] = [];
  for (const [i, subset] of objectsAt(endpoints, 'subsets').entries()) {
    const path = ['subsets', i];
    const listed = [...objectsAt(subset, 'addresses'), ...objectsAt(subset, 'notReadyAddresses')];
    if (listed.length === 0)
      errors.push(field.required(path, 'must specify `addresses` or `notReadyAddresses`'));
    for (const key of ['addresses', 'notReadyAddresses']) {
      for (const [j, address] of objectsAt(subset, key).entries()) {
        const ip = textAt(address, 'ip') ?? '';
        const at = [...path, key, j, 'ip'];
        if (!parseAddress(ip))
          errors.push(field.invalid(at, ip, 'must be a valid IP address, (e.g. 10.9.8.7 or 2001:db8::ffff)'));
        else errors.push(...specialAddress(ip, at));
      }
    }
    const ports = objectsAt(subset, 'ports');
    for (const [j, port] of ports.entries()) {
      const at = [...path, 'ports', j];
      if (ports.length > 1 && !textAt(port, 'name')) errors.push(field.required([...at, 'name']));
      const number = numberAt(port, 'port') ?? 0;
      for (const problem of portNumber(number)) errors.push(field.invalid([...at, 'port'], number, problem));
    }
  }
  return errors;
}

/** networking validation.ValidateIngressSpec */
export function validateIngress(ingress: Draft): FieldError[] {
  const spec = objectAt(ingress, 'spec') ?? {};
  const errors: FieldError[] = [];
  const rules = objectsAt(spec, 'rules');
  const backend = objectAt(spec, 'defaultBackend');
  if (rules.length === 0 && !backend)
    errors.push(field.invalid(['spec'], null, 'either `defaultBackend` or `rules` must be specified'));
  if (backend) errors.push(...validateBackend(backend, ['spec', 'defaultBackend']));
  for (const [i, rule] of rules.entries()) {
    const path = ['spec', 'rules', i];
    const host = textAt(rule, 'host') ?? '';
    if (host !== '') {
      if (parseAddress(host))
        errors.push(field.invalid([...path, 'host'], host, 'must be a DNS name, not an IP address'));
      else
        for (const problem of host.includes('*') ? wildcardSubdomain(host) : dns1123Subdomain(host))
          errors.push(field.invalid([...path, 'host'], host, problem));
    }
    const http = objectAt(rule, 'http');
    const paths = objectsAt(http, 'paths');
    if (http && paths.length === 0) errors.push(field.required([...path, 'http', 'paths']));
    for (const [j, entry] of paths.entries())
      errors.push(...validateHttpPath(entry, [...path, 'http', 'paths', j]));
  }
  return errors;
}

function validateHttpPath(entry: Draft, path: JsonPath): FieldError[] {
  const errors: FieldError[] = [];
  const type = textAt(entry, 'pathType');
  const text = textAt(entry, 'path') ?? '';
  if (type === undefined) errors.push(field.required([...path, 'pathType'], 'pathType must be specified'));
  else if (type !== 'ImplementationSpecific') {
    if (!text.startsWith('/'))
      errors.push(field.invalid([...path, 'path'], text, 'must be an absolute path'));
    for (const bad of ['//', '/./', '/../', '%2f', '%2F']) {
      if (text.includes(bad))
        errors.push(field.invalid([...path, 'path'], text, `must not contain '${bad}'`));
    }
    for (const bad of ['/..', '/.'])
      if (text.endsWith(bad)) errors.push(field.invalid([...path, 'path'], text, `cannot end with '${bad}'`));
  } else if (text !== '' && !text.startsWith('/'))
    errors.push(field.invalid([...path, 'path'], text, 'must be an absolute path'));
  errors.push(...validateBackend(objectAt(entry, 'backend') ?? {}, [...path, 'backend']));
  return errors;
}

function validateBackend(backend: Draft, path: JsonPath): FieldError[] {
  const errors: FieldError[] = [];
  const service = objectAt(backend, 'service');
  const resource = objectAt(backend, 'resource');
  if (service && resource) return [field.invalid(path, '', 'cannot set both resource and service backends')];
  if (resource) return errors;
  if (!service) return [field.invalid(path, '', 'resource or service backend is required')];
  const at = [...path, 'service'];
  const name = textAt(service, 'name') ?? '';
  if (name === '') errors.push(field.required([...at, 'name']));
  else for (const problem of dns1035Label(name)) errors.push(field.invalid([...at, 'name'], name, problem));
  const port = objectAt(service, 'port');
  const [portText, number] = [textAt(port, 'name') ?? '', numberAt(port, 'number') ?? 0];
  if (portText !== '' && number !== 0)
    errors.push(field.invalid(path, '', 'cannot set both port name & port number'));
  else if (portText !== '')
    for (const problem of portName(portText))
      errors.push(field.invalid([...at, 'port', 'name'], portText, problem));
  else if (number === 0) errors.push(field.required(path, 'port name or number is required'));
  else
    for (const problem of portNumber(number))
      errors.push(field.invalid([...at, 'port', 'number'], number, problem));
  return errors;
}

/** The rules of the admin tiers' CRDs that the field table does not have. */
export function validateAdminPolicy(kind: string, policy: Draft): FieldError[] {
  const spec = objectAt(policy, 'spec') ?? {};
  const errors: FieldError[] = [];
  const body = (path: JsonPath, value: DraftValue | undefined, detail: string): void => {
    errors.push(field.invalid(path, value, `${path.join('.')} in body ${detail}`));
  };
  if (kind === 'BaselineAdminNetworkPolicy') {
    const name = textAt(objectAt(policy, 'metadata'), 'name');
    if (name !== 'default')
      errors.push(
        field.invalid(
          [],
          'object',
          'Only one baseline admin network policy with metadata.name="default" can be created in the cluster',
        ),
      );
  } else {
    const priority = numberAt(spec, 'priority') ?? 0;
    if (priority < 0) body(['spec', 'priority'], priority, 'should be greater than or equal to 0');
    if (priority > 1000) body(['spec', 'priority'], priority, 'should be less than or equal to 1000');
  }
  const subject = objectAt(spec, 'subject');
  const properties = Object.keys(subject ?? {}).length;
  if (subject && properties !== 1) {
    body(
      ['spec', 'subject'],
      properties,
      `should have at ${properties === 0 ? 'least' : 'most'} 1 properties`,
    );
  }
  for (const direction of ['ingress', 'egress']) {
    const rules = objectsAt(spec, direction);
    if (rules.length > 100) errors.push(field.tooMany(['spec', direction], rules.length, 100));
    for (const [i, rule] of rules.entries()) {
      const side = direction === 'ingress' ? 'from' : 'to';
      const peers = objectsAt(rule, side);
      if (peers.length === 0) body(['spec', direction, i, side], 0, 'should have at least 1 items');
      for (const [j, peer] of peers.entries()) {
        const path = ['spec', direction, i, side, j];
        if (Object.keys(peer).length !== 1)
          body(
            path,
            Object.keys(peer).length,
            `should have at ${Object.keys(peer).length === 0 ? 'least' : 'most'} 1 properties`,
          );
        for (const [k, network] of (Array.isArray(peer['networks']) ? peer['networks'] : []).entries()) {
          if (typeof network === 'string' && !parseCidr(network)) {
            errors.push(
              field.invalid(
                [...path, 'networks', k],
                network,
                'Invalid CIDR format provided: networks must be in CIDR notation',
              ),
            );
          }
        }
      }
    }
  }
  return errors;
}
