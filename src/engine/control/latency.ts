/** How long each step of the control plane takes, in virtual microseconds: fixed, so that a lesson always runs alike. */
export const latency = {
  controller: 2_000,
  scheduler: 5_000,
  /** From the binding to the first status that the kubelet writes. */
  kubelet: 20_000,
  sandbox: 150_000,
  imagePull: 900_000,
  containerStart: 50_000,
  /** How long a new process is watched before the cluster counts as settled: most that fail do so at once. */
  firstMoments: 300_000,
  /** From a container's end to the pod's removal from the API. */
  teardown: 30_000,
  /** How long a stop is waited for before the cluster counts as settled although the process ignores SIGTERM. */
  gracefulStop: 1_000_000,
  second: 1_000_000,
} as const;
