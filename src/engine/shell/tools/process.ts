import { sleep as pause, type Task } from '../../net/task.ts';
import { programIn } from '../execute.ts';
import { Job, parseSignal, SIGNAL_NUMBERS } from '../job.ts';
import { textInput } from '../pipe.ts';
import { getopt, optionErrorText } from '../getopt.ts';
import { options } from '../text.ts';
import type { SignalName, Tool, ToolContext } from '../tool.ts';

/** `3`, `0.5`, `2m`; microseconds. */
export function parseDuration(text: string): number | undefined {
  const found = /^(\d+(?:\.\d*)?|\.\d+)(ms|[smhd]?)$/.exec(text);
  if (found === null) return undefined;
  const unit = { '': 1e6, ms: 1e3, s: 1e6, m: 60e6, h: 3600e6, d: 86400e6 }[found[2] ?? ''];
  return unit === undefined ? undefined : Math.round(Number(found[1]) * unit);
}

export const sleep: Tool = function* (ctx, args) {
  if (args.length === 0) {
    ctx.err("sleep: missing operand\nTry 'sleep --help' for more information.\n");
    return 1;
  }
  let total = 0;
  for (const arg of args) {
    const us = arg === 'infinity' ? Number.MAX_SAFE_INTEGER / 2 : parseDuration(arg);
    if (us === undefined) {
      ctx.err(`sleep: invalid time interval '${arg}'\nTry 'sleep --help' for more information.\n`);
      return 1;
    }
    total += us;
  }
  yield* pause(ctx.world, total);
  return 0;
};

/** Runs a program beside this one, so that it can be ended from here; signals that come in are handed on. */
function* supervise(ctx: ToolContext, argv: readonly string[], meanwhile: (job: Job) => void): Task<number> {
  const job = new Job(ctx.world, ctx.place.processes, argv.join(' '), (signals) =>
    runProgram({ ...ctx, signals }, argv),
  );
  ctx.signals.handler = (signal) => {
    job.deliver(signal);
    return true;
  };
  try {
    meanwhile(job);
    return yield* job.wait();
  } finally {
    ctx.signals.handler = undefined;
    job.deliver('KILL');
  }
}

function* runProgram(ctx: ToolContext, argv: readonly string[]): Task<number> {
  const program = programIn(ctx, argv);
  if (program === undefined) return 127;
  return yield* program;
}

/** coreutils': 124 when the time was up. */
export const timeout: Tool = (ctx, args) => limitTime(ctx, args, false);
/** BusyBox': what the program ended with. */
export const busyboxTimeout: Tool = (ctx, args) => limitTime(ctx, args, true);

function* limitTime(ctx: ToolContext, args: readonly string[], busybox: boolean): Task<number> {
  const given = options(ctx, args, {
    short: 's:k:v',
    long: { signal: 's:', 'kill-after': 'k:', 'preserve-status': 'p', foreground: 'f', verbose: 'v' },
    stopAtOperand: true,
  });
  const [limit, ...argv] = given?.rest ?? [];
  const signal = parseSignal(given?.value('s') ?? 'TERM');
  if (given === undefined || limit === undefined || argv.length === 0) {
    if (given !== undefined) ctx.err('timeout: missing operand\n');
    ctx.err("Try 'timeout --help' for more information.\n");
    return 125;
  }
  const us = parseDuration(limit);
  if (us === undefined || signal === undefined) {
    ctx.err(
      us === undefined
        ? `timeout: invalid time interval '${limit}'\n`
        : `timeout: '${given.value('s') ?? ''}': invalid signal\n`,
    );
    ctx.err("Try 'timeout --help' for more information.\n");
    return 125;
  }
  if (!ctx.place.tools.has(argv[0]?.split('/').at(-1) ?? '')) {
    ctx.err(`timeout: failed to run command '${argv[0] ?? ''}': No such file or directory\n`);
    return 127;
  }
  let expired = false;
  let timer: { cancel(): void } | undefined;
  const status = yield* supervise(ctx, argv, (job) => {
    if (us > 0)
      timer = ctx.world.schedule(us, () => {
        expired = true;
        job.deliver(signal);
        const killAfter = parseDuration(given.value('k') ?? '');
        if (killAfter !== undefined) timer = ctx.world.schedule(killAfter, () => job.deliver('KILL'));
      });
  });
  timer?.cancel();
  if (!expired || busybox || given.has('p')) return status;
  return signal === 'KILL' ? 128 + SIGNAL_NUMBERS.KILL : 124;
}

