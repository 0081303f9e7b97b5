import type { ManifestOutcome } from '../../../src/engine/api/apply.ts';
import { applyManifest } from '../../../src/engine/api/apply.ts';
import type { Clock } from '../../../src/engine/api/clock.ts';
import type { ApiResult } from '../../../src/engine/api/error.ts';
import { resourceOfKind } from '../../../src/engine/api/kinds.ts';
import type { KubeObject, Pod, Probe } from '../../../src/engine/api/types.ts';
import type { DeleteOptions } from '../../../src/engine/api/server.ts';
import { ApiServer } from '../../../src/engine/api/server.ts';
import { bootstrap } from '../../../src/engine/control/bootstrap.ts';
import { ControlPlane } from '../../../src/engine/control/control-plane.ts';
import type { ContainerExit, ProbeResult, Runtime } from '../../../src/engine/control/runtime.ts';

/** A queue in virtual time and nothing else. */
export class FakeClock implements Clock {
  time = 0;
  private queue: { at: number; order: number; run: () => void }[] = [];
  private order = 0;

  now(): number {
    return this.time;
  }

  schedule(microseconds: number, run: () => void): { cancel(): void } {
    const entry = { at: this.time + microseconds, order: this.order++, run };
    let i = this.queue.length;
    while (i > 0 && (this.queue[i - 1]?.at ?? 0) > entry.at) i--;
    this.queue.splice(i, 0, entry);
    return {
      cancel: () => {
        const at = this.queue.indexOf(entry);
        if (at >= 0) this.queue.splice(at, 1);
      },
    };
  }

  /** False when nothing is left to happen. */
  step(): boolean {
    const next = this.queue.shift();
    if (!next) return false;
    this.time = Math.max(this.time, next.at);
    next.run();
    return true;
  }

  advance(microseconds: number): void {
    const end = this.time + microseconds;
    while ((this.queue[0]?.at ?? Infinity) <= end) this.step();
    this.time = end;
  }
}

/** Containers that do as their image says: `crash`, `finish`, `stubborn`, `missing`; all others run and answer probes. */
export class FakeRuntime implements Runtime {
  readonly log: string[] = [];
  probeAnswer: (pod: Pod, probe: Probe) => ProbeResult = () => ({ ok: true });
  private readonly clock: Clock;
  private readonly exits = new Map<string, (exit: ContainerExit) => void>();
  private readonly leases = new Map<string, number>();
  private containers = 0;

  constructor(clock: Clock) {
    this.clock = clock;
  }

  addNode(node: { readonly metadata: { readonly name: string } }): void {
    this.log.push(`node ${node.metadata.name}`);
  }
  updateNode(): void {}
  removeNode(): void {}
  updatePod(): void {}

  createSandbox(pod: Pod): { ok: true; ips: string[] } {
    const node = pod.spec.nodeName ?? '';
    const next = (this.leases.get(node) ?? 1) + 1;
    this.leases.set(node, next);
    const octet = node === 'control-plane' ? 0 : Number(node.replace(/\D/g, ''));
    return { ok: true, ips: [`10.244.${octet}.${next}`] };
  }

  removeSandbox(pod: Pod): void {
    this.log.push(`removed ${pod.metadata.name}`);
  }

  pullImage(image: string) {
    return image.includes('missing')
      ? ({ ok: false, reason: 'ErrImagePull', message: `${image}: not found` } as const)
      : ({ ok: true, imageID: `sha256:${image}`, size: 1000 } as const);
  }

  startContainer(pod: Pod, container: string, _attempt: number, onExit: (exit: ContainerExit) => void) {
    const image = pod.spec.containers.find(({ name }) => name === container)?.image ?? '';
    const init = pod.spec.initContainers?.some(({ name }) => name === container);
    const key = `${pod.metadata.uid} ${container}`;
    const exit = (exitCode: number, reason: string) => {
      this.clock.schedule(100_000, () => {
        if (this.exits.get(key) !== onExit) return;
        this.exits.delete(key);
        onExit({ exitCode, reason });
      });
    };
    this.exits.set(key, onExit);
    if (image.includes('crash')) exit(1, 'Error');
    else if (image.includes('finish') || init) exit(0, 'Completed');
    return { ok: true, containerID: `containerd://${++this.containers}` } as const;
  }

  signalContainer(pod: Pod, container: string, signal: 'SIGTERM' | 'SIGKILL'): void {
    const key = `${pod.metadata.uid} ${container}`;
    const onExit = this.exits.get(key);
    const image = pod.spec.containers.find(({ name }) => name === container)?.image ?? '';
    this.log.push(`${signal} ${pod.metadata.name}`);
    if (!onExit || (signal === 'SIGTERM' && image.includes('stubborn'))) return;
    this.clock.schedule(1_000, () => {
      if (this.exits.get(key) !== onExit) return;
      this.exits.delete(key);
      onExit({
        exitCode: signal === 'SIGKILL' ? 137 : 0,
        reason: signal === 'SIGKILL' ? 'Error' : 'Completed',
      });
    });
  }

  probe(pod: Pod, _container: string, probe: Probe, done: (result: ProbeResult) => void): { cancel(): void } {
    return this.clock.schedule(1_000, () => done(this.probeAnswer(pod, probe)));
  }
}

/** A control plane over a fake runtime, brought to rest. */
export class TestCluster {
  readonly clock = new FakeClock();
  readonly runtime = new FakeRuntime(this.clock);
  readonly server: ApiServer;
  readonly plane: ControlPlane;

  constructor(
    options: { readonly nodes?: number; readonly maxObjects?: number; readonly networkReady?: boolean } = {},
  ) {
    const { nodes = 2, maxObjects = 2000, networkReady = true } = options;
    this.server = new ApiServer({ clock: this.clock, seed: 1, serviceCIDR: '10.96.0.0/12', maxObjects });
    this.plane = new ControlPlane(this.server, this.clock, this.runtime, {
      podCIDR: '10.244.0.0/16',
      networkReady,
    });
    bootstrap(this.plane, { nodes });
    this.settle();
  }

  settle(): void {
    for (let i = 0; i < 1_000_000 && !this.plane.idle; i++)
      if (!this.clock.step()) throw new Error('at rest, yet not settled');
  }

  apply(text: string): ManifestOutcome {
    const outcome = applyManifest(this.server, text);
    this.settle();
    return outcome;
  }

  delete(kind: string, name: string, options: DeleteOptions = {}): ApiResult<KubeObject> {
    const resource = resourceOfKind(kind);
    if (!resource) throw new Error(`no kind ${kind}`);
    const result = this.server.delete(resource, 'default', name, options);
    this.settle();
    return result;
  }

  pods(namespace = 'default'): readonly Pod[] {
    return this.server.store.list('Pod', namespace);
  }

  pod(name: string, namespace = 'default'): Pod {
    const pod = this.server.store.get('Pod', namespace, name);
    if (!pod) throw new Error(`no pod ${name}`);
    return pod;
  }

  events(name: string): string[] {
    return this.server.store
      .list('Event')
      .filter(({ involvedObject }) => involvedObject.name === name)
      .map(({ reason, message }) => `${reason}: ${message}`);
  }
}
