import { describe, expect, test } from 'vitest';
import { Bench } from './drive.ts';
import type { Observed } from './drive.ts';
import { present, readScenario, scenarioNames } from './scenario.ts';
import type { NodeSteps, Path, Probe } from './scenario.ts';

/** What the engine does not do as the kernel yet, each with what differs. The list may only shrink. */
const notYet: Readonly<Record<string, string>> = {};

/** Where the measurement leaves something out or mixes it up, with the reason. */
const exceptions: Readonly<Record<string, { readonly reason: string; readonly ignore: RegExp }>> = {
  'pod-to-external-no-masq/tcp': {
    reason:
      "the router's net-unreachable to ext about the SYN-ACK is not in the measurement; in clusterip-same-node/unknown-port-udp the same router says the same",
    ignore: /^icmpErrors /,
  },
};

/** Two copies of one flooded packet: the measurement lists rules copy by copy, and frames of one microsecond in any order. */
const unordered: ReadonlySet<string> = new Set(['arp-stale-permanent-entry/tcp']);

/** ARP frames that the measurement has and a record leaves out, or that differ, with the reason. */
const arpExceptions: Readonly<Record<string, string>> = {
  'deleted-pod-cross-node/again':
    'the question had been asked for a packet of the probe before, whose record it belongs to',
  'deleted-pod-cross-node/ping':
    'the kernel confirms what earlier probes had made it doubt: no packet of this one caused it',
  'duplicate-pod-cidr/wrong-pod-answers':
    'the measurement gave the impostor a MAC of its own; a CNI derives it from the address',
};

const names = scenarioNames();

describe.skipIf(!present)('the Linux kernel', () => {
  test('has been asked 47 times', () => {
    expect(names).toHaveLength(47);
    expect(Object.keys(notYet).filter((key) => !names.includes(key.split('/')[0] ?? ''))).toEqual([]);
  });

  describe.each(names)('%s', (name) => {
    const scenario = readScenario(name);
    const differences = observeAll(name);
    test.each(scenario.probes.map(({ id }) => id))('%s', (id) => {
      const all = differences().get(id) ?? ['was not run'];
      const exception = exceptions[`${name}/${id}`];
      const found = all.filter((text) => exception?.ignore.test(text) !== true);
      if (exception !== undefined)
        expect(found.length, 'the exception is no longer needed').toBeLessThan(all.length);
      const expected = notYet[`${name}/${id}`];
      if (expected === undefined) expect(found).toEqual([]);
      else expect(found, `${name}/${id} passes now: take it from the list`).not.toEqual([]);
    });

    test.each(scenario.probes.filter(({ arp }) => arp !== undefined).map(({ id }) => id))(
      'ARP around %s',
      (id) => {
        const difference = differences().get(`arp ${id}`) ?? ['was not run'];
        if (arpExceptions[`${name}/${id}`] === undefined) expect(difference).toEqual([]);
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
        unordered.has(`${name}/${probe.id}`)
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
  const got = seen.filter((line) => !/^(lan:p-control-plane|control-plane:)/.test(line));
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
  if (result.http !== undefined)
    check('http', result.http.status ?? result.http.error, got.http?.status ?? got.http?.error);
  if (probe.kind === 'traceroute') return out;
  for (const part of ['request', 'reply', 'icmpErrors'] as const)
    out.push(...comparePath(part, probe.path ?? {}, got.path));
  if (probe.receiver !== null && probe.receiver !== undefined) {
    check('receiver', probe.receiver.pod ?? probe.receiver.netns, got.receiver?.netns);
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
