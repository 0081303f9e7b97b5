import type { ClusterView } from '../src/engine/view.ts';
import type { LabRun } from '../src/lesson/run.ts';
import type { Experiment, LabData } from './lab-data.ts';

/** What a run left, for drawing: each view once, and of each command what its record needs. */
export function labDataFrom(run: LabRun): LabData {
  const views: ClusterView[] = [run.before];
  const indexOf = (view: ClusterView): number => {
    const known = views.lastIndexOf(view);
    return known >= 0 ? known : views.push(view) - 1;
  };
  const experiments = run.steps.flatMap((step): Experiment[] => {
    if (step.kind === 'apply') return [];
    const { command, output, exitCode, record, limit } = step.result;
    return [
      {
        command,
        output,
        exitCode,
        record,
        before: indexOf(step.before),
        after: indexOf(step.view),
        ...(limit === undefined ? {} : { limit }),
      },
    ];
  });
  indexOf(run.view);
  return { source: run.source, views, experiments, diagnostics: run.diagnostics };
}
