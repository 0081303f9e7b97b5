/**
 * The receiving half of a connection: the next byte, what came before its turn, what the program has not read, the
 * window that is offered, and whether an acknowledgement goes at once or waits for company (net/ipv4/tcp_input.c).
 */
import { ByteQueue } from './byte-queue.ts';
import { EMPTY, TCP_FIN, type TcpSegment } from './packet.ts';
import { add, after, before, distance } from './tcp-sequence.ts';

/** How long an acknowledgement may wait for data to go with, in microseconds. */
export const DELAYED_ACK = 40_000;
const MAX_QUICK_ACKS = 16;
const MAX_OUT_OF_ORDER = 512;
/** Receive buffer that a connection offers; Linux' first window is as many whole segments as fit into it. */
const RECEIVE_SPACE = 65535;

export class ReceiveQueue {
  readonly unread = new ByteQueue();
  /** The next sequence number, and the one up to which was acknowledged. */
  nxt = 0;
  acknowledged = 0;
  finReceived = false;
  /** When data last came. */
  #lastData = 0;
  #space = 0;
  #early: TcpSegment[] = [];
  #quick = 0;
  #interactive = false;
  #heard = false;

  start(seq: number): void {
    this.nxt = this.acknowledged = seq;
  }

  /** tcp_select_initial_window: whole segments within the receive space. */
  openWindow(mss: number): void {
    this.#space = mss > RECEIVE_SPACE ? RECEIVE_SPACE : Math.floor(RECEIVE_SPACE / mss) * mss;
  }

  get window(): number {
    return Math.max(0, this.#space - this.unread.length);
  }

  /** The window as a segment states it, in units of 2^scale: rounded up while nothing waits to be read. */
  scaledWindow(scale: number): number {
    const unit = 2 ** scale;
    const { window } = this;
    return Math.min(65535, window < this.#space ? Math.floor(window / unit) : Math.ceil(window / unit));
  }

  acceptable(seq: number, length: number): boolean {
    return !before(add(seq, length), this.acknowledged) && !after(seq, add(this.nxt, this.window));
  }

  /** Something is to be acknowledged. */
  get owesAck(): boolean {
    return this.acknowledged !== this.nxt;
  }

  /** A segment with data or FIN: in its turn, old, or early and kept. */
  place(segment: TcpSegment): 'next' | 'old' | 'early' {
    if (after(segment.seq, this.nxt)) {
      if (this.#early.length < MAX_OUT_OF_ORDER) this.#early.push(segment);
      return 'early';
    }
    const end = add(segment.seq, segment.data.length + (segment.flags & TCP_FIN ? 1 : 0));
    return before(end, add(this.nxt, 1)) ? 'old' : 'next';
  }

  /** The new bytes of a segment whose turn it is, with what waited for it, and whether the stream ends there. */
  take(segment: TcpSegment, now: number): { readonly bytes: readonly Uint8Array[]; readonly fin: boolean } {
    const bytes: Uint8Array[] = [];
    let fin = this.#takeOne(segment, bytes);
    if (this.#early.length > 0) {
      this.#early.sort((a, b) => (before(a.seq, b.seq) ? -1 : 1));
      for (
        let next = this.#early[0];
        next !== undefined && !after(next.seq, this.nxt);
        next = this.#early[0]
      ) {
        this.#early.shift();
        fin = this.#takeOne(next, bytes) || fin;
      }
    }
    if (bytes.length > 0) {
      if (!this.#heard) this.#quick = MAX_QUICK_ACKS;
      this.#heard = true;
      this.#lastData = now;
    }
    if (fin) {
      this.finReceived = true;
      this.#interactive = true;
    }
    return { bytes, fin };
  }

  /** __tcp_ack_snd_check: at once in quick-ack mode or for more than two segments. */
  get ackAtOnce(): boolean {
    return (this.#quick > 0 && !this.#interactive) || distance(this.acknowledged, this.nxt) > 536 * 2;
  }

  /** An acknowledgement went out. */
  ackSent(): void {
    if (this.owesAck && this.#quick > 0) this.#quick--;
    this.acknowledged = this.nxt;
  }

  /** The delayed acknowledgement found no company. */
  ackWasLate(): void {
    this.#interactive = false;
  }

  /** The connection is open; data may come any time from now. */
  opened(now: number): void {
    this.#lastData = now;
  }

  /** Data goes out: an answer within the time of a delayed acknowledgement makes the exchange interactive. */
  dataSent(now: number): void {
    if (this.#heard && now - this.#lastData < DELAYED_ACK) this.#interactive = true;
  }

  clear(): void {
    this.#early = [];
  }

  #takeOne(segment: TcpSegment, bytes: Uint8Array[]): boolean {
    const skip = distance(segment.seq, this.nxt);
    const data =
      skip >= segment.data.length ? EMPTY : skip === 0 ? segment.data : segment.data.subarray(skip);
    if (data.length > 0) {
      bytes.push(data);
      this.nxt = add(this.nxt, data.length);
    }
    if ((segment.flags & TCP_FIN) === 0 || this.finReceived) return false;
    if (add(segment.seq, segment.data.length) !== this.nxt) return false;
    this.nxt = add(this.nxt, 1);
    return true;
  }
}
