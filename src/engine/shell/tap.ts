import type { Decision } from '../net/decision.ts';
import type { Frame } from '../net/packet.ts';
import type { Tracer } from '../net/trace.ts';
import type { World } from '../net/world.ts';

/** Who looks at frames as they cross a device: a packet socket. */
export interface Tap {
  frame(at: number, netns: string, dev: string, dir: 'in' | 'out', frame: Frame): void;
}

/** The experiment's own tracer with packet sockets beside it. */
class Tapped implements Tracer {
  readonly inner: Tracer | undefined;
  readonly taps: Set<Tap>;

  constructor(inner: Tracer | undefined, taps: Set<Tap>) {
    this.inner = inner;
    this.taps = taps;
  }

  frame(at: number, walk: number, netns: string, dev: string, dir: 'in' | 'out', frame: Frame): void {
    this.inner?.frame(at, walk, netns, dev, dir, frame);
    for (const tap of this.taps) tap.frame(at, netns, dev, dir, frame);
  }

  decision(at: number, walk: number, netns: string, decision: Decision): void {
    this.inner?.decision(at, walk, netns, decision);
  }

  walk(id: number, cause: number | undefined): void {
    this.inner?.walk(id, cause);
  }
}

/** Opens a packet socket; the result closes it. */
export function openTap(world: World, tap: Tap): () => void {
  const tapped = world.tracer instanceof Tapped ? world.tracer : new Tapped(world.tracer, new Set());
  world.tracer = tapped;
  tapped.taps.add(tap);
  return () => {
    tapped.taps.delete(tap);
    if (tapped.taps.size === 0 && world.tracer === tapped) world.tracer = tapped.inner;
  };
}

/** Takes the packet sockets off the world's tracer, so that whoever set that one finds it; gives what to put back later. */
export function suspendTaps(world: World): Set<Tap> | undefined {
  if (!(world.tracer instanceof Tapped)) return undefined;
  const { inner, taps } = world.tracer;
  world.tracer = inner;
  return taps.size > 0 ? taps : undefined;
}

export function resumeTaps(world: World, taps: Set<Tap> | undefined): void {
  if (taps !== undefined && taps.size > 0) world.tracer = new Tapped(world.tracer, taps);
}
