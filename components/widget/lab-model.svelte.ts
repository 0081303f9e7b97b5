import type { ClusterOptions, Diagnostic } from '../../src/engine/cluster.ts';
import type { ClusterView } from '../../src/engine/view.ts';
import type { LabSource, ManifestBlock } from '../../src/lesson/lab.ts';
import type { Experiment, LabData } from '../lab-data.ts';
import { decidingTables } from '../layout/deciding.ts';
import { loopbackOf, partOf } from '../layout/hops.ts';
import { ghostsOf, place, type Placement } from '../layout/placement.ts';
import { layoutStage } from '../layout/stage.ts';
import type { StageShape } from '../layout/shape.ts';
import { nextDecision, tellingMoment, walkthrough, type Step } from '../layout/steps.ts';
import { optionsOf, stepsOf } from '../lab-steps.ts';
import type { LabStatus, Strings } from '../strings/strings.ts';
import type { EngineClient, EngineFailure, Outcome } from '../worker/client.ts';
import type { StepResult, WorldStep } from '../worker/protocol.ts';

/** A lab of the page as the cluster sees it: options and steps, manifests as they are edited now. */
export interface LabPart {
  readonly id: string;
  readonly options: ClusterOptions;
  readonly steps: readonly WorldStep[];
}

/** What a lab needs of the page around it. */
export interface LabHost {
  readonly engine: EngineClient;
  /** The labs that come before this one in the same cluster, in page order. */
  readonly before: () => readonly LabPart[];
  /** Tells the labs that come after in the same cluster that it has changed under them. */
  readonly changed: () => void;
}

/** One command in the terminal and what it printed. */
export interface TranscriptEntry {
  readonly command: string;
  readonly output: string;
  readonly exitCode: number | undefined;
}

export type Tab = 'hops' | 'terminal' | 'manifest' | 'tables' | 'packet' | 'reach';
export const tabs: readonly Tab[] = ['hops', 'terminal', 'manifest', 'tables', 'packet', 'reach'];
export const speeds = [0.5, 1, 2, 4] as const;

const noExperiments: readonly Experiment[] = [];

export class LabModel {
  readonly source: LabSource;
  readonly strings: Strings;
  readonly host: LabHost | undefined;

  views: readonly ClusterView[] = $state.raw([]);
  experiments: readonly Experiment[] = $state.raw(noExperiments);
  selected: number = $state(0);
  index: number = $state(0);
  /** How far between its parent and itself the current step is drawn, 0 to 1. */
  progress: number = $state(1);
  playing: boolean = $state(false);
  speed: number = $state(1);
  /** Whether the reader has moved the timeline: until then play begins at the beginning. */
  touched: boolean = $state(false);
  tab: Tab = $state('hops');
  status: LabStatus = $state('ready');
  /** What the status cannot say alone: the limit that was reached, the engine's own words. */
  detail: string = $state('');
  transcript: readonly TranscriptEntry[] = $state.raw([]);
  /** Whether the original transcript of the page still says what happened. */
  pristine: boolean = $state(true);
  diagnostics: readonly Diagnostic[] = $state.raw([]);
  drafts: Readonly<Record<string, string>> = $state.raw({});
  editing: string | undefined = $state(undefined);
  /** Commands typed here, for the arrow keys. */
  history: readonly string[] = $state.raw([]);

  /** Who can talk to whom, and the state of the cluster that it was asked of. */
  reach: { readonly html: string; readonly views: readonly ClusterView[] } | undefined =
    $state.raw(undefined);

  #opened = false;
  #asking = false;
  /** The states that the page knew from the first. */
  readonly #asWritten: readonly ClusterView[];
  #placement: Placement | undefined;
  #stages = new WeakMap<Experiment, { wide: StageShape; narrow: StageShape }>();

