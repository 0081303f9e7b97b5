import lateModules from 'virtual:late-modules';
import type { FromWorker, ToWorker } from './protocol.ts';
import { supplyOf } from './supply.ts';
import { Worlds } from './worlds.ts';

/** What a dedicated worker's global scope offers here; the DOM's types know only a window's. */
interface WorkerScope {
  postMessage(message: FromWorker): void;
  addEventListener(type: 'message', listener: (event: MessageEvent<ToWorker>) => void): void;
}

const scope = globalThis as unknown as WorkerScope;
const worlds = new Worlds(supplyOf(lateModules));

scope.addEventListener('message', ({ data }) => {
  void answer(data).catch((error: unknown) => {
    // Out of the promise, so that the page hears of it as of any worker that fails.
    setTimeout(() => {
      throw error;
    });
  });
});
scope.postMessage({ type: 'ready' });

async function answer(request: ToWorker): Promise<void> {
  for await (const reply of worlds.handle(request)) scope.postMessage({ id: request.id, ...reply });
}
