import { type ApiError, errorText } from '../../api/error.ts';
import type { Store } from '../../api/store.ts';
import type { ToolContext } from '../tool.ts';
import type { Flags } from './flags.ts';
import type { KubeConfig, KubectlHost } from './host.ts';
import type { Source } from './sources.ts';

/** A message that ends a command, as it stands on standard error. */
export class Failure {
  readonly text: string;

  constructor(text: string) {
    this.text = text;
  }
}

export function failure(message: string): Failure {
  return new Failure(`error: ${message}`);
}

export function refusal(error: ApiError): Failure {
  return new Failure(errorText(error));
}

/** One command line: what was asked, and where answers go. */
export class Invocation {
  readonly ctx: ToolContext;
  readonly host: KubectlHost;
  readonly config: KubeConfig;
  /** `rollout status`. */
  readonly command: string;
  readonly flags: Flags;
  /** What `-f` named. */
  readonly sources: readonly Source[];

  constructor(
    ctx: ToolContext,
    host: KubectlHost,
    config: KubeConfig,
    command: string,
    flags: Flags,
    sources: readonly Source[],
  ) {
    this.ctx = ctx;
    this.host = host;
    this.config = config;
    this.command = command;
    this.flags = flags;
    this.sources = sources;
  }

  get args(): readonly string[] {
    return this.flags.args;
  }

  get store(): Store {
    return this.host.api.store;
  }

  get namespace(): string {
    return this.flags.text('namespace') || this.config.namespace || 'default';
  }

  get allNamespaces(): boolean {
    return this.flags.on('all-namespaces');
  }

  /** Seconds of virtual time. */
  get now(): number {
    return this.ctx.world.now / 1e6;
  }

  print(text: string): void {
    this.ctx.out(text);
  }

  /** A line on standard error that does not end the command. */
  note(text: string): void {
    this.ctx.err(`${text}\n`);
  }

  fail(problem: Failure | string): number {
    this.note(typeof problem === 'string' ? `error: ${problem}` : problem.text);
    return 1;
  }

  /** An error in how the command was called. */
  misuse(message: string): number {
    return this.fail(`${message}\nSee 'kubectl ${this.command} -h' for help and examples`);
  }

  /** Prints errors and says whether there were any. */
  report(errors: readonly Failure[]): number {
    for (const error of errors) this.note(error.text);
    return errors.length > 0 ? 1 : 0;
  }
}
