import { labelOf, matchesSelector } from '../api/labels.ts';
import type { Store } from '../api/store.ts';
import type {
  NodeSelectorRequirement,
  NodeSelectorTerm,
  Pod,
  PodAffinityTerm,
  StringMap,
  Taint,
  Toleration,
  TopologySpreadConstraint,
} from '../api/types.ts';
import type { NodeInfo, Resources } from './node-info.ts';
import { hostPortsOf, podRequests } from './node-info.ts';

/** A pod's demands, worked out once for all nodes. */
export interface SchedulingRequest {
  readonly pod: Pod;
  readonly requests: Resources;
  readonly hostPorts: readonly string[];
  readonly affinity: readonly PlacedTerm[];
  readonly antiAffinity: readonly PlacedTerm[];
  readonly preferred: readonly (PlacedTerm & { readonly weight: number })[];
  /** Domains where a running pod's own anti-affinity forbids this one. */
  readonly repelled: readonly Domain[];
  readonly spread: readonly SpreadCount[];
  /** Nothing can be said from a sample. */
  readonly needsAllNodes: boolean;
}

interface Domain {
  readonly key: string;
  readonly value: string;
}

interface PlacedTerm {
  readonly key: string;
  /** Values of the topology key where a matching pod runs. */
  readonly values: ReadonlySet<string>;
  /** Affinity to pods like itself, the first of which must go somewhere. */
  readonly first: boolean;
}

interface SpreadCount {
  readonly constraint: TopologySpreadConstraint;
  readonly counts: ReadonlyMap<string, number>;
  readonly least: number;
  readonly self: number;
}

export function requestOf(pod: Pod, store: Store, nodes: ReadonlyMap<string, NodeInfo>): SchedulingRequest {
  const { affinity, topologySpreadConstraints = [] } = pod.spec;
  const place = (terms: readonly PodAffinityTerm[] | undefined): PlacedTerm[] =>
    (terms ?? []).map((term) => placed(term, pod, store, nodes));
  const weighted = (
    terms: readonly { readonly weight: number; readonly podAffinityTerm: PodAffinityTerm }[] | undefined,
    sign: 1 | -1,
  ) =>
    (terms ?? []).map(({ weight, podAffinityTerm }) => ({
      ...placed(podAffinityTerm, pod, store, nodes),
      weight: sign * weight,
    }));
  const { podAffinity, podAntiAffinity, nodeAffinity } = affinity ?? {};
  const required = 'requiredDuringSchedulingIgnoredDuringExecution';
  const preferred = 'preferredDuringSchedulingIgnoredDuringExecution';
  const request = {
    pod,
    requests: podRequests(pod.spec),
    hostPorts: hostPortsOf(pod.spec),
    affinity: place(podAffinity?.[required]),
    antiAffinity: place(podAntiAffinity?.[required]),
    preferred: [...weighted(podAffinity?.[preferred], 1), ...weighted(podAntiAffinity?.[preferred], -1)],
    repelled: repelledDomains(pod, store, nodes),
    spread: topologySpreadConstraints.map((constraint) => spreadCount(constraint, pod, store, nodes)),
  };
  const plain = request.preferred.length === 0 && request.spread.length === 0 && !nodeAffinity?.[preferred];
  return { ...request, needsAllNodes: !plain };
}

