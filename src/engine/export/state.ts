/** The kernel's state of a world as commands of iproute2 and its kin: what there is, by what makes it and what takes it away. */
import { isIpv6 } from '../net/address.ts';
import type { Device } from '../net/device.ts';
import { saveTable } from '../net/iptables-save.ts';
import type { Netns } from '../net/netns.ts';
import { listTable } from '../net/nft/list.ts';
import { World } from '../net/world.ts';
import { addresses, flags, links, masters, ups } from './link-state.ts';
import type { Command, Resource, State } from './resource.ts';
import { fdb, neighbours, routes, rules } from './route-state.ts';
import { listenersOf } from './server.ts';

/** Every namespace that has a device but `lo`; the one where `kubectl` is has none. */
export function stateOf(world: World): State {
  const defaults = new Map(
    new World()
      .createNetns('default')
      .sysctl.list()
      .map(({ name, value }) => [name, value]),
  );
  const namespaces = world.everyNetns().filter((ns) => ns.devices.size > 1);
  const parts = [
    namespaces.map(namespace),
    ...[
      baseSysctls,
      links,
      masters,
      flags,
      addresses,
      deviceSysctls,
      ups,
      routes,
      rules,
      neighbours,
      fdb,
    ].map((part) => namespaces.flatMap((ns) => part(ns, defaults))),
    namespaces.flatMap(sets),
    namespaces.flatMap(tables),
    namespaces.flatMap(nftTables),
    namespaces.flatMap(listenersOf),
  ];
  return new Map(parts.flat().map((resource) => [resource.key, resource]));
}

function namespace(ns: Netns): Resource {
  return {
    key: `netns ${ns.name}`,
    value: '',
    netns: ns.name,
    learnt: false,
    add: [{ program: 'ip', text: `netns add {${ns.name}}` }],
    remove: [{ program: 'ip', text: `netns del {${ns.name}}` }],
  };
}

type Defaults = ReadonlyMap<string, string>;

/** What new devices begin with, and what the namespace has for itself. Kernels differ in what a new namespace inherits. */
function baseSysctls(ns: Netns, defaults: Defaults): Resource[] {
  const own = ns.sysctl
    .list()
    .filter(
      ({ name, value }) =>
        /^net\.ipv4\.conf\.(all|default)\.|^net\.ipv4\.ip_forward$|^net\.bridge\.bridge-nf-call-ip6?tables$/.test(
          name,
        ) ||
        (/^net\.(ipv4\.(?!conf\.|neigh\.)|ipv4\.neigh\.default\.|ipv6\.conf\.(all|default)\.forwarding)/.test(
          name,
        ) &&
          defaults.get(name) !== value),
    );
  // Forwarding first: writing it resets what depends on it.
  own.sort((a, b) => Number(/forward/.test(b.name)) - Number(/forward/.test(a.name)));
  const ipv6 = [...ns.devices.values()].some((dev) => dev.kind !== 'loopback' && hasIpv6(dev));
  // An address is there at once: a plugin waits until nobody else was found to have it, and nobody shall be asked for a router.
  const ready = ipv6 ? { accept_dad: '0', router_solicitations: '0' } : {};
  return [
    ...['all', 'default'].flatMap((dev) =>
      Object.entries({ disable_ipv6: ipv6 ? '0' : '1', ...ready }).map(([key, value]) => ({
        name: `net.ipv6.conf.${dev}.${key}`,
        value,
      })),
    ),
    ...own,
  ].map(({ name, value }) => sysctl(ns, name, value));
}

function hasIpv6(dev: Device): boolean {
  return dev.addresses.some(({ ip }) => isIpv6(ip));
}

