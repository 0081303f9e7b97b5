import type { Task } from '../net/task.ts';
import type { World } from '../net/world.ts';
import type { Input, Place, Session, Signals, Tool, ToolContext } from './tool.ts';

/** What a command inherits from whoever starts it; a ToolContext is one, so `execute(place, argv, ctx)` is ssh. */
export interface Stdio {
  readonly world: World;
  readonly stdin: Input;
  readonly out: (text: string) => void;
  readonly err: (text: string) => void;
  readonly signals: Signals;
  readonly session: Session;
  readonly depth: number;
}

/**
 * Runs a program in a place, without a shell; its output is a terminal only when that is said (`exec -t`). The caller says what it wants to say when the program is not there.
 */
export function* execute(
  place: Place,
  argv: readonly string[],
  io: Stdio,
  terminal: 'tty' | 'pipe' = 'pipe',
): Task<number> {
  const name = argv[0] ?? '';
  const tool = findTool(place, name);
  if (tool === undefined) {
    io.err(`${name}: command not found\n`);
    return 127;
  }
  if (io.depth >= io.session.limits.scriptDepth) {
    io.session.limit ??= 'scriptDepth';
    return 2;
  }
  const info = place.processes.add(argv.join(' '), (signal) => io.signals.deliver(signal));
  try {
    return yield* tool({ ...contextIn(place, name, io), tty: terminal === 'tty' }, argv.slice(1));
  } finally {
    place.processes.remove(info.pid);
  }
}

/** Another program in the same place, as `timeout`, `env` and `xargs` start one; undefined when there is none. */
export function programIn(ctx: ToolContext, argv: readonly string[]): Task<number> | undefined {
  const name = argv[0] ?? '';
  const tool = findTool(ctx.place, name);
  return tool?.({ ...ctx, name: name.slice(name.lastIndexOf('/') + 1) }, argv.slice(1));
}

export function findTool(place: Place, name: string): Tool | undefined {
  const slash = name.lastIndexOf('/');
  if (slash >= 0 && !/^(\/usr)?(\/local)?\/s?bin\/[^/]+$/.test(name)) return undefined;
  return place.tools.get(name.slice(slash + 1));
}

export function contextIn(place: Place, name: string, io: Stdio): ToolContext {
  return {
    world: io.world,
    place,
    netns: place.netns,
    files: place.files,
    env: place.env,
    cwd: place.kind === 'container' ? '/' : '/root',
    name,
    stdin: io.stdin,
    out: io.out,
    err: io.err,
    signals: io.signals,
    session: io.session,
    depth: io.depth + 1,
  };
}
