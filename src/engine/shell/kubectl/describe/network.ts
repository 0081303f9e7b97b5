import { formatTimestamp } from '../duration.ts';
import { formatLabels, formatLabelSelector } from '../labels.ts';
import { abridge, joinHostPort, loadBalancer, serviceType } from '../printers/network.ts';
import { fieldOf, listAt, numberAt, textAt, textsAt, valueAt } from '../value.ts';
import { type DescribeContext, Description } from './description.ts';

export function describeService(service: unknown, context: DescribeContext): string {
  const d = new Description();
  const slices = slicesOf(service, context);
  d.identity(service);
  d.field('Selector', formatLabels(service, 'spec.selector'));
  d.field('Type', serviceType(service));
  d.optional('IP Family Policy', textAt(service, 'spec.ipFamilyPolicy'));
  d.field('IP Families', textsAt(service, 'spec.ipFamilies').join(',') || '<none>');
  d.field('IP', textAt(service, 'spec.clusterIP'));
  d.field('IPs', textsAt(service, 'spec.clusterIPs').join(',') || '<none>');
  d.optional('External IPs', textsAt(service, 'spec.externalIPs').join(','));
  d.optional('Desired LoadBalancer IP', textAt(service, 'spec.loadBalancerIP'));
  d.optional('External Name', textAt(service, 'spec.externalName'));
  const ingress = listAt(service, 'status.loadBalancer.ingress').map((entry) => {
    const mode = textAt(entry, 'ipMode');
    const ip = textAt(entry, 'ip');
    return ip === '' ? textAt(entry, 'hostname') : mode === '' ? ip : `${ip} (${mode})`;
  });
  d.optional('LoadBalancer Ingress', ingress.join(', '));
  for (const port of listAt(service, 'spec.ports')) {
    const name = textAt(port, 'name');
    const protocol = textAt(port, 'protocol');
    d.field('Port', `${name || '<unset>'}\t${numberAt(port, 'port')}/${protocol}`);
    d.field('TargetPort', `${textAt(port, 'targetPort')}/${protocol}`);
    d.optional('AppProtocol', textAt(port, 'appProtocol'));
    const nodePort = numberAt(port, 'nodePort');
    if (nodePort !== 0) d.field('NodePort', `${name || '<unset>'}\t${nodePort}/${protocol}`);
    d.field('Endpoints', formatSlices(slices, name));
  }
  d.field('Session Affinity', textAt(service, 'spec.sessionAffinity'));
  d.optional('External Traffic Policy', textAt(service, 'spec.externalTrafficPolicy'));
  d.optional('Internal Traffic Policy', textAt(service, 'spec.internalTrafficPolicy'));
  d.optional('HealthCheck NodePort', textAt(service, 'spec.healthCheckNodePort'));
  d.optional('LoadBalancer Source Ranges', textsAt(service, 'spec.loadBalancerSourceRanges').join(','));
  d.optional('Traffic Distribution', textAt(service, 'spec.trafficDistribution'));
  d.events(service, context);
  return d.toString();
}

export function describeEndpoints(endpoints: unknown, context: DescribeContext): string {
  const d = new Description();
  d.identity(endpoints);
  d.line('Subsets:');
  for (const subset of listAt(endpoints, 'subsets')) {
    const ips = (path: string) =>
      listAt(subset, path)
        .map((address) => textAt(address, 'ip'))
        .join(',') || '<none>';
    d.field('Addresses', ips('addresses'), 1);
    d.field('NotReadyAddresses', ips('notReadyAddresses'), 1);
    const ports = listAt(subset, 'ports');
    if (ports.length > 0) {
      d.line('Ports:', 1);
      d.table(portColumns, ports.map(portRow), 2);
    }
    d.line('');
  }
  d.events(endpoints, context);
  return d.toString();
}

export function describeEndpointSlice(slice: unknown, context: DescribeContext): string {
  const d = new Description();
  d.identity(slice);
  d.field('AddressType', textAt(slice, 'addressType'));
  const ports = listAt(slice, 'ports');
  if (ports.length === 0) d.line('Ports: <unset>');
  else {
    d.line('Ports:');
    d.table(portColumns, ports.map(portRow));
  }
  const endpoints = listAt(slice, 'endpoints');
  d.line(endpoints.length === 0 ? 'Endpoints: <none>' : 'Endpoints:');
  for (const endpoint of endpoints) {
    const target = valueAt(endpoint, 'targetRef');
    d.field('- Addresses', textsAt(endpoint, 'addresses').join(', ') || '<none>', 1);
    d.line('Conditions:', 2);
    d.field('Ready', textAt(endpoint, 'conditions.ready') || '<unset>', 3);
    d.field('Hostname', textAt(endpoint, 'hostname') || '<unset>', 2);
    if (target !== undefined) d.field('TargetRef', `${textAt(target, 'kind')}/${textAt(target, 'name')}`, 2);
    d.field('NodeName', textAt(endpoint, 'nodeName') || '<unset>', 2);
    d.field('Zone', textAt(endpoint, 'zone') || '<unset>', 2);
  }
  d.events(slice, context);
  return d.toString();
}

