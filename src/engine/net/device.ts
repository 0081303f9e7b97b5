/**
 * A network interface: what it is called, its addresses and parameters, and the two doors of every frame, `queueXmit`
 * (dev_queue_xmit: the `out` of a capture) and `receive` (netif_receive_skb: its `in`). The kinds are in veth.ts,
 * bridge.ts, vxlan.ts, ipip.ts and loopback.ts; link.ts makes them.
 */
import type { Ip, Mac } from './address.ts';
import { isGroupMac } from './address.ts';
import type { BridgePort } from './bridge.ts';
import type { Decision } from './decision.ts';
import type { Errno } from './errno.ts';
import type { Neighbour } from './neighbour.ts';
import type { Netns } from './netns.ts';
import type { Frame } from './packet.ts';
import type { RouteScope } from './route.ts';
import type { Skb } from './skb.ts';
import type { InetConf, NeighbourParameters } from './sysctl.ts';

export type LinkKind = 'loopback' | 'veth' | 'bridge' | 'vxlan' | 'ipip' | 'dummy';
export type OperState = 'UP' | 'DOWN' | 'LOWERLAYERDOWN' | 'UNKNOWN';

export interface InterfaceAddress {
  readonly ip: Ip;
  readonly length: number;
  readonly broadcast: Ip | undefined;
  readonly scope: RouteScope;
  readonly label: string | undefined;
  /** Another address of its subnet was there before. */
  readonly secondary: boolean;
  /** The other end of a point-to-point address. */
  readonly peer: Ip | undefined;
  readonly noPrefixRoute: boolean;
}

export interface LinkStatistics {
  rxPackets: number;
  rxBytes: number;
  rxDropped: number;
  txPackets: number;
  txBytes: number;
  txDropped: number;
}

export abstract class Device {
  netns: Netns;
  name: string;
  index: number;
  readonly kind: LinkKind;
  mac: Mac;
  mtu: number;
  /** Administratively up. */
  up = false;
  /** Something is on the other side. Kinds that can lose it say so when it changes. */
  carrier = true;
  promisc = false;
  /** Neither ARP nor neighbour discovery (loopback, tunnels). */
  noArp: boolean;
  /** The bridge port that it is, when it has a master. */
  port: BridgePort | undefined = undefined;
  readonly addresses: InterfaceAddress[] = [];
  conf: InetConf;
  neighbourParameters: NeighbourParameters;
  neighbours: Map<Ip, Neighbour> | undefined = undefined;
  rxPackets = 0;
  rxBytes = 0;
  rxDropped = 0;
  txPackets = 0;
  txBytes = 0;
  txDropped = 0;
  alias: string | undefined = undefined;
  txQueueLength = 1000;

  constructor(netns: Netns, name: string, kind: LinkKind, mac: Mac, mtu: number, noArp: boolean) {
    this.netns = netns;
    this.name = name;
    this.kind = kind;
    this.mac = mac;
    this.mtu = mtu;
    this.noArp = noArp;
    this.conf = netns.sysctl.default;
    this.neighbourParameters = netns.sysctl.neighDefault;
    this.index = 0;
  }

  /** Hands a frame to the wire (ndo_start_xmit). */
  protected abstract xmit(skb: Skb, frame: Frame): void;

  abstract get operState(): OperState;

  /** Called after `up` has changed, and when the device is removed. */
  stateChanged(): void {}

  mtuChanged(): void {}

  macChanged(): void {}

  /** `ip link set DEV master THIS`; only a bridge takes anybody. */
  enslave(device: Device): Errno | undefined {
    return device === this ? 'ELOOP' : 'EOPNOTSUPP';
  }

  /** Takes away what hangs on it: the other end of a pair, the ports of a bridge. */
  released(): void {}

  /** Up, but nothing on the other side: its routes are `linkdown`. */
  get linkDown(): boolean {
    return this.up && !this.carrier;
  }

  get master(): Device | undefined {
    return this.port?.bridge;
  }

  get statistics(): Readonly<LinkStatistics> {
    return this;
  }

  /** Whether the device answers for loopback addresses: `all` or its own parameter. */
  get routeLocalnet(): boolean {
    return this.conf.routeLocalnet !== 0 || this.netns.sysctl.all.routeLocalnet !== 0;
  }

  /** Strict 1, loose 2 or off 0: the larger of `all` and its own. */
  get rpFilter(): number {
    return Math.max(this.conf.rpFilter, this.netns.sysctl.all.rpFilter);
  }

  get proxyArp(): boolean {
    return this.conf.proxyArp !== 0 || this.netns.sysctl.all.proxyArp !== 0;
  }

  /** Sends `skb.frame`. A device that is down, or has nobody on the other side, loses it unseen. */
  queueXmit(skb: Skb): void {
    const frame = skb.frame;
    if (frame === undefined) return;
    const world = this.netns.world;
    if (!this.up || !this.carrier) {
      this.txDropped++;
      this.decide(skb, { code: 'link-down', dev: this.name });
      return;
    }
    if (world.tracer !== undefined)
      world.tracer.frame(world.now, skb.walk, this.netns.name, this.name, 'out', frame);
    world.enterTransmit();
    this.txPackets++;
    this.txBytes += frame.length;
    this.xmit(skb, frame);
    world.leaveTransmit();
  }

  /** A frame arrives whose capture time was set when it was put into the backlog. */
  receive(skb: Skb): void {
    const frame = skb.frame;
    if (frame === undefined) return;
    if (!this.up) {
      this.rxDropped++;
      return;
    }
    this.rxPackets++;
    this.rxBytes += frame.length;
    skb.inDev = this;
    if (this.port !== undefined) this.port.bridge.handleFrame(this.port, skb, frame);
    else this.deliver(skb, frame);
  }

  /** The layers above: ARP and IP. Frames for somebody else end here. */
  deliver(skb: Skb, frame: Frame): void {
    const world = this.netns.world;
    if (frame.dst !== this.mac && !isGroupMac(frame.dst) && this.kind !== 'loopback') {
      this.decide(skb, { code: 'drop', reason: 'other-host' });
      return;
    }
    if (frame.type === 'arp') world.arp.receive(this, skb, frame);
    else world.ip.receive(this, skb, frame);
  }

  /** What the record says that happened to the packet here. */
  protected decide(skb: Skb, decision: Decision): void {
    const world = this.netns.world;
    world.tracer?.decision(world.now, skb.walk, this.netns.name, decision);
  }
}

/** Records the `in` of a capture and remembers its time in the carrier. */
export function arrive(skb: Skb, dev: Device, frame: Frame): void {
  const world = dev.netns.world;
  skb.stamp = world.now;
  if (world.tracer !== undefined)
    world.tracer.frame(world.now, skb.walk, dev.netns.name, dev.name, 'in', frame);
}
