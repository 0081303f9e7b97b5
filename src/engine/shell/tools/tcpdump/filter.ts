import {
  isIpv6,
  maskIp,
  parseIp,
  parseMac,
  parsePrefix,
  prefixContains,
  type Ip,
  type Prefix,
} from '../../../net/address.ts';
import { transportOf, type Frame, type IpPacket } from '../../../net/packet.ts';
import { portByService } from '../../../net/services.ts';
import { protocolNumber } from '../../../net/protocol.ts';
import { bytesOf } from './bytes.ts';

export interface Captured {
  readonly frame: Frame;
  readonly dir: 'in' | 'out';
}

export type Filter = (packet: Captured) => boolean;

export type FilterResult =
  { readonly ok: true; readonly filter: Filter } | { readonly ok: false; readonly error: string };

/** Names that stand where an address must; they have to be looked up before the expression can be compiled. */
export function namesIn(expression: string): string[] {
  const words = tokenize(expression);
  return words.filter(
    (word, i) =>
      /^(host|src|dst|gateway)$/.test(words[i - 1] ?? '') &&
      /^[a-z]/i.test(word) &&
      !KEYWORDS.has(word) &&
      parseIp(word) === undefined,
  );
}

const KEYWORDS = new Set([
  'host',
  'net',
  'port',
  'portrange',
  'src',
  'dst',
  'and',
  'or',
  'not',
  'ip',
  'ip6',
  'arp',
  'rarp',
  'tcp',
  'udp',
  'icmp',
  'icmp6',
  'sctp',
  'ether',
  'proto',
  'broadcast',
  'multicast',
  'inbound',
  'outbound',
  'less',
  'greater',
  'vlan',
  'igmp',
  'mask',
  'gateway',
  'len',
]);

/** Compiles a pcap-filter(7) expression: host, net, port, portrange, proto, ether, and/or/not, `tcp[…]` arithmetic. */
export function compileFilter(expression: string, names: ReadonlyMap<string, readonly Ip[]>): FilterResult {
  const tokens = tokenize(expression);
  if (tokens.length === 0) return { ok: true, filter: () => true };
  const parser = new Parser(tokens, names);
  try {
    const filter = parser.expression();
    if (parser.at < tokens.length) parser.fail('syntax error');
    return { ok: true, filter };
  } catch (error) {
    if (!(error instanceof FilterError)) throw error;
    return { ok: false, error: error.message };
  }
}

/** Thrown and caught in this file only. */
class FilterError extends Error {}

function tokenize(expression: string): string[] {
  return expression.match(/&&|\|\||[!<>=]=|<<|>>|[()[\]!<>=&|+*/]|[\w.:%-]+(?:\/\d[\d.]*)?|\S/g) ?? [];
}

type Kind = 'host' | 'net' | 'port' | 'portrange' | 'proto' | 'ether';
type Direction = 'src' | 'dst' | 'either' | 'both';

interface Qualifiers {
  readonly protocol: string | undefined;
  readonly direction: Direction;
  readonly kind: Kind | undefined;
}

class Parser {
  readonly tokens: readonly string[];
  readonly names: ReadonlyMap<string, readonly Ip[]>;
  at = 0;
  depth = 0;
  last: Qualifiers = { protocol: undefined, direction: 'either', kind: undefined };

  constructor(tokens: readonly string[], names: ReadonlyMap<string, readonly Ip[]>) {
    this.tokens = tokens;
    this.names = names;
  }

  fail(why: string): never {
    throw new FilterError(why === 'syntax error' ? "can't parse filter expression: syntax error" : why);
  }

  peek(): string | undefined {
    return this.tokens[this.at];
  }

  take(...words: string[]): boolean {
    const word = this.peek();
    if (word === undefined || !words.includes(word)) return false;
    this.at++;
    return true;
  }

  /** `and` and `or` bind alike, from left to right. */
  expression(): Filter {
    if (++this.depth > 50) this.fail('syntax error');
    let left = this.factor();
    for (;;) {
      if (this.take('and', '&&')) {
        const [a, b] = [left, this.factor()];
        left = (packet) => a(packet) && b(packet);
      } else if (this.take('or', '||')) {
        const [a, b] = [left, this.factor()];
        left = (packet) => a(packet) || b(packet);
      } else break;
    }
    this.depth--;
    return left;
  }

