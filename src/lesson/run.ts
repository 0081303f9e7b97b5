import { createCluster } from '../engine/index.ts';
import type {
  ApplyResult,
  Cluster,
  ClusterOptions,
  ClusterView,
  CommandResult,
  Diagnostic,
} from '../engine/index.ts';
import type { Inventory } from '../engine/reach.ts';
import type { LabSource, Place } from './lab.ts';

/** What came of a lab: its manifests applied and its commands run, in the order they were written. */
export interface LabRun {
  readonly source: LabSource;
  readonly steps: readonly LabStep[];
  /** The cluster before the first step and after the last one. */
  readonly before: ClusterView;
  readonly view: ClusterView;
  /** Who is there and which policies hold, after the last step; where the author shows `reach`. */
  readonly inventory?: Inventory;
  /** Places are the lesson's, where the lab's source has them; else the manifest's. */
  readonly diagnostics: readonly Diagnostic[];
}

export type LabStep =
  | {
      readonly kind: 'apply';
      /** Index into the source's blocks. */
      readonly block: number;
      readonly name: string;
      readonly result: ApplyResult;
      readonly before: ClusterView;
      readonly view: ClusterView;
    }
  | {
      readonly kind: 'run';
      readonly block: number;
      readonly command: string;
      readonly expected: string;
      readonly place?: Place;
      readonly result: CommandResult;
      readonly before: ClusterView;
      readonly view: ClusterView;
    };

export interface RunOptions {
  /** Default true; without records a check is quicker. */
  readonly record?: boolean;
  /** Where clusters come from; the engine's own door unless a test says otherwise. */
  readonly createCluster?: typeof createCluster;
}

/** Runs the labs of one page. Labs that name the same cluster share it, in page order. */
export function runLabs(labs: readonly LabSource[], options: RunOptions = {}): LabRun[] {
  const shared = new Map<string, Cluster>();
  return labs.map((lab) => {
    const existing = lab.cluster === undefined ? undefined : shared.get(lab.cluster);
    const made =
      existing === undefined
        ? (options.createCluster ?? createCluster)(clusterOptions(lab))
        : { cluster: existing };
    if ('diagnostics' in made) {
      const view = emptyView(lab);
      return {
        source: lab,
        steps: [],
        before: view,
        view,
        diagnostics: made.diagnostics.map((told) => atLab(told, lab)),
      };
    }
    if (lab.cluster !== undefined) shared.set(lab.cluster, made.cluster);
    return runLab(lab, made.cluster, options);
  });
}

/** The engine's options for a lab's cluster. */
export function clusterOptions(lab: LabSource): ClusterOptions {
  const { nodes, cni, proxy, podCIDR, serviceCIDR } = lab;
  const given = Object.entries({ nodes, cni, proxy, podCIDR, serviceCIDR }).filter(
    ([, value]) => value !== undefined,
  );
  return Object.fromEntries(given);
}

/** Runs one lab in a cluster that is there already. */
function runLab(lab: LabSource, cluster: Cluster, options: Pick<RunOptions, 'record'> = {}): LabRun {
  const steps: LabStep[] = [];
  const diagnostics: Diagnostic[] = [];
  const before = cluster.view();
  let current = before;
  lab.blocks.forEach((block, index) => {
    if (block.kind === 'manifest') {
      const result = cluster.apply(block.text, block.name);
      const view = cluster.view();
      steps.push({ kind: 'apply', block: index, name: block.name, result, before: current, view });
      diagnostics.push(...result.diagnostics.map((told) => inLesson(told, block.place)));
      current = view;
      return;
    }
    for (const { command, expected, place } of block.steps) {
      const result = cluster.run(command, { record: options.record ?? true });
      const view = cluster.view();
      const step: LabStep = { kind: 'run', block: index, command, expected, result, before: current, view };
      steps.push(place === undefined ? step : { ...step, place });
      current = view;
    }
  });
  const inventory = lab.show.includes('reach') ? { inventory: cluster.inventory() } : {};
  return { source: lab, steps, before, view: current, ...inventory, diagnostics };
}

/** A diagnostic about a manifest, moved to where the manifest stands. */
function inLesson(told: Diagnostic, place: Place | undefined): Diagnostic {
  if (place === undefined) return told;
  const line = (own: number): number => own + place.line - 1;
  const column = (own: number): number => own + place.column - 1;
  return {
    ...told,
    ...(place.file === undefined ? {} : { file: place.file }),
    line: line(told.line),
    column: column(told.column),
    ...(told.endLine === undefined ? {} : { endLine: line(told.endLine) }),
    ...(told.endColumn === undefined ? {} : { endColumn: column(told.endColumn) }),
  };
}

function atLab(told: Diagnostic, lab: LabSource): Diagnostic {
  const { place } = lab;
  if (place === undefined) return told;
  return {
    ...told,
    ...(place.file === undefined ? {} : { file: place.file }),
    line: place.line,
    column: place.column,
  };
}

function emptyView(lab: LabSource): ClusterView {
  return { now: 0, cni: lab.cni ?? '', machines: [], pods: [], services: [], policies: [] };
}