  readonly experiment: Experiment | undefined = $derived(this.experiments[this.selected]);
  readonly walk = $derived(
    this.experiment === undefined ? { steps: [], groups: [] } : walkthrough(this.experiment.record),
  );
  readonly step: Step | undefined = $derived(this.walk.steps[this.index]);
  readonly decisions = $derived(this.step === undefined ? [] : [...this.step.before, ...this.step.after]);
  readonly tables = $derived(decidingTables(this.decisions, this.experiment?.record.tables ?? []));
  readonly view: ClusterView | undefined = $derived(
    this.experiment === undefined ? this.views.at(-1) : this.views[this.experiment.after],
  );
  /** Namespaces that the experiment on the stage walked through. */
  readonly walked: ReadonlySet<string> = $derived(
    this.experiment === undefined ? new Set<string>() : partOf(this.experiment.record),
  );
  readonly stages = $derived.by(() => this.#stage());
  readonly busy: boolean = $derived(this.status === 'waking' || this.status === 'running');
  readonly atEnd: boolean = $derived(this.index >= this.walk.steps.length - 1);

  constructor(data: LabData, strings: Strings, host?: LabHost) {
    this.source = data.source;
    this.strings = strings;
    this.host = host;
    this.views = data.views;
    this.#asWritten = data.views;
    this.experiments = data.experiments;
    this.diagnostics = data.diagnostics;
    if (data.diagnostics.some((one) => one.severity === 'error')) this.status = 'failed';
    this.select(firstOf(data.experiments));
    this.tab = this.#firstTab();
  }

  /** The first panel that the author asks for, unless it would be empty. */
  #firstTab(): Tab {
    const asked = this.source.show.flatMap((panel) => tabs.filter((tab) => tab === panel));
    const has: Readonly<Record<Tab, boolean>> = {
      hops: this.walk.steps.length > 0,
      packet: this.walk.steps.length > 0,
      tables: this.walk.steps.length > 0,
      terminal: this.source.blocks.some((block) => block.kind === 'console'),
      manifest: this.manifests.length > 0,
      reach: this.source.show.includes('reach'),
    };
    return [...asked, ...tabs].find((tab) => has[tab]) ?? 'terminal';
  }

  /** Where no policy is there to be seen, everybody reaches everybody, and no table need say so. */
  get hasReach(): boolean {
    return this.source.show.includes('reach') || (this.view?.policies ?? []).some(({ enforced }) => enforced);
  }

  get manifests(): ManifestBlock[] {
    return this.source.blocks.filter((block) => block.kind === 'manifest');
  }

  get world(): string {
    return this.source.cluster ?? `lab ${this.source.id}`;
  }

  /** Puts an experiment on the stage, at the moment that says most. */
  select(experiment: number): void {
    this.pause();
    this.selected = experiment;
    this.touched = false;
    this.progress = 1;
    this.index = tellingMoment(this.walk.steps);
  }

  seek(index: number): void {
    this.pause();
    this.touched = true;
    this.#go(index);
    this.progress = 1;
  }

  /** One step on; drawn as a movement where there is time for one. */
  forward(): void {
    if (this.atEnd) return;
    this.touched = true;
    this.#go(this.index + 1);
    this.progress = 0;
  }

  back(): void {
    this.seek(this.index - 1);
  }

  skip(): void {
    const next = nextDecision(this.walk.steps, this.index);
    this.seek(next ?? this.walk.steps.length - 1);
  }

  play(): void {
    if (this.walk.steps.length === 0) return;
    if (this.atEnd || !this.touched) {
      this.#go(0);
      this.progress = 0;
    }
    this.touched = true;
    this.playing = true;
  }

  pause(): void {
    this.playing = false;
  }

