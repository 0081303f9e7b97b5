import type { NetnsLab } from '../engine/index.ts';
import type { LabSource } from './lab.ts';
import { clusterOptions } from './run.ts';

/**
 * A lab of a page as the engine's `netnsScript` takes it: `netnsScript(netnsLab(labs, lab))`. Labs that share its cluster
 * and come before it have happened already.
 */
export function netnsLab(labs: readonly LabSource[], lab: LabSource): NetnsLab {
  const at = labs.indexOf(lab);
  const earlier =
    lab.cluster === undefined ? [] : labs.slice(0, at).filter(({ cluster }) => cluster === lab.cluster);
  const before = earlier.flatMap(stepsOf);
  return {
    title: lab.title === undefined ? lab.id : `${lab.id}: ${lab.title}`,
    options: clusterOptions(earlier[0] ?? lab),
    steps: [...before, ...stepsOf(lab)],
    from: before.length,
  };
}

function stepsOf({ blocks }: LabSource): NetnsLab['steps'] {
  return blocks.flatMap((block): NetnsLab['steps'] =>
    block.kind === 'manifest'
      ? [{ kind: 'apply', manifest: block.text, file: block.name }]
      : block.steps.map(({ command }) => ({ kind: 'run', command })),
  );
}
