import type { ClusterOptions, Completion } from '../../src/engine/cluster.ts';
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
      worker.listen(
        (message) => this.#hear(message),
        () =>        this.#lose(this.#ready ? { kind: 'lost', reason: 'crash' } : { kind: 'unavailable' }),
      );
      this.#worker = worker;
    } catch {
      this.#lose({ kind: 'unavailable' });
    }
  }

  #hear(message: FromWorker): void {
    this.#watch();
    if (message.type === 'ready') {
      this.#ready = true;
      return;
    }
    const current = this.#current;
    if (current === undefined || message.id !== current.id) return;
    current.onReply(message);
    if (message.type === 'done') this.#finish({ ok: true });
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
    // Until its first word the worker's code is still on the network.
    const patience = (this.#options.patience ?? 10_000) * (this.#ready ? 1 : 6);
    this.#timer = setTimeout(() => this.#lose({ kind: 'lost', reason: 'timeout' }), patience);
  }

  #lose(failure: EngineFailure): void {
    this.#worker?.terminate();
    this.#worker = undefined;
    this.#ready = false;
    for (const log of this.#worlds.values()) log.open = false;
    this.#finish({ ok: false, failure });
  }
}

function silent(step: WorldStep): WorldStep {
  return step.kind === 'run' ? { ...step, record: false } : step;
}
