import type { Fit, Mismatch } from '../verdict.ts';
import { labelOf, matchesSelector } from '../api/labels.ts';
import type { LabelSelector, LabelSelectorRequirement, StringMap } from '../api/types.ts';
import { matchesAdminPort, type AdminPeerInput, type AdminPortInput } from './adminpolicy.ts';
import { namedPort, type PolicyEndpoint, type PolicyPort } from './endpoint.ts';
import {
  matchesPort,
  within,
  type NamespaceLabels,
  type PeerInput,
  type PortInput,
} from './networkpolicy.ts';

interface RuleFit {
  readonly peer?: number;
  readonly fits: readonly Fit[];
  readonly missing: readonly Mismatch[];
}

interface PeerFit {
  readonly fits: readonly Fit[];
  readonly missing: readonly Mismatch[];
}

/** How far a NetworkPolicy's rule is from holding, by the peer that is nearest. */
export function ruleFit(
  rule: {
    readonly peers: readonly PeerInput[] | undefined;
    readonly ports: readonly PortInput[] | undefined;
  },
  namespace: string,
  other: PolicyEndpoint,
  namespaces: NamespaceLabels,
  port: PolicyPort,
  destination: PolicyEndpoint,
): RuleFit {
  const portHolds =
    rule.ports === undefined || rule.ports.some((entry) => matchesPort(entry, port, destination));
  const peers = rule.peers?.map((peer) => peerFit(peer, namespace, other, namespaces));
  return combine(peers, portHolds, () => (rule.ports ?? []).map((entry) => portText(entry, destination)));
}

/** The same of a rule of the admin tiers. */
export function adminRuleFit(
  rule: { readonly peers: readonly AdminPeerInput[]; readonly ports: readonly AdminPortInput[] | undefined },
  other: PolicyEndpoint,
  namespaces: NamespaceLabels,
  port: PolicyPort,
  destination: PolicyEndpoint,
): RuleFit {
  const portHolds =
    rule.ports === undefined || rule.ports.some((entry) => matchesAdminPort(entry, port, destination));
  const peers = rule.peers.map((peer) => adminPeerFit(peer, other, namespaces));
  return combine(peers, portHolds, () =>
    (rule.ports ?? []).map((entry) => adminPortText(entry, destination)),
  );
}

function combine(
  peers: readonly PeerFit[] | undefined,
  portHolds: boolean,
  listed: () => readonly string[],
): RuleFit {
  let best: { readonly index: number; readonly fit: PeerFit } | undefined;
  for (const [index, fit] of (peers ?? []).entries())
    if (best === undefined || fit.missing.length < best.fit.missing.length) best = { index, fit };
  const fit: PeerFit = best?.fit ?? { fits: ['everybody'], missing: [] };
  return {
    ...(best === undefined ? {} : { peer: best.index }),
    fits: portHolds ? [...fit.fits, 'port'] : fit.fits,
    missing: portHolds ? fit.missing : [...fit.missing, { code: 'port', listed: listed() }],
  };
}

function peerFit(
  peer: PeerInput,
  namespace: string,
  other: PolicyEndpoint,
  namespaces: NamespaceLabels,
): PeerFit {
  if (peer.ipBlock !== undefined && peer.ipBlock !== null)
    return blockFit(peer.ipBlock.cidr, peer.ipBlock.except ?? [], other);
  if (other.kind === 'external') return { fits: [], missing: [{ code: 'not-a-pod' }] };
  const { podSelector, namespaceSelector } = peer;
  const fits: Fit[] = [];
  const missing: Mismatch[] = [];
  if (namespaceSelector === undefined || namespaceSelector === null) {
    if (podSelector === undefined || podSelector === null) return { fits, missing: [{ code: 'nobody' }] };
    if (other.namespace === namespace) fits.push('namespace');
    else missing.push({ code: 'namespace', wanted: namespace, actual: other.namespace });
  } else {
    addSelector('namespace', namespaceSelector, namespaces(other.namespace), fits, missing);
  }
  if (podSelector !== undefined && podSelector !== null)
    addSelector('pod', podSelector, other.labels, fits, missing);
  return { fits, missing };
}

