/**
 * One world: virtual time in microseconds, its events, its namespaces. It behaves like one machine with one processor:
 * every frame received costs a few microseconds; received frames are worked off in order of arrival (the backlog of
 * net/core/dev.c) before any program runs; and what a program sends is worked off before it goes on, as the kernel does
 * when it leaves the transmit path. Same input, same record.
 *
 * `createNetns(name, { kind })`, `deleteNetns`, `schedule(us, run)`, `timer(us, run)` (a kernel timer, as coarse as the
 * timer wheel at HZ=250), `spawn(task)`, `run({ until, time, events })`, `tracer`, `random`.
 */
import { Arp } from './arp.ts';
import { Icmp } from './icmp.ts';
import { IpLayer } from './ip.ts';
import { NeighbourDiscoveryLayer } from './nd.ts';
import { Netns, type NetnsKind } from './netns.ts';
import { Random } from './random.ts';
import { Ring } from './ring.ts';
import type { Skb } from './skb.ts';
import { Process, type Task } from './task.ts';
import { Tcp } from './tcp.ts';
import type { Tracer } from './trace.ts';
import { Udp } from './udp.ts';

export interface Timer {
  /** When it fires. */
  readonly due: number;
  cancel(): void;
}

/** A program that may go on, once no received frame waits. */
export interface Runnable {
  run(): void;
}

interface Woken {
  readonly program: Runnable;
  /** `World.activity` of who woke it. */
  readonly activity: number;
}

class QueuedTimer implements Timer {
  readonly due: number;
  readonly order: number;
  readonly activity: number;
  run: (() => void) | undefined;

  constructor(due: number, order: number, activity: number, run: () => void) {
    this.due = due;
    this.order = order;
    this.activity = activity;
    this.run = run;
  }

  cancel(): void {
    this.run = undefined;
  }
}

/** What one received frame costs, in virtual microseconds. */
const RECEIVE_COST = 4;
const JIFFY = 4000;
/** Frames that may wait to be received; a storm loses what comes beyond. */
const MAX_BACKLOG = 1 << 16;
/** Events that a program may cause at once outside of `run`. */
const OUTSIDE_BUDGET = 100_000;

export interface RunOptions {
  /** Asked after every event. */
  readonly until?: () => boolean;
  /** Virtual microseconds that may pass. */
  readonly time?: number;
  readonly events?: number;
}

/** Why a run ended: nothing left to do, `until` held, the time was up, or too many events. */
export type RunEnd = 'idle' | 'done' | 'time' | 'events';

export class World {
  now = 0;
  readonly random: Random;
  /** Those that are made. */
  readonly netnses = new Map<string, Netns>();
  readonly #promised = new Map<string, { readonly netns: Netns }>();
  tracer: Tracer | undefined = undefined;
  /** Events since the beginning. */
  events = 0;
  /**
   * On whose behalf this happens: 0 for what goes on by itself, else the number of a command. Timers and packets hand it
   * on to what they cause, so that a record can tell a command's traffic from everybody else's.
   */
  activity = 0;
  readonly ip = new IpLayer();
  readonly arp = new Arp();
  readonly nd = new NeighbourDiscoveryLayer();
  readonly icmp = new Icmp();
  readonly udp = new Udp();
  readonly tcp = new Tcp();
  #heap: QueuedTimer[] = [];
  #order = 0;
  #walks = 0;
  readonly #backlog = new Ring<Skb>();
  readonly #runnable = new Ring<Woken>();
  /** The kernel is at work (softirq), not a program. */
  #kernel = false;
  #transmitting = 0;
  #budget = OUTSIDE_BUDGET;
  #deadline = Infinity;
  /** Frames lost because too many were waiting. */
  backlogDrops = 0;

  constructor(options: { readonly seed?: number } = {}) {
    this.random = new Random(options.seed ?? 1);
  }

  createNetns(name: string, options: { readonly kind?: NetnsKind } = {}): Netns {
    const ns = new Netns(this, name, options.kind ?? 'host');
    this.netnses.set(name, ns);
    this.#promised.delete(name);
    return ns;
  }

  /** A namespace that is made when somebody asks for it by its name. */
  promiseNetns(name: string, holder: { readonly netns: Netns }): void {
    this.#promised.set(name, holder);
  }

  /** The namespace of that name, made now if it was promised. */
  netns(name: string): Netns | undefined {
    return this.netnses.get(name) ?? this.#promised.get(name)?.netns;
  }

