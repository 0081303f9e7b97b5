/**
 * One TCP connection, as its frames show it: handshake, data in segments of the path's size, acknowledgements at once
 * while the kernel is in quick-ack mode and delayed or carried by an answer later, retransmission, close in either
 * order, reset. No more congestion control than slow start.
 *
 * Programs: `write`, `yield* read(timeout)` or `onData`, `onEnd`, `onError`; `end` (FIN, may still read), `close`, `abort`.
 */
import { formatIp, isIpv6, type Ip } from './address.ts';
import type { Errno } from './errno.ts';
import type { SocketError } from './icmp.ts';
import type { Netns } from './netns.ts';
import {
  EMPTY,
  IPPROTO_TCP,
  IpPacket,
  TCP_ACK,
  TCP_FIN,
  TCP_NO_OPTIONS,
  TCP_PSH,
  TCP_RST,
  TCP_SYN,
  TcpSegment,
  type TcpOptions,
} from './packet.ts';
import { Skb } from './skb.ts';
import type { SocketOwner, TcpListener } from './socket.ts';
import type { Task } from './task.ts';
import type { Timer } from './world.ts';

export type TcpState =
  | 'SYN_SENT'
  | 'SYN_RECV'
  | 'ESTABLISHED'
  | 'FIN_WAIT1'
  | 'FIN_WAIT2'
  | 'CLOSE_WAIT'
  | 'CLOSING'
  | 'LAST_ACK'
  | 'TIME_WAIT'
  | 'CLOSED';

/** What a read gives: bytes, the end of the stream, an error, or that the time is up. */
export type ReadResult =
  | { readonly kind: 'data'; readonly data: Uint8Array }
  | { readonly kind: 'eof' }
  | { readonly kind: 'error'; readonly errno: Errno }
  | { readonly kind: 'timeout' };

interface Sent {
  seq: number;
  end: number;
  data: Uint8Array;
  flags: number;
  /** Walk of its first transmission: what a repetition repeats. */
  walk: number;
  sentAt: number;
  repeated: boolean;
}

const SECOND = 1_000_000;
const MIN_RTO = 200_000;
const MAX_RTO = 120 * SECOND;
const DELAYED_ACK = 40_000;
const TIME_WAIT_TIME = 60 * SECOND;
const INITIAL_CWND = 10;
const MAX_QUICK_ACKS = 16;
/** Receive buffer that a connection offers; Linux' first window is as many whole segments as fit into it. */
const RECEIVE_SPACE = 65535;
const WINDOW_SCALE = 10;
const MAX_OUT_OF_ORDER = 512;
const MAX_SEND_BUFFER = 4_194_304;

export class TcpConnection {
  readonly ns: Netns;
  readonly localIp: Ip;
  readonly localPort: number;
  readonly remoteIp: Ip;
  readonly remotePort: number;
  process: SocketOwner | undefined;
  state: TcpState;
  /** Time to live of the last segment that was received. */
  receivedTtl = 0;
  error: Errno | undefined;
  /** Segments that were sent again. */
  retransmits = 0;
  onData: ((data: Uint8Array) => void) | undefined;
  onEnd: (() => void) | undefined;
  onError: ((errno: Errno) => void) | undefined;
  onConnect: ((error: Errno | undefined) => void) | undefined;
  readonly #listener: TcpListener | undefined;
  #sndUna: number;
  #sndNxt: number;
  #sndWnd = 0;
  #maxWindow = 0;
  #peerScale = 0;
  #peerMss = 536;
  #rcvNxt = 0;
  #rcvWup = 0;
  #rcvSpace = 0;
  #timestamps = true;
  #scaled = true;
  #tsRecent = 0;
  #sent: Sent[] = [];
  #unsent: Uint8Array[] = [];
  #unsentBytes = 0;
  #received: Uint8Array[] = [];
  #receivedBytes = 0;
  #outOfOrder: TcpSegment[] = [];
  #finQueued = false;
  #finSent = false;
  #finReceived = false;
  #orphan = false;
  #cwnd = INITIAL_CWND;
  #ssthresh = Infinity;
  #resendUpTo: number | undefined;
  #duplicateAcks = 0;
  #srtt = 0;
  #rttvar = 0;
  #rto = SECOND;
  #backoff = 0;
  #softError: Errno | undefined;
  #quick = 0;
  #pingpong = false;
  #ato = 0;
  #lastReceived = 0;
  #retransmitTimer: Timer | undefined;
  #ackTimer: Timer | undefined;
  #closeTimer: Timer | undefined;
  #confirm = false;
  #ipId: number;
  #cause: number | undefined;
  #wake: (() => void) | undefined;
  #owned = 0;
  readonly #waiting: (() => void)[] = [];
  #woken = false;
  #accepting = false;
  #endTold = false;

