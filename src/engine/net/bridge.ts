/**
 * A Linux bridge (net/bridge): learning, forwarding, flooding in the order of its ports (the newest first), hairpin mode,
 * and its own interface. With br_netfilter (net/bridge/br_netfilter_hooks.c) IP packets that it forwards go through
 * iptables, and a packet whose destination DNAT changed finds its new neighbour, or the routing above, from here.
 */
import { formatMac, isGroupMac, MAC_BROADCAST, type Mac } from './address.ts';
import { Device, type OperState } from './device.ts';
import type { Errno } from './errno.ts';
import { Fdb, formatFdbEntry, type FdbEntry } from './fdb.ts';
import { fragmentPacket } from './fragment.ts';
import { neighbourOf } from './neighbour.ts';
import type { Netns } from './netns.ts';
import { Frame, type IpPacket } from './packet.ts';
import type { Skb } from './skb.ts';

const HEADER_ROOM = 18;

export class BridgePort {
  readonly bridge: Bridge;
  readonly dev: Device;
  readonly number: number;
  state: 'forwarding' | 'disabled' = 'disabled';
  hairpin = false;
  learning = true;
  flood = true;
  multicastFlood = true;
  broadcastFlood = true;
  isolated = false;
  cost = 2;
  priority = 32;

  constructor(bridge: Bridge, dev: Device, number: number) {
    this.bridge = bridge;
    this.dev = dev;
    this.number = number;
  }
}

export class Bridge extends Device {
  override carrier = false;
  readonly fdb: Fdb;
  /** Newest first: the order in which it floods. */
  readonly ports: BridgePort[] = [];
  #macSet = false;
  #mtuSet = false;
  #lastNumber = 0;

  constructor(netns: Netns, name: string, mac: Mac | undefined) {
    super(netns, name, 'bridge', mac ?? 0, 1500, false);
    this.fdb = new Fdb(() => this.netns.world.now);
    if (mac !== undefined) this.macChanged();
  }

  override get operState(): OperState {
    return this.carrier ? 'UP' : 'DOWN';
  }

  override stateChanged(): void {
    for (const port of this.ports) this.carrierChanged(port);
    this.#updateCarrier();
  }

  override macChanged(): void {
    this.#macSet = true;
    for (const entry of this.fdb.list()) if (entry.port === undefined) this.fdb.delete(entry.mac);
    this.#ownAddress();
  }

  override mtuChanged(): void {
    this.#mtuSet = true;
  }

  override released(): void {
    for (const port of [...this.ports]) this.removePort(port);
  }

