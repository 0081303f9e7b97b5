/**
 * Programs in virtual time are generators: they `yield` a `Wait`, which is told how to resume them and may return how to
 * cancel it. `yield* sleep(world, us)`, `yield* waitFor(process)`. A `Process` is one that the world runs.
 */

// eslint-disable-next-line @typescript-eslint/no-invalid-void-type -- a wait that cannot be cancelled returns nothing
type Wait = (resume: () => void) => void | (() => void);
export type Task<T> = Generator<Wait, T, void>;

export interface Scheduler {
  schedule(delay: number, run: () => void): { cancel(): void };
  wake(program: { run(): void }): void;
}

export class Process<T> {
  done = false;
  killed = false;
  result: T | undefined;
  readonly #task: Task<T>;
  readonly #world: Scheduler;
  #cancel: (() => void) | undefined;
  #waiting = 0;
  #running = false;
  readonly #whenDone: (() => void)[] = [];

  constructor(world: Scheduler, task: Task<T>) {
    this.#world = world;
    this.#task = task;
  }

  run(): void {
    this.step();
  }

  /** Runs to the next wait. A wait may resume at once, in which case the task goes on without recursion. */
  step(): void {
    while (!this.done) {
      this.#running = true;
      const next = this.#task.next();
      this.#running = false;
      if (this.killed) {
        this.#task.return(undefined as never);
        return;
      }
      if (next.done === true) {
        this.#finish(next.value);
        return;
      }
      const turn = ++this.#waiting;
      let resumed = false;
      let inside = true;
      const cancel = next.value(() => {
        if (resumed || this.done || this.#waiting !== turn) return;
        resumed = true;
        this.#cancel = undefined;
        if (!inside) this.#world.wake(this);
      });
      inside = false;
      if (!resumed) {
        this.#cancel = cancel ?? undefined;
        return;
      }
    }
  }

  /** Ends it where it waits; `finally` blocks run. */
  kill(): void {
    if (this.done) return;
    this.done = true;
    this.killed = true;
    this.#cancel?.();
    this.#cancel = undefined;
    if (!this.#running) this.#task.return(undefined as never);
    this.#notify();
  }

  onDone(listener: () => void): void {
    if (this.done) listener();
    else this.#whenDone.push(listener);
  }

  #finish(value: T): void {
    this.done = true;
    this.result = value;
    this.#notify();
  }

  #notify(): void {
    for (const listener of this.#whenDone.splice(0)) listener();
  }
}

/** Waits for virtual microseconds. */
export function* sleep(world: Scheduler, us: number): Task<void> {
  yield (resume) => {
    const timer = world.schedule(us, resume);
    return () => timer.cancel();
  };
}

/** Waits until another process has ended; undefined when it was killed. */
export function* waitFor<T>(process: Process<T>): Task<T | undefined> {
  if (!process.done) yield (resume) => process.onDone(resume);
  return process.result;
}
