import type { Limits } from '../cluster.ts';
import type { Task } from '../net/task.ts';
import type { World } from '../net/world.ts';
import { bash } from './dialect.ts';
import { Shell } from './interpret.ts';
import { Job } from './job.ts';
import { textInput } from './pipe.ts';
import { resumeTaps, suspendTaps, type Tap } from './tap.ts';
import type { Place, Session, Signals } from './tool.ts';

export type TerminalLimits = Pick<
  Limits,
  'output' | 'scriptDepth' | 'scriptSteps' | 'commandTime' | 'events'
>;

/** What was written at once: when, and how many events the caller had seen by then. */
export interface Printed {
  readonly stream: 'stdout' | 'stderr';
  readonly text: string;
  readonly at: number;
  readonly seen: number;
}

export interface LineResult {
  readonly output: string;
  readonly printed: readonly Printed[];
  readonly stdout: string;
  readonly stderr: string;
  readonly exitCode: number;
  readonly limit?: keyof Limits;
}

const SETTLE_TIME = 1000;

const LIMIT_TEXT: Readonly<Record<string, (limits: TerminalLimits) => string>> = {
  output: (l) => `it printed more than ${l.output} characters (limit: output)`,
  scriptDepth: (l) => `more than ${l.scriptDepth} shells inside each other (limit: scriptDepth)`,
  scriptSteps: (l) => `it took more than ${l.scriptSteps} steps (limit: scriptSteps)`,
  commandTime: (l) => `it took longer than ${l.commandTime / 1e6} s of virtual time (limit: commandTime)`,
  events: (l) => `it caused more than ${l.events} events (limit: events)`,
};

/** What a person sits at: a shell that keeps its variables and its background jobs from line to line. */
export class Terminal {
  readonly #world: World;
  readonly #place: Place;
  readonly #limits: TerminalLimits;
  readonly #shell: Shell;
  #session: Session;
  #taps: Set<Tap> | undefined;
  #sink: Printed[] = [];
  #seen: () => number = () => 0;

  constructor(world: World, place: Place, limits: TerminalLimits) {
    this.#world = world;
    this.#place = place;
    this.#limits = limits;
    this.#session = newSession(limits);
    this.#shell = new Shell(world, place, bash(), this.#session, {
      env: { HOME: '/root', USER: 'root', ...place.env },
    });
  }

  /** Runs a line until it has ended or a limit is reached; then it is interrupted as by Ctrl-C, and what still runs is killed. */
  run(line: string, seen: () => number = () => 0): LineResult {
    const session = newSession(this.#limits);
    this.#session = session;
    this.#shell.session = session;
    this.#shell.errexit = false;
    this.#sink = [];
    this.#seen = seen;
    const world = this.#world;
    // Captures that run in the background belong to this terminal, the tracer to whoever asked for a record.
    resumeTaps(world, this.#taps);
    const before = this.#shell.jobs;
    const job = new Job(world, this.#place.processes, line, (signals) => this.#main(line, signals));
    const finished = (): boolean => job.status !== undefined || session.limit !== undefined;
    const end = world.run({ until: finished, time: this.#limits.commandTime, events: this.#limits.events });
    if (!finished()) session.limit = end === 'events' ? 'events' : 'commandTime';
    // What runs in the background may still have to say what it has seen.
    if (session.limit === undefined && this.#shell.jobs.some((other) => other.status === undefined))
      world.run({ time: SETTLE_TIME, events: 10_000 });
    if (job.status === undefined || session.limit !== undefined) this.#interrupt(job, session);
    if (session.limit !== undefined)
      for (const other of this.#shell.jobs) if (!before.includes(other)) other.deliver('KILL');
    if (session.limit !== undefined) world.run({ time: 0, events: 1000 });
    this.#taps = suspendTaps(world);
    if (session.limit !== undefined) {
      const text = LIMIT_TEXT[session.limit]?.(this.#limits) ?? `limit: ${session.limit}`;
      const midLine = this.#sink.at(-1)?.text.endsWith('\n') === false;
      this.#write('stderr', `${midLine ? '\n' : ''}podwalk: stopped: ${text}\n`);
    }
    const printed = this.#sink;
    this.#sink = [];
    return {
      output: textOf(printed),
      printed,
      stdout: textOf(printed.filter(({ stream }) => stream === 'stdout')),
      stderr: textOf(printed.filter(({ stream }) => stream === 'stderr')),
      exitCode: session.limit === undefined ? (job.status ?? 130) : 130,
      ...(session.limit === undefined ? {} : { limit: session.limit }),
    };
  }

  *#main(line: string, signals: Signals): Task<number> {
    return yield* this.#shell.run(line, {
      stdin: textInput(''),
      out: (text) => this.#print('stdout', text),
      err: (text) => this.#print('stderr', text),
      signals,
      tty: true,
    });
  }

  #interrupt(job: Job, session: Session): void {
    if (session.limit === 'commandTime' || session.limit === 'events') {
      this.#print('stderr', '^C');
      job.deliver('INT');
      this.#world.run({ until: () => job.status !== undefined, time: 1000, events: 10_000 });
    }
    job.deliver('KILL');
    this.#world.run({ until: () => job.status !== undefined, time: 1000, events: 10_000 });
  }

  #print(stream: Printed['stream'], text: string): void {
    const session = this.#session;
    const room = this.#limits.output - session.printed;
    if (room <= 0 || text === '') {
      if (text !== '') session.limit ??= 'output';
      return;
    }
    session.printed += text.length;
    if (text.length > room) session.limit ??= 'output';
    this.#write(stream, text.slice(0, room));
  }

  #write(stream: Printed['stream'], text: string): void {
    this.#sink.push({ stream, text, at: this.#world.now, seen: this.#seen() });
  }
}

function textOf(printed: readonly Printed[]): string {
  return printed.map(({ text }) => text).join('');
}

function newSession(limits: TerminalLimits): Session {
  return { limits, steps: 0, printed: 0, limit: undefined };
}
