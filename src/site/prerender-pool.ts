import { createHash } from 'node:crypto';
import { existsSync, readdirSync, readFileSync, rmSync } from 'node:fs';
import { availableParallelism } from 'node:os';
import { join } from 'node:path';
import { Worker } from 'node:worker_threads';
import type { PrerenderOptions } from '../../components/prerender.ts';
import type { PrerenderAnswer, PrerenderTask } from '../../components/prerender-worker.ts';
import type { Diagnostic } from '../engine/index.ts';

/** A piece of a page with labs: HTML, the language that its widgets speak, and where its labs stand in the lesson. */
export interface Wanted extends Pick<PrerenderOptions, 'labs'> {
  readonly html: string;
  readonly lang: string;
}

/**
 * Prerenders pages on the machine's other processors while the build goes on. What is finished lies in a folder, by what
 * it was made from: the same text is not made again, in this build or in the next one.
 */
export class PrerenderPool {
  /** Its last part is what the worker is: another prerenderer makes other pages. */
  readonly #directory: string;
  readonly #script: string;
  readonly #size: number;
  readonly #workers: Worker[] = [];
  readonly #begun = new Map<string, Promise<readonly Diagnostic[]>>();
  readonly #waiting = new Map<
    number,
    { resolve(diagnostics: readonly Diagnostic[]): void; reject(error: Error): void }
  >();
  #ids = 0;

  /** `directory` keeps what `script`, the built worker, has made; `size` threads are started with the first page. */
  constructor(directory: string, script: string, size = availableParallelism()) {
    this.#directory = directory;
    this.#script = script;
    this.#size = size;
  }

  /** Begins a page that has not been begun; what its manifests and options have against them is told when it is finished. */
  begin(wanted: Wanted): Promise<readonly Diagnostic[]> {
    const key = keyOf(wanted);
    const known = this.#begun.get(key);
    if (known !== undefined) return known;
    const made = existsSync(this.#file(key)) ? Promise.resolve([]) : this.#send(key, wanted);
    // Whoever asks for the page is told; until then nobody is.
    made.catch(() => undefined);
    this.#begun.set(key, made);
    return made;
  }

  /** What a page that was begun, and is finished, has become. */
  read(wanted: Wanted): string {
    return readFileSync(this.#file(keyOf(wanted)), 'utf8');
  }

  /** Ends the threads. Only pages that this build used, and that nothing is to be told of, are kept for the next one. */
  async close(): Promise<void> {
    const kept = new Set<string>();
    for (const [key, made] of this.#begun) {
      const diagnostics = await made.catch(() => undefined);
      if (diagnostics?.length === 0) kept.add(`${key}.html`);
    }
    await Promise.all(this.#workers.splice(0).map((worker) => worker.terminate()));
    if (!existsSync(this.#directory)) return;
    for (const name of readdirSync(this.#directory))
      if (!kept.has(name)) rmSync(join(this.#directory, name), { force: true });
    this.#begun.clear();
  }

  #file(key: string): string {
    return join(this.#directory, `${key}.html`);
  }

  #send(key: string, { html, lang, labs }: Wanted): Promise<readonly Diagnostic[]> {
    while (this.#workers.length < this.#size) this.#workers.push(this.#start());
    const id = ++this.#ids;
    const task: PrerenderTask = {
      id,
      html,
      options: { lang, ...(labs === undefined ? {} : { labs }) },
      file: this.#file(key),
    };
    return new Promise((resolve, reject) => {
      this.#waiting.set(id, { resolve, reject });
      // A worker that is not referenced would let the process end before it has answered.
      const worker = this.#workers[id % this.#workers.length];
      worker?.ref();
      worker?.postMessage(task);
    });
  }

  #start(): Worker {
    const worker = new Worker(this.#script);
    worker.on('message', (answer: PrerenderAnswer) => this.#settle(answer));
    worker.on('error', (error) => this.#fail(error));
    worker.unref();
    return worker;
  }

  #settle(answer: PrerenderAnswer): void {
    const waiting = this.#waiting.get(answer.id);
    this.#waiting.delete(answer.id);
    if ('diagnostics' in answer) waiting?.resolve(answer.diagnostics);
    else waiting?.reject(new Error(answer.failure));
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
  return createHash('sha256').update(`${lang}\n${html}`).digest('base64url').slice(0, 24);
}
