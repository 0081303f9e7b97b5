import type { Node, Pod, Probe } from '../api/types.ts';

/**
 * Everything below the control plane: machines, the CRI and CNI of each, and images.
 * The kubelet calls it; the engine implements it over simulated network namespaces.
 * Pods are told apart by `metadata.uid`. Calls return at once; what takes virtual time calls back.
 */
export interface Runtime {
  /** A machine joins the cluster: its namespace, its NIC and the CNI's part on the node. */
  addNode(node: Node): void;
  /** Labels, taints, podCIDR or addresses changed. */
  updateNode(node: Node, previous: Node): void;
  removeNode(node: Node): void;

  /** RunPodSandbox: the pod's network namespace (none of its own with `hostNetwork`) and CNI ADD. */
  createSandbox(pod: Pod): SandboxResult;
  /** StopPodSandbox: CNI DEL, the namespace goes away and its connections with it. Containers have ended before. */
  removeSandbox(pod: Pod): void;
  /** The Pod object changed (labels, annotations, readiness) while its sandbox lives. */
  updatePod(pod: Pod, previous: Pod): void;

  pullImage(image: string): ImageResult;

  /**
   * Starts the container's process in the sandbox. `attempt` counts restarts from 0.
   * `onExit` is called once when the process ends by itself or by a signal, never synchronously.
   */
  startContainer(
    pod: Pod,
    container: string,
    attempt: number,
    onExit: (exit: ContainerExit) => void,
  ): StartResult;
  /** The process may take its time over SIGTERM, or ignore it; SIGKILL ends it. Both end in `onExit`. */
  signalContainer(pod: Pod, container: string, signal: 'SIGTERM' | 'SIGKILL'): void;

  /** Runs one attempt of a probe as the kubelet does (httpGet and tcpSocket from the node); `done` is called once, never synchronously. */
  probe(pod: Pod, container: string, probe: Probe, done: (result: ProbeResult) => void): { cancel(): void };
}

export type SandboxResult =
  | { readonly ok: true; readonly ips: readonly string[] }
  /** As in the event `FailedCreatePodSandBox`: `plugin type="flannel" failed (add): …`. */
  | { readonly ok: false; readonly message: string };

export type ImageResult =
  | { readonly ok: true; readonly imageID: string; readonly size: number }
  /** As in the event `Failed`: `failed to pull and unpack image "…": …: not found`. */
  | { readonly ok: false; readonly reason: 'ErrImagePull' | 'InvalidImageName'; readonly message: string };

export type StartResult =
  | { readonly ok: true; readonly containerID: string }
  /** `RunContainerError`: `exec: "foo": executable file not found in $PATH` and the like. */
  | { readonly ok: false; readonly exitCode: number; readonly message: string };

export interface ContainerExit {
  readonly exitCode: number;
  /** `Completed` for 0, `Error`, `OOMKilled`. */
  readonly reason: string;
  readonly signal?: number;
  readonly message?: string;
}

export type ProbeResult =
  | { readonly ok: true }
  /** As in the event `Unhealthy` after `Readiness probe failed: `: `Get "http://10.244.1.2:80/": dial tcp 10.244.1.2:80: connect: connection refused`. */
  | { readonly ok: false; readonly message: string };
