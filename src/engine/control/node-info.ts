import { quantityValue } from '../api/quantity.ts';
import type { Container, Node, Pod, PodSpec, ResourceRequirements } from '../api/types.ts';
import { controllerUid } from './replicaset.ts';

export interface Resources {
  /** In millicores. */
  readonly cpu: number;
  /** In bytes. */
  readonly memory: number;
}

/** A node as the scheduler sees it, with what its pods use up. */
export class NodeInfo {
  count = 0;
  cpu = 0;
  memory = 0;
  /** `0.0.0.0 TCP 80` */
  readonly hostPorts = new Map<string, number>();
  /** Uids: of the pods themselves the store has the latest. */
  readonly pods = new Set<string>();
  private readonly controllers = new Map<string, number>();
  private current: Node;
  private limits: Resources & { readonly pods: number };

  constructor(node: Node) {
    this.current = node;
    this.limits = allocatableOf(node);
  }

  get node(): Node {
    return this.current;
  }

  set node(node: Node) {
    this.current = node;
    this.limits = allocatableOf(node);
  }

  get allocatable(): Resources & { readonly pods: number } {
    return this.limits;
  }

  /** How many pods of one controller run here. */
  siblings(uid: string | undefined): number {
    return uid === undefined ? 0 : (this.controllers.get(uid) ?? 0);
  }

  add(pod: Pod): void {
    if (this.pods.has(pod.metadata.uid)) return;
    this.pods.add(pod.metadata.uid);
    this.account(pod, 1);
  }

  remove(pod: Pod): void {
    if (!this.pods.delete(pod.metadata.uid)) return;
    this.account(pod, -1);
  }

  private account(pod: Pod, sign: 1 | -1): void {
    this.count += sign;
    const requests = podRequests(pod.spec);
    this.cpu += sign * requests.cpu;
    this.memory += sign * requests.memory;
    for (const port of hostPortsOf(pod.spec))
      this.hostPorts.set(port, (this.hostPorts.get(port) ?? 0) + sign);
    const controller = controllerUid(pod);
    if (controller !== undefined)
      this.controllers.set(controller, (this.controllers.get(controller) ?? 0) + sign);
  }
}

function allocatableOf(node: Node): Resources & { readonly pods: number } {
  const { allocatable = {} } = node.status;
  const of = (name: string, missing: number) => quantityValue(allocatable[name]) ?? missing;
  return { cpu: of('cpu', 4) * 1000, memory: of('memory', 8 * 2 ** 30), pods: of('pods', 110) };
}

const requestsOfSpecs = new WeakMap<readonly Container[], Resources>();

/** The sum over containers, or the largest init container when that is more. */
export function podRequests(spec: PodSpec): Resources {
  const known = requestsOfSpecs.get(spec.containers);
  if (known) return known;
  const one = (resources: ResourceRequirements | undefined): Resources => ({
    cpu: (quantityValue(resources?.requests?.['cpu']) ?? 0) * 1000,
    memory: quantityValue(resources?.requests?.['memory']) ?? 0,
  });
  let cpu = 0;
  let memory = 0;
  for (const { resources } of spec.containers) {
    const own = one(resources);
    cpu += own.cpu;
    memory += own.memory;
  }
  for (const { resources } of spec.initContainers ?? []) {
    const own = one(resources);
    cpu = Math.max(cpu, own.cpu);
    memory = Math.max(memory, own.memory);
  }
  const requests = { cpu, memory };
  requestsOfSpecs.set(spec.containers, requests);
  return requests;
}

const hostPortsOfSpecs = new WeakMap<readonly Container[], readonly string[]>();

export function hostPortsOf(spec: PodSpec): readonly string[] {
  const known = hostPortsOfSpecs.get(spec.containers);
  if (known) return known;
  const ports: string[] = [];
  for (const container of spec.containers) {
    for (const { hostPort, hostIP, protocol } of container.ports ?? []) {
      if (hostPort) ports.push(`${hostIP || '0.0.0.0'} ${protocol ?? 'TCP'} ${hostPort}`);
    }
  }
  hostPortsOfSpecs.set(spec.containers, ports);
  return ports;
}
