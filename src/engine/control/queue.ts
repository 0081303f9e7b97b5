import type { Clock } from '../api/clock.ts';

/** Counts what is under way, so that one can tell when the control plane has come to rest. */
export class Activity {
  private count = 0;

  begin(): void {
    this.count++;
  }

  end(): void {
    this.count--;
  }

  get idle(): boolean {
    return this.count === 0;
  }
}

/** Runs things a fixed time later, in order: one timer however many wait. */
export class DelayLine {
  private readonly clock: Clock;
  private readonly activity: Activity;
  private readonly delay: number;
  private due: number[] = [];
  private waiting: (() => void)[] = [];
  private head = 0;
  private armed = false;

  constructor(clock: Clock, activity: Activity, delay: number) {
    this.clock = clock;
    this.activity = activity;
    this.delay = delay;
  }

  push(run: () => void): void {
    this.activity.begin();
    this.due.push(this.clock.now() + this.delay);
    this.waiting.push(run);
    if (!this.armed) this.arm();
  }

  private arm(): void {
    this.armed = true;
    this.clock.schedule(Math.max(0, (this.due[this.head] ?? 0) - this.clock.now()), () => this.drain());
  }

  private drain(): void {
    const now = this.clock.now();
    while (this.head < this.waiting.length && (this.due[this.head] ?? 0) <= now) {
      const run = this.waiting[this.head];
      this.head++;
      if (this.head > 1024 && this.head * 2 > this.waiting.length) {
        this.due = this.due.slice(this.head);
        this.waiting = this.waiting.slice(this.head);
        this.head = 0;
      }
      run?.();
      this.activity.end();
    }
    this.armed = false;
    if (this.head < this.waiting.length) this.arm();
    else {
      this.due = [];
      this.waiting = [];
      this.head = 0;
    }
  }
}

/** client-go's workqueue: a key is reconciled once however often it was added meanwhile. */
export class WorkQueue {
  private readonly line: DelayLine;
  private readonly dirty = new Set<string>();
  private readonly reconcile: (key: string) => void;

  constructor(clock: Clock, activity: Activity, delay: number, reconcile: (key: string) => void) {
    this.line = new DelayLine(clock, activity, delay);
    this.reconcile = reconcile;
  }

  add(key: string): void {
    if (this.dirty.has(key)) return;
    this.dirty.add(key);
    this.line.push(() => {
      this.dirty.delete(key);
      this.reconcile(key);
    });
  }
}

/** `namespace/name`, as controllers key their queues. */
export function keyOf(object: {
  readonly metadata: { readonly namespace?: string; readonly name: string };
}): string {
  return `${object.metadata.namespace ?? ''}/${object.metadata.name}`;
}

export function splitKey(key: string): readonly [namespace: string, name: string] {
  const slash = key.indexOf('/');
  return [key.slice(0, slash), key.slice(slash + 1)];
}
