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
  tcpFlags,
} from './packet.ts';
import { Skb } from './skb.ts';
import type { SocketOwner, TcpListener } from './socket.ts';
import type { Task } from './task.ts';
import { Agreement } from './tcp-agreement.ts';
import { DELAYED_ACK, ReceiveQueue } from './tcp-receive-queue.ts';
import { SendQueue, type Sent } from './tcp-send-queue.ts';
import { add, after, before, between } from './tcp-sequence.ts';
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

const SECOND = 1_000_000;
const TIME_WAIT_TIME = 60 * SECOND;
const MAX_SEND_BUFFER = 4_194_304;
/** How often an orphan repeats itself before it gives up (tcp_orphan_retries). */
const ORPHAN_RETRIES = 8;

export class TcpConnection {
  readonly ns: Netns;
  readonly localIp: Ip;
  readonly localPort: number;
  readonly remoteIp: Ip;
  readonly remotePort: number;
  process: SocketOwner | undefined;
  state: TcpState = 'CLOSED';
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
  readonly #send: SendQueue;
  readonly #receive = new ReceiveQueue();
  readonly #agreed = new Agreement();
  /** The program has closed it. */
  #orphan = false;
  /** An ICMP error that is told only when the connection fails for want of answers. */
  #softError: Errno | undefined;
  #retransmitTimer: Timer | undefined;
  /** The timer is for a tail loss probe. */
  #probing = false;
  #ackTimer: Timer | undefined;
  #closeTimer: Timer | undefined;
  /** The next packet tells the neighbour table that the other side is alive. */
  #confirm = false;
  #ipId: number;
  /** Walk of the last segment that was received: what is sent now answers it. */
  #cause: number | undefined;
  /** Programs inside the socket, and what arrived meanwhile. */
  #owned = 0;
  readonly #waiting: (() => void)[] = [];
  #wake: (() => void) | undefined;
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
    this.#send = new SendQueue(ns.world.random.uint32());
    this.#ipId = ns.world.random.below(65536);
  }

  /** Sends SYN. */
  connect(): void {
    this.ns.sockets.addConnection(this);
    this.#receive.openWindow(this.#advertisedMss());
    this.#enter();
    const walk = this.ns.world.newWalk();
    this.#setState('SYN_SENT', walk);
    this.#sendNew(EMPTY, TCP_SYN, walk);
    this.#leave();
  }

  /** Answers a SYN that a listener got. */
  accept(syn: TcpSegment, walk: number): void {
    this.ns.sockets.addConnection(this);
    this.#cause = walk;
    this.#setState('SYN_RECV');
    this.#agreed.learn(syn);
    this.#receive.start(add(syn.seq, 1));
    this.#receive.openWindow(this.#advertisedMss() - this.#agreed.overhead);
    this.#send.setWindow(syn.window);
    this.#sendNew(EMPTY, TCP_SYN | TCP_ACK);
  }

  /** Queues bytes; false when the connection cannot send any more. */
  write(data: Uint8Array): boolean {
    if (this.#send.finQueued || this.error !== undefined || !MAY_WRITE.has(this.state)) return false;
    if (this.#send.unsent.length + data.length > MAX_SEND_BUFFER) return false;
    if (data.length === 0) return true;
    this.#send.unsent.push(data);
    this.#enter();
    this.#push();
    this.#leave();
    return true;
  }

  /** The next bytes, as many as there are. */
  *read(timeout: number): Task<ReadResult> {
    const { unread } = this.#receive;
    if (
      unread.length === 0 &&
      !this.#receive.finReceived &&
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
    if (unread.length > 0) return { kind: 'data', data: this.#takeUnread() };
    // The end of the stream is told before an error that came after it (tcp_recvmsg: SOCK_DONE before sk_err).
    if (this.#receive.finReceived) return { kind: 'eof' };
    if (this.error !== undefined) return { kind: 'error', errno: this.error };
    if (this.#is('CLOSED')) return { kind: 'eof' };
    return { kind: 'timeout' };
  }

  /** No more will be written: FIN after what is queued. */
  end(): void {
    if (this.#send.finQueued || this.state === 'SYN_SENT' || this.state === 'CLOSED') return;
    this.#send.finQueued = true;
    this.#enter();
    this.#push();
    this.#leave();
  }

  /** The program lets go: FIN, or RST when it has not read everything. */
  close(): void {
    if (this.#orphan) return;
    this.#orphan = true;
    this.onData = this.onEnd = this.onError = undefined;
    if (this.state === 'SYN_SENT') this.#finish();
    else if (this.state !== 'CLOSED' && this.#receive.unread.length > 0) this.abort();
    else {
      if (this.state === 'FIN_WAIT2') this.#startFinWait2();
      this.end();
    }
  }

  /** RST at once. */
  abort(): void {
    this.#orphan = true;
    this.#enter();
    if (this.state !== 'CLOSED' && this.state !== 'SYN_SENT' && this.state !== 'TIME_WAIT') this.#sendReset();
    this.#finish();
    this.#leave();
  }

  /** Gone without a word, as its namespace is. */
  vanish(): void {
    this.#orphan = true;
    this.#finish();
  }

  /** Bytes that wait to be read, and bytes that are not acknowledged: `Recv-Q` and `Send-Q` of `ss`. */
  get queues(): { readonly receive: number; readonly send: number } {
    return { receive: this.#receive.unread.length, send: this.#send.unsent.length + this.#send.inFlight };
  }

  /** Payload bytes of a full segment now: what the path and the peer take, and at most half of its window. */
  get mss(): number {
    const route = this.ns.routes.lookup({ dst: this.remoteIp, src: this.localIp });
    const mtu = this.ns.world.ip.pathMtu(this.ns, route, this.remoteIp);
    const mss = Math.min(this.#agreed.peerMss, mtu - this.#headers) - this.#agreed.overhead;
    const { maxWindow } = this.#send;
    const bound = maxWindow > 536 ? maxWindow >>> 1 : maxWindow > 0 ? maxWindow : mss;
    return Math.max(1, Math.min(mss, bound));
  }

  /** A segment for this connection. */
  receive(segment: TcpSegment, packet: IpPacket, walk: number): void {
    if (this.#owned > 0) {
      this.#waiting.push(() => this.receive(segment, packet, walk));
      return;
    }
    this.#cause = walk;
    this.receivedTtl = packet.ttl;
    if (this.state === 'SYN_SENT') this.#receiveInSynSent(segment);
    else if (this.state === 'TIME_WAIT') this.#receiveInTimeWait(segment);
    else if (this.state !== 'CLOSED') this.#receiveSynchronized(segment);
  }

  /** ICMP reported an error about a segment of this connection (tcp_v4_err). */
  icmpError(error: SocketError, seq: number, skb: Skb): void {
    // Measured on Linux 6.18: connect(2) over IPv6 hears an error only about its second SYN, where the first one's comes at once.
    if (this.#owned > 0 && this.state === 'SYN_SENT' && isIpv6(this.remoteIp) && error.errno !== 'EMSGSIZE') {
      this.#softError = error.errno;
      return;
    }
    if (this.#owned > 0) {
      this.#waiting.push(() => this.icmpError(error, seq, skb));
      return;
    }
    if (!between(seq, this.#send.una, this.#send.nxt)) return;
    if (error.errno === 'EMSGSIZE') this.#pathNarrowed(error.mtu, skb);
    else if (this.state === 'SYN_SENT') this.#fail(error.errno);
    else if (this.state === 'SYN_RECV') this.#finish();
    else this.#softError = error.errno;
  }

  /** The program's turn: a new connection, bytes, the end, an error. */
  run(): void {
    this.#woken = false;
    if (this.#accepting) {
      this.#accepting = false;
      this.#listener?.onConnection?.(this);
    }
    if (this.onData !== undefined && this.#receive.unread.length > 0) this.onData(this.#takeUnread());
    if (this.#receive.finReceived && !this.#endTold && this.onEnd !== undefined) {
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

  /** A program is inside the socket: what arrives meanwhile waits until it leaves (lock_sock, sk_backlog). */
  #enter(): void {
    this.#owned++;
  }

  #leave(): void {
    if (--this.#owned > 0) return;
    for (let next = this.#waiting.shift(); next !== undefined; next = this.#waiting.shift()) next();
  }

  #receiveInSynSent(segment: TcpSegment): void {
    const acked = (segment.flags & TCP_ACK) !== 0;
    if (acked && segment.ack !== this.#send.nxt) {
      if ((segment.flags & TCP_RST) === 0) this.ns.world.tcp.resetFor(this.ns, this, segment);
      return;
    }
    if ((segment.flags & TCP_RST) !== 0) {
      if (acked) this.#fail('ECONNREFUSED');
      return;
    }
    if ((segment.flags & TCP_SYN) === 0) return;
    this.#agreed.learn(segment);
    this.#receive.start(add(segment.seq, 1));
    this.#send.setWindow(segment.window);
    if (!acked) {
      this.#setState('SYN_RECV');
      this.#send.restart();
      this.#sendNew(EMPTY, TCP_SYN | TCP_ACK);
      return;
    }
    this.#acknowledged(segment);
    this.#receive.opened(this.ns.world.now);
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
    if ((segment.flags & TCP_SYN) !== 0 && after(segment.seq, this.#receive.nxt)) {
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
    const { flags } = segment;
    if (this.state === 'SYN_RECV' && (flags & (TCP_SYN | TCP_ACK)) === TCP_SYN) {
      const { first } = this.#send;
      if (first !== undefined) this.#repeat(first, 'unasked');
      return;
    }
    if (!this.#receive.acceptable(segment.seq, segment.data.length + (flags & TCP_FIN ? 1 : 0))) {
      if ((flags & TCP_RST) === 0) this.#sendAck();
      return;
    }
    if ((flags & TCP_RST) !== 0 && segment.seq === this.#receive.nxt) {
      if (this.state === 'SYN_RECV') this.#finish();
      else this.#fail(this.state === 'CLOSE_WAIT' ? 'EPIPE' : 'ECONNRESET');
      return;
    }
    if ((flags & (TCP_RST | TCP_SYN)) !== 0) {
      this.#sendAck();
      return;
    }
    if ((flags & TCP_ACK) === 0) return;
    if (segment.options.timestamp !== undefined) this.#agreed.recent = segment.options.timestamp[0];
    if (this.state === 'SYN_RECV' && !this.#established(segment)) return;
    this.#acknowledged(segment);
    if (this.#is('CLOSED') || this.#is('TIME_WAIT')) return;
    if (segment.data.length > 0 || (flags & TCP_FIN) !== 0) this.#receiveData(segment);
    this.#push();
  }

  /** The last step of a handshake that the other side began. */
  #established(segment: TcpSegment): boolean {
    if (!between(segment.ack, this.#send.una, this.#send.nxt) || segment.ack === this.#send.una) {
      this.ns.world.tcp.resetFor(this.ns, this, segment);
      return false;
    }
    this.#receive.opened(this.ns.world.now);
    this.#setState('ESTABLISHED');
    this.process ??= this.#listener?.process;
    this.#accepting = true;
    this.#notify();
    return true;
  }

  /** What an acknowledgement moves on. */
  #acknowledged(segment: TcpSegment): void {
    const { ack } = segment;
    const send = this.#send;
    if (after(ack, send.nxt) || before(ack, send.una)) return;
    const syn = (segment.flags & TCP_SYN) !== 0;
    const window = syn ? segment.window : segment.window * 2 ** this.#agreed.peerScale;
    const same = window === send.window;
    send.setWindow(window);
    if (ack === send.una) {
      if (!same || segment.data.length > 0 || send.first === undefined) return;
      const lost = send.duplicateAck();
      if (lost !== undefined) this.#repeat(lost, 'lost');
      return;
    }
    send.acknowledge(ack, this.ns.world.now);
    this.#softError = undefined;
    this.#confirm = true;
    this.#stopRetransmit();
    if (send.first !== undefined) this.#armRetransmit();
    if (!send.finSent || ack !== send.nxt) return;
    if (this.state === 'FIN_WAIT1') {
      this.#setState('FIN_WAIT2');
      if (this.#orphan) this.#startFinWait2();
    } else if (this.state === 'CLOSING') this.#startTimeWait();
    else if (this.state === 'LAST_ACK') this.#finish();
  }

  #receiveData(segment: TcpSegment): void {
    if (this.#orphan && segment.data.length > 0 && this.state !== 'CLOSE_WAIT' && this.state !== 'LAST_ACK') {
      this.#sendReset();
      this.#finish();
      return;
    }
    if (this.#receive.place(segment) !== 'next') {
      this.#sendAck();
      return;
    }
    const { bytes, fin } = this.#receive.take(segment, this.ns.world.now);
    if (fin) this.#receiveFin();
    this.#decideAck(bytes.length > 0);
    if (!this.#orphan) for (const data of bytes) this.#receive.unread.push(data);
    if (bytes.length > 0 || fin) this.#notify();
  }

  #receiveFin(): void {
    if (this.state === 'ESTABLISHED') this.#setState('CLOSE_WAIT');
    else if (this.state === 'FIN_WAIT1') {
      this.#setState('CLOSING');
      this.#sendAck();
    } else if (this.state === 'FIN_WAIT2') {
      this.#sendAck();
      this.#startTimeWait();
    }
  }

  #takeUnread(): Uint8Array {
    const { mss } = this;
    const wasShut = this.#receive.window < mss;
    const data = this.#receive.unread.take();
    if (wasShut && this.#receive.window >= mss && this.state !== 'CLOSED') this.#sendAck();
    return data;
  }

  #decideAck(data: boolean): void {
    if (this.#is('TIME_WAIT') || this.#is('CLOSED') || !this.#receive.owesAck) return;
    if (data && this.#receive.ackAtOnce) {
      this.#sendAck();
      return;
    }
    this.#ackTimer ??= this.ns.world.timer(DELAYED_ACK, () => {
      this.#ackTimer = undefined;
      this.#receive.ackWasLate();
      if (this.state !== 'CLOSED' && this.#receive.owesAck) this.#sendAck();
    });
  }

  /** Sends what the windows allow. */
  #push(): void {
    if (!MAY_SEND.has(this.state)) return;
    const send = this.#send;
    for (const lost of send.lost()) this.#repeat(lost, 'lost');
    const { mss } = this;
    while (send.unsent.length > 0) {
      const { room } = send;
      if (room <= 0) {
        if (send.inFlight === 0) this.#armRetransmit();
        return;
      }
      if (send.congested) return;
      this.#sendData(mss);
    }
    if (send.finQueued && !send.finSent) this.#sendNew(EMPTY, TCP_FIN | TCP_ACK);
  }

  /** One segment of what is written; the last one takes a waiting FIN along. */
  #sendData(mss: number): void {
    const send = this.#send;
    const { room } = send;
    const data = send.unsent.take(Math.min(mss, room));
    const last = send.unsent.length === 0;
    const fin = last && send.finQueued && !send.finSent && data.length < room;
    this.#receive.dataSent(this.ns.world.now);
    this.#sendNew(data, TCP_ACK | (last ? TCP_PSH : 0) | (fin ? TCP_FIN : 0));
  }

  /** A new segment: on the wire, and kept until it is acknowledged. */
  #sendNew(data: Uint8Array, flags: number, walk = this.ns.world.newWalk(this.#cause)): void {
    const send = this.#send;
    const seq = send.nxt;
    if ((flags & TCP_FIN) !== 0) {
      send.finSent = true;
      this.#setState(this.state === 'CLOSE_WAIT' ? 'LAST_ACK' : 'FIN_WAIT1', walk);
    }
    const sent = send.record(data, flags, walk, this.ns.world.now);
    sent.carrier = this.#transmit(seq, data, flags, walk);
    if ((this.#retransmitTimer === undefined || this.#probing) && this.state !== 'CLOSED')
      this.#armRetransmit();
  }

  #sendAck(): void {
    this.#transmit(this.#send.nxt, EMPTY, TCP_ACK, this.ns.world.newWalk(this.#cause));
  }

  #sendReset(): void {
    this.#transmit(this.#send.nxt, EMPTY, TCP_RST | TCP_ACK, this.ns.world.newWalk(this.#cause));
  }

  #repeat(sent: Sent, why: 'lost' | 'unasked'): void {
    const { world } = this.ns;
    // As long as it waits for its neighbour on this very host, no copy is sent after it.
    if (sent.carrier?.waiting === true && this.state !== 'SYN_RECV') return;
    this.retransmits++;
    if (why === 'lost' && world.tracer !== undefined)
      world.tracer.decision(world.now, sent.walk, this.ns.name, {
        code: 'tcp-retransmit',
        ...this.#names(),
        attempt: Math.max(1, this.#send.backoff),
        segment: tcpFlags(sent.flags),
      });
    sent.repeated = true;
    sent.sentAt = world.now;
    sent.carrier = this.#transmit(sent.seq, sent.data, sent.flags, world.newWalk(sent.walk));
  }

  #transmit(seq: number, data: Uint8Array, flags: number, walk: number): Skb {
    const { ns } = this;
    const { world } = ns;
    const syn = (flags & TCP_SYN) !== 0;
    const withAck = (flags & TCP_ACK) !== 0;
    const ack = withAck ? this.#receive.nxt : 0;
    if (withAck) this.#ackLeaves();
    const clock = (1_000_000 + Math.floor(world.now / 1000)) >>> 0;
    const options = syn
      ? this.#agreed.synOptions(clock, this.#advertisedMss(), withAck)
      : (flags & TCP_RST) !== 0
        ? TCP_NO_OPTIONS
        : this.#agreed.options(clock);
    const window = syn ? this.#receive.window : this.#receive.scaledWindow(this.#agreed.scale);
    const segment = new TcpSegment(this.localPort, this.remotePort, seq, ack, flags, window, options, data);
    const v6 = isIpv6(this.localIp);
    const id = v6 || (syn && withAck) ? 0 : (this.#ipId = (this.#ipId + 1) & 0xffff);
    const packet = new IpPacket(this.localIp, this.remoteIp, IPPROTO_TCP, 64, 0, id, !v6, false, 0, segment);
    const skb = new Skb(ns, packet, walk);
    skb.process = this.process?.name;
    skb.owned = true;
    skb.confirm = this.#confirm;
    this.#confirm = false;
    if (world.tracer !== undefined) {
      const { local, remote } = this.#names();
      world.tracer.decision(world.now, walk, ns.name, {
        code: 'send',
        protocol: 'tcp',
        src: local,
        dst: remote,
        ...(this.process === undefined ? {} : { process: this.process.name }),
      });
    }
    world.ip.output(skb);
    return skb;
  }

  #ackLeaves(): void {
    this.#receive.ackSent();
    this.#ackTimer?.cancel();
    this.#ackTimer = undefined;
  }

  /** Bytes of the IP and TCP headers without options. */
  get #headers(): number {
    return isIpv6(this.localIp) ? 60 : 40;
  }

  /** The largest segment that this end's interface takes. */
  #advertisedMss(): number {
    const route = this.ns.routes.lookup({ dst: this.remoteIp, src: this.localIp });
    const dev = route.kind === 'local' ? this.ns.loopback : route.dev;
    return Math.min(route.mtu > 0 ? route.mtu : (dev?.mtu ?? 1500), 65535) - this.#headers;
  }

  #armRetransmit(): void {
    this.#stopRetransmit();
    const linear = this.state === 'SYN_SENT' ? this.ns.sysctl.number('net.ipv4.tcp_syn_linear_timeouts') : 0;
    const probe = MAY_SEND.has(this.state) ? this.#send.probeTimeout : undefined;
    this.#probing = probe !== undefined;
    this.#retransmitTimer = this.ns.world.timer(probe ?? this.#send.timeout(linear), () => {
      this.#retransmitTimer = undefined;
      if (this.#probing) this.#probeTail();
      else this.#timedOut();
    });
  }

  #stopRetransmit(): void {
    this.#retransmitTimer?.cancel();
    this.#retransmitTimer = undefined;
  }

  /** Something makes the other side acknowledge again, before the long wait of a time-out. */
  #probeTail(): void {
    this.#probing = false;
    const last = this.#send.probe();
    if (last === undefined) this.#sendData(this.mss);
    else this.#repeat(last, 'lost');
    this.#armRetransmit();
  }

  #timedOut(): void {
    const { first } = this.#send;
    if (first === undefined && (this.#send.unsent.length === 0 || this.state === 'CLOSED')) return;
    if (first === undefined && this.#send.room > 0) {
      this.#push();
      return;
    }
    if (this.#send.backoff >= this.#retries()) {
      if (this.state === 'SYN_RECV') this.#finish();
      else this.#fail(this.#softError ?? 'ETIMEDOUT');
      return;
    }
    this.#send.timedOut(first !== undefined && this.state !== 'SYN_SENT' && this.state !== 'SYN_RECV');
    if (first !== undefined) this.#repeat(first, 'lost');
    // The peer's window is shut: asks whether it still is (tcp_write_wakeup).
    else this.#transmit(add(this.#send.una, -1), EMPTY, TCP_ACK, this.ns.world.newWalk(this.#cause));
    this.#armRetransmit();
  }

  #retries(): number {
    const { sysctl } = this.ns;
    if (this.state === 'SYN_SENT')
      return sysctl.number('net.ipv4.tcp_syn_retries') + sysctl.number('net.ipv4.tcp_syn_linear_timeouts');
    if (this.state === 'SYN_RECV') return sysctl.number('net.ipv4.tcp_synack_retries');
    return this.#orphan ? ORPHAN_RETRIES : sysctl.number('net.ipv4.tcp_retries2');
  }

  /** A router told the path's MTU: what is too long goes again in smaller segments, at once (tcp_simple_retransmit). */
  #pathNarrowed(mtu: number, skb: Skb): void {
    const before = this.mss;
    this.ns.world.icmp.learnPathMtu(this.ns, skb, this.remoteIp, mtu);
    if (this.mss >= before) return;
    const again = this.#send.resegment(this.mss);
    for (const sent of again) this.#repeat(sent, 'lost');
    if (again.length > 0) this.#armRetransmit();
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
    this.#send.clear();
    this.#receive.clear();
    this.#wake?.();
  }

  #stopTimers(): void {
    this.#stopRetransmit();
    this.#ackTimer?.cancel();
    this.#closeTimer?.cancel();
    this.#ackTimer = this.#closeTimer = undefined;
  }

  /** The walk of the segment that is answered now, or was last. */
  get answering(): number | undefined {
    return this.#cause;
  }

  /** The state as it is now, whatever the compiler knows of it from before. */
  #is(state: TcpState): boolean {
    return this.state === state;
  }

  #setState(state: TcpState, walk = this.#cause ?? 0): void {
    const from = this.state;
    this.state = state;
    const { world } = this.ns;
    if (world.tracer !== undefined && from !== state)
      world.tracer.decision(world.now, walk, this.ns.name, {
        code: 'tcp-state',
        ...this.#names(),
        from,
        to: state,
      });
  }

  #names(): { readonly local: string; readonly remote: string } {
    return {
      local: `${formatIp(this.localIp)}:${this.localPort}`,
      remote: `${formatIp(this.remoteIp)}:${this.remotePort}`,
    };
  }
}

/** A program may queue bytes. */
const MAY_WRITE: ReadonlySet<TcpState> = new Set<TcpState>([
  'SYN_SENT',
  'SYN_RECV',
  'ESTABLISHED',
  'CLOSE_WAIT',
]);
/** What is queued may go. */
const MAY_SEND: ReadonlySet<TcpState> = new Set<TcpState>([
  'ESTABLISHED',
  'CLOSE_WAIT',
  'FIN_WAIT1',
  'CLOSING',
  'LAST_ACK',
]);
