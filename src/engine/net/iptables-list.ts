import { addressBits, formatIp, formatPrefix } from './address.ts';
import type { Chain, RuleCount } from './iptables-chain.ts';
import { targetName, type Rule } from './iptables-rule.ts';
import type { Ruleset } from './iptables-ruleset.ts';
import { BUILTIN_CHAINS, type Table } from './iptables-table.ts';
import { protocolName } from './protocol.ts';

export interface ListFormat {
  readonly numeric: boolean;
  readonly verbose: boolean;
  readonly exact: boolean;
  readonly lineNumbers: boolean;
}

/** What `iptables -L` prints for a table or one of its chains. */
export function listTable(
  ruleset: Ruleset,
  table: Table,
  only: string | undefined,
  format: ListFormat,
  position?: number,
): string {
  const sections: string[] = [];
  for (const hook of BUILTIN_CHAINS[table.name]) {
    if (only !== undefined && only !== hook) continue;
    const chain = table.builtin(hook);
    const count = chain?.policyCount ?? { packets: 0, bytes: 0 };
    const counters = format.verbose
      ? ` ${amount(count.packets, format)}packets, ${amount(count.bytes, format)}bytes`
      : '';
    sections.push(
      `Chain ${hook} (policy ${chain?.policy ?? 'ACCEPT'}${counters})\n${rows(chain, format, position)}`,
    );
  }
  const references = ruleset.references(table.name);
  for (const chain of table.userChains()) {
    if (only !== undefined && only !== chain.name) continue;
    sections.push(
      `Chain ${chain.name} (${references.get(chain.name) ?? 0} references)\n${rows(chain, format, position)}`,
    );
  }
  if (position !== undefined)
    return sections.map((section) => section.split('\n').slice(2).join('\n')).join('');
  return sections.join('\n');
}

function amount(value: number, format: ListFormat): string {
  return `${format.exact ? value : scale(value)} `;
}

/** `xtables_print_num`: five digits, then thousands, millions, … */
function scale(value: number): string {
  if (value <= 99999) return String(value);
  let number = value;
  for (const unit of ['K', 'M', 'G', 'T']) {
    number = Math.floor((number + 500) / 1000);
    if (number <= 9999 || unit === 'T') return `${number}${unit}`;
  }
  return String(value);
}

function rows(chain: Chain | undefined, format: ListFormat, position: number | undefined): string {
  let text = format.lineNumbers ? 'num  ' : '';
  if (format.verbose) text += format.exact ? '    pkts      bytes ' : ' pkts bytes ';
  text += 'target     prot opt ';
  if (format.verbose) text += 'in     out     ';
  text += 'source               destination         \n';
  for (const [i, rule] of (chain?.rules ?? []).entries()) {
    if (position !== undefined && position !== i + 1) continue;
    text += `${row(rule, chain?.count(i) ?? { packets: 0, bytes: 0 }, i + 1, format)}\n`;
  }
  return text;
}

function row(rule: Rule, count: RuleCount, number: number, format: ListFormat): string {
  let text = format.lineNumbers ? `${String(number).padEnd(4)} ` : '';
  if (format.verbose) {
    for (const value of [count.packets, count.bytes]) {
      text += format.exact ? `${String(value).padStart(8)} ` : `${scale(value).padStart(5)} `;
    }
  }
  text += `${listedName(rule).padEnd(9)} `;
  text += ruleDetails(rule, format.numeric);
  if (format.verbose) {
    const any = format.numeric ? '*' : 'any';
    text += ` ${interfaceText(rule.inInterface, any).padEnd(6)} ${interfaceText(rule.outInterface, any).padEnd(6)} `;
  }
  text += addressText(rule, 'source', format.numeric) + addressText(rule, 'destination', format.numeric);
  if (rule.target?.kind === 'goto') text += '[goto] ';
  for (const match of rule.matches) text += match.list(format.numeric);
  if (rule.target?.kind === 'extension') text += rule.target.list(format.numeric);
  return text;
}

/** NOTRACK is the CT target under another name. */
function listedName(rule: Rule): string {
  const name = targetName(rule.target);
  return name === 'NOTRACK' ? 'CT' : name;
}

function ruleDetails(rule: Rule, numeric: boolean): string {
  const protocol = rule.protocol?.number ?? 0;
  const name = numeric ? String(protocol) : protocol === 0 ? 'all' : protocolName(protocol);
  const fragment = rule.fragment === undefined ? '--' : rule.fragment.invert ? '!f' : '-f';
  return `${rule.protocol?.invert === true ? '!' : ' '}${name.padEnd(4)} ${fragment} `;
}

function interfaceText(part: Rule['inInterface'], any: string): string {
  return part === undefined ? any : `${part.invert ? '!' : ''}${part.name}`;
}

function addressText(rule: Rule, side: 'source' | 'destination', numeric: boolean): string {
  const part = rule[side];
  const any = numeric ? (rule.family === 'ipv4' ? '0.0.0.0/0' : '::/0') : 'anywhere';
  const text =
    part === undefined
      ? any
      : part.prefix.length === addressBits(part.prefix.ip)
        ? formatIp(part.prefix.ip)
        : formatPrefix(part.prefix);
  return `${part?.invert === true ? '!' : ' '}${text.padEnd(19)} `;
}

/** What `iptables -v -A …` echoes: the same row without its table's columns. */
export function echoRule(rule: Rule): string {
  const any = (part: Rule['inInterface']): string => interfaceText(part, '*');
  const address = (side: 'source' | 'destination'): string => addressText(rule, side, true).trim();
  const fragment = rule.fragment === undefined ? '--' : rule.fragment.invert ? '!f' : '-f';
  const protocol = rule.protocol === undefined ? 'all' : protocolName(rule.protocol.number);
  let text = `${targetName(rule.target)}  ${rule.protocol?.invert === true ? '!' : ''}${protocol} opt ${fragment} in ${any(rule.inInterface)} out ${any(rule.outInterface)}  ${address('source')}  -> ${address('destination')}  `;
  for (const match of rule.matches) text += match.list(true);
  if (rule.target?.kind === 'extension') text += rule.target.list(true);
  return text;
}
