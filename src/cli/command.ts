/** Where a command's words go; tests put arrays here. */
export interface Terminal {
  readonly out: (text: string) => void;
  readonly err: (text: string) => void;
}

/** A subcommand: its arguments after its own name, and its exit code. */
export type Command = (args: readonly string[], terminal: Terminal) => number | Promise<number>;

/** The command line itself was wrong; its message goes out with the usage. */
export class UsageError extends Error {}
