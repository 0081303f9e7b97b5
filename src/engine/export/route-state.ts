/** Routes, rules, neighbours and forwarding entries, as `ip` and `bridge` make them. */
import { formatIp, formatMac, formatPrefix, isIpv6, maskIp } from '../net/address.ts';
import { Bridge } from '../net/bridge.ts';
import type { Neighbour } from '../net/neighbour.ts';
import type { Netns } from '../net/netns.ts';
import { formatRoute, TABLE_LOCAL, TABLE_MAIN, type Route } from '../net/route.ts';
import { formatRule } from '../net/rule.ts';
import { VxlanDevice } from '../net/vxlan.ts';
import type { Resource } from './resource.ts';

/** All but those that the kernel adds with an address; and of those, the ones that somebody took away. */
export function routes(ns: Netns): Resource[] {
  const all = ([4, 6] as const).flatMap((family) =>
    ns.routes.tables(family).flatMap((table) => ns.routes.list(table, family)),
  );
  const own = all.filter((route) => route.protocol !== 'kernel' && route.table !== TABLE_LOCAL);
  // What is on a link first: gateways are found through it.
  own.sort((a, b) => Number(a.via !== undefined) - Number(b.via !== undefined));
  const missing = ns.links().flatMap((dev) =>
    dev.addresses.flatMap(({ ip, length, noPrefixRoute, secondary }): Resource[] => {
      if (!dev.up || isIpv6(ip) || noPrefixRoute || secondary || length === 32 || dev.kind === 'loopback')
        return [];
      const dst = { ip: maskIp(ip, length), length };
      if (
        all.some(
          (r) => r.dev === dev && r.dst.ip === dst.ip && r.dst.length === length && r.table === TABLE_MAIN,
        )
      )
        return [];
      const words = `${formatPrefix(dst)} dev ${dev.name} proto kernel scope link src ${formatIp(ip)}`;
      return [
        {
          key: `no-route ${ns.name} ${words}`,
          value: '',
          netns: ns.name,
          dev: dev.name,
          learnt: false,
          add: [{ program: 'ip', netns: ns.name, text: `route del ${words}` }],
          remove: [{ program: 'ip', netns: ns.name, text: `route add ${words}` }],
        },
      ];
    }),
  );
  return [...own.map((route) => routeResource(ns, route)), ...missing];
}

function routeResource(ns: Netns, route: Route): Resource {
  // In a batch the addresses say which family it is.
  const table = route.table === TABLE_MAIN ? '' : ` table ${route.table}`;
  const line = formatRoute(route);
  const words = (isIpv6(route.dst.ip) ? line.replace(/\bdefault\b/, formatPrefix(route.dst)) : line)
    .replaceAll(/ linkdown| pref medium/g, '')
    .replaceAll('\n\t', '');
  const text = `${words}${table}`;
  return {
    key: `route ${ns.name} ${text}`,
    value: '',
    netns: ns.name,
    ...(route.dev === undefined ? {} : { dev: route.dev.name }),
    learnt: false,
    add: [{ program: 'ip', netns: ns.name, text: `route add ${text}` }],
    remove: [{ program: 'ip', netns: ns.name, text: `route del ${text}` }],
  };
}

export function rules(ns: Netns): Resource[] {
  return ([4, 6] as const).flatMap((family) =>
    ns.routes.rules.list(family).flatMap((rule): Resource[] => {
      const text = formatRule(rule).replace(/^(\d+):\t/, '');
      const usual = rule.preference === 0 || rule.preference === 32766 || rule.preference === 32767;
      if (usual && text.startsWith('from all lookup')) return [];
      const words = `${text} pref ${rule.preference}`;
      const option = family === 6 ? '-6 ' : '';
      return [
        {
          key: `rule ${ns.name} ${option}${words}`,
          value: '',
          netns: ns.name,
          learnt: false,
          add: [{ program: 'ip', netns: ns.name, text: `${option}rule add ${words}` }],
          remove: [{ program: 'ip', netns: ns.name, text: `${option}rule del ${words}` }],
        },
      ];
    }),
  );
}

export function neighbours(ns: Netns): Resource[] {
  return ns.neighbours
    .list()
    .filter((entry) => entry.valid && entry.state !== 'NOARP')
    .map((entry) => {
      const where = `${formatIp(entry.ip)} dev ${entry.dev.name}`;
      const state = nud(entry);
      return {
        key: `neigh ${ns.name} ${where}`,
        // That it grows old is no change.
        value: `${formatMac(entry.mac)}${state === 'permanent' ? ' permanent' : ''}`,
        netns: ns.name,
        dev: entry.dev.name,
        learnt: state !== 'permanent',
        add: [
          {
            program: 'ip',
            netns: ns.name,
            text: `neigh replace ${where} lladdr ${formatMac(entry.mac)} nud ${state}${entry.externLearn ? ' extern_learn' : ''}`,
          },
        ],
        remove: [{ program: 'ip', netns: ns.name, text: `neigh del ${where}` }],
      };
    });
}

function nud({ state }: Neighbour): 'permanent' | 'reachable' | 'stale' {
  if (state === 'PERMANENT') return 'permanent';
  return state === 'REACHABLE' ? 'reachable' : 'stale';
}

export function fdb(ns: Netns): Resource[] {
  return [...ns.devices.values()].flatMap((dev): Resource[] => {
    if (dev instanceof VxlanDevice)
      return dev
        .fdbList()
        .toReversed()
        .map(({ mac, remote, kind }) => {
          const words = `${formatMac(mac)} dev ${dev.name} dst ${formatIp(remote)}`;
          return fdbResource(ns, dev.name, `${words} self`, {
            kind,
            add: `fdb append ${words} self ${kind === 'dynamic' ? 'dynamic' : kind}`,
            remove: `fdb del ${words} self`,
          });
        });
    if (!(dev instanceof Bridge)) return [];
    return dev.fdb
      .list()
      .toReversed()
      .flatMap(({ mac, port, kind }) => {
        // The addresses of the bridge and of its ports come with them.
        if (port === undefined || kind === 'permanent') return [];
        const words = `${formatMac(mac)} dev ${port.dev.name} master`;
        return [
          fdbResource(ns, port.dev.name, words, {
            kind,
            add: `fdb replace ${words} ${kind}`,
            remove: `fdb del ${words}`,
          }),
        ];
      });
  });
}

function fdbResource(
  ns: Netns,
  dev: string,
  words: string,
  { kind, add, remove }: { readonly kind: string; readonly add: string; readonly remove: string },
): Resource {
  return {
    key: `fdb ${ns.name} ${words}`,
    value: kind,
    netns: ns.name,
    dev,
    learnt: kind === 'dynamic',
    add: [{ program: 'bridge', netns: ns.name, text: add }],
    remove: [{ program: 'bridge', netns: ns.name, text: remove }],
  };
}
