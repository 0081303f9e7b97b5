import type {
  DecisionEvent,
  ExperimentRecord,
  FrameEvent,
  Layer,
  Walk,
} from '../../src/engine/capture/record.ts';
import type { Decision } from '../../src/engine/net/decision.ts';
import { salience } from './salience.ts';

export interface DecisionAt {
  readonly netns: string;
  readonly decision: Decision;
}

/** One tick of the timeline: a frame that crosses an interface, or the end of a packet that got no further. */
export interface Step {
  readonly index: number;
  readonly kind: 'frame' | 'end';
  readonly walk: Walk;
  readonly at: number;
  readonly netns: string;
  readonly dev?: string;
  readonly dir?: 'in' | 'out';
  readonly layers: readonly Layer[];
  /** The step of the same walk whose frame this one comes from: the other end of the veth, the port it entered by. */
  readonly parent?: number;
  /** What was decided between the parent and here. */
  readonly before: readonly DecisionAt[];
  /** What was decided here when nothing of this walk follows. */
  readonly after: readonly DecisionAt[];
  /** True for the last step of its walk. */
  readonly last: boolean;
}

/** Consecutive steps of one exchange, as the timeline labels them. */
export interface StepGroup {
  readonly exchange: Walk['exchange'];
  readonly from: number;
  /** Exclusive. */
  readonly to: number;
}

export interface Walkthrough {
  readonly steps: readonly Step[];
  readonly groups: readonly StepGroup[];
}

interface Draft {
  readonly event: FrameEvent;
  readonly order: number;
  readonly before: DecisionAt[];
  readonly after: DecisionAt[];
}

interface WalkDraft {
  readonly walk: Walk;
  readonly frames: Draft[];
  readonly decisions: { readonly order: number; readonly event: DecisionEvent }[];
}

/** Codes that end what a packet does in a namespace: they belong to the frame that came, not to one that leaves. */
const endings: ReadonlySet<Decision['code']> = new Set<Decision['code']>([
  'deliver',
  'no-socket',
  'arp-answer',
  'arp-ignore',
  'neigh-learn',
  'not-for-us',
  'drop',
  'reassembled',
  'pmtu',
  'app',
]);

/**
 * The record in the order in which a reader can follow it: each walk as a whole, unless it waits for a neighbour's
 * answer, which then comes in between. Within a walk the order is the record's.
 */
export function walkthrough(record: ExperimentRecord): Walkthrough {
  const drafts = draftWalks(record);
  const steps: Step[] = [];
  for (const part of readingOrder(drafts)) appendSteps(steps, part, record);
  return { steps, groups: groupSteps(steps) };
}

function draftWalks(record: ExperimentRecord): WalkDraft[] {
  const byId = new Map<number, WalkDraft>();
  for (const walk of record.walks) byId.set(walk.id, { walk, frames: [], decisions: [] });
  record.events.forEach((event, order) => {
    const draft = byId.get(event.walk);
    if (draft === undefined) return;
    if (event.kind === 'frame') draft.frames.push({ event, order, before: [], after: [] });
    else (byId.get(repeatOf(record, order, event)) ?? draft).decisions.push({ order, event });
  });
  for (const draft of byId.values()) attachDecisions(draft);
  return [...byId.values()].filter((draft) => draft.frames.length > 0 || draft.decisions.length > 0);
}

/** That a segment is sent again is decided on the walk that got lost; it is told on the one that it makes. */
function repeatOf(record: ExperimentRecord, order: number, event: DecisionEvent): number {
  if (event.decision.code !== 'tcp-retransmit') return event.walk;
  const next = record.events.find((other, i) => i > order && other.netns === event.netns);
  const walk = record.walks.find(({ id }) => id === next?.walk);
  return walk?.cause === event.walk ? walk.id : event.walk;
}

/**
 * A decision belongs to the next frame in its namespace, since it led to it; what ends a packet, to the last one there.
 * What took a frame up to a tunnel's or a bridge's own device belongs to the frame that came in there, which a capture
 * sees before the kernel says why.
 */
function attachDecisions({ frames, decisions }: WalkDraft): void {
  for (const { netns, previous, next, events } of runsOf(frames, decisions)) {
    let waiting: DecisionAt[] = [];
    for (const { decision } of events) {
      const at: DecisionAt = { netns, decision };
      if (endings.has(decision.code) && previous.length > 0 && next !== undefined) {
        previous.at(-1)?.after.push(at);
        continue;
      }
      waiting.push(at);
      const taken = takenUp(previous, decision);
      if (taken === undefined) continue;
      taken.before.push(...waiting);
      waiting = [];
    }
    if (next !== undefined) next.before.push(...waiting);
    else if (previous.length > 0) previous.at(-1)?.after.push(...waiting);
    else frames[0]?.before.push(...waiting);
  }
}

interface Run {
  readonly netns: string;
  /** Frames of the namespace so far, and the one that follows. */
  readonly previous: readonly Draft[];
  readonly next: Draft | undefined;
  readonly events: DecisionEvent[];
}

