import type { ApplyResult, ClusterOptions, CommandResult, Completion } from '../../src/engine/cluster.ts';
import type { ReachView } from '../reach/view.ts';
import type { NetnsLab } from '../../src/engine/index.ts';
import type { ClusterView } from '../../src/engine/view.ts';

/** What can be done to a world. The list of what was done is the world: it can always be made again from it. */
export type WorldStep =
  | { readonly kind: 'apply'; readonly manifest: string; readonly file: string }
  | { readonly kind: 'run'; readonly command: string; readonly record: boolean };

export type Request =
  /** Makes a world, or makes it anew, and does the steps. */
  | {
      readonly type: 'open';
      readonly world: string;
      readonly options: ClusterOptions;
      readonly steps: readonly WorldStep[];
    }
  | { readonly type: 'do'; readonly world: string; readonly step: WorldStep }
  /** Gives a world to the name of another, which is gone. */
  | { readonly type: 'adopt'; readonly world: string; readonly from: string }
  | { readonly type: 'complete'; readonly world: string; readonly line: string; readonly cursor: number }
  /** Who can talk to whom in a world as it stands. */
  | { readonly type: 'reach'; readonly world: string }
  /** Writes a lab as a script for a real kernel, in a cluster that nobody sees; the world's name only says whose it is. */
  | { readonly type: 'script'; readonly world: string; readonly lab: NetnsLab };

export type StepResult =
  | {
      readonly kind: 'apply';
      readonly file: string;
      readonly result: ApplyResult;
      readonly view: ClusterView;
    }
  | {
      readonly kind: 'run';
      readonly result: CommandResult;
      readonly before: ClusterView;
      readonly view: ClusterView;
    };

export type Reply =
  | { readonly type: 'step'; readonly result: StepResult }
  | { readonly type: 'completion'; readonly completion: Completion }
  | { readonly type: 'reach'; readonly view: ReachView }
  | { readonly type: 'script'; readonly script: string }
  /** It goes on when more of its code has come over the network. */
  | { readonly type: 'loading' }
  /** The request is finished. */
  | { readonly type: 'done'; readonly view?: ClusterView }
  /** Options that no cluster can have, or a world that was never opened. */
  | { readonly type: 'refused'; readonly message: string }
  /** Code that the request needs could not be loaded. */
  | { readonly type: 'unavailable' };

/** The worker's first word, and its replies, each with the number of its request. */
export type FromWorker = { readonly type: 'ready' } | ({ readonly id: number } & Reply);
export type ToWorker = { readonly id: number } & Request;
