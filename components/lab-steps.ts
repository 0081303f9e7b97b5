import type { ClusterOptions } from '../src/engine/cluster.ts';
import type { LabSource } from '../src/lesson/lab.ts';
import type { WorldStep } from './worker/protocol.ts';

/** The engine's options for a lab's cluster. */
export function optionsOf({ nodes, cni, proxy, podCIDR, serviceCIDR }: LabSource): ClusterOptions {
  return {
    ...(nodes === undefined ? {} : { nodes }),
    ...(cni === undefined ? {} : { cni }),
    ...(proxy === undefined ? {} : { proxy }),
    ...(podCIDR === undefined ? {} : { podCIDR }),
    ...(serviceCIDR === undefined ? {} : { serviceCIDR }),
  };
}

/** What a lab does in its cluster, in the order it was written, with the manifests as they are edited now. */
export function stepsOf(source: LabSource, drafts: Readonly<Record<string, string>>): WorldStep[] {
  return source.blocks.flatMap((block): WorldStep[] =>
    block.kind === 'manifest'
      ? [{ kind: 'apply', manifest: drafts[block.name] ?? block.text, file: block.name }]
      : block.steps.map((step) => ({ kind: 'run', command: step.command, record: true })),
  );
}
