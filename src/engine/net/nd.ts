/** IPv6 neighbour discovery (net/ipv6/ndisc.c): what ARP is to IPv4, in ICMPv6 messages to solicited-node groups. */
import {
  formatIp,
  formatMac,
  internIpv6,
  ipv6Words,
  isAny,
  isLinkLocal,
  isMulticast,
  type Ip,
  type Mac,
} from './address.ts';
import type { Device } from './device.ts';
import { neighbourOf, type Neighbour } from './neighbour.ts';
import type { Netns } from './netns.ts';
import {
  ICMPV6_NEIGHBOUR_ADVERTISEMENT,
  ICMPV6_NEIGHBOUR_SOLICITATION,
  IcmpMessage,
  ipFrame,
  IPPROTO_ICMPV6,
  IpPacket,
} from './packet.ts';
import { Skb } from './skb.ts';

const HOP_LIMIT = 255;
const ALL_NODES = internIpv6(0xff020000, 0, 0, 1);

export class NeighbourDiscoveryLayer {
  /** Asks for a neighbour, at its group or at the address it had. */
  solicit(neighbour: Neighbour, unicast: boolean, waiting: Skb | undefined): void {
    const dev = neighbour.dev;
    const ns = dev.netns;
    const wanted = waiting?.packet.src;
    const src =
      wanted !== undefined && dev.addresses.some((own) => own.ip === wanted)
        ? wanted
        : (dev.addresses.find((own) => isLinkLocal(own.ip))?.ip ??
          ns.selectAddress(dev, neighbour.ip, 'link'));
    const message = new IcmpMessage(ICMPV6_NEIGHBOUR_SOLICITATION, 0, {
      nd: { target: neighbour.ip, mac: dev.mac, router: false, solicited: false, override: false },
    });
    const dst = unicast ? neighbour.ip : solicitedNode(neighbour.ip);
    const to = unicast ? neighbour.mac : multicastMac(dst);
    this.#send(dev, src, dst, to, message, ns.world.newWalk(waiting?.walk));
  }

  receive(ns: Netns, dev: Device, skb: Skb, packet: IpPacket, message: IcmpMessage): void {
    if (packet.ttl !== HOP_LIMIT || message.nd === undefined) return;
    if (message.type === ICMPV6_NEIGHBOUR_SOLICITATION) this.#solicited(ns, dev, skb, packet, message);
    else if (message.type === ICMPV6_NEIGHBOUR_ADVERTISEMENT) this.#advertised(dev, skb, message);
  }

  #solicited(ns: Netns, dev: Device, skb: Skb, packet: IpPacket, message: IcmpMessage): void {
    const nd = message.nd;
    if (nd === undefined || !dev.addresses.some((own) => own.ip === nd.target)) return;
    const unknown = isAny(packet.src);
    if (!unknown && nd.mac !== undefined) neighbourOf(dev, packet.src).heard(nd.mac, skb.walk);
    const world = ns.world;
    world.tracer?.decision(world.now, skb.walk, ns.name, {
      code: 'arp-answer',
      ip: formatIp(nd.target),
      dev: dev.name,
      mac: formatMac(dev.mac),
      proxy: false,
    });
    // Who asked at the very address knows the MAC already, and is told neither it nor to believe it.
    const group = isMulticast(packet.dst);
    const answer = new IcmpMessage(ICMPV6_NEIGHBOUR_ADVERTISEMENT, 0, {
      nd: {
        target: nd.target,
        ...(group ? { mac: dev.mac } : {}),
        router: dev.conf.forwarding6 !== 0,
        solicited: !unknown,
        override: group,
      },
    });
    const dst = unknown ? ALL_NODES : packet.src;
    const known = dev.neighbours?.get(dst);
    const to = unknown
      ? multicastMac(ALL_NODES)
      : (nd.mac ?? (known?.valid === true ? known.mac : undefined));
    if (to !== undefined) this.#send(dev, nd.target, dst, to, answer, world.newWalk(skb.walk));
  }

  #advertised(dev: Device, skb: Skb, message: IcmpMessage): void {
    const nd = message.nd;
    if (nd === undefined) return;
    const entry = dev.neighbours?.get(nd.target);
    if (entry === undefined) return;
    entry.router = nd.router;
    entry.update(nd.mac, nd.solicited ? 'REACHABLE' : 'STALE', {
      override: nd.override,
      admin: false,
      walk: skb.walk,
    });
  }

  #send(dev: Device, src: Ip, dst: Ip, to: Mac, message: IcmpMessage, walk: number): void {
    const ns = dev.netns;
    const packet = new IpPacket(src, dst, IPPROTO_ICMPV6, HOP_LIMIT, 0, 0, false, false, 0, message);
    const skb = new Skb(ns, packet, walk);
    skb.outDev = dev;
    if (ns.netfilter.hook('OUTPUT', skb) === 'DROP') return;
    if (ns.netfilter.hook('POSTROUTING', skb) === 'DROP') return;
    skb.frame = ipFrame(dev.mac, to, skb.packet);
    dev.queueXmit(skb);
  }
}

/** ff02::1:ffXX:XXXX of an address. */
function solicitedNode(ip: Ip): Ip {
  return internIpv6(0xff020000, 0, 1, (0xff000000 | (ipv6Words(ip)[3] & 0xffffff)) >>> 0);
}

/** 33:33 and the last 32 bits of a group. */
export function multicastMac(group: Ip): Mac {
  return 0x333300000000 + ipv6Words(group)[3];
}

/** fe80:: and the modified EUI-64 of a MAC. */
export function linkLocalAddress(mac: Mac): Ip {
  const high = Math.floor(mac / 0x1000000);
  const low = mac % 0x1000000;
  return internIpv6(0xfe800000, 0, ((high ^ 0x020000) << 8) | 0xff, (0xfe000000 | low) >>> 0);
}
