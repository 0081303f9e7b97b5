import { readFileSync, writeFileSync } from 'node:fs';
import { reachPage } from '../../components/reach/page.ts';
import { reachView, type PairView, type ReachView } from '../../components/reach/view.ts';
import { reachEn } from '../../components/strings/reach/en.ts';
import { reachKo } from '../../components/strings/reach/ko.ts';
import { portsText, type ReachStrings } from '../../components/strings/reach/words.ts';
import {
  compareReach,
  Prober,
  readInventory,
  Survey,
  type Inventory,
  type ProbeAnswer,
  type ReachChange,
} from '../engine/reach.ts';
import { readArguments } from './arguments.ts';
import { UsageError, type Command, type Terminal } from './command.ts';
import { languageFor } from './language.ts';
import { diagnosticLine, manifestFiles } from './manifests.ts';
import { textTable } from './text-table.ts';

const options = {
  probes: { type: 'string' },
  diff: { type: 'boolean' },
  json: { type: 'boolean' },
  html: { type: 'string' },
  from: { type: 'string' },
  to: { type: 'string' },
  lang: { type: 'string' },
} as const;

const languages: Readonly<Record<'ko' | 'en', ReachStrings>> = { en: reachEn, ko: reachKo };

/** More cells than this are no table that anybody reads. */
const MOST_PAIRS = 40_000;

/**
 * `podwalk reach FILE…`: who can talk to whom, by policy alone, as a table, `--json` or `--html FILE`; `--probes FILE` answers
 * questions; `--diff OLD NEW` says what a change opens and closes.
 */
export const reach: Command = (args, terminal) => {
  const { values, positionals } = readArguments(args, options);
  const strings = languages[languageFor(values.lang)];
  const ways = (['probes', 'diff', 'html'] as const).filter((way) => values[way] !== undefined);
  if (ways.length > 1) throw new UsageError(`--${ways.join(' and --')} do not go together`);
  if (values.diff === true) {
    const [before, after, ...common] = diffOperands(args, positionals);
    if (before === undefined || after === undefined) throw new UsageError('--diff needs OLD and NEW');
    return tellDifference([before, after], common, values.json === true, strings, terminal);
  }
  if (positionals.length === 0) throw new UsageError('which manifests?');
  const { inventory, refused } = takeStock(positionals, terminal);
  if (values.probes !== undefined) {
    const malformed = answerProbes(inventory, values.probes, strings, terminal);
    return refused || malformed ? 1 : 0;
  }
  const { from, to } = values;
  const survey = new Survey(inventory, { ...(from && { from }), ...(to && { to }) });
  for (const [name, groups] of [
    ['from', survey.sources],
    ['to', survey.destinations],
  ] as const)
    if (values[name] !== undefined && groups.length === 0)
      throw new UsageError(`--${name}: there is no ${values[name]}`);
  const size = survey.sources.length * survey.destinations.length;
  if (size > MOST_PAIRS)
    throw new UsageError(
      `${size} pairs are too many to show: choose some with --from and --to, or ask --probes`,
    );
  const view = reachView(survey);
  if (values.json === true) terminal.out(`${JSON.stringify(jsonOf(view, strings), null, 2)}\n`);
  else if (values.html === undefined) terminal.out(tableOf(view, strings));
  else {
    const css = readFileSync(new URL('../../components/reach/reach.css', import.meta.url), 'utf8');
    const policies = policyCount(inventory, strings);
    writeFileSync(values.html, reachPage(view, strings, { files: positionals, policies, css }));
  }
  return refused ? 1 : 0;
};

/** OLD and NEW stand behind `--diff`; what stands before belongs to both sides. */
function diffOperands(args: readonly string[], positionals: readonly string[]): readonly string[] {
  const behind = args.slice(args.indexOf('--diff') + 1);
  const [before, after] = behind;
  if (before === undefined || after === undefined || before.startsWith('--') || after.startsWith('--'))
    return [];
  const rest = [...positionals];
  for (const name of [before, after]) rest.splice(rest.lastIndexOf(name), 1);
  return [before, after, ...rest];
}

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
function answerProbes(
  inventory: Inventory,
  file: string,
  strings: ReachStrings,
  terminal: Terminal,
): boolean {
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
    out.push(`${JSON.stringify(answerObject(answer, strings))}\n`);
    if (answer.ok) continue;
    malformed = true;
    const { code, message, column } = answer.problem;
    terminal.err(`${file}:${index + 1}:${column} error ${code}  ${message}\n`);
  }
  terminal.out(out.join(''));
  return malformed;
}

