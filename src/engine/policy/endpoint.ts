import type { Protocol, StringMap } from '../api/types.ts';

/** A port that a container names. */
interface ContainerPort {
  readonly name: string;
  readonly protocol: Protocol;
  readonly port: number;
}

/** A pod as policies see it. */
export interface PolicyPod {
  readonly kind: 'pod';
  readonly namespace: string;
  readonly name: string;
  readonly labels: StringMap;
  /** What ipBlocks and networks are tested against; empty when they shall not hold inside the cluster. */
  readonly ips: readonly string[];
  readonly ports: readonly ContainerPort[];
}

/** An address outside the cluster: no selector matches it, no policy selects it. */
export interface ExternalAddress {
  readonly kind: 'external';
  readonly ip: string;
}

export type PolicyEndpoint = PolicyPod | ExternalAddress;

export interface PolicyNamespace {
  readonly name: string;
  readonly labels: StringMap;
}

/** What is asked for: a destination port, which policies see after Services have been translated away. */
export interface PolicyPort {
  /** ICMP has no ports: only rules that list none hold for it. */
  readonly protocol: Protocol | 'ICMP';
  readonly port: number;
}

/** Every namespace carries its own name as a label, whatever its manifest says. */
export function namespaceLabels(namespace: PolicyNamespace): StringMap {
  return { ...namespace.labels, 'kubernetes.io/metadata.name': namespace.name };
}

/** The number that a named port has on a pod, for a protocol. */
export function namedPort(
  endpoint: PolicyEndpoint,
  name: string,
  protocol: PolicyPort['protocol'],
): number | undefined {
  if (endpoint.kind === 'external') return undefined;
  return endpoint.ports.find((port) => port.name === name && port.protocol === protocol)?.port;
}
