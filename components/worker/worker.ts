import type { FromWorker, ToWorker } from './protocol.ts';
import { Worlds } from './worlds.ts';

/** What a dedicated worker's global scope offers here; the DOM's types know only a window's. */
interface WorkerScope {
  postMessage(message: FromWorker): void;
  addEventListener(type: 'message', listener: (event: MessageEvent<ToWorker>) => void): void;
}

const scope = globalThis as unknown as WorkerScope;
const worlds = new Worlds();

scope.addEventListener('message', ({ data }) => {
  for (const reply of worlds.handle(data)) scope.postMessage({ id: data.id, ...reply });
});
scope.postMessage({ type: 'ready' });
