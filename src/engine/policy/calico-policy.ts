import { matchesSelector } from '../api/labels.ts';
import type { LabelSelector, Protocol } from '../api/types.ts';
import {
  hasSubject,
  type AdminPeerInput,
  type AdminPortInput,
  type AdminRule,
  type CompiledAdminPolicy,
} from './adminpolicy.ts';
import type { PolicyPod } from './endpoint.ts';
import {
  selects,
  type CompiledPolicy,
  type Direction,
  type NamespaceLabels,
  type PeerInput,
  type PolicyRule,
} from './networkpolicy.ts';
import type { CompiledPolicies } from './policies.ts';

/** Calico's tiers for Kubernetes' policies, in the order in which packets meet them (libcalico-go/lib/names). */
export type CalicoTier = 'adminnetworkpolicy' | 'default' | 'baselineadminnetworkpolicy';

/** A policy of Kubernetes as libcalico hands it to Felix (libcalico-go/lib/backend/k8s/conversion). */
export interface CalicoPolicy {
  readonly tier: CalicoTier;
  /** `shop/knp.default.web`, `kanp.adminnetworkpolicy.guard`, `kbanp.baselineadminnetworkpolicy.default`. */
  readonly name: string;
  /** Undefined: a policy of all namespaces. */
  readonly namespace: string | undefined;
  readonly selects: (pod: PolicyPod) => boolean;
  /** Undefined: the policy says nothing about the direction. */
  readonly ingress: readonly CalicoRule[] | undefined;
  readonly egress: readonly CalicoRule[] | undefined;
}

/** One peer and one protocol. */
export interface CalicoRule {
  readonly action: 'Allow' | 'Deny' | 'Pass';
  /** Undefined: any. */
  readonly protocol: Protocol | undefined;
  /** Undefined: everybody. */
  readonly peer: CalicoPeer | undefined;
  /** Undefined: every port. Numbers and ranges as multiport writes them, and names. */
  readonly ports: { readonly numbers: readonly string[]; readonly names: readonly string[] } | undefined;
}

export type CalicoPeer =
  | { readonly kind: 'nets'; readonly nets: readonly string[]; readonly except: readonly string[] }
  /** The selector in Calico's own language, and whether a pod fits it. */
  | { readonly kind: 'pods'; readonly selector: string; readonly matches: (pod: PolicyPod) => boolean };

/** In the order of their tiers, and in it. */
export function calicoPolicies(policies: CompiledPolicies, labels: NamespaceLabels): readonly CalicoPolicy[] {
  const admin = (policy: CompiledAdminPolicy, tier: CalicoTier, prefix: string): CalicoPolicy => {
    const rules = (direction: Direction): readonly CalicoRule[] | undefined =>
      policy[direction].length === 0
        ? undefined
        : policy[direction].flatMap((rule) => adminRules(rule, labels));
    return {
      tier,
      name: prefix + policy.name,
      namespace: undefined,
      selects: (pod) => hasSubject(policy, pod, labels),
      ingress: rules('ingress'),
      egress: rules('egress'),
    };
  };
  const { baseline } = policies;
  return [
    ...policies.admin.map((policy) => admin(policy, 'adminnetworkpolicy', 'kanp.adminnetworkpolicy.')),
    ...policies.network
      .map((policy) => networkPolicy(policy, labels))
      .sort((a, b) => (a.name < b.name ? -1 : a.name > b.name ? 1 : 0)),
    ...(baseline === undefined
      ? []
      : [admin(baseline, 'baselineadminnetworkpolicy', 'kbanp.baselineadminnetworkpolicy.')]),
  ];
}

function networkPolicy(policy: CompiledPolicy, labels: NamespaceLabels): CalicoPolicy {
  const rules = (direction: Direction): readonly CalicoRule[] | undefined =>
    policy[direction]?.flatMap((rule) => networkRules(rule, policy.namespace, labels));
  return {
    tier: 'default',
    name: `${policy.namespace}/knp.default.${policy.name}`,
    namespace: policy.namespace,
    selects: (pod) => selects(policy, pod),
    ingress: rules('ingress'),
    egress: rules('egress'),
  };
}