  factor(): Filter {
    if (this.take('not', '!')) {
      if (++this.depth > 50) this.fail('syntax error');
      const inner = this.factor();
      this.depth--;
      return (packet) => !inner(packet);
    }
    if (this.peek() === '(' && !this.looksArithmetic()) {
      this.at++;
      const inner = this.expression();
      if (!this.take(')')) this.fail('syntax error');
      return inner;
    }
    if (this.looksArithmetic()) return this.relation();
    return this.primitive();
  }

  /** Whether a comparison of numbers stands here, and not a primitive. */
  looksArithmetic(): boolean {
    const word = this.peek() ?? '';
    if (this.tokens[this.at + 1] === '[' || word === 'len') return true;
    if (word !== '(') return false;
    let depth = 0;
    for (let i = this.at; i < this.tokens.length; i++) {
      if (this.tokens[i] === '(') depth++;
      if (this.tokens[i] === ')' && --depth === 0)
        return /^([<>=]|[<>!=]=|&|\||[+*/-])$/.test(this.tokens[i + 1] ?? '');
      if (depth === 1 && i === this.at + 1 && this.tokens[i + 1] !== '[' && !/^\d/.test(this.tokens[i] ?? ''))
        return false;
    }
    return false;
  }

  primitive(): Filter {
    let protocol: string | undefined;
    let direction: Direction | undefined;
    let kind: Kind | undefined;
    const begin = this.at;
    for (;;) {
      const word = this.peek();
      if (word === 'src' || word === 'dst') {
        this.at++;
        direction = word;
        const joined = this.peek();
        const other = this.tokens[this.at + 1];
        if ((joined === 'or' || joined === 'and') && (other === 'src' || other === 'dst') && other !== word) {
          this.at += 2;
          direction = joined === 'or' ? 'either' : 'both';
        }
      } else if (
        word === 'host' ||
        word === 'net' ||
        word === 'port' ||
        word === 'portrange' ||
        word === 'proto'
      ) {
        this.at++;
        kind = word;
        break;
      } else if (
        protocol === undefined &&
        word !== undefined &&
        PROTOCOLS.has(word) &&
        direction === undefined
      ) {
        this.at++;
        protocol = word;
      } else break;
    }
    const word = this.peek();
    if (protocol === 'ether' || protocol === undefined) {
      const special = this.special(protocol, word);
      if (special !== undefined) return special;
    }
    const ends = word === undefined || /^(and|or|&&|\|\||\))$/.test(word);
    if (protocol !== undefined && kind === undefined && direction === undefined && ends) {
      this.last = { protocol: undefined, direction: 'either', kind: undefined };
      return protocolFilter(protocol);
    }
    if (ends || word === undefined) this.fail('syntax error');
    if (begin === this.at) {
      if (KEYWORDS.has(word)) this.fail('syntax error');
      // A bare address takes over what the one before it said.
      if (
        this.last.kind === undefined &&
        parseIp(word) === undefined &&
        parsePrefix(word) === undefined &&
        !this.names.has(word)
      )
        this.fail('syntax error');
      ({ protocol, direction, kind } = {
        protocol: this.last.protocol,
        direction: this.last.direction,
        kind: this.last.kind,
      });
    }
    this.at++;
    const qualifiers: Qualifiers = { protocol, direction: direction ?? 'either', kind: kind ?? 'host' };
    this.last = qualifiers;
    const test = this.subject(qualifiers, word);
    if (protocol === undefined) return test;
    const first = protocolFilter(protocol);
    return (packet) => first(packet) && test(packet);
  }

  special(protocol: string | undefined, word: string | undefined): Filter | undefined {
    if (word === 'broadcast' || word === 'multicast') {
      this.at++;
      return word === 'broadcast'
        ? ({ frame }) => frame.dst === 0xffffffffffff
        : ({ frame }) => Math.floor(frame.dst / 0x10000000000) % 2 === 1;
    }
    if (protocol !== undefined) return undefined;
    if (word === 'inbound' || word === 'outbound') {
      this.at++;
      const wanted = word === 'inbound' ? 'in' : 'out';
      return ({ dir }) => dir === wanted;
    }
    if (word === 'less' || word === 'greater') {
      this.at++;
      const size = Number(this.tokens[this.at++]);
      if (!Number.isInteger(size)) this.fail('syntax error');
      return word === 'less' ? ({ frame }) => frame.length <= size : ({ frame }) => frame.length >= size;
    }
    return undefined;
  }

  subject({ protocol, direction, kind }: Qualifiers, word: string): Filter {
    if (protocol === 'ether' && kind !== 'proto') {
      const mac = parseMac(word);
      if (mac === undefined) this.fail(`unknown ether host '${word}'`);
      return ({ frame }) => either(direction, frame.src === mac, frame.dst === mac);
    }
    switch (kind) {
      case 'proto': {
        const number = protocolNumber(word.replace(/^\\/, ''));
        if (number === undefined) this.fail(`unknown ip proto '${word}'`);
        return ({ frame }) => frame.payload.kind === 'ip' && frame.payload.protocol === number;
      }
      case 'port':
      case 'portrange': {
        const range = kind === 'portrange' ? /^(\d+)-(\d+)$/.exec(word) : null;
        const low = range === null ? this.port(word, protocol) : Number(range[1]);
        const high = range === null ? low : Number(range[2]);
        return ({ frame }) => {
          const transport = frame.payload.kind === 'ip' ? transportOf(frame.payload) : undefined;
          if (transport === undefined || transport.kind === 'icmp') return false;
          const { sport, dport } = transport;
          return either(direction, sport >= low && sport <= high, dport >= low && dport <= high);
        };
      }
      case 'net': {
        const prefix = this.net(word);
        return ({ frame }) =>
          addressesMatch(
            frame,
            direction,
            (ip) => isIpv6(ip) === isIpv6(prefix.ip) && prefixContains(prefix, ip),
          );
      }
      default: {
        if (word.includes('/')) {
          const prefix = this.net(word);
          return ({ frame }) => addressesMatch(frame, direction, (ip) => prefixContains(prefix, ip));
        }
        const ip = parseIp(word);
        const wanted = ip === undefined ? (this.names.get(word) ?? []) : [ip];
        if (wanted.length === 0) this.fail(`unknown host '${word}'`);
        return ({ frame }) => addressesMatch(frame, direction, (address) => wanted.includes(address));
      }
    }
  }

  port(word: string, protocol: string | undefined): number {
    const number = /^\d{1,5}$/.test(word)
      ? Number(word)
      : (portByService(word, protocol ?? 'tcp') ?? portByService(word, 'udp'));
    if (number === undefined || number > 65535)
      this.fail(number === undefined ? `unknown port '${word}'` : `illegal port number ${word} > 65535`);
    return number;
  }

  net(word: string): Prefix {
    const short = /^\d+(\.\d+){0,2}$/.test(word)
      ? `${[...word.split('.'), '0', '0', '0'].slice(0, 4).join('.')}/${word.split('.').length * 8}`
      : word;
    const [address = '', length] = short.split('/');
    const ip = parseIp(
      /^\d+(\.\d+){0,2}$/.test(address)
        ? [...address.split('.'), '0', '0', '0'].slice(0, 4).join('.')
        : address,
    );
    if (ip === undefined) this.fail(`unknown network '${word}'`);
    let bits = length === undefined ? (isIpv6(ip) ? 128 : 32) : Number(length);
    if (length === undefined && this.take('mask')) {
      const mask = parseIp(this.tokens[this.at++] ?? '') ?? 0;
      bits = 32 - Math.round(Math.log2(2 ** 32 - mask));
    }
    if (!(bits >= 0 && bits <= (isIpv6(ip) ? 128 : 32))) this.fail('syntax error');
    if (maskIp(ip, bits) !== ip) this.fail(`non-network bits set in "${word}"`);
    return { ip, length: bits };
  }

  relation(): Filter {
    const left = this.arithmetic(0);
    const operator = this.tokens[this.at++];
    const compare = COMPARE[operator ?? ''];
    if (compare === undefined) this.fail('syntax error');
    const right = this.arithmetic(0);
    return (packet) => {
      const [a, b] = [left(packet), right(packet)];
      return a !== undefined && b !== undefined && compare(a, b);
    };
  }

  arithmetic(level: number): (packet: Captured) => number | undefined {
    if (level === 2) return this.atom();
    if (++this.depth > 50) this.fail('syntax error');
    let left = this.arithmetic(level + 1);
    for (
      let word = this.peek();
      word !== undefined && (OPERATORS[level]?.includes(word) ?? false);
      word = this.peek()
    ) {
      this.at++;
      const operator = word;
      const [a, b] = [left, this.arithmetic(level + 1)];
      left = (packet) => {
        const [x, y] = [a(packet), b(packet)];
        if (x === undefined || y === undefined) return undefined;
        switch (operator) {
          case '&':
            return x & y;
          case '|':
            return x | y;
          case '+':
            return x + y;
          case '-':
            return x - y;
          case '*':
            return x * y;
          case '<<':
            return x << y;
          case '>>':
            return x >>> y;
          default:
            return y === 0 ? undefined : Math.trunc(x / y);
        }
      };
    }
    this.depth--;
    return left;
  }

  atom(): (packet: Captured) => number | undefined {
    const word = this.tokens[this.at++];
    if (word === undefined) this.fail('syntax error');
    if (word === '(') {
      const inner = this.arithmetic(0);
      if (!this.take(')')) this.fail('syntax error');
      return inner;
    }
    if (word === 'len') return ({ frame }) => frame.length;
    const constant = CONSTANTS[word] ?? (/^(0x[0-9a-f]+|\d+)$/i.test(word) ? Number(word) : undefined);
    if (constant !== undefined) return () => constant;
    if (!this.take('[')) this.fail('syntax error');
    const [offsetWord, sizeWord] = (this.tokens[this.at] ?? '').split(':');
    const offset = CONSTANTS[offsetWord ?? ''] ?? Number(offsetWord === '' ? Number.NaN : offsetWord);
    this.at++;
    const size = Number(sizeWord ?? 1);
    if (!Number.isInteger(offset) || ![1, 2, 4].includes(size) || !this.take(']')) this.fail('syntax error');
    return (packet) => field(packet.frame, word, offset, size);
  }
}

