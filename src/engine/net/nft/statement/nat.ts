import { isIpv6, parseIp, type Ip } from '../../address.ts';
import type { NatKind, NatRange } from '../../nat.ts';
import type { Cursor } from '../cursor.ts';
import { INET_SERVICE, IPV4_ADDR, IPV6_ADDR, isBadValue, type Datatype, type Scalar } from '../datatype.ts';
import { keyTracks, parseKey, readKey, typesOf, type Key } from '../key.ts';
import type { Span } from '../lexer.ts';
import { parseScalar } from '../operand.ts';
import type { RuleContext } from '../rule-context.ts';
import type { NftWalk, Outcome, Statement } from '../rule.ts';
import type { NftSet } from '../set.ts';
import { anonymousSet, formatAnonymous } from './match.ts';

type Word = 'dnat' | 'snat' | 'masquerade' | 'redirect';

const KINDS: Readonly<Record<Word, { readonly kind: NatKind; readonly hooks: readonly string[] }>> = {
  dnat: { kind: 'DNAT', hooks: ['PREROUTING', 'OUTPUT'] },
  redirect: { kind: 'REDIRECT', hooks: ['PREROUTING', 'OUTPUT'] },
  snat: { kind: 'SNAT', hooks: ['POSTROUTING', 'INPUT'] },
  masquerade: { kind: 'MASQUERADE', hooks: ['POSTROUTING'] },
};

const ACCEPT: Outcome = { kind: 'accept' };
const DROP: Outcome = { kind: 'drop' };

/** Whether what came before says which transport protocol the packet has: ports need that. */
export interface NatPlace {
  readonly start: Span;
  readonly transport: boolean;
}

/** `dnat to …`, `snat to …`, `masquerade …`, `redirect …`. */
export function parseNat(
  cursor: Cursor,
  word: Word,
  context: RuleContext,
  place: NatPlace,
): Statement | undefined {
  const { kind, hooks } = KINDS[word];
  const common = { terminal: true, tracks: true, hooks: { type: 'nat', only: hooks } } as const;
  if (word === 'dnat' || word === 'snat') {
    const target = parseTarget(cursor, word, context, place);
    const flags = target === undefined ? undefined : parseFlags(cursor);
    if (target === undefined || flags === undefined) return undefined;
    return {
      ...common,
      text: (options) => `${word} ${target.text(options)}${flags.text}`,
      run(walk) {
        const range = target.range(walk);
        if (range === undefined) return 'break';
        walk.foresee('ACCEPT');
        return walk.flow.env.nat(walk.flow, kind, { ...range, ...flags.range }) === 'ACCEPT' ? ACCEPT : DROP;
      },
    };
  }
  let ports: readonly [number, number] | undefined;
  if (cursor.take('to')) {
    if (!cursor.take(':') && cursor.peek().kind !== 'number') return cursor.unexpected('colon');
    ports = parsePorts(cursor, context, place);
    if (ports === undefined) return undefined;
  }
  const flags = parseFlags(cursor);
  if (flags === undefined) return undefined;
  return {
    ...common,
    text: () => `${word}${ports === undefined ? '' : ` to :${formatPorts(ports)}`}${flags.text}`,
    run(walk) {
      const { flow } = walk;
      const address =
        word === 'masquerade' ? flow.env.masqueradeAddress(flow) : flow.env.redirectAddress(flow);
      if (address === undefined) return DROP;
      walk.foresee('ACCEPT');
      const range = {
        ...flags.range,
        addresses: [address, address],
        ...(ports === undefined ? {} : { ports }),
      } as const;
      return flow.env.nat(flow, kind, range) === 'ACCEPT' ? ACCEPT : DROP;
    },
  };
}

interface Target {
  readonly text: (options: { readonly stateless: boolean }) => string;
  readonly range: (walk: NftWalk) => NatRange | undefined;
}

/** Behind `dnat`: `[ip|ip6] to ADDRESS[-ADDRESS][:PORT[-PORT]]`, `to :PORT`, or `to KEY map …`. */
function parseTarget(cursor: Cursor, word: Word, context: RuleContext, place: NatPlace): Target | undefined {
  const named = cursor.is('ip', 'ip6') ? (cursor.next().text === 'ip6' ? 'ip6' : 'ip') : undefined;
  cursor.take('to');
  if (cursor.take(':')) {
    const ports = parsePorts(cursor, context, place);
    if (ports === undefined) return undefined;
    return { text: () => `to :${formatPorts(ports)}`, range: () => ({ ports }) };
  }
  const family = named ?? (context.family === 'inet' ? undefined : context.family);
  const type = family === 'ip6' ? IPV6_ADDR : IPV4_ADDR;
  const start = cursor.peek();
  const bracket = cursor.take('[');
  if (!bracket && start.kind === 'string' && parseIp(start.text) === undefined)
    return parseMappedTarget(cursor, type, context);
  const first = parseScalar(cursor, type, context);
  if (first === undefined) return undefined;
  let last: Scalar = first;
  if (cursor.take('-')) {
    const end = parseScalar(cursor, type, context);
    if (end === undefined) return undefined;
    last = end;
  }
  if (bracket && !cursor.expect(']')) return undefined;
  let ports: readonly [number, number] | undefined;
  if (cursor.take(':')) {
    ports = parsePorts(cursor, context, place);
    if (ports === undefined) return undefined;
  }
  if (family === undefined)
    return cursor.fail('ip or ip6 must be specified with address for inet tables.', place.start);
  const addresses = [Number(first), Number(last)] as const;
  const text = formatTarget(type, addresses, ports);
  const prefix = context.family === 'inet' ? `${family} ` : '';
  return {
    text: () => `${prefix}to ${text}`,
    range: ({ flow }) =>
      isIpv6(flow.src) === (family === 'ip6')
        ? { addresses, ...(ports === undefined ? {} : { ports }) }
        : undefined,
  };
}

