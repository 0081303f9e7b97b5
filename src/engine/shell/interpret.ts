import { sleep, type Task } from '../net/task.ts';
import type { World } from '../net/world.ts';
import { evaluate } from './arithmetic.ts';
import { builtins, type BuiltinShell } from './builtins.ts';
import { holds } from './condition.ts';
import type { Dialect } from './dialect.ts';
import { contextIn, findTool } from './execute.ts';
import { expandPattern, expandString, expandWords, resolve, type Expander } from './expand.ts';
import { fileErrorText } from './files.ts';
import { Job } from './job.ts';
import { parse } from './parse.ts';
import { matchPattern } from './pattern.ts';
import { Pipe, textInput } from './pipe.ts';
import type { AndOr, Command, List, Pipeline, Redirect, Word } from './syntax.ts';
import { searchBudget } from './text.ts';
import type { Files, Input, Place, Session, Signals, ToolContext } from './tool.ts';

/** Where a command's three streams go, and who may be told to stop. */
export interface Streams {
  readonly stdin: Input;
  readonly out: (text: string) => void;
  readonly err: (text: string) => void;
  readonly signals: Signals;
  /** Set when `out` is a pipe: whoever writes lets its reader run now and then. */
  readonly pipe?: Pipe;
  /** `out` is a terminal. */
  readonly tty?: boolean;
}

/** What starting a program takes: long enough for packets under way to arrive, as on a real machine. */
const EXEC_TIME = 1000;

type Flow =
  | { readonly kind: 'break' | 'continue'; count: number }
  | { readonly kind: 'exit' }
  | { readonly kind: 'return' };

/** A shell: its variables, its directory and its jobs. */
export class Shell implements Expander, BuiltinShell {
  readonly world: World;
  readonly place: Place;
  readonly dialect: Dialect;
  readonly depth: number;
  readonly variables: Map<string, string>;
  readonly exported: Set<string>;
  session: Session;
  cwd: string;
  arguments: readonly string[] = [];
  scriptName: string;
  status = 0;
  errexit = false;
  xtrace = false;
  flow: Flow | undefined;
  jobs: Job[] = [];
  pipefail = false;
  readonly functions = new Map<string, Command>();
  /** What `local` has hidden, a map for every function that runs. */
  readonly #hidden: Map<string, string | undefined>[] = [];
  #calls = 0;
  #files = 63;
  readonly #pid: number;
  #lastPid: number | undefined;
  #streams: Streams | undefined;
  #failed = false;
  #unchecked = 0;

  constructor(
    world: World,
    place: Place,
    dialect: Dialect,
    session: Session,
    options: {
      readonly env?: Readonly<Record<string, string>>;
      readonly cwd?: string;
      readonly depth?: number;
      readonly pid?: number;
    } = {},
  ) {
    this.world = world;
    this.place = place;
    this.dialect = dialect;
    this.session = session;
    this.depth = options.depth ?? 0;
    this.cwd = options.cwd ?? (place.kind === 'container' ? '/' : '/root');
    this.scriptName = dialect.prefix.split(':')[0] ?? 'sh';
    this.#pid = options.pid ?? 1000;
    this.variables = new Map(Object.entries(options.env ?? place.env));
    this.exported = new Set(this.variables.keys());
    if (!this.variables.has('PATH')) {
      this.variables.set('PATH', '/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin');
      this.exported.add('PATH');
    }
  }

  /** Parses and runs a script; the exit status. */
  *run(text: string, streams: Streams): Task<number> {
    if (this.depth >= this.session.limits.scriptDepth) {
      this.session.limit ??= 'scriptDepth';
      return 2;
    }
    const parsed = parse(text);
    if (!parsed.ok) {
      streams.err(`${this.dialect.syntax(parsed.error)}\n`);
      this.status = 2;
      return 2;
    }
    this.flow = undefined;
    yield* this.list(parsed.list, streams);
    return this.status;
  }

  *evaluate(text: string): Task<number> {
    const streams = this.#streams;
    const parsed = parse(text);
    if (streams === undefined) return 2;
    if (!parsed.ok) {
      streams.err(`${this.dialect.syntax(parsed.error)}\n`);
      return 2;
    }
    yield* this.list(parsed.list, streams);
    return this.status;
  }

  // What expansion needs.

  get files(): Files {
    return this.place.files;
  }

  get braces(): boolean {
    return this.dialect.braces;
  }

