import { readFileSync } from 'node:fs';
import { verdictEn } from '../../components/strings/verdict/en.ts';
import { verdictKo } from '../../components/strings/verdict/ko.ts';
import type { VerdictWords } from '../../components/strings/verdict/words.ts';
import { Prober, readInventory, type Inventory, type ProbeAnswer } from '../engine/reach.ts';
import { readArguments } from './arguments.ts';
import { UsageError, type Command, type Terminal } from './command.ts';
import { languageFor } from './language.ts';
import { diagnosticLine, manifestFiles } from './manifests.ts';

const options = {
  probes: { type: 'string' },
  lang: { type: 'string' },
} as const;

const languages: Readonly<Record<'ko' | 'en', VerdictWords>> = { en: verdictEn, ko: verdictKo };

/** `podwalk reach FILE… [--probes FILE.jsonl]`: who can talk to whom, by policy alone. */
export const reach: Command = (args, terminal) => {
  const { values, positionals } = readArguments(args, options);
  const words = languages[languageFor(values.lang)];
  if (positionals.length === 0) throw new UsageError('which manifests?');
  const { inventory, refused } = takeStock(positionals, terminal);
  if (values.probes === undefined) throw new UsageError('--probes is missing');
  const malformed = answerProbes(inventory, values.probes, words, terminal);
  return refused || malformed ? 1 : 0;
};

/** What the files say; `refused` when the API server would not take something that policies look at. */
function takeStock(
  names: readonly string[],
  terminal: Terminal,
): { readonly inventory: Inventory; readonly refused: boolean } {
  const inventory = readInventory(manifestFiles(names));
  for (const told of inventory.diagnostics) terminal.err(diagnosticLine(told, ''));
  return { inventory, refused: inventory.diagnostics.some(({ severity }) => severity === 'error') };
}

/** A line for each line, in the same order; true when one of them could not be answered. */
function answerProbes(inventory: Inventory, file: string, words: VerdictWords, terminal: Terminal): boolean {
  let text: string;
  try {
    text = readFileSync(file === '-' ? 0 : file, 'utf8');
  } catch {
    throw new UsageError(`cannot read ${file}`);
  }
  const prober = new Prober(inventory);
  let malformed = false;
  const out: string[] = [];
  for (const [index, line] of text
    .replace(/^\uFEFF/, '')
    .split(/\r?\n/)
    .entries()) {
    if (line.trim() === '') continue;
    const answer = prober.answer(line);
    out.push(`${JSON.stringify(answerObject(answer, words))}\n`);
    if (answer.ok) continue;
    malformed = true;
    const { code, message, column } = answer.problem;
    terminal.err(`${file}:${index + 1}:${column} error ${code}  ${message}\n`);
  }
  terminal.out(out.join(''));
  return malformed;
}

function answerObject(answer: ProbeAnswer, words: VerdictWords): object {
  if (!answer.ok) return { ...answer.given, error: answer.problem.message };
  const { given, probe, verdict } = answer;
  if (verdict.kind === 'self') return { ...given, allowed: true, reason: words.self };
  const { allowed, egress, ingress } = verdict;
  return { ...given, allowed, reason: words.reason(verdict, probe), egress, ingress };
}
