import { formatIp, type Ip } from './address.ts';
import { beginTcp, trackTcp, type TcpTracking } from './conntrack-tcp.ts';
import { isIcmpError, IPPROTO_TCP, IPPROTO_UDP, transportOf, type IpPacket } from './packet.ts';
import type { Skb } from './skb.ts';
import { protocolName } from './protocol.ts';
import {
  beginsExchange,
  hashFields,
  hashTuple,
  invertTuple,
  isIcmp,
  sameTuple,
  tupleOf,
  type Tuple,
} from './tuple.ts';

/** One connection. */
export interface CtEntry {
  readonly id: number;
  readonly original: Tuple;
  /** Where the answers will come from and go to; NAT changes it before the entry is confirmed. */
  reply: Tuple;
  /** In the table: its first packet went through. */
  confirmed: boolean;
  seenReply: boolean;
  assured: boolean;
  dying: boolean;
  srcNat: boolean;
  dstNat: boolean;
  /** NAT has decided for the direction, even if to change nothing. */
  srcNatDone: boolean;
  dstNatDone: boolean;
  mark: number;
  /** Virtual microseconds; past it the entry does not exist. */
  expires: number;
  timeout: number;
  readonly tcp: TcpTracking | undefined;
  /** UDP: from when on an exchange counts as a stream. */
  streamAt: number;
  /** Interface index or name that MASQUERADE took the address of. */
  masqueradeDev: string | undefined;
}

interface Slot {
  readonly tuple: Tuple;
  readonly entry: CtEntry;
  readonly reply: boolean;
  next: Slot | undefined;
}

const SECOND = 1_000_000;
const UDP_UNREPLIED = 30;
const UDP_STREAM = 120;
const ICMP_TIMEOUT = 30;
const GENERIC_TIMEOUT = 600;
/** `net.netfilter.nf_conntrack_max` of a small machine. */
const MAX_ENTRIES = 262_144;

/** The connection tracking table of one namespace (net/netfilter/nf_conntrack_core.c). Entries expire when looked at. */
export class Conntrack {
  readonly #slots = new Map<number, Slot>();
  readonly #entries = new Set<CtEntry>();
  readonly #now: () => number;
  #ids = 0;

  constructor(now: () => number) {
    this.#now = now;
  }

