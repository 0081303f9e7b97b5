import { canonicalIp, hostPort, type IpFamily } from './address.ts';
import { usesClusterEndpoints, usesLocalEndpoints, type ServicePort } from './service.ts';

/** What kube-proxy reads of an EndpointSlice. */
export interface EndpointSliceInput {
  readonly metadata: { readonly namespace?: string; readonly labels?: Readonly<Record<string, string>> };
  readonly addressType: string;
  readonly endpoints?:
    | readonly {
        readonly addresses: readonly string[];
        readonly conditions?: {
          readonly ready?: boolean | null;
          readonly serving?: boolean | null;
          readonly terminating?: boolean | null;
        };
        readonly nodeName?: string | null;
        readonly hints?: {
          readonly forZones?: readonly { readonly name: string }[];
          readonly forNodes?: readonly { readonly name: string }[];
        };
      }[]
    | null;
  readonly ports?:
    | readonly {
        readonly name?: string | null;
        readonly port?: number | null;
        readonly protocol?: string | null;
      }[]
    | null;
}

export interface ProxyEndpoint {
  /** `IP:PORT`. */
  readonly endpoint: string;
  readonly ip: string;
  readonly isLocal: boolean;
  readonly ready: boolean;
  readonly serving: boolean;
  readonly terminating: boolean;
  readonly zoneHints: readonly string[];
  readonly nodeHints: readonly string[];
}

/** Endpoints of every Service port, by `namespace/name:port protocol`. */
export class EndpointIndex {
  readonly #slices = new Map<string, EndpointSliceInput[]>();
  readonly #family: IpFamily;
  readonly #nodeName: string;

  constructor(slices: Iterable<EndpointSliceInput>, family: IpFamily, nodeName: string) {
    this.#family = family;
    this.#nodeName = nodeName;
    for (const slice of slices) {
      const service = slice.metadata.labels?.['kubernetes.io/service-name'];
      if (service === undefined || slice.addressType !== family) continue;
      const key = `${slice.metadata.namespace ?? 'default'}/${service}`;
      const list = this.#slices.get(key);
      if (list === undefined) this.#slices.set(key, [slice]);
      else list.push(slice);
    }
  }

  /** Sorted by address and port as text, each once. */
  of(port: ServicePort): readonly ProxyEndpoint[] {
    const found = new Map<string, ProxyEndpoint>();
    for (const slice of this.#slices.get(port.service) ?? []) {
      for (const slicePort of slice.ports ?? []) {
        if (
          (slicePort.name ?? '') !== port.portName ||
          slicePort.port === undefined ||
          slicePort.port === null
        )
          continue;
        if ((slicePort.protocol ?? 'TCP').toLowerCase() !== port.protocol) continue;
        for (const endpoint of slice.endpoints ?? []) {
          const ip = canonicalIp(endpoint.addresses[0] ?? '', this.#family);
          if (ip === undefined) continue;
          const ready = endpoint.conditions?.ready ?? true;
          const name = hostPort(ip, slicePort.port);
          const terminating = endpoint.conditions?.terminating ?? false;
          // An address in two slices: the one that is not on its way out counts.
          if (found.has(name) && (terminating || !ready)) continue;
          found.set(name, {
            endpoint: name,
            ip,
            isLocal: endpoint.nodeName === this.#nodeName,
            ready,
            serving: endpoint.conditions?.serving ?? ready,
            terminating,
            zoneHints: endpoint.hints?.forZones?.map((zone) => zone.name) ?? [],
            nodeHints: endpoint.hints?.forNodes?.map((node) => node.name) ?? [],
          });
        }
      }
    }
    return [...found.values()].sort((a, b) =>
      a.endpoint < b.endpoint ? -1 : a.endpoint > b.endpoint ? 1 : 0,
    );
  }
}

/** How topology hints count: not at all, only for Services with the annotation (to 1.30), or wherever a slice has them. */
export type HintsMode = 'ignored' | 'annotated' | 'always';

export interface CategorizedEndpoints {
  /** For the Cluster traffic policy. */
  readonly cluster: readonly ProxyEndpoint[];
  /** For the Local traffic policy. */
  readonly local: readonly ProxyEndpoint[];
  /** All that this node's rules may lead to. */
  readonly reachable: readonly ProxyEndpoint[];
  /** Anything usable in the whole cluster: then a policy without endpoints drops instead of rejecting. */
  readonly any: boolean;
}

/** Which endpoints count here: `CategorizeEndpoints` of pkg/proxy/topology.go. */
export function categorize(
  endpoints: readonly ProxyEndpoint[],
  port: ServicePort,
  node: { readonly name: string; readonly zone: string | undefined; readonly hints: HintsMode },
): CategorizedEndpoints {
  let cluster: readonly ProxyEndpoint[] = [];
  let any = false;
  let topology: ((endpoint: ProxyEndpoint) => boolean) | undefined;
  const fallback = (endpoint: ProxyEndpoint): boolean => endpoint.serving && endpoint.terminating;
  if (usesClusterEndpoints(port)) {
    topology = topologyFilter(endpoints, port, node);
    const near = topology;
    cluster = endpoints.filter((endpoint) => endpoint.ready && (near === undefined || near(endpoint)));
    if (cluster.length === 0) cluster = endpoints.filter(fallback);
    any = cluster.length > 0;
  }
  if (!usesLocalEndpoints(port)) return { cluster, local: [], reachable: cluster, any };
  any ||= endpoints.some((endpoint) => endpoint.ready || fallback(endpoint));
  let local = endpoints.filter((endpoint) => endpoint.isLocal && endpoint.ready);
  const terminating = local.length === 0;
  if (terminating) local = endpoints.filter((endpoint) => endpoint.isLocal && fallback(endpoint));
  if (!usesClusterEndpoints(port)) return { cluster, local, reachable: local, any };
  if (topology === undefined && (!terminating || local.length === 0))
    return { cluster, local, reachable: cluster, any };
  const reachable = endpoints.filter((endpoint) => cluster.includes(endpoint) || local.includes(endpoint));
  return { cluster, local, reachable, any };
}

/** Hints are used only when every ready endpoint has one and some is for this place. */
function topologyFilter(
  endpoints: readonly ProxyEndpoint[],
  port: ServicePort,
  node: { readonly name: string; readonly zone: string | undefined; readonly hints: HintsMode },
): ((endpoint: ProxyEndpoint) => boolean) | undefined {
  if (node.hints === 'ignored') return undefined;
  const annotation = port.hintsAnnotation.toLowerCase();
  if (node.hints === 'annotated' && (annotation === '' || annotation === 'disabled')) return undefined;
  const ready = endpoints.filter((endpoint) => endpoint.ready);
  const onNode = (endpoint: ProxyEndpoint): boolean => endpoint.nodeHints.includes(node.name);
  if (ready.every((endpoint) => endpoint.nodeHints.length > 0) && ready.some(onNode)) return onNode;
  const { zone } = node;
  if (zone === undefined || zone === '') return undefined;
  const inZone = (endpoint: ProxyEndpoint): boolean => endpoint.zoneHints.includes(zone);
  return ready.every((endpoint) => endpoint.zoneHints.length > 0) && ready.some(inZone) ? inZone : undefined;
}
