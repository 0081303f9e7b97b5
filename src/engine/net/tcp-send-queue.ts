/**
 * The sending half of a connection: what is written and not yet sent, what is sent and not yet acknowledged, how much
 * may be in flight (slow start, a window of one after a time-out), and how long to wait for an answer (RFC 6298).
 */
import { ByteQueue } from './byte-queue.ts';
import { TCP_FIN, TCP_PSH, TCP_SYN } from './packet.ts';
import type { Skb } from './skb.ts';
import { add, after, before, distance } from './tcp-sequence.ts';

export interface Sent {
  readonly seq: number;
  readonly end: number;
  readonly data: Uint8Array;
  readonly flags: number;
  /** Walk of its first transmission: what a repetition repeats. */
  readonly walk: number;
  sentAt: number;
  repeated: boolean;
  /** What carried it last. */
  carrier: Skb | undefined;
}

const SECOND = 1_000_000;
const MIN_RTO = 200_000;
const MAX_RTO = 120 * SECOND;
const JIFFY = 4000;
/** TCP_TIMEOUT_MIN. */
const PROBE_SLACK = 2 * JIFFY;
const INITIAL_CWND = 10;

export class SendQueue {
  readonly unsent = new ByteQueue();
  /** First unacknowledged and next sequence number. */
  una: number;
  nxt: number;
  /** What the peer takes, in bytes, and the most it ever took. */
  window = 0;
  maxWindow = 0;
  /** Time-outs in a row. */
  backoff = 0;
  finQueued = false;
  finSent = false;
  #sent: Sent[] = [];
  #cwnd = INITIAL_CWND;
  #ssthresh = Infinity;
  #resendUpTo: number | undefined;
  #duplicateAcks = 0;
  /** A tail loss probe went out and nothing came back since. */
  #probed = false;
  #srtt = 0;
  #rttvar = 0;
  #rto = SECOND;

  constructor(initial: number) {
    this.una = this.nxt = initial;
  }

  get inFlight(): number {
    return distance(this.una, this.nxt);
  }

  get first(): Sent | undefined {
    return this.#sent[0];
  }

  /** Bytes that the peer's window still takes. */
  get room(): number {
    return this.window - this.inFlight;
  }

  /** As many segments are under way as the congestion window allows. */
  get congested(): boolean {
    return this.#sent.length >= Math.max(1, Math.floor(this.#cwnd));
  }

  /** How long to wait for an acknowledgement; the first `linear` time-outs of a SYN do not double it. */
  timeout(linear: number): number {
    const doublings = Math.min(30, Math.max(0, this.backoff - linear));
    return Math.min(MAX_RTO, this.#rto * 2 ** doublings);
  }

  /** How long until a tail loss probe, when one may be sent: two round trips and a little (RFC 8985, tcp_schedule_loss_probe). */
  get probeTimeout(): number | undefined {
    if (this.#srtt === 0 || this.backoff > 0 || this.#probed || this.#resendUpTo !== undefined)
      return undefined;
    if (this.#sent.length === 0) return undefined;
    const slack = this.#sent.length === 1 ? MIN_RTO : PROBE_SLACK;
    return Math.min(2 * this.#srtt + slack, this.#rto);
  }

  /** The probe is due: the last segment goes again, unless there is new data to send instead. */
  probe(): Sent | undefined {
    this.#probed = true;
    return this.unsent.length > 0 && this.room > 0 ? undefined : this.#sent.at(-1);
  }

  /** A new segment was put on the wire. */
  record(data: Uint8Array, flags: number, walk: number, now: number): Sent {
    const seq = this.nxt;
    const end = add(seq, data.length + (flags & (TCP_SYN | TCP_FIN) ? 1 : 0));
    this.nxt = end;
    const sent: Sent = { seq, end, data, flags, walk, sentAt: now, repeated: false, carrier: undefined };
    this.#sent.push(sent);
    return sent;
  }

  setWindow(window: number): void {
    this.window = window;
    this.maxWindow = Math.max(this.maxWindow, window);
  }

  /** Takes away what `ack` covers. */
  acknowledge(ack: number, now: number): void {
    let segments = 0;
    for (let first = this.#sent[0]; first !== undefined && !after(first.end, ack); first = this.#sent[0]) {
      this.#sent.shift();
      if ((first.flags & TCP_SYN) === 0) segments++;
      if (!first.repeated) this.#measure(now - first.sentAt);
    }
    this.una = ack;
    this.backoff = 0;
    this.#probed = false;
    this.#duplicateAcks = 0;
    if (this.#resendUpTo !== undefined && !before(ack, this.#resendUpTo)) this.#resendUpTo = undefined;
    this.#cwnd += this.#cwnd < this.#ssthresh ? segments : segments / this.#cwnd;
  }

  /** The third acknowledgement of the same byte: its segment is to be repeated. */
  duplicateAck(): Sent | undefined {
    this.#duplicateAcks++;
    if (this.#duplicateAcks !== 3) return undefined;
    this.#cwnd = this.#ssthresh = Math.max(2, this.#cwnd / 2);
    return this.#sent[0];
  }

  /** Nothing was heard in time. `everything` in flight is then to be sent again, bit by bit. */
  timedOut(everything: boolean): void {
    this.backoff++;
    this.#ssthresh = Math.max(2, this.#cwnd / 2);
    if (!everything) return;
    this.#cwnd = 1;
    this.#resendUpTo = this.nxt;
  }

  /** What may go again now, after a time-out. */
  lost(): Sent[] {
    const end = this.#resendUpTo;
    if (end === undefined) return [];
    return this.#sent
      .slice(0, Math.max(1, Math.floor(this.#cwnd)))
      .filter((sent) => !sent.repeated && before(sent.seq, end));
  }

  /** The path became narrower: cuts what is in flight into smaller segments; all of it, when that changed anything. */
  resegment(mss: number): readonly Sent[] {
    const smaller = this.#sent.flatMap((sent) => cut(sent, mss));
    const changed = smaller.length !== this.#sent.length;
    this.#sent = smaller;
    return changed ? smaller : [];
  }

  /** Both sides opened at once: the SYN does not count any more. */
  restart(): void {
    this.#sent = [];
    this.nxt = this.una;
  }

  clear(): void {
    this.#sent = [];
    this.unsent.clear();
  }

  #measure(rtt: number): void {
    if (this.#srtt === 0) {
      this.#srtt = Math.max(1, rtt);
      this.#rttvar = rtt / 2;
    } else {
      this.#rttvar = 0.75 * this.#rttvar + 0.25 * Math.abs(this.#srtt - rtt);
      this.#srtt = 0.875 * this.#srtt + 0.125 * rtt;
    }
    const rto = this.#srtt + Math.max(MIN_RTO, 4 * this.#rttvar);
    this.#rto = Math.min(MAX_RTO, Math.ceil(rto / JIFFY) * JIFFY);
  }
}

function cut(sent: Sent, mss: number): Sent[] {
  if (sent.data.length <= mss) return [sent];
  const pieces: Sent[] = [];
  for (let at = 0; at < sent.data.length; at += mss) {
    const data = sent.data.subarray(at, at + mss);
    const last = at + mss >= sent.data.length;
    const seq = add(sent.seq, at);
    pieces.push({
      ...sent,
      seq,
      end: last ? sent.end : add(seq, data.length),
      data,
      flags: last ? sent.flags : sent.flags & ~(TCP_PSH | TCP_FIN),
      repeated: false,
      carrier: undefined,
    });
  }
  return pieces;
}
