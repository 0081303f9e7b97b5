import type { Pod } from './api/types.ts';
import type { CniPod } from './cni/cni.ts';
import type { ContainerRun } from './container.ts';
import type { Machine } from './machine.ts';
import type { Netns } from './net/netns.ts';
import type { World } from './net/world.ts';

/** The run of a container, and the one before it. */
export interface ContainerRuns {
  readonly current: ContainerRun | undefined;
  readonly previous: ContainerRun | undefined;
}

/**
 * A pod's network and what runs in it. Its addresses are its own from the beginning; the namespace, the link and the
 * processes are made when something meets them.
 */
export class Sandbox implements CniPod {
  pod: Pod;
  readonly uid: string;
  readonly machine: Machine;
  /** The namespace's name. */
  readonly netnsName: string;
  ips: readonly string[] = [];
  readonly #world: World;
  #netns: Netns | undefined;
  #runs: Map<string, ContainerRuns> | undefined;

  constructor(world: World, pod: Pod, machine: Machine, netnsName: string) {
    this.#world = world;
    this.pod = pod;
    this.uid = pod.metadata.uid;
    this.machine = machine;
    this.netnsName = netnsName;
    if (this.hostNetwork) this.#netns = machine.netns;
  }

  get namespace(): string {
    return this.pod.metadata.namespace ?? 'default';
  }

  get name(): string {
    return this.pod.metadata.name;
  }

  get netns(): Netns {
    if (this.#netns === undefined) {
      this.machine.netns.settle();
      this.#netns ??= this.#world.createNetns(this.netnsName, { kind: 'pod' });
    }
    return this.#netns;
  }

  /** Whether nothing has met it yet. */
  get untouched(): boolean {
    return this.#netns === undefined;
  }

  get hostNetwork(): boolean {
    return this.pod.spec.hostNetwork === true;
  }

  /** The runs of a container. */
  runs(container: string): ContainerRuns | undefined {
    if (this.untouched) this.machine.netns.settle();
    return this.#runs?.get(container);
  }

  /** A new run takes the place of the one before. */
  begin(container: string, run: ContainerRun): void {
    this.#runs ??= new Map();
    this.#runs.set(container, { current: run, previous: this.#runs.get(container)?.current });
  }

  /** The pod goes: nothing is told to anybody. */
  destroyRuns(): void {
    if (this.untouched) this.machine.netns.settle();
    for (const { current } of this.#runs?.values() ?? []) current?.destroy();
  }
}
