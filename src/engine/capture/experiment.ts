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

/** The portable record of what a trace holds. */
export function experimentRecord(trace: Trace, { world, start, keep }: ExperimentOptions): ExperimentRecord {
  const kept = trace.events.filter((event) => keep(event.walk));
  const events = inOrder(kept);
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
  return {
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
}

/** Captures are in order of their time stamps; what happened at one moment stays in the order of its causes. */
function inOrder(events: readonly TraceEvent[]): readonly TraceEvent[] {
  const sorted = events.every((event, i) => i === 0 || event.at >= (events[i - 1]?.at ?? 0));
  return sorted ? events : events.toSorted((a, b) => a.at - b.at);
}