/** Ports are grouped by protocol, and each group meets each peer. */
function networkRules(rule: PolicyRule, namespace: string, labels: NamespaceLabels): readonly CalicoRule[] {
  const peers = rule.peers?.map((peer) => networkPeer(peer, namespace, labels)) ?? [undefined];
  const protocols =
    rule.ports === undefined
      ? [undefined]
      : [...new Set(rule.ports.map((port) => port.protocol ?? 'TCP'))].sort();
  return protocols.flatMap((protocol) => {
    const own = (rule.ports ?? []).filter((port) => (port.protocol ?? 'TCP') === protocol);
    const every = own.length === 0 || own.some(({ port }) => port === undefined || port === null);
    const ports = every
      ? undefined
      : {
          numbers: own.flatMap(({ port, endPort }) =>
            typeof port === 'number' ? rangeText(port, endPort ?? port) : [],
          ),
          names: own.flatMap(({ port }) => (typeof port === 'string' ? port : [])),
        };
    return peers.map((peer): CalicoRule => ({ action: 'Allow', protocol, peer, ports }));
  });
}

function networkPeer(
  { podSelector, namespaceSelector, ipBlock }: PeerInput,
  namespace: string,
  labels: NamespaceLabels,
): CalicoPeer {
  if (ipBlock) return { kind: 'nets', nets: [ipBlock.cidr], except: ipBlock.except ?? [] };
  return podPeer(
    namespaceSelector
      ? selectorText(namespaceSelector, 'pcns.')
      : `projectcalico.org/namespace == '${namespace}'`,
    podSelector ?? undefined,
    (other) => (namespaceSelector ? matchesSelector(namespaceSelector, labels(other)) : other === namespace),
  );
}

function podPeer(
  namespaceText: string,
  podSelector: LabelSelector | undefined,
  inside: (namespace: string) => boolean,
): CalicoPeer {
  return {
    kind: 'pods',
    selector: [
      namespaceText,
      "projectcalico.org/orchestrator == 'k8s'",
      ...(podSelector === undefined ? [] : [selectorText(podSelector, '')]),
    ]
      .filter((part) => part !== '')
      .join(' && '),
    matches: (pod) =>
      inside(pod.namespace) && (podSelector === undefined || matchesSelector(podSelector, pod.labels)),
  };
}

function adminRules({ action, peers, ports }: AdminRule, labels: NamespaceLabels): readonly CalicoRule[] {
  return peers.flatMap((given) => {
    const peer = adminPeer(given, labels);
    if (peer === undefined) return [];
    if (ports === undefined) return [{ action, protocol: undefined, peer, ports: undefined }];
    return (['SCTP', 'TCP', 'UDP'] as const).flatMap((protocol): CalicoRule[] => {
      const numbers = ports.flatMap((port) => adminNumbers(port, protocol));
      // A named port of these tiers has no protocol: it holds for the one in which the pod has that name.
      const names = ports.flatMap(({ namedPort }) => namedPort ?? []);
      return numbers.length + names.length === 0
        ? []
        : [{ action, protocol, peer, ports: { numbers, names } }];
    });
  });
}

function adminPeer(
  { namespaces, pods, networks }: AdminPeerInput,
  labels: NamespaceLabels,
): CalicoPeer | undefined {
  if (networks) return { kind: 'nets', nets: networks, except: [] };
  const selector = namespaces ?? pods?.namespaceSelector ?? undefined;
  if (!namespaces && !pods) return undefined;
  return podPeer(
    selectorText(selector ?? {}, 'pcns.'),
    namespaces ? undefined : (pods?.podSelector ?? {}),
    (other) => matchesSelector(selector ?? {}, labels(other)),
  );
}

function adminNumbers({ portNumber, portRange }: AdminPortInput, protocol: Protocol): readonly string[] {
  if (portNumber && (portNumber.protocol ?? 'TCP') === protocol)
    return [rangeText(portNumber.port, portNumber.port)];
  if (portRange && (portRange.protocol ?? 'TCP') === protocol)
    return [rangeText(portRange.start, portRange.end)];
  return [];
}

function rangeText(first: number, last: number): string {
  return first === last ? String(first) : `${first}:${last}`;
}

/** A label selector in Calico's own language. */
function selectorText(selector: LabelSelector, prefix: string): string {
  const parts = Object.keys(selector.matchLabels ?? {})
    .sort()
    .map((key) => `${prefix}${key} == '${selector.matchLabels?.[key] ?? ''}'`);
  for (const { key, operator, values = [] } of selector.matchExpressions ?? []) {
    const list = values.map((value) => `'${value}'`).join(', ');
    switch (operator) {
      case 'In':
        parts.push(`${prefix}${key} in { ${list} }`);
        break;
      case 'NotIn':
        parts.push(`${prefix}${key} not in { ${list} }`);
        break;
      case 'Exists':
        parts.push(`has(${prefix}${key})`);
        break;
      case 'DoesNotExist':
        parts.push(`! has(${prefix}${key})`);
        break;
    }
  }
  return parts.length === 0 && prefix !== '' ? 'has(projectcalico.org/namespace)' : parts.join(' && ');
}
