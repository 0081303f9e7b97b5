import { formatIp, formatPrefix, parsePrefix, prefixContains, type Prefix } from '../address.ts';
import type { CtEntry } from '../conntrack.ts';
import { bang, mustSpecify, type MatchExtension, type OptionSpec } from '../iptables-extension.ts';
import { parseInteger } from '../iptables-rule.ts';
import type { Flow } from '../netfilter-flow.ts';
import { protocolNumber } from '../protocol.ts';
import type { CtState } from '../skb.ts';

/** In the order in which they are printed (extensions/libxt_conntrack.c). */
const STATES = ['INVALID', 'NEW', 'RELATED', 'ESTABLISHED', 'UNTRACKED', 'SNAT', 'DNAT'] as const;
const STATUSES = ['NONE', 'EXPECTED', 'SEEN_REPLY', 'ASSURED', 'CONFIRMED'] as const;

/** The words of a comma list, or the first one that is none; a prefix in any case will do, as `strncasecmp` reads them. */
function parseWords<W extends string>(text: string, words: readonly W[]): readonly W[] | undefined {
  const found = new Set<W>();
  for (const part of text.split(',')) {
    const word = words.find((candidate) => candidate === part.toUpperCase());
    if (word === undefined) return undefined;
    found.add(word);
  }
  return words.filter((word) => found.has(word));
}

/** Bits of the states, in the order in which they are printed; SNAT and DNAT are tested on the connection. */
const BITS: Readonly<Record<CtState, number>> = {
  INVALID: 1,
  NEW: 2,
  RELATED: 4,
  ESTABLISHED: 8,
  UNTRACKED: 16,
};
const SNAT = 32;
const DNAT = 64;

function maskOf(states: readonly string[]): number {
  return states.reduce((mask, state) => mask | (1 << STATES.findIndex((name) => name === state)), 0);
}

function hasState({ skb }: Flow, mask: number): boolean {
  if ((BITS[skb.ctState ?? 'INVALID'] & mask) !== 0) return true;
  if (mask < SNAT || skb.ct === undefined) return false;
  return ((mask & SNAT) !== 0 && skb.ct.srcNat) || ((mask & DNAT) !== 0 && skb.ct.dstNat);
}

const ADDRESSES = ['ctorigsrc', 'ctorigdst', 'ctreplsrc', 'ctrepldst'] as const;
const PORTS = ['ctorigsrcport', 'ctorigdstport', 'ctreplsrcport', 'ctrepldstport'] as const;

const OPTIONS: readonly OptionSpec[] = [
  { name: 'ctstate', argument: 'required', invertible: true },
  { name: 'ctproto', argument: 'required', invertible: true },
  ...ADDRESSES.map((name) => ({ name, argument: 'required', invertible: true }) as const),
  ...PORTS.map((name) => ({ name, argument: 'required', invertible: true }) as const),
  { name: 'ctstatus', argument: 'required', invertible: true },
  { name: 'ctexpire', argument: 'required', invertible: true },
  { name: 'ctdir', argument: 'required' },
];

interface Condition {
  readonly option: string;
  readonly text: string;
  readonly invert: boolean;
  readonly test: (flow: Flow, ct: CtEntry) => boolean;
}

/** Where the tuple of a connection keeps what an option names. */
function side(ct: CtEntry, name: string): { readonly ip: number; readonly port: number } {
  const tuple = name.startsWith('ctorig') ? ct.original : ct.reply;
  return name.includes('src') ? { ip: tuple.src, port: tuple.sport } : { ip: tuple.dst, port: tuple.dport };
}

