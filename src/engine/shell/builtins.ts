import type { Task } from '../net/task.ts';
import { fileErrorText } from './files.ts';
import { resolve } from './expand.ts';
import { evaluate } from './arithmetic.ts';
import { parseSignal, type Job } from './job.ts';
import { echo, printf } from './tools/echo.ts';
import { test } from './tools/test.ts';
import type { Files, Place, Tool, ToolContext } from './tool.ts';

/** What a builtin may see and change of its shell. */
export interface BuiltinShell {
  readonly place: Place;
  readonly files: Files;
  readonly dialect: { readonly prefix: string };
  readonly variables: Map<string, string>;
  readonly exported: Set<string>;
  readonly functions: ReadonlyMap<string, unknown>;
  readonly inFunction: boolean;
  cwd: string;
  arguments: readonly string[];
  status: number;
  errexit: boolean;
  xtrace: boolean;
  pipefail: boolean;
  jobs: Job[];
  flow:
    | { readonly kind: 'break' | 'continue'; count: number }
    | { readonly kind: 'exit' }
    | { readonly kind: 'return' }
    | undefined;
  get(name: string): string | undefined;
  set(name: string, value: string): void;
  /** A variable of the function that runs; false outside of one. */
  local(name: string, value: string | undefined): boolean;
  /** Runs more text in this very shell, as `eval` does. */
  evaluate(text: string): Task<number>;
}

type Builtin = (ctx: ToolContext, args: readonly string[], shell: BuiltinShell) => Task<number>;

function plain(run: (ctx: ToolContext, args: readonly string[], shell: BuiltinShell) => number): Builtin {
  return function* (ctx, args, shell) {
    return run(ctx, args, shell);
  };
}

function tool(body: Tool): Builtin {
  return (ctx, args) => body(ctx, args);
}

const NAME = /^[A-Za-z_]\w*$/;

