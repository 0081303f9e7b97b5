import { describe, expect, test } from 'vitest';
import { Bench } from './drive.ts';
import type { Observed } from './drive.ts';
import { present, readScenario, scenarioNames } from './scenario.ts';
import type { NodeSteps, Path, Probe } from './scenario.ts';

interface Exception {
  readonly reason: string;
  /** `icmpErrors`: the measurement lacks one. `order`: of frames within one microsecond. `arp`: frames that differ. */
  readonly what: 'icmpErrors' | 'order' | 'arp';
}

/** Where a recording is not what the engine does, and why: at most three. */
const exceptions: Readonly<Record<string, Exception>> = {
  'pod-to-external-no-masq/tcp': {
    what: 'icmpErrors',
    reason:
      "the router's net-unreachable to ext about the SYN-ACK is not in the measurement; in clusterip-same-node/unknown-port-udp the same router says the same",
  },
  'arp-stale-permanent-entry/tcp': {
    what: 'order',
    reason:
      'two copies of one flooded packet: the measurement lists rules copy by copy, and frames of one microsecond in any order',
  },
  'deleted-pod-cross-node/ping': {
    what: 'arp',
    reason: 'the kernel confirms what earlier probes had made it doubt, by a clock that it sets at random',
  },
};

const names = scenarioNames();

describe.skipIf(!present)('the Linux kernel', () => {
  test('has been asked 47 times, and three answers at most are exceptions', () => {
    expect(names).toHaveLength(47);
    expect(Object.keys(exceptions).length).toBeLessThanOrEqual(3);
  });

  describe.each(names)('%s', (name) => {
    const scenario = readScenario(name);
    const differences = observeAll(name);
    test.each(scenario.probes.map(({ id }) => id))('%s', (id) => {
      const all = differences().get(id) ?? ['was not run'];
      const isLeftOut = exceptions[`${name}/${id}`]?.what === 'icmpErrors';
      const found = isLeftOut ? all.filter((text) => !text.startsWith('icmpErrors ')) : all;
      if (isLeftOut) expect(found.length, 'the exception is no longer needed').toBeLessThan(all.length);
      expect(found).toEqual([]);
    });

    test.each(scenario.probes.filter(({ arp }) => arp !== undefined).map(({ id }) => id))(
      'ARP around %s',
      (id) => {
        const difference = differences().get(`arp ${id}`) ?? ['was not run'];
        if (exceptions[`${name}/${id}`]?.what !== 'arp') expect(difference).toEqual([]);
        else expect(difference, 'the exception is no longer needed').not.toEqual([]);
      },
    );
  });
});

/** Probes of a scenario follow each other in one cluster, so all are run when the first is asked for. */
function observeAll(name: string): () => Map<string, string[]> {
  let cache: Map<string, string[]> | undefined;
  return () => {
    if (cache !== undefined) return cache;
    cache = new Map();
    const scenario = readScenario(name);
    const bench = new Bench(scenario);
    for (const probe of scenario.probes) {
      const seen = bench.observe(probe);
      cache.set(
        probe.id,
        exceptions[`${name}/${probe.id}`]?.what === 'order'
          ? compare(sortedProbe(probe), sorted(seen))
          : compare(probe, seen),
      );
      cache.set(`arp ${probe.id}`, compareArp(probe.arp ?? [], seen.arp));
    }
    return cache;
  };
}

/** In order, but for the control plane, which the measured clusters do not have, and the names of who sent. */
function compareArp(wanted: readonly string[], seen: readonly string[]): string[] {
  const expected = wanted.map((line) => line.replace(/ \([^)]*\)$/, ''));
  const got = seen.filter((line) => !/^(lan:p-control-plane|control-plane:|kube-system\/)/.test(line));
  const at = Array.from({ length: Math.max(expected.length, got.length) }, (_, i) => i).find(
    (i) => expected[i] !== got[i],
  );
  return at === undefined
    ? []
    : [`ARP ${at + 1}: kernel ${expected[at] ?? '(nothing)'}, engine ${got[at] ?? '(nothing)'}`];
}

function sorted(seen: Observed): Observed {
  const { request, reply, icmpErrors } = seen.path;
  return {
    ...seen,
    path: { request: request.toSorted(), reply: reply.toSorted(), icmpErrors: icmpErrors.toSorted() },
    steps: seen.steps.map((group) => ({ ...group, steps: group.steps.toSorted() })),
  };
}

function sortedProbe(probe: Probe): Probe {
  const { request = [], reply = [], icmpErrors = [] } = probe.path ?? {};
  return {
    ...probe,
    path: { request: request.toSorted(), reply: reply.toSorted(), icmpErrors: icmpErrors.toSorted() },
    netfilter: (probe.netfilter ?? []).map((group) => ({
      ...group,
      steps: group.steps.toSorted((a, b) => (stepText(a) < stepText(b) ? -1 : 1)),
    })),
  };
}

function stepText({ table, chain, verdict, rule }: NodeSteps['steps'][number]): string {
  return `${table} ${chain} ${verdict}${rule === undefined ? '' : ` ${rule}`}`;
}

