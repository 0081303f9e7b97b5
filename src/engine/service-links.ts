import type { Store } from './api/store.ts';
import type { Pod, Service } from './api/types.ts';

/** Services beyond these are left out: an environment has its bounds. */
const MAX_SERVICES = 500;

/** `WEB_SERVICE_HOST` and its like: what containers learn of the Services that are there when they start (pkg/kubelet/envvars). */
export class ServiceLinks {
  readonly #store: Store;
  /** By namespace; `''` for pods that want the API server's only. */
  readonly #known = new Map<string, Readonly<Record<string, string>>>();

  constructor(store: Store) {
    this.#store = store;
    store.watch('Service', () => this.#known.clear());
  }

  of({ metadata, spec }: Pod): Readonly<Record<string, string>> {
    const namespace = spec.enableServiceLinks === false ? '' : (metadata.namespace ?? 'default');
    const known = this.#known.get(namespace);
    if (known !== undefined) return known;
    const services = new Map<string, Service>();
    const master = this.#store.get('Service', 'default', 'kubernetes');
    if (master !== undefined) services.set('kubernetes', master);
    if (namespace !== '')
      for (const service of this.#store.list('Service', namespace).slice(0, MAX_SERVICES))
        services.set(service.metadata.name, service);
    const links = variables(services);
    this.#known.set(namespace, links);
    return links;
  }
}

function variables(services: ReadonlyMap<string, Service>): Readonly<Record<string, string>> {
  const env: Record<string, string> = {};
  for (const [name, { spec }] of services) {
    const ip = spec.clusterIP;
    const [first] = spec.ports ?? [];
    if (ip === undefined || ip === 'None' || ip === '' || first === undefined) continue;
    const prefix = name.toUpperCase().replaceAll('-', '_');
    env[`${prefix}_SERVICE_HOST`] = ip;
    env[`${prefix}_SERVICE_PORT`] = String(first.port);
    for (const port of spec.ports ?? [])
      if (port.name !== undefined && port.name !== '')
        env[`${prefix}_SERVICE_PORT_${port.name.toUpperCase().replaceAll('-', '_')}`] = String(port.port);
    const protocol = (first.protocol ?? 'TCP').toLowerCase();
    env[`${prefix}_PORT`] = `${protocol}://${ip}:${first.port}`;
    for (const port of spec.ports ?? []) {
      const each = (port.protocol ?? 'TCP').toLowerCase();
      const base = `${prefix}_PORT_${port.port}_${each.toUpperCase()}`;
      env[base] = `${each}://${ip}:${port.port}`;
      env[`${base}_PROTO`] = each;
      env[`${base}_PORT`] = String(port.port);
      env[`${base}_ADDR`] = ip;
    }
  }
  return env;
}
