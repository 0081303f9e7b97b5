import { parseIp, parsePrefix, prefixContains, type Ip, type Prefix } from '../../../net/address.ts';
import { portByService } from '../../../net/services.ts';

/** A socket as far as a filter asks. */
export interface Filtered {
  readonly protocol: 'tcp' | 'udp';
  readonly state: string;
  readonly local: Ip;
  readonly localPort: number;
  readonly remote: Ip;
  readonly remotePort: number;
}

export interface SocketFilter {
  /** The states that were named; undefined when none was. */
  readonly states: ReadonlySet<string> | undefined;
  accepts(socket: Filtered): boolean;
}

type Test = (socket: Filtered) => boolean;

/** What is wrong with a filter, in ss's words. */
class FilterError extends Error {}

const STATES = [
  'ESTAB',
  'SYN-SENT',
  'SYN-RECV',
  'FIN-WAIT-1',
  'FIN-WAIT-2',
  'TIME-WAIT',
  'UNCONN',
  'CLOSE-WAIT',
  'LAST-ACK',
  'LISTEN',
  'CLOSING',
];
const NAMES: Readonly<Record<string, readonly string[]>> = {
  all: STATES,
  established: ['ESTAB'],
  listening: ['LISTEN'],
  closed: ['UNCONN'],
  connected: STATES.filter((state) => state !== 'LISTEN' && state !== 'UNCONN'),
  synchronized: STATES.filter((state) => !['LISTEN', 'UNCONN', 'SYN-SENT'].includes(state)),
  bucket: ['SYN-RECV', 'TIME-WAIT'],
  big: STATES.filter((state) => state !== 'SYN-RECV' && state !== 'TIME-WAIT'),
};
const MAX_DEPTH = 100;

/** `state established '( dport = :80 or sport = :443 )' dst 10.244.0.0/16` (misc/ssfilter.y); or what is wrong with it. */
export function parseSocketFilter(args: readonly string[]): SocketFilter | { readonly error: string } {
  const words = args
    .join(' ')
    .replace(/([()!]|[|&]+|[<>=]=?)/g, ' $1 ')
    .replaceAll('!  =', '!=')
    .split(/\s+/)
    .filter((word) => word !== '');
  try {
    const reader = new Reader(words);
    const states = reader.states();
    const accepts = reader.done ? () => true : reader.or(0);
    if (!reader.done)
      throw new FilterError(`ss: bison bellows (while parsing filter): "syntax error!" Sorry.`);
    return { states, accepts };
  } catch (error) {
    if (error instanceof FilterError) return { error: error.message };
    throw error;
  }
}

class Reader {
  readonly #words: readonly string[];
  #at = 0;

  constructor(words: readonly string[]) {
    this.#words = words;
  }

  get done(): boolean {
    return this.#at >= this.#words.length;
  }

  states(): ReadonlySet<string> | undefined {
    let states: Set<string> | undefined;
    for (;;) {
      const word = this.#words[this.#at];
      if (word !== 'state' && word !== 'exclude') return states;
      const name = this.#words[this.#at + 1];
      this.#at += 2;
      const named =
        name !== undefined && Object.hasOwn(NAMES, name)
          ? NAMES[name]
          : STATES.filter((state) => state === name?.toUpperCase());
      if (named === undefined || named.length === 0)
        throw new FilterError(`ss: wrong state name: ${name ?? ''}`);
      if (word === 'state') states = new Set([...(states ?? []), ...named]);
      else {
        states ??= new Set(STATES);
        for (const state of named) states.delete(state);
      }
    }
  }

  or(depth: number): Test {
    if (depth > MAX_DEPTH) this.#fail();
    let left = this.#and(depth);
    while (this.#take('or', '|', '||')) {
      const [first, second] = [left, this.#and(depth)];
      left = (socket) => first(socket) || second(socket);
    }
    return left;
  }

  /** Two that stand beside each other must both hold. */
  #and(depth: number): Test {
    let left = this.#not(depth);
    for (;;) {
      const joined = this.#take('and', '&', '&&');
      const next = this.#words[this.#at];
      if (!joined && (next === undefined || /^(or|\|\|?|\))$/.test(next))) return left;
      const [first, second] = [left, this.#not(depth)];
      left = (socket) => first(socket) && second(socket);
    }
  }

