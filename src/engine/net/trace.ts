/**
 * What an experiment leaves in memory: frames crossing devices and decisions between them, in the order of their causes.
 * `at` of a frame is its capture time, as tcpdump would stamp it: sort frames stably by it for the order of a capture.
 * Nothing is copied: frames are immutable.
 */
import type { Decision } from './decision.ts';
import type { Frame } from './packet.ts';

export interface FrameCrossing {
  readonly kind: 'frame';
  readonly at: number;
  readonly walk: number;
  readonly netns: string;
  readonly dev: string;
  readonly dir: 'in' | 'out';
  readonly frame: Frame;
}

interface DecisionMade {
  readonly kind: 'decision';
  readonly at: number;
  readonly walk: number;
  readonly netns: string;
  readonly decision: Decision;
}

export type TraceEvent = FrameCrossing | DecisionMade;

export interface WalkOrigin {
  readonly id: number;
  /** The walk that this one answers, repeats or reports. */
  readonly cause: number | undefined;
}

export interface Tracer {
  frame(at: number, walk: number, netns: string, dev: string, dir: 'in' | 'out', frame: Frame): void;
  decision(at: number, walk: number, netns: string, decision: Decision): void;
  walk(id: number, cause: number | undefined): void;
}

export class Trace implements Tracer {
  readonly events: TraceEvent[] = [];
  readonly walks = new Map<number, WalkOrigin>();
  readonly max: number;
  /** How many events came after `max`. */
  dropped = 0;

  constructor(max = 1_000_000) {
    this.max = max;
  }

  frame(at: number, walk: number, netns: string, dev: string, dir: 'in' | 'out', frame: Frame): void {
    if (this.events.length >= this.max) this.dropped++;
    else this.events.push({ kind: 'frame', at, walk, netns, dev, dir, frame });
  }

  decision(at: number, walk: number, netns: string, decision: Decision): void {
    if (this.events.length >= this.max) this.dropped++;
    else this.events.push({ kind: 'decision', at, walk, netns, decision });
  }

  walk(id: number, cause: number | undefined): void {
    if (this.walks.size < this.max) this.walks.set(id, { id, cause });
  }
}
