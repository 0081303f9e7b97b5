import type { IptablesFamily, Rule, TableName } from './iptables-rule.ts';
import { echoRule, listTable } from './iptables-list.ts';
import { tableOf, type IptablesCommand, type ParsedRule } from './iptables-command.ts';
import { parseArguments } from './iptables-parse.ts';
import type { Refusal, Ruleset } from './iptables-ruleset.ts';
import { listRules, saveTable } from './iptables-save.ts';
import { TABLE_ORDER } from './iptables-table.ts';
import type { Netfilter } from './netfilter.ts';

export interface IptablesResult {
  readonly out: string;
  readonly error: string;
  readonly exitCode: number;
}

export const IPTABLES_VERSION = 'v1.8.9 (nf_tables)';

/** `iptables ARGS` or `ip6tables ARGS` in a namespace: what it prints and how it exits. */
export function iptables(
  netfilter: Netfilter,
  family: IptablesFamily,
  args: readonly string[],
): IptablesResult {
  const name = family === 'ipv4' ? 'iptables' : 'ip6tables';
  const tail = `Try \`${name} -h' or '${name} --help' for more information.\n`;
  if (args.includes('-V') || args.includes('--version'))
    return { out: `${name} ${IPTABLES_VERSION}\n`, error: '', exitCode: 0 };
  if (args.includes('-h') || args.includes('--help')) return { out: usage(name), error: '', exitCode: 0 };
  const command = parseArguments(args, { family, setExists: (set) => netfilter.sets.has(set) });
  if ('error' in command) {
    const prefix = command.prefixed ? `${name} ${IPTABLES_VERSION}: ` : '';
    return { out: '', error: `${prefix}${command.error}\n${tail}`, exitCode: 2 };
  }
  const table = tableOf(command.table);
  if (table === undefined) {
    return {
      out: '',
      error: `${name} ${IPTABLES_VERSION}: table '${command.table}' does not exist\nPerhaps ${name} or your kernel needs to be upgraded.\n`,
      exitCode: 3,
    };
  }
  const done = execute(netfilter.ruleset(family), table, command);
  if (typeof done === 'string') return { out: done, error: '', exitCode: 0 };
  return {
    out: '',
    error: `${name}${done.message}\n${done.exitCode === 2 ? tail : ''}`,
    exitCode: done.exitCode,
  };
}

const OPERATION_NAMES = { append: 'RULE_APPEND', insert: 'RULE_INSERT', replace: 'RULE_REPLACE' } as const;

/** Runs one parsed command; what it prints, or why not. */
export function execute(ruleset: Ruleset, table: TableName, command: IptablesCommand): string | Refusal {
  const { operation } = command;
  switch (operation.kind) {
    case 'append':
    case 'insert':
    case 'replace': {
      let echo = '';
      for (const [i, parsed] of operation.rules.entries()) {
        const missing = 'rule' in parsed ? ruleset.checkJump(table, parsed.rule) : undefined;
        if (missing !== undefined) return missing;
        if ('kernel' in parsed) {
          const chain = ruleset.chain(table, operation.chain);
          if (chain === undefined) return { message: ': No chain/target/match by that name.', exitCode: 1 };
          if (operation.kind === 'insert' && operation.position - 1 > chain.rules.length) {
            return { message: ': Index of insertion too big.', exitCode: 1 };
          }
          const empty = operation.kind === 'insert' && chain.rules.length === 0;
          return kernelRefusal(
            empty ? 'RULE_APPEND' : OPERATION_NAMES[operation.kind],
            parsed.kernel,
            operation.chain,
          );
        }
        const refusal =
          operation.kind === 'append'
            ? ruleset.insert(table, operation.chain, parsed.rule)
            : operation.kind === 'insert'
              ? ruleset.insert(table, operation.chain, parsed.rule, operation.position + i)
              : ruleset.replace(table, operation.chain, operation.position, parsed.rule);
        if (refusal !== undefined) return refusal;
        setCounters(ruleset, table, operation, i, command);
        if (command.verbose) echo += `${echoRule(parsed.rule)}\n`;
      }
      return echo;
    }
    case 'delete':
      return eachRule(
        ruleset,
        table,
        operation.rules,
        (rule) => ruleset.delete(table, operation.chain, rule),
        command,
      );
    case 'check':
      return eachRule(
        ruleset,
        table,
        operation.rules,
        (rule) => ruleset.check(table, operation.chain, rule),
        command,
      );
    case 'delete-number':
      return ruleset.deleteNumber(table, operation.chain, operation.position) ?? '';
    case 'list':
    case 'list-rules': {
      const { chain } = operation;
      const known = ruleset.table(table);
      if (chain !== undefined && !known.has(chain) && !known.isBuiltin(chain)) {
        return {
          message: ` ${IPTABLES_VERSION}: chain \`${chain}' in table \`${table}' is incompatible, use 'nft' tool.`,
          exitCode: 1,
        };
      }
      if (operation.kind === 'list') return listTable(ruleset, known, chain, command, operation.position);
      const lines = listRules(known, chain === undefined ? undefined : [chain], command.verbose);
      const rows =
        operation.position === undefined ? lines : lines.slice(operation.position, operation.position + 1);
      return rows.map((line) => `${line}\n`).join('');
    }
    case 'flush':
      return ruleset.flush(table, operation.chain) ?? '';
    case 'zero':
      return ruleset.zero(table, operation.chain, operation.position) ?? '';
    case 'new-chain':
      return ruleset.newChain(table, operation.chain) ?? '';
    case 'delete-chain':
      return ruleset.deleteChain(table, operation.chain) ?? '';
    case 'rename-chain':
      return ruleset.renameChain(table, operation.chain, operation.name) ?? '';
    case 'policy':
      return ruleset.setPolicy(table, operation.chain, operation.policy) ?? '';
  }
}

