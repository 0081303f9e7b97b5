/** Putting fragments together (net/ipv4/ip_fragment.c), for local delivery or, with connection tracking, before it. */
import { formatIp, isIpv6, type Ip } from './address.ts';
import type { Netns } from './netns.ts';
import { Fragment, IpPacket } from './packet.ts';
import type { Skb } from './skb.ts';
import type { Timer } from './world.ts';

interface Queue {
  readonly pieces: IpPacket[];
  /** Payload bytes in all; known once the last piece is there. */
  total: number | undefined;
  largest: number;
  readonly timer: Timer;
}

/** Packets that may be in pieces at once. */
const MAX_QUEUES = 4096;
const MAX_PIECES = 1024;

export class Reassembly {
  readonly #ns: Netns;
  #queues: Map<string, Queue> | undefined;

  constructor(ns: Netns) {
    this.#ns = ns;
  }

  /** Takes `skb.packet`; the whole packet, also put into `skb`, when this was the missing piece. `user` keeps queues apart. */
  add(skb: Skb, user: string): IpPacket | undefined {
    const packet = skb.packet;
    const piece = packet.payload;
    if (piece.kind !== 'fragment') return undefined;
    this.#queues ??= new Map();
    const key = queueKey(user, packet.src, packet.dst, packet.id, packet.protocol);
    let queue = this.#queues.get(key);
    if (queue === undefined) {
      if (this.#queues.size >= MAX_QUEUES) return undefined;
      const seconds = this.#ns.sysctl.number('net.ipv4.ipfrag_time');
      queue = {
        pieces: [],
        total: undefined,
        largest: 0,
        timer: this.#ns.world.timer(seconds * 1_000_000, () => this.#queues?.delete(key)),
      };
      this.#queues.set(key, queue);
    }
    if (queue.pieces.length >= MAX_PIECES || queue.pieces.some((other) => overlaps(other, packet)))
      return undefined;
    queue.pieces.push(packet);
    queue.largest = Math.max(queue.largest, packet.length);
    if (!packet.mf) queue.total = packet.offset + piece.length;
    const have = queue.pieces.reduce((sum, other) => sum + other.payload.length, 0);
    if (have !== queue.total) return undefined;
    queue.timer.cancel();
    this.#queues.delete(key);
    const first = queue.pieces.find((other) => other.offset === 0);
    if (first?.payload.kind !== 'fragment') return undefined;
    const payload = first.payload.whole;
    if (payload.length !== queue.total) return undefined;
    const whole = new IpPacket(
      first.src,
      first.dst,
      first.protocol,
      first.ttl,
      first.tos,
      // IPv6 forgets the fragment header: who cuts it again gives it a new one.
      isIpv6(first.src) ? this.#ns.nextIpId() : first.id,
      queue.pieces.some((other) => other.df),
      false,
      0,
      payload,
    );
    const world = this.#ns.world;
    world.tracer?.decision(world.now, skb.walk, this.#ns.name, {
      code: 'reassembled',
      src: formatIp(packet.src),
      id: packet.id,
      fragments: queue.pieces.length,
    });
    skb.packet = whole;
    skb.fragMax = queue.largest;
    return whole;
  }
}

function queueKey(user: string, src: Ip, dst: Ip, id: number, protocol: number): string {
  return `${user} ${src} ${dst} ${id} ${protocol}`;
}

function overlaps(a: IpPacket, b: IpPacket): boolean {
  if (!(a.payload instanceof Fragment) || !(b.payload instanceof Fragment)) return true;
  return a.offset < b.offset + b.payload.length && b.offset < a.offset + a.payload.length;
}
