/** TCP's receiving side: which connection or listener a segment is for, and the reset when it is for none (net/ipv4/tcp_ipv4.c). */
import { formatIp, isIpv6, type Ip } from './address.ts';
import type { SocketError } from './icmp.ts';
import type { Netns } from './netns.ts';
import {
  EMPTY,
  IPPROTO_TCP,
  IpPacket,
  TCP_ACK,
  TCP_FIN,
  TCP_NO_OPTIONS,
  TCP_RST,
  TCP_SYN,
  TcpSegment,
  transportOf,
} from './packet.ts';
import { Skb } from './skb.ts';
import type { TcpListener } from './socket.ts';
import { TcpConnection } from './tcp-connection.ts';

/** Which end a reset speaks for. */
interface Ends {
  readonly localIp: Ip;
  readonly localPort: number;
  readonly remoteIp: Ip;
  readonly remotePort: number;
}

export class Tcp {
  receive(ns: Netns, skb: Skb, packet: IpPacket): void {
    const segment = packet.payload;
    if (segment.kind !== 'tcp') return;
    const world = ns.world;
    const local = `:${segment.dport}`;
    const connection = ns.sockets.findConnection(packet.dst, segment.dport, packet.src, segment.sport);
    if (connection !== undefined) {
      this.#traceDelivery(ns, skb, packet, local, connection.process?.name);
      connection.receive(segment, packet, skb.walk);
      return;
    }
    const listener = ns.sockets.findListener(packet.dst, segment.dport);
    const syn = (segment.flags & (TCP_SYN | TCP_ACK | TCP_RST | TCP_FIN)) === TCP_SYN;
    if (listener !== undefined && (syn || (segment.flags & (TCP_ACK | TCP_RST)) === 0)) {
      this.#traceDelivery(ns, skb, packet, local, listener.process?.name);
      if (!syn) return;
      const ends = {
        localIp: packet.dst,
        localPort: segment.dport,
        remoteIp: packet.src,
        remotePort: segment.sport,
      };
      this.begin(listener, ends, segment, skb.walk, packet.ttl);
      return;
    }
    const reset = (segment.flags & TCP_RST) === 0;
    world.tracer?.decision(world.now, skb.walk, ns.name, {
      code: 'no-socket',
      protocol: 'tcp',
      local: formatIp(packet.dst) + local,
      answer: reset ? 'RST' : 'none',
    });
    if (!reset) return;
    this.#reset(
      ns,
      { localIp: packet.dst, localPort: segment.dport, remoteIp: packet.src, remotePort: segment.sport },
      segment,
      skb.walk,
    );
  }

  /** A listener got a SYN. */
  begin(listener: TcpListener, ends: Ends, syn: TcpSegment, walk: number, ttl = 64): void {
    const connection = new TcpConnection(
      listener.ns,
      { ip: ends.localIp, port: ends.localPort },
      { ip: ends.remoteIp, port: ends.remotePort },
      { process: listener.process, listener },
    );
    connection.receivedTtl = ttl;
    connection.accept(syn, walk);
  }

  /** A segment that does not fit the connection's state. */
  resetFor(ns: Netns, connection: TcpConnection, segment: TcpSegment): void {
    this.#reset(ns, connection, segment, undefined);
  }

  /** REJECT --reject-with tcp-reset: answers in the name of the destination. */
  rejectWithReset(ns: Netns, skb: Skb): void {
    const { packet } = skb;
    const segment = transportOf(packet);
    if (segment?.kind !== 'tcp' || packet.offset > 0 || (segment.flags & TCP_RST) !== 0) return;
    this.#reset(
      ns,
      { localIp: packet.dst, localPort: segment.dport, remoteIp: packet.src, remotePort: segment.sport },
      segment,
      skb.walk,
      skb,
    );
  }

  error(ns: Netns, skb: Skb, quoted: IpPacket, error: SocketError): void {
    const segment = transportOf(quoted);
    if (segment?.kind !== 'tcp') return;
    const connection = ns.sockets.findConnection(quoted.src, segment.sport, quoted.dst, segment.dport);
    connection?.icmpError(error, segment.seq, skb);
  }

  #reset(ns: Netns, ends: Ends, segment: TcpSegment, cause: number | undefined, rejected?: Skb): void {
    const acked = (segment.flags & TCP_ACK) !== 0;
    const length =
      segment.data.length + (segment.flags & TCP_SYN ? 1 : 0) + (segment.flags & TCP_FIN ? 1 : 0);
    const reset = new TcpSegment(
      ends.localPort,
      ends.remotePort,
      acked ? segment.ack : 0,
      acked ? 0 : (segment.seq + length) >>> 0,
      acked ? TCP_RST : TCP_RST | TCP_ACK,
      0,
      TCP_NO_OPTIONS,
      EMPTY,
    );
    const df = !isIpv6(ends.localIp);
    const packet = new IpPacket(ends.localIp, ends.remoteIp, IPPROTO_TCP, 64, 0, 0, df, false, 0, reset);
    const answer = new Skb(ns, packet, ns.world.newWalk(cause));
    if (rejected !== undefined) {
      answer.route = ns.routes.lookup({ dst: ends.remoteIp });
      answer.answers(rejected);
    }
    ns.world.ip.output(answer);
  }

  #traceDelivery(ns: Netns, skb: Skb, packet: IpPacket, port: string, process: string | undefined): void {
    const world = ns.world;
    if (world.tracer === undefined) return;
    world.tracer.decision(world.now, skb.walk, ns.name, {
      code: 'deliver',
      protocol: 'tcp',
      local: formatIp(packet.dst) + port,
      ...(process === undefined ? {} : { process }),
    });
  }
}
