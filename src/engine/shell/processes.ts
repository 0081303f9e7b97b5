import type { World } from '../net/world.ts';
import type { ProcessInfo, ProcessTable, SignalName } from './tool.ts';

/** The processes of one pid namespace. What an image runs is added by whoever starts the container, as pid 1. */
export class Processes implements ProcessTable {
  readonly #world: World;
  readonly #entries = new Map<
    number,
    { readonly info: ProcessInfo; readonly signal: (signal: SignalName) => void }
  >();
  #next: number;

  constructor(world: World, firstPid = 1) {
    this.#world = world;
    this.#next = firstPid;
  }

  list(): readonly ProcessInfo[] {
    return [...this.#entries.values()].map((entry) => entry.info);
  }

  add(command: string, signal: (signal: SignalName) => void): ProcessInfo {
    const pid = this.#next++;
    const info: ProcessInfo = {
      pid,
      ppid: pid === 1 ? 0 : 1,
      user: 'root',
      command,
      started: this.#world.now,
    };
    this.#entries.set(pid, { info, signal });
    return info;
  }

  remove(pid: number): void {
    this.#entries.delete(pid);
  }

  signal(pid: number, signal: SignalName): boolean {
    const entry = this.#entries.get(pid);
    entry?.signal(signal);
    return entry !== undefined;
  }
}