  #not(depth: number): Test {
    if (depth > MAX_DEPTH) this.#fail();
    if (this.#take('not', '!')) {
      const test = this.#not(depth + 1);
      return (socket) => !test(socket);
    }
    if (this.#take('(')) {
      const test = this.or(depth + 1);
      if (!this.#take(')')) this.#fail();
      return test;
    }
    return this.#predicate();
  }

  #predicate(): Test {
    const what = this.#words[this.#at++];
    switch (what) {
      case 'sport':
      case 'dport': {
        const compare = this.#comparison();
        const text = this.#words[this.#at++] ?? this.#fail();
        checkPort(text);
        return (socket) =>
          compare(what === 'sport' ? socket.localPort : socket.remotePort, portOf(text, socket.protocol));
      }
      case 'src':
      case 'dst': {
        const compare = this.#comparison();
        const { inside, port } = hostOf(this.#words[this.#at++] ?? this.#fail());
        return (socket) => {
          const [ip, own] =
            what === 'src' ? [socket.local, socket.localPort] : [socket.remote, socket.remotePort];
          const matches = inside(ip) && (port === undefined || own === portOf(port, socket.protocol));
          return matches === compare(0, 0);
        };
      }
      default:
        return this.#fail();
    }
  }

  /** Without an operator it is `=`. */
  #comparison(): (a: number, b: number) => boolean {
    const word = this.#words[this.#at] ?? '';
    const compare = Object.hasOwn(COMPARISONS, word) ? COMPARISONS[word] : undefined;
    if (compare === undefined) return (a, b) => a === b;
    this.#at++;
    return compare;
  }

  #take(...words: string[]): boolean {
    if (!words.includes(this.#words[this.#at] ?? '')) return false;
    this.#at++;
    return true;
  }

  #fail(): never {
    throw new FilterError('ss: bison bellows (while parsing filter): "syntax error!" Sorry.');
  }
}

const COMPARISONS: Readonly<Record<string, (a: number, b: number) => boolean>> = {
  '=': (a, b) => a === b,
  '==': (a, b) => a === b,
  eq: (a, b) => a === b,
  '!=': (a, b) => a !== b,
  ne: (a, b) => a !== b,
  neq: (a, b) => a !== b,
  '>': (a, b) => a > b,
  gt: (a, b) => a > b,
  '<': (a, b) => a < b,
  lt: (a, b) => a < b,
  '>=': (a, b) => a >= b,
  ge: (a, b) => a >= b,
  '<=': (a, b) => a <= b,
  le: (a, b) => a <= b,
};

function checkPort(text: string): void {
  if (portOf(text, 'tcp') >= 0 || portOf(text, 'udp') >= 0) return;
  const bare = text.slice(text.lastIndexOf(':') + 1);
  throw new FilterError(`Error: "${bare}" does not look like a port.\nCannot parse dst/src address.`);
}

/** `:80`, `80` or `:http`. */
function portOf(text: string, protocol: string): number {
  const bare = text.slice(text.lastIndexOf(':') + 1);
  return /^\d{1,5}$/.test(bare) ? Number(bare) : (portByService(bare, protocol) ?? -1);
}

/** `10.244.1.2`, `10.244.0.0/16:80`, `[fd00::1]:80`, `:80`. */
function hostOf(text: string): { readonly inside: (ip: Ip) => boolean; readonly port: string | undefined } {
  const bracketed = /^\[([^\]]*)\](?::(.*))?$/.exec(text);
  const colons = text.split(':').length - 1;
  const at = bracketed === null && colons === 1 ? text.indexOf(':') : -1;
  const address = bracketed?.[1] ?? (at < 0 ? text : text.slice(0, at));
  const port = bracketed?.[2] ?? (at < 0 ? undefined : text.slice(at + 1));
  if (address === '' || address === '*') return { inside: () => true, port };
  const prefix: Prefix | undefined = address.includes('/') ? parsePrefix(address) : undefined;
  const ip = parseIp(address);
  if (prefix === undefined && ip === undefined)
    throw new FilterError(
      `Error: an inet prefix is expected rather than "${address}".\nCannot parse dst/src address.`,
    );
  return { inside: (one) => (prefix === undefined ? one === ip : prefixContains(prefix, one)), port };
}
