/** ARP as Linux does it (net/ipv4/arp.c): who asks from which address, who answers, what is learnt, proxy ARP. */
import {
  formatIp,
  formatMac,
  isLoopback,
  isMulticast,
  MAC_BROADCAST,
  prefixContains,
  maskIp,
  type Ip,
} from './address.ts';
import type { Device } from './device.ts';
import { neighbourOf, type Neighbour } from './neighbour.ts';
import type { Netns } from './netns.ts';
import { ArpPacket, Frame, IpPacket, EMPTY, RawPayload } from './packet.ts';
import { Skb } from './skb.ts';

/** Stands where an IP packet would: an ARP frame carries none. */
const NO_PACKET = new IpPacket(0, 0, 255, 0, 0, 0, false, false, 0, new RawPayload(EMPTY));

export class Arp {
  /** Asks for a neighbour, by broadcast or at the address it had. */
  solicit(neighbour: Neighbour, unicast: boolean, waiting: Skb | undefined): void {
    const dev = neighbour.dev;
    const world = dev.netns.world;
    const src = this.#sourceAddress(dev, neighbour.ip, waiting?.packet.src);
    const request = new ArpPacket('request', dev.mac, src, unicast ? neighbour.mac : 0, neighbour.ip);
    this.#send(dev, request, unicast ? neighbour.mac : MAC_BROADCAST, world.newWalk(waiting?.walk));
  }

  /** A gratuitous or a probing request that a tool sends (`arping`). */
  request(dev: Device, src: Ip, target: Ip): void {
    this.#send(
      dev,
      new ArpPacket('request', dev.mac, src, 0, target),
      MAC_BROADCAST,
      dev.netns.world.newWalk(),
    );
  }

  receive(dev: Device, skb: Skb, frame: Frame): void {
    const arp = frame.payload;
    if (arp.kind !== 'arp' || dev.noArp) return;
    dev.netns.arpHeard(dev, arp);
    if (isMulticast(arp.targetIp) || (isLoopback(arp.targetIp) && !dev.routeLocalnet)) return;
    if (arp.senderIp === 0) {
      if (arp.op === 'request' && dev.netns.routes.addressType(arp.targetIp) === 'local')
        this.#answer(dev, arp, skb.walk, false);
      return;
    }
    if (arp.op === 'request' && this.#request(dev, arp, skb, frame)) return;
    this.#learn(dev, arp, skb, frame);
  }

  /** True when the request was answered, or is not to be. */
  #request(dev: Device, arp: ArpPacket, skb: Skb, frame: Frame): boolean {
    const ns = dev.netns;
    const world = ns.world;
    // A broadcast reaches every machine of the LAN: those that it does not concern look no further.
    if (!dev.proxyArp && ns.routes.addressType(arp.targetIp) !== 'local') return false;
    const route = world.ip.inputRoute(ns, dev, arp.targetIp, arp.senderIp);
    if (route === undefined) return false;
    if (route.kind === 'local') {
      if (this.#ignored(dev, arp)) {
        world.tracer?.decision(world.now, skb.walk, ns.name, {
          code: 'arp-ignore',
          ip: formatIp(arp.targetIp),
          dev: dev.name,
        });
        return true;
      }
      neighbourOf(dev, arp.senderIp).heard(arp.senderMac, skb.walk);
      this.#answer(dev, arp, skb.walk, false);
      return true;
    }
    if (dev.conf.forwarding === 0 || route.kind !== 'unicast') return false;
    if (!dev.proxyArp || route.dev === dev) return false;
    neighbourOf(dev, arp.senderIp).heard(arp.senderMac, skb.walk);
    const delay = dev.neighbourParameters.proxyDelay;
    if (delay === 0 || frame.dst === dev.mac) this.#answer(dev, arp, skb.walk, true);
    else world.schedule(world.random.below(delay), () => this.#answer(dev, arp, skb.walk, true));
    return true;
  }

  #answer(dev: Device, arp: ArpPacket, cause: number, proxy: boolean): void {
    const world = dev.netns.world;
    world.tracer?.decision(world.now, cause, dev.netns.name, {
      code: 'arp-answer',
      ip: formatIp(arp.targetIp),
      dev: dev.name,
      mac: formatMac(dev.mac),
      proxy,
    });
    const reply = new ArpPacket('reply', dev.mac, arp.targetIp, arp.senderMac, arp.senderIp);
    this.#send(dev, reply, arp.senderMac, world.newWalk(cause));
  }

  /** An entry that exists is updated by whatever is heard; a new one is made only with arp_accept. */
  #learn(dev: Device, arp: ArpPacket, skb: Skb, frame: Frame): void {
    let entry = dev.neighbours?.get(arp.senderIp);
    const gratuitous = arp.senderIp === arp.targetIp;
    if (entry === undefined && gratuitous && dev.conf.arpAccept !== 0) entry = neighbourOf(dev, arp.senderIp);
    if (entry === undefined) return;
    const asserts = arp.op === 'reply' && frame.dst === dev.mac;
    entry.update(arp.senderMac, asserts ? 'REACHABLE' : 'STALE', {
      override: !entry.locked || gratuitous,
      admin: false,
      walk: skb.walk,
    });
  }

  /** arp_ignore. */
  #ignored(dev: Device, arp: ArpPacket): boolean {
    const mode = Math.max(dev.conf.arpIgnore, dev.netns.sysctl.all.arpIgnore);
    if (mode === 0) return false;
    if (mode === 8) return true;
    const own = dev.addresses.find((address) => address.ip === arp.targetIp);
    if (own === undefined) return true;
    if (mode < 2) return false;
    return !prefixContains({ ip: maskIp(own.ip, own.length), length: own.length }, arp.senderIp);
  }

  /** arp_announce: 0 takes the packet's own source if it is local, 1 only in the subnet, 2 the device's best. */
  #sourceAddress(dev: Device, target: Ip, packetSource: Ip | undefined): Ip {
    const ns: Netns = dev.netns;
    const mode = Math.max(dev.conf.arpAnnounce, ns.sysctl.all.arpAnnounce);
    if (packetSource !== undefined && mode < 2 && ns.routes.addressType(packetSource) === 'local') {
      if (mode === 0) return packetSource;
      const subnet = dev.addresses.some((address) =>
        prefixContains({ ip: maskIp(address.ip, address.length), length: address.length }, target),
      );
      if (subnet) return packetSource;
    }
    return ns.selectAddress(dev, target, 'link');
  }

  #send(dev: Device, arp: ArpPacket, to: number, walk: number): void {
    const skb = new Skb(dev.netns, NO_PACKET, walk);
    skb.frame = new Frame(dev.mac, to, 'arp', arp);
    dev.queueXmit(skb);
  }
}