/** The first plugin's reason against the node, as kube-scheduler words it; undefined when the pod fits. */
export function refusalOf(request: SchedulingRequest, info: NodeInfo): string | undefined {
  const { pod } = request;
  const { spec, metadata } = info.node;
  const tolerations = pod.spec.tolerations ?? [];
  const unschedulable: Taint = { key: 'node.kubernetes.io/unschedulable', effect: 'NoSchedule' };
  if (spec.unschedulable && !tolerates(tolerations, unschedulable)) return 'node(s) were unschedulable';
  for (const taint of spec.taints ?? []) {
    if (taint.effect === 'PreferNoSchedule' || tolerates(tolerations, taint)) continue;
    return `node(s) had untolerated taint {${taint.key}: ${taint.value ?? ''}}`;
  }
  if (!matchesNode(pod, info)) return "node(s) didn't match Pod's node affinity/selector";
  for (const port of request.hostPorts) {
    if (hostPortTaken(port, info.hostPorts))
      return "node(s) didn't have free ports for the requested pod ports";
  }
  if (info.count + 1 > info.allocatable.pods) return 'Too many pods';
  const { cpu, memory } = request.requests;
  if (cpu > 0 && info.cpu + cpu > info.allocatable.cpu) return 'Insufficient cpu';
  if (memory > 0 && info.memory + memory > info.allocatable.memory) return 'Insufficient memory';
  for (const { constraint, counts, least, self } of request.spread) {
    if (constraint.whenUnsatisfiable !== 'DoNotSchedule') continue;
    const value = labelOf(metadata.labels, constraint.topologyKey);
    if (value === undefined)
      return "node(s) didn't match pod topology spread constraints (missing required label)";
    if ((counts.get(value) ?? 0) + self - least > constraint.maxSkew)
      return "node(s) didn't match pod topology spread constraints";
  }
  for (const { key, value } of request.repelled) {
    if (labelOf(metadata.labels, key) === value)
      return "node(s) didn't satisfy existing pods anti-affinity rules";
  }
  for (const { key, values } of request.antiAffinity) {
    const value = labelOf(metadata.labels, key);
    if (value !== undefined && values.has(value)) return "node(s) didn't match pod anti-affinity rules";
  }
  for (const { key, values, first } of request.affinity) {
    const value = labelOf(metadata.labels, key);
    if (value === undefined || (!values.has(value) && !(first && values.size === 0)))
      return "node(s) didn't match pod affinity rules";
  }
  return undefined;
}

/** Preferences, the more the better. */
export function preferenceOf(request: SchedulingRequest, info: NodeInfo): number {
  const { pod } = request;
  const { labels } = info.node.metadata;
  let score = 0;
  for (const { weight, preference } of pod.spec.affinity?.nodeAffinity
    ?.preferredDuringSchedulingIgnoredDuringExecution ?? []) {
    if (matchesTerm(preference, info)) score += weight;
  }
  for (const { key, values, weight } of request.preferred) {
    const value = labelOf(labels, key);
    if (value !== undefined && values.has(value)) score += weight;
  }
  for (const { constraint, counts } of request.spread)
    score -= 10 * (counts.get(labelOf(labels, constraint.topologyKey) ?? '') ?? 0);
  for (const taint of info.node.spec.taints ?? []) {
    if (taint.effect === 'PreferNoSchedule' && !tolerates(pod.spec.tolerations ?? [], taint)) score -= 10;
  }
  return score;
}

/** v1.Toleration.ToleratesTaint */
export function tolerates(tolerations: readonly Toleration[], taint: Taint): boolean {
  return tolerations.some(({ key, operator, value, effect }) => {
    if (effect && effect !== taint.effect) return false;
    if (key && key !== taint.key) return false;
    return operator === 'Exists' || (key !== undefined && (value ?? '') === (taint.value ?? ''));
  });
}

export function matchesNode(pod: Pod, info: NodeInfo): boolean {
  const { nodeSelector, affinity } = pod.spec;
  const { labels } = info.node.metadata;
  if (nodeSelector === undefined && affinity === undefined) return true;
  for (const [key, value] of Object.entries(nodeSelector ?? {}))
    if (labelOf(labels, key) !== value) return false;
  const required = affinity?.nodeAffinity?.requiredDuringSchedulingIgnoredDuringExecution;
  return !required || required.nodeSelectorTerms.some((term) => matchesTerm(term, info));
}

function matchesTerm(term: NodeSelectorTerm, info: NodeInfo): boolean {
  const { labels, name } = info.node.metadata;
  const { matchExpressions = [], matchFields = [] } = term;
  if (matchExpressions.length === 0 && matchFields.length === 0) return false;
  const fields: StringMap = { 'metadata.name': name };
  return (
    matchExpressions.every((r) => matchesRequirement(r, labels)) &&
    matchFields.every((r) => matchesRequirement(r, fields))
  );
}

