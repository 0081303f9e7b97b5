import { formatIp } from '../address.ts';
import type { Chain } from '../iptables-chain.ts';
import { targetName, type Match, type Rule, type TableName, type Target } from '../iptables-rule.ts';
import type { Ruleset } from '../iptables-ruleset.ts';
import type { Table } from '../iptables-table.ts';
import { protocolName } from '../protocol.ts';
import { ICMP_TYPE, ICMPV6_TYPE } from './datatype.ts';
import { formatPriority } from './priority.ts';

/** iptables' tables as nft lists them: iptables-nft keeps its rules in nftables, some of them in extensions that nft translates. */
export interface IptablesListing {
  readonly lines: readonly string[];
  /** Told on stderr where a rule holds an extension. */
  readonly warning: string | undefined;
}

const PRIORITIES: Readonly<Record<TableName, number>> = {
  raw: -300,
  mangle: -150,
  filter: 0,
  security: 50,
  nat: -100,
};

/** All tables, or the one that is picked, or one chain of it. */
export function listIptables(
  ruleset: Ruleset,
  options: { readonly stateless: boolean },
  pick: { readonly table?: string; readonly chain?: string } = {},
): IptablesListing[] {
  const family = ruleset.family === 'ipv4' ? 'ip' : 'ip6';
  return [...ruleset.tables.values()].flatMap((table) => {
    if (table.empty || (pick.table !== undefined && pick.table !== table.name)) return [];
    const lines = [`table ${family} ${table.name} {`];
    let extensions = false;
    const chains = table.all().filter(({ name }) => pick.chain === undefined || pick.chain === name);
    for (const [i, chain] of chains.entries()) {
      if (i > 0) lines.push('');
      lines.push(`\tchain ${chain.name} {`, ...headOf(table, chain));
      for (const [at, rule] of chain.rules.entries()) {
        const { text, extended } = ruleText(rule, chain, at, options);
        extensions ||= extended;
        lines.push(`\t\t${text}`);
      }
      lines.push('\t}');
    }
    lines.push('}');
    const warning = `# Warning: table ${family} ${table.name} is managed by iptables-nft, do not touch!\n`;
    return [{ lines, warning: extensions ? warning : undefined }];
  });
}

function headOf(table: Table, { hook, policy }: Chain): string[] {
  if (hook === undefined) return [];
  const type =
    table.name === 'nat' ? 'nat' : table.name === 'mangle' && hook === 'OUTPUT' ? 'route' : 'filter';
  const source = hook === 'POSTROUTING' || hook === 'INPUT';
  const priority = table.name === 'nat' && source ? 100 : PRIORITIES[table.name];
  return [
    `\t\ttype ${type} hook ${hook.toLowerCase()} priority ${formatPriority(priority, hook)}; policy ${policy.toLowerCase()};`,
  ];
}

interface Part {
  readonly text: string;
  /** Held in an extension of xtables. */
  readonly extended: boolean;
}

function ruleText(
  rule: Rule,
  chain: Chain,
  at: number,
  options: { readonly stateless: boolean },
): { readonly text: string; readonly extended: boolean } {
  const matches = rule.matches.map((match) => matchPart(match, rule));
  const target = targetPart(rule.target, rule);
  const { packets, bytes } = chain.count(at);
  // What reads ports asks for the protocol itself, unless an extension stands between.
  const first = matches[0];
  const implied =
    first?.extended === false && (rule.matches[0]?.name === 'tcp' || rule.matches[0]?.name === 'udp');
  const words = [
    ...headWords(rule, implied),
    ...matches.map(({ text }) => text),
    options.stateless ? 'counter' : `counter packets ${packets} bytes ${bytes}`,
    ...(target === undefined ? [] : [target.text]),
  ];
  const extended = matches.some((part) => part.extended) || target?.extended === true;
  return { text: words.join(' '), extended };
}

function headWords(rule: Rule, implied: boolean): string[] {
  const ip = rule.family === 'ipv4' ? 'ip' : 'ip6';
  const not = (part: { readonly invert: boolean }): string => (part.invert ? '!= ' : '');
  const words: string[] = [];
  const { inInterface, outInterface, protocol, source, destination, fragment } = rule;
  if (inInterface !== undefined) words.push(`iifname ${not(inInterface)}"${starred(inInterface.name)}"`);
  if (outInterface !== undefined) words.push(`oifname ${not(outInterface)}"${starred(outInterface.name)}"`);
  if (protocol !== undefined && !implied)
    words.push(`meta l4proto ${not(protocol)}${protocolName(protocol.number)}`);
  for (const [side, given] of [
    ['saddr', source],
    ['daddr', destination],
  ] as const) {
    if (given === undefined) continue;
    const { prefix } = given;
    const whole = prefix.length === (rule.family === 'ipv4' ? 32 : 128);
    words.push(`${ip} ${side} ${not(given)}${formatIp(prefix.ip)}${whole ? '' : `/${prefix.length}`}`);
  }
  if (fragment !== undefined) words.push(`ip frag-off & 8191 ${fragment.invert ? '==' : '!='} 0`);
  return words;
}

