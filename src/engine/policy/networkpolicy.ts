import { matchesSelector } from '../api/labels.ts';
import type { IntOrString, LabelSelector, Protocol, StringMap } from '../api/types.ts';
import { parseIp, parsePrefix, prefixContains } from '../net/address.ts';
import {
  namedPort,
  namespaceLabels,
  type PolicyEndpoint,
  type PolicyNamespace,
  type PolicyPod,
  type PolicyPort,
} from './endpoint.ts';

/** What is read of a NetworkPolicy; nulls count as absent. */
export interface NetworkPolicyInput {
  readonly metadata: { readonly name?: string; readonly namespace?: string };
  readonly spec?: {
    readonly podSelector?: LabelSelector | null;
    readonly policyTypes?: readonly string[] | null;
    readonly ingress?:
      | readonly {
          readonly from?: readonly PeerInput[] | null;
          readonly ports?: readonly PortInput[] | null;
        }[]
      | null;
    readonly egress?:
      | readonly { readonly to?: readonly PeerInput[] | null; readonly ports?: readonly PortInput[] | null }[]
      | null;
  };
}

export interface PeerInput {
  readonly podSelector?: LabelSelector | null;
  readonly namespaceSelector?: LabelSelector | null;
  readonly ipBlock?: { readonly cidr: string; readonly except?: readonly string[] | null } | null;
}

export interface PortInput {
  readonly protocol?: Protocol | null;
  readonly port?: IntOrString | null;
  readonly endPort?: number | null;
}

export type Direction = 'ingress' | 'egress';

export interface PolicyRule {
  /** Undefined: everybody. */
  readonly peers: readonly PeerInput[] | undefined;
  /** Undefined: every port. */
  readonly ports: readonly PortInput[] | undefined;
}

/** A NetworkPolicy with its defaults filled in. */
export interface CompiledPolicy {
  readonly namespace: string;
  readonly name: string;
  readonly podSelector: LabelSelector;
  /** Undefined: the policy says nothing about the direction. */
  readonly ingress: readonly PolicyRule[] | undefined;
  readonly egress: readonly PolicyRule[] | undefined;
}

/** Policy types default to Ingress, and Egress when there are egress rules (pkg/apis/networking/v1/defaults.go). */
export function compileNetworkPolicy(policy: NetworkPolicyInput): CompiledPolicy {
  const spec = policy.spec ?? {};
  const given = spec.policyTypes ?? [];
  const types =
    given.length > 0 ? given : (spec.egress ?? []).length > 0 ? ['Ingress', 'Egress'] : ['Ingress'];
  return {
    namespace: policy.metadata.namespace ?? 'default',
    name: policy.metadata.name ?? '',
    podSelector: spec.podSelector ?? {},
    ingress: types.includes('Ingress')
      ? (spec.ingress ?? []).map((rule) => ({ peers: some(rule.from), ports: some(rule.ports) }))
      : undefined,
    egress: types.includes('Egress')
      ? (spec.egress ?? []).map((rule) => ({ peers: some(rule.to), ports: some(rule.ports) }))
      : undefined,
  };
}

function some<T>(list: readonly T[] | null | undefined): readonly T[] | undefined {
  return list === null || list === undefined || list.length === 0 ? undefined : list;
}

export function selects(policy: CompiledPolicy, pod: PolicyPod): boolean {
  return pod.namespace === policy.namespace && matchesSelector(policy.podSelector, pod.labels);
}

/** Labels of the namespace that a pod is in. */
export type NamespaceLabels = (namespace: string) => StringMap;

/** Looks labels up in a list of namespaces; one that is not there has its name and nothing else. */
export function namespaceLookup(namespaces: Iterable<PolicyNamespace>): NamespaceLabels {
  const known = new Map<string, StringMap>();
  for (const namespace of namespaces) known.set(namespace.name, namespaceLabels(namespace));
  return (name) => {
    let labels = known.get(name);
    if (labels === undefined) {
      labels = namespaceLabels({ name, labels: {} });
      known.set(name, labels);
    }
    return labels;
  };
}

export function matchesPeer(
  peer: PeerInput,
  policyNamespace: string,
  other: PolicyEndpoint,
  namespaces: NamespaceLabels,
): boolean {
  if (peer.ipBlock !== undefined && peer.ipBlock !== null) return matchesBlock(peer.ipBlock, other);
  if (other.kind === 'external') return false;
  const { podSelector, namespaceSelector } = peer;
  const anyPod = podSelector === undefined || podSelector === null;
  if (namespaceSelector === undefined || namespaceSelector === null) {
    return !anyPod && other.namespace === policyNamespace && matchesSelector(podSelector, other.labels);
  }
  return (
    matchesSelector(namespaceSelector, namespaces(other.namespace)) &&
    (anyPod || matchesSelector(podSelector, other.labels))
  );
}

function matchesBlock(
  block: { readonly cidr: string; readonly except?: readonly string[] | null },
  other: PolicyEndpoint,
): boolean {
  const ips = other.kind === 'external' ? [other.ip] : other.ips;
  return ips.some((ip) => within(ip, block.cidr) && !(block.except ?? []).some((cidr) => within(ip, cidr)));
}

/** Whether an address is in a network; host bits in the network are cleared. */
export function within(ip: string, cidr: string): boolean {
  const address = parseIp(ip);
  const prefix = parsePrefix(cidr);
  return address !== undefined && prefix !== undefined && prefixContains(prefix, address);
}

/** Whether one entry of `ports` holds; a named port is looked up on the destination. */
export function matchesPort(entry: PortInput, wanted: PolicyPort, destination: PolicyEndpoint): boolean {
  const protocol = entry.protocol ?? 'TCP';
  if (protocol !== wanted.protocol) return false;
  if (entry.port === undefined || entry.port === null) return true;
  if (typeof entry.port === 'string') return namedPort(destination, entry.port, protocol) === wanted.port;
  if (entry.endPort !== undefined && entry.endPort !== null) {
    return wanted.port >= entry.port && wanted.port <= entry.endPort;
  }
  return wanted.port === entry.port;
}
