import { readFileSync } from 'node:fs';
import type { ClusterOptions, Diagnostic } from '../engine/index.ts';
import { UsageError } from './command.ts';

/** The options that make a cluster. */
export const clusterOptionArguments = {
  nodes: { type: 'string' },
  cni: { type: 'string' },
  proxy: { type: 'string' },
  'pod-cidr': { type: 'string' },
  'service-cidr': { type: 'string' },
  seed: { type: 'string' },
} as const;

export function clusterOptions(
  values: Readonly<Record<string, string | boolean | undefined>>,
): ClusterOptions {
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

/** What stands behind `--`: one word is a line of the shell, as `sh -c` takes it; several are a command and its arguments. */
export function commandLine(words: readonly string[]): string {
  const command = words.length === 1 ? (words[0] ?? '') : words.map(quote).join(' ');
  if (command.trim() === '') throw new UsageError('the command behind "--" is empty');
  return command;
}

export function readManifest(file: string): string {
  try {
    return readFileSync(file === '-' ? 0 : file, 'utf8');
  } catch {
    throw new UsageError(`cannot read ${file}`);
  }
}

/** What is wrong with an option, and what to do about it. */
export function optionProblem({ message, hint }: Diagnostic): string {
  return `${message}${hint === undefined ? '' : ` (${hint})`}\n`;
}

/** A word as the shell reads it back. */
function quote(word: string): string {
  return /^[\w@%+=:,./-]+$/.test(word) ? word : `'${word.replaceAll("'", `'\\''`)}'`;
}
