/** Most of a lab's time on the kernel is waiting; so many of them wait at once. */
const AT_ONCE = 12;

/** Starts all tasks, `AT_ONCE` at a time, in their order; each has a promise of its own. */
export function startAll<T>(tasks: readonly (() => Promise<T>)[]): Promise<T>[] {
  const waiting: (() => void)[] = [];
  let running = 0;
  const next = (): void => {
    while (running < AT_ONCE && waiting.length > 0) {
      running++;
      waiting.shift()?.();
    }
  };
  const promises = tasks.map(
    (task) =>
      new Promise<T>((resolve, reject) => {
        waiting.push(() => {
          const end = (): void => {
            running--;
            next();
          };
          task().then(resolve, reject).finally(end);
        });
      }),
  );
  for (const promise of promises) promise.catch(() => undefined);
  next();
  return promises;
}
