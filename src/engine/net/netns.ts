/**
 * A network namespace: devices and their addresses, routing tables, neighbours, sockets, netfilter, kernel parameters.
 *
 * `devices` (by name), `links()` (by index), `setLink`, `deleteLink`, `addAddress`, `deleteAddress` answer with an errno
 * as netlink would; `routes`, `routes.rules`, `neighbours`, `sysctl`, `netfilter`, `conntrack`, `sockets`. Devices are
 * made by the functions of link.ts.
 */
import {
  addressBits,
  internIpv6,
  ipv6Words,
  IPV6_ANY,
  isIpv6,
  isLinkLocal,
  isMulticast,
  maskIp,
  prefixContains,
  type Ip,
  type Mac,
} from './address.ts';
import type { Conntrack } from './conntrack.ts';
import type { Device, InterfaceAddress } from './device.ts';
import type { Errno } from './errno.ts';
import type { TokenBucket } from './icmp.ts';
import { addInterfaceRoutes, addMulticastRoute, deleteInterfaceRoutes } from './interface-routes.ts';
import { Loopback } from './loopback.ts';
import { linkLocalAddress } from './nd.ts';
import { Neighbours } from './neighbour.ts';
import { Netfilter } from './netfilter.ts';
import type { ArpPacket } from './packet.ts';
import { Reassembly } from './reassembly.ts';
import { RouteTables, SCOPE_VALUE, TABLE_LOCAL, type Route, type RouteScope } from './route.ts';
import type { RejectWith, Skb } from './skb.ts';
import { Sockets } from './socket.ts';
import { Sysctl } from './sysctl.ts';
import type { World } from './world.ts';

export type NetnsKind = 'node' | 'pod' | 'host' | 'switch';

export interface AddressSpec {
  readonly ip: Ip;
  readonly length: number;
  readonly broadcast?: Ip | undefined;
  readonly scope?: RouteScope;
  readonly label?: string | undefined;
  readonly peer?: Ip | undefined;
  readonly noPrefixRoute?: boolean;
}

export interface LinkChanges {
  readonly up?: boolean;
  readonly mtu?: number;
  readonly mac?: Mac;
  readonly name?: string;
  /** A bridge of this namespace, or null for `nomaster`. */
  readonly master?: Device | null;
  readonly promisc?: boolean;
  readonly arp?: boolean;
  readonly alias?: string;
  readonly txQueueLength?: number;
}

/**
 * Table entries that are made when they are needed: a node of a big cluster has a route, a neighbour and a tunnel endpoint
 * for every other node and uses few of them. Before a destination is looked up `fill` adds what it may need; before a
 * table is listed or changed by hand `fillAll` adds the rest, once. Both add real entries by the ordinary functions.
 */
export interface OnDemand {
  /** The devices that its entries go through. */
  readonly devices: readonly Device[];
  /** How many destinations it has entries for. */
  readonly size: number;
  fill(dst: Ip): void;
  fillAll(): void;
}

interface Deferred {
  readonly time: number;
  readonly run: () => void;
}

/** A path MTU that was learnt from a frag-needed (`ip route get` shows it). */
export interface PathMtu {
  readonly mtu: number;
  readonly expires: number;
}

export class Netns {
  readonly world: World;
  readonly name: string;
  readonly kind: NetnsKind;
  readonly #devices = new Map<string, Device>();
  readonly sysctl: Sysctl;
  readonly routes: RouteTables;
  readonly neighbours: Neighbours;
  readonly sockets: Sockets;
  readonly #netfilter: Netfilter;
  readonly reassembly: Reassembly;
  readonly loopback: Loopback;
  /** `net.bridge.bridge-nf-call-iptables` and its IPv6 companion. */
  bridgeCallIptables = true;
  bridgeCallIp6tables = true;
  destroyed = false;
  onDemand: OnDemand | undefined = undefined;
  #filling = false;
  #deferred: Deferred[] | undefined;
  #pathMtu: Map<Ip, PathMtu> | undefined;
  #icmpTokens: Map<Ip, TokenBucket> | undefined;
  #nextIndex = 1;
  #ipId = 0;
  #arpListeners: Set<(dev: Device, arp: ArpPacket) => void> | undefined;

  constructor(world: World, name: string, kind: NetnsKind) {
    this.world = world;
    this.name = name;
    this.kind = kind;
    this.sysctl = new Sysctl(this);
    this.routes = new RouteTables(this);
    this.neighbours = new Neighbours(this);
    this.sockets = new Sockets(this);
    this.#netfilter = new Netfilter(this);
    this.reassembly = new Reassembly(this);
    this.loopback = new Loopback(this);
    this.register(this.loopback);
    this.addAddress(this.loopback, { ip: 0x7f000001, length: 8, scope: 'host' });
    this.setLink('lo', { up: true });
  }

