/** The HTML of a lab as its page has it: kept as it is and shown in the panels. */
export interface LabBlocks {
  readonly instruction: string;
  /** In the order of the lab's manifests. */
  readonly manifests: readonly string[];
  readonly console: readonly string[];
  /** Who can talk to whom, where the author shows it; else empty until the reader asks. */
  readonly reach: string;
}