  /** `ip link set DEV master BRIDGE`. */
  override enslave(dev: Device): Errno | undefined {
    if (dev === this || dev.kind === 'bridge') return 'ELOOP';
    if (dev.kind === 'loopback' || dev.netns !== this.netns) return 'EINVAL';
    if (dev.port?.bridge === this) return undefined;
    if (dev.port !== undefined) dev.port.bridge.removePort(dev.port);
    let number = this.ports.length + 1;
    if (this.#lastNumber >= number) number = this.#freeNumber();
    this.#lastNumber = Math.max(this.#lastNumber, number);
    const port = new BridgePort(this, dev, number);
    this.ports.unshift(port);
    dev.port = port;
    dev.promisc = true;
    if (this.fdb.get(dev.mac)?.kind !== 'permanent') this.fdb.set(dev.mac, port, 'permanent');
    // Of thousands of ports each new one is compared with what the others came to.
    if (this.#macSet || this.ports.length === 1 || dev.mac < this.mac) this.#ownAddress();
    else this.#keepOwnEntry();
    if (this.ports.length === 1 || dev.mtu < this.mtu) this.portMtuChanged();
    this.carrierChanged(port);
    return undefined;
  }

  /** Makes a port the first to be flooded, as if it had been plugged in again. */
  floodFirst(dev: Device): void {
    const { port } = dev;
    const index = port === undefined ? -1 : this.ports.indexOf(port);
    if (port === undefined || index < 0) return;
    this.ports.splice(index, 1);
    this.ports.unshift(port);
    if (this.fdb.get(dev.mac)?.port === port) this.fdb.set(dev.mac, port, 'permanent');
  }

  removePort(port: BridgePort): void {
    const index = this.ports.indexOf(port);
    if (index < 0) return;
    this.ports.splice(index, 1);
    port.dev.port = undefined;
    port.dev.promisc = false;
    this.fdb.forget(port, true);
    this.#ownAddress();
    this.portMtuChanged();
    this.#updateCarrier();
  }

  /** Until somebody sets its MTU, the smallest of its ports' (br_mtu_auto_adjust). */
  portMtuChanged(): void {
    if (this.#mtuSet || this.ports.length === 0) return;
    this.mtu = Math.min(...this.ports.map((port) => port.dev.mtu));
    this.netns.routes.changed();
  }

  carrierChanged(port: BridgePort): void {
    const state = this.up && port.dev.up && port.dev.carrier ? 'forwarding' : 'disabled';
    if (state === port.state) return;
    port.state = state;
    if (state === 'disabled') this.fdb.forget(port, false);
    this.#updateCarrier();
  }

  #updateCarrier(): void {
    const had = this.carrier;
    this.carrier = this.up && this.ports.some((port) => port.state === 'forwarding');
    // Whoever was there may be gone when the carrier is back (neigh_carrier_down).
    if (had && !this.carrier) this.netns.neighbours.flush(this);
    this.netns.routes.changed();
  }

  /** br_handle_frame: what a port received. */
  handleFrame(port: BridgePort, skb: Skb, frame: Frame): void {
    this.netns.settle();
    if (port.state !== 'forwarding' || isGroupMac(frame.src)) {
      this.#drop(skb, port.state !== 'forwarding' ? 'bridge-port-disabled' : 'bad-source-mac');
      return;
    }
    if (
      frame.type === 'ipv4'
        ? this.netns.bridgeCallIptables
        : frame.type === 'ipv6' && this.netns.bridgeCallIp6tables
    ) {
      if (frame.payload.kind === 'ip') this.#preRouting(port, skb, frame, frame.payload);
    } else this.#finish(port, skb, frame);
  }

  override queueXmit(skb: Skb): void {
    // What was put off may be a port.
    this.netns.settle();
    super.queueXmit(skb);
  }

  /** What the bridge's own interface sends (br_dev_xmit). */
  protected override xmit(skb: Skb, frame: Frame): void {
    if (skb.bridgedDnat) {
      const port = skb.physIn?.port;
      skb.bridgedDnat = false;
      if (port === undefined || port.bridge !== this) return;
      this.#finish(port, skb, new Frame(skb.bridgeSource, frame.dst, frame.type, frame.payload));
      return;
    }
    skb.physIn = undefined;
    skb.physOut = undefined;
    skb.bridged = false;
    const entry = isGroupMac(frame.dst) ? undefined : this.fdb.get(frame.dst);
    if (entry === undefined) this.#flood(undefined, skb, frame);
    else if (entry.port !== undefined) this.#forward(undefined, entry, entry.port, skb, frame);
    else this.#drop(skb, 'bridge-own-address');
  }

  /** br_nf_pre_routing: PREROUTING inside the bridge. */
  #preRouting(port: BridgePort, skb: Skb, frame: Frame, packet: IpPacket): void {
    const ns = this.netns;
    const world = ns.world;
    skb.netns = ns;
    skb.packet = packet;
    skb.inDev = this;
    skb.physIn = port.dev;
    skb.bridged = true;
    if (ns.netfilter.defrag && packet.isFragment) {
      const whole = ns.reassembly.add(skb, 'bridge');
      if (whole === undefined) return;
      frame = new Frame(frame.src, frame.dst, frame.type, whole);
    }
    if (world.tracer !== undefined && ns.netfilter.active('PREROUTING'))
      this.decide(skb, { code: 'bridge-netfilter', bridge: this.name, hook: 'PREROUTING' });
    const before = skb.packet.dst;
    if (ns.netfilter.hook('PREROUTING', skb) === 'DROP') return;
    if (skb.packet.dst === before) this.#finish(port, skb, this.#withPacket(frame, skb.packet));
    else this.#redirected(port, skb, frame);
  }

  /** br_nf_pre_routing_finish after DNAT: across the bridge, or up to the routing above. */
  #redirected(port: BridgePort, skb: Skb, frame: Frame): void {
    const ns = this.netns;
    const world = ns.world;
    const { dst, src } = skb.packet;
    const route = world.ip.inputRoute(ns, this, dst, src, skb.mark);
    if (route === undefined) {
      this.#drop(skb, 'refused-after-dnat');
      return;
    }
    if (route.kind === 'unicast' && route.dev === this && this.conf.forwarding !== 0) {
      this.#toNeighbour(port, skb, frame, route.gateway ?? dst);
      return;
    }
    // Where there is no way on, IP says so: the packet is the bridge's own now.
    this.#finish(port, skb, new Frame(frame.src, this.mac, frame.type, skb.packet));
  }