function matchesRequirement(
  { key, operator, values = [] }: NodeSelectorRequirement,
  labels: StringMap | undefined,
): boolean {
  const value = labelOf(labels, key);
  switch (operator) {
    case 'In':
      return value !== undefined && values.includes(value);
    case 'NotIn':
      return value === undefined || !values.includes(value);
    case 'Exists':
      return value !== undefined;
    case 'DoesNotExist':
      return value === undefined;
    case 'Gt':
      return value !== undefined && Number(value) > Number(values[0]);
    case 'Lt':
      return value !== undefined && Number(value) < Number(values[0]);
  }
}

function hostPortTaken(port: string, taken: ReadonlyMap<string, number>): boolean {
  if ((taken.get(port) ?? 0) > 0) return true;
  const [ip, protocol, number] = port.split(' ');
  if (ip !== '0.0.0.0') return (taken.get(`0.0.0.0 ${protocol ?? ''} ${number ?? ''}`) ?? 0) > 0;
  for (const [other, count] of taken)
    if (count > 0 && other.endsWith(` ${protocol ?? ''} ${number ?? ''}`)) return true;
  return false;
}

function selects(term: PodAffinityTerm, owner: Pod, other: Pod, store: Store): boolean {
  const namespace = other.metadata.namespace ?? '';
  const { namespaces = [], namespaceSelector, labelSelector } = term;
  const here =
    namespaces.length === 0 && !namespaceSelector
      ? namespace === owner.metadata.namespace
      : namespaces.includes(namespace) ||
        (namespaceSelector !== undefined &&
          matchesSelector(namespaceSelector, store.get('Namespace', undefined, namespace)?.metadata.labels));
  return here && matchesSelector(labelSelector, other.metadata.labels);
}

function* podsOf({ pods }: NodeInfo, store: Store): Iterable<Pod> {
  for (const uid of pods) {
    const object = store.byUid(uid);
    if (object !== undefined) yield object as Pod;
  }
}

function placed(
  term: PodAffinityTerm,
  pod: Pod,
  store: Store,
  nodes: ReadonlyMap<string, NodeInfo>,
): PlacedTerm {
  const values = new Set<string>();
  for (const info of nodes.values()) {
    const value = labelOf(info.node.metadata.labels, term.topologyKey);
    if (value === undefined || values.has(value)) continue;
    for (const other of podsOf(info, store)) {
      if (!selects(term, pod, other, store)) continue;
      values.add(value);
      break;
    }
  }
  return { key: term.topologyKey, values, first: selects(term, pod, pod, store) };
}

/** Pods with anti-affinity are few; an index keeps the search to them. */
function repelledDomains(pod: Pod, store: Store, nodes: ReadonlyMap<string, NodeInfo>): Domain[] {
  const domains: Domain[] = [];
  if (store.indexedCount('Pod', 'anti-affinity', '') === 0) return domains;
  for (const other of store.indexed('Pod', 'anti-affinity', '')) {
    const info = nodes.get(other.spec.nodeName ?? '');
    if (!info) continue;
    for (const term of other.spec.affinity?.podAntiAffinity?.requiredDuringSchedulingIgnoredDuringExecution ??
      []) {
      const value = labelOf(info.node.metadata.labels, term.topologyKey);
      if (value !== undefined && selects(term, other, pod, store))
        domains.push({ key: term.topologyKey, value });
    }
  }
  return domains;
}

function spreadCount(
  constraint: TopologySpreadConstraint,
  pod: Pod,
  store: Store,
  nodes: ReadonlyMap<string, NodeInfo>,
): SpreadCount {
  const counts = new Map<string, number>();
  for (const info of nodes.values()) {
    const value = labelOf(info.node.metadata.labels, constraint.topologyKey);
    // NodeAffinityPolicy Honor, NodeTaintsPolicy Ignore: the defaults.
    if (value === undefined || !matchesNode(pod, info)) continue;
    let count = counts.get(value) ?? 0;
    for (const other of podsOf(info, store)) {
      const same =
        other.metadata.namespace === pod.metadata.namespace && other.metadata.deletionTimestamp === undefined;
      if (same && matchesSelector(constraint.labelSelector, other.metadata.labels)) count++;
    }
    counts.set(value, count);
  }
  const least = counts.size < (constraint.minDomains ?? 0) ? 0 : Math.min(...counts.values());
  return {
    constraint,
    counts,
    least,
    self: matchesSelector(constraint.labelSelector, pod.metadata.labels) ? 1 : 0,
  };
}
