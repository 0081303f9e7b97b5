import type { TableSnapshot } from '../../src/engine/capture/record.ts';
import type { Decision } from '../../src/engine/net/decision.ts';
import { verdictOf } from '../strings/strings.ts';
import { salience } from './salience.ts';
import type { DecisionAt } from './steps.ts';

/** A table with the rows that decided. */
export interface DecidingTable {
  readonly netns: string;
  readonly command: string;
  readonly lines: readonly string[];
  readonly marked: ReadonlySet<number>;
}

interface Claim {
  /** What the command of its table begins with. */
  readonly family: string;
  readonly entry: string;
  readonly weight: number;
}

/** The rows that a decision was made by, and the kind of table they stand in. */
function claimsOf(decision: Decision): readonly Claim[] {
  const weight = salience(decision);
  switch (decision.code) {
    case 'route':
    case 'route-blackhole':
    case 'route-unreachable':
    case 'route-prohibit':
    case 'route-local':
      return [{ family: 'ip route', entry: decision.entry, weight: weight + 0.3 }];
    case 'neigh':
    case 'neigh-learn':
      return [{ family: 'ip neigh', entry: decision.entry, weight }];
    case 'fdb-forward':
    case 'fdb-local':
      return [{ family: 'bridge fdb', entry: decision.entry, weight }];
    case 'vxlan-encap':
      return [{ family: 'bridge fdb', entry: decision.entry, weight: weight + 0.35 }];
    case 'rule':
      return [{ family: 'iptables', entry: decision.rule, weight: weight + 0.4 }];
    case 'nft-rule':
      return [
        { family: 'nft', entry: decision.rule, weight: weight + 0.4 },
        ...(decision.element === undefined
          ? []
          : [{ family: 'nft', entry: decision.element, weight: weight + 0.4 }]),
      ];
    case 'conntrack':
    case 'nat':
    case 'nat-binding':
      return [
        {
          family: 'conntrack',
          entry: decision.entry,
          weight: decision.code === 'nat' ? weight + 0.3 : weight,
        },
      ];
    default:
      return [];
  }
}

/**
 * The tables that decided a step, the weightiest first, each with its rows marked. A table that the record does not
 * have, because it changed again or was not kept, is shown by the rows that decided alone.
 */
export function decidingTables(
  decisions: readonly DecisionAt[],
  tables: readonly TableSnapshot[],
): DecidingTable[] {
  const found = new Map<
    string,
    { netns: string; command: string; lines: readonly string[]; marked: Set<number>; weight: number }
  >();
  const claims = decisions.flatMap(({ netns, decision }) =>
    claimsOf(decision).map((claim) => ({ netns, decision, claim })),
  );
  for (const { netns, decision, claim } of claims) {
    if (claim.entry === '') continue;
    const candidates = tables.filter(
      (table) => table.netns === netns && familyOf(table.command) === familyOf(claim.family),
    );
    const table = candidates.find((one) => rowOf(one.lines, claim.entry) >= 0);
    const command = table?.command ?? commandFor(claim.family, decision);
    const key = `${netns} ${command}`;
    const entry = found.get(key) ?? {
      netns,
      command,
      lines: table?.lines ?? [],
      marked: new Set<number>(),
      weight: 0,
    };
    let row = rowOf(entry.lines, claim.entry);
    if (row < 0) {
      entry.lines = [...entry.lines, claim.entry];
      row = entry.lines.length - 1;
    }
    // The routine rows of a table are not marked where one of its rows turned the way.
    if (claim.weight > entry.weight && claim.weight >= 2 && entry.weight < 2) entry.marked.clear();
    if (!(claim.weight < 2 && entry.weight >= 2)) entry.marked.add(row);
    entry.weight = Math.max(entry.weight, claim.weight);
    found.set(key, entry);
  }
  return [...found.values()].sort((a, b) => b.weight - a.weight);
}

function familyOf(command: string): string {
  return (
    /^(ip (?:-6 )?(?:route|neigh)|bridge fdb|ip6?tables|nft|conntrack)/
      .exec(command)?.[1]
      ?.replace(' -6', '')
      .replace(/^ip6tables$/, 'iptables') ?? command
  );
}

function commandFor(family: string, decision: Decision): string {
  if (decision.code === 'rule') return `iptables -t ${decision.table} -S`;
  if (decision.code === 'nft-rule') return `nft list table ${decision.table}`;
  return family === 'conntrack' ? 'conntrack -L' : family;
}

