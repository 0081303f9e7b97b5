import { anyAddress, familyOf, formatIp, parseIp } from './net/address.ts';
import type { Family, Ip, Mac } from './net/address.ts';
import { Bridge } from './net/bridge.ts';
import type { Device } from './net/device.ts';
import { createBridge, createVeth } from './net/link.ts';
import type { Netns } from './net/netns.ts';
import type { World } from './net/world.ts';
import { macOfIp } from './cni/cni.ts';

/** The first half of the MACs of machines' NICs, and of the host ends of links. */
const MACHINE_MAC = 0x0200;
const LINK_MAC = 0x02fe;

/** The networks around the nodes: documentation addresses, and for IPv6 a unique local network that reads like the IPv4 one. */
interface Surroundings {
  readonly routerLan: Ip;
  readonly routerOutside: Ip;
  readonly ext: Ip;
  readonly outsideLength: number;
}

const SURROUNDINGS: Readonly<Record<Family, Surroundings>> = {
  4: {
    routerLan: address('192.168.50.1'),
    routerOutside: address('203.0.113.1'),
    ext: address('203.0.113.10'),
    outsideLength: 24,
  },
  6: {
    routerLan: address('fd00:192:168:50::1'),
    routerOutside: address('2001:db8:113::1'),
    ext: address('2001:db8:113::10'),
    outsideLength: 64,
  },
};

/** What is around the nodes: the switch `lan` they hang on, a router, and one host on the far side of it. */
export class Lan {
  readonly switch: Netns;
  readonly router: Netns;
  readonly ext: Netns;
  readonly #bridge: Bridge | undefined;
  readonly families: readonly Family[];
  /** A /24 has room for some 240 nodes; larger clusters get a wider LAN. */
  readonly #length: Readonly<Record<Family, number>>;
  #links = 0;

  constructor(world: World, nodes: number, families: readonly Family[]) {
    this.families = families;
    this.#length = { 4: nodes < 240 ? 24 : 16, 6: 64 };
    this.switch = world.createNetns('lan', { kind: 'switch' });
    this.router = world.createNetns('router', { kind: 'host' });
    this.ext = world.createNetns('ext', { kind: 'host' });
    const bridge = createBridge(this.switch, 'sw0');
    this.#bridge = bridge instanceof Bridge ? bridge : undefined;
    this.switch.setLink('sw0', { up: true });
    this.switch.sysctl.set('net.bridge.bridge-nf-call-iptables', '0');
    this.switch.sysctl.set('net.bridge.bridge-nf-call-ip6tables', '0');
    const around = families.map((family) => SURROUNDINGS[family]);
    this.#plug(
      'p-router',
      this.router,
      around.map(({ routerLan }) => routerLan),
    );
    if (families.includes(4)) this.router.sysctl.set('net.ipv4.ip_forward', '1');
    if (families.includes(6)) this.router.sysctl.set('net.ipv6.conf.all.forwarding', '1');
    const [first] = around;
    if (first === undefined) return;
    createVeth(this.router, 'eth1', this.ext, 'eth0', {
      macA: macOfIp(MACHINE_MAC, first.routerOutside),
      macB: macOfIp(MACHINE_MAC, first.ext),
    });
    this.router.setLink('eth1', { up: true });
    this.ext.setLink('eth0', { up: true });
    for (const { routerOutside, ext, outsideLength } of around) {
      addAddress(this.router, 'eth1', routerOutside, outsideLength);
      addAddress(this.ext, 'eth0', ext, outsideLength);
      addDefaultRoute(this.ext, 'eth0', routerOutside);
    }
  }

  /** A machine's NIC, plugged in, with its addresses and its ways out. */
  attach(name: string, netns: Netns, ips: readonly Ip[]): Device | undefined {
    const device = this.#plug(`p-${name}`, netns, ips);
    if (device !== undefined)
      for (const family of this.families)
        if (ips.some((ip) => familyOf(ip) === family))
          addDefaultRoute(netns, 'eth0', SURROUNDINGS[family].routerLan);
    // A bridge floods to its newest port first, and in the measured network that is the router's.
    const router = this.switch.devices.get('p-router');
    if (router !== undefined) this.#bridge?.floodFirst(router);
    return device;
  }

  /** The outside host's addresses. */
  get extAddresses(): readonly string[] {
    return this.families.map((family) => formatIp(SURROUNDINGS[family].ext));
  }

  /** What the machines' resolvers are told: the outside host is the upstream, in the primary family. */
  get nameservers(): readonly string[] {
    return this.extAddresses.slice(0, 1);
  }

  /** The next of the MACs that would be random. */
  newMac(): Mac {
    return macOfIp(LINK_MAC, ++this.#links);
  }

  #plug(port: string, netns: Netns, ips: readonly Ip[]): Device | undefined {
    const [first = 0] = ips;
    createVeth(this.switch, port, netns, 'eth0', { macA: this.newMac(), macB: macOfIp(MACHINE_MAC, first) });
    if (this.#bridge !== undefined) this.switch.setLink(port, { master: this.#bridge, up: true });
    netns.setLink('eth0', { up: true });
    for (const ip of ips) addAddress(netns, 'eth0', ip, this.#length[familyOf(ip)]);
    return netns.devices.get('eth0');
  }
}

function addAddress(netns: Netns, name: string, ip: Ip, length: number): void {
  const device = netns.devices.get(name);
  if (device !== undefined) netns.addAddress(device, { ip, length });
}

function addDefaultRoute(netns: Netns, name: string, via: Ip): void {
  const dev = netns.devices.get(name);
  const dst = { ip: anyAddress(familyOf(via)), length: 0 };
  if (dev !== undefined) netns.routes.add({ dst, via, dev, protocol: 'boot' });
}

function address(text: string): Ip {
  const ip = parseIp(text);
  if (ip === undefined) throw new Error(`no address: ${text}`);
  return ip;
}
