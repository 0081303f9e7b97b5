/**
 * The network layer, both families (net/ipv4/ip_input.c, route.c, ip_forward.c, ip_output.c): what a received packet is
 * for, forwarding, what is made here, fragmentation, the way to the neighbour. One object serves every namespace.
 *
 * `output(skb)` sends a packet that was made here: `skb.netns`, `packet`, `walk` and, if it is known, `route` are set.
 */
import {
  formatIp,
  IPV4_BROADCAST,
  isGroupMac,
  isIpv6,
  isLinkLocal,
  isLoopback,
  isMulticast,
  MAC_BROADCAST,
  type Ip,
} from './address.ts';
import type { Decision } from './decision.ts';
import type { Device } from './device.ts';
import type { Errno } from './errno.ts';
import { fragmentPacket } from './fragment.ts';
import type { Ipip } from './ipip.ts';
import { multicastMac } from './nd.ts';
import { neighbourOf } from './neighbour.ts';
import type { Netns } from './netns.ts';
import {
  ICMP_ADMIN_PROHIBITED,
  ICMP_FRAG_NEEDED,
  ICMP_HOST_UNREACHABLE,
  ICMP_NET_UNREACHABLE,
  ICMP_PROTOCOL_UNREACHABLE,
  ICMP_TIME_EXCEEDED,
  ICMP_UNREACHABLE,
  ipFrame,
  IPPROTO_ICMP,
  IPPROTO_ICMPV6,
  IPPROTO_IPIP,
  IPPROTO_TCP,
  IPPROTO_UDP,
  type Frame,
  type IpPacket,
} from './packet.ts';
import { SCOPE_VALUE, type RouteResult } from './route.ts';
import { routeDecision, routeError } from './route-verdict.ts';
import type { Skb } from './skb.ts';

/** Why a received packet goes no further although its destination was looked up. */
type Refusal = 'martian' | 'rp-filter';

export class IpLayer {
  /** ip_rcv: PREROUTING, then where it goes. */
  receive(dev: Device, skb: Skb, frame: Frame): void {
    const packet = frame.payload;
    if (packet.kind !== 'ip') return;
    const ns = dev.netns;
    skb.netns = ns;
    skb.inDev = dev;
    skb.packet = packet;
    if (skb.bridged) {
      skb.bridged = false;
      // The bridge leaves word that it may be cut again, but not how large the pieces were.
      if (skb.fragMax > 0 && isIpv6(packet.src)) skb.fragMax = Infinity;
      skb.physIn = undefined;
    } else {
      if (ns.netfilter.defrag && (packet.mf || packet.offset > 0)) {
        if (ns.reassembly.add(skb, 'prerouting') === undefined) return;
      }
      if (ns.netfilter.hook('PREROUTING', skb) === 'DROP') return;
    }
    this.#route(ns, dev, skb);
  }

  /**
   * ip_route_input: what the tables say of a packet that came in through `dev`; undefined when its source or destination is
   * refused (martian, reverse path filter). No route, and no forwarding, are told by whoever then receives the packet.
   */
  inputRoute(ns: Netns, dev: Device, dst: Ip, src: Ip, mark = 0): RouteResult | undefined {
    const route = ns.routes.wayOf(dst, src, dev, mark);
    if (route.kind === 'unicast' && dev.conf.forwarding === 0) return route;
    return this.#refused(ns, dev, dst, src, route, mark) === undefined ? route : undefined;
  }

