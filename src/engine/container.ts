import type { Container as ContainerSpec } from './api/types.ts';
import { programOf, standIn } from './apps/catalog.ts';
import type { Image } from './apps/catalog.ts';
import type { ImageReference, Program, ProgramContext } from './apps/server.ts';
import { expandReferences } from './container-config.ts';
import type { ContainerExit, StartResult } from './control/runtime.ts';
import { bindListener } from './listening.ts';
import { formatIp } from './net/address.ts';
import type { Netns } from './net/netns.ts';
import type { SocketOwner } from './net/socket.ts';
import type { World } from './net/world.ts';
import { contextIn, findTool } from './shell/execute.ts';
import { Job, SIGNAL_NUMBERS } from './shell/job.ts';
import { textInput } from './shell/pipe.ts';
import { Processes } from './shell/processes.ts';
import type { LogLine } from './shell/kubectl/host.ts';
import type { Files, Place, ProcessTable, Session, SignalName, Tool } from './shell/tool.ts';

export interface ContainerOptions {
  readonly world: World;
  readonly spec: ContainerSpec;
  readonly netns: Netns;
  readonly hostname: string;
  readonly image: Image;
  readonly reference: ImageReference;
  readonly env: () => Readonly<Record<string, string>>;
  readonly files: () => Files;
  readonly tools: ReadonlyMap<string, Tool>;
  readonly limits: Session['limits'];
  /** Programs that need more than a container has. */
  readonly programs: Readonly<Record<string, (context: ProgramContext) => Program | undefined>>;
}

/** From the start of a process to the error that ends it. */
const CRASH_TIME = 20_000;
/** Commands that a container's script may run in its life: a loop without a pause would never let time pass. */
const CONTAINER_STEPS = 300_000;
const MAX_LOG_LINES = 5_000;

/** One run of a container: a process, its sockets, its log. */
export class ContainerRun {
  readonly place: Place;
  readonly lines: LogLine[] = [];
  readonly containerID: string;
  running = false;
  readonly #options: ContainerOptions;
  readonly #processes: Processes;
  readonly #onExit: (exit: ContainerExit) => void;
  #owner: SocketOwner | undefined;
  #program: Program | undefined;
  #job: Job | undefined;
  #end: (() => void) | undefined;

  constructor(options: ContainerOptions, containerID: string, onExit: (exit: ContainerExit) => void) {
    this.#options = options;
    this.#onExit = onExit;
    this.containerID = containerID;
    this.#processes = new Processes(options.world);
    this.place = {
      name: options.hostname,
      kind: 'container',
      netns: options.netns,
      get files() {
        return options.files();
      },
      get env() {
        return options.env();
      },
      tools: options.tools,
      processes: this.#processes,
    };
  }

