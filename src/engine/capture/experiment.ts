import type { Trace, TraceEvent } from '../net/trace.ts';
import type { World } from '../net/world.ts';
import { LayerTable } from './layers.ts';
import type { ExperimentRecord, RecordEvent } from './record.ts';
import { tableSnapshots } from './tables.ts';
import { walksOf } from './walks.ts';

export interface ExperimentOptions {
  readonly world: World;
  readonly start: number;
  /** Whether a walk belongs to the experiment; its events are left out otherwise. */
  readonly keep: (walk: number) => boolean;
}

export interface Experiment {
  readonly record: ExperimentRecord;
  /** How many of the record's events came before the moment at which the trace had seen so many. */
  readonly place: (at: number, seen: number) => number;
}

/** The portable record of what a trace holds. */
export function experimentRecord(trace: Trace, { world, start, keep }: ExperimentOptions): Experiment {
  const order = inOrder(
    trace.events,
    [...trace.events.keys()].filter((index) => keep(trace.events[index]?.walk ?? 0)),
  );
  const events = order.flatMap((index) => trace.events[index] ?? []);
  const table = new LayerTable();
  const out: RecordEvent[] = events.map((event) =>
    event.kind === 'frame'
      ? {
          kind: 'frame',
          at: event.at,
          walk: event.walk,
          netns: event.netns,
          dev: event.dev,
          dir: event.dir,
          header: table.header(event.frame),
        }
      : event,
  );
  const { headers, payloads } = table;
  const record: ExperimentRecord = {
    version: 1,
    start,
    end: world.now,
    headers,
    events: out,
    walks: walksOf(out, headers, (id) => trace.walks.get(id)?.cause),
    tables: tableSnapshots(world, out),
    payloads,
    ...(trace.dropped > 0 ? { truncated: { limit: 'recordEvents', max: trace.max } } : {}),
  };
  return { record, place: (at, seen) => placeOf(events, order, at, seen) };
}

/** Captures are in order of their time stamps; what happened at one moment stays in the order of its causes. */
function inOrder(events: readonly TraceEvent[], indices: readonly number[]): readonly number[] {
  const at = (index: number | undefined): number => events[index ?? -1]?.at ?? 0;
  const sorted = indices.every((index, i) => i === 0 || at(index) >= at(indices[i - 1]));
  return sorted ? indices : indices.toSorted((a, b) => at(a) - at(b));
}

function placeOf(events: readonly TraceEvent[], order: readonly number[], at: number, seen: number): number {
  let [low, high] = [0, events.length];
  while (low < high) {
    const middle = (low + high) >> 1;
    const event = events[middle];
    const before = event !== undefined && (event.at < at || (event.at === at && (order[middle] ?? 0) < seen));
    if (before) low = middle + 1;
    else high = middle;
  }
  return low;
}
