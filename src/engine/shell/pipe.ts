import type { Task } from '../net/task.ts';
import type { Input } from './tool.ts';

/** What joins two commands of a pipeline. */
export class Pipe implements Input {
  /** Called at a write when the reader is gone. */
  onBroken: (() => void) | undefined;
  private buffer = '';
  private ended = false;
  private closed = false;
  private waiting: (() => void) | undefined;

  write(text: string): void {
    if (this.closed) {
      this.onBroken?.();
      return;
    }
    this.buffer += text;
    this.wake();
  }

  end(): void {
    this.ended = true;
    this.wake();
  }

  close(): void {
    this.closed = true;
    this.buffer = '';
  }

  get broken(): boolean {
    return this.closed;
  }

  *readLine(): Task<string | undefined> {
    for (;;) {
      const newline = this.buffer.indexOf('\n');
      if (newline >= 0) return this.take(newline + 1);
      if (this.ended) return this.buffer === '' ? undefined : this.take(this.buffer.length);
      yield* this.more();
    }
  }

  *readAll(): Task<string> {
    while (!this.ended) yield* this.more();
    return this.take(this.buffer.length);
  }

  private take(length: number): string {
    const text = this.buffer.slice(0, length);
    this.buffer = this.buffer.slice(length);
    return text;
  }

  private *more(): Task<void> {
    yield (resume) => {
      this.waiting = resume;
      return () => {
        this.waiting = undefined;
      };
    };
  }

  private wake(): void {
    const resume = this.waiting;
    this.waiting = undefined;
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