  constructor(
    ns: Netns,
    local: { readonly ip: Ip; readonly port: number },
    remote: { readonly ip: Ip; readonly port: number },
    options: { readonly process?: SocketOwner | undefined; readonly listener?: TcpListener },
  ) {
    this.ns = ns;
    this.localIp = local.ip;
    this.localPort = local.port;
    this.remoteIp = remote.ip;
    this.remotePort = remote.port;
    this.process = options.process;
    this.#listener = options.listener;
    this.state = 'CLOSED';
    this.#sndUna = this.#sndNxt = ns.world.random.uint32();
    this.#ipId = ns.world.random.below(65536);
  }

  /** Sends SYN. */
  connect(): void {
    this.ns.sockets.addConnection(this);
    this.#setState('SYN_SENT');
    this.#rcvSpace = this.#initialWindow(this.#advertisedMss());
    this.#enter();
    this.#queue(EMPTY, TCP_SYN);
    this.#armRetransmit();
    this.#leave();
  }

  /** Answers a SYN that a listener got. */
  accept(syn: TcpSegment, walk: number): void {
    this.ns.sockets.addConnection(this);
    this.#setState('SYN_RECV');
    this.#learnOptions(syn);
    this.#rcvNxt = this.#rcvWup = add(syn.seq, 1);
    this.#sndWnd = this.#maxWindow = syn.window;
    this.#cause = walk;
    this.#rcvSpace = this.#initialWindow(this.#advertisedMss() - (this.#timestamps ? 12 : 0));
    this.#queue(EMPTY, TCP_SYN | TCP_ACK);
    this.#armRetransmit();
  }