  /** `LISTEN` sockets in words: `80/TCP`, `127.0.0.1:8080/TCP`. */
  get listens(): readonly string[] {
    if (this.#program?.kind !== 'server' || !this.running) return [];
    const words = this.#program.listeners.map(({ address = '', port, protocol }) => {
      const at = address === '0.0.0.0' || address === '::' ? '' : address;
      return `${at === '' ? '' : `${at.includes(':') ? `[${at}]` : at}:`}${port}/${protocol}`;
    });
    return [...new Set(words)];
  }

  /** It is a server, and has every port that it wants. */
  get steady(): boolean {
    return this.#program?.kind === 'server' && this.running && this.#owner !== undefined;
  }

  get standIn(): boolean {
    return this.#program?.kind === 'server' && this.#program.standIn === true;
  }

  start(): StartResult {
    const { image, spec } = this.#options;
    const expand = (word: string): string =>
      word.includes('$') ? expandReferences(word, this.#options.env()) : word;
    const command = (spec.command ?? []).map(expand);
    const args = (spec.args ?? []).map(expand);
    const entrypoint = command.length > 0 ? command : image.entrypoint;
    const argv = [...entrypoint, ...(args.length > 0 ? args : command.length > 0 ? [] : image.cmd)];
    if (argv.length === 0 && image.known)
      return { ok: false, exitCode: 128, message: 'no command specified' };
    const program = this.#resolve(argv);
    if (program === undefined) return notFound(argv[0] ?? '');
    this.#program = program;
    this.running = true;
    const words = program.kind === 'tool' ? program.argv : argv;
    switch (program.kind) {
      case 'server':
        this.#processes.add(words.join(' ') || program.process, (signal) => this.signal(signal));
        this.#serve(program);
        break;
      case 'tool':
        this.#run(words);
        break;
      case 'exit':
        this.#processes.add(words.join(' '), () => undefined);
        for (const line of program.lines) this.log(line);
        this.#exitSoon(program.code);
        break;
    }
    return { ok: true, containerID: this.containerID };
  }

  /** What arrives at the process: PID 1 ignores what it has no handler for, but for SIGKILL from outside. */
  signal(signal: SignalName): void {
    if (!this.running) return;
    if (signal === 'KILL') {
      this.#exited(137, signal);
      return;
    }
    if (this.#program?.kind === 'server') {
      if (signal === 'TERM' && this.#program.onTerm.kind === 'exit')
        this.#exitSoon(this.#program.onTerm.code, 0);
    } else if (this.#job?.handler !== undefined) this.#job.deliver(signal);
  }

  /** The pod goes: nothing is told to anybody. */
  destroy(): void {
    this.running = false;
    this.#release();
    for (const { pid } of this.#processes.list()) this.#processes.signal(pid, 'KILL');
  }

  log(text: string): void {
    for (const line of text.split('\n')) this.#append(`${line}\n`);
  }

  #append(text: string): void {
    this.lines.push({ time: this.#options.world.now, text });
    if (this.lines.length > MAX_LOG_LINES) this.lines.splice(0, this.lines.length - MAX_LOG_LINES);
  }

  #resolve(argv: readonly string[]): Program | undefined {
    const { image, reference, env, files, hostname, netns, spec, world } = this.#options;
    const context: ProgramContext = {
      argv,
      get env() {
        return env();
      },
      get files() {
        return files();
      },
      hostname,
      image: reference,
      ports: (spec.ports ?? []).map(({ containerPort, protocol }) => ({
        port: containerPort,
        protocol: protocol ?? 'TCP',
      })),
      addresses: () =>
        [...netns.devices.values()]
          .filter(({ kind }) => kind !== 'loopback')
          .flatMap(({ addresses }) => addresses.map(({ ip }) => formatIp(ip))),
      now: () => world.now,
      log: (line) => this.log(line),
    };
    const { programs } = this.#options;
    const program = programOf(
      { ...image, programs: { ...image.programs, ...(image.known ? programs : {}) } },
      context,
    );
    if (program.kind !== 'tool') return program;
    const found = findTool(this.place, program.argv[0] ?? '');
    if (found !== undefined) return program;
    return image.known ? undefined : standIn(context);
  }

  #serve(program: Program & { readonly kind: 'server' }): void {
    const owner = { name: program.process, pid: 1 };
    this.#owner = owner;
    for (const listener of program.listeners) {
      const bound = bindListener(this.#options.netns, listener, owner);
      if (bound.ok) continue;
      this.log(program.bindError?.(listener) ?? `bind: ${bound.errno}`);
      this.#release();
      this.#exitSoon(program.bindExit ?? 1);
      return;
    }
    for (const line of program.greeting ?? []) this.log(line);
    this.#end = program.begin?.();
  }

  #run(argv: readonly string[]): void {
    const { world, limits } = this.#options;
    const session: Session = {
      limits: { ...limits, output: Number.MAX_SAFE_INTEGER, scriptSteps: CONTAINER_STEPS },
      steps: 0,
      printed: 0,
      limit: undefined,
    };
    let rest = '';
    const write = (text: string): void => {
      const lines = (rest + text).split('\n');
      rest = lines.pop() ?? '';
      for (const line of lines) this.#append(`${line}\n`);
    };
    const { place } = this;
    const name = argv[0] ?? '';
    const tool = findTool(place, name);
    this.#job = new Job(world, this.#init(), argv.join(' '), function* (signals) {
      const io = { world, stdin: textInput(''), out: write, err: write, signals, session, depth: 0 };
      return tool === undefined ? 127 : yield* tool(contextIn(place, name, io), argv.slice(1));
    });
    const job = this.#job;
    job.onEnd(() => {
      if (rest !== '') this.#append(rest);
      const { status = 0 } = job;
      world.schedule(0, () => this.#exited(status, undefined));
    });
  }

  /** The process table as PID 1 joins it: signals from inside go by PID 1's rules. */
  #init(): ProcessTable {
    const table = this.#processes;
    return {
      list: () => table.list(),
      add: (command) => table.add(command, (signal) => (signal === 'KILL' ? undefined : this.signal(signal))),
      remove: (pid) => table.remove(pid),
      signal: (pid, signal) => table.signal(pid, signal),
    };
  }

  #exitSoon(code: number, delay = CRASH_TIME): void {
    this.#options.world.schedule(delay, () => this.#exited(code, undefined));
  }

  #exited(exitCode: number, signal: SignalName | undefined): void {
    if (!this.running) return;
    this.running = false;
    this.#release();
    for (const { pid } of this.#processes.list()) this.#processes.signal(pid, 'KILL');
    this.#job?.deliver('KILL');
    this.#onExit({
      exitCode,
      reason: exitCode === 0 ? 'Completed' : 'Error',
      ...(signal === undefined ? {} : { signal: SIGNAL_NUMBERS[signal] }),
    });
  }

  /** The process's sockets close as the kernel closes them. */
  #release(): void {
    this.#end?.();
    this.#end = undefined;
    if (this.#owner !== undefined) this.#options.netns.sockets.exit(this.#owner);
    this.#owner = undefined;
  }
}

/** What runc answers when the program is not in the image. */
function notFound(name: string): StartResult {
  const where = name.includes('/')
    ? `stat ${name}: no such file or directory`
    : 'executable file not found in $PATH';
  const why = name.includes('/') ? `exec: "${name}": ${where}` : `exec: "${name}": ${where}`;
  return {
    ok: false,
    exitCode: 128,
    message: `failed to create containerd task: failed to create shim task: OCI runtime create failed: runc create failed: unable to start container process: error during container init: ${why}: unknown`,
  };
}
