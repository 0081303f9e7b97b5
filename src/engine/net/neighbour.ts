/**
 * Neighbour entries (net/core/neighbour.c): the states that `ip neigh` shows, the queue of packets that wait for an
 * address, the probes and their failure. `Neighbours` is one namespace's table as tools see it.
 */
import { compareIp, formatIp, formatMac, isIpv6, type Ip, type Mac } from './address.ts';
import type { Decision } from './decision.ts';
import type { Device } from './device.ts';
import type { Errno } from './errno.ts';
import type { Netns } from './netns.ts';
import { ipFrame } from './packet.ts';
import type { Skb } from './skb.ts';
import type { Timer } from './world.ts';

export type NeighbourState =
  'NONE' | 'INCOMPLETE' | 'REACHABLE' | 'STALE' | 'DELAY' | 'PROBE' | 'FAILED' | 'PERMANENT' | 'NOARP';

/** A new address within this time after a change is not believed (LOCKTIME). */
const LOCK_TIME = 1_000_000;

export class Neighbour {
  readonly dev: Device;
  readonly ip: Ip;
  mac: Mac = 0;
  state: NeighbourState = 'NONE';
  /** Times of the last confirmation, use and change, in microseconds. */
  confirmed: number;
  used: number;
  updated: number;
  probes = 0;
  /** A packet has gone out through it, so the kernel keeps its header ready (`hh_len`). */
  headerCached = false;
  router = false;
  /** It is no longer in its device's table: whoever remembered it looks it up again. */
  dead = false;
  /** `extern_learn`, as flanneld and others set it. */
  externLearn = false;
  /** What a record last said of it, and for what. */
  #told:
    | {
        readonly state: NeighbourState;
        readonly mac: Mac;
        readonly decision: Decision & { readonly code: 'neigh' };
      }
    | undefined;
  #queue: Skb[] = [];
  #timer: Timer | undefined;

  constructor(dev: Device, ip: Ip) {
    this.dev = dev;
    this.ip = ip;
    this.confirmed = this.used = this.updated = dev.netns.world.now;
  }

  /** Its address may be used without asking. */
  get connected(): boolean {
    return this.state === 'REACHABLE' || this.state === 'PERMANENT' || this.state === 'NOARP';
  }

  /** It has an address, however old. */
  get valid(): boolean {
    return this.connected || this.state === 'STALE' || this.state === 'DELAY' || this.state === 'PROBE';
  }

