import type { ApiServer } from '../../api/server.ts';
import type { Pod } from '../../api/types.ts';
import type { Netns } from '../../net/netns.ts';
import type { Place } from '../tool.ts';

/** The cluster as kubectl reaches it: the API server, and through it the kubelets' doors into containers. */
export interface KubectlHost {
  readonly api: ApiServer;
  /** Where `kubectl exec` runs commands; undefined while the container's process does not run. */
  container(pod: Pod, container: string): Place | undefined;
  /** What the container has written, oldest first; undefined when there is no such run. */
  log(pod: Pod, container: string, run: 'current' | 'previous'): readonly LogLine[] | undefined;
  /** The pod's network namespace, in which `port-forward` connects to `localhost`. */
  podNetns(pod: Pod): Netns | undefined;
}

export interface LogLine {
  /** Virtual microseconds. */
  readonly time: number;
  /** With its newline, unless the container has not ended the line. */
  readonly text: string;
}

/** What `kubectl config` remembers from one command to the next. */
export interface KubeConfig {
  /** Of the current context; empty means `default`. */
  namespace: string;
}
