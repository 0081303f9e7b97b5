/** A lab as a shell script that any Linux can run. */
import { CURL_AGENT } from '../shell/tools/curl/version.ts';
import type { ClusterOptions, Diagnostic } from '../cluster.ts';
import { record, type Step } from './recorder.ts';
import { scriptOf } from './script.ts';

export interface NetnsLab {
  /** For the head of the script and its file's name. */
  readonly title: string;
  readonly options: ClusterOptions;
  /** Manifests and commands, as a cluster's `snapshot` has them. */
  readonly steps: readonly Step[];
  /** Steps before this one are not shown: they made the cluster what the lab found. Default 0. */
  readonly from?: number;
}

/**
 * A bash script that builds the lab's cluster from network namespaces, runs its commands there and takes everything away
 * again. Runs the lab in a cluster of its own, so it takes as long as the lab does; pure, so it may run in a worker.
 * `diagnostics` are those of its manifests; without a script, what is wrong with the options.
 */
export function netnsScript(lab: NetnsLab): {
  readonly script?: string;
  readonly diagnostics: readonly Diagnostic[];
} {
  const recording = record(lab.options, lab.steps, lab.from ?? 0);
  if (!('build' in recording)) return recording;
  const script = scriptOf(recording, { title: lab.title, agent: CURL_AGENT });
  return { script, diagnostics: recording.diagnostics };
}