  /** Sends a packet to this neighbour, now or when its address is known (neigh_resolve_output). */
  output(skb: Skb): void {
    if (!this.connected && !this.#prepare(skb)) return;
    this.headerCached = true;
    const world = this.dev.netns.world;
    if (skb.confirm) {
      skb.confirm = false;
      this.confirmed = world.now;
    }
    if (world.tracer !== undefined) this.#trace(skb.walk);
    skb.frame = ipFrame(this.dev.mac, this.mac, skb.packet);
    this.dev.queueXmit(skb);
  }

  /** neigh_event_send without a packet: for who needs the entry to be fresh. */
  refresh(): void {
    if (!this.connected) this.#prepare(undefined);
  }

  /**
   * neigh_update: news about the address, from the network or (`admin`) from a tool.
   */
  update(
    mac: Mac | undefined,
    state: NeighbourState,
    options: { override: boolean; admin: boolean; walk?: number },
  ): void {
    const now = this.dev.netns.world.now;
    const old = this.state;
    if (!options.admin && (old === 'PERMANENT' || old === 'NOARP')) return;
    if (state === 'FAILED' || state === 'NONE' || state === 'INCOMPLETE') {
      this.#stopTimer();
      this.state = state;
      this.updated = now;
      this.headerCached = false;
      return;
    }
    const wasValid = this.valid;
    let address = mac ?? this.mac;
    if (state === 'REACHABLE' || state === 'PERMANENT' || state === 'NOARP') this.confirmed = now;
    let next: NeighbourState = state;
    if (wasValid) {
      if (address !== this.mac && !options.override) return;
      if (address === this.mac && next === 'STALE' && !options.admin) next = old;
    }
    if (mac === undefined) address = this.mac;
    if (next !== old || address !== this.mac) this.updated = now;
    const moved = address !== this.mac;
    if (next !== old) {
      this.#stopTimer();
      if (next === 'PROBE') this.probes = 0;
      this.state = next;
      if (next === 'REACHABLE') this.#startTimer(this.dev.neighbourParameters.baseReachable);
      else if (next === 'DELAY' || next === 'PROBE') this.#startTimer(0);
    }
    this.mac = address;
    if (moved && !this.connected) this.confirmed = now - 2 * this.dev.neighbourParameters.baseReachable;
    if ((moved || next !== old) && options.walk !== undefined) {
      const world = this.dev.netns.world;
      world.tracer?.decision(now, options.walk, this.dev.netns.name, {
        code: 'neigh-learn',
        ip: formatIp(this.ip),
        dev: this.dev.name,
        mac: formatMac(this.mac),
        entry: formatNeighbour(this),
      });
    }
    if (!wasValid) this.#flushQueue();
  }

  /** neigh_event_ns: somebody asked from this address, so it is there. */
  heard(mac: Mac, walk: number): void {
    this.update(mac, 'STALE', { override: true, admin: false, walk });
  }

  /** The lock time that keeps the first of several replies. */
  get locked(): boolean {
    return this.dev.netns.world.now <= this.updated + LOCK_TIME;
  }

  /** Out of its table: forgets its timer and its packets, without an error to anybody. */
  drop(): void {
    this.dead = true;
    this.#stopTimer();
    this.#emptyQueue();
    this.state = 'FAILED';
  }

  /** What waits for its address. */
  get queue(): readonly Skb[] {
    return this.#queue;
  }

  /** __neigh_event_send: true when the packet may go at once. */
  #prepare(skb: Skb | undefined): boolean {
    const world = this.dev.netns.world;
    const parameters = this.dev.neighbourParameters;
    this.used = world.now;
    if (this.connected || this.state === 'DELAY' || this.state === 'PROBE') return true;
    if (this.state === 'STALE') {
      this.state = 'DELAY';
      this.updated = world.now;
      this.#startTimer(parameters.delayFirstProbe);
      return true;
    }
    let probe = false;
    if (this.state !== 'INCOMPLETE') {
      if (parameters.mcastSolicit + parameters.appSolicit === 0) {
        this.state = 'FAILED';
        this.updated = world.now;
        return false;
      }
      this.probes = parameters.ucastSolicit;
      this.state = 'INCOMPLETE';
      this.updated = world.now;
      this.#startTimer(parameters.retrans);
      probe = true;
    }
    if (skb !== undefined) {
      if (this.#queue.length >= parameters.queue) this.#leaveQueue(this.#queue.shift());
      this.#queue.push(skb);
      skb.waiting = skb.owned;
      world.tracer?.decision(world.now, skb.walk, this.dev.netns.name, {
        code: 'neigh-ask',
        ip: formatIp(this.ip),
        dev: this.dev.name,
      });
    }
    if (probe) this.#solicit();
    return false;
  }

  #solicit(): void {
    const world = this.dev.netns.world;
    const unicast = this.probes < this.dev.neighbourParameters.ucastSolicit;
    const probes = this.probes;
    this.probes++;
    if (isIpv6(this.ip)) world.nd.solicit(this, unicast, this.#queue[0]);
    else if (probes >= 0) world.arp.solicit(this, unicast, this.#queue[0]);
  }

  /** neigh_timer_handler. */
  #expired(): void {
    const world = this.dev.netns.world;
    const now = world.now;
    const parameters = this.dev.neighbourParameters;
    this.#timer = undefined;
    let next = parameters.retrans;
    if (this.state === 'REACHABLE') {
      if (now <= this.confirmed + parameters.baseReachable) {
        next = this.confirmed + parameters.baseReachable - now;
      } else if (now <= this.used + parameters.delayFirstProbe) {
        this.state = 'DELAY';
        this.updated = now;
        next = parameters.delayFirstProbe;
      } else {
        this.state = 'STALE';
        this.updated = now;
        return;
      }
    } else if (this.state === 'DELAY') {
      if (now <= this.confirmed + parameters.delayFirstProbe) {
        this.state = 'REACHABLE';
        this.updated = now;
        next = this.confirmed + parameters.baseReachable - now;
      } else {
        this.state = 'PROBE';
        this.updated = now;
        this.probes = 0;
      }
    } else if (this.state !== 'PROBE' && this.state !== 'INCOMPLETE') return;
    const asking = this.state === 'PROBE' || this.state === 'INCOMPLETE';
    if (asking && this.probes >= this.#maxProbes()) {
      this.#fail();
      return;
    }
    this.#startTimer(Math.max(next, 10_000));
    if (asking) this.#solicit();
  }

  #maxProbes(): number {
    const parameters = this.dev.neighbourParameters;
    return (
      parameters.ucastSolicit + parameters.appSolicit + (this.state === 'PROBE' ? 0 : parameters.mcastSolicit)
    );
  }

