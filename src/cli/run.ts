import { readFileSync, writeFileSync } from 'node:fs';
import {
  createCluster,
  hopLines,
  pcapng,
  type Cluster,
  type ClusterOptions,
  type Diagnostic,
} from '../engine/index.ts';
import { readArguments } from './arguments.ts';
import { UsageError, type Command, type Terminal } from './command.ts';

const options = {
  nodes: { type: 'string' },
  cni: { type: 'string' },
  proxy: { type: 'string' },
  'pod-cidr': { type: 'string' },
  'service-cidr': { type: 'string' },
  seed: { type: 'string' },
  capture: { type: 'string' },
  hops: { type: 'boolean' },
  json: { type: 'boolean' },
} as const;

/** `podwalk run FILE… [--nodes N --cni NAME …] [--capture out.pcapng] -- COMMAND`; exits as the command does. */
export const run: Command = (args, terminal) => {
  const split = args.indexOf('--');
  if (split < 0) throw new UsageError('the command goes behind "--"');
  // One word is a line of the shell, as `sh -c` takes it; several are a command and its arguments.
  const words = args.slice(split + 1);
  const command = words.length === 1 ? (words[0] ?? '') : words.map(quote).join(' ');
  if (command.trim() === '') throw new UsageError('the command behind "--" is empty');
  const { values, positionals } = readArguments(args.slice(0, split), options);

  const made = createCluster(clusterOptions(values));
  if ('diagnostics' in made) {
    for (const told of made.diagnostics) terminal.err(`podwalk run: ${told.message}${hint(told)}\n`);
    return 2;
  }
  const { cluster } = made;
  if (!applyFiles(cluster, positionals, terminal)) return 1;

  const { output, stdout, stderr, exitCode, record } = cluster.run(command);
  if (values.json === true) {
    terminal.out(`${JSON.stringify({ command, stdout, stderr, exitCode, record }, null, 2)}\n`);
  } else {
    terminal.out(output);
    if (values.hops === true) for (const line of hopLines(record)) terminal.out(`${line}\n`);
  }
  if (values.capture !== undefined) writeFileSync(values.capture, pcapng(record));
  return exitCode;
};

function clusterOptions(values: Readonly<Record<string, string | boolean | undefined>>): ClusterOptions {
  const { nodes, cni, proxy, seed } = values;
  const given = {
    nodes: nodes === undefined ? undefined : wholeNumber('--nodes', nodes),
    cni,
    proxy,
    podCIDR: values['pod-cidr'],
    serviceCIDR: values['service-cidr'],
    seed: seed === undefined ? undefined : wholeNumber('--seed', seed),
  };
  return Object.fromEntries(Object.entries(given).filter(([, value]) => value !== undefined));
}

function wholeNumber(name: string, value: string | boolean): number {
  const number = Number(value);
  if (!Number.isSafeInteger(number) || number < 0)
    throw new UsageError(`${name} must be a whole number, not ${value}`);
  return number;
}

function applyFiles(cluster: Cluster, files: readonly string[], terminal: Terminal): boolean {
  let ok = true;
  for (const file of files) {
    const text = readManifest(file);
    const result = cluster.apply(text, file);
    for (const told of result.diagnostics) {
      terminal.err(
        `${told.file ?? file}:${told.line}:${told.column} ${told.severity} ${told.code}  ${told.message}${hint(told)}\n`,
      );
    }
    ok &&= result.ok;
  }
  return ok;
}

function readManifest(file: string): string {
  try {
    return readFileSync(file === '-' ? 0 : file, 'utf8');
  } catch {
    throw new UsageError(`cannot read ${file}`);
  }
}

function hint(told: Diagnostic): string {
  return told.hint === undefined ? '' : ` (${told.hint})`;
}

/** A word as the shell reads it back. */
function quote(word: string): string {
  return /^[\w@%+=:,./-]+$/.test(word) ? word : `'${word.replaceAll("'", `'\\''`)}'`;
}
