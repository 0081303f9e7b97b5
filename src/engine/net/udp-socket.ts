/** A datagram socket (net/ipv4/udp.c): a callback for servers, `yield* recv(timeout)` for clients, errors as ICMP tells them. */
import { formatIp, isAny, isIpv6, type Ip } from './address.ts';
import type { Errno } from './errno.ts';
import type { SocketError } from './icmp.ts';
import { routeError } from './route-verdict.ts';
import type { Netns } from './netns.ts';
import { IPPROTO_UDP, IpPacket, UdpDatagram } from './packet.ts';
import { Ring } from './ring.ts';
import { Skb } from './skb.ts';
import type { SocketOwner } from './socket.ts';
import type { Task } from './task.ts';

/** `IP_MTU_DISCOVER`: `want` sets DF and fragments what it knows to be too long, `do` refuses that, `dont` leaves DF off. */
export type PmtuDiscover = 'want' | 'do' | 'dont';

export interface UdpOptions {
  readonly ip?: Ip;
  readonly port?: number;
  /** `IPV6_V6ONLY`. */
  readonly v6only?: boolean;
  /** Connects: datagrams from elsewhere are not received, and errors are heard. */
  readonly dst?: Ip;
  readonly dport?: number;
  readonly process?: SocketOwner;
  readonly ttl?: number;
  readonly pmtu?: PmtuDiscover;
  /** `IP_RECVERR`: every ICMP error is told, not only those that are final. */
  readonly receiveErrors?: boolean;
  readonly onDatagram?: (datagram: Datagram, socket: UdpSocket) => void;
}

export interface Datagram {
  readonly kind: 'datagram';
  readonly data: Uint8Array;
  readonly src: Ip;
  readonly sport: number;
  readonly dst: Ip;
  readonly ttl: number;
  /** To answer within the same exchange. */
  readonly walk: number;
}

interface UdpError {
  readonly kind: 'error';
  readonly errno: Errno;
  /** What ICMP said; undefined for an error of this host's own. */
  readonly icmp: SocketError | undefined;
}

export type UdpEvent = Datagram | UdpError;

const MAX_QUEUE = 256;

export class UdpSocket {
  readonly ns: Netns;
  readonly ip: Ip;
  readonly port: number;
  readonly v6only: boolean;
  readonly process: SocketOwner | undefined;
  peer: { readonly ip: Ip; readonly port: number } | undefined;
  ttl: number;
  pmtu: PmtuDiscover;
  receiveErrors: boolean;
  closed = false;
  readonly #onDatagram: ((datagram: Datagram, socket: UdpSocket) => void) | undefined;
  readonly #queue = new Ring<UdpEvent>();
  #wake: (() => void) | undefined;
  #ids: number;

  constructor(ns: Netns, options: UdpOptions & { readonly ip: Ip; readonly port: number }) {
    this.ns = ns;
    this.port = options.port;
    this.v6only = options.v6only ?? false;
    this.process = options.process;
    this.ttl = options.ttl ?? 64;
    this.pmtu = options.pmtu ?? 'want';
    this.receiveErrors = options.receiveErrors ?? false;
    this.#onDatagram = options.onDatagram;
    this.#ids = options.onDatagram === undefined ? ns.world.random.below(65536) : 0;
    this.ip = options.ip;
    this.peer =
      options.dst === undefined || options.dport === undefined
        ? undefined
        : { ip: options.dst, port: options.dport };
  }

  /** Sends; `src` is for answering from the address that was asked. */
  sendTo(
    data: Uint8Array,
    dst: Ip,
    dport: number,
    options: { readonly src?: Ip; readonly cause?: number; readonly ttl?: number } = {},
  ): Errno | undefined {
    const ns = this.ns;
    const world = ns.world;
    const bound = options.src ?? (isAny(this.ip) ? undefined : this.ip);
    const route = ns.routes.wayOf(dst, bound, undefined, 0);
    const error = routeError(route);
    if (error !== undefined) return error;
    const src = bound ?? (route.src === 0 ? dst : route.src);
    const datagram = new UdpDatagram(this.port, dport, data);
    const length = datagram.length + (isIpv6(dst) ? 40 : 20);
    if (length > 65535) return 'EMSGSIZE';
    const long = length > world.ip.pathMtu(ns, route, dst);
    if (long && this.pmtu === 'do') return 'EMSGSIZE';
    const df = this.pmtu !== 'dont' && !long && !isIpv6(dst);
    const id = !df ? ns.nextIpId() : this.peer === undefined ? 0 : (this.#ids = (this.#ids + 1) & 0xffff);
    const packet = new IpPacket(
      src,
      dst,
      IPPROTO_UDP,
      options.ttl ?? this.ttl,
      0,
      id,
      df,
      false,
      0,
      datagram,
    );
    const skb = new Skb(ns, packet, world.newWalk(options.cause));
    skb.route = route;
    skb.process = this.process?.name;
    if (world.tracer !== undefined) this.#decideSend(skb, dport);
    return world.ip.output(skb);
  }

  #decideSend(skb: Skb, dport: number): void {
    const world = this.ns.world;
    world.tracer?.decision(world.now, skb.walk, this.ns.name, {
      code: 'send',
      protocol: 'udp',
      src: `${formatIp(skb.packet.src)}:${this.port}`,
      dst: `${formatIp(skb.packet.dst)}:${dport}`,
      ...(this.process === undefined ? {} : { process: this.process.name }),
    });
  }

  /** Sends to the connected peer. */
  send(data: Uint8Array): Errno | undefined {
    return this.peer === undefined ? 'ENOTCONN' : this.sendTo(data, this.peer.ip, this.peer.port);
  }

  /** Answers a datagram from the address that it was sent to. */
  reply(datagram: Datagram, data: Uint8Array): Errno | undefined {
    return this.sendTo(data, datagram.src, datagram.sport, { src: datagram.dst, cause: datagram.walk });
  }

  /** The next datagram or error, or `timeout`. */
  *recv(timeout: number): Task<UdpEvent | { readonly kind: 'timeout' }> {
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
    return this.#queue.shift() ?? { kind: 'timeout' };
  }

  /** The kernel's side. */
  receive(datagram: Datagram): void {
    if (this.#onDatagram === undefined) {
      this.#push(datagram);
      return;
    }
    if (this.#queue.length >= MAX_QUEUE) return;
    this.#queue.push(datagram);
    if (this.#queue.length === 1) this.ns.world.wake(this);
  }

  /** The program wakes up and takes what has come. */
  run(): void {
    for (let event = this.#queue.shift(); event !== undefined; event = this.#queue.shift())
      if (event.kind === 'datagram' && !this.closed) this.#onDatagram?.(event, this);
  }

  fail(error: SocketError): void {
    if (!this.receiveErrors && !(error.hard && this.peer !== undefined)) return;
    this.#push({ kind: 'error', errno: error.errno, icmp: error });
  }

  close(): void {
    if (this.closed) return;
    this.closed = true;
    this.ns.sockets.removeUdp(this);
    this.#wake?.();
  }

  #push(event: UdpEvent): void {
    if (this.#queue.length >= MAX_QUEUE) return;
    this.#queue.push(event);
    this.#wake?.();
  }
}