export function describeIngress(ingress: unknown, context: DescribeContext): string {
  const d = new Description();
  const namespace = textAt(ingress, 'metadata.namespace');
  const fallback = valueAt(ingress, 'spec.defaultBackend');
  const fallbackText = fallback === undefined ? '<default>' : describeBackend(fallback, namespace, context);
  d.field('Name', textAt(ingress, 'metadata.name'));
  d.labels('Labels', ingress, 'metadata.labels');
  d.field('Namespace', namespace);
  d.field('Address', loadBalancer(ingress));
  d.field('Ingress Class', textAt(ingress, 'spec.ingressClassName') || '<none>');
  d.field('Default backend', fallbackText);
  const tls = listAt(ingress, 'spec.tls');
  if (tls.length > 0) d.line('TLS:');
  for (const entry of tls) {
    const secret = textAt(entry, 'secretName');
    const hosts = textsAt(entry, 'hosts').join(',');
    d.line(secret === '' ? `SNI routes ${hosts}` : `${secret} terminates ${hosts}`, 1);
  }
  d.line('Rules:');
  d.table(['Host', 'Path', 'Backends'], []);
  const rules = listAt(ingress, 'spec.rules').filter((rule) => valueAt(rule, 'http') !== undefined);
  for (const rule of rules) {
    d.line(`${textAt(rule, 'host') || '*'}\t`, 1);
    for (const path of listAt(rule, 'http.paths')) {
      d.line(
        `\t${textAt(path, 'path')} \t${describeBackend(valueAt(path, 'backend'), namespace, context)}`,
        2,
      );
    }
  }
  if (rules.length === 0) d.line(`*\t*\t${fallbackText}`, 1);
  d.annotations(ingress);
  d.events(ingress, context);
  return d.toString();
}

export function describeIngressClass(ingressClass: unknown, context: DescribeContext): string {
  const d = new Description();
  d.field('Name', textAt(ingressClass, 'metadata.name'));
  d.labels('Labels', ingressClass, 'metadata.labels');
  d.annotations(ingressClass);
  d.field('Controller', textAt(ingressClass, 'spec.controller'));
  const parameters = valueAt(ingressClass, 'spec.parameters');
  if (parameters !== undefined) {
    d.line('Parameters:');
    d.optional('APIGroup', textAt(parameters, 'apiGroup'), 1);
    d.field('Kind', textAt(parameters, 'kind'), 1);
    d.field('Name', textAt(parameters, 'name'), 1);
  }
  d.events(ingressClass, context);
  return d.toString();
}

export function describeNetworkPolicy(policy: unknown): string {
  const d = new Description();
  const types = textsAt(policy, 'spec.policyTypes');
  d.field('Name', textAt(policy, 'metadata.name'));
  d.field('Namespace', textAt(policy, 'metadata.namespace'));
  d.field('Created on', goTime(valueAt(policy, 'metadata.creationTimestamp')));
  d.labels('Labels', policy, 'metadata.labels');
  d.annotations(policy);
  d.line('Spec:');
  const selector = formatLabelSelector(policy, 'spec.podSelector');
  const all = '<none> (Allowing the specific traffic to all pods in this namespace)';
  d.line(`PodSelector:     ${selector === '<none>' ? all : selector}`, 1);
  describeDirection(d, policy, 'ingress');
  describeDirection(d, policy, 'egress');
  d.line(`Policy Types: ${types.join(', ') || '<none>'}`, 1);
  return d.toString();
}

