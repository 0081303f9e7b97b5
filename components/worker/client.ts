import type { ClusterOptions, Completion } from '../../src/engine/cluster.ts';
import type { ReachView } from '../reach/view.ts';
import type { NetnsLab } from '../../src/engine/index.ts';
import type { FromWorker, Reply, Request, StepResult, ToWorker, WorldStep } from './protocol.ts';

/** The part of a Worker that is used; tests bring their own. */
export interface WorkerLike {
  post(message: ToWorker): void;
  listen(onMessage: (message: FromWorker) => void, onError: () => void): void;
  terminate(): void;
}

export function browserWorker(worker: Worker): WorkerLike {
  return {
    post: (message) => worker.postMessage(message),
    listen: (onMessage, onError) => {
      worker.onmessage = (event: MessageEvent<FromWorker>) => onMessage(event.data);
      worker.onerror = onError;
    },
    terminate: () => worker.terminate(),
  };
}

/** Why an engine could not do what it was asked. */
export type EngineFailure =
  /** It was busy for too long, or it crashed; it has been replaced and other worlds will be made again when needed. */
  | { readonly kind: 'lost'; readonly reason: 'timeout' | 'crash' }
  | { readonly kind: 'stopped' }
  /** Its code could not be loaded. */
  | { readonly kind: 'unavailable' }
  | { readonly kind: 'refused'; readonly message: string };

export type Outcome = { readonly ok: true } | { readonly ok: false; readonly failure: EngineFailure };

interface WorldLog {
  options: ClusterOptions;
  steps: WorldStep[];
  /** Labs whose own steps are among them. */
  labs: Set<string>;
  /** Whether the current worker has it. */
  open: boolean;
}

interface Pending {
  readonly id: number;
  readonly request: Request;
  readonly onReply: (reply: Reply) => void;
  readonly settle: (outcome: Outcome) => void;
}

export interface EngineOptions {
  readonly createWorker: () => WorkerLike;
  /** Milliseconds without a word from a busy worker after which it is replaced. */
  readonly patience?: number;
}

/**
 * All labs of a page share one worker. Requests are done one after another; a worker that stays silent is replaced, and
 * the worlds of the others are made again from what was done in them.
 */
export class EngineClient {
  readonly #options: EngineOptions;
  readonly #worlds = new Map<string, WorldLog>();
  readonly #queue: Pending[] = [];
  #worker: WorkerLike | undefined;
  #ready = false;
  /** Whether it waits for code. */
  #loading = false;
  #current: Pending | undefined;
  #timer: ReturnType<typeof setTimeout> | undefined;
  #nextId = 1;

  constructor(options: EngineOptions) {
    this.#options = options;
  }

  /** Whether the worker has answered already: whether asking it something is a matter of milliseconds. */
  get awake(): boolean {
    return this.#ready;
  }

  /** Which labs a world holds the steps of; undefined when there is no such world. */
  labsIn(world: string): ReadonlySet<string> | undefined {
    return this.#worlds.get(world)?.labs;
  }

  /** Says that the steps of a lab have been done in a world. */
  include(world: string, labs: readonly string[]): void {
    for (const lab of labs) this.#worlds.get(world)?.labs.add(lab);
  }

