/** IP in IP (net/ipv4/ipip.c), as Calico uses it: a NOARP device whose next hop is the remote host. */
import { formatIp, type Ip } from './address.ts';
import { Device, type OperState } from './device.ts';
import type { Netns } from './netns.ts';
import { IPPROTO_IPIP, IpPacket, ipFrame, type Frame } from './packet.ts';
import type { Skb } from './skb.ts';

export interface IpipOptions {
  readonly local?: Ip | undefined;
  /** Unset for a tunnel to whatever the route's next hop is. */
  readonly remote?: Ip | undefined;
  readonly ttl?: number;
  readonly dev?: Device | undefined;
}

export class Ipip extends Device {
  readonly local: Ip | undefined;
  readonly remote: Ip | undefined;
  readonly ttl: number;
  readonly lower: Device | undefined;

  constructor(netns: Netns, name: string, options: IpipOptions) {
    super(netns, name, 'ipip', 0, 1480, true);
    this.local = options.local;
    this.remote = options.remote;
    this.ttl = options.ttl ?? 0;
    this.lower = options.dev;
  }

  override get operState(): OperState {
    return this.up ? 'UNKNOWN' : 'DOWN';
  }

  override stateChanged(): void {
    const { ipip } = this.netns.sockets;
    const index = ipip.indexOf(this);
    if (index >= 0) ipip.splice(index, 1);
    if (this.up) ipip.push(this);
  }

  protected override xmit(skb: Skb): void {
    const ns = this.netns;
    const world = ns.world;
    const inner = skb.packet;
    const remote = this.remote ?? skb.route?.gateway ?? (skb.route === undefined ? undefined : inner.dst);
    if (remote === undefined || remote === 0) {
      this.txDropped++;
      world.tracer?.decision(world.now, skb.walk, ns.name, { code: 'drop', reason: 'tunnel-no-remote' });
      return;
    }
    const route = ns.routes.lookup({ dst: remote, src: this.local, oif: this.lower });
    if (route.kind !== 'unicast' || route.dev === undefined || route.dev === this) {
      this.txDropped++;
      world.ip.traceRoute(ns, skb, route, remote);
      world.tracer?.decision(world.now, skb.walk, ns.name, { code: 'drop', reason: 'tunnel-no-route' });
      return;
    }
    const src = this.local ?? route.src;
    world.tracer?.decision(world.now, skb.walk, ns.name, {
      code: 'ipip-encap',
      dev: this.name,
      local: formatIp(src),
      remote: formatIp(remote),
    });
    const ttl = this.ttl === 0 ? inner.ttl : this.ttl;
    const outer = new IpPacket(
      src,
      remote,
      IPPROTO_IPIP,
      ttl,
      inner.tos,
      inner.df ? 0 : ns.nextIpId(),
      inner.df,
      false,
      0,
      inner,
    );
    skb.scrub();
    skb.frame = undefined;
    skb.packet = outer;
    skb.route = route;
    world.ip.output(skb);
  }

  /** Takes the inner packet out again; it shows on this device with an empty link header. */
  decapsulate(skb: Skb, inner: IpPacket): void {
    const ns = this.netns;
    const world = ns.world;
    if (!this.up) return;
    world.tracer?.decision(world.now, skb.walk, ns.name, {
      code: 'ipip-decap',
      dev: this.name,
      remote: formatIp(skb.packet.src),
    });
    const mark = skb.mark;
    const frame: Frame = ipFrame(0, 0, inner);
    skb.scrub();
    skb.mark = mark;
    skb.packet = inner;
    skb.frame = frame;
    skb.inDev = this;
    world.tracer?.frame(skb.stamp, skb.walk, ns.name, this.name, 'in', frame);
    this.receive(skb);
  }
}