/** Where a device differs from what `default` gave it. */
function deviceSysctls(ns: Netns): Resource[] {
  return [...ns.devices.values()].flatMap((dev) => {
    const prefix = [`net.ipv4.conf.${dev.name}.`, `net.ipv4.neigh.${dev.name}.`];
    return ns.sysctl
      .list()
      .filter(({ name }) => prefix.some((start) => name.startsWith(start)))
      .filter(({ name, value }) => ns.sysctl.get(name.replace(`.${dev.name}.`, '.default.')) !== value)
      .map(({ name, value }) => ({ ...sysctl(ns, name, value), dev: dev.name }));
  });
}

function sysctl(ns: Netns, name: string, value: string): Resource {
  // A device's name may have dots in it; a path keeps them apart.
  const parts = /^(net\.ipv[46]\.(?:conf|neigh)\.)(.+)(\.[a-z0-9_]+)$/.exec(name);
  const path =
    parts === null
      ? name.replaceAll('.', '/')
      : `${(parts[1] ?? '').replaceAll('.', '/')}${parts[2] ?? ''}${(parts[3] ?? '').replaceAll('.', '/')}`;
  return {
    key: `sysctl ${ns.name} ${name}`,
    value,
    netns: ns.name,
    learnt: false,
    add: [{ program: 'sysctl', netns: ns.name, text: `${path} ${value}` }],
    remove: [],
  };
}

/** ipset's own restore format, set by set. */
function sets(ns: Netns): Resource[] {
  const { sets } = ns.netfilter;
  return sets.names().flatMap((name) => {
    const set = sets.get(name);
    if (set === undefined) return [];
    const members = [...set.members.values()].map(
      ({ text, nomatch }) => `add ${name} ${text}${nomatch ? ' nomatch' : ''}`,
    );
    const lines = [`create ${name} ${set.type} family ${set.family}`, `flush ${name}`, ...members];
    return [
      {
        key: `ipset ${ns.name} ${name}`,
        value: `${set.type} ${members.toSorted().join(', ')}`,
        netns: ns.name,
        learnt: false,
        add: lines.map((text): Command => ({ program: 'ipset', netns: ns.name, text })),
        remove: [{ program: 'ipset', netns: ns.name, text: `destroy ${name}` }],
      },
    ];
  });
}

/** Whole tables: what `iptables-save` prints, without counters. */
function tables(ns: Netns): Resource[] {
  return ([4, 6] as const).flatMap((family) =>
    [...(family === 4 ? ns.netfilter.v4 : ns.netfilter.v6).tables.values()].flatMap((table): Resource[] => {
      const lines = saveTable(table, false).map((line) => line.replace(/ \[\d+:\d+\]$/, ' [0:0]'));
      const untouched = lines.every((line) => /^(\*|COMMIT|:\w+ ACCEPT )/.test(line));
      if (untouched) return [];
      const program = family === 4 ? 'iptables' : 'ip6tables';
      return [
        {
          key: `${program} ${ns.name} ${table.name}`,
          value: lines.join('\n'),
          netns: ns.name,
          learnt: false,
          add: lines.map((text): Command => ({ program, netns: ns.name, text })),
          remove: [`*${table.name}`, 'COMMIT'].map((text): Command => ({ program, netns: ns.name, text })),
        },
      ];
    }),
  );
}

/** nftables' own tables, whole, as `nft -f` reads them: what has the name is taken away before. */
function nftTables(ns: Netns): Resource[] {
  return ns.netfilter.nft.tables.map((table): Resource => {
    const name = `${table.family} ${table.name}`;
    const now = ns.world.now;
    const listed = listTable(table, {
      handles: false,
      stateless: true,
      terse: false,
      numericPriority: false,
      now,
    });
    const command = (text: string): Command => ({ program: 'nft', netns: ns.name, text });
    const remove = [`table ${name}`, `delete table ${name}`].map(command);
    return {
      key: `nft ${ns.name} ${name}`,
      value: listed.join('\n'),
      netns: ns.name,
      learnt: false,
      add: [...remove, ...listed.map(command)],
      remove,
    };
  });
}
