import type { Process, Task } from '../net/task.ts';
import type { World } from '../net/world.ts';
import type { ProcessTable, SignalName, Signals } from './tool.ts';

export const SIGNAL_NUMBERS: Readonly<Record<SignalName, number>> = {
  HUP: 1,
  INT: 2,
  QUIT: 3,
  KILL: 9,
  PIPE: 13,
  ALRM: 14,
  TERM: 15,
};

/** `-9`, `-INT`, `SIGTERM`, `15`. */
export function parseSignal(text: string): SignalName | undefined {
  const bare = text.replace(/^SIG/i, '').toUpperCase();
  for (const name of signalNames) if (name === bare || String(SIGNAL_NUMBERS[name]) === bare) return name;
  return undefined;
}

const signalNames: readonly SignalName[] = ['HUP', 'INT', 'QUIT', 'KILL', 'PIPE', 'ALRM', 'TERM'];

/** A process that a shell started beside itself: a background command or one stage of a pipeline. */
export class Job implements Signals {
  readonly world: World;
  readonly text: string;
  readonly pid: number;
  handler: ((signal: SignalName) => boolean) | undefined;
  status: number | undefined;
  readonly #process: Process<void>;
  readonly #table: ProcessTable;
  readonly #atEnd: (() => void)[] = [];

  constructor(world: World, table: ProcessTable, text: string, body: (signals: Signals) => Task<number>) {
    this.world = world;
    this.text = text;
    this.#table = table;
    this.pid = table.add(text, (signal) => this.deliver(signal)).pid;
    this.#process = world.spawn(this.#main(body));
  }

  deliver(signal: SignalName): void {
    if (this.status !== undefined) return;
    if (signal !== 'KILL' && this.handler?.(signal) === true) return;
    // Later: a generator cannot be ended while it runs, and a process may well signal itself.
    this.world.schedule(0, () => {
      if (this.status !== undefined) return;
      this.#finish(128 + SIGNAL_NUMBERS[signal]);
      this.#process.kill();
    });
  }

  onEnd(callback: () => void): void {
    if (this.status === undefined) this.#atEnd.push(callback);
    else callback();
  }

  *wait(): Task<number> {
    while (this.status === undefined) {
      yield (resume) => {
        this.#atEnd.push(resume);
        return () => {
          const at = this.#atEnd.indexOf(resume);
          if (at >= 0) this.#atEnd.splice(at, 1);
        };
      };
    }
    return this.status;
  }

  *#main(body: (signals: Signals) => Task<number>): Task<void> {
    this.#finish(yield* body(this));
  }

  #finish(status: number): void {
    if (this.status !== undefined) return;
    this.status = status;
    this.#table.remove(this.pid);
    for (const callback of this.#atEnd.splice(0)) callback();
  }
}
