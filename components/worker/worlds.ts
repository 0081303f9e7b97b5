import { createCluster, netnsScript } from '../../src/engine/index.ts';
import type { Cluster, ClusterOptions, Diagnostic } from '../../src/engine/cluster.ts';
import { Absent } from './late.ts';
import type { Reply, Request, StepResult, WorldStep } from './protocol.ts';

/** Where the code comes from that the engine does not have yet; both reject when it cannot be had. */
export interface Supply {
  /** Brings what the steps will probably call; says false where nothing is missing. */
  foresee(steps: readonly WorldStep[]): Promise<void> | false;
  bring(module: string): Promise<void>;
}

interface WorldState {
  readonly options: ClusterOptions;
  /** All that was done in it: what has to be done to have it again. */
  readonly steps: readonly WorldStep[];
  readonly cluster: Cluster;
}

/** The clusters of a page, each a world of its own under its name. */
export class Worlds {
  readonly #worlds = new Map<string, WorldState>();
  readonly #supply: Supply;

  constructor(supply: Supply) {
    this.#supply = supply;
  }

  /** Does what is asked and says so step by step; the last reply is `done`, `refused` or `unavailable`. */
  async *handle(request: Request): AsyncGenerator<Reply> {
    const { world } = request;
    if (request.type === 'open') {
      this.#worlds.delete(world);
      yield* this.#advance(world, { options: request.options, steps: [] }, request.steps);
      return;
    }
    if (request.type === 'adopt') {
      const adopted = this.#worlds.get(request.from);
      this.#worlds.delete(request.from);
      if (adopted !== undefined) this.#worlds.set(world, adopted);
      yield { type: 'done' };
      return;
    }
    if (request.type === 'script') {
      yield* this.#ask(() => {
        const { script, diagnostics } = netnsScript(request.lab);
        return script === undefined ? refused(diagnostics) : { type: 'script', script };
      });
      return;
    }
    const state = this.#worlds.get(world);
    if (state === undefined) yield { type: 'refused', message: `no world ${world}` };
    else if (request.type === 'do') yield* this.#advance(world, state, [request.step]);
    else if (request.type === 'reach') yield* reach(state.cluster);
    else
      yield* this.#ask(() => ({
        type: 'completion',
        completion: state.cluster.complete(request.line, request.cursor),
      }));
  }

  /**
   * Steps on from a state. A step that calls absent code leaves its cluster half way: the code is brought, and a new
   * cluster is led to the same place by doing everything again, which comes out the same.
   */
  async *#advance(
    world: string,
    from: Omit<WorldState, 'cluster'> & { readonly cluster?: Cluster },
    next: readonly WorldStep[],
  ): AsyncGenerator<Reply> {
    const foreseen = this.#supply.foresee(next);
    if (foreseen !== false) {
      yield { type: 'loading' };
      await foreseen.catch(() => {});
    }
    const steps = [...from.steps];
    let { cluster } = from;
    for (let i = 0; i < next.length || cluster === undefined;) {
      const step = next[i];
      const attempt = trying(() => {
        const made = cluster === undefined ? remade(from.options, steps) : { cluster };
        if (!('cluster' in made)) return made;
        return { ...made, ...(step === undefined ? {} : { result: perform(made.cluster, step) }) };
      });
      if ('absent' in attempt) {
        this.#worlds.delete(world);
        cluster = undefined;
        yield { type: 'loading' };
        if (await this.#bring(attempt.absent)) continue;
        yield { type: 'unavailable' };
        return;
      }
      if (!('cluster' in attempt.value)) {
        yield refused(attempt.value.diagnostics);
        return;
      }
      cluster = attempt.value.cluster;
      if (step === undefined) continue;
      i++;
      steps.push(step);
      if (attempt.value.result !== undefined) yield { type: 'step', result: attempt.value.result };
    }
    this.#worlds.set(world, { options: from.options, steps, cluster });
    yield { type: 'done', view: cluster.view() };
  }

  /** What changes nothing is asked again when its code has come. */
  async *#ask(question: () => Reply): AsyncGenerator<Reply> {
    for (;;) {
      const attempt = trying(question);
      if ('value' in attempt) {
        yield attempt.value;
        if (attempt.value.type !== 'refused') yield { type: 'done' };
        return;
      }
      yield { type: 'loading' };
      if (await this.#bring(attempt.absent)) continue;
      yield { type: 'unavailable' };
      return;
    }
  }

  #bring(module: string): Promise<boolean> {
    return this.#supply.bring(module).then(
      () => true,
      () => false,
    );
  }
}

/** Comes with the first question: most readers ask none. */
async function* reach(cluster: Cluster): AsyncGenerator<Reply> {
  yield { type: 'loading' };
  const code = await Promise.all([import('../../src/engine/reach.ts'), import('../reach/view.ts')]).catch(
    () => undefined,
  );
  if (code === undefined) {
    yield { type: 'unavailable' };
    return;
  }
  const [{ Survey }, { reachView }] = code;
  yield { type: 'reach', view: reachView(new Survey(cluster.inventory())) };
  yield { type: 'done' };
}

function refused(diagnostics: readonly Diagnostic[]): Reply {
  return { type: 'refused', message: diagnostics.map((one) => one.message).join('\n') };
}

function trying<T>(run: () => T): { readonly value: T } | { readonly absent: string } {
  try {
    return { value: run() };
  } catch (error) {
    if (error instanceof Absent) return { absent: error.module };
    throw error;
  }
}

function remade(
  options: ClusterOptions,
  steps: readonly WorldStep[],
): { readonly cluster: Cluster } | { readonly diagnostics: readonly Diagnostic[] } {
  const made = createCluster(options);
  if (!('cluster' in made)) return made;
  for (const step of steps) {
    if (step.kind === 'apply') made.cluster.apply(step.manifest, step.file);
    else made.cluster.run(step.command, { record: false });
  }
  return made;
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
