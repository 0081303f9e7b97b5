import { existsSync, readFileSync } from 'node:fs';
import { parseAllDocuments } from 'yaml';
import type { Protocol, StringMap } from '../../../src/engine/api/types.ts';
import type { AdminPolicyInput } from '../../../src/engine/policy/adminpolicy.ts';
import type { PolicyEndpoint } from '../../../src/engine/policy/endpoint.ts';
import type { NetworkPolicyInput } from '../../../src/engine/policy/networkpolicy.ts';
import type { PolicyObjects } from '../../../src/engine/policy/policies.ts';
import { PolicySet } from '../../../src/engine/policy/verdict.ts';

const FOLDER = new URL('../../../../shared/oracle/netpol/', import.meta.url);
/** Outside the place where the data is, its tests are skipped, and say so; CI must have it. */
export const present = existsSync(FOLDER) || process.env['CI'] === 'true';

export interface NetpolCase {
  readonly id: string;
  readonly tags: readonly string[];
  readonly manifests: string;
  readonly endpoints: Readonly<
    Record<
      string,
      { readonly kind: string; readonly namespace?: string; readonly name?: string; readonly ip?: string }
    >
  >;
  readonly expect: readonly {
    readonly from: string;
    readonly to: string;
    readonly protocol: Protocol;
    readonly port: number;
    readonly allowed: boolean;
  }[];
}

interface PodTemplate {
  readonly metadata?: { readonly labels?: StringMap };
  readonly spec?: {
    readonly containers?: readonly {
      readonly ports?: readonly {
        readonly name?: string;
        readonly containerPort: number;
        readonly protocol?: Protocol;
      }[];
    }[];
  };
}

export interface Manifest extends PodTemplate {
  readonly kind: string;
  readonly metadata: { readonly name: string; readonly namespace?: string; readonly labels?: StringMap };
  readonly status?: { readonly podIP?: string };
}

export function cases(file: string): NetpolCase[] {
  if (!present) return [];
  return readFileSync(new URL(file, FOLDER), 'utf8')
    .split('\n')
    .filter((line) => line !== '')
    .map((line) => JSON.parse(line) as NetpolCase);
}

export function endpointOf(key: string, test: NetpolCase, manifests: readonly Manifest[]): PolicyEndpoint {
  const wanted = test.endpoints[key];
  if (wanted === undefined) throw new Error(`no endpoint ${key}`);
  if (wanted.kind === 'External') return { kind: 'external', ip: wanted.ip ?? '' };
  const namespace = wanted.namespace ?? 'default';
  const object = manifests.find(
    ({ kind, metadata }) =>
      kind === wanted.kind &&
      metadata.name === wanted.name &&
      (metadata.namespace ?? 'default') === namespace,
  );
  if (object === undefined) throw new Error(`no ${wanted.kind} ${key}`);
  const template =
    wanted.kind === 'Pod' ? object : (object.spec as unknown as { template: PodTemplate }).template;
  const ports = (template.spec?.containers ?? []).flatMap((container) =>
    (container.ports ?? []).map((port) => ({
      name: port.name ?? '',
      protocol: port.protocol ?? 'TCP',
      port: port.containerPort,
    })),
  );
  // An ipBlock is tested against pods only where the case says that addresses hold.
  const ips =
    test.tags.includes('needsPodIP') && object.status?.podIP !== undefined ? [object.status.podIP] : [];
  return {
    kind: 'pod',
    namespace,
    name: object.metadata.name,
    labels: template.metadata?.labels ?? {},
    ips,
    ports,
  };
}

export function policySet(manifests: readonly Manifest[]): PolicySet {
  return new PolicySet(policyObjects(manifests));
}

export function policyObjects(manifests: readonly Manifest[]): PolicyObjects {
  const ofKind = <T>(kind: string): T[] =>
    manifests.filter((object) => object.kind === kind) as unknown as T[];
  return {
    namespaces: manifests
      .filter(({ kind }) => kind === 'Namespace')
      .map(({ metadata }) => ({ name: metadata.name, labels: metadata.labels ?? {} })),
    networkPolicies: ofKind<NetworkPolicyInput>('NetworkPolicy'),
    adminNetworkPolicies: ofKind<AdminPolicyInput>('AdminNetworkPolicy'),
    baselineAdminNetworkPolicies: ofKind<AdminPolicyInput>('BaselineAdminNetworkPolicy'),
  };
}

export function decode(manifests: string): Manifest[] {
  return parseAllDocuments(manifests).flatMap((document) => {
    const object = document.toJS() as Manifest | null;
    return object === null ? [] : [object];
  });
}