function adminPeerFit(peer: AdminPeerInput, other: PolicyEndpoint, namespaces: NamespaceLabels): PeerFit {
  const { networks, pods } = peer;
  if (networks !== undefined && networks !== null) {
    const fits = networks.map((cidr) => blockFit(cidr, [], other));
    return fits.find((fit) => fit.missing.length === 0) ?? fits[0] ?? NOBODY;
  }
  const namespace = peer.namespaces ?? undefined;
  if (namespace === undefined && (pods === undefined || pods === null)) return NOBODY;
  if (other.kind === 'external') return { fits: [], missing: [{ code: 'not-a-pod' }] };
  const fits: Fit[] = [];
  const missing: Mismatch[] = [];
  const labels = namespaces(other.namespace);
  if (namespace !== undefined) addSelector('namespace', namespace, labels, fits, missing);
  else {
    addSelector('namespace', pods?.namespaceSelector ?? {}, labels, fits, missing);
    addSelector('pod', pods?.podSelector ?? {}, other.labels, fits, missing);
  }
  return { fits, missing };
}

const NOBODY: PeerFit = { fits: [], missing: [{ code: 'nobody' }] };

function blockFit(cidr: string, except: readonly string[], other: PolicyEndpoint): PeerFit {
  const ips = other.kind === 'external' ? [other.ip] : other.ips;
  const inside = ips.find((ip) => within(ip, cidr));
  if (inside === undefined) return { fits: [], missing: [{ code: 'cidr', cidr }] };
  const hole = except.find((one) => within(inside, one));
  return hole === undefined
    ? { fits: ['address'], missing: [] }
    : { fits: [], missing: [{ code: 'except', cidr, except: hole }] };
}

function addSelector(
  of: 'namespace' | 'pod',
  selector: LabelSelector,
  labels: StringMap | undefined,
  fits: Fit[],
  missing: Mismatch[],
): void {
  const before = missing.length;
  for (const requirement of requirements(selector)) {
    if (matchesSelector({ matchExpressions: [requirement] }, labels)) continue;
    const { key, operator, values = [] } = requirement;
    const actual = labelOf(labels, key);
    missing.push({ code: `${of}-label`, key, operator, values, ...(actual === undefined ? {} : { actual }) });
  }
  if (missing.length === before) fits.push(of);
}

function requirements(selector: LabelSelector): readonly LabelSelectorRequirement[] {
  return [
    ...Object.entries(selector.matchLabels ?? {}).map(([key, value]): LabelSelectorRequirement => ({
      key,
      operator: 'In',
      values: [value],
    })),
    ...(selector.matchExpressions ?? []),
  ];
}

function portText({ protocol, port, endPort }: PortInput, destination: PolicyEndpoint): string {
  const name = protocol ?? 'TCP';
  if (port === undefined || port === null) return name;
  if (typeof port === 'string') return named(name, port, destination);
  return endPort === undefined || endPort === null || endPort === port
    ? `${name} ${port}`
    : `${name} ${port}-${endPort}`;
}

function adminPortText(entry: AdminPortInput, destination: PolicyEndpoint): string {
  const { portNumber, portRange } = entry;
  if (portNumber !== undefined && portNumber !== null)
    return `${portNumber.protocol ?? 'TCP'} ${portNumber.port}`;
  if (portRange !== undefined && portRange !== null)
    return `${portRange.protocol ?? 'TCP'} ${portRange.start}-${portRange.end}`;
  const name = entry.namedPort ?? '';
  const found = destination.kind === 'pod' ? destination.ports.find((port) => port.name === name) : undefined;
  return found === undefined ? name : `${found.protocol} ${name} (${found.port})`;
}

function named(protocol: 'TCP' | 'UDP' | 'SCTP', name: string, destination: PolicyEndpoint): string {
  const number = namedPort(destination, name, protocol);
  return number === undefined ? `${protocol} ${name}` : `${protocol} ${name} (${number})`;
}