export const builtins: ReadonlyMap<string, Builtin> = new Map<string, Builtin>([
  [':', plain(() => 0)],
  ['true', plain(() => 0)],
  ['false', plain(() => 1)],
  ['trap', plain(() => 0)],
  ['umask', plain(() => 0)],
  ['echo', tool(echo)],
  ['printf', tool(printf)],
  ['test', tool(test)],
  ['[', tool(test)],
  [
    'cd',
    plain((ctx, args, shell) => {
      const target =
        args[0] === '-' ? (shell.get('OLDPWD') ?? shell.cwd) : (args[0] ?? shell.get('HOME') ?? '/root');
      const path = resolve(shell.cwd, target);
      const kind = shell.files.kind(path);
      if (kind !== 'directory') {
        ctx.err(
          `${shell.dialect.prefix}: cd: ${target}: ${fileErrorText(kind === 'file' ? 'ENOTDIR' : 'ENOENT')}\n`,
        );
        return 1;
      }
      shell.set('OLDPWD', shell.cwd);
      shell.cwd = path;
      return 0;
    }),
  ],
  [
    'pwd',
    plain((ctx, _args, shell) => {
      ctx.out(`${shell.cwd}\n`);
      return 0;
    }),
  ],
  [
    'exit',
    plain((ctx, args, shell) => {
      shell.flow = { kind: 'exit' };
      const [code] = args;
      if (code === undefined) return shell.status;
      if (/^\d+$/.test(code)) return Number(code) & 255;
      ctx.err(`${shell.dialect.prefix}: exit: ${code}: numeric argument required\n`);
      return 2;
    }),
  ],
  ['return', plain((_ctx, args, shell) => leave(shell, args))],
  ['break', plain((_ctx, args, shell) => jump(shell, 'break', args))],
  ['continue', plain((_ctx, args, shell) => jump(shell, 'continue', args))],
  [
    'export',
    plain((ctx, args, shell) => {
      if (args.length === 0 || args[0] === '-p')
        for (const name of [...shell.exported].sort()) ctx.out(`export ${name}='${shell.get(name) ?? ''}'\n`);
      for (const arg of args) {
        const equals = arg.indexOf('=');
        const name = equals < 0 ? arg : arg.slice(0, equals);
        if (name.startsWith('-')) continue;
        if (!NAME.test(name)) {
          ctx.err(`${shell.dialect.prefix}: export: \`${arg}': not a valid identifier\n`);
          return 1;
        }
        if (equals >= 0) shell.set(name, arg.slice(equals + 1));
        shell.exported.add(name);
      }
      return 0;
    }),
  ],
  [
    'unset',
    plain((_ctx, args, shell) => {
      for (const name of args) {
        shell.variables.delete(name);
        shell.exported.delete(name);
      }
      return 0;
    }),
  ],
  [
    'set',
    plain((ctx, args, shell) => {
      if (args.length === 0)
        for (const [name, value] of [...shell.variables].sort()) ctx.out(`${name}='${value}'\n`);
      for (const [i, arg] of args.entries()) {
        if (arg === '--') {
          shell.arguments = args.slice(i + 1);
          break;
        }
        if (arg === 'pipefail' && /^[-+].*o$/.test(args[i - 1] ?? ''))
          shell.pipefail = args[i - 1]?.startsWith('-') === true;
        if (!/^[-+]/.test(arg)) {
          if (!/^[-+].*o$/.test(args[i - 1] ?? '')) shell.arguments = args.slice(i);
          break;
        }
        if (arg.includes('e')) shell.errexit = arg.startsWith('-');
        if (arg.includes('x')) shell.xtrace = arg.startsWith('-');
      }
      return 0;
    }),
  ],
  [
    'shift',
    plain((_ctx, args, shell) => {
      const count = Number(args[0] ?? 1);
      if (!(count <= shell.arguments.length)) return 1;
      shell.arguments = shell.arguments.slice(count);
      return 0;
    }),
  ],
  [
    'read',
    function* (ctx, args, shell) {
      const names = args.filter((arg) => !arg.startsWith('-'));
      const raw = args.includes('-r');
      const line = yield* ctx.stdin.readLine();
      let text = (line ?? '').replace(/\n$/, '');
      if (!raw) text = text.replace(/\\(.)/g, '$1');
      if (names.length === 0) shell.set('REPLY', text);
      let rest = text.trim();
      for (const [i, name] of names.entries()) {
        if (i === names.length - 1) shell.set(name, rest);
        else {
          const [head = ''] = rest.split(/\s+/, 1);
          shell.set(name, head);
          rest = rest.slice(head.length).trimStart();
        }
      }
      return line === undefined ? 1 : 0;
    },
  ],
  [
    'wait',
    function* (ctx, args, shell) {
      let status = 0;
      const jobs = args.length === 0 ? shell.jobs : [];
      for (const arg of args) {
        const job = findJob(shell.jobs, arg);
        if (job === undefined) {
          ctx.err(`${shell.dialect.prefix}: wait: pid ${arg} is not a child of this shell\n`);
          return 127;
        }
        jobs.push(job);
      }
      for (const job of [...jobs]) status = yield* job.wait();
      if (args.length === 0) {
        shell.jobs = [];
        return 0;
      }
      return status;
    },
  ],
  [
    'jobs',
    plain((ctx, args, shell) => {
      for (const [i, job] of shell.jobs.entries()) {
        if (job.status !== undefined) continue;
        ctx.out(
          args.includes('-p')
            ? `${job.pid}\n`
            : `[${i + 1}]${i === shell.jobs.length - 1 ? '+' : '-'}  Running                 ${job.text} &\n`,
        );
      }
      return 0;
    }),
  ],
  [
    'kill',
    plain((ctx, args, shell) => {
      const flag = args[0]?.startsWith('-') === true ? args[0].slice(1) : undefined;
      const name = flag === 's' ? (args[1] ?? '') : (flag ?? 'TERM');
      const signal = parseSignal(name);
      if (flag === 'l') {
        ctx.out('HUP INT QUIT KILL PIPE ALRM TERM\n');
        return 0;
      }
      const targets = args.slice(flag === undefined ? 0 : flag === 's' ? 2 : 1);
      if (targets.length === 0) {
        ctx.err(
          'kill: usage: kill [-s sigspec | -n signum | -sigspec] pid | jobspec ... or kill -l [sigspec]\n',
        );
        return 2;
      }
      if (signal === undefined && name !== '0') {
        ctx.err(`${shell.dialect.prefix}: kill: ${name}: invalid signal specification\n`);
        return 1;
      }
      let status = 0;
      for (const target of targets) {
        const job = findJob(shell.jobs, target);
        const there =
          signal === undefined
            ? shell.place.processes.list().some((p) => String(p.pid) === target)
            : job?.status === undefined && job !== undefined;
        if (there && job !== undefined && signal !== undefined) job.deliver(signal);
        else if (
          !there &&
          !(
            signal !== undefined &&
            /^\d+$/.test(target) &&
            shell.place.processes.signal(Number(target), signal)
          )
        ) {
          ctx.err(`${shell.dialect.prefix}: kill: (${target}) - No such process\n`);
          status = 1;
        }
      }
      return status;
    }),
  ],
  [
    'local',
    plain((ctx, args, shell) => {
      for (const arg of args) {
        const [name = '', value] = assignmentOf(arg);
        if (name.startsWith('-')) continue;
        if (!shell.local(name, value)) {
          ctx.err(`${shell.dialect.prefix}: local: can only be used in a function\n`);
          return 1;
        }
      }
      return 0;
    }),
  ],
  ['declare', plain(declare)],
  ['typeset', plain(declare)],
  ['readonly', plain(declare)],
  [
    'let',
    plain((ctx, args, shell) => {
      let value = 0;
      for (const arg of args) {
        const result = evaluate(arg, {
          get: (name) => shell.get(name) ?? '',
          set: (name, text) => shell.set(name, text),
        });
        if (!result.ok) {
          ctx.err(`${shell.dialect.prefix}: let: ${arg}: ${result.error}\n`);
          return 1;
        }
        value = Number(result.value);
      }
      return value === 0 ? 1 : 0;
    }),
  ],
  ['.', source],
  ['source', source],
  [
    'exec',
    function* (ctx, args, shell) {
      const [name] = args;
      // Redirections alone would be the shell's own from here on, which lines that come one by one cannot have.
      if (name === undefined) return 0;
      const body = shell.place.tools.get(name);
      shell.flow = { kind: 'exit' };
      if (body !== undefined) return yield* body({ ...ctx, name }, args.slice(1));
      ctx.err(`${shell.dialect.prefix}: exec: ${name}: not found\n`);
      return 127;
    },
  ],
  [
    'eval',
    function* (_ctx, args, shell) {
      return yield* shell.evaluate(args.join(' '));
    },
  ],
  [
    'type',
    plain((ctx, args, shell) => {
      let status = 0;
      for (const name of args) {
        if (shell.functions.has(name)) ctx.out(`${name} is a function\n`);
        else if (builtins.has(name)) ctx.out(`${name} is a shell builtin\n`);
        else if (shell.place.tools.has(name)) ctx.out(`${name} is /usr/bin/${name}\n`);
        else {
          ctx.err(`${shell.dialect.prefix}: type: ${name}: not found\n`);
          status = 1;
        }
      }
      return status;
    }),
  ],
  [
    'command',
    function* (ctx, args, shell) {
      if (args[0] === '-v' || args[0] === '-V') {
        const name = args[1] ?? '';
        if (builtins.has(name) || shell.functions.has(name)) ctx.out(`${name}\n`);
        else if (shell.place.tools.has(name)) ctx.out(`/usr/bin/${name}\n`);
        else return 1;
        return 0;
      }
      const body = shell.place.tools.get(args[0] ?? '');
      if (body !== undefined) return yield* body({ ...ctx, name: args[0] ?? '' }, args.slice(1));
      const builtin = builtins.get(args[0] ?? '');
      if (builtin !== undefined) return yield* builtin(ctx, args.slice(1), shell);
      return args.length === 0 ? 0 : 127;
    },
  ],
]);

