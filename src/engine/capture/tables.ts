import { formatEntry } from '../net/conntrack.ts';
import { Bridge } from '../net/bridge.ts';
import type { DecisionCode } from '../net/decision.ts';
import { formatFdbEntry } from '../net/fdb.ts';
import { listRules } from '../net/iptables-save.ts';
import { BUILTIN_CHAINS } from '../net/iptables-table.ts';
import { formatNeighbour } from '../net/neighbour.ts';
import type { Netns } from '../net/netns.ts';
import { listTable } from '../net/nft/list.ts';
import { formatRoute, TABLE_LOCAL, TABLE_MAIN } from '../net/route.ts';
import { formatVxlanFdbEntry, VxlanDevice } from '../net/vxlan.ts';
import type { World } from '../net/world.ts';
import type { RecordEvent, TableSnapshot } from './record.ts';

/** Which table a decision was read from. */
const commandOf: Partial<Readonly<Record<DecisionCode, string>>> = {
  route: 'ip route',
  'route-none': 'ip route',
  'route-blackhole': 'ip route',
  'route-unreachable': 'ip route',
  'route-prohibit': 'ip route',
  'rp-filter': 'ip route',
  'route-local': 'ip route show table local',
  neigh: 'ip neigh',
  'neigh-ask': 'ip neigh',
  'neigh-learn': 'ip neigh',
  'neigh-failed': 'ip neigh',
  'fdb-forward': 'bridge fdb',
  'fdb-flood': 'bridge fdb',
  'fdb-local': 'bridge fdb',
  'fdb-learn': 'bridge fdb',
  'fdb-same-port': 'bridge fdb',
  'vxlan-encap': 'bridge fdb',
  'vxlan-no-fdb': 'bridge fdb',
  conntrack: 'conntrack -L',
  nat: 'conntrack -L',
  'nat-binding': 'conntrack -L',
};

/** Of longer tables only the lines that decided are shown. */
const MAX_LINES = 200;

interface Asked {
  /** Of iptables and nft; of nft its sets too. */
  readonly chains: Set<string>;
  /** The lines that decided. */
  readonly lines: Set<string>;
}

/** The tables that decided something, as their tools print them now; of iptables and nft only the chains and sets that were asked. */
export function tableSnapshots(world: World, events: readonly RecordEvent[]): TableSnapshot[] {
  const wanted = new Map<string, Map<string, Asked>>();
  for (const event of events) {
    if (event.kind !== 'decision') continue;
    const { decision } = event;
    const iptables = decision.code === 'rule' || decision.code === 'chain-policy';
    const nft = decision.code === 'nft-rule' || decision.code === 'nft-policy';
    const command = iptables
      ? `iptables -t ${decision.table} -S`
      : nft
        ? `nft list table ${decision.table}`
        : commandOf[decision.code];
    if (command === undefined) continue;
    const commands = wanted.get(event.netns) ?? new Map<string, Asked>();
    const asked = commands.get(command) ?? { chains: new Set<string>(), lines: new Set<string>() };
    if (iptables || nft) asked.chains.add(decision.chain);
    if (decision.code === 'nft-rule' && decision.set !== undefined) asked.chains.add(decision.set);
    if ('entry' in decision) asked.lines.add(decision.entry);
    else if ('rule' in decision) asked.lines.add(decision.rule);
    commands.set(command, asked);
    wanted.set(event.netns, commands);
  }
  const snapshots: TableSnapshot[] = [];
  for (const [name, commands] of wanted) {
    const netns = world.netns(name);
    if (netns === undefined) continue;
    for (const [command, { chains, lines }] of commands) {
      const short = lengthOf(netns, command, chains) <= MAX_LINES;
      snapshots.push({
        netns: name,
        command,
        lines: short ? linesOf(netns, command, chains).slice(0, MAX_LINES) : [...lines],
      });
    }
  }
  return snapshots;
}

/** How many lines the tool would print, without printing them. */
function lengthOf(netns: Netns, command: string, chains: ReadonlySet<string>): number {
  const expected = netns.onDemand?.size ?? 0;
  switch (command) {
    case 'ip route':
      return netns.routes.count(TABLE_MAIN) + expected;
    case 'ip route show table local':
      return netns.routes.count(TABLE_LOCAL);
    case 'ip neigh':
    case 'bridge fdb': {
      let count = expected;
      for (const device of netns.devices.values()) {
        if (command === 'ip neigh') count += device.neighbours?.size ?? 0;
        else if (device instanceof Bridge) count += device.fdb.size;
        else if (device instanceof VxlanDevice) count += device.fdbSize;
      }
      return count;
    }
    case 'conntrack -L':
      return netns.conntrack.list().length;
    default: {
      let count = 0;
      for (const table of ['raw', 'mangle', 'nat', 'filter'] as const)
        if (command === `iptables -t ${table} -S`)
          for (const chain of chains)
            count += 1 + (netns.netfilter.v4.table(table).get(chain)?.rules.length ?? 0);
      return count;
    }
  }
}

function linesOf(netns: Netns, command: string, chains: ReadonlySet<string>): readonly string[] {
  switch (command) {
    case 'ip route':
      return netns.routes.list(TABLE_MAIN).map(formatRoute);
    case 'ip route show table local':
      return netns.routes.list(TABLE_LOCAL).map(formatRoute);
    case 'ip neigh':
      return netns.neighbours.list().map(formatNeighbour);
    case 'bridge fdb':
      return [...netns.devices.values()].flatMap((device) => {
        if (device instanceof Bridge)
          return device.fdb.list().map((entry) => formatFdbEntry(entry, device.name));
        if (device instanceof VxlanDevice)
          return device.fdbList().map((entry) => formatVxlanFdbEntry(entry, device.name));
        return [];
      });
    case 'conntrack -L':
      return netns.conntrack.list().map((entry) => formatEntry(entry, netns.world.now));
    default: {
      if (command.startsWith('nft ')) return nftLines(netns, command, chains);
      for (const table of ['raw', 'mangle', 'nat', 'filter'] as const)
        if (command === `iptables -t ${table} -S`) {
          const asked = [
            ...BUILTIN_CHAINS[table].filter((chain) => chains.has(chain)),
            ...[...chains].filter((chain) => !BUILTIN_CHAINS[table].some((builtin) => builtin === chain)),
          ];
          return listRules(netns.netfilter.v4.table(table), asked, false);
        }
      return [];
    }
  }
}

function nftLines(netns: Netns, command: string, wanted: ReadonlySet<string>): readonly string[] {
  const table = netns.netfilter.nft.tables.find(
    ({ family, name }) => command === `nft list table ${family} ${name}`,
  );
  if (table === undefined) return [];
  const options = {
    handles: false,
    stateless: false,
    terse: false,
    numericPriority: false,
    now: netns.world.now,
  };
  return listTable(table, options, {
    sets: [...wanted].flatMap((name) => (/^(?:set|map) /.test(name) ? (table.set(name.slice(4)) ?? []) : [])),
    chains: [...wanted].flatMap((name) => table.chain(name) ?? []),
  });
}
