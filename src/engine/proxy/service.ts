import { canonicalCidr, canonicalIp, type IpFamily } from './address.ts';

/** What kube-proxy reads of a Service; fields that the API would default may be missing. */
export interface ServiceInput {
  readonly metadata: {
    readonly name?: string;
    readonly namespace?: string;
    readonly annotations?: Readonly<Record<string, string>>;
  };
  readonly spec?: {
    readonly type?: string;
    readonly clusterIP?: string;
    readonly clusterIPs?: readonly string[];
    readonly ports?: readonly {
      readonly name?: string;
      readonly protocol?: string;
      readonly port: number;
      readonly nodePort?: number;
    }[];
    readonly externalIPs?: readonly string[];
    readonly externalTrafficPolicy?: string;
    readonly internalTrafficPolicy?: string;
    readonly healthCheckNodePort?: number;
    readonly loadBalancerSourceRanges?: readonly string[];
    readonly sessionAffinity?: string;
    readonly sessionAffinityConfig?: { readonly clientIP?: { readonly timeoutSeconds?: number } };
  };
  readonly status?: {
    readonly loadBalancer?: {
      readonly ingress?: readonly { readonly ip?: string; readonly ipMode?: string }[];
    };
  };
}

/** One port of a Service in one address family: the `ServicePort` of pkg/proxy. */
export interface ServicePort {
  /** `namespace/name`. */
  readonly service: string;
  /** `namespace/name:port`, or without the port's name when it has none. */
  readonly name: string;
  readonly portName: string;
  /** `tcp`, `udp` or `sctp`. */
  readonly protocol: string;
  readonly clusterIP: string;
  readonly port: number;
  /** 0: none. */
  readonly nodePort: number;
  readonly externalIPs: readonly string[];
  readonly loadBalancerVIPs: readonly string[];
  readonly loadBalancerSourceRanges: readonly string[];
  readonly healthCheckNodePort: number;
  /** Seconds of client affinity; undefined without. */
  readonly affinity: number | undefined;
  readonly externalPolicyLocal: boolean;
  readonly internalPolicyLocal: boolean;
  readonly hintsAnnotation: string;
}

export function isExternallyAccessible(port: ServicePort): boolean {
  return port.nodePort !== 0 || port.loadBalancerVIPs.length > 0 || port.externalIPs.length > 0;
}

/** External traffic needs the Cluster endpoints even with the Local policy, for what nodes and pods send themselves. */
export function usesClusterEndpoints(port: ServicePort): boolean {
  return !port.internalPolicyLocal || isExternallyAccessible(port);
}

export function usesLocalEndpoints(port: ServicePort): boolean {
  return port.internalPolicyLocal || (port.externalPolicyLocal && isExternallyAccessible(port));
}

export interface ServiceOptions {
  readonly family: IpFamily;
  /** Whether `ipMode: Proxy` keeps an ingress address out of the rules (feature LoadBalancerIPMode, on since 1.30). */
  readonly loadBalancerIPMode: boolean;
}

/** The ports of a Service that kube-proxy serves in a family; none for headless and ExternalName ones. */
export function servicePorts(service: ServiceInput, options: ServiceOptions): readonly ServicePort[] {
  const { spec, status, metadata } = service;
  if (spec === undefined || spec.type === 'ExternalName') return [];
  const { family } = options;
  const clusterIPs = spec.clusterIPs ?? (spec.clusterIP === undefined ? [] : [spec.clusterIP]);
  const clusterIP = clusterIPs.flatMap((ip) => canonicalIp(ip, family) ?? [])[0];
  if (clusterIP === undefined) return [];
  const own = (ips: readonly string[] | undefined): readonly string[] =>
    (ips ?? []).flatMap((ip) => canonicalIp(ip, family) ?? []);
  const external =
    spec.type === 'LoadBalancer' || spec.type === 'NodePort' || (spec.externalIPs ?? []).length > 0;
  const ingress = (status?.loadBalancer?.ingress ?? []).filter(
    (entry) => !options.loadBalancerIPMode || entry.ipMode === undefined || entry.ipMode === 'VIP',
  );
  const name = `${metadata.namespace ?? 'default'}/${metadata.name ?? ''}`;
  const common = {
    service: name,
    clusterIP,
    externalIPs: own(spec.externalIPs),
    loadBalancerVIPs: own(ingress.flatMap((entry) => entry.ip ?? [])),
    loadBalancerSourceRanges: (spec.loadBalancerSourceRanges ?? []).flatMap(
      (cidr) => canonicalCidr(cidr, family) ?? [],
    ),
    healthCheckNodePort:
      spec.type === 'LoadBalancer' && spec.externalTrafficPolicy === 'Local'
        ? (spec.healthCheckNodePort ?? 0)
        : 0,
    affinity:
      spec.sessionAffinity === 'ClientIP'
        ? (spec.sessionAffinityConfig?.clientIP?.timeoutSeconds ?? 10800)
        : undefined,
    externalPolicyLocal: external && spec.externalTrafficPolicy === 'Local',
    internalPolicyLocal: spec.internalTrafficPolicy === 'Local',
    hintsAnnotation:
      metadata.annotations?.['service.kubernetes.io/topology-mode'] ??
      metadata.annotations?.['service.kubernetes.io/topology-aware-hints'] ??
      '',
  };
  return (spec.ports ?? []).map((port) => ({
    ...common,
    name: port.name === undefined || port.name === '' ? name : `${name}:${port.name}`,
    portName: port.name ?? '',
    protocol: (port.protocol ?? 'TCP').toLowerCase(),
    port: port.port,
    nodePort: port.nodePort ?? 0,
  }));
}