  /** neigh_invalidate: everyone who waits hears that the host is unreachable. */
  #fail(): void {
    const world = this.dev.netns.world;
    const asked =
      this.state === 'PROBE' ? this.probes : this.probes - this.dev.neighbourParameters.ucastSolicit;
    this.state = 'FAILED';
    this.updated = world.now;
    this.headerCached = false;
    for (const skb of this.#emptyQueue()) {
      world.tracer?.decision(world.now, skb.walk, this.dev.netns.name, {
        code: 'neigh-failed',
        ip: formatIp(this.ip),
        dev: this.dev.name,
        probes: asked,
      });
      world.ip.linkFailure(skb);
    }
  }

  #flushQueue(): void {
    for (const skb of this.#emptyQueue()) this.output(skb);
  }

  #emptyQueue(): readonly Skb[] {
    const waiting = this.#queue;
    this.#queue = [];
    for (const skb of waiting) this.#leaveQueue(skb);
    return waiting;
  }

  #leaveQueue(skb: Skb | undefined): void {
    if (skb !== undefined) skb.waiting = false;
  }

  #startTimer(delay: number): void {
    this.#stopTimer();
    this.#timer = this.dev.netns.world.timer(delay, () => this.#expired());
  }

  #stopTimer(): void {
    this.#timer?.cancel();
    this.#timer = undefined;
  }

  #trace(walk: number): void {
    const world = this.dev.netns.world;
    const told = this.#told;
    if (told?.state !== this.state || told.mac !== this.mac || told.decision.dev !== this.dev.name)
      this.#told = { state: this.state, mac: this.mac, decision: this.#decision() };
    if (this.#told !== undefined)
      world.tracer?.decision(world.now, walk, this.dev.netns.name, this.#told.decision);
  }

  #decision(): Decision & { readonly code: 'neigh' } {
    return {
      code: 'neigh',
      ip: formatIp(this.ip),
      dev: this.dev.name,
      mac: formatMac(this.mac),
      state: this.state,
      entry: formatNeighbour(this),
    };
  }
}

/** A device's entry for an address, made if it is not there. */
export function neighbourOf(dev: Device, ip: Ip): Neighbour {
  dev.neighbours ??= new Map();
  let neighbour = dev.neighbours.get(ip);
  if (neighbour === undefined) {
    neighbour = new Neighbour(dev, ip);
    if (dev.noArp) neighbour.state = 'NOARP';
    dev.neighbours.set(ip, neighbour);
  }
  return neighbour;
}

export class Neighbours {
  readonly #ns: Netns;

  constructor(ns: Netns) {
    this.#ns = ns;
  }

  get(dev: Device, ip: Ip): Neighbour | undefined {
    return dev.neighbours?.get(ip);
  }

  /** Every entry that `ip neigh` shows: by device, then address. Those of NOARP devices are hidden, as they are there. */
  list(family?: 4 | 6): Neighbour[] {
    this.#ns.fillAll();
    const entries: Neighbour[] = [];
    for (const dev of this.#ns.devices.values()) {
      const own = [...(dev.neighbours?.values() ?? [])].filter(
        (entry) =>
          entry.state !== 'NOARP' &&
          entry.state !== 'NONE' &&
          (family === undefined || isIpv6(entry.ip) === (family === 6)),
      );
      entries.push(...own.sort((a, b) => compareIp(a.ip, b.ip)));
    }
    return entries;
  }

  /** `ip neigh add`: EEXIST when there is one. */
  add(dev: Device, ip: Ip, mac: Mac | undefined, state: NeighbourState): Errno | undefined {
    this.#ns.fillAll();
    if (dev.neighbours?.has(ip) === true) return 'EEXIST';
    return this.replace(dev, ip, mac, state);
  }

  /** `ip neigh replace` and `change`. */
  replace(dev: Device, ip: Ip, mac: Mac | undefined, state: NeighbourState): Errno | undefined {
    this.#ns.fillAll();
    if (
      mac === undefined &&
      state !== 'FAILED' &&
      state !== 'INCOMPLETE' &&
      dev.neighbours?.get(ip)?.valid !== true
    )
      return 'EINVAL';
    neighbourOf(dev, ip).update(mac, state, { override: true, admin: true });
    return undefined;
  }

  /** `ip neigh del`. */
  delete(dev: Device, ip: Ip): Errno | undefined {
    this.#ns.fillAll();
    const entry = dev.neighbours?.get(ip);
    if (entry === undefined) return 'ENOENT';
    entry.drop();
    dev.neighbours?.delete(ip);
    return undefined;
  }

  /** Forgets every entry of a device but, unless asked, the permanent ones. */
  flush(dev: Device, keep: (entry: Neighbour) => boolean = (entry) => entry.state === 'PERMANENT'): number {
    let count = 0;
    for (const entry of dev.neighbours?.values() ?? []) {
      if (keep(entry)) continue;
      entry.drop();
      dev.neighbours?.delete(entry.ip);
      count++;
    }
    return count;
  }
}

/** One line of `ip neigh`, with its trailing space. */
export function formatNeighbour(entry: Neighbour): string {
  const words = [formatIp(entry.ip), 'dev', entry.dev.name];
  if (entry.valid) words.push('lladdr', formatMac(entry.mac));
  if (entry.router) words.push('router');
  if (entry.externLearn) words.push('extern_learn');
  return `${words.join(' ')} ${entry.state} `;
}
