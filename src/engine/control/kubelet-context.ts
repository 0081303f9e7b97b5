import type { ControlContext } from './context.ts';
import type { DelayLine } from './queue.ts';
import type { Runtime } from './runtime.ts';

/** What the workers of all pods share. */
export interface KubeletContext extends ControlContext {
  readonly runtime: Runtime;
  readonly lines: Readonly<
    Record<
      | 'kubelet'
      | 'sandbox'
      | 'imagePull'
      | 'containerStart'
      | 'firstMoments'
      | 'teardown'
      | 'gracefulStop'
      | 'second',
      DelayLine
    >
  >;
  /** `node image` pairs that have been pulled. */
  readonly images: Map<string, string>;
  /** The pod's life is over. */
  finished(uid: string): void;
}