function compare(probe: Probe, got: Observed): string[] {
  const { result } = probe;
  const out: string[] = [];
  const check = (what: string, wanted: unknown, seen: unknown): void => {
    if (JSON.stringify(wanted) !== JSON.stringify(seen))
      out.push(`${what}: kernel ${JSON.stringify(wanted)}, engine ${JSON.stringify(seen)}`);
  };
  check('outcome', result.outcome, got.outcome);
  if (probe.kind === 'spread' || probe.kind === 'fn') return [...out, ...compareCounts(probe, got)];
  if (probe.kind === 'ping' && result.from !== undefined) {
    check('from', result.from, got.from);
    check('reply ttl', result.replyTTL, got.replyTTL);
  }
  if (result.hops !== undefined)
    check(
      'hops',
      result.hops.map(({ ttl, from, icmp }) => [ttl, from, icmp]),
      got.hops?.map(({ ttl, from, icmp }) => [ttl, from, icmp]),
    );
  if (probe.synRetransmits !== undefined)
    check('SYN retransmissions', probe.synRetransmits, got.synRetransmits);
  if (result.http !== undefined)
    check('http', result.http.status ?? result.http.error, got.http?.status ?? got.http?.error);
  if (probe.kind === 'traceroute') return out;
  for (const part of ['request', 'reply', 'icmpErrors'] as const)
    out.push(...comparePath(part, probe.path ?? {}, got.path));
  if (probe.receiver !== null && probe.receiver !== undefined) {
    check('receiver', probe.receiver.pod ?? probe.receiver.netns, got.receiver?.netns);
    if (probe.receiver.local !== undefined)
      check('receiver local', probe.receiver.local, got.receiver?.local);
    if (probe.receiver.ttl !== undefined) check('receiver ttl', probe.receiver.ttl, got.receiver?.ttl);
    if (probe.receiver.peer !== undefined)
      out.push(
        ...compareLine('receiver peer', withoutRandom(probe.receiver.peer, probe), got.receiver?.peer ?? ''),
      );
  } else if (probe.receiver === null && got.receiver !== undefined)
    out.push(`receiver: kernel none, engine ${got.receiver.netns}`);
  for (const steps of probe.netfilter ?? []) out.push(...compareSteps(steps, got));
  return out;
}

/** A port that MASQUERADE chose is any port. */
function withoutRandom(endpoint: string, probe: Probe): string {
  const [ip = '', port = ''] = endpoint.split(':');
  return port === String(probe.clientPort) ? endpoint : `${ip}:RND`;
}

function compareLine(what: string, wanted: string, seen: string): string[] {
  const pattern = new RegExp(
    `^${wanted.replaceAll(/[.*+?^${}()|[\]\\]/g, '\\$&').replaceAll('RND', '\\d+')}$`,
  );
  return pattern.test(seen) ? [] : [`${what}: kernel ${wanted}, engine ${seen}`];
}

function comparePath(part: keyof Path, wanted: Path, got: Path): string[] {
  const expected = wanted[part] ?? [];
  const seen = got[part] ?? [];
  const length = Math.max(expected.length, seen.length);
  for (let i = 0; i < length; i++) {
    const different = compareLine(
      `${part} ${i + 1}/${expected.length}`,
      expected[i] ?? '(nothing)',
      seen[i] ?? '(nothing)',
    );
    if (different.length > 0) return different;
  }
  return [];
}

function compareSteps({ node, packet, steps }: NodeSteps, got: Observed): string[] {
  const seen = got.steps.find((group) => group.node === node && group.packet === packet)?.steps ?? [];
  const wanted = steps.map(stepText);
  // The measurement tells packets apart by addresses, ports and TTL: repetitions add their steps once more.
  if (
    seen.length > 0 &&
    wanted.length % seen.length === 0 &&
    wanted.every((step, i) => step === seen[i % seen.length])
  )
    return [];
  const at = wanted.findIndex((step, i) => step !== seen[i]);
  const first = at < 0 && seen.length > wanted.length ? wanted.length : at;
  return first < 0
    ? []
    : [
        `netfilter ${node} ${packet} ${first + 1}/${wanted.length}: kernel ${wanted[first] ?? '(nothing)'}, engine ${seen[first] ?? '(nothing)'}`,
      ];
}

/** Load balancing is random: every backend gets its share. Affinity is not: one gets all. */
function compareCounts({ kind, options, result, steps }: Probe, { counts = {} }: Observed): string[] {
  const out: string[] = [];
  if (kind === 'fn') {
    for (const step of steps ?? [])
      if ('expect' in step)
        for (const [group, expected] of Object.entries(step.expect))
          for (const [outcome, count] of Object.entries(expected))
            if (counts[`${group} ${outcome}`] !== count)
              out.push(`${group} ${outcome}: kernel ${count}, engine ${JSON.stringify(counts)}`);
    return out;
  }
  const backends = Object.keys(result.counts ?? {});
  const total = Object.values(counts).reduce((sum, count) => sum + count, 0);
  if (total !== options.count) out.push(`answers: ${total} of ${options.count}`);
  if (backends.length === 1 && Object.keys(counts).length !== 1)
    out.push(`affinity: ${JSON.stringify(counts)}`);
  if (backends.length > 1) {
    const fair = (options.count ?? 0) / backends.length;
    for (const backend of backends) {
      const count = counts[backend] ?? 0;
      if (count < fair * 0.6 || count > fair * 1.4) out.push(`${backend}: ${count} of ${options.count}`);
    }
  }
  return out;
}