const OPERATORS: readonly (readonly string[])[] = [
  ['&', '|', '<<', '>>'],
  ['+', '-', '*', '/'],
];

const COMPARE: Readonly<Record<string, (a: number, b: number) => boolean>> = {
  '=': (a, b) => a === b,
  '==': (a, b) => a === b,
  '!=': (a, b) => a !== b,
  '<': (a, b) => a < b,
  '<=': (a, b) => a <= b,
  '>': (a, b) => a > b,
  '>=': (a, b) => a >= b,
};

const CONSTANTS: Readonly<Record<string, number>> = {
  tcpflags: 13,
  icmptype: 0,
  icmpcode: 1,
  'tcp-fin': 1,
  'tcp-syn': 2,
  'tcp-rst': 4,
  'tcp-push': 8,
  'tcp-ack': 16,
  'tcp-urg': 32,
  'icmp-echoreply': 0,
  'icmp-unreach': 3,
  'icmp-redirect': 5,
  'icmp-echo': 8,
  'icmp-timxceed': 11,
};

const PROTOCOLS = new Set([
  'ether',
  'ip',
  'ip6',
  'arp',
  'rarp',
  'tcp',
  'udp',
  'icmp',
  'icmp6',
  'sctp',
  'igmp',
]);

function protocolFilter(protocol: string): Filter {
  switch (protocol) {
    case 'ether':
      return () => true;
    case 'arp':
      return ({ frame }) => frame.type === 'arp';
    case 'ip':
      return ({ frame }) => frame.type === 'ipv4';
    case 'ip6':
      return ({ frame }) => frame.type === 'ipv6';
    case 'icmp6':
      return ({ frame }) => frame.payload.kind === 'ip' && frame.payload.protocol === 58;
    default: {
      const number = protocolNumber(protocol);
      return ({ frame }) => frame.payload.kind === 'ip' && frame.payload.protocol === number;
    }
  }
}