  get(name: string): string | undefined {
    switch (name) {
      case '?':
        return String(this.status);
      case '$':
        return String(this.#pid);
      case '!':
        return this.#lastPid === undefined ? undefined : String(this.#lastPid);
      case '#':
        return String(this.arguments.length);
      case '-':
        return this.errexit ? 'e' : '';
      case 'PWD':
        return this.cwd;
      case 'HOSTNAME':
        return this.variables.get(name) ?? this.place.name;
      case 'RANDOM':
        return String(this.world.random.below(32768));
      case 'SECONDS':
        return String(Math.floor(this.world.now / 1e6));
    }
    if (/^\d+$/.test(name)) return name === '0' ? this.scriptName : this.arguments[Number(name) - 1];
    return this.variables.get(name);
  }

  set(name: string, value: string): void {
    this.variables.set(name, value.slice(0, this.session.limits.output));
  }

  positional(): readonly string[] {
    return this.arguments;
  }

  *substitute(script: List): Task<string> {
    const streams = this.#streams;
    if (streams === undefined) return '';
    let text = '';
    const child = this.child();
    yield* child.list(script, {
      ...streams,
      tty: false,
      out: (more) => {
        text += more;
        if (text.length > this.session.limits.output) this.session.limit ??= 'output';
      },
    });
    this.status = child.status;
    return text;
  }

  fileWith(text: string): string {
    const path = `/dev/fd/${this.#files}`;
    this.#files = this.#files > 3 ? this.#files - 1 : 63;
    this.files.makeDirectory('/dev/fd', true);
    this.files.write(path, text, 'truncate');
    return path;
  }

  get inFunction(): boolean {
    return this.#calls > 0;
  }

  local(name: string, value: string | undefined): boolean {
    const hidden = this.#hidden.at(-1);
    if (hidden === undefined) return false;
    if (!hidden.has(name)) hidden.set(name, this.variables.get(name));
    this.set(name, value ?? '');
    return true;
  }

  fail(message: string): void {
    if (this.#failed) return;
    this.#streams?.err(`${this.dialect.prefix}: ${message}\n`);
    this.#failed = true;
  }

  // Execution.

  child(): Shell {
    const child = new Shell(this.world, this.place, this.dialect, this.session, {
      env: Object.fromEntries(this.variables),
      cwd: this.cwd,
      depth: this.depth + 1,
      pid: this.#pid,
    });
    child.exported.clear();
    for (const name of this.exported) child.exported.add(name);
    child.arguments = this.arguments;
    child.scriptName = this.scriptName;
    child.status = this.status;
    child.errexit = this.errexit;
    child.pipefail = this.pipefail;
    child.#calls = this.#calls;
    for (const [name, body] of this.functions) child.functions.set(name, body);
    if (child.depth > this.session.limits.scriptDepth) this.session.limit ??= 'scriptDepth';
    return child;
  }

  get #stopped(): boolean {
    return this.flow !== undefined || this.session.limit !== undefined;
  }

  *list(list: List, streams: Streams): Task<void> {
    for (const andOr of list) {
      if (this.#stopped) return;
      if (andOr.background) this.#background(andOr, streams);
      else yield* this.#andOr(andOr, streams);
    }
  }

  #background(andOr: AndOr, streams: Streams): void {
    const child = this.child();
    const job = this.#start(andOr.text, (signals) =>
      child.#inJob(andOr, { ...streams, stdin: textInput(''), signals }),
    );
    this.jobs = this.jobs.filter((other) => other.status === undefined);
    this.jobs.push(job);
    this.#lastPid = job.pid;
    this.status = 0;
  }

