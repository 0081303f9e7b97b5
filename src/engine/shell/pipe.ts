import type { Task } from '../net/task.ts';
import type { Input } from './tool.ts';

/** What joins two commands of a pipeline. */
export class Pipe implements Input {
  /** Called at a write when the reader is gone. */
  onBroken: (() => void) | undefined;
  #buffer = '';
  #taken = '';
  #ended = false;
  #closed = false;
  #waiting: (() => void) | undefined;
  #writer: (() => void) | undefined;

  write(text: string): void {
    if (this.#closed) {
      this.onBroken?.();
      return;
    }
    this.#buffer += text;
    this.#wake();
  }

  end(): void {
    this.#ended = true;
    this.#wake();
  }

  close(): void {
    this.#closed = true;
    this.#buffer = '';
    this.#wakeWriter();
  }

  get broken(): boolean {
    return this.#closed;
  }

  *readLine(): Task<string | undefined> {
    for (;;) {
      this.#take();
      const newline = this.#taken.indexOf('\n');
      if (newline >= 0 || (this.#ended && this.#taken !== '')) {
        const length = newline >= 0 ? newline + 1 : this.#taken.length;
        const line = this.#taken.slice(0, length);
        this.#taken = this.#taken.slice(length);
        return line;
      }
      if (this.#ended) return undefined;
      yield* this.#more();
    }
  }

  *readAll(): Task<string> {
    while (!this.#ended) {
      this.#take();
      yield* this.#more();
    }
    this.#take();
    const text = this.#taken;
    this.#taken = '';
    return text;
  }

  /** Waits until the reader has taken everything, or is gone. */
  *drained(): Task<void> {
    if (this.#buffer === '' || this.#closed) return;
    yield (resume) => {
      this.#writer = resume;
      return () => {
        this.#writer = undefined;
      };
    };
  }

  #wakeWriter(): void {
    const resume = this.#writer;
    this.#writer = undefined;
    resume?.();
  }

  /** What the writer has written is the reader's from here on. */
  #take(): void {
    if (this.#buffer === '') return;
    this.#taken += this.#buffer;
    this.#buffer = '';
    this.#wakeWriter();
  }

  *#more(): Task<void> {
    if (this.#buffer !== '' || this.#ended) return;
    yield (resume) => {
      this.#waiting = resume;
      return () => {
        this.#waiting = undefined;
      };
    };
  }

  #wake(): void {
    const resume = this.#waiting;
    this.#waiting = undefined;
    resume?.();
  }
}

/** Standard input that is there already: `<<<`, `< file`, and nothing at all. */
export function textInput(text: string): Input {
  const pipe = new Pipe();
  pipe.write(text);
  pipe.end();
  return pipe;
}
