/** `lo`: what is sent comes back (drivers/net/loopback.c). */
import { arrive, Device, type OperState } from './device.ts';
import type { Netns } from './netns.ts';
import type { Frame } from './packet.ts';
import type { Skb } from './skb.ts';

export class Loopback extends Device {
  constructor(netns: Netns) {
    super(netns, 'lo', 'loopback', 0, 65536, true);
  }

  override get operState(): OperState {
    return this.up ? 'UNKNOWN' : 'DOWN';
  }

  protected override xmit(skb: Skb, frame: Frame): void {
    skb.inDev = this;
    skb.outDev = undefined;
    skb.route = undefined;
    arrive(skb, this, frame);
    this.netns.world.enqueue(skb);
  }
}