export const watch: Tool = function* (ctx, args) {
  const given = options(ctx, args, {
    short: 'n:dtegx',
    long: { interval: 'n:', differences: 'd', 'no-title': 't', errexit: 'e', chgexit: 'g' },
    stopAtOperand: true,
  });
  if (given === undefined || given.rest.length === 0) {
    ctx.err('Usage:\n watch [options] command\n');
    return 1;
  }
  const interval = parseDuration(given.value('n') ?? '2') ?? 2e6;
  const argv = given.has('x') ? given.rest : ['sh', '-c', given.rest.join(' ')];
  let last: string | undefined;
  let stopped = false;
  const finish = (): boolean => (stopped = true);
  for (;;) {
    let screen = '';
    const title = given.has('t') ? '' : `Every ${(interval / 1e6).toFixed(1)}s: ${given.rest.join(' ')}\n\n`;
    const collect = (text: string): void => void (screen += text);
    const status = yield* runProgram({ ...ctx, out: collect, err: collect }, argv);
    ctx.out(title + screen);
    if (given.has('e') && status !== 0) return status;
    if (given.has('g') && last !== undefined && last !== screen) return 0;
    last = screen;
    ctx.signals.handler = (signal) => signal === 'INT' && finish();
    try {
      yield* pause(ctx.world, Math.max(interval, 100_000));
    } finally {
      ctx.signals.handler = undefined;
    }
    if (stopped || ctx.session.limit !== undefined) return 0;
  }
};

export const xargs: Tool = function* (ctx, args) {
  const given = options(ctx, args, {
    short: 'n:I:r0tL:P:d:',
    long: { 'max-args': 'n:', 'no-run-if-empty': 'r', null: '0' },
    stopAtOperand: true,
  });
  if (given === undefined) return 1;
  const command = given.rest.length === 0 ? ['echo'] : given.rest;
  const text = yield* ctx.stdin.readAll();
  const placeholder = given.value('I');
  const items =
    placeholder !== undefined || given.has('L')
      ? text.split('\n').filter((l) => l.trim() !== '')
      : text
          .split(given.has('0') ? '\0' : given.has('d') ? (given.value('d') ?? '') : /\s+/)
          .filter((w) => w !== '');
  const size = placeholder !== undefined || given.has('L') ? 1 : Number(given.value('n') ?? 5000);
  if (!(size >= 1)) {
    ctx.err(`xargs: invalid number "${given.value('n') ?? ''}" for -n option\n`);
    return 1;
  }
  if (items.length === 0 && (given.has('r') || placeholder !== undefined)) return 0;
  let status = 0;
  for (let at = 0; at === 0 || at < items.length; at += size) {
    const batch = items.slice(at, at + size);
    const argv =
      placeholder === undefined
        ? [...command, ...batch]
        : command.map((word) => word.replaceAll(placeholder, batch[0]?.trim() ?? ''));
    if (++ctx.session.steps > ctx.session.limits.scriptSteps) ctx.session.limit ??= 'scriptSteps';
    if (ctx.session.limit !== undefined) return 1;
    const code = yield* runProgram({ ...ctx, stdin: textInput('') }, argv);
    if (code === 127) {
      ctx.err(`xargs: ${argv[0] ?? ''}: No such file or directory\n`);
      return 127;
    }
    if (code !== 0) status = 123;
  }
  return status;
};

