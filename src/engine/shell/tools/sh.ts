import { bash, ash } from '../dialect.ts';
import { contextIn } from '../execute.ts';
import { Shell, type Streams } from '../interpret.ts';
import { readFile } from '../text.ts';
import type { Place, Tool, ToolContext } from '../tool.ts';

/** A prompt inside a prompt is the one thing that a terminal of lines cannot be. */
const INTERACTIVE =
  'podwalk: no interactive shell here: give the command to run, as in `ssh node-1 ip addr` or `sh -c "ip addr; ip route"`\n';

/** `sh -c SCRIPT [NAME [ARGS]]`, `sh FILE`, and a script on standard input. */
export const sh: Tool = function* (ctx, args) {
  const isBash = ctx.name === 'bash';
  let at = 0;
  let errexit = false;
  let xtrace = false;
  let command = false;
  for (; /^[-+][a-z]+$/.test(args[at] ?? ''); at++) {
    const flags = args[at] ?? '';
    if (flags.includes('c')) command = true;
    if (flags.includes('e')) errexit = true;
    if (flags.includes('x')) xtrace = true;
    if (/[^ceuxlip-]/.test(flags.slice(1))) {
      ctx.err(isBash ? `bash: ${flags}: invalid option\n` : `sh: illegal option ${flags}\n`);
      return 2;
    }
  }
  const rest = args.slice(at);
  let script: string | undefined;
  if (command) {
    script = rest[0];
    if (script === undefined) {
      ctx.err(isBash ? 'bash: -c: option requires an argument\n' : 'sh: -c requires an argument\n');
      return 2;
    }
  } else if (rest[0] !== undefined) {
    script = readFile(ctx, rest[0]);
    if (script === undefined) return 127;
  } else {
    script = yield* ctx.stdin.readAll();
    if (script === '' && ctx.tty === true) ctx.err(INTERACTIVE);
  }
  const shell = shellIn(ctx, isBash ? bash(command ? 'bash: line 1' : 'bash') : ash);
  shell.errexit = errexit;
  shell.xtrace = xtrace;
  shell.arguments = rest.slice(1);
  const named = command ? rest[1] : rest[0];
  if (named !== undefined) shell.scriptName = named;
  if (command) shell.arguments = rest.slice(2);
  return yield* shell.run(script, streamsOf(ctx));
};

function shellIn(ctx: ToolContext, dialect: typeof ash): Shell {
  const { world, place, session, env, cwd, depth, netns } = ctx;
  return new Shell(world, netns === place.netns ? place : { ...place, netns }, dialect, session, {
    env,
    cwd,
    depth: depth + 1,
  });
}

function streamsOf({ stdin, out, err, signals, tty }: ToolContext): Streams {
  return { stdin, out, err, signals, ...(tty === true ? { tty } : {}) };
}

/** `ssh HOST COMMAND…`: the words are joined and the other side's shell reads them again, as the real one does. */
export function ssh(find: (host: string) => Place | undefined): Tool {
  return function* (ctx, args) {
    let at = 0;
    for (; args[at]?.startsWith('-') === true; at++) if (/^-[poilJLRDFEbcemSWw]$/.test(args[at] ?? '')) at++;
    const target = args[at];
    if (target === undefined) {
      ctx.err('usage: ssh [-46AaCfGgKkMNnqsTtVvXxYy] [-p port] destination [command [argument ...]]\n');
      return 255;
    }
    const host = target.slice(target.indexOf('@') + 1);
    const place = find(host);
    if (place === undefined) {
      ctx.err(`ssh: Could not resolve hostname ${host}: Name or service not known\n`);
      return 255;
    }
    const line = args.slice(at + 1).join(' ');
    if (line.trim() === '') {
      ctx.err(INTERACTIVE);
      return 0;
    }
    if (ctx.depth >= ctx.session.limits.scriptDepth) {
      ctx.session.limit ??= 'scriptDepth';
      return 255;
    }
    const inside = contextIn(place, 'bash', ctx);
    // Without -t there is no terminal at the other end.
    const tty = ctx.tty === true && args.slice(0, at).some((arg) => /^-[A-Za-z]*t/.test(arg));
    const shell = shellIn(
      { ...inside, env: { ...place.env, HOME: '/root', USER: 'root' } },
      bash('bash: line 1'),
    );
    const status = yield* shell.run(line, { ...streamsOf(inside), tty });
    // The connection stays open as long as someone holds its streams.
    for (const job of shell.jobs) yield* job.wait();
    return status;
  };
}
