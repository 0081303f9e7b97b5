import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { EngineClient, type WorkerLike } from '../../../components/worker/client.ts';
import type { FromWorker, StepResult, ToWorker } from '../../../components/worker/protocol.ts';

/** A worker that keeps what it is asked and answers when the test says so. */
class FakeWorker implements WorkerLike {
  readonly asked: ToWorker[] = [];
  terminated = false;
  #onMessage: (message: FromWorker) => void = () => {};
  #onError: () => void = () => {};
  post(message: ToWorker): void {
    this.asked.push(message);
  }
  listen(onMessage: (message: FromWorker) => void, onError: () => void): void {
    this.#onMessage = onMessage;
    this.#onError = onError;
  }
  terminate(): void {
    this.terminated = true;
  }
  say(message: FromWorker): void {
    this.#onMessage(message);
  }
  crash(): void {
    this.#onError();
  }
  done(): void {
    this.say({ type: 'done', id: this.asked.at(-1)?.id ?? 0 });
  }
}

const run = (command: string) => ({ kind: 'run', command, record: true }) as const;
const nothing = (): void => {};

describe('the engine client', () => {
  let workers: FakeWorker[];
  let client: EngineClient;
  beforeEach(() => {
    vi.useFakeTimers();
    workers = [];
    client = new EngineClient({
      patience: 1000,
      createWorker: () => {
        const worker = new FakeWorker();
        workers.push(worker);
        return worker;
      },
    });
  });
  afterEach(() => {
    vi.useRealTimers();
  });
  const opened = async (world: string): Promise<void> => {
    const opening = client.open(world, {}, [run('a')], nothing);
    workers.at(-1)?.say({ type: 'ready' });
    workers.at(-1)?.done();
    await opening;
  };

  it('starts no worker before it is asked something', () => {
    expect(workers).toHaveLength(0);
    expect(client.awake).toBe(false);
  });

  it('shares one worker among all worlds and asks it one thing at a time', async () => {
    const first = client.open('one', {}, [], nothing);
    const second = client.open('two', {}, [], nothing);
    expect(workers).toHaveLength(1);
    expect(workers[0]?.asked).toHaveLength(1);
    workers[0]?.done();
    await first;
    expect(workers[0]?.asked.at(-1)).toMatchObject({ type: 'open', world: 'two' });
    workers[0]?.done();
    expect(await second).toEqual({ ok: true });
  });

  it('hands on each step as it comes', async () => {
    await opened('one');
    const steps: StepResult[] = [];
    const performing = client.perform('one', run('b'), (step) => steps.push(step));
    const result = { kind: 'apply', file: 'x' } as StepResult;
    workers[0]?.say({ type: 'step', id: workers[0].asked.at(-1)?.id ?? 0, result });
    expect(steps).toEqual([result]);
    workers[0]?.done();
    expect(await performing).toEqual({ ok: true });
  });

  it('replaces a worker that stays silent and makes the worlds again without what it hung on', async () => {
    await opened('one');
    await (async () => {
      const performing = client.perform('one', run('b'), nothing);
      workers[0]?.done();
      await performing;
    })();
    const hanging = client.perform('one', run('while true; do :; done'), nothing);
    await vi.advanceTimersByTimeAsync(1000);
    expect(await hanging).toEqual({ ok: false, failure: { kind: 'lost', reason: 'timeout' } });
    expect(workers[0]?.terminated).toBe(true);
    const next = client.perform('one', run('c'), nothing);
    expect(workers[1]?.asked[0]).toMatchObject({
      type: 'open',
      world: 'one',
      steps: [
        { kind: 'run', command: 'a', record: false },
        { kind: 'run', command: 'b', record: false },
      ],
    });
    workers[1]?.done();
    await Promise.resolve();
    expect(workers[1]?.asked[1]).toMatchObject({ type: 'do', step: { command: 'c' } });
    workers[1]?.done();
    expect(await next).toEqual({ ok: true });
  });

  it('makes the world again for what another lab had asked while the worker was lost', async () => {
    await opened('one');
    await opened('two');
    const hanging = client.perform('one', run('loop'), nothing);
    const waiting = client.perform('two', run('b'), nothing);
    await vi.advanceTimersByTimeAsync(1000);
    await hanging;
    expect(workers[1]?.asked[0]).toMatchObject({ type: 'open', world: 'two' });
    workers[1]?.done();
    expect(workers[1]?.asked[1]).toMatchObject({ type: 'do', world: 'two' });
    workers[1]?.done();
    expect(await waiting).toEqual({ ok: true });
  });

  it('waits longer for a worker whose code is still on its way', async () => {
    const opening = client.open('one', {}, [], nothing);
    await vi.advanceTimersByTimeAsync(5000);
    expect(workers[0]?.terminated).toBe(false);
    workers[0]?.say({ type: 'ready' });
    workers[0]?.done();
    expect(await opening).toEqual({ ok: true });
  });

  it('says that the engine is unavailable when its code does not load, and crashed when it did', async () => {
    const opening = client.open('one', {}, [], nothing);
    workers[0]?.crash();
    expect(await opening).toEqual({ ok: false, failure: { kind: 'unavailable' } });
    await opened('one');
    const performing = client.perform('one', run('b'), nothing);
    workers.at(-1)?.crash();
    expect(await performing).toEqual({ ok: false, failure: { kind: 'lost', reason: 'crash' } });
  });

  it('waits longer for a worker that has said what it waits for, and replaces one that cannot have it', async () => {
    await opened('one');
    const performing = client.perform('one', run('dig a'), nothing);
    const id = workers[0]?.asked.at(-1)?.id ?? 0;
    workers[0]?.say({ type: 'loading', id });
    await vi.advanceTimersByTimeAsync(5000);
    expect(workers[0]?.terminated).toBe(false);
    workers[0]?.say({ type: 'unavailable', id });
    expect(await performing).toEqual({ ok: false, failure: { kind: 'unavailable' } });
    expect(workers[0]?.terminated).toBe(true);
  });

  it('stops what is running and keeps the rest', async () => {
    await opened('one');
    const running = client.perform('one', run('ping 10.244.1.3'), nothing);
    client.stop();
    expect(await running).toEqual({ ok: false, failure: { kind: 'stopped' } });
    expect(client.labsIn('one')).toBeDefined();
  });

  it('passes on why a world was refused', async () => {
    const opening = client.open('one', { cni: 'cilium' }, [], nothing);
    workers[0]?.say({ type: 'refused', id: 1, message: 'unknown cni' });
    expect(await opening).toEqual({ ok: false, failure: { kind: 'refused', message: 'unknown cni' } });
    expect(client.labsIn('one')).toBeUndefined();
  });
});