  get netfilter(): Netfilter {
    if (this.#deferred !== undefined) this.settle();
    return this.#netfilter;
  }

  get devices(): Map<string, Device> {
    if (this.#deferred !== undefined) this.settle();
    return this.#devices;
  }

  /**
   * Puts off what a program does to this namespace until somebody could tell the difference: a packet for what hangs on
   * it, or a tool that looks. It is then done as it would have been done now.
   */
  defer(run: () => void): void {
    (this.#deferred ??= []).push({ time: this.world.now, run });
    this.routes.changed();
  }

  /** Does what was put off, in its order. */
  settle(): void {
    const deferred = this.#deferred;
    if (deferred === undefined || this.#filling) return;
    this.#deferred = undefined;
    this.amend(() => {
      for (const { time, run } of deferred) this.world.asOf(time, run);
    });
  }

  /** Changes tables that may be incomplete, and leaves them so. */
  amend(run: () => void): void {
    const outer = this.#filling;
    this.#filling = true;
    run();
    this.#filling = outer;
  }

  /** What `onDemand` has for a destination. */
  fill(dst: Ip): void {
    if (this.#filling) return;
    this.settle();
    const source = this.onDemand;
    if (source !== undefined) this.amend(() => source.fill(dst));
  }

  /** All that `onDemand` has; from now on every entry is in its table. */
  fillAll(): void {
    if (this.#filling) return;
    this.settle();
    const source = this.onDemand;
    if (source === undefined) return;
    this.onDemand = undefined;
    source.fillAll();
  }

  /** Path MTUs by destination. */
  get pathMtu(): Map<Ip, PathMtu> {
    return (this.#pathMtu ??= new Map());
  }

  /** Token buckets of ICMP errors by destination. */
  get icmpTokens(): Map<Ip, TokenBucket> {
    return (this.#icmpTokens ??= new Map());
  }

  get conntrack(): Conntrack {
    return this.netfilter.conntrack;
  }

  /** Devices in the order of `ip link`. */
  links(): Device[] {
    return [...this.devices.values()].sort((a, b) => a.index - b.index);
  }

  /** Gives a new or moved device its place. False when the name is taken. */
  register(device: Device): boolean {
    if (this.devices.has(device.name)) return false;
    const wanted = device.index;
    const free = wanted > 0 && ![...this.#devices.values()].some((other) => other.index === wanted);
    device.index = free ? wanted : this.#nextIndex;
    this.#nextIndex = Math.max(this.#nextIndex, device.index + 1);
    device.netns = this;
    device.conf = this.sysctl.default;
    device.neighbourParameters = this.sysctl.neighDefault;
    this.#devices.set(device.name, device);
    return true;
  }

  /** `ip link del`. The other end of a pair goes too. */
  deleteLink(name: string): Errno | undefined {
    const device = this.devices.get(name);
    if (device === undefined) return 'ENODEV';
    if (device.kind === 'loopback') return 'EOPNOTSUPP';
    this.unregister(device);
    device.released();
    return undefined;
  }

  /** Takes a device out of the namespace with everything that mentions it. */
  unregister(device: Device): void {
    device.port?.bridge.removePort(device.port);
    this.#goDown(device);
    device.addresses.length = 0;
    this.routes.flush((route) => route.dev === device);
    this.neighbours.flush(device, () => false);
    this.#devices.delete(device.name);
    this.routes.changed();
  }

  /** `ip link set DEV netns NAME`. */
  moveLink(name: string, target: Netns, newName = name): Errno | undefined {
    const device = this.devices.get(name);
    if (device === undefined) return 'ENODEV';
    if (device.kind === 'loopback') return 'EINVAL';
    if (target.devices.has(newName)) return 'EEXIST';
    this.unregister(device);
    device.name = newName;
    target.register(device);
    return undefined;
  }

  /** `ip link set`. */
  setLink(name: string, changes: LinkChanges): Errno | undefined {
    const device = this.devices.get(name);
    if (device === undefined) return 'ENODEV';
    if (changes.mtu !== undefined) {
      const error = this.#setMtu(device, changes.mtu);
      if (error !== undefined) return error;
    }
    if (changes.mac !== undefined) {
      device.mac = changes.mac;
      device.macChanged();
      this.neighbours.flush(device);
    }
    if (changes.master !== undefined) {
      const error = this.#setMaster(device, changes.master);
      if (error !== undefined) return error;
    }
    if (changes.name !== undefined && changes.name !== name) {
      if (this.devices.has(changes.name)) return 'EEXIST';
      this.#rename(device, changes.name);
    }
    if (changes.promisc !== undefined) device.promisc = changes.promisc;
    if (changes.arp !== undefined) device.noArp = !changes.arp;
    if (changes.alias !== undefined) device.alias = changes.alias;
    if (changes.txQueueLength !== undefined) device.txQueueLength = changes.txQueueLength;
    if (changes.up !== undefined && changes.up !== device.up) {
      if (changes.up) this.#goUp(device);
      else this.#goDown(device);
    }
    return undefined;
  }

  /** `ip addr add`: the address, its local route and, when the device is up, its subnet's routes. */
  addAddress(device: Device, spec: AddressSpec): Errno | undefined {
    if (spec.length > addressBits(spec.ip)) return 'EINVAL';
    if (device.addresses.some((own) => own.ip === spec.ip && own.length === spec.length)) return 'EEXIST';
    const subnet = { ip: maskIp(spec.ip, spec.length), length: spec.length };
    const address: InterfaceAddress = {
      ip: spec.ip,
      length: spec.length,
      broadcast: spec.broadcast,
      scope: spec.scope ?? (device.kind === 'loopback' ? 'host' : 'global'),
      label: spec.label,
      secondary:
        !isIpv6(spec.ip) &&
        device.addresses.some((own) => own.length === spec.length && prefixContains(subnet, own.ip)),
      peer: spec.peer,
      noPrefixRoute: spec.noPrefixRoute ?? false,
    };
    device.addresses.push(address);
    if (isIpv6(spec.ip) && device !== this.loopback && address.scope === 'global') this.enableIpv6(device);
    addInterfaceRoutes(this, device, address);
    this.routes.changed();
    return undefined;
  }

  /** `ip addr del`. The secondary addresses of its subnet go with a primary one. */
  deleteAddress(device: Device, ip: Ip, length: number): Errno | undefined {
    const index = device.addresses.findIndex((own) => own.ip === ip && own.length === length);
    const address = device.addresses[index];
    if (address === undefined) return 'EADDRNOTAVAIL';
    device.addresses.splice(index, 1);
    const subnet = { ip: maskIp(ip, length), length };
    if (!address.secondary) {
      for (const own of [...device.addresses])
        if (own.secondary && own.length === length && prefixContains(subnet, own.ip))
          this.deleteAddress(device, own.ip, own.length);
    }
    deleteInterfaceRoutes(this, device, address);
    this.netfilter.addressRemoved(device.name, ip);
    this.routes.changed();
    return undefined;
  }

  /** Whether it speaks IPv6 at all: its loopback does once any device has. */
  get ipv6(): boolean {
    return this.loopback.addresses.some((own) => isIpv6(own.ip));
  }

  /** Whether the address is one of this namespace's own. */
  ownsAddress(ip: Ip): boolean {
    for (const device of this.devices.values())
      for (const address of device.addresses) if (address.ip === ip) return true;
    return false;
  }

  /**
   * inet_select_addr: the address of `dev` to speak from, one in the subnet of `dst` before others; with none there,
   * the first of any device whose scope is wide enough.
   */
  selectAddress(dev: Device | undefined, dst: Ip | undefined, scope: RouteScope): Ip {
    if (dst !== undefined && isIpv6(dst)) return this.#selectIpv6(dev, dst);
    const limit = SCOPE_VALUE[scope];
    let first: Ip | undefined;
    for (const address of dev?.addresses ?? []) {
      if (isIpv6(address.ip) || address.secondary || SCOPE_VALUE[address.scope] > limit) continue;
      if (
        dst === undefined ||
        prefixContains({ ip: maskIp(address.ip, address.length), length: address.length }, dst)
      )
        return address.ip;
      first ??= address.ip;
    }
    if (first !== undefined) return first;
    for (const device of this.links())
      for (const address of device.addresses)
        if (
          !isIpv6(address.ip) &&
          !address.secondary &&
          address.scope !== 'link' &&
          SCOPE_VALUE[address.scope] <= limit
        )
          return address.ip;
    return 0;
  }

  /** ipv6_dev_get_saddr: an address of the destination's scope, on the outgoing device, with the longest common prefix. */
  #selectIpv6(dev: Device | undefined, dst: Ip): Ip {
    const near = isLinkLocal(dst) || isMulticast(dst);
    let best = IPV6_ANY;
    let bestScore = -1;
    for (const device of near && dev !== undefined ? [dev] : this.devices.values())
      for (const { ip, scope } of device.addresses) {
        if (!isIpv6(ip) || scope === 'host' || (scope === 'link' && device !== dev)) continue;
        const score =
          ((scope === 'link') === near ? 1024 : 0) + (device === dev ? 512 : 0) + commonBits(ip, dst);
        if (score <= bestScore) continue;
        best = ip;
        bestScore = score;
      }
    return best;
  }

  /**
   * Gives the device its link-local address, and the namespace its loopback one. A kernel does so for every device that goes
   * up; here a device without IPv6 addresses has none until it is asked for.
   */
  enableIpv6(device: Device): void {
    if (!this.ipv6) this.addAddress(this.loopback, { ip: LOOPBACK6, length: 128, scope: 'host' });
    if (device.noArp || device.addresses.some((own) => isIpv6(own.ip) && own.scope === 'link')) return;
    this.addAddress(device, { ip: linkLocalAddress(device.mac), length: 64, scope: 'link' });
    if (device.up) addMulticastRoute(this, device);
  }

  /** REJECT: an ICMP error about the packet, or a reset (net/ipv4/netfilter/nf_reject_ipv4.c). */
  reject(skb: Skb, how: RejectWith): void {
    this.world.icmp.reject(this, skb, how);
  }

  /** The next identification of a packet that may be fragmented. */
  nextIpId(): number {
    this.#ipId = (this.#ipId + 1) & 0xffff;
    return this.#ipId;
  }

  /** Every ARP packet that is received, for `arping`; the result ends the listening. */
  listenArp(listener: (dev: Device, arp: ArpPacket) => void): () => void {
    this.#arpListeners ??= new Set();
    this.#arpListeners.add(listener);
    return () => this.#arpListeners?.delete(listener);
  }

  arpHeard(dev: Device, arp: ArpPacket): void {
    if (this.#arpListeners === undefined) return;
    for (const listener of [...this.#arpListeners]) listener(dev, arp);
  }

  sysctlChanged(key: string, value: string): void {
    if (key === 'net.bridge.bridge-nf-call-iptables') this.bridgeCallIptables = value !== '0';
    else if (key === 'net.bridge.bridge-nf-call-ip6tables') this.bridgeCallIp6tables = value !== '0';
  }

  /** Sockets close without a word, devices go. */
  destroy(): void {
    this.destroyed = true;
    this.sockets.destroy();
    for (const device of this.links()) {
      if (device.kind === 'loopback') this.unregister(device);
      else this.deleteLink(device.name);
    }
  }

  #setMtu(device: Device, mtu: number): Errno | undefined {
    if (!Number.isInteger(mtu) || mtu < 68 || mtu > 65535) return 'EINVAL';
    device.mtu = mtu;
    device.mtuChanged();
    device.port?.bridge.portMtuChanged();
    this.routes.changed();
    return undefined;
  }

  #setMaster(device: Device, master: Device | null): Errno | undefined {
    if (master === null) {
      device.port?.bridge.removePort(device.port);
      return undefined;
    }
    return master.enslave(device);
  }

  #rename(device: Device, name: string): void {
    const entries = [...this.devices];
    this.#devices.clear();
    for (const [key, value] of entries) this.#devices.set(value === device ? name : key, value);
    device.name = name;
    this.routes.changed();
  }

  #goUp(device: Device): void {
    device.up = true;
    for (const address of device.addresses) addInterfaceRoutes(this, device, address);
    if (device.addresses.some((own) => isIpv6(own.ip) && own.scope === 'link'))
      addMulticastRoute(this, device);
    device.stateChanged();
    this.routes.changed();
  }

  /** Every route through it goes but those of the local table, which stay while the address does. */
  #goDown(device: Device): void {
    if (!device.up) return;
    if (this.onDemand?.devices.includes(device) === true) this.fillAll();
    device.up = false;
    this.routes.flush(
      (route) => usesDevice(route, device) && !(route.type === 'local' && route.table === TABLE_LOCAL),
    );
    this.neighbours.flush(device, () => false);
    device.stateChanged();
    this.routes.changed();
  }
}

const LOOPBACK6: Ip = internIpv6(0, 0, 0, 1);

/** How many leading bits two IPv6 addresses share. */
function commonBits(a: Ip, b: Ip): number {
  const x = ipv6Words(a);
  const y = ipv6Words(b);
  for (let i = 0; i < 4; i++) {
    const difference = (x[i] ?? 0) ^ (y[i] ?? 0);
    if (difference !== 0) return 32 * i + Math.clz32(difference);
  }
  return 128;
}

function usesDevice(route: Route, device: Device): boolean {
  return route.dev === device || (route.nexthops?.some((hop) => hop.dev === device) ?? false);
}
