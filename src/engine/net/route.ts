/**
 * Routing tables of one namespace (net/ipv4/fib_trie.c): per table the longest prefix, then the lowest metric.
 * `add`, `replace`, `append`, `delete` take what iproute2 would send and answer with an errno; `list(table)` in the order
 * of `ip route`; `lookup(flow)` walks the rules; `addressType(ip)` is the local table's word on an address.
 */
import { AddressTable } from './address-table.ts';
import {
  addressBits,
  formatIp,
  formatPrefix,
  isAny,
  isIpv6,
  isMulticast,
  maskIp,
  type Ip,
  type Prefix,
} from './address.ts';
import type { Decision } from './decision.ts';
import type { Device } from './device.ts';
import type { Errno } from './errno.ts';
import type { Neighbour } from './neighbour.ts';
import type { Netns } from './netns.ts';
import { RouteTable } from './route-table.ts';
import { Rules } from './rule.ts';

export type RouteType =
  'unicast' | 'local' | 'broadcast' | 'multicast' | 'blackhole' | 'unreachable' | 'prohibit' | 'throw';

export type RouteScope = 'global' | 'site' | 'link' | 'host' | 'nowhere';

export const SCOPE_VALUE: Readonly<Record<RouteScope, number>> = {
  global: 0,
  site: 200,
  link: 253,
  host: 254,
  nowhere: 255,
};

export const TABLE_LOCAL = 255;
export const TABLE_MAIN = 254;
export const TABLE_DEFAULT = 253;

export function tableName(table: number): string {
  return table === TABLE_LOCAL
    ? 'local'
    : table === TABLE_MAIN
      ? 'main'
      : table === TABLE_DEFAULT
        ? 'default'
        : String(table);
}

export interface Route {
  readonly type: RouteType;
  readonly dst: Prefix;
  readonly table: number;
  readonly dev: Device | undefined;
  readonly via: Ip | undefined;
  /** `src`: the source address it suggests. */
  readonly src: Ip | undefined;
  readonly scope: RouteScope;
  /** `kernel`, `boot`, `static`, `bird`, … */
  readonly protocol: string;
  readonly metric: number;
  readonly onlink: boolean;
  readonly mtu: number | undefined;
  /** More than one next hop; `dev` and `via` are the first one's. */
  readonly nexthops: readonly NextHop[] | undefined;
}

export interface NextHop {
  readonly dev: Device;
  readonly via: Ip | undefined;
  readonly weight: number;
  readonly onlink: boolean;
}

export interface RouteSpec {
  readonly type?: RouteType;
  readonly dst: Prefix;
  readonly table?: number;
  readonly dev?: Device | undefined;
  readonly via?: Ip | undefined;
  readonly src?: Ip | undefined;
  readonly scope?: RouteScope;
  readonly protocol?: string;
  readonly metric?: number;
  readonly onlink?: boolean;
  readonly mtu?: number | undefined;
  readonly nexthops?: readonly NextHop[];
}

/** What a route is looked up for. */
export interface RouteFlow {
  readonly dst: Ip;
  readonly src?: Ip | undefined;
  readonly mark?: number;
  /** The device a packet came in through; undefined for a packet made here. */
  readonly iif?: Device | undefined;
  readonly oif?: Device | undefined;
}

export type RouteKind =
  'unicast' | 'local' | 'broadcast' | 'multicast' | 'blackhole' | 'unreachable' | 'prohibit' | 'none';

/** The kernel's dst entry: what to do with packets to one destination. */
export class RouteResult {
  readonly kind: RouteKind;
  readonly dst: Ip;
  /** Undefined when no route matched. */
  readonly route: Route | undefined;
  readonly dev: Device | undefined;
  /** The next hop's address; undefined when the destination is on the link. */
  readonly gateway: Ip | undefined;
  /** The source address for packets that have none yet. */
  readonly src: Ip;
  readonly mtu: number;
  /** The next hop's entry, once a packet has gone there. */
  neighbour: Neighbour | undefined = undefined;
  /** What a record says of it, once it was asked. */
  decision: Decision | undefined = undefined;