/** Timers and states move on after the decision: what identifies the row is compared when the text no longer is the same. */
export function rowOf(lines: readonly string[], entry: string): number {
  const wanted = normal(entry);
  const exact = lines.findIndex((line) => normal(line) === wanted);
  if (exact >= 0) return exact;
  // nft lists the elements of a set with commas between them, some to a line.
  const listed = lines.findIndex((line) => elementsOf(normal(line)).includes(wanted));
  if (listed >= 0) return listed;
  const identity = identityOf(wanted);
  return identity === undefined ? -1 : lines.findIndex((line) => identityOf(normal(line)) === identity);
}

function elementsOf(line: string): readonly string[] {
  return line
    .replace(/^elements = \{ /, '')
    .replace(/(?:,| \})$/, '')
    .split(', ');
}

function normal(line: string): string {
  return line.trim().replaceAll(/\s+/g, ' ');
}

function identityOf(line: string): string | undefined {
  const tuple = line.match(/\b(?:src|dst|sport|dport|type|id)=\S+/g);
  if (tuple !== null && tuple.length >= 4) return tuple.slice(0, 4).join(' ');
  return /^(\S+ dev \S+(?: lladdr \S+)?)/.exec(line)?.[1];
}

/** Rows around the marked ones, as many as go into some lines of some width; the marked ones always. */
export function excerpt(
  table: DecidingTable,
  height: number,
  columns = 46,
): { line: string; marked: boolean; gap: boolean }[] {
  const tall = (row: number) => Math.max(1, Math.ceil((table.lines[row]?.length ?? 0) / columns));
  const wanted = new Set([...table.marked].slice(0, 3));
  let left = height - [...wanted].reduce((sum, row) => sum + tall(row), 0);
  const first = Math.min(...wanted);
  for (let distance = 1; distance < 4; distance += 1) {
    for (const row of [first - distance, first + distance]) {
      if (row < 0 || row >= table.lines.length || wanted.has(row) || tall(row) > left) continue;
      wanted.add(row);
      left -= tall(row);
    }
  }
  const rows = [...wanted].sort((a, b) => a - b);
  return rows.map((row, i) => ({
    line: table.lines[row] ?? '',
    marked: table.marked.has(row),
    gap: i > 0 && rows[i - 1] !== row - 1,
  }));
}

/** What a namespace's strip on the stage says about this step: the route taken, the address rewritten. */
export function stripText(decisions: readonly DecisionAt[], netns: string): string | undefined {
  let text: string | undefined;
  let best = 0;
  for (const { netns: where, decision } of decisions) {
    if (where !== netns) continue;
    const [weight, words] = stripWords(decision);
    if (weight >= best && words !== undefined) {
      best = weight;
      text = words;
    }
  }
  return text;
}

function stripWords(decision: Decision): readonly [number, string | undefined] {
  switch (decision.code) {
    case 'route':
    case 'route-local':
    case 'route-blackhole':
    case 'route-unreachable':
    case 'route-prohibit':
      return [2, decision.entry];
    case 'route-none':
      return [4, `${decision.dst}: no route`];
    case 'nat-binding':
      return [3, `${decision.kind} ${decision.from} → ${decision.to}`];
    case 'nat':
      return [3, `NAT ${decision.from} → ${decision.to}`];
    case 'vxlan-encap':
      return [2, `VXLAN → ${decision.remote}`];
    case 'vxlan-decap':
      return [2, `VXLAN ← ${decision.remote}`];
    case 'ipip-encap':
      return [2, `IPIP → ${decision.remote}`];
    case 'rule':
    case 'nft-rule':
      return /^(DROP|REJECT)/.test(verdictOf(decision))
        ? [4, `${decision.chain}: ${verdictOf(decision)}`]
        : [0, undefined];
    case 'no-socket':
      return [4, `${decision.local} → ${decision.answer === 'none' ? '✕' : decision.answer}`];
    case 'chain-policy':
    case 'nft-policy':
      return decision.verdict === 'ACCEPT'
        ? [0, undefined]
        : [4, `${decision.chain} policy: ${decision.verdict}`];
    case 'neigh-ask':
      return [1, `who-has ${decision.ip}?`];
    case 'neigh-failed':
      return [4, `${decision.ip}: no ARP answer`];
    case 'ttl-expired':
      return [4, 'TTL 0'];
    case 'mtu-exceeded':
      return [4, `${decision.length} > MTU ${decision.mtu}`];
    default:
      return [0, undefined];
  }
}
