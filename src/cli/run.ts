import { writeFileSync } from 'node:fs';
import { createCluster, hopLines, pcapng, type Cluster, type CommandResult } from '../engine/index.ts';
import { readArguments } from './arguments.ts';
import {
  clusterOptionArguments,
  clusterOptions,
  commandLine,
  optionProblem,
  readManifest,
} from './cluster-arguments.ts';
import { UsageError, type Command, type Terminal } from './command.ts';
import { languageFor } from './language.ts';
import { diagnosticLine } from './manifests.ts';
import { tell, type Detail } from './telling.ts';

const options = {
  ...clusterOptionArguments,
  capture: { type: 'string' },
  hops: { type: 'boolean' },
  explain: { type: 'boolean' },
  lang: { type: 'string' },
  json: { type: 'boolean' },
} as const;

/** `podwalk run FILE… [--nodes N --cni NAME …] [--hops] [--explain] [--json] [--capture out.pcapng] -- COMMAND`; exits as the command does. */
export const run: Command = (args, terminal) => {
  const split = args.indexOf('--');
  if (split < 0) throw new UsageError('the command goes behind "--"');
  const command = commandLine(args.slice(split + 1));
  const { values, positionals } = readArguments(args.slice(0, split), options);

  const language = languageFor(values.lang);

  const made = createCluster(clusterOptions(values));
  if ('diagnostics' in made) {
    for (const told of made.diagnostics) terminal.err(`podwalk run: ${optionProblem(told)}`);
    return 2;
  }
  const { cluster } = made;
  if (!applyFiles(cluster, positionals, terminal)) return 1;

  const result = cluster.run(command);
  if (values.json === true) terminal.out(`${JSON.stringify(asJson(result), null, 2)}\n`);
  else tell(result, detailOf(values), language, terminal);
  const { truncated } = result.record;
  if (truncated !== undefined)
    terminal.err(
      `podwalk run: the record ends after ${truncated.max} frames and decisions (limit: ${truncated.limit})\n`,
    );
  if (values.capture !== undefined && !writeCapture(values.capture, result, terminal)) return 1;
  return result.exitCode;
};

/** What `--json` prints: `run.schema.json` describes it. */
function asJson(result: CommandResult): unknown {
  const { command, exitCode, limit, stdout, stderr, pieces, record } = result;
  return {
    command,
    exitCode,
    ...(limit === undefined ? {} : { limit }),
    stdout,
    stderr,
    pieces,
    hops: hopLines(record),
    record,
  };
}

function detailOf(values: { readonly hops?: boolean; readonly explain?: boolean }): Detail {
  if (values.explain === true) return 'decisions';
  return values.hops === true ? 'hops' : 'output';
}

function writeCapture(file: string, { record }: CommandResult, terminal: Terminal): boolean {
  try {
    writeFileSync(file, pcapng(record));
    return true;
  } catch (error) {
    terminal.err(
      `podwalk run: cannot write ${file}: ${error instanceof Error ? error.message : String(error)}\n`,
    );
    return false;
  }
}

function applyFiles(cluster: Cluster, files: readonly string[], terminal: Terminal): boolean {
  let ok = true;
  for (const file of files) {
    const text = readManifest(file);
    const result = cluster.apply(text, file);
    for (const told of result.diagnostics) terminal.err(diagnosticLine(told, file));
    ok &&= result.ok;
  }
  return ok;
}
