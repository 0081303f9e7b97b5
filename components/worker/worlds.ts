import { createCluster } from '../../src/engine/index.ts';
import type { Cluster } from '../../src/engine/cluster.ts';
import type { Reply, Request, StepResult, WorldStep } from './protocol.ts';

/** The clusters of a page, each a world of its own under its name. */
export class Worlds {
  readonly #clusters = new Map<string, Cluster>();

  /** Does what is asked and says so step by step; the last reply is `done` or `refused`. */
  *handle(request: Request): Generator<Reply> {
    if (request.type === 'open') {
      const made = createCluster(request.options);
      if (!('cluster' in made)) {
        yield { type: 'refused', message: made.diagnostics.map((one) => one.message).join('\n') };
        return;
      }
      this.#clusters.set(request.world, made.cluster);
      for (const step of request.steps) yield { type: 'step', result: perform(made.cluster, step) };
      yield { type: 'done', view: made.cluster.view() };
      return;
    }
    if (request.type === 'adopt') {
      const adopted = this.#clusters.get(request.from);
      this.#clusters.delete(request.from);
      if (adopted !== undefined) this.#clusters.set(request.world, adopted);
      yield { type: 'done' };
      return;
    }
    const cluster = this.#clusters.get(request.world);
    if (cluster === undefined) {
      yield { type: 'refused', message: `no world ${request.world}` };
      return;
    }
    if (request.type === 'complete')
      yield { type: 'completion', completion: cluster.complete(request.line, request.cursor) };
    else yield { type: 'step', result: perform(cluster, request.step) };
    yield { type: 'done' };
  }
}

function perform(cluster: Cluster, step: WorldStep): StepResult {
  if (step.kind === 'apply') {
    const result = cluster.apply(step.manifest, step.file);
    return { kind: 'apply', file: step.file, result, view: cluster.view() };
  }
  const before = cluster.view();
  const result = cluster.run(step.command, { record: step.record });
  return { kind: 'run', result, before, view: cluster.view() };
}
