import { formatLabels, formatLabelSelector } from '../labels.ts';
import { byBytes, listAt, numberAt, textAt, textsAt, valueAt } from '../value.ts';
import { age, name, type PrintContext, type Printer } from './printer.ts';

const listed = 3;

export const servicePrinter: Printer = {
  columns: 'NAME,TYPE,CLUSTER-IP,EXTERNAL-IP,PORT(S),AGE|SELECTOR',
  row: (service, context) => [
    name(service),
    serviceType(service),
    textsAt(service, 'spec.clusterIPs')[0] ?? (textAt(service, 'spec.clusterIP') || '<none>'),
    externalIps(service, addressWidth(context)),
    listAt(service, 'spec.ports').map(servicePort).join(',') || '<none>',
    age(service, context),
    formatLabels(service, 'spec.selector'),
  ],
};

export const endpointsPrinter: Printer = {
  columns: 'NAME,ENDPOINTS,AGE',
  row: (endpoints, context) => [name(endpoints), formatEndpoints(endpoints), age(endpoints, context)],
};

export const endpointSlicePrinter: Printer = {
  columns: 'NAME,ADDRESSTYPE,PORTS,ENDPOINTS,AGE',
  row: (slice, context) => [
    name(slice),
    textAt(slice, 'addressType'),
    abridge(listAt(slice, 'ports').map(slicePort)) || '<unset>',
    abridge(listAt(slice, 'endpoints').flatMap((endpoint) => textsAt(endpoint, 'addresses'))) || '<unset>',
    age(slice, context),
  ],
};

export const networkPolicyPrinter: Printer = {
  columns: 'NAME,POD-SELECTOR,AGE',
  row: (policy, context) => [
    name(policy),
    formatLabelSelector(policy, 'spec.podSelector'),
    age(policy, context),
  ],
};

export const adminNetworkPolicyPrinter: Printer = {
  columns: 'NAME,PRIORITY,AGE',
  row: (policy, context) => [name(policy), numberAt(policy, 'spec.priority'), age(policy, context)],
};

export const ingressPrinter: Printer = {
  columns: 'NAME,CLASS,HOSTS,ADDRESS,PORTS,AGE',
  row: (ingress, context) => [
    name(ingress),
    textAt(ingress, 'spec.ingressClassName') || '<none>',
    abridge(
      listAt(ingress, 'spec.rules')
        .map((rule) => textAt(rule, 'host'))
        .filter((host) => host !== ''),
    ) || '*',
    loadBalancer(ingress, addressWidth(context)),
    listAt(ingress, 'spec.tls').length > 0 ? '80, 443' : '80',
    age(ingress, context),
  ],
};

export const ingressClassPrinter: Printer = {
  columns: 'NAME,CONTROLLER,PARAMETERS,AGE',
  row(ingressClass, context) {
    const group = textAt(ingressClass, 'spec.parameters.apiGroup');
    const kind = textAt(ingressClass, 'spec.parameters.kind') + (group === '' ? '' : `.${group}`);
    const parameters = valueAt(ingressClass, 'spec.parameters');
    return [
      name(ingressClass),
      textAt(ingressClass, 'spec.controller'),
      parameters === undefined ? '<none>' : `${kind}/${textAt(parameters, 'name')}`,
      age(ingressClass, context),
    ];
  },
};

export function serviceType(service: unknown): string {
  return textAt(service, 'spec.type') || 'ClusterIP';
}

/** The ready addresses with their ports, three at most. Source: `formatEndpoints`. */
function formatEndpoints(endpoints: unknown): string {
  const subsets = listAt(endpoints, 'subsets');
  if (subsets.length === 0) return '<none>';
  const all: string[] = [];
  for (const subset of subsets) {
    const ips = listAt(subset, 'addresses').map((address) => textAt(address, 'ip'));
    const ports = listAt(subset, 'ports');
    if (ports.length === 0) all.push(...ips);
    for (const port of ports) {
      all.push(...ips.map((ip) => joinHostPort(ip, textAt(port, 'port'))));
    }
  }
  return abridge(all);
}

export function joinHostPort(host: string, port: string | number): string {
  return host.includes(':') ? `[${host}]:${port}` : `${host}:${port}`;
}

/** `a,b,c + 2 more...` */
export function abridge(items: readonly string[], max = listed): string {
  const shown = items.slice(0, max).join(',');
  return items.length > max ? `${shown} + ${items.length - max} more...` : shown;
}

/** Addresses of a LoadBalancer's or an Ingress' status; a narrow table cuts them short. */
export function loadBalancer(object: unknown, width = Infinity): string {
  const ingress = listAt(object, 'status.loadBalancer.ingress').map(
    (entry) => textAt(entry, 'ip') || textAt(entry, 'hostname'),
  );
  const joined = [...new Set(ingress)].sort(byBytes).join(',');
  return joined.length > width ? `${joined.slice(0, width - 3)}...` : joined;
}

function addressWidth({ wide }: PrintContext): number {
  return wide ? Infinity : 16;
}

function externalIps(service: unknown, width: number): string {
  const external = textsAt(service, 'spec.externalIPs').join(',');
  switch (serviceType(service)) {
    case 'ClusterIP':
    case 'NodePort':
      return external || '<none>';
    case 'LoadBalancer':
      return [loadBalancer(service, width), external].filter((text) => text !== '').join(',') || '<pending>';
    case 'ExternalName':
      return textAt(service, 'spec.externalName');
    default:
      return '<unknown>';
  }
}

function servicePort(port: unknown): string {
  const nodePort = numberAt(port, 'nodePort');
  const node = nodePort > 0 ? `:${nodePort}` : '';
  return `${textAt(port, 'port')}${node}/${textAt(port, 'protocol') || 'TCP'}`;
}

function slicePort(port: unknown): string {
  return textAt(port, 'port') || textAt(port, 'name') || '*';
}