  /** Every namespace that there is; those that were promised are made now. */
  everyNetns(): Netns[] {
    for (const ns of [...this.netnses.values()]) ns.settle();
    return [...this.netnses.values(), ...[...this.#promised.values()].map(({ netns }) => netns)];
  }

  hasNetns(name: string): boolean {
    return this.netnses.has(name) || this.#promised.has(name);
  }

  /** Does what was put off as it would have been done at that time; nobody's traffic, and in no record. */
  asOf(time: number, run: () => void): void {
    const { now, activity, tracer } = this;
    this.now = time;
    this.activity = 0;
    this.tracer = undefined;
    run();
    this.now = now;
    this.activity = activity;
    this.tracer = tracer;
  }

  /** Its devices go with it, and the other ends of its veth pairs. */
  deleteNetns(ns: Netns): void {
    ns.destroy();
    if (this.netnses.get(ns.name) === ns) this.netnses.delete(ns.name);
  }

  schedule(delay: number, run: () => void): Timer {
    const timer = new QueuedTimer(
      this.now + Math.max(0, Math.round(delay)),
      ++this.#order,
      this.activity,
      run,
    );
    this.#push(timer);
    return timer;
  }

  /**
   * A kernel timer: never early, late by up to an eighth, and of two that fall into one slot the later one first
   * (kernel/time/timer.c, calc_index and the list of a bucket).
   */
  timer(delay: number, run: () => void): Timer {
    const clock = Math.floor(this.now / JIFFY);
    const expires = clock + Math.ceil(delay / JIFFY);
    let shift = 0;
    for (let delta = expires - clock; delta >= 63; delta = Math.floor(delta / 8)) shift += 3;
    const slot = (Math.floor(expires / 2 ** shift) + 1) * 2 ** shift;
    const timer = new QueuedTimer(slot * JIFFY, -++this.#order, this.activity, run);
    this.#push(timer);
    return timer;
  }

  spawn<T>(task: Task<T>): Process<T> {
    const process = new Process(this, task);
    process.step();
    return process;
  }

  /** A new packet's walk; `cause` is the walk it answers or repeats. */
  newWalk(cause?: number): number {
    const id = ++this.#walks;
    this.tracer?.walk(id, cause);
    return id;
  }

  /** `skb.inDev` will receive it (netif_rx). */
  enqueue(skb: Skb): void {
    if (this.#backlog.length < MAX_BACKLOG) this.#backlog.push(skb);
    else this.backlogDrops++;
  }

  /** A program may go on. */
  wake(program: Runnable): void {
    this.#runnable.push({ program, activity: this.activity });
  }

  /** Around every device's sending; devices above others nest. */
  enterTransmit(): void {
    this.#transmitting++;
  }

  /** Works off what was just sent, when a program sent it; the kernel's own sending waits its turn. */
  leaveTransmit(): void {
    if (--this.#transmitting > 0 || this.#kernel || this.#backlog.length === 0) return;
    const activity = this.activity;
    this.#kernel = true;
    while (this.#backlog.length > 0 && this.#budget > 0 && this.now <= this.#deadline) this.#receiveNext();
    this.#kernel = false;
    this.activity = activity;
  }

  run(options: RunOptions = {}): RunEnd {
    this.#budget = options.events ?? Infinity;
    this.#deadline = options.time === undefined ? Infinity : this.now + options.time;
    const caller = this.activity;
    const end = this.#run(options.until);
    // Whoever runs the world goes on with what it was doing.
    this.activity = caller;
    this.#budget = OUTSIDE_BUDGET;
    this.#deadline = Infinity;
    return end;
  }

  #run(until: (() => boolean) | undefined): RunEnd {
    const end = this.#deadline;
    if (until?.() === true) return 'done';
    for (;;) {
      if (this.#budget <= 0) return 'events';
      const next = this.#next();
      const busy = this.#backlog.length > 0 || this.#runnable.length > 0;
      if (next === undefined && !busy) {
        if (end !== Infinity) this.now = Math.max(this.now, end);
        return 'idle';
      }
      if (next !== undefined && (!busy || next.due <= this.now)) {
        if (next.due > end) {
          this.now = Math.max(this.now, end);
          return 'time';
        }
        this.#pop();
        if (next.due > this.now) this.now = next.due;
        this.events++;
        this.#budget--;
        const run = next.run;
        next.run = undefined;
        this.activity = next.activity;
        this.#kernel = next.order < 0;
        run?.();
        this.#kernel = false;
      } else {
        if (this.now > end) return 'time';
        if (this.#backlog.length > 0) {
          this.#kernel = true;
          this.#receiveNext();
          this.#kernel = false;
        } else this.#runNext();
      }
      if (until?.() === true) return 'done';
    }
  }

  #receiveNext(): void {
    const skb = this.#backlog.shift();
    this.now += RECEIVE_COST;
    this.events++;
    this.#budget--;
    if (skb === undefined) return;
    this.activity = skb.activity;
    skb.inDev?.receive(skb);
  }

  #runNext(): void {
    const woken = this.#runnable.shift();
    this.activity = woken?.activity ?? 0;
    this.events++;
    this.#budget--;
    woken?.program.run();
  }

  /** The earliest live timer, which stays in the heap. */
  #next(): QueuedTimer | undefined {
    for (;;) {
      const top = this.#heap[0];
      if (top === undefined || top.run !== undefined) return top;
      this.#pop();
    }
  }

  #push(timer: QueuedTimer): void {
    const heap = this.#heap;
    let i = heap.length;
    heap.push(timer);
    while (i > 0) {
      const parent = (i - 1) >> 1;
      const above = heap[parent];
      if (above === undefined || !earlier(timer, above)) break;
      heap[i] = above;
      i = parent;
    }
    heap[i] = timer;
  }

  #pop(): void {
    const heap = this.#heap;
    const last = heap.pop();
    if (last === undefined || heap.length === 0) return;
    let i = 0;
    for (;;) {
      let child = 2 * i + 1;
      let below = heap[child];
      if (below === undefined) break;
      const right = heap[child + 1];
      if (right !== undefined && earlier(right, below)) {
        child++;
        below = right;
      }
      if (!earlier(below, last)) break;
      heap[i] = below;
      i = child;
    }
    heap[i] = last;
  }
}

function earlier(a: QueuedTimer, b: QueuedTimer): boolean {
  return a.due < b.due || (a.due === b.due && a.order < b.order);
}
