import { execute, IPTABLES_VERSION, type IptablesResult } from './iptables.ts';
import type { IptablesFamily, TableName } from './iptables-rule.ts';
import { tableOf } from './iptables-command.ts';
import { parseArguments } from './iptables-parse.ts';
import type { Ruleset } from './iptables-ruleset.ts';
import { BUILTIN_CHAINS } from './iptables-table.ts';
import type { Netfilter } from './netfilter.ts';

/** `iptables-restore [-n] [-c] [-T TABLE]` with a text at its standard input. A line that fails leaves everything as it was. */
export function iptablesRestore(
  netfilter: Netfilter,
  family: IptablesFamily,
  args: readonly string[],
  text: string,
): IptablesResult {
  const name = family === 'ipv4' ? 'iptables-restore' : 'ip6tables-restore';
  let noflush = false;
  let counters = false;
  let test = false;
  for (let i = 0; i < args.length; i++) {
    const arg = args[i] ?? '';
    if (arg === '-n' || arg === '--noflush') noflush = true;
    else if (arg === '-c' || arg === '--counters') counters = true;
    else if (arg === '-t' || arg === '--test') test = true;
    else if (arg === '-w' || arg === '--wait' || arg === '-v' || arg === '--verbose') {
      if (arg === '-w' && /^\d+$/.test(args[i + 1] ?? '')) i++;
    } else if (arg === '-V' || arg === '--version')
      return { out: `${name} ${IPTABLES_VERSION}\n`, error: '', exitCode: 0 };
    else {
      return {
        out: '',
        error: `${name}: unrecognized option '${arg}'\nTry \`${name} -h' for more information.\n`,
        exitCode: 1,
      };
    }
  }
  const ruleset = netfilter.ruleset(family);
  const undo = ruleset.snapshot();
  const failure = restoreText(ruleset, text, {
    noflush,
    counters,
    name,
    family,
    setExists: (set) => netfilter.sets.has(set),
  });
  if (failure !== undefined || test) undo();
  return failure ?? { out: '', error: '', exitCode: 0 };
}

interface RestoreOptions {
  readonly noflush: boolean;
  readonly counters: boolean;
  readonly name: string;
  readonly family: IptablesFamily;
  readonly setExists: (name: string) => boolean;
}

function restoreText(ruleset: Ruleset, text: string, options: RestoreOptions): IptablesResult | undefined {
  const { name } = options;
  const plain = (message: string, exitCode = 1): IptablesResult => ({
    out: '',
    error: `${message}\n`,
    exitCode,
  });
  let table: TableName | undefined;
  let number = 0;
  const lines = text.split('\n');
  if (lines[lines.length - 1] === '') lines.pop();
  for (const line of lines) {
    number++;
    const helpful = (message: string, at = number): IptablesResult =>
      plain(
        `${name} ${IPTABLES_VERSION}: ${message}\nError occurred at line: ${at}\nTry \`${name} -h' or '${name} --help' for more information.`,
        2,
      );
    if (line === '' || line.startsWith('#')) continue;
    if (line.startsWith('*') && table === undefined) {
      const wanted = line.slice(1).trim();
      table = tableOf(wanted);
      if (table === undefined) return helpful(`${name}: line ${number} table name '${wanted}' invalid`);
      ruleset.table(table);
      if (!options.noflush) {
        for (const chain of ruleset.table(table).all()) chain.setRules([]);
        ruleset.deleteChain(table, undefined);
        for (const hook of BUILTIN_CHAINS[table]) ruleset.chain(table, hook);
      }
    } else if (table === undefined) {
      return plain(`${name}: line ${number} failed`);
    } else if (line === 'COMMIT') {
      table = undefined;
    } else if (line.startsWith(':')) {
      const [, chain = '', policy = '', packets, bytes] =
        /^:(\S+)\s+(\S+)(?:\s+\[(\d+):(\d+)\])?/.exec(line) ?? [];
      if (chain === '' || policy === '') return plain(`${name}: line ${number} policy invalid`);
      const failed = declareChain(
        ruleset,
        table,
        chain,
        policy,
        options,
        Number(packets ?? 0),
        Number(bytes ?? 0),
      );
      if (failed !== undefined) return plain(`${name}: line ${number} failed: ${failed}.`);
    } else {
      const counted = /^\[(\d+):(\d+)\]\s*(.*)$/.exec(line);
      const words = splitWords(counted === null ? line : (counted[3] ?? ''));
      if (words.some((word) => word === '-t' || word.startsWith('--table'))) {
        return helpful(`The -t option cannot be used in ${name}.\n`);
      }
      const command = parseArguments(words, { ...options, table });
      if ('error' in command) return helpful(command.error);
      const withCounts =
        counted !== null && options.counters
          ? { ...command, counters: { packets: Number(counted[1]), bytes: Number(counted[2]) } }
          : command;
      const done = execute(ruleset, table, withCounts);
      if (typeof done !== 'string') {
        if (done.exitCode === 2) {
          // A jump to nowhere is found when the table is committed.
          const commit = lines.indexOf('COMMIT', number - 1);
          return helpful(
            done.message.replace(/^ v1\.8\.9 \(nf_tables\): /, ''),
            commit < 0 ? number : commit + 1,
          );
        }
        if (done.exitCode === 4) {
          return plain(
            `${name} ${IPTABLES_VERSION}: \nline ${number}: ${done.message.replace(/^ v1\.8\.9 \(nf_tables\): {2}/, '')}`,
            4,
          );
        }
        return plain(`${name}: line ${number} failed${done.message}`, 1);
      }
    }
  }
  if (table !== undefined) return plain(`${name}: COMMIT expected at line ${number + 1}`);
  return undefined;
}

function declareChain(
  ruleset: Ruleset,
  table: TableName,
  name: string,
  policy: string,
  options: RestoreOptions,
  packets: number,
  bytes: number,
): string | undefined {
  const builtin = ruleset.table(table).isBuiltin(name);
  if (builtin && policy !== '-' && policy !== 'ACCEPT' && policy !== 'DROP') return 'Bad policy name';
  const known = ruleset.chain(table, name);
  if (known === undefined) ruleset.newChain(table, name);
  const chain = ruleset.chain(table, name);
  if (chain === undefined) return 'No chain/target/match by that name';
  if (!builtin) {
    if (known !== undefined) ruleset.flush(table, name);
    return undefined;
  }
  if (policy === 'ACCEPT' || policy === 'DROP') chain.policy = policy;
  if (options.counters) Object.assign(chain.policyCount, { packets, bytes });
  return undefined;
}

/** Words of a restore line: double quotes group, and a backslash inside them keeps the next character (`add_param_to_argv`). */
export function splitWords(line: string): readonly string[] {
  const words: string[] = [];
  let word = '';
  let started = false;
  let quoted = false;
  for (let i = 0; i < line.length; i++) {
    const character = line[i] ?? '';
    if (quoted && character === '\\') {
      word += line[++i] ?? '';
    } else if (character === '"') {
      quoted = !quoted;
      started = true;
    } else if (!quoted && /\s/.test(character)) {
      if (started) words.push(word);
      word = '';
      started = false;
    } else {
      word += character;
      started = true;
    }
  }
  if (started) words.push(word);
  return words;
}