  constructor(
    kind: RouteKind,
    dst: Ip,
    route: Route | undefined,
    dev: Device | undefined,
    gateway: Ip | undefined,
    src: Ip,
    mtu: number,
  ) {
    this.kind = kind;
    this.dst = dst;
    this.route = route;
    this.dev = dev;
    this.gateway = gateway;
    this.src = src;
    this.mtu = mtu;
  }
}

/** Looked-up destinations that are remembered. */
const CACHE_SIZE = 8192;

export class RouteTables {
  readonly rules: Rules;
  readonly #ns: Netns;
  // Most namespaces are pods with two tables of one family: nothing is made before it is asked for.
  readonly #local = new RouteTable();
  readonly #main = new RouteTable();
  #tables4: Map<number, RouteTable> | undefined;
  #tables6: Map<number, RouteTable> | undefined;
  #cache: AddressTable<RouteResult> | undefined;

  constructor(ns: Netns) {
    this.#ns = ns;
    this.rules = new Rules(this);
  }

  /** Forgets what was looked up; every change of a table, an address or a device calls it. */
  changed(): void {
    if (this.#cache !== undefined && this.#cache.size > 0) this.#cache.clear();
  }

  /** `ip route add`. */
  add(spec: RouteSpec): Errno | undefined {
    this.#ns.fillAll();
    return this.#insert(spec, 'add');
  }

  /** `ip route replace`. */
  replace(spec: RouteSpec): Errno | undefined {
    this.#ns.fillAll();
    return this.#insert(spec, 'replace');
  }

  /** `ip route append`. */
  append(spec: RouteSpec): Errno | undefined {
    this.#ns.fillAll();
    return this.#insert(spec, 'append');
  }

  /** `ip route change`: the prefix must be there. */
  change(spec: RouteSpec): Errno | undefined {
    this.#ns.fillAll();
    return this.#insert(spec, 'change');
  }

  /** `ip route del`: the first route that has all that is given. */
  delete(spec: RouteSpec): Errno | undefined {
    this.#ns.fillAll();
    const table = this.#table(spec.dst.ip, spec.table ?? defaultTable(spec.type));
    const routes = table?.get(spec.dst) ?? [];
    const index = routes.findIndex((route) => matches(route, spec));
    if (index < 0) return 'ESRCH';
    table?.set(
      spec.dst,
      routes.filter((_, i) => i !== index),
    );
    this.changed();
    return undefined;
  }

  /** Removes every route that the predicate takes. */
  flush(doomed: (route: Route) => boolean): number {
    let count = 0;
    for (const table of [...this.#all(4).values(), ...this.#all(6).values()]) {
      for (const route of table.values()) {
        if (!doomed(route)) continue;
        count++;
        table.set(
          route.dst,
          table.get(route.dst).filter((other) => other !== route),
        );
      }
    }
    if (count > 0) this.changed();
    return count;
  }

  /** In the order of `ip route show`: by network, shorter prefixes first. */
  list(table: number = TABLE_MAIN, family: 4 | 6 = 4): readonly Route[] {
    this.#ns.fillAll();
    return this.#all(family).get(table)?.sorted() ?? [];
  }

  /** How many routes an IPv4 table has by now. */
  count(table: number): number {
    return this.#table(0, table)?.size ?? 0;
  }

  /** Numbers of the tables that have routes. */
  tables(family: 4 | 6 = 4): number[] {
    return [...this.#all(family)]
      .filter(([, table]) => table.values().length > 0)
      .map(([number]) => number)
      .sort((a, b) => b - a);
  }

  /** For packets made here and packets received alike; what a received packet may not do is up to the caller. */
  lookup(flow: RouteFlow): RouteResult {
    if (!this.rules.destinationOnly) return this.#resolve(flow);
    const result = this.lookupDestination(flow.dst);
    // What leaves by the wanted device anyway is what a search among its routes would find.
    return flow.oif === undefined || (result.kind === 'unicast' && result.dev === flow.oif)
      ? result
      : this.#resolve(flow);
  }

  /** `lookup` without an object for the question, as the data path asks for every packet. */
  wayOf(dst: Ip, src: Ip | undefined, iif: Device | undefined, mark: number): RouteResult {
    return this.rules.destinationOnly ? this.lookupDestination(dst) : this.#resolve({ dst, src, iif, mark });
  }

  /** The fast way, right when the rules look at nothing but the destination. */
  lookupDestination(dst: Ip): RouteResult {
    const known = this.#cache?.get(dst);
    if (known !== undefined) return known;
    const result = this.#resolve({ dst });
    this.#cache ??= new AddressTable();
    if (this.#cache.size >= CACHE_SIZE) this.#cache.clear();
    this.#cache.set(dst, result);
    return result;
  }

  /** What the local table says an address is (inet_addr_type); `dev` restricts local addresses to that device. */
  addressType(ip: Ip, dev?: Device): 'local' | 'broadcast' | 'multicast' | 'unicast' {
    if (!isIpv6(ip) && (ip >>> 24 === 0 || ip === 0xffffffff)) return 'broadcast';
    if (isMulticast(ip)) return 'multicast';
    const route = this.#table(ip, TABLE_LOCAL)?.find(
      ip,
      (candidate) => dev === undefined || candidate.dev === dev,
    );
    return route?.type === 'local' || route?.type === 'broadcast' ? route.type : 'unicast';
  }

  #table(ip: Ip, number: number): RouteTable | undefined {
    if (isIpv6(ip)) return this.#tables6?.get(number);
    if (number === TABLE_LOCAL) return this.#local;
    return number === TABLE_MAIN ? this.#main : this.#tables4?.get(number);
  }

  /** The table, made if it is not there. */
  #makeTable(ip: Ip, number: number): RouteTable {
    const known = this.#table(ip, number);
    if (known !== undefined) return known;
    const table = new RouteTable();
    if (isIpv6(ip)) (this.#tables6 ??= new Map<number, RouteTable>()).set(number, table);
    else (this.#tables4 ??= new Map<number, RouteTable>()).set(number, table);
    return table;
  }

  #all(family: 4 | 6): Map<number, RouteTable> {
    if (family === 6) return this.#tables6 ?? new Map<number, RouteTable>();
    return new Map([[TABLE_LOCAL, this.#local], [TABLE_MAIN, this.#main], ...(this.#tables4 ?? [])]);
  }

  #insert(spec: RouteSpec, mode: 'add' | 'replace' | 'append' | 'change'): Errno | undefined {
    const type = spec.type ?? 'unicast';
    const number = spec.table ?? defaultTable(type);
    const needsDevice =
      type === 'unicast' || type === 'local' || type === 'broadcast' || type === 'multicast';
    const hops = spec.nexthops ?? [];
    let dev = spec.dev ?? hops[0]?.dev;
    const via = spec.via ?? hops[0]?.via;
    if (maskIp(spec.dst.ip, spec.dst.length) !== spec.dst.ip) return 'EINVAL';
    if (needsDevice && type === 'unicast' && number !== TABLE_LOCAL) {
      if (via !== undefined) {
        const gateway = this.#checkGateway(via, dev, spec.onlink ?? false);
        if (typeof gateway === 'string') return gateway;
        dev = gateway;
      }
      if (dev === undefined) return 'ENODEV';
      if (!dev.up) return 'ENETDOWN';
    }
    if (needsDevice && dev === undefined) return 'ENODEV';
    if (spec.src !== undefined && spec.protocol !== 'kernel' && this.addressType(spec.src) !== 'local')
      return 'EINVAL';
    const route: Route = {
      type,
      dst: spec.dst,
      table: number,
      dev: needsDevice ? dev : isIpv6(spec.dst.ip) ? this.#ns.loopback : undefined,
      via: needsDevice ? via : undefined,
      src: spec.src,
      scope: spec.scope ?? defaultScope(type, via),
      protocol: spec.protocol ?? 'boot',
      metric: spec.metric ?? (isIpv6(spec.dst.ip) ? 1024 : 0),
      onlink: spec.onlink ?? false,
      mtu: spec.mtu,
      nexthops: hops.length > 1 ? hops : undefined,
    };
    const table = this.#makeTable(spec.dst.ip, number);
    const existing = table.get(spec.dst);
    const same = existing.findIndex((other) => other.metric === route.metric);
    if (mode === 'change' && same < 0) return 'ENOENT';
    if (mode === 'add' && same >= 0) return 'EEXIST';
    if (mode === 'append' && existing.some((other) => sameRoute(other, route))) return 'EEXIST';
    const routes =
      same >= 0 && mode !== 'append'
        ? existing.map((other, i) => (i === same ? route : other))
        : [...existing, route].sort((a, b) => a.metric - b.metric);
    table.set(spec.dst, routes);
    this.changed();
    return undefined;
  }

  /** fib_check_nh: the gateway must be reachable on a link, through `dev` if one is named. Answers with the device. */
  #checkGateway(via: Ip, dev: Device | undefined, onlink: boolean): Device | Errno {
    if (onlink) {
      if (dev === undefined) return 'EINVAL';
      if (!dev.up) return 'ENETDOWN';
      return this.addressType(via) === 'unicast' || this.addressType(via, dev) === 'unicast' ? dev : 'EINVAL';
    }
    if (isIpv6(via) && dev !== undefined) return dev;
    const result = this.#resolve({ dst: via, oif: dev }, SCOPE_VALUE.link);
    if (result.kind === 'local') return 'EINVAL';
    if (result.kind !== 'unicast' || result.dev === undefined) return 'ENETUNREACH';
    return result.dev;
  }

  #resolve(flow: RouteFlow, minScope = 0): RouteResult {
    const dst = flow.dst;
    this.#ns.fill(dst);
    for (const rule of this.rules.list(isIpv6(dst) ? 6 : 4)) {
      if (!this.rules.matches(rule, flow)) continue;
      if (rule.action !== 'lookup')
        return new RouteResult(rule.action, dst, undefined, undefined, undefined, 0, 0);
      const table = this.#table(dst, rule.table);
      if (table === undefined) continue;
      const route = table.find(dst, (candidate) => {
        if (SCOPE_VALUE[candidate.scope] < minScope) return false;
        if (flow.oif !== undefined && candidate.dev !== undefined && !usesDevice(candidate, flow.oif))
          return false;
        if (candidate.dev?.linkDown === true && candidate.dev.conf.ignoreRoutesWithLinkdown === 1)
          return false;
        return rule.suppressPrefixLength === undefined || candidate.dst.length > rule.suppressPrefixLength;
      });
      if (route === undefined || route.type === 'throw') continue;
      return this.#result(route, flow);
    }
    return new RouteResult('none', dst, undefined, undefined, undefined, 0, 0);
  }

  #result(route: Route, flow: RouteFlow): RouteResult {
    if (
      route.type === 'blackhole' ||
      route.type === 'unreachable' ||
      route.type === 'prohibit' ||
      route.type === 'throw'
    )
      return new RouteResult(
        route.type === 'throw' ? 'none' : route.type,
        flow.dst,
        route,
        undefined,
        undefined,
        0,
        0,
      );
    const hop = route.nexthops === undefined ? undefined : chooseHop(route.nexthops, flow);
    const dev = hop?.dev ?? route.dev;
    const via = hop === undefined ? route.via : hop.via;
    const v6 = isIpv6(flow.dst);
    const src =
      route.src ??
      (v6 && route.type === 'local'
        ? flow.dst
        : this.#ns.selectAddress(dev, v6 ? flow.dst : (via ?? flow.dst), route.scope));
    return new RouteResult(route.type, flow.dst, route, dev, via, src, route.mtu ?? 0);
  }
}

function usesDevice(route: Route, dev: Device): boolean {
  return route.nexthops === undefined ? route.dev === dev : route.nexthops.some((hop) => hop.dev === dev);
}

/** Layer 3 hash (fib_multipath_hash_policy 0). */
function chooseHop(hops: readonly NextHop[], flow: RouteFlow): NextHop | undefined {
  const total = hops.reduce((sum, hop) => sum + hop.weight, 0);
  let point = (Math.imul(flow.dst ^ (flow.src ?? 0), 0x9e3779b1) >>> 8) % Math.max(1, total);
  for (const hop of hops) {
    point -= hop.weight;
    if (point < 0) return hop;
  }
  return hops[0];
}

function defaultTable(type: RouteType | undefined): number {
  return type === 'local' || type === 'broadcast' ? TABLE_LOCAL : TABLE_MAIN;
}

/** What iproute2 fills in (ip/iproute.c, iproute_modify). */
function defaultScope(type: RouteType, via: Ip | undefined): RouteScope {
  if (type === 'local') return 'host';
  if (type === 'broadcast' || type === 'multicast') return 'link';
  if (type === 'unicast') return via === undefined ? 'link' : 'global';
  return 'global';
}

function matches(route: Route, spec: RouteSpec): boolean {
  return (
    (spec.type === undefined || route.type === spec.type) &&
    (spec.dev === undefined || route.dev === spec.dev) &&
    (spec.via === undefined || route.via === spec.via) &&
    (spec.src === undefined || route.src === spec.src) &&
    (spec.scope === undefined || route.scope === spec.scope) &&
    (spec.protocol === undefined || route.protocol === spec.protocol) &&
    (spec.metric === undefined || spec.metric === 0 || route.metric === spec.metric)
  );
}

function sameRoute(a: Route, b: Route): boolean {
  return (
    a.type === b.type &&
    a.dev === b.dev &&
    a.via === b.via &&
    a.src === b.src &&
    a.scope === b.scope &&
    a.metric === b.metric
  );
}

/** One line of `ip route show`; the table is not named. */
export function formatRoute(route: Route): string {
  const v6 = isIpv6(route.dst.ip);
  const words: string[] = [];
  if (route.type !== 'unicast') words.push(route.type);
  words.push(formatDestination(route.dst));
  if (route.nexthops === undefined) {
    if (route.via !== undefined) words.push('via', formatIp(route.via));
    if (route.dev !== undefined) words.push('dev', route.dev.name);
  }
  if (route.protocol !== 'boot') words.push('proto', route.protocol);
  if (!v6 && route.scope !== 'global') words.push('scope', route.scope);
  if (route.src !== undefined) words.push('src', formatIp(route.src));
  if (v6 || route.metric !== 0) words.push('metric', String(route.metric));
  if (route.nexthops === undefined && route.onlink) words.push('onlink');
  if (route.dev?.linkDown === true && route.type !== 'local') words.push('linkdown');
  if (route.mtu !== undefined) words.push('mtu', String(route.mtu));
  if (v6) words.push('pref', 'medium');
  for (const hop of route.nexthops ?? []) {
    words.push('\n\tnexthop');
    if (hop.via !== undefined) words.push('via', formatIp(hop.via));
    words.push('dev', hop.dev.name, 'weight', String(hop.weight));
    if (hop.onlink) words.push('onlink');
  }
  return words.join(' ').replace(' \n', ' \n');
}

function formatDestination(dst: Prefix): string {
  if (dst.length === 0 && isAny(dst.ip)) return 'default';
  return dst.length === addressBits(dst.ip) ? formatIp(dst.ip) : formatPrefix(dst);
}
