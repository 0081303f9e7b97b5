import { formatIp, parseIp } from '../net/address.ts';
import type { Store } from '../api/store.ts';
import type { EndpointSlice, Service } from '../api/types.ts';
import type { EndpointEntry, PortEntry, ServiceDirectory, ServiceEntry } from './zone.ts';

/** The cluster's Services and EndpointSlices as CoreDNS looks at them, straight from the API's store through its indexes. */
export function storeDirectory(store: Store): ServiceDirectory {
  store.addIndex('Service', 'dns-cluster-ip', (service) => (isHeadless(service) ? [] : clusterIPs(service)));
  store.addIndex('EndpointSlice', 'dns-service', (slice) => {
    const owner = ownerName(slice);
    return owner === undefined ? [] : [`${slice.metadata.namespace ?? ''}/${owner}`];
  });
  store.addIndex('EndpointSlice', 'dns-address', (slice) =>
    (slice.endpoints ?? []).flatMap(({ addresses }) => addresses.map(canonical)),
  );

  return {
    hasNamespace: (namespace) => store.get('Namespace', undefined, namespace) !== undefined,
    service(namespace, name): ServiceEntry | undefined {
      const service = store.get('Service', namespace, name);
      if (service === undefined) return undefined;
      const ports = (service.spec.ports ?? []).map((port) => portEntry(port.name, port.protocol, port.port));
      if (service.spec.type === 'ExternalName')
        return { kind: 'externalName', clusterIPs: [], externalName: service.spec.externalName ?? '', ports };
      if (isHeadless(service)) return { kind: 'headless', clusterIPs: [], ports };
      return { kind: 'clusterIP', clusterIPs: clusterIPs(service), ports };
    },
    endpoints(namespace, name) {
      const entries: EndpointEntry[] = [];
      for (const slice of store.indexed('EndpointSlice', 'dns-service', `${namespace}/${name}`))
        entries.push(...sliceEntries(slice));
      return entries;
    },
    serviceAt(clusterIP) {
      for (const { metadata } of store.indexed('Service', 'dns-cluster-ip', clusterIP))
        return { namespace: metadata.namespace ?? '', name: metadata.name };
      return undefined;
    },
    endpointAt(ip) {
      for (const slice of store.indexed('EndpointSlice', 'dns-address', ip)) {
        const namespace = slice.metadata.namespace ?? '';
        const name = ownerName(slice);
        const service = name === undefined ? undefined : store.get('Service', namespace, name);
        const endpoint = sliceEntries(slice).find((entry) => entry.ip === ip);
        if (name !== undefined && service !== undefined && isHeadless(service) && endpoint !== undefined)
          return { namespace, name, endpoint };
      }
      return undefined;
    },
  };
}

function sliceEntries(slice: EndpointSlice): EndpointEntry[] {
  const ports = (slice.ports ?? []).flatMap(({ name, protocol, port }) =>
    port === undefined ? [] : [portEntry(name, protocol, port)],
  );
  return (slice.endpoints ?? [])
    .filter(({ conditions }) => conditions?.ready !== false)
    .flatMap(({ addresses, hostname }) =>
      addresses
        .slice(0, 1)
        .map((ip) => ({ ip: canonical(ip), ports, ...(hostname === undefined ? {} : { hostname }) })),
    );
}

function portEntry(name: string | undefined, protocol: string | undefined, port: number): PortEntry {
  return { name: name ?? '', protocol: protocol ?? 'TCP', port };
}

function isHeadless({ spec }: Service): boolean {
  return spec.type !== 'ExternalName' && (spec.clusterIP === undefined || spec.clusterIP === 'None');
}

function clusterIPs({ spec }: Service): string[] {
  const ips = spec.clusterIPs ?? (spec.clusterIP === undefined ? [] : [spec.clusterIP]);
  return ips.filter((ip) => ip !== 'None' && ip !== '').map(canonical);
}

function ownerName({ metadata }: EndpointSlice): string | undefined {
  const { labels } = metadata;
  return labels !== undefined && Object.hasOwn(labels, 'kubernetes.io/service-name')
    ? labels['kubernetes.io/service-name']
    : undefined;
}

function canonical(ip: string): string {
  const parsed = parseIp(ip);
  return parsed === undefined ? ip : formatIp(parsed);
}
