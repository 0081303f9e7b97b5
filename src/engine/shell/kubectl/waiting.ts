import type { Store } from '../../api/store.ts';
import type { Task } from '../../net/task.ts';
import type { World } from '../../net/world.ts';

/** Waits until the kind's objects change or the time is up (microseconds of virtual time), and says which. */
export function* nextChange(
  world: World,
  store: Store,
  kind: string,
  microseconds: number,
): Task<'change' | 'time'> {
  let outcome: 'change' | 'time' = 'time';
  yield (resume) => {
    const timer = world.schedule(Math.max(0, microseconds), resume);
    const stop = store.watch(kind, () => {
      outcome = 'change';
      end();
      resume();
    });
    const end = () => {
      stop();
      timer.cancel();
    };
    return end;
  };
  return outcome;
}

/** Waits until `holds` is true; false when `seconds` passed before. It is asked after every change of the kind. */
export function* waitUntil(
  world: World,
  store: Store,
  kind: string,
  seconds: number,
  holds: () => boolean,
): Task<boolean> {
  const deadline = world.now + seconds * 1e6;
  while (!holds()) {
    if (world.now >= deadline) return false;
    yield* nextChange(world, store, kind, deadline - world.now);
  }
  return true;
}
