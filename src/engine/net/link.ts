/** Makes devices, as `ip link add … type KIND` does. Every function answers with the device, or an errno. New devices are down. */
import type { Mac } from './address.ts';
import { Bridge } from './bridge.ts';
import type { Device } from './device.ts';
import { Dummy } from './dummy.ts';
import type { Errno } from './errno.ts';
import { Ipip, type IpipOptions } from './ipip.ts';
import type { Netns } from './netns.ts';
import { Veth } from './veth.ts';
import { overIpv6, VxlanDevice, type VxlanOptions } from './vxlan.ts';

/** What encapsulation adds, IPv4 and IPv6. A device over another one is made no larger than leaves room for it (vxlan_config_apply). */
const VXLAN_HEADROOM = 50;
const VXLAN6_HEADROOM = 70;

export interface VethOptions {
  readonly mtu?: number;
  readonly macA?: Mac;
  readonly macB?: Mac;
}

/** A pair between two namespaces, or within one. */
export function createVeth(
  nsA: Netns,
  nameA: string,
  nsB: Netns,
  nameB: string,
  options: VethOptions = {},
): readonly [Veth, Veth] | Errno {
  if (nsA.devices.has(nameA) || nsB.devices.has(nameB) || (nsA === nsB && nameA === nameB)) return 'EEXIST';
  const mtu = options.mtu ?? 1500;
  const a = new Veth(nsA, nameA, options.macA ?? randomMac(nsA), mtu);
  const b = new Veth(nsB, nameB, options.macB ?? randomMac(nsB), mtu);
  a.peer = b;
  b.peer = a;
  nsB.register(b);
  nsA.register(a);
  return [a, b];
}

export function createBridge(
  ns: Netns,
  name: string,
  options: { readonly mac?: Mac; readonly mtu?: number } = {},
): Bridge | Errno {
  return place(ns, new Bridge(ns, name, options.mac), options.mtu);
}

export function createVxlan(
  ns: Netns,
  name: string,
  options: VxlanOptions & { readonly mac?: Mac; readonly mtu?: number },
): VxlanDevice | Errno {
  for (const device of ns.devices.values())
    if (
      device instanceof VxlanDevice &&
      device.vni === options.vni &&
      device.dstport === (options.port ?? 8472) &&
      device.overIpv6 === overIpv6(options)
    )
      return 'EEXIST';
  const headroom = overIpv6(options) ? VXLAN6_HEADROOM : VXLAN_HEADROOM;
  const most = options.dev === undefined ? Infinity : options.dev.mtu - headroom;
  const mtu = Math.min(options.mtu ?? (options.dev === undefined ? 1500 : most), most);
  return place(ns, new VxlanDevice(ns, name, options.mac ?? randomMac(ns), mtu, options));
}

export function createIpip(
  ns: Netns,
  name: string,
  options: IpipOptions & { readonly mtu?: number } = {},
): Ipip | Errno {
  return place(ns, new Ipip(ns, name, options), options.mtu);
}

export function createDummy(ns: Netns, name: string, options: { readonly mac?: Mac } = {}): Dummy | Errno {
  return place(ns, new Dummy(ns, name, options.mac ?? randomMac(ns)));
}

function place<D extends Device>(ns: Netns, device: D, mtu?: number): D | Errno {
  if (!ns.register(device)) return 'EEXIST';
  if (mtu !== undefined) ns.setLink(device.name, { mtu });
  return device;
}

/** A locally administered unicast address. */
function randomMac(ns: Netns): Mac {
  const random = ns.world.random;
  const first = (random.below(256) & 0xfe) | 0x02;
  return first * 0x10000000000 + random.below(256) * 0x100000000 + random.uint32();
}