  /** Queues bytes; false when the connection cannot send any more. */
  write(data: Uint8Array): boolean {
    if (this.#finQueued || this.error !== undefined) return false;
    if (
      this.state !== 'ESTABLISHED' &&
      this.state !== 'CLOSE_WAIT' &&
      this.state !== 'SYN_SENT' &&
      this.state !== 'SYN_RECV'
    )
      return false;
    if (data.length === 0) return true;
    if (this.#unsentBytes + data.length > MAX_SEND_BUFFER) return false;
    this.#unsent.push(data);
    this.#unsentBytes += data.length;
    this.#enter();
    this.#push();
    this.#leave();
    return true;
  }

  /** The next bytes, as many as there are. */
  *read(timeout: number): Task<ReadResult> {
    if (
      this.#receivedBytes === 0 &&
      !this.#finReceived &&
      this.error === undefined &&
      this.state !== 'CLOSED'
    ) {
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
    if (this.#receivedBytes > 0) return { kind: 'data', data: this.#takeReceived() };
    // The end of the stream is told before an error that came after it (tcp_recvmsg: SOCK_DONE before sk_err).
    if (this.#finReceived) return { kind: 'eof' };
    if (this.error !== undefined) return { kind: 'error', errno: this.error };
    if (this.state === 'CLOSED') return { kind: 'eof' };
    return { kind: 'timeout' };
  }

  /** No more will be written: FIN after what is queued. */
  end(): void {
    if (this.#finQueued) return;
    if (this.state === 'SYN_SENT' || this.state === 'CLOSED') return;
    this.#finQueued = true;
    this.#enter();
    this.#push();
    this.#leave();
  }

  /** The program lets go: FIN, or RST when it has not read everything. */
  close(): void {
    if (this.#orphan) return;
    this.#orphan = true;
    this.onData = this.onEnd = this.onError = undefined;
    this.#enter();
    this.#close();
    this.#leave();
  }

  #close(): void {
    if (this.state === 'SYN_SENT') {
      this.#finish();
      return;
    }
    if (this.state === 'CLOSED') return;
    if (this.#receivedBytes > 0) {
      this.#sendReset();
      this.#finish();
      return;
    }
    if (this.state === 'FIN_WAIT2') this.#startFinWait2();
    if (this.#finQueued) return;
    this.#finQueued = true;
    this.#push();
  }

  /** RST at once. */
  abort(): void {
    this.#orphan = true;
    if (this.state !== 'CLOSED' && this.state !== 'SYN_SENT' && this.state !== 'TIME_WAIT') this.#sendReset();
    this.#finish();
  }

  /** Gone without a word, as its namespace is. */
  vanish(): void {
    this.#orphan = true;
    this.#finish();
  }

  /** Bytes that wait to be read, and bytes that are not acknowledged: `Recv-Q` and `Send-Q` of `ss`. */
  get queues(): { readonly receive: number; readonly send: number } {
    return { receive: this.#receivedBytes, send: this.#unsentBytes + distance(this.#sndUna, this.#sndNxt) };
  }

  /** Payload bytes of a full segment now. */
  get mss(): number {
    const route = this.ns.routes.lookup({ dst: this.remoteIp, src: this.localIp });
    const mtu = this.ns.world.ip.pathMtu(this.ns, route, this.remoteIp);
    const fromPath = mtu - (isIpv6(this.localIp) ? 60 : 40);
    let mss = Math.min(this.#peerMss, fromPath) - (this.#timestamps ? 12 : 0);
    const half = this.#maxWindow > 536 ? this.#maxWindow >>> 1 : this.#maxWindow;
    if (half > 0) mss = Math.min(mss, half);
    return Math.max(mss, 1);
  }

  /** A segment for this connection. */
  receive(segment: TcpSegment, packet: IpPacket, walk: number): void {
    if (this.#owned > 0) {
      this.#waiting.push(() => this.receive(segment, packet, walk));
      return;
    }
    this.#cause = walk;
    this.receivedTtl = packet.ttl;
    switch (this.state) {
      case 'SYN_SENT':
        this.#receiveInSynSent(segment);
        return;
      case 'TIME_WAIT':
        this.#receiveInTimeWait(segment);
        return;
      case 'CLOSED':
        return;
      default:
        this.#receiveSynchronized(segment);
    }
  }

  /** A program is inside the socket: what arrives meanwhile waits until it leaves (lock_sock, sk_backlog). */
  #enter(): void {
    this.#owned++;
  }

  #leave(): void {
    if (--this.#owned > 0) return;
    for (let next = this.#waiting.shift(); next !== undefined; next = this.#waiting.shift()) next();
  }

  /** The program's turn: a new connection, bytes, the end, an error. */
  run(): void {
    this.#woken = false;
    if (this.#accepting) {
      this.#accepting = false;
      this.#listener?.onConnection?.(this);
    }
    if (this.onData !== undefined && this.#receivedBytes > 0) this.onData(this.#takeReceived());
    if (this.#finReceived && !this.#endTold && this.onEnd !== undefined) {
      this.#endTold = true;
      this.onEnd();
    }
    if (this.error !== undefined && this.onError !== undefined) {
      const { onError } = this;
      this.onError = undefined;
      onError(this.error);
    }
  }

  #notify(): void {
    this.#wake?.();
    if (this.#woken) return;
    this.#woken = true;
    this.ns.world.wake(this);
  }

  /** ICMP reported an error about a segment of this connection (tcp_v4_err). */
  icmpError(error: SocketError, seq: number, skb: Skb): void {
    if (this.#owned > 0) {
      this.#waiting.push(() => this.icmpError(error, seq, skb));
      return;
    }
    if (!between(seq, this.#sndUna, this.#sndNxt)) return;
    if (error.errno === 'EMSGSIZE') {
      const before = this.mss;
      this.ns.world.icmp.learnPathMtu(this.ns, skb, this.remoteIp, error.mtu);
      if (this.mss < before) this.#resegment();
      return;
    }
    if (this.state === 'SYN_SENT') this.#fail(error.errno);
    else if (this.state === 'SYN_RECV') this.#finish();
    else this.#softError = error.errno;
  }

  #receiveInSynSent(segment: TcpSegment): void {
    const acked = (segment.flags & TCP_ACK) !== 0;
    if (acked && segment.ack !== this.#sndNxt) {
      if ((segment.flags & TCP_RST) === 0) this.ns.world.tcp.resetFor(this.ns, this, segment);
      return;
    }
    if ((segment.flags & TCP_RST) !== 0) {
      if (acked) this.#fail('ECONNREFUSED');
      return;
    }
    if ((segment.flags & TCP_SYN) === 0) return;
    this.#learnOptions(segment);
    this.#rcvNxt = this.#rcvWup = add(segment.seq, 1);
    this.#sndWnd = this.#maxWindow = segment.window;
    if (!acked) {
      this.#setState('SYN_RECV');
      this.#sent = [];
      this.#sndNxt = this.#sndUna;
      this.#queue(EMPTY, TCP_SYN | TCP_ACK);
      return;
    }
    this.#acknowledged(segment);
    this.#lastReceived = this.ns.world.now;
    this.#setState('ESTABLISHED');
    this.#sendAck();
    this.onConnect?.(undefined);
    this.#push();
  }

  #receiveInTimeWait(segment: TcpSegment): void {
    if ((segment.flags & TCP_RST) !== 0) {
      this.#finish();
      return;
    }
    if ((segment.flags & TCP_SYN) !== 0 && after(segment.seq, this.#rcvNxt)) {
      const listener = this.ns.sockets.findListener(this.localIp, this.localPort);
      this.#finish();
      if (listener !== undefined) this.ns.world.tcp.begin(listener, this, segment, this.#cause ?? 0);
      return;
    }
    if (segment.data.length > 0 || (segment.flags & (TCP_FIN | TCP_SYN)) !== 0) {
      this.#sendAck();
      this.#startTimeWait();
    }
  }

  #receiveSynchronized(segment: TcpSegment): void {
    if (this.state === 'SYN_RECV' && (segment.flags & TCP_SYN) !== 0 && (segment.flags & TCP_ACK) === 0) {
      const first = this.#sent[0];
      if (first !== undefined) this.#repeat(first, false);
      return;
    }
    const length = segment.data.length + (segment.flags & TCP_FIN ? 1 : 0);
    if (!this.#acceptable(segment.seq, length)) {
      if ((segment.flags & TCP_RST) === 0) this.#sendAck();
      return;
    }
    if ((segment.flags & TCP_RST) !== 0) {
      this.#receiveReset(segment);
      return;
    }
    if ((segment.flags & TCP_SYN) !== 0) {
      this.#sendAck();
      return;
    }
    if ((segment.flags & TCP_ACK) === 0) return;
    if (segment.options.timestamp !== undefined) this.#tsRecent = segment.options.timestamp[0];
    if (this.state === 'SYN_RECV') {
      if (!between(segment.ack, this.#sndUna, this.#sndNxt) || segment.ack === this.#sndUna) {
        this.ns.world.tcp.resetFor(this.ns, this, segment);
        return;
      }
      this.#acknowledged(segment);
      this.#lastReceived = this.ns.world.now;
      this.#setState('ESTABLISHED');
      this.process ??= this.#listener?.process;
      this.#accepting = true;
      this.#notify();
    } else this.#acknowledged(segment);
    if (this.#stateIs('CLOSED') || this.#stateIs('TIME_WAIT')) return;
    if (segment.data.length > 0 || (segment.flags & TCP_FIN) !== 0) this.#receiveData(segment);
    this.#push();
  }

  #receiveReset(segment: TcpSegment): void {
    if (segment.seq !== this.#rcvNxt) {
      this.#sendAck();
      return;
    }
    if (this.state === 'SYN_RECV') this.#finish();
    else this.#fail(this.state === 'CLOSE_WAIT' ? 'EPIPE' : 'ECONNRESET');
  }

  #acceptable(seq: number, length: number): boolean {
    const end = add(seq, length);
    return !before(end, this.#rcvWup) && !after(seq, add(this.#rcvNxt, this.#window()));
  }

  /** What an acknowledgement moves on. */
  #acknowledged(segment: TcpSegment): void {
    const ack = segment.ack;
    if (after(ack, this.#sndNxt)) return;
    const window = (segment.flags & TCP_SYN) !== 0 ? segment.window : segment.window * 2 ** this.#peerScale;
    if (!before(ack, this.#sndUna)) {
      const grew = window !== this.#sndWnd;
      this.#sndWnd = window;
      this.#maxWindow = Math.max(this.#maxWindow, window);
      if (ack === this.#sndUna) {
        if (!grew && segment.data.length === 0 && this.#sent.length > 0) this.#duplicateAck();
        return;
      }
    } else return;
    let segments = 0;
    const now = this.ns.world.now;
    for (;;) {
      const first = this.#sent[0];
      if (first === undefined || after(first.end, ack)) break;
      this.#sent.shift();
      segments++;
      if (!first.repeated) this.#measure(now - first.sentAt);
    }
    this.#sndUna = ack;
    this.#duplicateAcks = 0;
    this.#backoff = 0;
    this.#softError = undefined;
    this.#confirm = true;
    if (this.#resendUpTo !== undefined && !before(ack, this.#resendUpTo)) this.#resendUpTo = undefined;
    this.#cwnd += this.#cwnd < this.#ssthresh ? segments : segments / this.#cwnd;
    this.#retransmitTimer?.cancel();
    this.#retransmitTimer = undefined;
    if (this.#sent.length > 0) this.#armRetransmit();
    if (this.#finSent && ack === this.#sndNxt) this.#finAcknowledged();
  }

  #finAcknowledged(): void {
    if (this.state === 'FIN_WAIT1') {
      this.#setState('FIN_WAIT2');
      if (this.#orphan) this.#startFinWait2();
    } else if (this.state === 'CLOSING') this.#startTimeWait();
    else if (this.state === 'LAST_ACK') this.#finish();
  }

  #duplicateAck(): void {
    this.#duplicateAcks++;
    const first = this.#sent[0];
    if (this.#duplicateAcks !== 3 || first === undefined) return;
    this.#ssthresh = Math.max(2, this.#cwnd / 2);
    this.#cwnd = this.#ssthresh;
    this.#repeat(first, true);
  }

  #receiveData(segment: TcpSegment): void {
    if (this.#orphan && segment.data.length > 0 && this.state !== 'CLOSE_WAIT' && this.state !== 'LAST_ACK') {
      this.#sendReset();
      this.#finish();
      return;
    }
    if (after(segment.seq, this.#rcvNxt)) {
      if (this.#outOfOrder.length < MAX_OUT_OF_ORDER) this.#outOfOrder.push(segment);
      this.#sendAck();
      return;
    }
    const old = before(
      add(segment.seq, segment.data.length + (segment.flags & TCP_FIN ? 1 : 0)),
      add(this.#rcvNxt, 1),
    );
    if (old) {
      this.#sendAck();
      return;
    }
    const bytes: Uint8Array[] = [];
    let fin = this.#take(segment, bytes);
    if (this.#outOfOrder.length > 0) {
      this.#outOfOrder.sort((a, b) => (before(a.seq, b.seq) ? -1 : 1));
      while (this.#outOfOrder[0] !== undefined && !after(this.#outOfOrder[0].seq, this.#rcvNxt)) {
        const next = this.#outOfOrder.shift();
        if (next !== undefined) fin = this.#take(next, bytes) || fin;
      }
    }
    const now = this.ns.world.now;
    if (bytes.length > 0) {
      if (this.#ato === 0) {
        this.#quick = MAX_QUICK_ACKS;
        this.#ato = DELAYED_ACK;
      }
      this.#lastReceived = now;
    }
    if (fin) this.#receiveFin();
    this.#decideAck(bytes.length > 0);
    for (const data of bytes) this.#deliver(data);
    if (bytes.length > 0 || fin) this.#notify();
  }

  /** The new bytes of a segment; whether its FIN is next. */
  #take(segment: TcpSegment, bytes: Uint8Array[]): boolean {
    const skip = distance(segment.seq, this.#rcvNxt);
    const data =
      skip >= segment.data.length ? EMPTY : skip === 0 ? segment.data : segment.data.subarray(skip);
    if (data.length > 0) {
      bytes.push(data);
      this.#rcvNxt = add(this.#rcvNxt, data.length);
    }
    if ((segment.flags & TCP_FIN) === 0 || this.#finReceived) return false;
    if (add(segment.seq, segment.data.length) !== this.#rcvNxt) return false;
    this.#rcvNxt = add(this.#rcvNxt, 1);
    return true;
  }

  #receiveFin(): void {
    this.#finReceived = true;
    this.#pingpong = true;
    if (this.state === 'ESTABLISHED') this.#setState('CLOSE_WAIT');
    else if (this.state === 'FIN_WAIT1') {
      this.#setState('CLOSING');
      this.#sendAck();
    } else if (this.state === 'FIN_WAIT2') {
      this.#sendAck();
      this.#startTimeWait();
    }
  }

  #deliver(data: Uint8Array): void {
    if (this.#orphan) return;
    this.#received.push(data);
    this.#receivedBytes += data.length;
  }

  #takeReceived(): Uint8Array {
    const wasClosed = this.#window() < this.mss;
    const data = join(this.#received, this.#receivedBytes);
    this.#received = [];
    this.#receivedBytes = 0;
    if (wasClosed && this.#window() >= this.mss) this.#sendAck();
    return data;
  }

  /** __tcp_ack_snd_check: at once in quick-ack mode or for more than a full segment, otherwise a little later. */
  #decideAck(data: boolean): void {
    if (this.#stateIs('TIME_WAIT') || this.#stateIs('CLOSED') || this.#rcvWup === this.#rcvNxt) return;
    if (data && ((this.#quick > 0 && !this.#pingpong) || distance(this.#rcvWup, this.#rcvNxt) > 536 * 2)) {
      this.#sendAck();
      return;
    }
    this.#ackTimer ??= this.ns.world.timer(DELAYED_ACK, () => {
      this.#ackTimer = undefined;
      this.#pingpong = false;
      if (this.state !== 'CLOSED' && this.#rcvWup !== this.#rcvNxt) this.#sendAck();
    });
  }

  /** Sends what the windows allow. */
  #push(): void {
    if (!this.#canSend()) return;
    const mss = this.mss;
    this.#resend();
    while (this.#unsentBytes > 0) {
      const inFlight = distance(this.#sndUna, this.#sndNxt);
      const room = this.#sndWnd - inFlight;
      if (room <= 0) {
        if (inFlight === 0) this.#armRetransmit();
        return;
      }
      if (this.#sent.length >= Math.max(1, Math.floor(this.#cwnd))) return;
      const size = Math.min(mss, room, this.#unsentBytes);
      const data = this.#takeUnsent(size);
      const last = this.#unsentBytes === 0;
      let flags = TCP_ACK | (last ? TCP_PSH : 0);
      if (last && this.#finQueued && !this.#finSent && inFlight + size < this.#sndWnd) flags |= TCP_FIN;
      if (flags & TCP_FIN) this.#finLeaves();
      this.#countPingpong();
      this.#queue(data, flags);
    }
    if (this.#finQueued && !this.#finSent) {
      this.#finLeaves();
      this.#queue(EMPTY, TCP_FIN | TCP_ACK);
    }
  }

  #canSend(): boolean {
    return (
      this.state === 'ESTABLISHED' ||
      this.state === 'CLOSE_WAIT' ||
      this.state === 'FIN_WAIT1' ||
      this.state === 'CLOSING' ||
      this.state === 'LAST_ACK'
    );
  }

  #finLeaves(): void {
    this.#finSent = true;
    if (this.state === 'ESTABLISHED' || this.state === 'SYN_RECV') this.#setState('FIN_WAIT1');
    else if (this.state === 'CLOSE_WAIT') this.#setState('LAST_ACK');
  }

  /** An answer within the time of a delayed acknowledgement makes the exchange interactive. */
  #countPingpong(): void {
    if (this.#ato > 0 && this.ns.world.now - this.#lastReceived < this.#ato) this.#pingpong = true;
  }

  #takeUnsent(size: number): Uint8Array {
    const parts: Uint8Array[] = [];
    let left = size;
    while (left > 0) {
      const first = this.#unsent[0];
      if (first === undefined) break;
      if (first.length <= left) {
        parts.push(first);
        left -= first.length;
        this.#unsent.shift();
      } else {
        parts.push(first.subarray(0, left));
        this.#unsent[0] = first.subarray(left);
        left = 0;
      }
    }
    this.#unsentBytes -= size;
    return join(parts, size);
  }

  /** A new segment: on the wire and in the queue of what may have to be repeated. */
  #queue(data: Uint8Array, flags: number): void {
    const seq = this.#sndNxt;
    const end = add(seq, data.length + (flags & (TCP_SYN | TCP_FIN) ? 1 : 0));
    this.#sndNxt = end;
    const walk = this.#transmit(seq, data, flags, this.#cause);
    this.#sent.push({ seq, end, data, flags, walk, sentAt: this.ns.world.now, repeated: false });
    if (this.#retransmitTimer === undefined) this.#armRetransmit();
  }

  #sendAck(): void {
    this.#transmit(this.#sndNxt, EMPTY, TCP_ACK, this.#cause);
  }

  #sendReset(): void {
    this.#transmit(this.#sndNxt, EMPTY, TCP_RST | TCP_ACK, this.#cause);
  }

  #transmit(seq: number, data: Uint8Array, flags: number, cause: number | undefined): number {
    const ns = this.ns;
    const world = ns.world;
    const syn = (flags & TCP_SYN) !== 0;
    const withAck = (flags & TCP_ACK) !== 0;
    if (withAck) {
      if (this.#rcvWup !== this.#rcvNxt && this.#quick > 0) this.#quick--;
      this.#rcvWup = this.#rcvNxt;
      this.#ackTimer?.cancel();
      this.#ackTimer = undefined;
    }
    const window = syn ? Math.min(this.#rcvSpace, 65535) : this.#scaledWindow();
    const segment = new TcpSegment(
      this.localPort,
      this.remotePort,
      seq,
      withAck ? this.#rcvNxt : 0,
      flags,
      window,
      syn ? this.#synOptions(withAck) : this.#options(flags),
      data,
    );
    const id = syn && withAck ? 0 : (this.#ipId = (this.#ipId + 1) & 0xffff);
    const v6 = isIpv6(this.localIp);
    const packet = new IpPacket(
      this.localIp,
      this.remoteIp,
      IPPROTO_TCP,
      64,
      0,
      v6 ? 0 : id,
      !v6,
      false,
      0,
      segment,
    );
    const skb = new Skb(ns, packet, world.newWalk(cause));
    skb.process = this.process?.name;
    if (this.#confirm) {
      skb.confirm = true;
      this.#confirm = false;
    }
    const walk = skb.walk;
    if (world.tracer !== undefined)
      world.tracer.decision(world.now, walk, ns.name, {
        code: 'send',
        protocol: 'tcp',
        src: `${formatIp(this.localIp)}:${this.localPort}`,
        dst: `${formatIp(this.remoteIp)}:${this.remotePort}`,
        ...(this.process === undefined ? {} : { process: this.process.name }),
      });
    world.ip.output(skb);
    return walk;
  }

  #options(flags: number): TcpOptions {
    if (!this.#timestamps || (flags & TCP_RST) !== 0) return TCP_NO_OPTIONS;
    return { timestamp: [this.#clock(), this.#tsRecent] };
  }

  #synOptions(answer: boolean): TcpOptions {
    const options = { mss: this.#advertisedMss(), sackPermitted: true };
    return {
      ...options,
      ...(this.#timestamps ? { timestamp: [this.#clock(), this.#tsRecent] as const } : {}),
      ...(this.#scaled || !answer ? { windowScale: WINDOW_SCALE } : {}),
    };
  }

  /** Milliseconds, from an origin of its own. */
  #clock(): number {
    return (1_000_000 + Math.floor(this.ns.world.now / 1000)) >>> 0;
  }

  #advertisedMss(): number {
    const route = this.ns.routes.lookup({ dst: this.remoteIp, src: this.localIp });
    const dev = route.kind === 'local' ? this.ns.loopback : route.dev;
    const mtu = Math.min(route.mtu > 0 ? route.mtu : (dev?.mtu ?? 1500), 65535);
    return mtu - (isIpv6(this.localIp) ? 60 : 40);
  }

  /** tcp_select_initial_window: whole segments within the receive space. */
  #initialWindow(mss: number): number {
    return mss > RECEIVE_SPACE ? RECEIVE_SPACE : Math.floor(RECEIVE_SPACE / mss) * mss;
  }

  #window(): number {
    return Math.max(0, this.#rcvSpace - this.#receivedBytes);
  }

  #scaledWindow(): number {
    const window = this.#window();
    if (!this.#scaled) return Math.min(window, 65535);
    const unit = 2 ** WINDOW_SCALE;
    return Math.min(65535, window < this.#rcvSpace ? Math.floor(window / unit) : Math.ceil(window / unit));
  }

  #learnOptions(segment: TcpSegment): void {
    const { mss, windowScale, timestamp } = segment.options;
    this.#peerMss = mss ?? 536;
    this.#timestamps = timestamp !== undefined;
    this.#scaled = windowScale !== undefined;
    this.#peerScale = windowScale ?? 0;
    this.#tsRecent = timestamp?.[0] ?? 0;
  }

  #measure(rtt: number): void {
    if (this.#srtt === 0) {
      this.#srtt = Math.max(1, rtt);
      this.#rttvar = rtt / 2;
    } else {
      this.#rttvar = 0.75 * this.#rttvar + 0.25 * Math.abs(this.#srtt - rtt);
      this.#srtt = 0.875 * this.#srtt + 0.125 * rtt;
    }
    this.#rto = Math.min(MAX_RTO, this.#srtt + Math.max(MIN_RTO, 4 * this.#rttvar));
  }

  #armRetransmit(): void {
    this.#retransmitTimer?.cancel();
    const linear = this.ns.sysctl.number('net.ipv4.tcp_syn_linear_timeouts');
    const doublings = this.state === 'SYN_SENT' ? Math.max(0, this.#backoff - linear) : this.#backoff;
    const delay = Math.min(MAX_RTO, this.#rto * 2 ** Math.min(doublings, 30));
    this.#retransmitTimer = this.ns.world.timer(delay, () => this.#timedOut());
  }

  #timedOut(): void {
    this.#retransmitTimer = undefined;
    const first = this.#sent[0];
    if (first === undefined) {
      this.#probeWindow();
      return;
    }
    if (this.#backoff >= this.#retries()) {
      if (this.state === 'SYN_RECV') this.#finish();
      else this.#fail(this.#softError ?? 'ETIMEDOUT');
      return;
    }
    this.#backoff++;
    this.#ssthresh = Math.max(2, this.#cwnd / 2);
    if (this.state !== 'SYN_SENT' && this.state !== 'SYN_RECV') {
      this.#cwnd = 1;
      this.#resendUpTo = this.#sndNxt;
    }
    this.#repeat(first, true);
    this.#armRetransmit();
  }

  /** The peer's window is shut: asks whether it still is. */
  #probeWindow(): void {
    if (this.#unsentBytes === 0 || this.state === 'CLOSED') return;
    if (this.#sndWnd > 0) {
      this.#push();
      return;
    }
    if (this.#backoff >= this.ns.sysctl.number('net.ipv4.tcp_retries2')) {
      this.#fail('ETIMEDOUT');
      return;
    }
    this.#backoff++;
    this.#transmit(add(this.#sndUna, -1), EMPTY, TCP_ACK, this.#cause);
    this.#armRetransmit();
  }

  #retries(): number {
    const sysctl = this.ns.sysctl;
    if (this.state === 'SYN_SENT')
      return sysctl.number('net.ipv4.tcp_syn_retries') + sysctl.number('net.ipv4.tcp_syn_linear_timeouts');
    if (this.state === 'SYN_RECV') return sysctl.number('net.ipv4.tcp_synack_retries');
    if (this.#orphan) return 8;
    return sysctl.number('net.ipv4.tcp_retries2');
  }

  #repeat(sent: Sent, traced: boolean): void {
    const world = this.ns.world;
    this.retransmits++;
    if (traced && world.tracer !== undefined)
      world.tracer.decision(world.now, sent.walk, this.ns.name, {
        code: 'tcp-retransmit',
        local: `${formatIp(this.localIp)}:${this.localPort}`,
        remote: `${formatIp(this.remoteIp)}:${this.remotePort}`,
        attempt: Math.max(1, this.#backoff),
        segment: tcpFlags(sent.flags),
      });
    sent.repeated = true;
    sent.sentAt = world.now;
    this.#transmit(sent.seq, sent.data, sent.flags, sent.walk);
  }

  /** After a time-out: what was in flight goes again as acknowledgements come in. */
  #resend(): void {
    if (this.#resendUpTo === undefined) return;
    let budget = Math.max(1, Math.floor(this.#cwnd));
    for (const sent of this.#sent) {
      if (budget-- <= 0 || !before(sent.seq, this.#resendUpTo)) return;
      if (!sent.repeated) this.#repeat(sent, true);
    }
  }

  /** The path became narrower: cuts what was sent into smaller segments and sends it again (tcp_simple_retransmit). */
  #resegment(): void {
    const mss = this.mss;
    const again: Sent[] = [];
    for (const sent of this.#sent) {
      if (sent.data.length <= mss) {
        again.push(sent);
        continue;
      }
      for (let at = 0; at < sent.data.length; at += mss) {
        const data = sent.data.subarray(at, at + mss);
        const last = at + mss >= sent.data.length;
        const seq = add(sent.seq, at);
        again.push({
          ...sent,
          seq,
          end: last ? sent.end : add(seq, data.length),
          data,
          flags: last ? sent.flags : sent.flags & ~(TCP_PSH | TCP_FIN),
          repeated: false,
        });
      }
    }
    const cut = again.length !== this.#sent.length;
    this.#sent = again;
    if (!cut) return;
    for (const sent of again) this.#repeat(sent, true);
    this.#armRetransmit();
  }

  #startTimeWait(): void {
    this.#setState('TIME_WAIT');
    this.#stopTimers();
    this.#closeTimer = this.ns.world.timer(TIME_WAIT_TIME, () => this.#finish());
  }

  #startFinWait2(): void {
    this.#closeTimer?.cancel();
    const seconds = this.ns.sysctl.number('net.ipv4.tcp_fin_timeout');
    this.#closeTimer = this.ns.world.timer(seconds * SECOND, () => this.#finish());
  }

  #fail(errno: Errno): void {
    this.error = errno;
    const { onConnect } = this;
    this.#finish();
    onConnect?.(errno);
    this.#notify();
  }

  #finish(): void {
    if (this.state !== 'CLOSED') {
      this.ns.sockets.removeConnection(this);
      this.#setState('CLOSED');
    }
    this.#stopTimers();
    this.#sent = [];
    this.#unsent = [];
    this.#unsentBytes = 0;
    this.#outOfOrder = [];
    this.#wake?.();
  }

  #stopTimers(): void {
    this.#retransmitTimer?.cancel();
    this.#ackTimer?.cancel();
    this.#closeTimer?.cancel();
    this.#retransmitTimer = this.#ackTimer = this.#closeTimer = undefined;
  }

  #stateIs(state: TcpState): boolean {
    return this.state === state;
  }

  #setState(state: TcpState): void {
    const from = this.state;
    this.state = state;
    const world = this.ns.world;
    if (world.tracer !== undefined && from !== state)
      world.tracer.decision(world.now, this.#cause ?? 0, this.ns.name, {
        code: 'tcp-state',
        local: `${formatIp(this.localIp)}:${this.localPort}`,
        remote: `${formatIp(this.remoteIp)}:${this.remotePort}`,
        from,
        to: state,
      });
  }
}

/** tcpdump's letters. */
function tcpFlags(flags: number): string {
  const letters =
    (flags & TCP_FIN ? 'F' : '') +
    (flags & TCP_SYN ? 'S' : '') +
    (flags & TCP_RST ? 'R' : '') +
    (flags & TCP_PSH ? 'P' : '') +
    (flags & TCP_ACK ? '.' : '') +
    (flags & 32 ? 'U' : '');
  return letters === '' ? 'none' : letters;
}

function add(seq: number, n: number): number {
  return (seq + n) >>> 0;
}

/** Bytes from `a` to `b`. */
function distance(a: number, b: number): number {
  return (b - a) >>> 0;
}

function before(a: number, b: number): boolean {
  return ((a - b) | 0) < 0;
}

function after(a: number, b: number): boolean {
  return ((b - a) | 0) < 0;
}

function between(seq: number, low: number, high: number): boolean {
  return distance(low, seq) <= distance(low, high);
}

function join(parts: readonly Uint8Array[], size: number): Uint8Array {
  const [only] = parts;
  if (parts.length === 1 && only !== undefined) return only;
  const all = new Uint8Array(size);
  let at = 0;
  for (const part of parts) {
    all.set(part, at);
    at += part.length;
  }
  return all;
}
