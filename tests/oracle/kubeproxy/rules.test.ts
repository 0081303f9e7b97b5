import { describe, expect, it } from 'vitest';
import { endpointChain, serviceChain } from '../../../src/engine/proxy/chains.ts';
import { categorize, EndpointIndex } from '../../../src/engine/proxy/endpoints.ts';
import { proxyRules, type ProxyRules } from '../../../src/engine/proxy/iptables.ts';
import { servicePorts } from '../../../src/engine/proxy/service.ts';
import { formatSync, syncRules } from '../../../src/engine/proxy/sync.ts';
import { decode, nodeOf, oraclePresent, records, type OracleConfig } from './records.ts';

interface RulesRecord {
  readonly id: string;
  readonly mode: 'full' | 'partial';
  readonly config: OracleConfig;
  readonly manifests: string;
  readonly expected: string;
}

interface HashRecord {
  readonly chain: string;
  readonly servicePortName: string;
  readonly protocol: string;
  readonly endpoint?: string;
}

interface TopologyRecord {
  readonly id: string;
  readonly config: OracleConfig;
  readonly manifests: string;
  readonly clusterEndpoints: readonly string[] | null;
  readonly localEndpoints: readonly string[] | null;
  readonly allEndpoints: readonly string[] | null;
  readonly hasAnyEndpoints: boolean;
}

interface AssertRecord {
  readonly id: string;
  readonly config: OracleConfig;
  readonly manifests: string;
  readonly assert: {
    readonly table: 'nat' | 'filter';
    readonly chain: string;
    readonly destinationIP: string;
    readonly ruleExists: boolean;
  };
}

describe.skipIf(!oraclePresent)("kube-proxy's rules (skipped without ../shared/oracle)", () => {
  const previous = new Map<string, ProxyRules>();
  const cases = records<RulesRecord>('rules.jsonl');
  it.each(cases)('are written as $id', (record) => {
    const { services, slices } = decode(record.manifests);
    const next = proxyRules(services, slices, nodeOf(record.config));
    // Records of one test, named -2, -3, …, are successive syncs of one proxier.
    const series = record.id.replace(/-\d+$/, '');
    const repeated = series.endsWith('Repeated');
    const before = repeated ? previous.get(series) : undefined;
    previous.set(series, next);
    const sync = syncRules(before, next);
    const text = record.mode === 'full' && before !== undefined ? fullText(before, next) : formatSync(sync);
    expect(text.trim()).toBe(record.expected.trim());
  });

  it.each(records<HashRecord>('hashes.jsonl'))(
    'are in chain $chain',
    ({ chain, servicePortName, protocol, endpoint }) => {
      const kind = (['SVC', 'SVL', 'EXT', 'FW'] as const).find((name) => chain.startsWith(`KUBE-${name}-`));
      const made =
        endpoint !== undefined
          ? endpointChain(servicePortName, protocol, endpoint)
          : serviceChain(kind ?? 'SVC', servicePortName, protocol);
      expect(made).toBe(chain);
    },
  );

  it.each(records<TopologyRecord>('topology.jsonl'))('lead to the endpoints of $id', (record) => {
    const { services, slices } = decode(record.manifests);
    const node = nodeOf(record.config);
    const index = new EndpointIndex(slices, node.family, node.name);
    const port = services.flatMap((service) => servicePorts(service, node))[0];
    expect(port).toBeDefined();
    if (port === undefined) return;
    const found = categorize(index.of(port), port, { name: node.name, zone: node.zone, hints: node.hints });
    expect(found.cluster.map((endpoint) => endpoint.endpoint)).toEqual(record.clusterEndpoints ?? []);
    expect(found.local.map((endpoint) => endpoint.endpoint)).toEqual(record.localEndpoints ?? []);
    expect(found.reachable.map((endpoint) => endpoint.endpoint)).toEqual(record.allEndpoints ?? []);
    expect(found.any).toBe(record.hasAnyEndpoints);
  });

  it.each(records<AssertRecord>('assertions.jsonl'))('hold $id', ({ config, manifests, assert }) => {
    const { services, slices } = decode(manifests);
    const rules = proxyRules(services, slices, nodeOf(config));
    const chain = rules[assert.table].get(assert.chain) ?? [];
    expect(chain.some((rule) => rule.includes(` -d ${assert.destinationIP} `))).toBe(assert.ruleExists);
  });
});

/** After a failed restore kube-proxy writes everything again, and deletes what it finds to be stale. */
function fullText(before: ProxyRules, next: ProxyRules): string {
  const { deleted } = syncRules(before, next);
  return formatSync({ filter: next.filter, nat: next.nat, deleted });
}