  /** Confirmed entries that have not expired, oldest first. */
  list(): readonly CtEntry[] {
    this.#purge();
    return [...this.#entries];
  }

  get empty(): boolean {
    return this.#entries.size === 0;
  }

  /** Removes the entries that `which` picks; how many. */
  delete(which: (entry: CtEntry) => boolean): number {
    let count = 0;
    for (const entry of this.list()) {
      if (!which(entry)) continue;
      this.kill(entry);
      count++;
    }
    return count;
  }

  kill(entry: CtEntry): void {
    entry.dying = true;
    if (!entry.confirmed) return;
    this.#entries.delete(entry);
    this.#remove(entry.original, entry);
    this.#remove(entry.reply, entry);
  }

  /** Whether another connection already answers to this tuple. */
  taken(tuple: Tuple, except: CtEntry): boolean {
    const slot = this.#find(tuple);
    return slot !== undefined && slot.entry !== except;
  }

  /** `nf_conntrack_in`: finds or begins the packet's connection and moves its state on. */
  track(skb: Skb): void {
    if (skb.ct !== undefined || skb.ctState !== undefined) return;
    const packet = skb.packet;
    if (isIcmp(packet.protocol)) {
      const message = transportOf(packet);
      if (message?.kind === 'icmp') {
        if (isIcmpError(packet, message)) {
          this.#trackError(skb, message.quoted);
          return;
        }
        // Router and neighbour discovery are never tracked (nf_conntrack_icmpv6_error).
        if (packet.protocol !== 1 && message.type >= 133 && message.type <= 137) {
          skb.ctState = 'UNTRACKED';
          return;
        }
      }
    }
    for (let attempt = 0; attempt < 2; attempt++) {
      const slot = this.#findPacket(packet);
      const entry = slot?.entry ?? this.#begin(packet, tupleOf(packet));
      if (entry === undefined) break;
      const reply = slot?.reply ?? false;
      const state = reply || entry.seenReply ? 'ESTABLISHED' : 'NEW';
      const verdict = this.#advance(entry, packet, reply);
      if (verdict === 'reopen') {
        this.kill(entry);
        continue;
      }
      if (verdict === 'invalid') break;
      if (reply) entry.seenReply = true;
      skb.ct = entry;
      skb.ctState = state;
      skb.ctReply = reply;
      return;
    }
    skb.ctState = 'INVALID';
  }

  /** `nf_conntrack_confirm`: the packet got through, so its connection enters the table. False: another one was there first. */
  confirm(skb: Skb): boolean {
    const entry = skb.ct;
    if (entry === undefined || entry.confirmed || entry.dying) return true;
    if (skb.ctState === 'RELATED') return true;
    if (this.#find(entry.original) !== undefined || this.#find(entry.reply) !== undefined) return false;
    if (this.#entries.size >= MAX_ENTRIES) {
      this.#purge();
      if (this.#entries.size >= MAX_ENTRIES) return false;
    }
    entry.confirmed = true;
    entry.expires = this.#now() + entry.timeout * SECOND;
    this.#entries.add(entry);
    this.#insert(entry.original, entry, false);
    this.#insert(entry.reply, entry, true);
    return true;
  }

  #trackError(skb: Skb, quoted: IpPacket | undefined): void {
    skb.ctState = 'INVALID';
    if (quoted === undefined) return;
    const slot = this.#find(invertTuple(tupleOf(quoted)));
    if (slot === undefined) return;
    // An error must be addressed to the connection's end that it tells (nf_conntrack_inet_error).
    if (slot.tuple.dst !== skb.packet.dst) return;
    skb.ct = slot.entry;
    skb.ctState = 'RELATED';
    skb.ctReply = slot.reply;
  }

  #begin(packet: IpPacket, original: Tuple): CtEntry | undefined {
    const transport = transportOf(packet);
    let tcp: TcpTracking | undefined;
    if (transport?.kind === 'tcp') {
      tcp = beginTcp(transport);
      if (tcp === undefined) return undefined;
    }
    if (isIcmp(packet.protocol) && !beginsExchange(packet.protocol, original.dport >> 8)) return undefined;
    const now = this.#now();
    return {
      id: ++this.#ids,
      original,
      reply: invertTuple(original),
      confirmed: false,
      seenReply: false,
      assured: false,
      dying: false,
      srcNat: false,
      dstNat: false,
      srcNatDone: false,
      dstNatDone: false,
      mark: 0,
      expires: now,
      timeout: 0,
      tcp,
      streamAt: now + 2 * SECOND,
      masqueradeDev: undefined,
    };
  }

  #advance(entry: CtEntry, packet: IpPacket, reply: boolean): 'ok' | 'invalid' | 'reopen' {
    const transport = transportOf(packet);
    if (entry.tcp !== undefined) {
      if (transport?.kind !== 'tcp') return 'invalid';
      const verdict = trackTcp(entry.tcp, transport, reply);
      if (verdict.kind === 'invalid') return 'invalid';
      if (verdict.kind === 'reopen') return 'reopen';
      if (verdict.kind === 'ignored') return 'ok';
      if (!entry.seenReply) {
        if (verdict.rst) {
          // Nothing but a RST was ever heard: there never was a connection.
          this.kill(entry);
          return 'ok';
        }
        this.#refresh(
          entry,
          entry.tcp.state === 'ESTABLISHED' ? Math.min(verdict.timeout, 300) : verdict.timeout,
        );
        return 'ok';
      }
      const { before } = verdict;
      if (entry.tcp.state === 'ESTABLISHED' && (before === 'SYN_RECV' || before === 'ESTABLISHED')) {
        entry.assured = true;
      }
      this.#refresh(entry, verdict.timeout);
      return 'ok';
    }
    if (entry.original.protocol === IPPROTO_UDP) {
      if (!entry.seenReply) this.#refresh(entry, UDP_UNREPLIED);
      else if (this.#now() > entry.streamAt) {
        entry.assured = true;
        this.#refresh(entry, UDP_STREAM);
      } else this.#refresh(entry, UDP_UNREPLIED);
      return 'ok';
    }
    this.#refresh(entry, isIcmp(entry.original.protocol) ? ICMP_TIMEOUT : GENERIC_TIMEOUT);
    return 'ok';
  }

  #refresh(entry: CtEntry, timeout: number): void {
    entry.timeout = timeout;
    entry.expires = this.#now() + timeout * SECOND;
  }

  /** The packet's connection, looked up without making a tuple: this is done for every packet. */
  #findPacket(packet: IpPacket): Slot | undefined {
    const transport = packet.payload;
    if (transport.kind !== 'tcp' && transport.kind !== 'udp') return this.#find(tupleOf(packet));
    const { src, dst, protocol } = packet;
    const { sport, dport } = transport;
    let slot = this.#slots.get(hashFields(src, dst, sport, dport, protocol));
    while (slot !== undefined) {
      const { tuple } = slot;
      if (
        tuple.src === src &&
        tuple.dst === dst &&
        tuple.sport === sport &&
        tuple.dport === dport &&
        tuple.protocol === protocol
      ) {
        return this.#alive(slot);
      }
      slot = slot.next;
    }
    return undefined;
  }

  #find(tuple: Tuple): Slot | undefined {
    let slot = this.#slots.get(hashTuple(tuple));
    while (slot !== undefined && !sameTuple(slot.tuple, tuple)) slot = slot.next;
    return slot === undefined ? undefined : this.#alive(slot);
  }

  #alive(slot: Slot): Slot | undefined {
    if (slot.entry.expires <= this.#now()) {
      this.kill(slot.entry);
      return undefined;
    }
    return slot;
  }

  #insert(tuple: Tuple, entry: CtEntry, reply: boolean): void {
    const hash = hashTuple(tuple);
    this.#slots.set(hash, { tuple, entry, reply, next: this.#slots.get(hash) });
  }

  #remove(tuple: Tuple, entry: CtEntry): void {
    const hash = hashTuple(tuple);
    let previous: Slot | undefined;
    let slot = this.#slots.get(hash);
    while (slot !== undefined) {
      if (slot.entry === entry && sameTuple(slot.tuple, tuple)) {
        if (previous !== undefined) previous.next = slot.next;
        else if (slot.next === undefined) this.#slots.delete(hash);
        else this.#slots.set(hash, slot.next);
        return;
      }
      previous = slot;
      slot = slot.next;
    }
  }

  #purge(): void {
    const now = this.#now();
    for (const entry of this.#entries) if (entry.expires <= now) this.kill(entry);
  }
}

