import { describe, expect, it } from 'vitest';
import { sleep, waitFor, type Process, type Task } from '../../../src/engine/net/task.ts';
import { World } from '../../../src/engine/net/world.ts';

describe('virtual time', () => {
  it('runs what is due in order of time, then of scheduling', () => {
    const world = new World();
    const seen: string[] = [];
    for (const [delay, name] of [
      [30, 'c'],
      [10, 'a'],
      [10, 'b'],
    ] as const)
      world.schedule(delay, () => void seen.push(`${name}@${world.now}`));
    expect(world.run()).toBe('idle');
    expect(seen).toEqual(['a@10', 'b@10', 'c@30']);
  });

  it('gives kernel timers the slots of the timer wheel, the later one of a slot first', () => {
    const world = new World();
    const seen: string[] = [];
    world.timer(1_000_000, () => void seen.push(`first ${world.now}`));
    world.run({ time: 50 });
    world.timer(1_000_000, () => void seen.push(`second ${world.now}`));
    world.run();
    expect(seen).toEqual(['second 1024000', 'first 1024000']);
  });

  it('passes although nothing happens, and stops for each of its bounds', () => {
    const world = new World();
    expect(world.run({ time: 500 })).toBe('idle');
    expect(world.now).toBe(500);
    const again = (): void => void world.schedule(10, again);
    again();
    expect(world.run({ time: 100 })).toBe('time');
    expect(world.now).toBe(600);
    expect(world.run({ events: 7 })).toBe('events');
    expect(world.run({ until: () => world.now >= 1000 })).toBe('done');
    expect(world.now).toBe(1000);
  });

  it('forgets what is cancelled', () => {
    const world = new World();
    let rang = false;
    world.schedule(10, () => (rang = true)).cancel();
    expect(world.run()).toBe('idle');
    expect(rang).toBe(false);
  });
});

describe('a process', () => {
  it('sleeps, waits for another one and gives its result', () => {
    const world = new World();
    const child = world.spawn(
      (function* (): Task<number> {
        yield* sleep(world, 100);
        return world.now;
      })(),
    );
    const parent = world.spawn(waitFor(child));
    world.run();
    expect([child.result, parent.result]).toEqual([100, 100]);
  });

  it('can be killed where it waits, and by itself; what must be put away is', () => {
    const world = new World();
    const log: string[] = [];
    const victim = world.spawn(
      (function* (): Task<void> {
        try {
          yield* sleep(world, 1000);
          log.push('woke');
        } finally {
          log.push('put away');
        }
      })(),
    );
    world.schedule(10, () => victim.kill());
    expect(world.run()).toBe('idle');
    expect(log).toEqual(['put away']);
    expect([victim.done, victim.killed, world.now]).toEqual([true, true, 10]);
    victim.kill();
    const own: { process?: Process<void> } = {};
    const suicide = world.spawn(
      (function* (): Task<void> {
        yield* sleep(world, 1);
        own.process?.kill();
        yield* sleep(world, 1);
        log.push('still here');
      })(),
    );
    own.process = suicide;
    world.run();
    expect(suicide.killed).toBe(true);
    expect(log).toEqual(['put away']);
  });

  it('goes on at once when what it waits for is there already', () => {
    const world = new World();
    const process = world.spawn(
      (function* (): Task<string> {
        for (let i = 0; i < 100_000; i++) yield (resume) => resume();
        return 'done';
      })(),
    );
    expect(process.result).toBe('done');
  });
});
