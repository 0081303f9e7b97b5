/** A device that swallows what it is given (drivers/net/dummy.c). */
import type { Mac } from './address.ts';
import { Device, type OperState } from './device.ts';
import type { Netns } from './netns.ts';

export class Dummy extends Device {
  constructor(netns: Netns, name: string, mac: Mac) {
    super(netns, name, 'dummy', mac, 1500, true);
  }

  override get operState(): OperState {
    return this.up ? 'UNKNOWN' : 'DOWN';
  }

  protected override xmit(): void {}
}
