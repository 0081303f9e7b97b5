import { existsSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { ORACLE, readOracle } from './kernel-cluster.ts';
import { runProbes } from './kernel-probe.ts';

const SCENARIOS = [
  'same-node-bridge',
  'cross-node-vxlan',
  'cross-node-hostgw',
  'calico-same-node',
  'calico-cross-node',
  'closed-port',
  'udp-closed-port',
  'ping-ttl',
  'traceroute-hostgw',
  'same-pod-localhost',
  'listen-on-loopback',
  'pod-to-node',
  'node-to-pod',
  'no-route-at-all',
  'missing-forward-route',
  'missing-return-route',
  'mtu-ok-1450',
  'mtu-pod-1500-vxlan',
  'mtu-blackhole-icmp-blocked',
  'arp-stale-permanent-entry',
  'veth-down',
  'vxlan-missing-fdb',
  'clusterip-same-node',
  'clusterip-remote',
  'clusterip-remote-no-brnf',
  'clusterip-remote-hostgw',
  'calico-clusterip',
  'hairpin-on',
  'service-no-endpoints',
  'pod-to-external-snat',
  'pod-to-external-no-masq',
  'networkpolicy-drop-vs-reject',
  'forward-policy-drop',
  'vxlan-udp-8472-blocked',
  'external-nodeport-cluster',
  'nodeport-from-pod',
  'deleted-pod-cross-node',
  'deleted-pod-same-node',
  'deleted-pod-hostgw',
  'deleted-pod-calico',
  'node-down-hostgw',
];

const FLOODED = new Set(['arp-stale-permanent-entry']);

/** Ports that MASQUERADE chose, and ports that the recording left out, agree with any. */
function agrees(actual: readonly string[], expected: readonly string[]): unknown {
  return actual.map((line, i) => {
    const want = expected[i];
    if (want === undefined || !want.includes('RND')) return line;
    const pattern = want
      .split('RND')
      .map((part) => part.replace(/[.*+?^${}()|[\]\\]/g, '\\$&'))
      .join('\\d+');
    return new RegExp(`^${pattern}$`).test(line) ? want : line;
  });
}

describe.skipIf(!existsSync(ORACLE))('the data path beside the kernel', () => {
  for (const name of SCENARIOS) {
    const file = existsSync(ORACLE) ? readOracle(name) : undefined;
    const observed = file === undefined ? undefined : runProbes(file);
    for (const probe of file?.probes ?? []) {
      if (
        probe.kind === 'fn' ||
        probe.kind === 'spread' ||
        probe.before !== undefined ||
        probe.during !== undefined
      )
        break;
      it(`${name}: ${probe.id}`, () => {
        const seen = observed?.get(probe.id);
        const expected = {
          request: probe.path?.request ?? [],
          reply: probe.path?.reply ?? [],
          icmpErrors: probe.path?.icmpErrors ?? [],
        };
        expect(seen?.outcome).toBe(probe.result.outcome);
        if (probe.kind === 'traceroute') {
          expect(seen?.hops).toEqual(probe.result.hops?.map((hop) => hop.from));
          return;
        }
        // A flooded packet's copies leave within one microsecond of the recording: their order there is chance.
        if (FLOODED.has(name))
          expect([...(seen?.request ?? [])].sort()).toEqual([...expected.request].sort());
        else expect(agrees(seen?.request ?? [], expected.request)).toEqual(expected.request);
        expect(agrees(seen?.reply ?? [], expected.reply)).toEqual(expected.reply);
        if (expected.icmpErrors.length > 0)
          expect(agrees(seen?.icmpErrors ?? [], expected.icmpErrors)).toEqual(expected.icmpErrors);
        expect(seen?.arp).toEqual(probe.arp ?? []);
        expect(seen?.synRetransmits).toBe(probe.synRetransmits ?? 0);
      });
    }
  }
});
