/** Raw sockets, as ping and traceroute use them: sends echoes, hears everything of its protocol. */
import { formatIp, isIpv6, type Ip } from './address.ts';
import type { Device } from './device.ts';
import type { Errno } from './errno.ts';
import { routeError } from './route-verdict.ts';
import type { Netns } from './netns.ts';
import {
  ICMP_ECHO,
  ICMPV6_ECHO,
  IcmpMessage,
  IPPROTO_ICMP,
  IPPROTO_ICMPV6,
  IpPacket,
  type Transport,
} from './packet.ts';
import { Skb } from './skb.ts';
import type { SocketOwner } from './socket.ts';
import type { Task } from './task.ts';
import type { PmtuDiscover } from './udp-socket.ts';

export interface RawOptions {
  /** `IPPROTO_ICMP` unless given. */
  readonly protocol?: number;
  readonly process?: SocketOwner;
  /** Which packets it wants; all of its protocol unless given. */
  readonly accept?: (packet: IpPacket) => boolean;
}

export interface RawPacket {
  readonly packet: IpPacket;
  readonly at: number;
  readonly dev: string;
}

export interface EchoOptions {
  readonly id: number;
  readonly seq: number;
  readonly data: Uint8Array;
  readonly ttl?: number;
  readonly src?: Ip;
  readonly pmtu?: PmtuDiscover;
  readonly tos?: number;
  /** The device that it must leave by. */
  readonly oif?: Device;
}

const MAX_QUEUE = 256;

export class RawSocket {
  readonly ns: Netns;
  readonly protocol: number;
  readonly process: SocketOwner | undefined;
  closed = false;
  readonly #accept: ((packet: IpPacket) => boolean) | undefined;
  readonly #queue: RawPacket[] = [];
  #wake: (() => void) | undefined;

  constructor(ns: Netns, options: RawOptions) {
    this.ns = ns;
    this.protocol = options.protocol ?? IPPROTO_ICMP;
    this.process = options.process;
    this.#accept = options.accept;
  }

  /** An echo request; the source address that it was sent from, or why it was not sent. */
  sendEcho(dst: Ip, options: EchoOptions): { readonly src: Ip } | Errno {
    const v6 = isIpv6(dst);
    const message = new IcmpMessage(v6 ? ICMPV6_ECHO : ICMP_ECHO, 0, {
      id: options.id,
      seq: options.seq,
      data: options.data,
    });
    return this.send(dst, v6 ? IPPROTO_ICMPV6 : IPPROTO_ICMP, message, options);
  }

  send(
    dst: Ip,
    protocol: number,
    payload: Transport,
    options: {
      readonly ttl?: number;
      readonly src?: Ip;
      readonly pmtu?: PmtuDiscover;
      readonly tos?: number;
      /** The device that it must leave by. */
      readonly oif?: Device;
    } = {},
  ): { readonly src: Ip } | Errno {
    const ns = this.ns;
    const world = ns.world;
    const route = ns.routes.lookup({ dst, src: options.src, oif: options.oif });
    const error = routeError(route);
    if (error !== undefined) return error;
    const src = options.src ?? (route.src === 0 ? dst : route.src);
    const pmtu = options.pmtu ?? 'want';
    const length = payload.length + (isIpv6(dst) ? 40 : 20);
    if (length > 65535) return 'EMSGSIZE';
    const long = length > world.ip.pathMtu(ns, route, dst);
    if (long && pmtu === 'do') return 'EMSGSIZE';
    const packet = new IpPacket(
      src,
      dst,
      protocol,
      options.ttl ?? 64,
      options.tos ?? 0,
      ns.nextIpId(),
      pmtu !== 'dont' && !long && !isIpv6(dst),
      false,
      0,
      payload,
    );
    const skb = new Skb(ns, packet, world.newWalk());
    skb.route = route;
    skb.process = this.process?.name;
    if (world.tracer !== undefined)
      world.tracer.decision(world.now, skb.walk, ns.name, {
        code: 'send',
        protocol: payload.kind === 'icmp' ? 'icmp' : String(protocol),
        src: formatIp(src),
        dst: formatIp(dst),
        ...(this.process === undefined ? {} : { process: this.process.name }),
      });
    const refused = world.ip.output(skb);
    return refused ?? { src };
  }

  /** The next packet, or undefined when the time is up. */
  *recv(timeout: number): Task<RawPacket | undefined> {
    if (this.#queue.length === 0 && !this.closed) {
      yield (resume) => {
        const timer = this.ns.world.schedule(timeout, resume);
        this.#wake = () => {
          timer.cancel();
          resume();
        };
        return () => {
          timer.cancel();
          this.#wake = undefined;
        };
      };
      this.#wake = undefined;
    }
    return this.#queue.shift();
  }

  /** The kernel's side: whether the socket's protocol is the packet's. */
  offer(skb: Skb, packet: IpPacket): boolean {
    if (packet.protocol !== this.protocol) return false;
    if (this.#accept !== undefined && !this.#accept(packet)) return true;
    if (this.#queue.length >= MAX_QUEUE) return true;
    const world = this.ns.world;
    if (world.tracer !== undefined)
      world.tracer.decision(world.now, skb.walk, this.ns.name, {
        code: 'deliver',
        protocol: packet.payload.kind === 'icmp' ? 'icmp' : String(packet.protocol),
        local: formatIp(packet.dst),
        ...(this.process === undefined ? {} : { process: this.process.name }),
      });
    this.#queue.push({ packet, at: world.now, dev: skb.inDev?.name ?? 'lo' });
    this.#wake?.();
    return true;
  }

  close(): void {
    if (this.closed) return;
    this.closed = true;
    this.ns.sockets.removeRaw(this);
    this.#wake?.();
  }
}
