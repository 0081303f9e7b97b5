import { existsSync, readFileSync } from 'node:fs';
import { parseAllDocuments } from 'yaml';
import type { EndpointSliceInput } from '../../../src/engine/proxy/endpoints.ts';
import type { DetectLocal, ProxyNode } from '../../../src/engine/proxy/node.ts';
import type { ServiceInput } from '../../../src/engine/proxy/service.ts';

const FOLDER = new URL('../../../../shared/oracle/kubeproxy/', import.meta.url);

/** Outside the place where the data is, its tests are skipped, and say so; CI must have it. */
export const oraclePresent = existsSync(FOLDER) || process.env['CI'] === 'true';

export interface OracleConfig {
  readonly kubeVersion?: string;
  readonly ipFamily: 'IPv4' | 'IPv6';
  readonly nodeName: string;
  readonly nodeIP: string;
  readonly nodeIPs: readonly string[];
  readonly interfaceAddrs?: readonly string[];
  readonly detectLocalMode: string;
  readonly podCIDR: string | null;
  readonly masqueradeAll?: boolean;
  readonly masqueradeMark?: string;
  readonly randomFully?: boolean;
  readonly localhostNodePorts?: boolean;
  readonly nodePortAddresses?: readonly string[] | null;
  readonly featureGates?: { readonly LoadBalancerIPMode?: boolean };
  readonly nfacct?: boolean;
  readonly topologyAwareHints?: boolean;
  readonly nodeLabels?: Readonly<Record<string, string>> | null;
}

export interface OracleFlow {
  readonly name: string;
  readonly sourceIP: string;
  readonly sourceType: 'pod' | 'node' | 'external' | 'localhost';
  readonly destIP: string;
  readonly destPort: number;
  readonly protocol: string;
  readonly output: string | readonly string[];
  readonly masq: boolean;
}

export function records<T>(file: string): T[] {
  if (!oraclePresent) return [];
  return readFileSync(new URL(file, FOLDER), 'utf8')
    .split('\n')
    .filter((line) => line !== '')
    .map((line) => JSON.parse(line) as T);
}

export function decode(manifests: string): { services: ServiceInput[]; slices: EndpointSliceInput[] } {
  const services: ServiceInput[] = [];
  const slices: EndpointSliceInput[] = [];
  for (const document of parseAllDocuments(manifests)) {
    const object = document.toJS() as { kind?: string } | null;
    if (object?.kind === 'Service') services.push(object as unknown as ServiceInput);
    if (object?.kind === 'EndpointSlice') slices.push(object as unknown as EndpointSliceInput);
  }
  return { services, slices };
}

export function nodeOf(config: OracleConfig): ProxyNode {
  const detectLocal: DetectLocal =
    config.detectLocalMode === 'none' || config.podCIDR === null
      ? { mode: 'none' }
      : { mode: 'cidr', cidr: config.podCIDR };
  return {
    name: config.nodeName,
    family: config.ipFamily,
    nodeIP: config.nodeIP,
    addresses: config.interfaceAddrs ?? config.nodeIPs,
    zone: config.nodeLabels?.['topology.kubernetes.io/zone'],
    detectLocal,
    masqueradeAll: config.masqueradeAll ?? false,
    masqueradeMark: config.masqueradeMark ?? '0x4000',
    randomFully: config.randomFully ?? false,
    localhostNodePorts: config.localhostNodePorts ?? true,
    nodePortAddresses: config.nodePortAddresses ?? null,
    loadBalancerIPMode: config.featureGates?.LoadBalancerIPMode ?? false,
    nfacct: config.nfacct ?? false,
    hints: config.topologyAwareHints === true ? 'annotated' : 'ignored',
  };
}