/** Decisions of a namespace between two frames of it. */
function runsOf(frames: readonly Draft[], decisions: WalkDraft['decisions']): Iterable<Run> {
  const byPlace = new Map<string, Draft[]>();
  for (const frame of frames)
    byPlace.set(frame.event.netns, [...(byPlace.get(frame.event.netns) ?? []), frame]);
  const runs = new Map<string, Run>();
  for (const { order, event } of decisions) {
    const here = byPlace.get(event.netns) ?? [];
    const count = here.filter((frame) => frame.order < order).length;
    const key = `${event.netns} ${count}`;
    const run = runs.get(key) ?? {
      netns: event.netns,
      previous: here.slice(0, count),
      next: here[count],
      events: [],
    };
    run.events.push(event);
    runs.set(key, run);
  }
  return runs.values();
}

function takenUp(previous: readonly Draft[], decision: Decision): Draft | undefined {
  const dev =
    decision.code === 'vxlan-decap' || decision.code === 'ipip-decap'
      ? decision.dev
      : decision.code === 'fdb-local'
        ? decision.bridge
        : undefined;
  const last = previous.at(-1)?.event;
  return dev !== undefined && last?.dir === 'in' && last.dev === dev ? previous.at(-1) : undefined;
}

interface Part {
  readonly draft: WalkDraft;
  readonly from: number;
  readonly to: number;
}

/** Whole walks by their beginning; a walk pauses where a neighbour had to be asked before its next frame. */
function readingOrder(drafts: readonly WalkDraft[]): Part[] {
  const start = (draft: WalkDraft, from = 0) => draft.frames[from]?.order ?? draft.decisions[0]?.order ?? 0;
  const waiting = drafts.map((draft) => ({ draft, from: 0 })).sort((a, b) => start(a.draft) - start(b.draft));
  const parts: Part[] = [];
  for (;;) {
    const current = waiting.shift();
    if (current === undefined) return parts;
    const { draft, from } = current;
    let to = from + 1;
    while (to < draft.frames.length) {
      const previous = draft.frames[to - 1]?.order ?? 0;
      const next = draft.frames[to]?.order ?? 0;
      const asked = waiting.some(
        (other) => asksNeighbour(other.draft) && start(other.draft) > previous && start(other.draft) < next,
      );
      if (asked) break;
      to += 1;
    }
    parts.push({ draft, from, to: Math.min(to, draft.frames.length) });
    if (to < draft.frames.length) {
      const rest = { draft, from: to };
      const at = waiting.findIndex((other) => start(other.draft, other.from) > start(draft, to));
      waiting.splice(at < 0 ? waiting.length : at, 0, rest);
    }
  }
}

function asksNeighbour(draft: WalkDraft): boolean {
  return draft.walk.exchange === 'arp' || draft.walk.exchange === 'nd';
}

function appendSteps(steps: Step[], { draft, from, to }: Part, record: ExperimentRecord): void {
  const { walk, frames } = draft;
  for (let i = from; i < to; i += 1) {
    const frame = frames[i];
    if (frame === undefined) continue;
    const { event } = frame;
    const parent = parentOf(steps, walk.id, event, steps.length);
    steps.push({
      index: steps.length,
      kind: 'frame',
      walk,
      at: event.at,
      netns: event.netns,
      dev: event.dev,
      dir: event.dir,
      layers: record.headers[event.header] ?? [],
      ...(parent === undefined ? {} : { parent }),
      before: frame.before,
      after: frame.after,
      last: i === frames.length - 1,
    });
  }
  if (to < frames.length) return;
  const ending = endStep(draft, steps);
  if (ending === undefined) return;
  const last = steps[ending.parent ?? -1];
  if (last !== undefined) steps[last.index] = { ...last, after: [], last: false };
  steps.push(ending);
}

/** A packet that got no further has a step of its own for that; one that arrived has said so on its last frame. */
function endStep({ walk, frames, decisions }: WalkDraft, steps: readonly Step[]): Step | undefined {
  const dropped = walk.outcome === 'dropped';
  if (frames.length > 0 && !dropped) return undefined;
  const lastDecision = decisions.at(-1)?.event;
  const parent = steps.findLast(
    (step) => step.walk.id === walk.id && (lastDecision === undefined || step.netns === lastDecision.netns),
  );
  const netns = lastDecision?.netns ?? parent?.netns;
  if (netns === undefined) return undefined;
  return {
    index: steps.length,
    kind: 'end',
    walk,
    at: lastDecision?.at ?? parent?.at ?? 0,
    netns,
    ...(parent?.dev === undefined ? {} : { dev: parent.dev }),
    layers: parent?.layers ?? [],
    ...(parent === undefined ? {} : { parent: parent.index }),
    before: parent?.after ?? decisions.map(({ event }) => ({ netns: event.netns, decision: event.decision })),
    after: [],
    last: true,
  };
}

