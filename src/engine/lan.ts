import { formatIp, parseIp } from './net/address.ts';
import type { Ip, Mac } from './net/address.ts';
import { Bridge } from './net/bridge.ts';
import type { Device } from './net/device.ts';
import { createBridge, createVeth } from './net/link.ts';
import type { Netns } from './net/netns.ts';
import type { World } from './net/world.ts';
import { macOfIp } from './cni/cni.ts';

/** The first half of the MACs of machines' NICs, and of the host ends of links. */
const MACHINE_MAC = 0x0200;
const LINK_MAC = 0x02fe;

const ROUTER_LAN = address('192.168.50.1');
const ROUTER_OUTSIDE = address('203.0.113.1');
const EXT = address('203.0.113.10');
export const EXT_ADDRESS = formatIp(EXT);

/** What is around the nodes: the switch `lan` they hang on, a router, and one host on the far side of it. */
export class Lan {
  readonly switch: Netns;
  readonly router: Netns;
  readonly ext: Netns;
  readonly #bridge: Bridge | undefined;
  /** A /24 has room for some 240 nodes; larger clusters get a wider LAN. */
  readonly #length: 16 | 24;
  #links = 0;

  constructor(world: World, nodes: number) {
    this.#length = nodes < 240 ? 24 : 16;
    this.switch = world.createNetns('lan', { kind: 'switch' });
    this.router = world.createNetns('router', { kind: 'host' });
    this.ext = world.createNetns('ext', { kind: 'host' });
    const bridge = createBridge(this.switch, 'sw0');
    this.#bridge = bridge instanceof Bridge ? bridge : undefined;
    this.switch.setLink('sw0', { up: true });
    this.switch.sysctl.set('net.bridge.bridge-nf-call-iptables', '0');
    this.#plug('p-router', this.router, ROUTER_LAN);
    this.router.sysctl.set('net.ipv4.ip_forward', '1');
    createVeth(this.router, 'eth1', this.ext, 'eth0', {
      macA: macOfIp(MACHINE_MAC, ROUTER_OUTSIDE),
      macB: macOfIp(MACHINE_MAC, EXT),
    });
    bringUp(this.router, 'eth1', ROUTER_OUTSIDE, 24);
    bringUp(this.ext, 'eth0', EXT, 24);
    addDefaultRoute(this.ext, 'eth0', ROUTER_OUTSIDE);
  }

  /** A machine's NIC, plugged in, with its address and its way out. */
  attach(name: string, netns: Netns, ip: Ip): Device | undefined {
    const device = this.#plug(`p-${name}`, netns, ip);
    if (device !== undefined) addDefaultRoute(netns, 'eth0', ROUTER_LAN);
    // A bridge floods to its newest port first, and in the measured network that is the router's.
    if (this.#bridge !== undefined) {
      this.switch.setLink('p-router', { master: null });
      this.switch.setLink('p-router', { master: this.#bridge });
    }
    return device;
  }

  /** The next of the MACs that would be random. */
  newMac(): Mac {
    return macOfIp(LINK_MAC, ++this.#links);
  }

  #plug(port: string, netns: Netns, ip: Ip): Device | undefined {
    createVeth(this.switch, port, netns, 'eth0', { macA: this.newMac(), macB: macOfIp(MACHINE_MAC, ip) });
    if (this.#bridge !== undefined) this.switch.setLink(port, { master: this.#bridge, up: true });
    return bringUp(netns, 'eth0', ip, this.#length);
  }
}

function bringUp(netns: Netns, name: string, ip: Ip, length: number): Device | undefined {
  netns.setLink(name, { up: true });
  const device = netns.devices.get(name);
  if (device !== undefined) netns.addAddress(device, { ip, length });
  return device;
}

function addDefaultRoute(netns: Netns, name: string, via: Ip): void {
  const dev = netns.devices.get(name);
  if (dev !== undefined) netns.routes.add({ dst: { ip: 0, length: 0 }, via, dev, protocol: 'boot' });
}

function address(text: string): Ip {
  const ip = parseIp(text);
  if (ip === undefined) throw new Error(`no address: ${text}`);
  return ip;
}
