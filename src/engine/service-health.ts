import type { EndpointSlice, Service } from './api/types.ts';
import { httpDate } from './apps/date.ts';
import { httpListener } from './apps/server.ts';
import { bindListener } from './listening.ts';
import type { Machine } from './machine.ts';
import type { SocketOwner } from './net/socket.ts';

interface Checked {
  readonly namespace: string;
  readonly name: string;
}

/** The Services that ask every node for a health check, by port (`healthCheckNodePort`). */
export function healthChecks(services: readonly Service[]): ReadonlyMap<number, Checked> {
  const found = new Map<number, Checked>();
  for (const { metadata, spec } of services) {
    const port = spec.healthCheckNodePort ?? 0;
    if (port !== 0 && spec.type === 'LoadBalancer' && spec.externalTrafficPolicy === 'Local')
      found.set(port, { namespace: metadata.namespace ?? 'default', name: metadata.name });
  }
  return found;
}

/** What kube-proxy answers load balancers on one node: whether a Service has endpoints there (pkg/proxy/healthcheck/service_health.go). */
export class ServiceHealth {
  readonly #machine: Machine;
  readonly #open = new Map<number, { readonly service: Checked; readonly owner: SocketOwner }>();
  #slices: readonly EndpointSlice[] = [];

  constructor(machine: Machine) {
    this.#machine = machine;
  }

  sync(checks: ReadonlyMap<number, Checked>, slices: readonly EndpointSlice[]): void {
    this.#slices = slices;
    const { netns } = this.#machine;
    for (const [port, { service, owner }] of this.#open) {
      const wanted = checks.get(port);
      if (wanted?.name === service.name && wanted.namespace === service.namespace) continue;
      netns.sockets.exit(owner);
      this.#open.delete(port);
    }
    for (const [port, service] of checks) {
      if (this.#open.has(port)) continue;
      const owner = { name: 'kube-proxy', pid: 300 };
      const bound = bindListener(netns, this.#listener(port, service), owner);
      if (bound.ok) this.#open.set(port, { service, owner });
    }
  }

  #listener(port: number, service: Checked): ReturnType<typeof httpListener> {
    return httpListener({
      port,
      handle: () => {
        const local = this.#localEndpoints(service);
        return {
          status: local > 0 ? 200 : 503,
          headers: [
            ['Content-Type', 'application/json'],
            ['X-Content-Type-Options', 'nosniff'],
            ['X-Load-Balancing-Endpoint-Weight', String(local)],
            ['Date', httpDate(this.#machine.netns.world.now)],
          ],
          body: `{\n\t"service": {\n\t\t"namespace": "${service.namespace}",\n\t\t"name": "${service.name}"\n\t},\n\t"localEndpoints": ${local},\n\t"serviceProxyHealthy": true\n}`,
        };
      },
    });
  }

  #localEndpoints({ namespace, name }: Checked): number {
    const addresses = new Set<string>();
    for (const { metadata, endpoints = [] } of this.#slices) {
      if (metadata.namespace !== namespace || metadata.labels?.['kubernetes.io/service-name'] !== name)
        continue;
      for (const endpoint of endpoints ?? [])
        if (endpoint.nodeName === this.#machine.name && endpoint.conditions?.ready !== false)
          addresses.add(endpoint.addresses[0] ?? '');
    }
    return addresses.size;
  }
}
