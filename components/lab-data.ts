import type { ExperimentRecord } from '../src/engine/capture/record.ts';
import type { Diagnostic, Limits } from '../src/engine/cluster.ts';
import type { ClusterView } from '../src/engine/view.ts';
import type { LabSource } from '../src/lesson/lab.ts';

/** One command that was run and what it left. */
export interface Experiment {
  readonly command: string;
  readonly output: string;
  readonly exitCode: number;
  readonly record: ExperimentRecord;
  /** Indices into `views`: the cluster before and after the command. */
  readonly before: number;
  readonly after: number;
  readonly limit?: keyof Limits;
}

/** All that a lab shows, as a value: what prerender embeds in the page and the element hydrates from. */
export interface LabData {
  readonly source: LabSource;
  readonly views: readonly ClusterView[];
  readonly experiments: readonly Experiment[];
  readonly diagnostics: readonly Diagnostic[];
}