  /** Makes a world anew and does the steps in it. */
  async open(
    world: string,
    options: ClusterOptions,
    steps: readonly WorldStep[],
    onStep: (result: StepResult) => void,
  ): Promise<Outcome> {
    const outcome = await this.#send({ type: 'open', world, options, steps }, (reply) => {
      if (reply.type === 'step') onStep(reply.result);
    });
    if (outcome.ok)
      this.#worlds.set(world, { options, steps: steps.map(silent), labs: new Set(), open: true });
    return outcome;
  }

  /** Puts a world in the place of another. */
  async adopt(world: string, from: string): Promise<Outcome> {
    const log = this.#worlds.get(from);
    if (log !== undefined) this.#worlds.set(world, log);
    this.#worlds.delete(from);
    return this.#send({ type: 'adopt', world, from }, () => {});
  }

  /** Does one more step in a world that was opened, making it again first when the worker was replaced. */
  async perform(world: string, step: WorldStep, onStep: (result: StepResult) => void): Promise<Outcome> {
    const outcome = await this.#send({ type: 'do', world, step }, (reply) => {
      if (reply.type === 'step') onStep(reply.result);
    });
    if (outcome.ok) this.#worlds.get(world)?.steps.push(silent(step));
    return outcome;
  }

  async complete(world: string, line: string, cursor: number): Promise<Completion | undefined> {
    let completion: Completion | undefined;
    await this.#send({ type: 'complete', world, line, cursor }, (reply) => {
      if (reply.type === 'completion') completion = reply.completion;
    });
    return completion;
  }

  /** Who can talk to whom in a world that was opened; undefined when the engine cannot say. */
  async reach(world: string): Promise<ReachView | undefined> {
    let view: ReachView | undefined;
    await this.#send({ type: 'reach', world }, (reply) => {
      if (reply.type === 'reach') view = reply.view;
    });
    return view;
  }

  /** The script that does on a real kernel what a lab does. */
  async script(world: string, lab: NetnsLab): Promise<Outcome & { readonly script?: string }> {
    let script: string | undefined;
    const outcome = await this.#send({ type: 'script', world, lab }, (reply) => {
      if (reply.type === 'script') script = reply.script;
    });
    return { ...outcome, ...(script === undefined ? {} : { script }) };
  }

  /** Ends what is running now, at the cost of the worker. */
  stop(): void {
    if (this.#current !== undefined) this.#lose({ kind: 'stopped' });
  }

  /** A world that the worker does not have any more is made again from what was done in it. */
  #restore(world: string, log: WorldLog): void {
    const settle = (outcome: Outcome) => {
      log.open = outcome.ok;
      if (outcome.ok) return;
      for (const waiting of this.#queue.filter(({ request }) => request.world === world)) {
        this.#queue.splice(this.#queue.indexOf(waiting), 1);
        waiting.settle(outcome);
      }
    };
    const request: Request = { type: 'open', world, options: log.options, steps: log.steps };
    this.#queue.unshift({ id: this.#nextId++, request, onReply: () => {}, settle });
  }

  #send(request: Request, onReply: (reply: Reply) => void): Promise<Outcome> {
    return new Promise((settle) => {
      this.#queue.push({ id: this.#nextId++, request, onReply, settle });
      this.#advance();
    });
  }

  #advance(): void {
    if (this.#current !== undefined) return;
    const first = this.#queue[0]?.request;
    const log = first === undefined ? undefined : this.#worlds.get(first.world);
    if (
      first !== undefined &&
      (first.type === 'do' || first.type === 'complete' || first.type === 'reach') &&
      log?.open === false
    )
      this.#restore(first.world, log);
    const next = this.#queue.shift();
    if (next === undefined) return;
    this.#current = next;
    if (this.#worker === undefined) this.#start();
    this.#worker?.post({ id: next.id, ...next.request });
    this.#watch();
  }

  #start(): void {
    try {
      const worker = this.#options.createWorker();
      this.#worker = worker;
      worker.listen(
        (message) => {
          if (this.#worker === worker) this.#hear(message);
        },
        () => {
          if (this.#worker === worker)
            this.#lose(this.#ready ? { kind: 'lost', reason: 'crash' } : { kind: 'unavailable' });
        },
      );
    } catch {
      this.#lose({ kind: 'unavailable' });
    }
  }

  #hear(message: FromWorker): void {
    this.#loading = message.type === 'loading';
    this.#watch();
    if (message.type === 'ready') {
      this.#ready = true;
      return;
    }
    const current = this.#current;
    if (current === undefined || message.id !== current.id) return;
    current.onReply(message);
    if (message.type === 'done') this.#finish({ ok: true });
    else if (message.type === 'unavailable') this.#lose({ kind: 'unavailable' });
    else if (message.type === 'refused')
      this.#finish({ ok: false, failure: { kind: 'refused', message: message.message } });
  }

  #finish(outcome: Outcome): void {
    const current = this.#current;
    this.#current = undefined;
    clearTimeout(this.#timer);
    current?.settle(outcome);
    this.#advance();
  }

  #watch(): void {
    clearTimeout(this.#timer);
    if (this.#current === undefined) return;
    // What is still on the network may take longer than what is busy.
    const patience = (this.#options.patience ?? 10_000) * (this.#ready && !this.#loading ? 1 : 6);
    this.#timer = setTimeout(() => this.#lose({ kind: 'lost', reason: 'timeout' }), patience);
  }

  #lose(failure: EngineFailure): void {
    this.#worker?.terminate();
    this.#worker = undefined;
    this.#ready = false;
    this.#loading = false;
    for (const log of this.#worlds.values()) log.open = false;
    this.#finish({ ok: false, failure });
  }
}

function silent(step: WorldStep): WorldStep {
  return step.kind === 'run' ? { ...step, record: false } : step;
}
