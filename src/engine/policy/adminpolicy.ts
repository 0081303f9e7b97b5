import { matchesSelector } from '../api/labels.ts';
import type { LabelSelector, Protocol } from '../api/types.ts';
import { namedPort, type PolicyEndpoint, type PolicyPod, type PolicyPort } from './endpoint.ts';
import { within, type Direction, type NamespaceLabels } from './networkpolicy.ts';

interface PodsSelector {
  readonly namespaceSelector?: LabelSelector | null;
  readonly podSelector?: LabelSelector | null;
}

export interface AdminPeerInput {
  readonly namespaces?: LabelSelector | null;
  readonly pods?: PodsSelector | null;
  readonly networks?: readonly string[] | null;
  readonly nodes?: LabelSelector | null;
}

export interface AdminPortInput {
  readonly portNumber?: { readonly protocol?: Protocol; readonly port: number } | null;
  readonly portRange?: { readonly protocol?: Protocol; readonly start: number; readonly end: number } | null;
  readonly namedPort?: string | null;
}

interface AdminRuleInput {
  readonly name?: string;
  readonly action: string;
  readonly from?: readonly AdminPeerInput[] | null;
  readonly to?: readonly AdminPeerInput[] | null;
  readonly ports?: readonly AdminPortInput[] | null;
}

/** What is read of an AdminNetworkPolicy or, without a priority, of the BaselineAdminNetworkPolicy (v1alpha1). */
export interface AdminPolicyInput {
  readonly metadata: { readonly name?: string };
  readonly spec?: {
    readonly priority?: number;
    readonly subject?: { readonly namespaces?: LabelSelector | null; readonly pods?: PodsSelector | null };
    readonly ingress?: readonly AdminRuleInput[] | null;
    readonly egress?: readonly AdminRuleInput[] | null;
  };
}

type AdminAction = 'Allow' | 'Deny' | 'Pass';

export interface AdminRule {
  readonly name: string;
  readonly action: AdminAction;
  readonly peers: readonly AdminPeerInput[];
  /** Undefined: every port. */
  readonly ports: readonly AdminPortInput[] | undefined;
}

export interface CompiledAdminPolicy {
  readonly name: string;
  readonly priority: number;
  readonly subject: { readonly namespaces?: LabelSelector | null; readonly pods?: PodsSelector | null };
  readonly ingress: readonly AdminRule[];
  readonly egress: readonly AdminRule[];
}

export function compileAdminPolicy(policy: AdminPolicyInput): CompiledAdminPolicy {
  const { spec } = policy;
  const compile = (
    rules: readonly AdminRuleInput[] | null | undefined,
    direction: Direction,
  ): readonly AdminRule[] =>
    (rules ?? []).map((rule) => ({
      name: rule.name ?? '',
      action: rule.action === 'Allow' ? 'Allow' : rule.action === 'Deny' ? 'Deny' : 'Pass',
      peers: (direction === 'ingress' ? rule.from : rule.to) ?? [],
      ports:
        rule.ports === null || rule.ports === undefined || rule.ports.length === 0 ? undefined : rule.ports,
    }));
  return {
    name: policy.metadata.name ?? '',
    priority: spec?.priority ?? 0,
    subject: spec?.subject ?? {},
    ingress: compile(spec?.ingress, 'ingress'),
    egress: compile(spec?.egress, 'egress'),
  };
}

/** Lower numbers come first; equal ones by name, where the API leaves it open. */
export function byPriority(a: CompiledAdminPolicy, b: CompiledAdminPolicy): number {
  return a.priority - b.priority || (a.name < b.name ? -1 : a.name > b.name ? 1 : 0);
}

export function hasSubject(
  policy: CompiledAdminPolicy,
  pod: PolicyPod,
  namespaces: NamespaceLabels,
): boolean {
  const { subject } = policy;
  if (subject.namespaces !== undefined && subject.namespaces !== null) {
    return matchesSelector(subject.namespaces, namespaces(pod.namespace));
  }
  return subject.pods !== undefined && subject.pods !== null && matchesPods(subject.pods, pod, namespaces);
}

function matchesPods(selector: PodsSelector, pod: PolicyPod, namespaces: NamespaceLabels): boolean {
  return (
    matchesSelector(selector.namespaceSelector ?? {}, namespaces(pod.namespace)) &&
    matchesSelector(selector.podSelector ?? {}, pod.labels)
  );
}

export function matchesAdminPeer(
  peer: AdminPeerInput,
  other: PolicyEndpoint,
  namespaces: NamespaceLabels,
): boolean {
  if (peer.networks !== undefined && peer.networks !== null) {
    const ips = other.kind === 'external' ? [other.ip] : other.ips;
    return ips.some((ip) => peer.networks?.some((cidr) => within(ip, cidr)) === true);
  }
  if (other.kind === 'external') return false;
  if (peer.namespaces !== undefined && peer.namespaces !== null) {
    return matchesSelector(peer.namespaces, namespaces(other.namespace));
  }
  return peer.pods !== undefined && peer.pods !== null && matchesPods(peer.pods, other, namespaces);
}

export function matchesAdminPort(
  entry: AdminPortInput,
  wanted: PolicyPort,
  destination: PolicyEndpoint,
): boolean {
  if (entry.portNumber !== undefined && entry.portNumber !== null) {
    return (entry.portNumber.protocol ?? 'TCP') === wanted.protocol && entry.portNumber.port === wanted.port;
  }
  if (entry.portRange !== undefined && entry.portRange !== null) {
    const { protocol, start, end } = entry.portRange;
    return (protocol ?? 'TCP') === wanted.protocol && wanted.port >= start && wanted.port <= end;
  }
  if (entry.namedPort === undefined || entry.namedPort === null) return false;
  return namedPort(destination, entry.namedPort, wanted.protocol) === wanted.port;
}
