import { availableParallelism } from 'node:os';
import { Worker } from 'node:worker_threads';
import type { Prerendered } from '../../components/prerender.ts';
import type { PrerenderAnswer, PrerenderTask } from '../../components/prerender-worker.ts';

/** How many pages may wait, finished, for the build to come to them. */
const ahead = 48;

interface Wanted {
  readonly html: string;
  readonly lang: string;
}

/**
 * Prerenders pages on the machine's other processors while the build makes the pages themselves. What will be asked for
 * is known beforehand, in about the order in which it will be; it is worked off a little ahead.
 */
export class PrerenderPool {
  readonly #workers: Worker[] = [];
  readonly #waiting = new Map<number, { resolve(page: Prerendered): void; reject(error: Error): void }>();
  readonly #begun = new Map<string, Promise<Prerendered>>();
  readonly #expected: readonly Wanted[];
  #next = 0;
  #ids = 0;

  constructor(script: string, expected: readonly Wanted[], size = availableParallelism()) {
    this.#expected = expected;
    for (let index = 0; index < size; index++) {
      const worker = new Worker(script);
      worker.on('message', (answer: PrerenderAnswer) => this.#settle(answer));
      worker.on('error', (error) => this.#fail(error));
      worker.unref();
      this.#workers.push(worker);
    }
  }

  /** The page with its labs finished. */
  async run(html: string, lang: string): Promise<Prerendered> {
    const key = keyOf({ html, lang });
    const page = this.#begun.get(key) ?? this.#begin({ html, lang });
    this.#begun.delete(key);
    this.#goAhead();
    return page;
  }

  #goAhead(): void {
    while (this.#begun.size < ahead && this.#next < this.#expected.length) {
      const wanted = this.#expected[this.#next++];
      if (wanted === undefined || this.#begun.has(keyOf(wanted))) continue;
      const page = this.#begin(wanted);
      // Whoever asks for the page is told; until then nobody is.
      page.catch(() => undefined);
      this.#begun.set(keyOf(wanted), page);
    }
  }

  #begin({ html, lang }: Wanted): Promise<Prerendered> {
    const id = ++this.#ids;
    const task: PrerenderTask = { id, html, options: { lang } };
    return new Promise((resolve, reject) => {
      this.#waiting.set(id, { resolve, reject });
      // A worker that is not referenced would let the process end before it has answered.
      const worker = this.#workers[id % this.#workers.length];
      worker?.ref();
      worker?.postMessage(task);
    });
  }

  #settle(answer: PrerenderAnswer): void {
    const waiting = this.#waiting.get(answer.id);
    this.#waiting.delete(answer.id);
    if ('result' in answer) waiting?.resolve(answer.result);
    else waiting?.reject(new Error(answer.error));
    if (this.#waiting.size === 0) for (const worker of this.#workers) worker.unref();
  }

  #fail(error: unknown): void {
    for (const { reject } of this.#waiting.values()) {
      reject(error instanceof Error ? error : new Error(String(error)));
    }
    this.#waiting.clear();
  }
}

function keyOf({ html, lang }: Wanted): string {
  return `${lang}\n${html}`;
}
