import type { ExperimentRecord } from './capture/record.ts';
import type { Inventory } from './policy/inventory.ts';
import type { ClusterView } from './view.ts';

/** A message about something that a person wrote, with its place. Lines and columns count from 1. */
export interface Diagnostic {
  readonly severity: 'error' | 'warning' | 'info';
  /** `manifest/unknown-field`, `manifest/yaml`, `option/unknown`, `limit/objects`, … */
  readonly code: string;
  /** In the API server's own words where it has some. */
  readonly message: string;
  readonly file?: string;
  readonly line: number;
  readonly column: number;
  readonly endLine?: number;
  readonly endColumn?: number;
  /** What to do about it, when there is more to say than the message. */
  readonly hint?: string;
}

export interface ClusterOptions {
  /** Worker nodes; `node-1` … . Default 2. */
  readonly nodes?: number;
  /** `flannel`, `flannel-host-gw`, `calico`, `calico-vxlan`, `calico-ipip`, `kindnet`, `none`. Default `flannel`. */
  readonly cni?: string;
  /** `iptables` or `nftables`. Default `iptables`. */
  readonly proxy?: string;
  /**
   * One network, or one of each family with a comma between: `10.244.0.0/16,fd00:10:244::/56`. What comes first is the
   * primary family. A node gets a /24, and a /64 of IPv6. Default `10.244.0.0/16`, or as `serviceCIDR` has families.
   */
  readonly podCIDR?: string;
  /** Likewise: `10.96.0.0/12,fd00:10:96::/112`. Default `10.96.0.0/12`, or as `podCIDR` has families. */
  readonly serviceCIDR?: string;
  /** Everything random is drawn from it: pod name suffixes, ports, probabilities. Default 1. */
  readonly seed?: number;
  readonly limits?: Partial<Limits>;
}

/** Bounds of one cluster; reaching one ends the command with a message that names it. */
export interface Limits {
  readonly objects: number;
  /** Virtual microseconds that one command may take. */
  readonly commandTime: number;
  readonly events: number;
  /** Frames and decisions kept in one record. */
  readonly recordEvents: number;
  /** Characters that one command may print. */
  readonly output: number;
  readonly scriptDepth: number;
  readonly scriptSteps: number;
}

export interface ApplyResult {
  /** What `kubectl apply -f` prints: `pod/pod-a created`, one line each. */
  readonly output: string;
  readonly diagnostics: readonly Diagnostic[];
  /** False when anything was refused. What came before the refused object stands, as with kubectl. */
  readonly ok: boolean;
}

/** Something that a command printed, and where it stands in the record. */
export interface OutputPiece {
  readonly stream: 'stdout' | 'stderr';
  readonly text: string;
  /** How many of the record's events came before it. */
  readonly events: number;
}

export interface CommandResult {
  readonly command: string;
  /** Standard output and error as they came. */
  readonly output: string;
  /** The same in pieces, one for each time that something was printed after something had moved. */
  readonly pieces: readonly OutputPiece[];
  readonly stdout: string;
  readonly stderr: string;
  readonly exitCode: number;
  readonly record: ExperimentRecord;
  /** Set when a limit ended the command; `output` says so too. */
  readonly limit?: keyof Limits;
}

export interface Completion {
  /** Where in the line the replaced text begins. */
  readonly from: number;
  readonly options: readonly string[];
}

/** A cluster whose packets really move. Synchronous: time in it is virtual, and every call returns when its consequences have settled. */
export interface Cluster {
  readonly options: Required<Omit<ClusterOptions, 'limits'>> & { readonly limits: Limits };
  /** `kubectl apply -f` of a manifest's text; several documents allowed. Waits until controllers and kubelets are idle. */
  apply(manifest: string, file?: string): ApplyResult;
  /** Runs a line of the small shell where `kubectl` is; `record: false` spares the record. */
  run(command: string, options?: { readonly record?: boolean }): CommandResult;
  view(): ClusterView;
  complete(line: string, cursor: number): Completion;
  /** The pods and the policies in force, for `Survey` of `engine/reach.ts`. */
  inventory(): Inventory;
  /** Virtual microseconds since the cluster began. */
  now(): number;
  /** Lets virtual time pass. */
  advance(microseconds: number): void;
  /** The state as a value: options and all that was done. `restoreCluster` makes an equal cluster from it. */
  snapshot(): ClusterSnapshot;
}

export interface ClusterSnapshot {
  readonly version: 1;
  readonly options: ClusterOptions;
  readonly steps: readonly (
    | { readonly kind: 'apply'; readonly manifest: string; readonly file?: string }
    | { readonly kind: 'run'; readonly command: string }
    | { readonly kind: 'advance'; readonly microseconds: number }
  )[];
}
