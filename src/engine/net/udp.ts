/** UDP's receiving side (net/ipv4/udp.c). */
import { formatIp, isIpv6, isMulticast, IPV4_BROADCAST } from './address.ts';
import type { SocketError } from './icmp.ts';
import type { Netns } from './netns.ts';
import { ICMP_PORT_UNREACHABLE, ICMP_UNREACHABLE, transportOf, Vxlan, type IpPacket } from './packet.ts';
import type { Skb } from './skb.ts';

export class Udp {
  receive(ns: Netns, skb: Skb, packet: IpPacket): void {
    const datagram = packet.payload;
    if (datagram.kind !== 'udp') return;
    const tunnels = ns.sockets.vxlan.get(datagram.dport);
    if (tunnels !== undefined && datagram.payload instanceof Vxlan) {
      const vni = datagram.payload.vni;
      for (const device of tunnels) {
        if (device.vni !== vni || device.overIpv6 !== isIpv6(packet.src)) continue;
        device.decapsulate(skb, datagram.payload);
        return;
      }
      return;
    }
    const socket = ns.sockets.findUdp(packet.dst, datagram.dport, packet.src, datagram.sport);
    if (socket === undefined || datagram.payload instanceof Vxlan) {
      this.#refuse(ns, skb, `${formatIp(packet.dst)}:${datagram.dport}`);
      return;
    }
    if (ns.world.tracer !== undefined)
      decideDelivery(ns, skb, `${formatIp(packet.dst)}:${datagram.dport}`, socket.process?.name);
    socket.receive({
      kind: 'datagram',
      data: datagram.payload,
      src: packet.src,
      sport: datagram.sport,
      dst: packet.dst,
      ttl: packet.ttl,
      walk: skb.walk,
    });
  }

  /** Nobody listens: port-unreachable, but for what was sent to many. */
  #refuse(ns: Netns, skb: Skb, local: string): void {
    const world = ns.world;
    const { dst } = skb.packet;
    const group = dst === IPV4_BROADCAST || isMulticast(dst) || skb.route?.kind === 'broadcast';
    const answer = group ? 'none' : 'port-unreachable';
    world.tracer?.decision(world.now, skb.walk, ns.name, {
      code: 'no-socket',
      protocol: 'udp',
      local,
      answer,
    });
    if (!group) world.icmp.sendError(skb, ICMP_UNREACHABLE, ICMP_PORT_UNREACHABLE, 0);
  }

  /** An ICMP error about a datagram that was sent from here (__udp4_lib_err). */
  error(ns: Netns, skb: Skb, quoted: IpPacket, error: SocketError): void {
    const datagram = transportOf(quoted);
    if (datagram?.kind !== 'udp') return;
    const socket = ns.sockets.findUdp(quoted.src, datagram.sport, quoted.dst, datagram.dport);
    if (error.errno === 'EMSGSIZE' && (socket !== undefined || ns.sockets.vxlan.has(datagram.dport)))
      ns.world.icmp.learnPathMtu(ns, skb, quoted.dst, error.mtu);
    socket?.fail(error);
  }
}

function decideDelivery(ns: Netns, skb: Skb, local: string, process: string | undefined): void {
  const world = ns.world;
  world.tracer?.decision(world.now, skb.walk, ns.name, {
    code: 'deliver',
    protocol: 'udp',
    local,
    ...(process === undefined ? {} : { process }),
  });
}