function starred(name: string): string {
  return name.endsWith('+') ? `${name.slice(0, -1)}*` : name;
}

/** The options of an extension as `iptables-save` prints them: name → whether it is inverted, and its value. */
function optionsOf(save: string): ReadonlyMap<string, { readonly not: string; readonly value: string }> {
  const found = new Map<string, { not: string; value: string }>();
  for (const [, bang, name = '', value = ''] of save.matchAll(
    / (! )?--([a-z0-9-]+)((?: (?!!|--)(?:"[^"]*"|\S+))*)/g,
  ))
    found.set(name, { not: bang === undefined ? '' : '!= ', value: value.trim() });
  return found;
}

const NATIVE = (text: string): Part => ({ text, extended: false });
const EXTENDED = (text: string): Part => ({ text, extended: true });

function matchPart(match: Match, rule: Rule): Part {
  const options = optionsOf(match.save);
  const option = (name: string) => options.get(name);
  const range = (text: string): string => text.replace(':', '-');
  switch (match.name) {
    case 'tcp':
    case 'udp': {
      const words = ['sport', 'dport'].flatMap((name) => {
        const given = option(name);
        return given === undefined ? [] : [`${match.name} ${name} ${given.not}${range(given.value)}`];
      });
      const flags = option('tcp-flags');
      if (flags !== undefined) words.push(flagsText(flags));
      return words.length === 0 ? EXTENDED('') : NATIVE(words.join(' '));
    }
    case 'mark': {
      const given = option('mark');
      const [value = '0', mask] = (given?.value ?? '').split('/');
      const sign = given?.not === '' ? '==' : '!=';
      if (mask === undefined) return NATIVE(`meta mark ${given?.not ?? ''}${hex8(value)}`);
      return NATIVE(`meta mark & ${hex8(mask)} ${sign} ${hex8(value)}`);
    }
    case 'limit': {
      const rate = (option('limit')?.value ?? '').replace('sec', 'second').replace(/min$/, 'minute');
      const burst = option('limit-burst')?.value;
      return NATIVE(`limit rate ${rate}${burst === undefined ? '' : ` burst ${burst} packets`}`);
    }
    case 'comment':
      return EXTENDED('');
    case 'conntrack':
    case 'state':
      return EXTENDED(stateText(option('ctstate') ?? option('state')) ?? `xt match ${match.name}`);
    case 'connmark': {
      const given = option('mark');
      const [value = '', mask] = (given?.value ?? '').split('/');
      if (mask === undefined) return EXTENDED(`ct mark ${given?.not ?? ''}${value}`);
      return EXTENDED(`ct mark and ${mask} ${given?.not === '' ? '==' : '!='} ${value}`);
    }
    case 'addrtype': {
      const source = option('src-type');
      const given = source ?? option('dst-type');
      const device = options.has('limit-iface-in')
        ? ' . iif'
        : options.has('limit-iface-out')
          ? ' . oif'
          : '';
      const types = (given?.value ?? '').toLowerCase().split(',');
      const list = types.length === 1 ? (types[0] ?? '') : `{ ${types.join(', ')} }`;
      return EXTENDED(
        `fib ${source === undefined ? 'daddr' : 'saddr'}${device} type ${given?.not ?? ''}${list}`,
      );
    }
    case 'statistic': {
      const every = option('every');
      const { value = '', not = '' } = option('probability') ?? {};
      if (every !== undefined)
        return EXTENDED(`numgen inc mod ${every.value} ${every.not}${option('packet')?.value ?? '0'}`);
      return EXTENDED(
        `meta random & 2147483647 ${not === '' ? '<' : '>='} ${Math.round(Number(value) * 0x8000_0000)}`,
      );
    }
    case 'multiport': {
      const given = option('dports') ?? option('sports');
      if (given === undefined) return EXTENDED('xt match multiport');
      const ports = given.value.split(',').map(range);
      const list = ports.length === 1 ? (ports[0] ?? '') : `{ ${ports.join(', ')} }`;
      const protocol = rule.protocol === undefined ? 'th' : protocolName(rule.protocol.number);
      return EXTENDED(`${protocol} ${options.has('dports') ? 'dport' : 'sport'} ${given.not}${list}`);
    }
    case 'icmp':
    case 'icmp6': {
      const given = option('icmp-type') ?? option('icmpv6-type');
      const type = match.name === 'icmp' ? ICMP_TYPE : ICMPV6_TYPE;
      if (given === undefined || !/^\d+$/.test(given.value)) return EXTENDED(`xt match ${match.name}`);
      const word = match.name === 'icmp' ? 'icmp' : 'icmpv6';
      return EXTENDED(`${word} type ${given.not}${type.format(Number(given.value))}`);
    }
    case 'iprange': {
      const words = (['src-range', 'dst-range'] as const).flatMap((name) => {
        const given = option(name);
        return given === undefined
          ? []
          : [`ip ${name === 'src-range' ? 'saddr' : 'daddr'} ${given.not}${given.value}`];
      });
      return EXTENDED(words.join(' '));
    }
    case 'length': {
      const given = option('length');
      return EXTENDED(`meta length ${given?.not ?? ''}${range(given?.value ?? '')}`);
    }
    case 'ttl': {
      const [[name = '', given] = []] = options;
      const sign = { 'ttl-lt': 'lt ', 'ttl-gt': 'gt ' }[name] ?? given?.not ?? '';
      return EXTENDED(`ip ttl ${sign}${given?.value ?? ''}`);
    }
    case 'mac': {
      const given = option('mac-source');
      return EXTENDED(`ether saddr ${given?.not ?? ''}${(given?.value ?? '').toLowerCase()}`);
    }
    default:
      return EXTENDED(`xt match ${match.name}`);
  }
}

const FLAG_ORDER = ['fin', 'syn', 'rst', 'psh', 'ack', 'urg'];

function flagsText({ not, value }: { readonly not: string; readonly value: string }): string {
  const [mask = '', set = ''] = value.toLowerCase().split(' ');
  const sorted = (list: string): string => {
    const given = list.split(',');
    return FLAG_ORDER.filter((flag) => given.includes(flag)).join(',');
  };
  return `tcp flags ${not}${sorted(set)} / ${sorted(mask)}`;
}

/** A state of NAT among them hides the others, as in the translation of xtables. */
function stateText(given: { readonly not: string; readonly value: string } | undefined): string | undefined {
  if (given === undefined) return undefined;
  const states = given.value.toLowerCase().split(',');
  const nat = states.filter((state) => state === 'snat' || state === 'dnat');
  if (nat.length > 0) return `ct status ${nat.join(',')}`;
  return `ct state ${given.not === '' ? '' : '! '}${states.join(',')}`;
}

function hex8(text: string): string {
  return `0x${(Number(text) >>> 0).toString(16).padStart(8, '0')}`;
}

function targetPart(target: Target | undefined, rule: Rule): Part | undefined {
  if (target === undefined) return undefined;
  switch (target.kind) {
    case 'verdict':
      return NATIVE(target.verdict.toLowerCase());
    case 'jump':
    case 'goto':
      return NATIVE(`${target.kind} ${target.chain}`);
    case 'extension':
      return EXTENDED(
        extensionText(target.name, optionsOf(target.save), rule) ?? `xt target ${targetName(target)}`,
      );
  }
}

function extensionText(name: string, options: ReturnType<typeof optionsOf>, rule: Rule): string | undefined {
  const value = (option: string): string | undefined => options.get(option)?.value;
  const flags = ['random', 'random-fully', 'persistent'].filter((flag) => options.has(flag));
  const words = flags.map((flag) => (flag === 'random-fully' ? 'fully-random' : flag)).join(',');
  const tail = words === '' ? '' : ` ${words}`;
  const ports = value('to-ports');
  switch (name) {
    case 'REJECT':
      return rejectText(value('reject-with') ?? '', rule);
    case 'LOG': {
      const level = value('log-level');
      const prefix = value('log-prefix');
      const quoted = prefix?.startsWith('"') === true ? prefix : `"${prefix ?? ''}"`;
      return `log${prefix === undefined ? '' : ` prefix ${quoted}`}${level === undefined ? '' : ` level ${LEVELS[Number(level)] ?? level}`}`;
    }
    case 'DNAT':
      return `dnat to ${value('to-destination') ?? ''}${tail}`;
    case 'SNAT':
      return `snat to ${value('to-source') ?? ''}${tail}`;
    case 'MASQUERADE':
    case 'REDIRECT':
      return `${name.toLowerCase()}${ports === undefined ? '' : ` to :${ports}`}${tail}`;
    case 'MARK':
      return `meta mark set ${markText(value('set-xmark') ?? '', 'mark')}`;
    case 'CONNMARK': {
      const mark = value('set-xmark');
      if (mark !== undefined) return `ct mark set ${markText(mark, 'ct mark')}`;
      return options.has('save-mark') ? 'ct mark set mark' : 'meta mark set ct mark';
    }
    case 'TCPMSS':
      return `tcp option maxseg size set ${value('set-mss') ?? 'rt mtu'}`;
    default:
      return undefined;
  }
}

const LEVELS = ['emerg', 'alert', 'crit', 'err', 'warn', 'notice', 'info', 'debug'];

function rejectText(type: string, rule: Rule): string {
  if (type === 'tcp-reset') return 'reject with tcp reset';
  if (type.endsWith('-port-unreachable')) return 'reject';
  if (rule.family === 'ipv4') return `reject with icmp type ${type.replace(/^icmp-/, '')}`;
  const name = type.replace(/^icmp6-/, '').replace('adm-', 'admin-');
  return `reject with icmpv6 type ${name}`;
}

function markText(xmark: string, source: string): string {
  const [value = 0, mask = 0xffffffff] = xmark.split('/').map((part) => Number(part) >>> 0);
  const hex = (number: number): string => `0x${(number >>> 0).toString(16)}`;
  if (mask === 0xffffffff) return hex(value);
  if (mask === 0) return `${source} xor ${hex(value)}`;
  if (value === mask) return `${source} or ${hex(value)}`;
  if (value === 0) return `${source} and ${hex(~mask)}`;
  return `${source} and ${hex(~mask)} xor ${hex(value)}`;
}
