/** Runs a lab and notes what each of its commands did to the network, so that it can be done again elsewhere. */
import type { ApplyResult, ClusterOptions, ClusterSnapshot, Diagnostic } from '../cluster.ts';
import type { ExperimentRecord } from '../capture/record.ts';
import type { ClientObserver } from '../engine.ts';
import { EngineCluster } from '../engine.ts';
import type { Task } from '../net/task.ts';
import { resolveOptions } from '../options.ts';
import type { KubectlHost } from '../shell/kubectl/host.ts';
import type { Place, Tool, ToolContext } from '../shell/tool.ts';
import { absorb, differenceOf, type Difference } from './difference.ts';
import { askServers } from './questions.ts';
import { answersIn, type Answer } from './server.ts';
import type { Command, State } from './resource.ts';
import { stateOf } from './state.ts';

export type Step = ClusterSnapshot['steps'][number];

/** A call of `kubectl` or `ssh` within a command line. */
export interface Call {
  readonly program: 'kubectl' | 'ssh';
  readonly args: readonly string[];
  /** Where `kubectl exec` went. */
  readonly netns: string | undefined;
  /** What a resolver reads there. */
  readonly files: readonly { readonly name: string; readonly text: string }[];
  /** Changes that others made before it: controllers that were still at work. */
  readonly before: readonly Command[];
  /** Changes that it made, where they are not its own program's. */
  readonly changes: readonly Command[];
  readonly stdout: string;
  readonly stderr: string;
  readonly exitCode: number;
}

export type RecordedStep =
  | {
      readonly kind: 'apply';
      readonly file: string | undefined;
      readonly output: string;
      readonly changes: readonly Command[];
    }
  | {
      readonly kind: 'run';
      readonly command: string;
      readonly output: string;
      readonly calls: readonly Call[];
      /** What was still to change when the line had ended. */
      readonly after: readonly Command[];
      readonly record: ExperimentRecord;
    }
  | { readonly kind: 'advance'; readonly microseconds: number; readonly changes: readonly Command[] };

export interface Recording {
  /** From nothing to the first step that is shown. */
  readonly build: readonly Command[];
  readonly steps: readonly RecordedStep[];
  readonly answers: ReadonlyMap<string, readonly Answer[]>;
  /** Where the cluster's name servers pass other names on to, by their namespaces. */
  readonly forward: Readonly<Record<string, string>>;
  /** What the manifests were told. */
  readonly diagnostics: readonly Diagnostic[];
}

/**
 * Runs all steps; those before `from` only shape the state. Manifests that come first belong to it too: a cluster is
 * built as its first command finds it.
 */
export function record(
  options: ClusterOptions,
  steps: readonly Step[],
  from: number,
): Recording | { readonly diagnostics: readonly Diagnostic[] } {
  const resolved = resolveOptions(options);
  if ('diagnostics' in resolved) return resolved;
  const observer = new Observer((name) => cluster.runtime.machines.get(name)?.place);
  const cluster: EngineCluster = new EngineCluster(resolved.options, options, observer);
  const diagnostics: Diagnostic[] = [];
  const apply = (manifest: string, file: string | undefined): ApplyResult => {
    const result = cluster.apply(manifest, file);
    diagnostics.push(...result.diagnostics);
    return result;
  };
  const firstShown = steps.findIndex((step, index) => index >= from && step.kind !== 'apply');
  const start = firstShown < 0 ? steps.length : firstShown;
  for (const step of steps.slice(0, start)) {
    if (step.kind === 'apply') apply(step.manifest, step.file);
    else if (step.kind === 'run') cluster.run(step.command, { record: false });
    else cluster.advance(step.microseconds);
  }
  const state = (): State => stateOf(cluster.world);
  const build = differenceOf(new Map(), state()).made;
  const answers = new Map<string, Answer[]>();
  const hear = (heard: ReadonlyMap<string, readonly Answer[]>): void => {
    for (const [server, list] of heard) answers.set(server, [...(answers.get(server) ?? []), ...list]);
  };
  const recorded = steps.slice(start).map((step): RecordedStep => {
    const before = state();
    switch (step.kind) {
      case 'apply': {
        const { output } = apply(step.manifest, step.file);
        return { kind: 'apply', file: step.file, output, changes: commandsOf(differenceOf(before, state())) };
      }
      case 'advance':
        cluster.advance(step.microseconds);
        return {
          kind: 'advance',
          microseconds: step.microseconds,
          changes: commandsOf(differenceOf(before, state())),
        };
      case 'run': {
        observer.begin(state);
        const result = cluster.run(step.command);
        const { calls, after } = observer.end();
        hear(answersIn(result.record));
        return {
          kind: 'run',
          command: step.command,
          output: result.output,
          calls,
          after,
          record: result.record,
        };
      }
    }
  });
  const forward = forwarders(cluster);
  hear(askServers(cluster));
  return { build, steps: recorded, answers, forward, diagnostics };
}