  *#inJob(andOr: AndOr, streams: Streams): Task<number> {
    yield* this.#andOr(andOr, streams);
    return this.status;
  }

  #start(text: string, body: (signals: Signals) => Task<number>): Job {
    return new Job(this.world, this.place.processes, text, body);
  }

  *#andOr({ first, rest }: AndOr, streams: Streams): Task<void> {
    if (rest.length > 0) this.#unchecked++;
    yield* this.#pipeline(first, streams);
    for (const [i, { operator, pipeline }] of rest.entries()) {
      if (i === rest.length - 1) this.#unchecked--;
      if (this.#stopped) continue;
      if ((this.status === 0) === (operator === '&&')) yield* this.#pipeline(pipeline, streams);
    }
  }

  *#pipeline({ commands, negated, timed }: Pipeline, streams: Streams): Task<void> {
    const began = this.world.now;
    const only = commands.length === 1 ? commands[0] : undefined;
    if (negated) this.#unchecked++;
    if (only !== undefined) yield* this.#command(only, streams);
    else yield* this.#piped(commands, streams);
    if (negated) {
      this.#unchecked--;
      this.status = this.status === 0 ? 1 : 0;
    }
    if (timed) streams.err(timeReport(this.world.now - began));
    if (this.errexit && this.status !== 0 && this.#unchecked === 0 && !negated)
      this.flow ??= { kind: 'exit' };
  }

  /** Every stage runs beside the others, as processes do. */
  *#piped(commands: readonly Command[], streams: Streams): Task<void> {
    const jobs: Job[] = [];
    let stdin = streams.stdin;
    for (const [i, command] of commands.entries()) {
      const last = i === commands.length - 1;
      const input = stdin;
      const pipe = last ? undefined : new Pipe();
      const child = this.child();
      if (this.session.limit !== undefined) break;
      const job = this.#start(this.place.name, (signals) => {
        const own: Streams = {
          stdin: input,
          out: pipe === undefined ? streams.out : (text) => pipe.write(text),
          err: streams.err,
          signals,
          ...(pipe === undefined ? (streams.pipe === undefined ? {} : { pipe: streams.pipe }) : { pipe }),
          ...(last && streams.tty === true ? { tty: true } : {}),
        };
        return child.#stage(command, own);
      });
      if (pipe !== undefined) {
        pipe.onBroken = () => job.deliver('PIPE');
        stdin = pipe;
      }
      job.onEnd(() => {
        pipe?.end();
        input.close();
      });
      jobs.push(job);
    }
    const { signals } = streams;
    const outer = signals.handler;
    signals.handler = (signal) => {
      for (const job of jobs) job.deliver(signal);
      return true;
    };
    try {
      let failed = 0;
      for (const job of jobs) {
        this.status = yield* job.wait();
        if (this.status !== 0) failed = this.status;
      }
      if (this.pipefail) this.status = failed;
    } finally {
      signals.handler = outer;
      for (const job of jobs) job.deliver('KILL');
    }
  }

  *#stage(command: Command, streams: Streams): Task<number> {
    yield* this.#command(command, streams);
    return this.status;
  }

  *#command(command: Command, outer: Streams): Task<void> {
    if (++this.session.steps > this.session.limits.scriptSteps) this.session.limit ??= 'scriptSteps';
    if (this.#stopped) return;
    if (outer.pipe !== undefined) {
      yield* outer.pipe.drained();
      if (outer.pipe.broken) {
        this.status = 141;
        this.flow = { kind: 'exit' };
        return;
      }
    }
    const before = this.#streams;
    this.#streams = outer;
    this.#failed = false;
    const streams = yield* this.#redirect(command.redirects, outer);
    if (streams === undefined) {
      this.status = 1;
      this.#streams = before;
      return;
    }
    this.#streams = streams;
    switch (command.kind) {
      case 'simple':
        yield* this.#simple(command, streams);
        break;
      case 'group':
        yield* this.list(command.body, streams);
        break;
      case 'subshell': {
        const child = this.child();
        yield* child.list(command.body, streams);
        this.status = child.status;
        break;
      }
      case 'if':
        yield* this.#conditional(command, streams);
        break;
      case 'while':
      case 'until': {
        let status = 0;
        for (;;) {
          this.#unchecked++;
          yield* this.list(command.condition, streams);
          this.#unchecked--;
          if (this.#stopped || (this.status === 0) !== (command.kind === 'while')) break;
          yield* this.list(command.body, streams);
          status = this.status;
          if (this.#leavesLoop()) break;
        }
        if (this.flow?.kind !== 'exit' && this.flow?.kind !== 'return') this.status = status;
        break;
      }
      case 'for': {
        const values = command.words === undefined ? this.arguments : yield* expandWords(this, command.words);
        this.status = 0;
        for (const value of values) {
          if (++this.session.steps > this.session.limits.scriptSteps) this.session.limit ??= 'scriptSteps';
          if (this.session.limit !== undefined) break;
          this.set(command.name, value);
          yield* this.list(command.body, streams);
          if (this.#leavesLoop()) break;
        }
        break;
      }
      case 'arithmetic':
        this.status = (yield* this.#calculates(command.expression)) ? 0 : 1;
        break;
      case 'condition': {
        const held = yield* holds(this, command.condition, searchBudget(this));
        this.status = this.#failed ? 2 : held ? 0 : 1;
        break;
      }
      case 'count':
        yield* this.#count(command, streams);
        break;
      case 'function':
        this.functions.set(command.name, command.body);
        this.status = 0;
        break;
      case 'case': {
        const text = yield* expandString(this, command.word);
        this.status = 0;
        search: for (const item of command.items) {
          for (const pattern of item.patterns) {
            if (!matchPattern(yield* expandPattern(this, pattern), text)) continue;
            yield* this.list(item.body, streams);
            break search;
          }
        }
        break;
      }
    }
    this.#streams = before;
  }

  /** Whether the value is other than 0. */
  *#calculates(expression: Word): Task<boolean> {
    const result = evaluate(yield* expandString(this, expression), {
      get: (name) => this.get(name) ?? '',
      set: (name, value) => this.set(name, value),
    });
    if (result.ok) return Number(result.value) !== 0;
    this.fail(result.error);
    return false;
  }

  *#count(command: Extract<Command, { kind: 'count' }>, streams: Streams): Task<void> {
    yield* this.#calculates(command.first);
    this.status = 0;
    while (!this.#failed && (yield* this.#calculates(command.condition))) {
      if (++this.session.steps > this.session.limits.scriptSteps) this.session.limit ??= 'scriptSteps';
      if (this.session.limit !== undefined) break;
      yield* this.list(command.body, streams);
      if (this.#leavesLoop()) break;
      this.#streams = streams;
      yield* this.#calculates(command.next);
    }
    if (this.#failed) this.status = 1;
  }

  *#callFunction(body: Command, argv: readonly string[], streams: Streams): Task<void> {
    if (this.#calls + this.depth >= this.session.limits.scriptDepth) {
      this.session.limit ??= 'scriptDepth';
      return;
    }
    const before = this.arguments;
    this.arguments = argv.slice(1);
    this.#hidden.push(new Map());
    this.#calls++;
    try {
      yield* this.#command(body, streams);
    } finally {
      this.#calls--;
      for (const [name, value] of this.#hidden.pop() ?? []) {
        if (value === undefined) this.variables.delete(name);
        else this.variables.set(name, value);
      }
      this.arguments = before;
    }
    if (this.flow?.kind === 'return') this.flow = undefined;
  }

  *#conditional(command: Extract<Command, { kind: 'if' }>, streams: Streams): Task<void> {
    for (const { condition, body } of command.branches) {
      this.#unchecked++;
      yield* this.list(condition, streams);
      this.#unchecked--;
      if (this.#stopped) return;
      if (this.status === 0) {
        yield* this.list(body, streams);
        return;
      }
    }
    this.status = 0;
    if (command.otherwise !== undefined) yield* this.list(command.otherwise, streams);
  }

  /** After a loop's body: whether the loop ends here, by `break`, `exit` or a limit. */
  #leavesLoop(): boolean {
    if (this.session.limit !== undefined) return true;
    const flow = this.flow;
    if (flow === undefined) return false;
    if (flow.kind === 'exit' || flow.kind === 'return') return true;
    if (--flow.count > 0) return true;
    this.flow = undefined;
    return flow.kind === 'break';
  }

  *#simple(command: Extract<Command, { kind: 'simple' }>, streams: Streams): Task<void> {
    const substituted = command.words.length === 0;
    if (substituted) this.status = 0;
    const argv = yield* expandWords(this, command.words);
    const assignments: [string, string][] = [];
    for (const { name, value } of command.assignments)
      assignments.push([name, yield* expandString(this, value)]);
    if (this.#failed) {
      this.status = 1;
      return;
    }
    const name = argv[0];
    if (name === undefined) {
      for (const [key, value] of assignments) this.set(key, value);
      if (!substituted) this.status = 0;
      return;
    }
    if (this.xtrace) streams.err(`+ ${argv.join(' ')}\n`);
    const body = this.functions.get(name);
    if (body !== undefined) {
      for (const [key, value] of assignments) this.set(key, value);
      yield* this.#callFunction(body, argv, streams);
      return;
    }
    const builtin = builtins.get(name);
    if (builtin !== undefined) {
      for (const [key, value] of assignments) this.set(key, value);
      this.status = yield* builtin(this.context(name, streams, []), argv.slice(1), this);
      return;
    }
    const tool = findTool(this.place, name);
    if (tool === undefined) {
      const path = name.includes('/');
      const there = path ? this.files.kind(resolve(this.cwd, name)) : undefined;
      const why =
        there === 'directory'
          ? 'Is a directory'
          : there === 'file'
            ? 'Permission denied'
            : 'No such file or directory';
      streams.err(`${path ? `${this.dialect.prefix}: ${name}: ${why}` : this.dialect.notFound(name)}\n`);
      this.status = there === undefined ? 127 : 126;
      return;
    }
    yield* sleep(this.world, EXEC_TIME);
    this.status = yield* tool(this.context(name, streams, assignments), argv.slice(1));
  }

  context(
    name: string,
    streams: Streams,
    assignments: readonly (readonly [string, string])[] = [],
  ): ToolContext {
    const env: Record<string, string> = {};
    for (const key of this.exported) env[key] = this.get(key) ?? '';
    for (const [key, value] of assignments) env[key] = value;
    const io = { world: this.world, session: this.session, depth: this.depth, ...streams };
    return { ...contextIn(this.place, name, io), env, cwd: this.cwd, tty: streams.tty === true };
  }

  *#redirect(redirects: readonly Redirect[], outer: Streams): Task<Streams | undefined> {
    if (redirects.length === 0) return outer;
    let { stdin, out, err } = outer;
    let pipe = outer.pipe;
    for (const { fd, operator, target } of redirects) {
      if (operator === '<<' || operator === '<<<') {
        stdin = textInput((yield* expandString(this, target)) + (operator === '<<<' ? '\n' : ''));
        continue;
      }
      const [name = ''] = yield* expandWords(this, [target]);
      if (operator === '>&' || operator === '<&') {
        if (name === '1' || name === '2' || name === '-') {
          const sink = name === '1' ? out : name === '2' ? err : discard;
          if (fd === 2) err = sink;
          else if (fd === 1) {
            out = sink;
            pipe = undefined;
          }
        } else if (name !== '0') {
          outer.err(`${this.dialect.prefix}: ${name}: Bad file descriptor\n`);
          return undefined;
        }
        continue;
      }
      const path = resolve(this.cwd, name);
      if (operator === '<') {
        const content = path === '/dev/null' ? { ok: true as const, value: '' } : this.files.read(path);
        if (!content.ok) {
          outer.err(`${this.dialect.prefix}: ${name}: ${fileErrorText(content.error)}\n`);
          return undefined;
        }
        stdin = textInput(content.value);
        continue;
      }
      const sink = this.#fileSink(name, path, operator === '>>', outer, { out, err });
      if (sink === undefined) return undefined;
      if (operator === '&>') {
        out = sink;
        err = sink;
        pipe = undefined;
      } else if (fd === 2) err = sink;
      else {
        out = sink;
        pipe = undefined;
      }
    }
    return {
      stdin,
      out,
      err,
      signals: outer.signals,
      ...(pipe === undefined ? {} : { pipe }),
      ...(outer.tty === true && out === outer.out ? { tty: true } : {}),
    };
  }

  #fileSink(
    name: string,
    path: string,
    append: boolean,
    outer: Streams,
    open: { out: (text: string) => void; err: (text: string) => void },
  ): ((text: string) => void) | undefined {
    if (path === '/dev/null') return discard;
    if (path === '/dev/stdout' || path === '/dev/tty') return open.out;
    if (path === '/dev/stderr') return open.err;
    const opened = this.files.write(path, '', append ? 'append' : 'truncate');
    if (!opened.ok) {
      outer.err(`${this.dialect.prefix}: ${name}: ${fileErrorText(opened.error)}\n`);
      return undefined;
    }
    return (text) => {
      this.session.printed += text.length;
      if (this.session.printed > this.session.limits.output) this.session.limit ??= 'output';
      else this.files.write(path, text, 'append');
    };
  }
}

function discard(): void {}

/** bash's `time`. */
function timeReport(us: number): string {
  const seconds = us / 1e6;
  const minutes = Math.floor(seconds / 60);
  return `\nreal\t${minutes}m${(seconds - minutes * 60).toFixed(3)}s\nuser\t0m0.000s\nsys\t0m0.000s\n`;
}
