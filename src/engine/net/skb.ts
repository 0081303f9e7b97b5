/**
 * What travels through one namespace: the packet of the moment and what the kernel has noted beside it. It is mutable and
 * goes on to the next namespace scrubbed; frames and packets themselves never change.
 *
 * Netfilter is asked through `Hooks`, at five points, for both families. A hook may replace `skb.packet` (NAT), set
 * `mark`, `ct`, `ctState`; after OUTPUT and PREROUTING the data path routes by what it then finds. `defrag` tells whether
 * connection tracking is on, so that fragments are put together before PREROUTING and OUTPUT as nf_defrag does. REJECT
 * calls `netns.reject(skb, how)`.
 */
import type { Mac } from './address.ts';
import type { CtEntry } from './conntrack.ts';
import type { Device } from './device.ts';
import type { Netns } from './netns.ts';
import type { Frame, IpPacket } from './packet.ts';
import type { RouteResult } from './route.ts';

export type HookPoint = 'PREROUTING' | 'INPUT' | 'FORWARD' | 'OUTPUT' | 'POSTROUTING';
export type Verdict = 'ACCEPT' | 'DROP';
export type CtState = 'NEW' | 'ESTABLISHED' | 'RELATED' | 'INVALID' | 'UNTRACKED';

export interface Hooks {
  readonly defrag: boolean;
  /** Whether any chain of the point has a rule, or connection tracking looks at it. */
  active(point: HookPoint): boolean;
  hook(point: HookPoint, skb: Skb): Verdict;
}

export type RejectWith =
  | 'net-unreachable'
  | 'host-unreachable'
  | 'proto-unreachable'
  | 'port-unreachable'
  | 'net-prohibited'
  | 'host-prohibited'
  | 'admin-prohibited'
  | 'tcp-reset';

export class Skb {
  netns: Netns;
  /** Ethernet header; undefined for a packet made here that has not reached its device. */
  frame: Frame | undefined;
  packet: IpPacket;
  walk: number;
  /** `World.activity` of when it was made. */
  activity: number;
  /** Capture time of the device that received it. */
  stamp = 0;
  mark = 0;
  inDev: Device | undefined = undefined;
  outDev: Device | undefined = undefined;
  /** The bridge ports behind `inDev` and `outDev`, when br_netfilter or a bridge knows them. */
  physIn: Device | undefined = undefined;
  physOut: Device | undefined = undefined;
  ct: CtEntry | undefined = undefined;
  ctState: CtState | undefined = undefined;
  /** Whether it is in its connection's reply direction. */
  ctReply = false;
  route: RouteResult | undefined = undefined;
  /** The program that sent it, for packets made here. */
  process: string | undefined = undefined;
  /** Inside a bridge, being shown to iptables. */
  bridged = false;
  /** br_netfilter: DNAT sent it through the bridge's own interface to find the neighbour; the bridge takes it back. */
  bridgedDnat = false;
  /** The source MAC to restore then. */
  bridgeSource: Mac = 0;
  /** The socket knows that its neighbour is alive, from the other side's acknowledgements. */
  confirm = false;
  /** A TCP socket of this namespace sent it and has not been parted from it. */
  owned = false;
  /** It waits for its neighbour's address, so that its socket does not send another (skb_still_in_host_queue). */
  waiting = false;
  /** Largest fragment it arrived in, or 0. */
  fragMax = 0;

  constructor(netns: Netns, packet: IpPacket, walk: number) {
    this.netns = netns;
    this.packet = packet;
    this.walk = walk;
    this.activity = netns.world.activity;
    this.frame = undefined;
  }

  /** This is a reset or an error about `cause`: its connection is known, even before that packet confirms it (nf_conntrack_attach). */
  answers(cause: Skb): void {
    if (cause.ct === undefined || cause.ctState === undefined) return;
    this.ct = cause.ct;
    this.ctState = 'RELATED';
    this.ctReply = !cause.ctReply;
  }

  /** A second carrier of the same packet, for flooding. */
  clone(): Skb {
    const copy = new Skb(this.netns, this.packet, this.walk);
    copy.activity = this.activity;
    copy.frame = this.frame;
    copy.stamp = this.stamp;
    copy.mark = this.mark;
    copy.inDev = this.inDev;
    copy.outDev = this.outDev;
    copy.physIn = this.physIn;
    copy.physOut = this.physOut;
    copy.ct = this.ct;
    copy.ctState = this.ctState;
    copy.ctReply = this.ctReply;
    copy.route = this.route;
    copy.bridged = this.bridged;
    copy.fragMax = this.fragMax;
    return copy;
  }

  /** What crossing into another namespace, or into a tunnel, takes away (skb_scrub_packet). */
  scrub(): void {
    this.mark = 0;
    this.inDev = undefined;
    this.outDev = undefined;
    this.physIn = undefined;
    this.physOut = undefined;
    this.ct = undefined;
    this.ctState = undefined;
    this.ctReply = false;
    this.route = undefined;
    this.process = undefined;
    this.bridged = false;
    this.bridgedDnat = false;
    this.confirm = false;
    this.owned = false;
    this.fragMax = 0;
  }
}