/** Looks at the state around every call, and tells what the call's own program did from what the cluster did. */
class Observer implements ClientObserver {
  #state: (() => State) | undefined;
  #known: State = new Map();
  #calls: Call[] = [];
  #place: Place | undefined;
  readonly #machine: (name: string) => Place | undefined;

  constructor(machine: (name: string) => Place | undefined) {
    this.#machine = machine;
  }

  begin(state: () => State): void {
    this.#state = state;
    this.#known = state();
    this.#calls = [];
  }

  end(): { readonly calls: readonly Call[]; readonly after: readonly Command[] } {
    const after = commandsOf(this.#changes());
    this.#state = undefined;
    return { calls: this.#calls, after };
  }

  host(host: KubectlHost): KubectlHost {
    return {
      get api() {
        return host.api;
      },
      container: (pod, container) => {
        const place = host.container(pod, container);
        this.#place = place;
        return place;
      },
      log: (pod, container, run) => host.log(pod, container, run),
      podNetns: (pod) => host.podNetns(pod),
    };
  }

  tool(name: string, tool: Tool): Tool {
    if (name !== 'kubectl' && name !== 'k' && name !== 'ssh') return tool;
    const program = name === 'ssh' ? 'ssh' : 'kubectl';
    return (ctx, args) => this.#call(program, tool, ctx, args);
  }

  *#call(program: Call['program'], tool: Tool, ctx: ToolContext, args: readonly string[]): Task<number> {
    const state = this.#state;
    if (state === undefined) return yield* tool(ctx, args);
    const before = commandsOf(this.#changes());
    this.#place = undefined;
    const said = { stdout: '', stderr: '' };
    const exitCode = yield* tool(
      {
        ...ctx,
        out: (text) => {
          said.stdout += text;
          ctx.out(text);
        },
        err: (text) => {
          said.stderr += text;
          ctx.err(text);
        },
      },
      args,
    );
    const host = program === 'ssh' ? hostOf(args) : undefined;
    const place = host === undefined ? this.#place : this.#machine(host);
    const netns = host ?? (args.includes('exec') ? place?.netns.name : undefined);
    if (netns !== undefined) this.#known = absorb(this.#known, state(), netns);
    const { gone, made } = this.#changes();
    // Controllers are quicker than a program that asks the network: what they made meanwhile was there for it.
    const early = netns === undefined ? [] : made;
    this.#calls.push({
      program,
      args,
      netns,
      files: RESOLVER_FILES.map((file) => ({ name: file, text: textOf(place, `/etc/${file}`) })),
      before: [...before, ...early],
      changes: netns === undefined ? [...gone, ...made] : gone,
      ...said,
      exitCode,
    });
    return exitCode;
  }

  #changes(): Difference {
    const now = this.#state?.() ?? this.#known;
    const difference = differenceOf(this.#known, now);
    this.#known = now;
    return difference;
  }
}

const RESOLVER_FILES = ['resolv.conf', 'hosts'];

function textOf(place: Place | undefined, path: string): string {
  const file = place?.files.read(path);
  return file?.ok === true ? file.value : '';
}

function hostOf(args: readonly string[]): string | undefined {
  const target = args.find((arg) => !arg.startsWith('-'));
  return target?.slice(target.indexOf('@') + 1);
}

function commandsOf({ gone, made }: Difference): Command[] {
  return [...gone, ...made];
}

/** CoreDNS asks the node's own name server for what is not the cluster's. */
function forwarders({ runtime }: EngineCluster): Record<string, string> {
  const found: Record<string, string> = {};
  for (const sandbox of runtime.sandboxes.values())
    for (const { name } of sandbox.pod.spec.containers) {
      const current = sandbox.runs(name)?.current;
      if (current?.listens.includes('53/UDP') !== true) continue;
      const server = /^nameserver\s+(\S+)/m.exec(textOf(current.place, '/etc/resolv.conf'))?.[1];
      if (server !== undefined) found[sandbox.netns.name] = server;
    }
  return found;
}
