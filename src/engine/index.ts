import type { Cluster, ClusterOptions, ClusterSnapshot, Diagnostic } from './cluster.ts';
import { EngineCluster } from './engine.ts';
import { resolveOptions } from './options.ts';

export type {
  ApplyResult,
  Cluster,
  ClusterOptions,
  ClusterSnapshot,
  CommandResult,
  Completion,
  Diagnostic,
  Limits,
  OutputPiece,
} from './cluster.ts';
export type {
  DecisionEvent,
  ExperimentRecord,
  FrameEvent,
  Layer,
  RecordEvent,
  TableSnapshot,
  Walk,
} from './capture/record.ts';
export type { Decision, DecisionCode } from './net/decision.ts';
export type { ClusterView, InterfaceView, MachineView, PodView, ServiceView } from './view.ts';
export { describeFrame, hopLine, hopLines } from './capture/hops.ts';
export { pcapng } from './capture/pcapng.ts';
export { netnsScript } from './export/netns-script.ts';
export type { NetnsLab } from './export/netns-script.ts';

/** A cluster with these options, at rest and empty but for what a cluster's own does; or what is wrong with the options. */
export function createCluster(
  options: ClusterOptions = {},
): { cluster: Cluster } | { diagnostics: Diagnostic[] } {
  const resolved = resolveOptions(options);
  if ('diagnostics' in resolved) return resolved;
  return { cluster: new EngineCluster(resolved.options, options) };
}

/** An equal cluster: everything that was done is done again. */
export function restoreCluster(snapshot: ClusterSnapshot): Cluster {
  const created = createCluster(snapshot.options);
  if ('diagnostics' in created) throw new Error(created.diagnostics.map(({ message }) => message).join('; '));
  for (const step of snapshot.steps) {
    switch (step.kind) {
      case 'apply':
        created.cluster.apply(step.manifest, step.file);
        break;
      case 'run':
        created.cluster.run(step.command, { record: false });
        break;
      case 'advance':
        created.cluster.advance(step.microseconds);
        break;
    }
  }
  return created.cluster;
}
