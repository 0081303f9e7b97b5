/** A pair of devices, usually in two namespaces: what one sends the other receives (drivers/net/veth.c). */
import type { Mac } from './address.ts';
import { arrive, Device, type OperState } from './device.ts';
import type { Netns } from './netns.ts';
import type { Frame } from './packet.ts';
import type { Skb } from './skb.ts';

/** Bytes beyond its MTU that a device still takes: Ethernet and VLAN headers (is_skb_forwardable). */
const HEADER_ROOM = 18;

export class Veth extends Device {
  override carrier = false;
  peer: Veth | undefined = undefined;

  constructor(netns: Netns, name: string, mac: Mac, mtu: number) {
    super(netns, name, 'veth', mac, mtu, false);
  }

  override get operState(): OperState {
    if (this.up && this.carrier) return 'UP';
    // default_operstate (net/core/link_watch.c) looks for the other end in this namespace only.
    return this.up && this.peer?.netns === this.netns ? 'LOWERLAYERDOWN' : 'DOWN';
  }

  override stateChanged(): void {
    const peer = this.peer;
    this.carrier = this.up && peer?.up === true;
    this.port?.bridge.carrierChanged(this.port);
    if (peer === undefined) return;
    peer.carrier = this.carrier;
    peer.port?.bridge.carrierChanged(peer.port);
    peer.netns.routes.changed();
    // Whoever was there may be gone when the carrier is back (neigh_carrier_down).
    if (!this.up && peer.up) peer.netns.neighbours.flush(peer);
  }

  override released(): void {
    const peer = this.peer;
    if (peer === undefined) return;
    this.peer = undefined;
    peer.peer = undefined;
    this.carrier = peer.carrier = false;
    if (peer.netns.devices.get(peer.name) === peer) peer.netns.unregister(peer);
  }

  protected override xmit(skb: Skb, frame: Frame): void {
    const peer = this.peer;
    if (peer === undefined) return;
    if (frame.length > peer.mtu + HEADER_ROOM) {
      this.txDropped++;
      peer.#refuse(skb, frame);
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

  /** Longer than what it takes. */
  #refuse(skb: Skb, frame: Frame): void {
    this.rxDropped++;
    this.decide(skb, {
      code: 'mtu-exceeded',
      dev: this.name,
      mtu: this.mtu,
      length: frame.length - 14,
      answer: 'drop',
    });
  }
}
