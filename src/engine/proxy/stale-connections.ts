import { formatIp } from '../net/address.ts';
import type { Conntrack } from '../net/conntrack.ts';
import { EndpointIndex, type EndpointSliceInput } from './endpoints.ts';
import type { ProxyNode } from './node.ts';
import { servicePorts, type ServiceInput } from './service.ts';

/** UDP keeps going to an endpoint that is gone until its connection is forgotten (pkg/proxy/conntrack/cleanup.go). */
export function forgetStaleConnections(
  conntrack: Conntrack,
  node: ProxyNode,
  services: readonly ServiceInput[],
  slices: readonly EndpointSliceInput[],
): void {
  if (conntrack.empty) return;
  const index = new EndpointIndex(slices, node.family, node.name);
  const valid = new Map<string, Set<string>>();
  const nodePorts = new Map<number, Set<string>>();
  for (const port of services.flatMap((service) => servicePorts(service, node))) {
    if (port.protocol !== 'udp') continue;
    const ips = index
      .of(port)
      .flatMap((endpoint) => (endpoint.ready || endpoint.serving ? [endpoint.ip] : []));
    if (ips.length === 0) continue;
    for (const ip of [port.clusterIP, ...port.externalIPs, ...port.loadBalancerVIPs])
      valid.set(`${ip} ${port.port}`, new Set(ips));
    if (port.nodePort !== 0) nodePorts.set(port.nodePort, new Set(ips));
  }
  if (valid.size === 0) return;
  conntrack.delete(({ original, reply }) => {
    if (original.protocol !== 17) return false;
    const endpoints =
      valid.get(`${formatIp(original.dst)} ${original.dport}`) ?? nodePorts.get(original.dport);
    return endpoints !== undefined && !endpoints.has(formatIp(reply.src));
  });
}