  /** Sends what was made here: OUTPUT, routing again if it changed, POSTROUTING. An errno when it does not leave. */
  output(skb: Skb): Errno | undefined {
    const ns = skb.netns;
    skb.route ??= ns.routes.wayOf(skb.packet.dst, skb.packet.src, undefined, skb.mark);
    const error = routeError(skb.route);
    if (ns.world.tracer !== undefined) this.traceRoute(ns, skb, skb.route, skb.packet.dst);
    if (error !== undefined) return error;
    skb.inDev = undefined;
    skb.outDev = this.#deviceFor(ns, skb.route);
    if (ns.netfilter.defrag && skb.packet.isFragment && ns.reassembly.add(skb, 'output') === undefined)
      return undefined;
    const { dst, src } = skb.packet;
    const mark = skb.mark;
    if (ns.netfilter.hook('OUTPUT', skb) === 'DROP') return 'EPERM';
    if (skb.packet.dst !== dst || skb.packet.src !== src || skb.mark !== mark) {
      skb.route = ns.routes.wayOf(skb.packet.dst, skb.packet.src, undefined, skb.mark);
      if (ns.world.tracer !== undefined) this.traceRoute(ns, skb, skb.route, skb.packet.dst);
      const again = routeError(skb.route);
      if (again !== undefined) return again;
      skb.outDev = this.#deviceFor(ns, skb.route);
    }
    return this.#postRouting(skb, true);
  }

  /** The largest packet to a destination: the route's or device's MTU, or what a router has told since. */
  pathMtu(ns: Netns, route: RouteResult, dst: Ip): number {
    const dev = this.#deviceFor(ns, route);
    const mtu = route.mtu > 0 ? route.mtu : (dev?.mtu ?? 1500);
    if (ns.pathMtu.size === 0) return Math.min(mtu, 65535);
    const learnt = ns.pathMtu.get(dst);
    if (learnt === undefined) return Math.min(mtu, 65535);
    if (learnt.expires <= ns.world.now) {
      ns.pathMtu.delete(dst);
      return Math.min(mtu, 65535);
    }
    return Math.min(mtu, learnt.mtu);
  }

  /** ipv4_link_failure: its neighbour did not answer. */
  linkFailure(skb: Skb): void {
    skb.netns.world.icmp.sendError(skb, ICMP_UNREACHABLE, ICMP_HOST_UNREACHABLE, 0);
  }

  traceRoute(ns: Netns, skb: Skb, route: RouteResult | undefined, dst: Ip): void {
    const world = ns.world;
    if (world.tracer === undefined) return;
    const decision =
      route?.dst === dst ? (route.decision ??= routeDecision(route, dst)) : routeDecision(route, dst);
    world.tracer.decision(world.now, skb.walk, ns.name, decision);
  }

