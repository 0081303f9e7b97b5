/**
 * Routes of one table and family. A pod's few are a sorted list; a node's many are found by prefix length and network
 * (the kernel's trie answers the same).
 */
import { compareIp, isIpv6, maskIp, prefixContains, type Ip, type Prefix } from './address.ts';
import type { Route } from './route.ts';

/** From this many routes on they are indexed. */
const FEW = 16;

function comparePrefix(a: Prefix, b: Prefix): number {
  if (isIpv6(a.ip)) {
    if (a.length < b.length && prefixContains(a, b.ip)) return 1;
    if (b.length < a.length && prefixContains(b, a.ip)) return -1;
  }
  return compareIp(a.ip, b.ip) || a.length - b.length;
}

export class RouteTable {
  /** Longest prefix first, then by metric. Undefined once there is an index. */
  #few: Route[] | undefined = [];
  #index: Map<number, Map<Ip, Route[]>> | undefined;
  #lengths: number[] = [];

  /** The routes of exactly this prefix, by metric. */
  get(dst: Prefix): readonly Route[] {
    if (this.#few !== undefined)
      return this.#few.filter((route) => route.dst.ip === dst.ip && route.dst.length === dst.length);
    return this.#index?.get(dst.length)?.get(dst.ip) ?? [];
  }

  /** Replaces the routes of one prefix. */
  set(dst: Prefix, routes: readonly Route[]): void {
    if (this.#few === undefined) {
      this.#setIndexed(dst, routes);
      return;
    }
    const others = this.#few.filter((route) => route.dst.ip !== dst.ip || route.dst.length !== dst.length);
    const at = others.findIndex((route) => route.dst.length < dst.length);
    others.splice(at < 0 ? others.length : at, 0, ...routes);
    this.#few = others;
    if (others.length > FEW) this.#buildIndex(others);
  }

  /** The first route that `accept` takes, longest prefix first. */
  find(dst: Ip, accept: (route: Route) => boolean): Route | undefined {
    if (this.#few !== undefined) {
      for (const route of this.#few) if (prefixContains(route.dst, dst) && accept(route)) return route;
      return undefined;
    }
    for (const length of this.#lengths) {
      const routes = this.#index?.get(length)?.get(maskIp(dst, length));
      if (routes === undefined) continue;
      for (const route of routes) if (accept(route)) return route;
    }
    return undefined;
  }

  get size(): number {
    if (this.#few !== undefined) return this.#few.length;
    let size = 0;
    for (const networks of this.#index?.values() ?? []) size += networks.size;
    return size;
  }

  /** In no particular order. */
  values(): Route[] {
    if (this.#few !== undefined) return [...this.#few];
    const routes: Route[] = [];
    for (const networks of this.#index?.values() ?? [])
      for (const list of networks.values()) routes.push(...list);
    return routes;
  }

  /** As the kernel lists them: by network, shorter prefixes first; of IPv6 what is inside a prefix before it (fib6_walk). */
  sorted(): Route[] {
    return this.values().sort((a, b) => comparePrefix(a.dst, b.dst) || a.metric - b.metric);
  }

  #buildIndex(routes: readonly Route[]): void {
    this.#few = undefined;
    this.#index = new Map();
    for (const route of routes) this.#setIndexed(route.dst, [...this.get(route.dst), route]);
  }

  #setIndexed(dst: Prefix, routes: readonly Route[]): void {
    this.#index ??= new Map();
    let networks = this.#index.get(dst.length);
    if (routes.length > 0) {
      if (networks === undefined) {
        networks = new Map();
        this.#index.set(dst.length, networks);
        this.#sortLengths();
      }
      networks.set(dst.ip, [...routes]);
      return;
    }
    networks?.delete(dst.ip);
    if (networks?.size !== 0) return;
    this.#index.delete(dst.length);
    this.#sortLengths();
  }

  #sortLengths(): void {
    this.#lengths = [...(this.#index?.keys() ?? [])].sort((a, b) => b - a);
  }
}