  /** br_nf_pre_routing_finish_bridge: only the destination address changes; without a fresh neighbour entry, by way of `out`. */
  #toNeighbour(port: BridgePort, skb: Skb, frame: Frame, nexthop: number): void {
    const neighbour = neighbourOf(this, nexthop);
    if (neighbour.connected && neighbour.headerCached) {
      this.#finish(port, skb, new Frame(frame.src, neighbour.mac, frame.type, skb.packet));
      return;
    }
    skb.bridgedDnat = true;
    skb.bridgeSource = frame.src;
    neighbour.output(skb);
  }

  /** br_handle_frame_finish. */
  #finish(port: BridgePort, skb: Skb, frame: Frame): void {
    if (port.learning) this.#learn(port, frame.src, skb);
    if (isGroupMac(frame.dst)) {
      const up = skb.clone();
      this.#arriveAbove(up, frame);
      this.#flood(port, skb, frame);
      this.#deliverUp(port, up, frame);
      return;
    }
    const entry = this.fdb.get(frame.dst);
    if (entry === undefined) {
      if (this.promisc) {
        const up = skb.clone();
        this.#arriveAbove(up, frame);
        this.#flood(port, skb, frame);
        this.#deliverUp(port, up, frame);
      } else this.#flood(port, skb, frame);
    } else if (entry.kind === 'permanent') {
      if (this.netns.world.tracer !== undefined) this.#decideLocal(entry, skb);
      this.#arriveAbove(skb, frame);
      this.#deliverUp(port, skb, frame);
    } else if (entry.port !== undefined) {
      entry.used = this.netns.world.now;
      if (this.promisc) {
        const up = skb.clone();
        this.#arriveAbove(up, frame);
        this.#forward(port, entry, entry.port, skb, frame);
        this.#deliverUp(port, up, frame);
      } else this.#forward(port, entry, entry.port, skb, frame);
    }
  }

  #learn(port: BridgePort, mac: Mac, skb: Skb): void {
    const now = this.netns.world.now;
    const entry = this.fdb.get(mac);
    if (entry !== undefined) {
      entry.updated = now;
      if (entry.port === port || entry.kind === 'permanent') return;
    }
    this.fdb.set(mac, port, entry?.kind ?? 'dynamic');
    this.decide(skb, {
      code: 'fdb-learn',
      bridge: this.name,
      mac: formatMac(mac),
      port: port.dev.name,
      moved: entry !== undefined,
    });
  }

  #forward(from: BridgePort | undefined, entry: FdbEntry, to: BridgePort, skb: Skb, frame: Frame): void {
    const code = mayDeliver(from, to) ? 'fdb-forward' : 'fdb-same-port';
    if (this.netns.world.tracer !== undefined) this.#decideForward(code, entry, to, skb);
    if (code === 'fdb-forward') this.#send(to, skb, frame);
  }

  #flood(from: BridgePort | undefined, skb: Skb, frame: Frame): void {
    const world = this.netns.world;
    const broadcast = frame.dst === MAC_BROADCAST;
    const group = isGroupMac(frame.dst);
    const targets = this.ports.filter(
      (port) =>
        mayDeliver(from, port) &&
        (broadcast ? port.broadcastFlood : group ? port.multicastFlood : port.flood),
    );
    world.tracer?.decision(world.now, skb.walk, this.netns.name, {
      code: 'fdb-flood',
      bridge: this.name,
      mac: formatMac(frame.dst),
      ports: targets.map((port) => port.dev.name),
      broadcast,
    });
    for (const [i, port] of targets.entries())
      this.#send(port, i === targets.length - 1 ? skb : skb.clone(), frame);
  }

  /** Through FORWARD and POSTROUTING when br_netfilter saw it come in, then out of the port. */
  #send(to: BridgePort, skb: Skb, frame: Frame): void {
    skb.physOut = to.dev;
    if (skb.bridged && frame.payload.kind === 'ip') {
      const ns = this.netns;
      skb.inDev = this;
      skb.outDev = this;
      if (ns.netfilter.hook('FORWARD', skb) === 'DROP') return;
      skb.inDev = undefined;
      if (ns.netfilter.hook('POSTROUTING', skb) === 'DROP') return;
      frame = this.#withPacket(frame, skb.packet);
      const mtu = skb.fragMax > 0 ? Math.min(to.dev.mtu, skb.fragMax) : to.dev.mtu;
      if (skb.packet.length > mtu && !skb.packet.df && frame.type === 'ipv4') {
        this.#sendFragments(to.dev, skb, frame, mtu);
        return;
      }
    }
    if (frame.length > to.dev.mtu + HEADER_ROOM) {
      this.#decideTooLong(to.dev, skb, frame);
      return;
    }
    skb.frame = frame;
    to.dev.queueXmit(skb);
  }

  #sendFragments(dev: Device, skb: Skb, frame: Frame, mtu: number): void {
    for (const piece of fragmentPacket(skb.packet, mtu)) {
      const part = skb.clone();
      part.packet = piece;
      part.frame = this.#withPacket(frame, piece);
      dev.queueXmit(part);
    }
  }

  #decideLocal(entry: FdbEntry, skb: Skb): void {
    this.decide(skb, {
      code: 'fdb-local',
      bridge: this.name,
      mac: formatMac(entry.mac),
      entry: formatFdbEntry(entry, this.name),
    });
  }

  #decideForward(code: 'fdb-forward' | 'fdb-same-port', entry: FdbEntry, to: BridgePort, skb: Skb): void {
    const found = { bridge: this.name, mac: formatMac(entry.mac), port: to.dev.name };
    if (code === 'fdb-same-port') this.decide(skb, { code, ...found });
    else this.decide(skb, { code, ...found, entry: formatFdbEntry(entry, this.name) });
  }

  #decideTooLong(dev: Device, skb: Skb, frame: Frame): void {
    this.decide(skb, {
      code: 'mtu-exceeded',
      dev: dev.name,
      mtu: dev.mtu,
      length: frame.length - 14,
      answer: 'drop',
    });
  }

  /** The `in` of the bridge's own interface; it bears the time at which the port received the frame. */
  #arriveAbove(skb: Skb, frame: Frame): void {
    if (!this.up) return;
    const world = this.netns.world;
    if (world.tracer !== undefined)
      world.tracer.frame(skb.stamp, skb.walk, this.netns.name, this.name, 'in', frame);
  }

  #deliverUp(port: BridgePort, skb: Skb, frame: Frame): void {
    if (!this.up) return;
    skb.frame = frame;
    skb.inDev = this;
    skb.physIn = port.dev;
    skb.physOut = undefined;
    this.rxPackets++;
    this.rxBytes += frame.length;
    this.deliver(skb, frame);
  }

  #withPacket(frame: Frame, packet: IpPacket): Frame {
    return frame.payload === packet ? frame : new Frame(frame.src, frame.dst, frame.type, packet);
  }

  #freeNumber(): number {
    const taken = new Set(this.ports.map((port) => port.number));
    let number = 1;
    while (taken.has(number)) number++;
    return number;
  }

  /** Unless it was set, the lowest address of its ports; the entry for it is permanent. */
  #ownAddress(): void {
    if (!this.#macSet && this.ports.length > 0) {
      const lowest = Math.min(...this.ports.map((port) => port.dev.mac));
      if (lowest !== this.mac) {
        this.mac = lowest;
        this.netns.neighbours.flush(this);
      }
    }
    this.#keepOwnEntry();
  }

  #keepOwnEntry(): void {
    if (this.mac !== 0 && this.fdb.get(this.mac)?.kind !== 'permanent')
      this.fdb.set(this.mac, undefined, 'permanent');
  }

  #drop(skb: Skb, reason: string): void {
    this.decide(skb, { code: 'drop', reason });
  }
}

/** should_deliver: not back to where it came from, but for hairpin mode. */
function mayDeliver(from: BridgePort | undefined, to: BridgePort): boolean {
  if (to.state !== 'forwarding') return false;
  if (from === to && !to.hairpin) return false;
  return !(from?.isolated === true && to.isolated);
}