  #route(ns: Netns, dev: Device, skb: Skb): void {
    const packet = skb.packet;
    const { dst, src } = packet;
    const route =
      isIpv6(dst) && isLinkLocal(dst)
        ? ns.routes.lookup({ dst, src, iif: dev, oif: dev, mark: skb.mark })
        : ns.routes.wayOf(dst, src, dev, skb.mark);
    const refusal = this.#refused(ns, dev, packet.dst, packet.src, route, skb.mark);
    if (refusal !== undefined) {
      this.#traceRefusal(ns, dev, skb, refusal);
      return;
    }
    skb.route = route;
    if (
      route.kind === 'local' ||
      route.kind === 'broadcast' ||
      (isLocalMulticast(packet.dst) && (route.kind !== 'multicast' || isIpv6(packet.dst)))
    ) {
      if (ns.world.tracer !== undefined && (route.kind === 'local' || route.kind === 'broadcast'))
        this.traceRoute(ns, skb, route, packet.dst);
      this.#deliverLocal(ns, dev, skb);
      return;
    }
    if ((isIpv6(packet.dst) ? dev.conf.forwarding6 : dev.conf.forwarding) === 0) {
      if (ns.world.tracer !== undefined)
        decide(ns, skb, { code: 'forwarding-off', dst: formatIp(packet.dst) });
      return;
    }
    if (ns.world.tracer !== undefined) this.traceRoute(ns, skb, route, packet.dst);
    if (route.kind === 'unicast') this.#forward(ns, skb, route);
    else this.#routeError(skb, route);
  }

  /** The checks of ip_route_input_slow on addresses, and fib_validate_source. */
  #refused(ns: Netns, dev: Device, dst: Ip, src: Ip, route: RouteResult, mark: number): Refusal | undefined {
    if (dev.kind === 'loopback' && route.kind === 'local') return undefined;
    if (isIpv6(dst)) return isMulticast(src) || isLoopback(src) || isLoopback(dst) ? 'martian' : undefined;
    if (src >>> 28 >= 14 && (src >>> 28 === 14 || src === IPV4_BROADCAST)) return 'martian';
    if (src >>> 24 === 0 && !(src === 0 && dst === IPV4_BROADCAST)) return 'martian';
    if (dst >>> 24 === 0) return 'martian';
    if (dst >>> 24 === 127 || src >>> 24 === 127) {
      if (!dev.routeLocalnet) return 'martian';
    }
    if (route.kind !== 'unicast' && route.kind !== 'local' && route.kind !== 'broadcast') return undefined;
    return this.#validateSource(ns, dev, dst, src, route, mark);
  }

  #validateSource(
    ns: Netns,
    dev: Device,
    dst: Ip,
    src: Ip,
    route: RouteResult,
    mark: number,
  ): Refusal | undefined {
    if (src === 0) return undefined;
    const strict = dev.rpFilter;
    const acceptLocal = dev.conf.acceptLocal !== 0 || ns.sysctl.all.acceptLocal !== 0;
    if (strict === 0) {
      if (acceptLocal) return undefined;
      const type = ns.routes.rules.destinationOnly ? ns.routes.lookupDestination(src).kind : undefined;
      if (type !== undefined) return type === 'local' && src >>> 24 !== 127 ? 'martian' : undefined;
      return ns.ownsAddress(src) ? 'martian' : undefined;
    }
    const back = ns.routes.wayOf(src, dst, undefined, mark);
    if (back.kind === 'local') return acceptLocal ? undefined : 'martian';
    if (back.kind === 'none') return 'rp-filter';
    if (back.kind !== 'unicast') return 'martian';
    if (back.dev === dev || back.route?.nexthops?.some((hop) => hop.dev === dev) === true) return undefined;
    if (strict === 1) return 'rp-filter';
    return undefined;
  }

  #traceRefusal(ns: Netns, dev: Device, skb: Skb, refusal: Refusal): void {
    const world = ns.world;
    if (world.tracer === undefined) return;
    const src = formatIp(skb.packet.src);
    if (refusal === 'martian') {
      world.tracer.decision(world.now, skb.walk, ns.name, {
        code: 'martian',
        src,
        dst: formatIp(skb.packet.dst),
        dev: dev.name,
      });
      return;
    }
    const expected = ns.routes.lookup({ dst: skb.packet.src }).dev?.name;
    world.tracer.decision(world.now, skb.walk, ns.name, {
      code: 'rp-filter',
      src,
      dev: dev.name,
      ...(expected === undefined ? {} : { expected }),
    });
  }

  #deliverLocal(ns: Netns, dev: Device, skb: Skb): void {
    if (skb.packet.mf || skb.packet.offset > 0) {
      if (ns.reassembly.add(skb, 'local') === undefined) return;
    }
    skb.outDev = undefined;
    if (ns.netfilter.hook('INPUT', skb) === 'DROP') return;
    const world = ns.world;
    const packet = skb.packet;
    const heard = ns.sockets.deliverRaw(skb, packet);
    switch (packet.protocol) {
      case IPPROTO_TCP:
        world.tcp.receive(ns, skb, packet);
        return;
      case IPPROTO_UDP:
        world.udp.receive(ns, skb, packet);
        return;
      case IPPROTO_ICMP:
      case IPPROTO_ICMPV6:
        world.icmp.receive(ns, dev, skb, packet);
        return;
      case IPPROTO_IPIP:
        if (packet.payload.kind === 'ip' && this.#deliverTunnel(ns, skb, packet, packet.payload)) return;
        break;
    }
    if (!heard) world.icmp.sendError(skb, ICMP_UNREACHABLE, ICMP_PROTOCOL_UNREACHABLE, 0);
  }

  #deliverTunnel(ns: Netns, skb: Skb, outer: IpPacket, inner: IpPacket): boolean {
    let fallback: Ipip | undefined;
    for (const device of ns.sockets.ipip) {
      if (device.local !== undefined && device.local !== outer.dst) continue;
      if (device.remote === outer.src) {
        device.decapsulate(skb, inner);
        return true;
      }
      if (device.remote === undefined) fallback = device;
    }
    fallback?.decapsulate(skb, inner);
    return fallback !== undefined;
  }

  /** ip_forward: time to live, MTU, FORWARD. */
  #forward(ns: Netns, skb: Skb, route: RouteResult): void {
    const world = ns.world;
    const packet = skb.packet;
    const out = route.dev;
    if (out === undefined || (skb.frame !== undefined && isGroupMac(skb.frame.dst))) {
      decide(ns, skb, { code: 'not-for-us', dst: formatIp(packet.dst), dev: skb.inDev?.name ?? '' });
      return;
    }
    if (packet.ttl <= 1) {
      decide(ns, skb, { code: 'ttl-expired', at: ns.name });
      world.icmp.sendError(skb, ICMP_TIME_EXCEEDED, 0, 0);
      return;
    }
    const mtu = route.mtu > 0 ? route.mtu : out.mtu;
    if (packet.length > mtu && (packet.df || (isIpv6(packet.src) && !mayCutAgain(skb, mtu)))) {
      decideTooLong(ns, skb, out, mtu, 'frag-needed');
      world.icmp.sendError(skb, ICMP_UNREACHABLE, ICMP_FRAG_NEEDED, mtu);
      return;
    }
    skb.packet = packet.withTtl(packet.ttl - 1);
    if (world.tracer !== undefined)
      decide(ns, skb, { code: 'ttl', before: packet.ttl, after: packet.ttl - 1 });
    if (out === skb.inDev) this.#maybeRedirect(ns, skb, route, out);
    skb.outDev = out;
    if (ns.netfilter.hook('FORWARD', skb) === 'DROP') return;
    this.#postRouting(skb, false);
  }

  /** The sender is on the link where the next hop is: it could have gone there itself. */
  #maybeRedirect(ns: Netns, skb: Skb, route: RouteResult, out: Device): void {
    const packet = skb.packet;
    if (isIpv6(packet.src)) return;
    if (out.conf.sendRedirects === 0 && ns.sysctl.all.sendRedirects === 0) return;
    const back = ns.routes.lookup({ dst: packet.src });
    if (back.dev !== out || back.gateway !== undefined || back.route === undefined) return;
    if (SCOPE_VALUE[back.route.scope] < SCOPE_VALUE.link) return;
    ns.world.icmp.sendRedirect(skb, route.gateway ?? packet.dst);
  }

  /** ip_output: POSTROUTING, then the MTU. */
  #postRouting(skb: Skb, local: boolean): Errno | undefined {
    const ns = skb.netns;
    const route = skb.route;
    if (route === undefined) return 'ENETUNREACH';
    if (ns.netfilter.hook('POSTROUTING', skb) === 'DROP') return 'EPERM';
    const packet = skb.packet;
    const dev = skb.outDev;
    if (dev === undefined) return 'ENETUNREACH';
    let mtu = local ? this.pathMtu(ns, route, packet.dst) : route.mtu > 0 ? route.mtu : dev.mtu;
    if (skb.fragMax > 0) mtu = Math.min(mtu, skb.fragMax);
    if (packet.length > mtu) return this.#fragment(skb, route, dev, mtu, local);
    this.#transmit(skb, route, dev);
    return undefined;
  }

  /** ip_fragment: in pieces, unless the packet says that it must not be cut. */
  #fragment(skb: Skb, route: RouteResult, dev: Device, mtu: number, local: boolean): Errno | undefined {
    const ns = skb.netns;
    const packet = skb.packet;
    if (packet.df || (!local && isIpv6(packet.src) && !mayCutAgain(skb, mtu))) {
      decideTooLong(ns, skb, dev, mtu, local ? 'EMSGSIZE' : 'frag-needed');
      ns.world.icmp.sendError(skb, ICMP_UNREACHABLE, ICMP_FRAG_NEEDED, mtu);
      return 'EMSGSIZE';
    }
    decideTooLong(ns, skb, dev, mtu, 'fragment');
    skb.fragMax = 0;
    for (const piece of fragmentPacket(packet, mtu)) {
      const part = skb.clone();
      part.packet = piece;
      part.process = skb.process;
      this.#transmit(part, route, dev);
    }
    return undefined;
  }

  /** ip_finish_output2: to the neighbour. */
  #transmit(skb: Skb, route: RouteResult, dev: Device): void {
    const packet = skb.packet;
    if (dev.kind === 'loopback') {
      skb.frame = ipFrame(0, 0, packet);
      dev.queueXmit(skb);
      return;
    }
    if (route.kind === 'broadcast' || packet.dst === IPV4_BROADCAST) {
      skb.frame = ipFrame(dev.mac, MAC_BROADCAST, packet);
      dev.queueXmit(skb);
      return;
    }
    if (isMulticast(packet.dst)) {
      skb.frame = ipFrame(dev.mac, groupMac(packet.dst), packet);
      dev.queueXmit(skb);
      return;
    }
    let neighbour = route.neighbour;
    if (neighbour?.dev !== dev || neighbour.dead) {
      neighbour = neighbourOf(dev, route.gateway ?? packet.dst);
      route.neighbour = neighbour;
    }
    neighbour.output(skb);
  }

  /** ip_error: a route that says no. It takes a token of its own before ICMP takes one; ip6_pkt_drop takes none, and an unreachable route is none at all. */
  #routeError(skb: Skb, route: RouteResult): void {
    const ns = skb.netns;
    const v6 = isIpv6(skb.packet.src);
    const code =
      route.kind === 'none' || (v6 && route.kind === 'unreachable')
        ? ICMP_NET_UNREACHABLE
        : route.kind === 'unreachable'
          ? ICMP_HOST_UNREACHABLE
          : route.kind === 'prohibit'
            ? ICMP_ADMIN_PROHIBITED
            : undefined;
    if (code === undefined) return;
    if (!v6 && !ns.world.icmp.takeRouteErrorToken(ns, skb.packet.src)) {
      decide(ns, skb, { code: 'icmp-rate-limited', to: formatIp(skb.packet.src) });
      return;
    }
    ns.world.icmp.sendError(skb, ICMP_UNREACHABLE, code, 0);
  }

  #deviceFor(ns: Netns, route: RouteResult): Device | undefined {
    return route.kind === 'local' ? ns.loopback : route.dev;
  }
}

/** What the record says that happened to the packet. */
function decide(ns: Netns, skb: Skb, decision: Decision): void {
  const world = ns.world;
  world.tracer?.decision(world.now, skb.walk, ns.name, decision);
}

function decideTooLong(
  ns: Netns,
  skb: Skb,
  dev: Device,
  mtu: number,
  answer: 'frag-needed' | 'EMSGSIZE' | 'fragment',
): void {
  decide(ns, skb, { code: 'mtu-exceeded', dev: dev.name, mtu, length: skb.packet.length, answer });
}

/** ip6_pkt_too_big: what came in pieces and was put together for connection tracking leaves in pieces no larger. */
function mayCutAgain({ fragMax }: Skb, mtu: number): boolean {
  return fragMax === Infinity || (fragMax > 0 && fragMax <= mtu);
}

/** All hosts and, for IPv6, what every node listens to. */
function isLocalMulticast(ip: Ip): boolean {
  return isMulticast(ip) && (isIpv6(ip) || ip === 0xe0000001);
}

function groupMac(ip: Ip): number {
  return isIpv6(ip) ? multicastMac(ip) : 0x01005e000000 + (ip & 0x7fffff);
}
