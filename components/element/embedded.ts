import type { ExperimentRecord, FrameEvent, RecordEvent } from '../../src/engine/capture/record.ts';
import type { Decision } from '../../src/engine/net/decision.ts';
import type { Experiment, LabData } from '../lab-data.ts';
import { pack, unpack, type Packed } from './pack.ts';

/** What a page keeps of a lab: not its source, which its code blocks are, nor what was printed, which its transcript is. */
type KeptLab = Omit<LabData, 'source' | 'experiments'> & { readonly experiments: readonly KeptExperiment[] };
type KeptExperiment = Omit<Experiment, 'output' | 'record'> & {
  readonly record: Omit<ExperimentRecord, 'events'> & { readonly events: EventColumns };
};

/** Events by their parts. Times and walks are told by how much they are more than the one before. */
interface EventColumns {
  readonly at: readonly number[];
  readonly walk: readonly number[];
  readonly netns: readonly string[];
  readonly what: readonly (Decision | Crossing)[];
}

type Crossing = Pick<FrameEvent, 'dev' | 'dir' | 'header'>;

/** The labs of a page as the text of a `<script type="application/json">`. */
export function embedLabs(labs: ReadonlyMap<string, LabData>): string {
  const kept = [...labs].map(([id, { views, experiments, diagnostics }]): [string, KeptLab] => [
    id,
    { views, diagnostics, experiments: experiments.map(keep) },
  ]);
  return JSON.stringify(pack(Object.fromEntries(kept))).replaceAll('<', '\\u003c');
}

/** What `embedLabs` wrote, by the labs' ids. */
export function readEmbedded(text: string): ReadonlyMap<string, Omit<LabData, 'source'>> {
  const kept = unpack(JSON.parse(text) as Packed) as Readonly<Record<string, KeptLab>>;
  return new Map(
    Object.entries(kept).map(([id, lab]) => [id, { ...lab, experiments: lab.experiments.map(restore) }]),
  );
}

function keep({ output: _, record, ...rest }: Experiment): KeptExperiment {
  const { events } = record;
  return {
    ...rest,
    record: {
      ...record,
      events: {
        at: differences(events.map(({ at }) => at)),
        walk: differences(events.map(({ walk }) => walk)),
        netns: events.map(({ netns }) => netns),
        what: events.map((event) =>
          event.kind === 'decision'
            ? event.decision
            : { dev: event.dev, dir: event.dir, header: event.header },
        ),
      },
    },
  };
}

function restore({ record, ...rest }: KeptExperiment): Experiment {
  const { at, walk, netns, what } = record.events;
  const times = sums(at);
  const walks = sums(walk);
  const events = what.map((one, i): RecordEvent => {
    const common = { at: times[i] ?? 0, walk: walks[i] ?? 0, netns: netns[i] ?? '' };
    return 'code' in one
      ? { kind: 'decision', ...common, decision: one }
      : { kind: 'frame', ...common, ...one };
  });
  return { ...rest, output: '', record: { ...record, events } };
}

function differences(values: readonly number[]): number[] {
  return values.map((value, i) => value - (values[i - 1] ?? 0));
}

function sums(steps: readonly number[]): number[] {
  let sum = 0;
  return steps.map((step) => (sum += step));
}
