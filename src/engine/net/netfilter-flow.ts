import type { Ip } from './address.ts';
import { transportOf } from './packet.ts';
import type { NatKind, NatRange } from './nat.ts';
import type { HookPoint, Skb } from './skb.ts';

/** IANA protocol numbers that rules name. */
export const ICMP = 1;
export const TCP = 6;
export const UDP = 17;
export const ICMP6 = 58;
export const SCTP = 132;

/**
 * What rules look at: one packet at one hook, its header fields read out once. A later fragment has no ports
 * (`later`), so no port match can hold, as in `xt_tcpudp`.
 */
export class Flow {
  skb: Skb;
  hook: HookPoint;
  readonly env: RuleEnvironment;
  in = '';
  out = '';
  src: Ip = 0;
  dst: Ip = 0;
  protocol = 0;
  later = false;
  sport = 0;
  dport = 0;
  /** TCP flags as the byte on the wire: FIN 1, SYN 2, RST 4, PSH 8, ACK 16, URG 32. */
  tcpFlags = 0;
  icmpType = 0;
  icmpCode = 0;
  /** Total IP length in bytes. */
  length = 0;

  constructor(skb: Skb, hook: HookPoint, env: RuleEnvironment) {
    this.skb = skb;
    this.hook = hook;
    this.env = env;
    this.begin(skb, hook);
  }

  /** Takes another packet at another hook: flows are used again and again. */
  begin(skb: Skb, hook: HookPoint): void {
    this.skb = skb;
    this.hook = hook;
    this.in = skb.inDev === undefined ? '' : skb.inDev.name;
    this.out = skb.outDev === undefined ? '' : skb.outDev.name;
    this.read();
  }

  /** Reads the packet's headers again, after something rewrote it. */
  read(): void {
    const { packet } = this.skb;
    this.src = packet.src;
    this.dst = packet.dst;
    this.protocol = packet.protocol;
    this.length = packet.length;
    this.later = packet.offset > 0;
    this.sport = 0;
    this.dport = 0;
    this.tcpFlags = 0;
    this.icmpType = 0;
    this.icmpCode = 0;
    const transport = transportOf(packet);
    if (transport === undefined) return;
    if (transport.kind === 'icmp') {
      this.icmpType = transport.type;
      this.icmpCode = transport.code;
      return;
    }
    this.sport = transport.sport;
    this.dport = transport.dport;
    if (transport.kind === 'tcp') this.tcpFlags = transport.flags;
  }
}

/** What matches and targets may ask of the namespace around them. */
export interface RuleEnvironment {
  readonly sets: SetLookup;
  readonly recent: RecentLists;
  /** Virtual time in microseconds. */
  now(): number;
  /** A number in [0, 2^32), from the world's generator. */
  random32(): number;
  /** `LOCAL`, `UNICAST`, `BROADCAST`, … of an address, as the namespace's tables (or those of one device) have it: `inet_addr_type`. */
  addressType(ip: Ip, dev: string | undefined): string;
  /** Whether the way back to the packet's source leads out where it came in. */
  reversePath(flow: Flow, loose: boolean): boolean;
  /** MTU of the way that the packet goes. */
  pathMtu(flow: Flow): number;
  /** The address of the outgoing device that MASQUERADE takes (`inet_select_addr`). */
  masqueradeAddress(flow: Flow): Ip | undefined;
  /** The first address of the incoming device, or loopback's. */
  redirectAddress(flow: Flow): Ip | undefined;
  /** Decides the connection's binding. */
  nat(flow: Flow, kind: NatKind, range: NatRange): 'ACCEPT' | 'DROP';
}

export interface SetLookup {
  test(set: string, flow: Flow, directions: readonly ('src' | 'dst')[]): boolean;
}

/** xt_recent's lists by name: address → the times it was seen. */
export type RecentLists = Map<string, Map<Ip, RecentEntry>>;

interface RecentEntry {
  readonly ttl: number;
  /** Virtual microseconds, oldest first. */
  readonly stamps: number[];
}
