import type { Limits } from '../cluster.ts';
import type { Netns } from '../net/netns.ts';
import type { Task } from '../net/task.ts';
import type { World } from '../net/world.ts';

/** What a command is: arguments without its own name in, exit code out; it takes virtual time only. */
export type Tool = (ctx: ToolContext, args: readonly string[]) => Task<number>;

/** Where a command runs: a node, a container, the outside host, or the machine that has `kubectl`. */
export interface Place {
  /** The host name, as `hostname` prints it. */
  readonly name: string;
  readonly kind: 'client' | 'node' | 'container';
  readonly netns: Netns;
  readonly files: Files;
  readonly env: Readonly<Record<string, string>>;
  /** The programs that are there, by name. */
  readonly tools: ReadonlyMap<string, Tool>;
  readonly processes: ProcessTable;
}

export interface ToolContext {
  readonly world: World;
  readonly place: Place;
  /** Usually the place's; another one under `ip netns exec` and `nsenter`. */
  readonly netns: Netns;
  readonly files: Files;
  readonly env: Readonly<Record<string, string>>;
  readonly cwd: string;
  /** The name it was called by. */
  readonly name: string;
  readonly stdin: Input;
  readonly out: (text: string) => void;
  readonly err: (text: string) => void;
  readonly signals: Signals;
  readonly session: Session;
  /** How many shells, `ssh` and `kubectl exec` it is inside of. */
  readonly depth: number;
  /** `out` is a terminal, as under `kubectl exec -t`. */
  readonly tty?: boolean;
}

export interface Input {
  /** One line with its newline (the last may lack it); undefined at the end. */
  readLine(): Task<string | undefined>;
  readAll(): Task<string>;
  /** The reader is gone: who still writes gets SIGPIPE. */
  close(): void;
}

export type SignalName = 'INT' | 'TERM' | 'HUP' | 'KILL' | 'PIPE' | 'QUIT' | 'ALRM';

/** One per process. A tool that wants to have a last word sets `handler` and clears it when it ends. */
export interface Signals {
  /** Returns false to get the default action, which is to end at once. */
  handler: ((signal: SignalName) => boolean) | undefined;
  deliver(signal: SignalName): void;
}

/** What one line that a person typed may still use; shared by every process it starts. */
export interface Session {
  readonly limits: Pick<Limits, 'output' | 'scriptDepth' | 'scriptSteps'>;
  steps: number;
  printed: number;
  /** The limit that was reached; everything ends as soon as it sees this. */
  limit: keyof Limits | undefined;
}

export interface ProcessInfo {
  readonly pid: number;
  readonly ppid: number;
  readonly user: string;
  readonly command: string;
  /** Virtual time at which it began. */
  readonly started: number;
}

export interface ProcessTable {
  list(): readonly ProcessInfo[];
  add(command: string, signal: (signal: SignalName) => void): ProcessInfo;
  remove(pid: number): void;
  /** False when there is no such process. */
  signal(pid: number, signal: SignalName): boolean;
}

export type FileError =
  | 'EEXIST'
  | 'ENOENT'
  | 'EACCES'
  | 'EISDIR'
  | 'ENOTDIR'
  | 'EROFS'
  | 'EINVAL'
  | 'ENOSPC'
  | 'ENODEV'
  | 'ENOTEMPTY';
export type FileResult<T> =
  { readonly ok: true; readonly value: T } | { readonly ok: false; readonly error: FileError };

/** Small virtual files. Paths are absolute and normal. */
export interface Files {
  read(path: string): FileResult<string>;
  write(path: string, text: string, mode: 'truncate' | 'append'): FileResult<void>;
  remove(path: string): FileResult<void>;
  /** Only an empty one. */
  removeDirectory(path: string): FileResult<void>;
  makeDirectory(path: string, parents: boolean): FileResult<void>;
  list(path: string): FileResult<readonly string[]>;
  kind(path: string): 'file' | 'directory' | undefined;
}

/** A file that is made when it is read, and may take what is written to it. */
export interface VirtualFile {
  read(): string;
  write?(text: string): FileError | undefined;
}