  #go(index: number): void {
    this.index = Math.max(0, Math.min(this.walk.steps.length - 1, index));
  }

  #stage(): { wide: StageShape; narrow: StageShape } | undefined {
    const view = this.view;
    if (view === undefined) return undefined;
    const experiment = this.experiment;
    const known = experiment === undefined ? undefined : this.#stages.get(experiment);
    if (known !== undefined) return known;
    const before = experiment === undefined ? undefined : this.views[experiment.before];
    const gone = before === undefined ? [] : ghostsOf(before, view);
    this.#placement = place(view, this.#placement, gone);
    const loopback = experiment === undefined ? new Set<string>() : loopbackOf(experiment.record);
    const input = { view, ghosts: gone, placement: this.#placement, part: this.walked, loopback };
    const stages = {
      wide: layoutStage({ ...input, form: 'wide' }),
      narrow: layoutStage({ ...input, form: 'narrow' }),
    };
    if (experiment !== undefined) this.#stages.set(experiment, stages);
    return stages;
  }

  textOf(manifest: ManifestBlock): string {
    return this.drafts[manifest.name] ?? manifest.text;
  }

  get edited(): boolean {
    return this.manifests.some((manifest) => this.textOf(manifest) !== manifest.text);
  }

  edit(name: string, text: string): void {
    const original = this.manifests.find((manifest) => manifest.name === name)?.text;
    const { [name]: _, ...others } = this.drafts;
    this.drafts = text === original ? others : { ...others, [name]: text };
    if (!this.busy) this.status = 'edited';
  }

  get part(): LabPart {
    return { id: this.source.id, options: optionsOf(this.source), steps: stepsOf(this.source, this.drafts) };
  }

  /** Makes the cluster anew from the manifests as they stand and runs the lab's commands in it. */
  async applyAndRun(): Promise<void> {
    const { host } = this;
    if (host === undefined || this.busy) return;
    this.pause();
    this.#wake(host);
    const experiments: Experiment[] = [];
    const views: ClusterView[] = [];
    const entries: TranscriptEntry[] = [];
    const diagnostics: Diagnostic[] = [];
    const parts = [...host.before(), this.part];
    const prelude = parts.slice(0, -1).flatMap((part) => part.steps.map(quiet));
    let done = 0;
    let refused = false;
    // A cluster of its own until it is known that the manifests are accepted.
    const draft = `${this.world} draft`;
    const steps = [...prelude, ...this.part.steps];
    const outcome = await host.engine.open(draft, parts[0]?.options ?? {}, steps, (result) => {
      done += 1;
      if (done <= prelude.length) return;
      if (result.kind === 'run') {
        entries.push(entryOf(result));
        experiments.push(experimentOf(result, views));
        return;
      }
      if (!refused) entries.push(applied(result));
      diagnostics.push(...result.result.diagnostics);
      refused ||= !result.result.ok;
      views.push(result.view);
    });
    if (!outcome.ok) {
      this.#fail(outcome.failure);
      return;
    }
    this.diagnostics = diagnostics;
    if (refused && this.views.length > 0) {
      this.transcript = [...this.transcript, ...entries.filter((entry) => entry.exitCode !== 0).slice(0, 1)];
      this.status = 'failed';
      return;
    }
    await host.engine.adopt(this.world, draft);
    host.engine.include(
      this.world,
      parts.map((part) => part.id),
    );
    this.pristine = false;
    this.transcript = entries;
    this.views = views;
    this.experiments = experiments;
    this.select(firstOf(experiments));
    this.status = refused ? 'failed' : limitOf(experiments) === undefined ? 'applied' : 'limit';
    this.detail = limitOf(experiments) ?? '';
    host.changed();
  }

  /** What prerendering would have done: runs the lab as it was written. */
  async begin(): Promise<void> {
    await this.applyAndRun();
    if (this.status === 'applied') this.status = 'ready';
    if (!this.#opened) this.tab = this.#firstTab();
  }

  /** Opens a panel because the reader asks for it, who then stays there. */
  open(tab: Tab): void {
    this.#opened = true;
    this.tab = tab;
  }

  async reset(): Promise<void> {
    this.drafts = {};
    this.editing = undefined;
    await this.applyAndRun();
    if (this.status === 'applied') this.status = 'ready';
  }

  /** Runs what was typed, in the cluster as it stands; the first time the cluster has to be made. */
  async run(command: string): Promise<void> {
    const { host } = this;
    if (host === undefined || this.busy || command.trim() === '') return;
    this.pause();
    this.#wake(host);
    this.history = [...this.history.filter((one) => one !== command), command];
    const pending: TranscriptEntry = { command, output: '', exitCode: undefined };
    this.transcript = [...this.transcript, pending];
    const ready = await this.#enter(host);
    if (!ready.ok) {
      this.#abandon(pending, ready.failure);
      return;
    }
    let different = false;
    const outcome = await host.engine.perform(
      this.world,
      { kind: 'run', command, record: true },
      (result) => {
        if (result.kind !== 'run') return;
        this.#settle(pending, entryOf(result));
        const views = [...this.views];
        const experiment = experimentOf(result, views);
        this.views = views;
        const sent = experiment.record.events.length > 0;
        different = viewsDiffer(result.before, result.view);
        if (sent || different) {
          this.experiments = [...this.experiments, experiment];
          this.select(this.experiments.length - 1);
        }
        this.status = experiment.limit === undefined ? 'applied' : 'limit';
        this.detail = experiment.limit ?? '';
      },
    );
    if (!outcome.ok) {
      this.#abandon(pending, outcome.failure);
      return;
    }
    if (this.status === 'applied') this.status = 'ready';
    if (different) host.changed();
  }

  /** Brings the cluster to where this lab begins: what comes before it, then its own steps, each done once. */
  async #enter(host: LabHost): Promise<Outcome> {
    const parts = [...host.before(), this.part];
    const inWorld = host.engine.labsIn(this.world);
    if (inWorld === undefined) {
      const opened = await host.engine.open(
        this.world,
        parts[0]?.options ?? {},
        parts.flatMap((part) => part.steps.map(quiet)),
        () => {},
      );
      if (opened.ok)
        host.engine.include(
          this.world,
          parts.map((part) => part.id),
        );
      return opened;
    }
    for (const part of parts) {
      if (inWorld.has(part.id)) continue;
      for (const step of part.steps) {
        const done = await host.engine.perform(this.world, quiet(step), () => {});
        if (!done.ok) return done;
      }
      host.engine.include(this.world, [part.id]);
    }
    return { ok: true };
  }

  /** Asks the cluster as it stands who can talk to whom; `prerendered`: the page knows it of the lab as it was written. */
  async askReach(prerendered: boolean): Promise<void> {
    const { host, views } = this;
    const known =
      this.reach === undefined ? prerendered && views === this.#asWritten : this.reach.views === views;
    if (host === undefined || known || this.#asking || this.busy) return;
    this.#asking = true;
    const before = this.status;
    this.#wake(host);
    const ready = await this.#enter(host);
    const [view, code] = await Promise.all([
      ready.ok ? host.engine.reach(this.world) : undefined,
      import('../reach/panel.ts').catch(() => undefined),
    ]);
    this.#asking = false;
    const answered = view !== undefined && code !== undefined;
    if (ready.ok) this.status = answered ? before : 'offline';
    else this.#fail(ready.failure);
    // Without an answer what was shown stays, and nobody asks again until something has changed.
    const html = answered
      ? code.panelHtml(view, this.strings.language, this.source.id)
      : (this.reach?.html ?? '');
    this.reach = { html, views };
  }

  /** The lab, manifests as they stand, as a script for a real kernel. */
  async netnsScript(): Promise<string | undefined> {
    const { host } = this;
    if (host === undefined || this.busy) return undefined;
    const { status, detail } = this;
    const before = host.before();
    const steps = before.flatMap((part) => part.steps);
    this.#wake(host);
    const { title, id } = this.source;
    const made = await host.engine.script(this.world, {
      title: title === undefined ? id : `${id}: ${title}`,
      options: (before[0] ?? this.part).options,
      steps: [...steps, ...this.part.steps],
      from: steps.length,
    });
    if (!made.ok) {
      this.#fail(made.failure);
      return undefined;
    }
    this.status = status;
    this.detail = detail;
    return made.script;
  }

  async complete(
    line: string,
    cursor: number,
  ): Promise<{ from: number; options: readonly string[] } | undefined> {
    const { host } = this;
    if (host === undefined || this.busy || host.engine.labsIn(this.world) === undefined) return undefined;
    return host.engine.complete(this.world, line, cursor);
  }

  stop(): void {
    this.host?.engine.stop();
  }

  clear(): void {
    this.transcript = [];
    this.pristine = false;
  }

  #wake(host: LabHost): void {
    this.status = host.engine.awake ? 'running' : 'waking';
    this.detail = '';
  }

  #settle(pending: TranscriptEntry, ...entries: readonly TranscriptEntry[]): void {
    this.transcript = this.transcript.flatMap((one) => (one === pending ? entries : [one]));
  }

  /** What was begun and ended stays in the transcript, as a shell would have it; what never began does not. */
  #abandon(pending: TranscriptEntry, failure: EngineFailure): void {
    const began = failure.kind === 'stopped' || failure.kind === 'lost';
    this.#settle(pending, ...(began ? [{ ...pending, exitCode: 130 }] : []));
    this.#fail(failure);
  }

  #fail(failure: EngineFailure): void {
    this.detail = failure.kind === 'refused' ? failure.message : '';
    this.status =
      failure.kind === 'refused'
        ? 'failed'
        : failure.kind === 'stopped'
          ? 'stopped'
          : failure.kind === 'unavailable'
            ? 'offline'
            : 'lost';
  }
}

