import { microsecondsOf } from '../../../../src/engine/api/clock.ts';
import { ApiServer } from '../../../../src/engine/api/server.ts';
import type { KubeObject } from '../../../../src/engine/api/types.ts';
import { World } from '../../../../src/engine/net/world.ts';
import { VirtualFiles } from '../../../../src/engine/shell/files.ts';
import { createKubectl, type KubectlHost } from '../../../../src/engine/shell/kubectl/index.ts';
import { textInput } from '../../../../src/engine/shell/pipe.ts';
import { Processes } from '../../../../src/engine/shell/processes.ts';
import type { Place, Session, ToolContext } from '../../../../src/engine/shell/tool.ts';

export interface Ran {
  readonly stdout: string;
  readonly stderr: string;
  readonly code: number | undefined;
}

/** kubectl over an API server without controllers: what is put into the store stays as it is. */
export class Bench {
  readonly world = new World({ seed: 1 });
  readonly api: ApiServer;
  readonly files: VirtualFiles;
  private readonly place: Place;
  private readonly tool;

  constructor(host: Partial<KubectlHost> = {}, files: Readonly<Record<string, string>> = {}) {
    const { world } = this;
    const clock = {
      now: () => world.now,
      schedule: (delay: number, run: () => void) => world.schedule(delay, run),
    };
    this.api = new ApiServer({ clock, seed: 1, serviceCIDR: '10.96.0.0/12', maxObjects: 1000 });
    const netns = world.createNetns('client', { kind: 'host' });
    this.files = new VirtualFiles(netns, files);
    this.place = {
      name: 'client',
      kind: 'client',
      netns,
      files: this.files,
      env: {},
      tools: new Map(),
      processes: new Processes(world),
    };
    this.tool = createKubectl({
      api: this.api,
      container: () => undefined,
      log: () => undefined,
      podNetns: () => undefined,
      ...host,
    });
    this.put({
      apiVersion: 'v1',
      kind: 'Namespace',
      metadata: metadata('default'),
      status: { phase: 'Active' },
    });
  }

  /** Puts objects into the store as they are. */
  put(...objects: readonly object[]): void {
    for (const object of objects) this.api.store.put(object as KubeObject);
  }

  setTime(timestamp: string): void {
    this.world.now = microsecondsOf(timestamp) ?? 0;
  }

  run(args: readonly string[], stdin = '', seconds = 600): Ran {
    let stdout = '';
    let stderr = '';
    const session: Session = {
      limits: { output: 1_000_000, scriptDepth: 16, scriptSteps: 10_000 },
      steps: 0,
      printed: 0,
      limit: undefined,
    };
    const ctx: ToolContext = {
      world: this.world,
      place: this.place,
      netns: this.place.netns,
      files: this.files,
      env: {},
      cwd: '/root',
      name: 'kubectl',
      stdin: textInput(stdin),
      out: (text) => (stdout += text),
      err: (text) => (stderr += text),
      signals: { handler: undefined, deliver: () => undefined },
      session,
      depth: 0,
    };
    const process = this.world.spawn(this.tool(ctx, args));
    this.world.run({ until: () => process.done, time: seconds * 1e6 });
    return { stdout, stderr, code: process.result };
  }

  /** Splits at spaces; for lines without quotes. */
  line(text: string, stdin = ''): Ran {
    return this.run(
      text.split(' ').filter((word) => word !== ''),
      stdin,
    );
  }
}

function metadata(name: string, rest: object = {}): object {
  return {
    name,
    uid: `uid-${name}`,
    resourceVersion: '1',
    creationTimestamp: '2026-01-01T00:00:00Z',
    ...rest,
  };
}