export const env: Tool = function* (ctx, args) {
  const variables = { ...ctx.env };
  const parsed = getopt(args, { short: 'iu:', stopAtOperand: true });
  if (!parsed.ok) {
    ctx.err(`${optionErrorText('env', parsed.error)}\n`);
    return 125;
  }
  if (parsed.options.has('i')) for (const name of Object.keys(variables)) delete variables[name];
  for (const name of parsed.options.values('u')) delete variables[name];
  const rest = [...parsed.options.rest];
  for (let equals; (equals = rest[0]?.indexOf('=') ?? -1) > 0; rest.shift())
    variables[rest[0]?.slice(0, equals) ?? ''] = rest[0]?.slice(equals + 1) ?? '';
  if (rest.length === 0) {
    for (const [name, value] of Object.entries(variables)) ctx.out(`${name}=${value}\n`);
    return 0;
  }
  const code = yield* runProgram({ ...ctx, env: variables }, rest);
  if (code === 127) ctx.err(`env: '${rest[0] ?? ''}': No such file or directory\n`);
  return code;
};

/** The program; the shell has one of its own that also knows `%1`. */
export const kill: Tool = function* (ctx, args) {
  const flag = args[0]?.startsWith('-') === true ? args[0].slice(1) : undefined;
  const signal: SignalName | undefined = parseSignal(flag === 's' ? (args[1] ?? '') : (flag ?? 'TERM'));
  const targets = args.slice(flag === undefined ? 0 : flag === 's' ? 2 : 1);
  if (signal === undefined || targets.length === 0) {
    ctx.err(
      signal === undefined
        ? `kill: bad signal name '${flag ?? ''}'\n`
        : 'kill: you need to specify whom to kill\n',
    );
    return 1;
  }
  let status = 0;
  for (const target of targets) {
    if (/^\d+$/.test(target) && ctx.place.processes.signal(Number(target), signal)) continue;
    ctx.err(
      /^\d+$/.test(target)
        ? `kill: can't kill pid ${target}: No such process\n`
        : `kill: invalid number '${target}'\n`,
    );
    status = 1;
  }
  return status;
};

export const ps: Tool = function* (ctx, args) {
  const list = ctx.place.processes.list();
  if (ctx.place.kind === 'container') {
    ctx.out('PID   USER     TIME  COMMAND\n');
    for (const p of list) ctx.out(`${String(p.pid).padStart(5)} ${p.user.padEnd(8)}  0:00 ${p.command}\n`);
    return 0;
  }
  const long = args.some((arg) => /^-?[a-z]*[fux]/.test(arg));
  ctx.out(
    long ? 'UID          PID    PPID  C STIME TTY          TIME CMD\n' : '    PID TTY          TIME CMD\n',
  );
  for (const p of list) {
    const start = long
      ? `${p.user.padEnd(8)} ${String(p.pid).padStart(7)} ${String(p.ppid).padStart(7)}  0 00:00 `
      : `${String(p.pid).padStart(7)} `;
    ctx.out(
      `${start}${long ? '?       ' : '?       '} 00:00:00 ${long ? p.command : (p.command.split(' ')[0]?.split('/').at(-1) ?? '')}\n`,
    );
  }
  return 0;
};

/** `sudo COMMAND`: everybody is root already. */
export const sudo: Tool = function* (ctx, args) {
  const given = getopt(args, { short: 'EHSniu:g:', stopAtOperand: true });
  const argv = given.ok ? given.options.rest : [];
  if (argv.length === 0) {
    ctx.err(
      'usage: sudo -h | -K | -k | -V\nusage: sudo [-ABbEHnPS] [-u user] [VAR=value] [-i | -s] [command [arg ...]]\n',
    );
    return 1;
  }
  const code = yield* runProgram(ctx, argv);
  if (code === 127 && !ctx.place.tools.has(argv[0] ?? '')) {
    ctx.err(`sudo: ${argv[0] ?? ''}: command not found\n`);
    return 1;
  }
  return code;
};
