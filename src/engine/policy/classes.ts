import type { LabelSelector, StringMap } from '../api/types.ts';
import { labelOf } from '../api/labels.ts';
import { parseIp, parsePrefix, prefixContains, type Ip, type Prefix } from '../net/address.ts';
import type { PolicyEndpoint } from './endpoint.ts';
import type { NamespaceLabels } from './networkpolicy.ts';
import type { CompiledPolicies } from './policies.ts';

/** Endpoints that no policy can tell apart: one of them answers for all. */
export interface EndpointClass {
  readonly representative: PolicyEndpoint;
  readonly ips: readonly Ip[];
}

/** What policies look at; whatever else endpoints differ in makes no difference. */
interface Mentioned {
  readonly podKeys: Set<string>;
  readonly namespaceKeys: Set<string>;
  readonly portNames: Set<string>;
  readonly blocks: Set<string>;
  /** Namespaces with policies of their own. */
  readonly namespaces: Set<string>;
}

/** The class of each endpoint, by its place in `endpoints`. */
export function classify(
  policies: CompiledPolicies,
  endpoints: readonly PolicyEndpoint[],
  namespaces: NamespaceLabels,
): { readonly classes: readonly EndpointClass[]; readonly classOf: Uint32Array } {
  const mentioned = mentionedBy(policies);
  const prefixes = [...mentioned.blocks].flatMap((text) => parsePrefix(text) ?? []);
  const classes: EndpointClass[] = [];
  const classOf = new Uint32Array(endpoints.length);
  const known = new Map<string, number>();
  const namespaceKeys = new Map<string, string>();
  for (const [i, endpoint] of endpoints.entries()) {
    const ips = addresses(endpoint);
    let key = blockKey(ips, prefixes);
    if (endpoint.kind === 'pod') {
      let namespace = namespaceKeys.get(endpoint.namespace);
      if (namespace === undefined) {
        namespace = mentioned.namespaces.has(endpoint.namespace)
          ? endpoint.namespace
          : `?${labelKey(namespaces(endpoint.namespace), mentioned.namespaceKeys)}`;
        namespaceKeys.set(endpoint.namespace, namespace);
      }
      key = `${namespace}\n${labelKey(endpoint.labels, mentioned.podKeys)}\n${portKey(endpoint, mentioned.portNames)}\n${key}`;
    }
    let number = known.get(key);
    if (number === undefined) {
      number = classes.push({ representative: endpoint, ips }) - 1;
      known.set(key, number);
    }
    classOf[i] = number;
  }
  return { classes, classOf };
}

/** Every network that a policy names. */
export function blocksOf(policies: CompiledPolicies): readonly string[] {
  return [...mentionedBy(policies).blocks];
}

function addresses(endpoint: PolicyEndpoint): readonly Ip[] {
  return (endpoint.kind === 'pod' ? endpoint.ips : [endpoint.ip]).flatMap((text) => parseIp(text) ?? []);
}

function mentionedBy({ network, admin, baseline }: CompiledPolicies): Mentioned {
  const mentioned: Mentioned = {
    podKeys: new Set(),
    namespaceKeys: new Set(),
    portNames: new Set(),
    blocks: new Set(),
    namespaces: new Set(),
  };
  const { podKeys, namespaceKeys, portNames, blocks } = mentioned;
  for (const policy of network) {
    mentioned.namespaces.add(policy.namespace);
    addKeys(policy.podSelector, podKeys);
    for (const rule of [...(policy.ingress ?? []), ...(policy.egress ?? [])]) {
      for (const { port } of rule.ports ?? []) if (typeof port === 'string') portNames.add(port);
      for (const { podSelector, namespaceSelector, ipBlock } of rule.peers ?? []) {
        addKeys(podSelector, podKeys);
        addKeys(namespaceSelector, namespaceKeys);
        if (ipBlock) for (const cidr of [ipBlock.cidr, ...(ipBlock.except ?? [])]) blocks.add(cidr);
      }
    }
  }
  for (const policy of baseline === undefined ? admin : [...admin, baseline]) {
    const rules = [...policy.ingress, ...policy.egress];
    for (const { namespaces, pods } of [policy.subject, ...rules.flatMap((rule) => rule.peers)]) {
      addKeys(namespaces, namespaceKeys);
      addKeys(pods?.namespaceSelector, namespaceKeys);
      addKeys(pods?.podSelector, podKeys);
    }
    for (const rule of rules) {
      for (const { namedPort } of rule.ports ?? []) if (namedPort) portNames.add(namedPort);
      for (const { networks } of rule.peers) for (const cidr of networks ?? []) blocks.add(cidr);
    }
  }
  return mentioned;
}

function addKeys(selector: LabelSelector | null | undefined, keys: Set<string>): void {
  for (const key of Object.keys(selector?.matchLabels ?? {})) keys.add(key);
  for (const { key } of selector?.matchExpressions ?? []) keys.add(key);
}

/** Label values have no line breaks, and neither have keys. */
function labelKey(labels: StringMap | undefined, mentioned: ReadonlySet<string>): string {
  const parts: string[] = [];
  for (const key in labels) if (mentioned.has(key)) parts.push(`${key}=${labelOf(labels, key) ?? ''}`);
  return parts.length > 1 ? parts.sort().join() : (parts[0] ?? '');
}

function portKey(
  { ports }: PolicyEndpoint & { readonly kind: 'pod' },
  mentioned: ReadonlySet<string>,
): string {
  if (mentioned.size === 0) return '';
  const parts = ports.flatMap(({ name, protocol, port }) =>
    mentioned.has(name) ? `${name} ${protocol} ${port}` : [],
  );
  return parts.length > 1 ? parts.sort().join() : (parts[0] ?? '');
}

/** Addresses that lie in the same networks are the same; those in none do not count. */
function blockKey(ips: readonly Ip[], prefixes: readonly Prefix[]): string {
  if (prefixes.length === 0) return '';
  const parts = new Set<string>();
  for (const ip of ips) {
    let part = '';
    for (const [i, prefix] of prefixes.entries()) if (prefixContains(prefix, ip)) part += `${i} `;
    if (part !== '') parts.add(part);
  }
  return [...parts].sort().join();
}