export const conntrack: MatchExtension = {
  name: 'conntrack',
  options: OPTIONS,
  create(given) {
    if (given.size === 0) return { error: 'conntrack: At least one option is required' };
    const conditions: Condition[] = [];
    let stateHolds: ((flow: Flow) => boolean) | undefined;
    for (const { name } of OPTIONS) {
      const option = given.get(name);
      if (option === undefined) continue;
      const { value, invert } = option;
      if (name === 'ctstate') {
        const states = parseWords(value, STATES);
        if (states === undefined) return { error: `Bad ctstate "${value}"` };
        const mask = maskOf(states);
        // A packet without a connection has a state too, so this condition is asked apart from the others.
        stateHolds = (flow) => hasState(flow, mask) !== invert;
        conditions.push({
          option: name,
          text: states.join(','),
          invert,
          test: (flow) => hasState(flow, mask),
        });
      } else if (name === 'ctstatus') {
        const statuses = parseWords(value, STATUSES);
        if (statuses === undefined) return { error: `Bad ctstatus "${value}"` };
        conditions.push({
          option: name,
          text: statuses.join(','),
          invert,
          test: (_flow, ct) =>
            (statuses.includes('NONE') && !ct.confirmed && !ct.seenReply) ||
            (statuses.includes('SEEN_REPLY') && ct.seenReply) ||
            (statuses.includes('ASSURED') && ct.assured) ||
            (statuses.includes('CONFIRMED') && ct.confirmed),
        });
      } else if (name === 'ctproto') {
        const number = protocolNumber(value);
        if (number === undefined) return { error: `unknown protocol "${value}" specified` };
        if (number === 0 && invert) return { error: 'conntrack: rule would never match protocol' };
        conditions.push({
          option: name,
          text: String(number),
          invert,
          test: (_flow, ct) => ct.original.protocol === number,
        });
      } else if (name === 'ctdir') {
        const direction = value.toUpperCase();
        if (direction !== 'ORIGINAL' && direction !== 'REPLY') {
          return { error: `conntrack: Bad value for "--ctdir" option: "${value}"` };
        }
        conditions.push({
          option: name,
          text: direction,
          invert,
          test: (flow) => flow.skb.ctReply === (direction === 'REPLY'),
        });
      } else if (name === 'ctexpire' || name.endsWith('port')) {
        const [first, last] = value.split(':');
        const low = parseInteger(first ?? '');
        const high = last === undefined ? low : parseInteger(last);
        if (low === undefined || high === undefined) {
          return {
            error: `conntrack: bad value for option "--${name}" near "${value}", or out of range (0-${name === 'ctexpire' ? '4294967295' : '65535'}).\n`,
          };
        }
        conditions.push({
          option: name,
          text: low === high ? String(low) : `${low}:${high}`,
          invert,
          test(flow, ct) {
            const number =
              name === 'ctexpire'
                ? Math.max(0, Math.floor((ct.expires - flow.env.now()) / 1e6))
                : side(ct, name).port;
            return number >= low && number <= high;
          },
        });
      } else {
        const prefix: Prefix | undefined = parsePrefix(value);
        if (prefix === undefined) return { error: `host/network \`${value}' not found` };
        const whole = prefix.length === 32 || prefix.length === 128;
        conditions.push({
          option: name,
          text: whole ? formatIp(prefix.ip) : formatPrefix(prefix),
          invert,
          test: (_flow, ct) => prefixContains(prefix, side(ct, name).ip),
        });
      }
    }
    const head = {
      name: 'conntrack',
      save: conditions.map((part) => `${bang(part)} --${part.option} ${part.text}`).join(''),
      list: () => conditions.map((part) => `${bang(part)} ${part.option} ${part.text}`).join(''),
      tracks: true,
    } as const;
    if (stateHolds !== undefined && conditions.length === 1) return { ...head, test: stateHolds };
    const rest = conditions.filter((part) => part.option !== 'ctstate');
    const state = stateHolds;
    return {
      ...head,
      test(flow) {
        const { ct } = flow.skb;
        if (ct === undefined || (state !== undefined && !state(flow))) return false;
        return rest.every((part) => part.test(flow, ct) !== part.invert);
      },
    };
  },
};

export const state: MatchExtension = {
  name: 'state',
  options: [{ name: 'state', argument: 'required', invertible: true }],
  create(given) {
    const option = given.get('state');
    if (option === undefined) return mustSpecify('state', 'state');
    const states = parseWords(option.value, STATES.slice(0, 5));
    if (states === undefined) return { error: `Bad state "${option.value}"` };
    const mask = maskOf(states);
    return {
      name: 'state',
      save: `${bang(option)} --state ${states.join(',')}`,
      list: () => `${bang(option)} state ${states.join(',')}`,
      tracks: true,
      test: (flow) => hasState(flow, mask) !== option.invert,
    };
  },
};