function assignmentOf(arg: string): [name: string, value: string | undefined] {
  const equals = arg.indexOf('=');
  return equals < 0 ? [arg, undefined] : [arg.slice(0, equals), arg.slice(equals + 1)];
}

/** As far as it gives a value, or exports. */
function declare(_ctx: ToolContext, args: readonly string[], shell: BuiltinShell): number {
  for (const arg of args) {
    const [name, value] = assignmentOf(arg);
    if (!NAME.test(name)) continue;
    if (value !== undefined && !shell.local(name, value)) shell.set(name, value);
    if (args.includes('-x')) shell.exported.add(name);
  }
  return 0;
}

/** `. FILE [ARGUMENTS]` in this very shell. */
function* source(ctx: ToolContext, args: readonly string[], shell: BuiltinShell): Task<number> {
  const [file, ...rest] = args;
  if (file === undefined) {
    ctx.err(`${shell.dialect.prefix}: ${ctx.name}: filename argument required\n`);
    return 2;
  }
  const text = shell.files.read(resolve(shell.cwd, file));
  if (!text.ok) {
    ctx.err(`${shell.dialect.prefix}: ${file}: ${fileErrorText(text.error)}\n`);
    return 1;
  }
  const before = shell.arguments;
  if (rest.length > 0) shell.arguments = rest;
  const status = yield* shell.evaluate(text.value);
  shell.arguments = before;
  return status;
}

function leave(shell: BuiltinShell, args: readonly string[]): number {
  shell.flow = shell.inFunction ? { kind: 'return' } : { kind: 'exit' };
  return args[0] === undefined ? shell.status : Number(args[0]) & 255;
}

function jump(shell: BuiltinShell, kind: 'break' | 'continue', args: readonly string[]): number {
  const count = Number(args[0] ?? 1);
  shell.flow = { kind, count: count >= 1 ? Math.floor(count) : 1 };
  return 0;
}

function findJob(jobs: readonly Job[], target: string): Job | undefined {
  if (target.startsWith('%'))
    return jobs[
      target === '%' || target === '%+' || target === '%%' ? jobs.length - 1 : Number(target.slice(1)) - 1
    ];
  return jobs.find((job) => String(job.pid) === target);
}