function formatTuple(tuple: Tuple): string {
  const addresses = `src=${formatIp(tuple.src)} dst=${formatIp(tuple.dst)}`;
  if (isIcmp(tuple.protocol)) {
    return `${addresses} type=${tuple.dport >> 8} code=${tuple.dport & 255} id=${tuple.sport}`;
  }
  if (tuple.protocol === IPPROTO_TCP || tuple.protocol === IPPROTO_UDP || tuple.protocol === 132) {
    return `${addresses} sport=${tuple.sport} dport=${tuple.dport}`;
  }
  return addresses;
}

/** conntrack-tools names only the protocols that it can parse. */
const NAMED = new Set([1, 6, 17, 33, 47, 58, 132, 136]);

/** The entry as `conntrack -L` prints it; a remaining time of a second begun counts as whole seconds past, as the kernel rounds it. */
export function formatEntry(entry: CtEntry, now: number): string {
  const { protocol } = entry.original;
  const name = NAMED.has(protocol) ? (protocol === 58 ? 'icmpv6' : protocolName(protocol)) : 'unknown';
  const left = Math.max(0, Math.ceil((entry.expires - now) / SECOND) - 1);
  const state = entry.tcp === undefined ? '' : `${entry.tcp.state} `;
  const unreplied = entry.seenReply ? '' : ' [UNREPLIED]';
  const assured = entry.assured ? ' [ASSURED]' : '';
  return `${name.padEnd(8)} ${protocol} ${left} ${state}${formatTuple(entry.original)}${unreplied} ${formatTuple(entry.reply)}${assured} mark=${entry.mark} use=1`;
}

/** The entry as /proc/net/nf_conntrack shows it. */
export function formatProcEntry(entry: CtEntry, now: number): string {
  const v6 = entry.original.src >= 0x1_0000_0000;
  const line = formatEntry(entry, now).replace(/use=1$/, 'zone=0 use=2');
  return `${v6 ? 'ipv6     10' : 'ipv4     2'} ${line}`;
}

/** Addresses of a connection in one line, for decisions: `10.244.1.2:40001 > 10.96.0.20:80`. */
export function endpoint(ip: Ip, port: number, protocol: number): string {
  const text = formatIp(ip);
  if (isIcmp(protocol) || port === 0) return text;
  return text.includes(':') ? `[${text}]:${port}` : `${text}:${port}`;
}