const tunnels = /^(flannel|vxlan|tunl|ipip|geneve)/;
const bridges = /^(cni0|cbr0|docker0|br|sw0)/;

/**
 * The frame that this one was before it crossed to here. Out of a namespace: what entered it, or the tunnel or bridge
 * device above. Into one: what left the namespace it was in last; into a tunnel or bridge device: what came in below it.
 */
function parentOf(steps: readonly Step[], walk: number, event: FrameEvent, end: number): number | undefined {
  for (let i = end - 1; i >= 0; i -= 1) {
    const step = steps[i];
    if (step === undefined || step.walk.id !== walk || step.kind !== 'frame') continue;
    const same = step.netns === event.netns;
    if (event.dir === 'out' && same && (step.dir === 'in' || stacked(step.dev))) return i;
    if (event.dir === 'in' && !stacked(event.dev) && !same && step.dir === 'out' && leadsTo(step, event))
      return i;
    if (event.dir === 'in' && stacked(event.dev) && same && step.dir === 'in') return i;
  }
  return undefined;
}

function stacked(dev: string | undefined): boolean {
  return dev !== undefined && (tunnels.test(dev) || bridges.test(dev));
}

/** A virtual link carries a frame from one namespace to one other; a switch port names the machine behind it. */
function leadsTo(step: Step, event: FrameEvent): boolean {
  if (step.netns === 'lan') return step.dev === `p-${event.netns}`;
  return !stacked(step.dev);
}

function groupSteps(steps: readonly Step[]): StepGroup[] {
  const groups: StepGroup[] = [];
  for (const step of steps) {
    const last = groups.at(-1);
    if (last !== undefined && last.exchange === step.walk.exchange)
      groups[groups.length - 1] = { ...last, to: step.index + 1 };
    else groups.push({ exchange: step.walk.exchange, from: step.index, to: step.index + 1 });
  }
  return groups;
}

/** The steps of this walk up to and including this one that lie on its way here, first to last. */
export function trail(steps: readonly Step[], index: number): number[] {
  const way: number[] = [];
  let at: number | undefined = index;
  while (at !== undefined) {
    way.unshift(at);
    at = steps[at]?.parent;
  }
  return way;
}

/** The next step after `index` where something turned on a decision. */
export function nextDecision(steps: readonly Step[], index: number): number | undefined {
  return steps.find((step) => step.index > index && weight(step) >= 2)?.index;
}

function weight(step: Step): number {
  return Math.max(0, ...[...step.before, ...step.after].map(({ decision }) => salience(decision)));
}

/**
 * The step that says most about the experiment: where a packet was lost, else where NAT chose the backend, else in the
 * middle of the tunnel, else where the first request arrived. Neighbour discovery is never it while there is more.
 */
export function tellingMoment(steps: readonly Step[]): number {
  const isArp = (step: Step) => step.walk.exchange === 'arp' || step.walk.exchange === 'nd';
  const refused = steps.find((step) =>
    [...step.before, ...step.after].some(({ decision }) => decision.code === 'no-socket'),
  );
  const lost =
    steps.find((step) => step.kind === 'end' && !isArp(step)) ??
    refused ??
    steps.find((step) => step.kind === 'end');
  const requests = steps.filter((step) => !isArp(step) && step.walk.direction === 'request');
  const others = requests.filter((step) => step.walk.exchange !== 'dns');
  // Name lookups are only the story where there is no other.
  const main = others.length > 0 ? others : requests;
  const tunnel = main.find(
    (step) =>
      step.dir === 'in' && step.netns === 'lan' && step.layers.some((layer) => layer.kind === 'vxlan'),
  );
  const ipip = main.find(
    (step) => step.netns === 'lan' && step.layers.filter((layer) => layer.kind === 'ipv4').length > 1,
  );
  const nat = main.find((step) =>
    step.before.some(({ decision }) => decision.code === 'nat-binding' && decision.kind === 'DNAT'),
  );
  const onLan = main.find((step) => step.netns === 'lan' && step.dir === 'in');
  // Where there is no tunnel, what sent the packet off the node says more than the wire it then is on.
  const leaving = onLan?.parent === undefined ? undefined : steps[onLan.parent];
  const arrived = main.find((step) => step.after.some(({ decision }) => decision.code === 'deliver'));
  const bridged = main.find(
    (step) => step.netns !== 'lan' && step.before.some(({ decision }) => decision.code === 'fdb-forward'),
  );
  const turning = main.find((step) => weight(step) >= 2);
  return (
    (lost ?? nat ?? tunnel ?? ipip ?? leaving ?? bridged ?? turning ?? arrived ?? main[0] ?? steps[0])
      ?.index ?? 0
  );
}

/** A packet that ended here was told so: by RST or by an ICMP error. */
export function wasRefused(step: Step): boolean {
  return [...step.before, ...step.after].some(
    ({ decision }) =>
      (decision.code === 'no-socket' && decision.answer !== 'none') || decision.code === 'icmp-error',
  );
}