function answerObject(answer: ProbeAnswer, strings: ReachStrings): object {
  if (!answer.ok) return { ...answer.given, error: answer.problem.message };
  const { given, probe, verdict } = answer;
  if (verdict.kind === 'self') return { ...given, allowed: true, reason: strings.verdict.self };
  const { allowed, egress, ingress } = verdict;
  return { ...given, allowed, reason: strings.verdict.reason(verdict, probe), egress, ingress };
}

function policyCount({ policies }: Inventory, strings: ReachStrings): string {
  const count = (list: Iterable<unknown> | undefined): number => [...(list ?? [])].length;
  return strings.policies(
    count(policies.networkPolicies),
    count(policies.adminNetworkPolicies) + count(policies.baselineAdminNetworkPolicies),
  );
}

function reasonOf(
  { from, to, asked, verdict }: Pick<PairView, 'from' | 'to' | 'asked' | 'verdict'>,
  strings: ReachStrings,
): string {
  if (asked === undefined || verdict === undefined) return '';
  return `${asked.protocol} ${asked.port}: ${strings.verdict.reason(verdict, { from, to, ...asked })}`;
}

function tableOf(view: ReachView, strings: ReachStrings): string {
  if (view.pairs.length === 0) return `${strings.nothing}\n`;
  const rows = view.pairs
    .filter(({ state }) => state !== 'outside' && state !== 'self')
    .map((pair) => [pair.from, pair.to, portsText(pair.ports, strings), reasonOf(pair, strings)]);
  return textTable([strings.from, strings.to, strings.ports, strings.because], rows);
}

function jsonOf({ sources, destinations, pairs }: ReachView, strings: ReachStrings): object {
  return {
    sources,
    destinations,
    pairs: pairs
      .filter(({ state }) => state !== 'outside')
      .map(({ verdict, ...pair }) =>
        verdict === undefined
          ? pair
          : {
              ...pair,
              reason: reasonOf({ ...pair, verdict }, strings),
              egress: verdict.egress,
              ingress: verdict.ingress,
            },
      ),
  };
}

/** As diff(1) exits: 0 when nothing changes, 1 when something does, 2 when a side could not be read whole. */
function tellDifference(
  [before, after]: readonly [string, string],
  common: readonly string[],
  asJson: boolean,
  strings: ReachStrings,
  terminal: Terminal,
): number {
  const old = takeStock([...common, before], terminal);
  const now = takeStock([...common, after], terminal);
  const { changes, added, removed } = compareReach(old.inventory, now.inventory);
  const reason = ({ from, to, port, verdict }: ReachChange): string =>
    reasonOf({ from: from.name, to: to.name, asked: port, verdict }, strings);
  if (asJson) {
    const shown = changes.map(({ from, to, verdict, ...change }) => ({
      from: from.name,
      to: to.name,
      fromMembers: from.members,
      toMembers: to.members,
      ...change,
      reason: reason({ from, to, verdict, ...change }),
      egress: verdict.egress,
      ingress: verdict.ingress,
    }));
    terminal.out(`${JSON.stringify({ changes: shown, added, removed }, null, 2)}\n`);
  } else {
    const { diff } = strings;
    if (changes.length === 0) terminal.out(`${diff.unchanged}\n`);
    else
      terminal.out(
        textTable(
          ['', strings.from, strings.to, strings.ports, strings.because],
          changes.map((change) => [
            `${change.change === 'opened' ? '+' : '-'} ${diff[change.change]}`,
            change.from.name,
            change.to.name,
            portsText(change.ports, strings),
            reason(change),
          ]),
        ),
      );
    for (const [word, names] of [
      [diff.added, added],
      [diff.removed, removed],
    ] as const)
      if (names.length > 0) terminal.out(`${word}: ${names.join(', ')}\n`);
  }
  if (old.refused || now.refused) return 2;
  return changes.length === 0 ? 0 : 1;
}
