import { UsageError, type Command, type Terminal } from './command.ts';

interface Entry {
  readonly usage: string;
  readonly about: string;
  /** Loaded when it is called: `podwalk run` need not wait for the Markdown parser. */
  readonly load: () => Promise<Command>;
}

const entries: Readonly<Record<string, Entry>> = {
  check: {
    usage: 'check [--update] [--source DIR] [FILE…]',
    about: 'run every lab and compare every transcript',
    load: async () => (await import('./check.ts')).check,
  },
  run: {
    usage:
      'run FILE… [--nodes N] [--cni NAME] [--hops] [--explain] [--lang ko|en] [--json] [--capture out.pcapng] -- COMMAND',
    about: 'apply manifests, run commands and print what they print',
    load: async () => (await import('./run.ts')).run,
  },
  reach: {
    usage:
      'reach FILE… [--json | --html FILE | --probes FILE.jsonl | --diff OLD NEW] [--from NAME] [--to NAME] [--lang ko|en]',
    about: 'say who can talk to whom, and why not, from manifests alone',
    load: async () => (await import('./reach.ts')).reach,
  },
  export: {
    usage: 'export --netns PAGE.md#LAB | FILE… [--cni NAME …] [-o SCRIPT] [-- COMMAND]',
    about: "write a script that builds a lab's cluster from network namespaces and runs its commands",
    load: async () => (await import('./export.ts')).exportCommand,
  },
  convert: {
    usage: 'convert --to shortcode|directive [--write] FILE…',
    about: 'turn one form of a lab into the other, touching nothing else',
    load: async () => (await import('./convert.ts')).convert,
  },
  prerender: {
    usage: 'prerender DIR',
    about: 'put the finished labs into HTML that another generator built',
    load: async () => (await import('./prerender.ts')).prerender,
  },
};

/** Runs `podwalk NAME ARGS`; the result is the exit code (0 fine, 1 found something, 2 called wrongly). */
export async function commands(
  name: string | undefined,
  args: readonly string[],
  terminal: Terminal,
): Promise<number> {
  if (name === undefined || name === 'help' || name === '--help' || name === '-h') {
    terminal.out(usage());
    return name === undefined ? 2 : 0;
  }
  const entry = Object.hasOwn(entries, name) ? entries[name] : undefined;
  if (entry === undefined) {
    terminal.err(`podwalk: there is no command "${name}"\n\n${usage()}`);
    return 2;
  }
  if (args[0] === '--help' || args[0] === '-h') {
    terminal.out(`podwalk ${entry.usage}\n${entry.about}\n`);
    return 0;
  }
  const command = await entry.load();
  try {
    return await command(args, terminal);
  } catch (error) {
    if (!(error instanceof UsageError)) throw error;
    terminal.err(`podwalk ${name}: ${error.message}\nusage: podwalk ${entry.usage}\n`);
    return 2;
  }
}

function usage(): string {
  const width = Math.max(...Object.keys(entries).map((name) => name.length));
  const lines = Object.entries(entries).map(([name, entry]) => `  ${name.padEnd(width)}  ${entry.about}\n`);
  return `podwalk: Kubernetes networking lessons whose packets really move\n\n${lines.join('')}`;
}