function kernelRefusal(operation: string, reason: string, chain: string): Refusal {
  return {
    message: ` ${IPTABLES_VERSION}:  ${operation} failed (${reason}): rule in chain ${chain}`,
    exitCode: 4,
  };
}

function eachRule(
  ruleset: Ruleset,
  table: TableName,
  rules: readonly ParsedRule[],
  act: (rule: Rule) => Refusal | undefined,
  command: IptablesCommand,
): string | Refusal {
  let echo = '';
  for (const parsed of rules) {
    const missing = 'rule' in parsed ? ruleset.checkJump(table, parsed.rule) : undefined;
    if (missing !== undefined) return missing;
    if ('kernel' in parsed)
      return { message: ': Bad rule (does a matching rule exist in that chain?).', exitCode: 1 };
    const refusal = act(parsed.rule);
    if (refusal !== undefined) return refusal;
    if (command.verbose) echo += `${echoRule(parsed.rule)}\n`;
  }
  return echo;
}

function setCounters(
  ruleset: Ruleset,
  table: TableName,
  operation: Extract<IptablesCommand['operation'], { kind: 'append' | 'insert' | 'replace' }>,
  i: number,
  command: IptablesCommand,
): void {
  if (command.counters === undefined) return;
  const chain = ruleset.chain(table, operation.chain);
  const at =
    operation.kind === 'append'
      ? (chain?.rules.length ?? 1) - 1
      : operation.kind === 'insert'
        ? operation.position - 1 + i
        : operation.position - 1;
  chain?.setCount(at, command.counters);
}

/** `iptables-save [-c] [-t TABLE]`; `date` is what its comments say. */
export function iptablesSave(
  netfilter: Netfilter,
  family: IptablesFamily,
  args: readonly string[],
  date: string,
): IptablesResult {
  const name = family === 'ipv4' ? 'iptables-save' : 'ip6tables-save';
  let counters = false;
  let only: string | undefined;
  for (let i = 0; i < args.length; i++) {
    const arg = args[i] ?? '';
    if (arg === '-c' || arg === '--counters') counters = true;
    else if (arg === '-t' || arg === '--table') only = args[++i];
    else if (arg === '-V' || arg === '--version')
      return { out: `${name} ${IPTABLES_VERSION}\n`, error: '', exitCode: 0 };
    else return { out: '', error: 'Unknown arguments found on commandline\n', exitCode: 1 };
  }
  const ruleset = netfilter.ruleset(family);
  if (only !== undefined && tableOf(only) === undefined) {
    return { out: '', error: `${name} ${IPTABLES_VERSION}: Table '${only}' does not exist\n`, exitCode: 1 };
  }
  let out = '';
  for (const tableName of TABLE_ORDER) {
    const table = ruleset.tables.get(tableName);
    if (table === undefined || table.empty || (only !== undefined && only !== tableName)) continue;
    out += `# Generated by ${name} ${IPTABLES_VERSION} on ${date}\n`;
    out += saveTable(table, counters)
      .map((line) => `${line}\n`)
      .join('');
    out += `# Completed on ${date}\n`;
  }
  return { out, error: '', exitCode: 0 };
}

function usage(name: string): string {
  return `${name} ${IPTABLES_VERSION}

Usage: ${name} -[ACD] chain rule-specification [options]
       ${name} -I chain [rulenum] rule-specification [options]
       ${name} -R chain rulenum rule-specification [options]
       ${name} -D chain rulenum [options]
       ${name} -[LS] [chain [rulenum]] [options]
       ${name} -[FZ] [chain] [options]
       ${name} -[NX] chain
       ${name} -E old-chain-name new-chain-name
       ${name} -P chain target [options]
       ${name} -h (print this help information)
`;
}
