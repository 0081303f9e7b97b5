/** A lab as it stands in a lesson, whichever form it was written in and whoever rendered the page. Plain data. */
export interface LabSource {
  readonly id: string;
  readonly title?: string;
  readonly nodes?: number;
  readonly cni?: string;
  readonly proxy?: string;
  readonly podCIDR?: string;
  readonly serviceCIDR?: string;
  /** Labs of one page with the same name share one cluster, in page order. */
  readonly cluster?: string;
  readonly show: readonly Panel[];
  /** Manifests and transcripts in the order they were written: a manifest after a console is applied after it. */
  readonly blocks: readonly LabBlock[];
  readonly place?: Place;
}

export const panels = ['topology', 'hops', 'tables', 'terminal', 'manifest', 'packet', 'reach'] as const;
export type Panel = (typeof panels)[number];

export type LabBlock = ManifestBlock | ConsoleBlock;

export interface ManifestBlock {
  readonly kind: 'manifest';
  /** `service.yaml`; labs without titles get `manifest.yaml`, `manifest-2.yaml`, … */
  readonly name: string;
  readonly text: string;
  readonly readonly: boolean;
  /** Where the first line of `text` stands in the Markdown file, so that a diagnostic can point there. */
  readonly place?: Place;
}

export interface ConsoleBlock {
  readonly kind: 'console';
  readonly steps: readonly ConsoleStep[];
  readonly place?: Place;
}

/** `$ command` and the lines that it prints. */
export interface ConsoleStep {
  readonly command: string;
  /** Without the final line break; `...` and `[..]` stand for any lines and any text. */
  readonly expected: string;
  readonly place?: Place;
}

/** A place in a source file; line and column count from 1. */
export interface Place {
  readonly file?: string;
  readonly line: number;
  readonly column: number;
}