function either(direction: Direction, src: boolean, dst: boolean): boolean {
  return direction === 'src'
    ? src
    : direction === 'dst'
      ? dst
      : direction === 'both'
        ? src && dst
        : src || dst;
}

function addressesMatch(frame: Frame, direction: Direction, test: (ip: Ip) => boolean): boolean {
  const { payload } = frame;
  if (payload.kind === 'arp') return either(direction, test(payload.senderIp), test(payload.targetIp));
  return either(direction, test(payload.src), test(payload.dst));
}

/** The bytes that `tcp[13]` names; undefined in packets that have no such header. */
function field(frame: Frame, protocol: string, offset: number, size: number): number | undefined {
  const bytes = bytesOf(frame);
  let base = 0;
  if (protocol !== 'ether') {
    if (!protocolFilter(protocol)({ frame, dir: 'in' })) return undefined;
    base = 14;
    if (protocol !== 'ip' && protocol !== 'ip6' && protocol !== 'arp') {
      const packet: IpPacket | undefined = frame.payload.kind === 'ip' ? frame.payload : undefined;
      if (packet === undefined || packet.offset > 0) return undefined;
      base += isIpv6(packet.src) ? 40 : 20;
    }
  }
  let value = 0;
  for (let i = 0; i < size; i++) {
    const byte = bytes[base + offset + i];
    if (byte === undefined) return undefined;
    value = value * 256 + byte;
  }
  return value;
}
