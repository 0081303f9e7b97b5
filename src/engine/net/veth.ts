/** A pair of devices, usually in two namespaces: what one sends the other receives (drivers/net/veth.c). */
import type { Mac } from './address.ts';
import { arrive, Device, type OperState } from './device.ts';
import type { Netns } from './netns.ts';
import type { Frame } from './packet.ts';
import type { Skb } from './skb.ts';

/** Bytes beyond its MTU that a device still takes: Ethernet and VLAN headers (is_skb_forwardable). */
const HEADER_ROOM = 18;

export class Veth extends Device {
  peer: Veth | undefined = undefined;

  constructor(netns: Netns, name: string, mac: Mac, mtu: number) {
    super(netns, name, 'veth', mac, mtu, false);
  }

  override get carrier(): boolean {
    return this.up && this.peer?.up === true;
  }

  override get operState(): OperState {
    if (this.up && this.carrier) return 'UP';
    // default_operstate (net/core/link_watch.c) looks for the other end in this namespace only.
    return this.up && this.peer?.netns === this.netns ? 'LOWERLAYERDOWN' : 'DOWN';
  }

  override stateChanged(): void {
    this.port?.bridge.carrierChanged(this.port);
    const peer = this.peer;
    if (peer?.port !== undefined) peer.port.bridge.carrierChanged(peer.port);
    peer?.netns.routes.changed();
  }

  override released(): void {
    const peer = this.peer;
    if (peer === undefined) return;
    this.peer = undefined;
    peer.peer = undefined;
    if (peer.netns.devices.get(peer.name) === peer) peer.netns.unregister(peer);
  }

  protected override xmit(skb: Skb, frame: Frame): void {
    const peer = this.peer;
    if (peer === undefined) return;
    if (frame.length > peer.mtu + HEADER_ROOM) {
      peer.rxDropped++;
      this.txDropped++;
      const world = this.netns.world;
      world.tracer?.decision(world.now, skb.walk, peer.netns.name, {
        code: 'mtu-exceeded',
        dev: peer.name,
        mtu: peer.mtu,
        length: frame.length - 14,
        answer: 'drop',
      });
      return;
    }
    const world = peer.netns.world;
    world.now++;
    skb.scrub();
    skb.netns = peer.netns;
    skb.inDev = peer;
    arrive(skb, peer, frame);
    world.enqueue(skb);
  }
}
