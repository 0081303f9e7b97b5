import { describe, expect, test } from 'vitest';
import { formatEntry } from '../../../src/engine/net/conntrack.ts';
import { iptablesSave } from '../../../src/engine/net/iptables.ts';
import { Bench } from './drive.ts';
import { present, readScenario, scenarioNames, type Probe, type Scenario } from './scenario.ts';

interface Measured extends Scenario {
  readonly probes: readonly (Probe & { readonly conntrack?: Readonly<Record<string, readonly string[]>> })[];
  readonly state: Readonly<Record<string, { readonly iptables?: readonly string[] }>>;
}

/** Where the engine's connection is in another state, each with what differs. The list may only shrink. */
const notYet: Readonly<Record<string, string>> = {};

/** Without what an idle machine does by chance: elapsed seconds, drawn ports, reference counts, echo identifiers. */
function settled(line: string, port: number | undefined): string {
  return line
    .replace(/^(\S+ +\d+) (\d+)/, (_all, head: string, left: string) => `${head} ${lifetime(Number(left))}`)
    .replace(/ use=\d+$/, '')
    .replaceAll(/\bid=\d+/g, 'id=N')
    .replace(/dport=(\d+)( \[ASSURED\])? mark/, (all, drawn: string) =>
      Number(drawn) === port ? all : all.replace(drawn, 'RND'),
    );
}

/** The timeout that a remaining time is left of. */
function lifetime(seconds: number): number {
  return [10, 30, 60, 120, 300, 600, 432_000].find((timeout) => seconds <= timeout) ?? 0;
}

/** Lines that belong to the probe, and not to those before it or to tunnels. */
function ofProbe(lines: readonly string[], probe: Probe): readonly string[] {
  const own = lines.filter((line) =>
    probe.clientPort === undefined
      ? probe.kind === 'ping' && line.startsWith('icmp')
      : line.includes(`sport=${probe.clientPort} `),
  );
  return own.map((line) => settled(line, probe.clientPort)).sort();
}

/** Rules and chains without counters; the names of pods' links are not the recording's. */
function rulesOf(lines: readonly string[]): readonly string[] {
  return lines
    .filter((line) => /^(\[|-A |:)/.test(line))
    .map((line) => line.replace(/^\[\d+:\d+\] /, '').replace(/ \[\d+:\d+\]$/, ''))
    .map((line) => line.replaceAll(/(-[io]) cali[^+ ]+ /g, '$1 caliNAME '));
}

describe.skipIf(!present)("the kernel's tables (skipped without ../shared/oracle)", () => {
  describe.each(scenarioNames())('%s', (name) => {
    const scenario = readScenario(name) as Measured;
    let bench: Bench | undefined;
    const seen = new Map<string, Map<string, readonly string[]>>();
    const observe = (): void => {
      if (bench !== undefined) return;
      bench = new Bench(scenario);
      for (const probe of scenario.probes) {
        bench.observe(probe);
        const nodes = new Map<string, readonly string[]>();
        for (const node of Object.keys(probe.conntrack ?? {})) {
          const ns = bench.cluster.world.netnses.get(node);
          nodes.set(node, ns?.conntrack.list().map((entry) => formatEntry(entry, ns.world.now)) ?? []);
        }
        seen.set(probe.id, nodes);
      }
    };

    test.each(scenario.probes.map(({ id }) => id))('conntrack after %s', (id) => {
      observe();
      const probe = scenario.probes.find((candidate) => candidate.id === id);
      const different = Object.entries(probe?.conntrack ?? {}).filter(([node, lines]) => {
        if (probe === undefined) return true;
        return ofProbe(lines, probe).join('\n') !== ofProbe(seen.get(id)?.get(node) ?? [], probe).join('\n');
      });
      const wanted = notYet[`${name}/${id}`];
      if (wanted === undefined)
        expect(different.map(([node, lines]) => [node, lines, seen.get(id)?.get(node)])).toEqual([]);
      else expect(different, `${name}/${id} passes now: take it from the list`).not.toEqual([]);
    });

    test('every rule that the kernel had is there', () => {
      observe();
      for (const [node, { iptables }] of Object.entries(scenario.state)) {
        const ns = bench?.cluster.world.netnses.get(node);
        if (iptables === undefined || ns === undefined) continue;
        const saved = rulesOf(iptablesSave(ns.netfilter, 'ipv4', [], '').out.split('\n'));
        // The recording's own tracing sits in the raw table.
        const wanted = rulesOf(iptables.slice(iptables.indexOf('*filter')));
        expect(
          wanted.filter((rule) => !saved.includes(rule)),
          node,
        ).toEqual([]);
      }
    });
  });
});