function describeDirection(d: Description, policy: unknown, direction: 'ingress' | 'egress'): void {
  const types = textsAt(policy, 'spec.policyTypes').map((type) => type.toLowerCase());
  if (!types.includes(direction)) return d.line(`Not affecting ${direction} traffic`, 1);
  const [peers, label, limit] =
    direction === 'ingress' ? (['from', 'From', 'source'] as const) : (['to', 'To', 'destination'] as const);
  const rules = listAt(policy, `spec.${direction}`);
  d.line(`Allowing ${direction} traffic:`, 1);
  if (rules.length === 0) d.line(`<none> (Selected pods are isolated for ${direction} connectivity)`, 2);
  for (const [index, rule] of rules.entries()) {
    const ports = listAt(rule, 'ports');
    if (ports.length === 0) d.line('To Port: <any> (traffic allowed to all ports)', 2);
    for (const port of ports) {
      const protocol = textAt(port, 'protocol') || 'TCP';
      const end = textAt(port, 'endPort');
      const first = textAt(port, 'port') || '<nil>';
      d.line(end === '' ? `To Port: ${first}/${protocol}` : `To Port Range: ${first}-${end}/${protocol}`, 2);
    }
    if (listAt(rule, peers).length === 0) d.line(`${label}: <any> (traffic not restricted by ${limit})`, 2);
    for (const peer of listAt(rule, peers)) {
      d.line(`${label}:`, 2);
      const block = valueAt(peer, 'ipBlock');
      const selectors = (['namespaceSelector', 'podSelector'] as const).filter(
        (name) => valueAt(peer, name) !== undefined,
      );
      for (const name of selectors) {
        d.line(
          `${name === 'podSelector' ? 'PodSelector' : 'NamespaceSelector'}: ${formatLabelSelector(peer, name)}`,
          3,
        );
      }
      if (selectors.length === 0 && block !== undefined) {
        d.line('IPBlock:', 3);
        d.line(`CIDR: ${textAt(block, 'cidr')}`, 4);
        d.line(`Except: ${textsAt(block, 'except').join(', ')}`, 4);
      }
    }
    if (index < rules.length - 1) d.line('----------', 2);
  }
}

/** The ready endpoints of a port as `address:port`, three at most. */
function formatSlices(slices: readonly unknown[], portName: string): string {
  if (slices.length === 0) return '<none>';
  const all: string[] = [];
  for (const slice of slices) {
    const ready = listAt(slice, 'endpoints')
      .filter((endpoint) => valueAt(endpoint, 'conditions.ready') !== false)
      .map((endpoint) => textsAt(endpoint, 'addresses')[0] ?? '');
    const ports = listAt(slice, 'ports');
    if (ports.length === 0) all.push(...ready);
    for (const port of ports) {
      if (textAt(port, 'name') === portName)
        all.push(...ready.map((ip) => joinHostPort(ip, numberAt(port, 'port'))));
    }
  }
  return abridge(all);
}

function slicesOf(service: unknown, context: DescribeContext): readonly unknown[] {
  const name = textAt(service, 'metadata.name');
  return context
    .list('EndpointSlice', textAt(service, 'metadata.namespace'))
    .filter((slice) => fieldOf(valueAt(slice, 'metadata.labels'), 'kubernetes.io/service-name') === name);
}

function describeBackend(backend: unknown, namespace: string, context: DescribeContext): string {
  const reference = valueAt(backend, 'service');
  if (reference === undefined) {
    const resource = valueAt(backend, 'resource');
    if (resource === undefined) return '';
    return `APIGroup: ${textAt(resource, 'apiGroup') || '<none>'}, Kind: ${textAt(resource, 'kind')}, Name: ${textAt(resource, 'name')}`;
  }
  const name = textAt(reference, 'name');
  const port = textAt(reference, 'port.number') || textAt(reference, 'port.name');
  const service = context
    .list('Service', namespace)
    .find((candidate) => textAt(candidate, 'metadata.name') === name);
  if (service === undefined) return `${name}:${port} (<error: services ${JSON.stringify(name)} not found>)`;
  const match = listAt(service, 'spec.ports').find(
    (candidate) => textAt(candidate, 'port') === port || (textAt(candidate, 'name') === port && port !== ''),
  );
  return `${name}:${port} (${formatSlices(slicesOf(service, context), textAt(match, 'name'))})`;
}

const portColumns = ['Name', 'Port', 'Protocol'];

function portRow(port: unknown): string[] {
  return [textAt(port, 'name') || '<unset>', textAt(port, 'port') || '<unset>', textAt(port, 'protocol')];
}

/** Go's default format of a time in UTC: `2026-11-23 01:12:09 +0000 UTC`. */
function goTime(timestamp: unknown): string {
  const text = formatTimestamp(timestamp);
  return `${String(timestamp).slice(0, 10)} ${text.slice(17, 25)} +0000 UTC`;
}