function formatTarget(
  type: Datatype,
  [first, last]: readonly [Ip, Ip],
  ports: readonly [number, number] | undefined,
): string {
  let text = type.format(first);
  if (first !== last) text += `-${type.format(last)}`;
  if (ports === undefined) return text;
  return `${type === IPV6_ADDR ? `[${text}]` : text}:${formatPorts(ports)}`;
}

function formatPorts([first, last]: readonly [number, number]): string {
  return first === last ? String(first) : `${first}-${last}`;
}

function parsePorts(
  cursor: Cursor,
  context: RuleContext,
  place: NatPlace,
): readonly [number, number] | undefined {
  const start = cursor.peek();
  const first = parsePort(cursor);
  if (first === undefined) return undefined;
  let last = first;
  if (cursor.take('-')) {
    const end = parsePort(cursor);
    if (end === undefined) return undefined;
    last = end;
  }
  if (!place.transport)
    return cursor.fail(
      'transport protocol mapping is only valid after transport protocol match',
      cursor.since(start),
      place.start,
    );
  return [first, last];
}

function parsePort(cursor: Cursor): number | undefined {
  const token = cursor.peek();
  if (token.kind !== 'number' && token.kind !== 'string') return cursor.unexpected();
  cursor.next();
  const port = INET_SERVICE.parse(token.text);
  if (isBadValue(port)) return cursor.fail(port.error, token);
  return Number(port);
}

/** `to numgen random mod 2 map { 0 : 10.0.0.1, 1 : 10.0.0.2 }`. */
function parseMappedTarget(cursor: Cursor, type: Datatype, context: RuleContext): Target | undefined {
  const key = parseKey(cursor, context);
  if (key === undefined) return cursor.failed ? undefined : cursor.unexpected();
  if (!cursor.expect('map')) return undefined;
  const map = parseTargetMap(cursor, key, type, context);
  if (map === undefined) return undefined;
  // With ports in the map, or a map that has a name, the family is printed.
  const family = map.explicit ? `${type === IPV6_ADDR ? 'ip6' : 'ip'} ` : '';
  return {
    text: (options) => `${family}to ${key.text} map ${map.text(options)}`,
    range(walk) {
      const values = readKey(key, walk.flow);
      const element = values === undefined ? undefined : map.set(walk)?.lookup(values, walk.flow.env.now());
      const data = element?.data;
      if (data === undefined || 'kind' in data) return undefined;
      const ip = Number(data[0]);
      const port = data[1];
      return { addresses: [ip, ip], ...(port === undefined ? {} : { ports: [Number(port), Number(port)] }) };
    },
    ...keyTracks(key),
  };
}

interface TargetMap {
  readonly text: (options: { readonly stateless: boolean }) => string;
  readonly set: (walk: NftWalk) => NftSet | undefined;
  readonly explicit: boolean;
}

function parseTargetMap(
  cursor: Cursor,
  key: Key,
  type: Datatype,
  context: RuleContext,
): TargetMap | undefined {
  if (cursor.take('@')) {
    const name = cursor.word();
    if (name === undefined) return undefined;
    const spec = context.set(name.text);
    if (spec === undefined) return cursor.fail('No such file or directory', name);
    if (spec.data === undefined || spec.data === 'verdict')
      return cursor.fail('Expression is not a map', name);
    return {
      text: () => `@${name.text}`,
      set: (walk) => walk.table.set(name.text),
      explicit: spec.data.length > 1,
    };
  }
  const withPorts = hasTuple(cursor);
  const set = anonymousSet(
    cursor,
    { kind: 'map', key: typesOf(key), data: withPorts ? [type, INET_SERVICE] : [type] },
    context,
  );
  if (set === undefined) return undefined;
  return { text: (options) => formatAnonymous(set, options), set: () => set, explicit: withPorts };
}

/** Whether the data of the first element is an address with a port. */
function hasTuple(cursor: Cursor): boolean {
  let ahead = 0;
  while (!['}', ',', ''].includes(cursor.peek(ahead).text)) {
    if (cursor.peek(ahead).text === ':') return cursor.peek(ahead + 2).text === '.';
    ahead++;
  }
  return false;
}

const FLAGS = ['random', 'fully-random', 'persistent'] as const;

function parseFlags(
  cursor: Cursor,
): { readonly text: string; readonly range: Partial<NatRange> } | undefined {
  const given = new Set<string>();
  if (cursor.is(...FLAGS)) {
    do {
      if (!cursor.is(...FLAGS)) return cursor.unexpected();
      given.add(cursor.next().text);
    } while (cursor.take(','));
  }
  const words = FLAGS.filter((flag) => given.has(flag));
  return {
    text: words.length === 0 ? '' : ` ${words.join(',')}`,
    range: {
      ...(given.has('random') ? { random: true } : {}),
      ...(given.has('fully-random') ? { randomFully: true } : {}),
      ...(given.has('persistent') ? { persistent: true } : {}),
    },
  };
}