function quiet(step: WorldStep): WorldStep {
  return step.kind === 'run' ? { ...step, record: false } : step;
}

function entryOf(result: StepResult & { kind: 'run' }): TranscriptEntry {
  return { command: result.result.command, output: result.result.output, exitCode: result.result.exitCode };
}

function applied(result: StepResult & { kind: 'apply' }): TranscriptEntry {
  return {
    command: `kubectl apply -f ${result.file}`,
    output: result.result.output,
    exitCode: result.result.ok ? 0 : 1,
  };
}

/** The views are kept once each in the list that grows here. */
function experimentOf(
  { result, before, view }: StepResult & { kind: 'run' },
  views: ClusterView[],
): Experiment {
  views.push(before, view);
  const { command, output, exitCode, record, limit } = result;
  return {
    command,
    output,
    exitCode,
    record,
    before: views.length - 2,
    after: views.length - 1,
    ...(limit === undefined ? {} : { limit }),
  };
}

function limitOf(experiments: readonly Experiment[]) {
  return experiments.find((experiment) => experiment.limit !== undefined)?.limit;
}

/** The experiment that a reader sees first: one that lost a packet, else the first that sent any but name lookups. */
function firstOf(experiments: readonly Experiment[]): number {
  const packets = (experiment: Experiment) => experiment.record.walks.length > 0;
  const lost = experiments.findIndex((experiment) =>
    experiment.record.walks.some((walk) => walk.outcome === 'dropped' && walk.exchange !== 'arp'),
  );
  if (lost >= 0) return lost;
  const far = experiments.findIndex((experiment) =>
    experiment.record.walks.some((walk) => walk.exchange === 'request' || walk.exchange === 'handshake'),
  );
  if (far >= 0) return far;
  return Math.max(0, experiments.findIndex(packets));
}

function viewsDiffer(before: ClusterView, after: ClusterView): boolean {
  const still = (view: ClusterView) => JSON.stringify({ ...view, now: 0 });
  return still(before) !== still(after);
}
