import { formatIp, IPV6_ANY, isIpv6, prefixContains, type Ip, type Prefix } from '../../../net/address.ts';
import type { Device } from '../../../net/device.ts';
import {
  formatRoute,
  tableName,
  TABLE_DEFAULT,
  TABLE_LOCAL,
  TABLE_MAIN,
  type NextHop,
  type Route,
  type RouteResult,
  type RouteScope,
  type RouteSpec,
  type RouteType,
} from '../../../net/route.ts';
import { parseScope } from './address.ts';
import { answer, network, Refusal, type Words } from './words.ts';

const TYPES: Readonly<Record<string, RouteType>> = {
  unicast: 'unicast',
  local: 'local',
  broadcast: 'broadcast',
  multicast: 'multicast',
  blackhole: 'blackhole',
  unreachable: 'unreachable',
  prohibit: 'prohibit',
  throw: 'throw',
};

export function ipRoute(words: Words): void {
  const command = words.subcommand(
    ['list', 'show', 'lst', 'get', 'add', 'replace', 'change', 'append', 'delete', 'flush', 'help', 'save'],
    'show',
  );
  switch (command) {
    case 'list':
    case 'show':
    case 'lst':
      return show(words);
    case 'get':
      return get(words);
    case 'add':
    case 'replace':
    case 'change':
    case 'append':
    case 'delete':
      return modify(words, command);
    case 'flush':
      return flush(words);
    case 'help':
      words.ctx.err(USAGE);
      throw new Refusal('', 255);
    default:
      throw new Refusal(`Command "${words.previous()}" is unknown, try "ip route help".`, 255);
  }
}

const USAGE = `Usage: ip route { list | flush } SELECTOR
       ip route get [ ROUTE_GET_FLAGS ] ADDRESS
                            [ from ADDRESS iif STRING ]
                            [ oif STRING ] [ tos TOS ]
                            [ mark NUMBER ]
       ip route { add | del | change | append | replace } ROUTE
SELECTOR := [ root PREFIX ] [ match PREFIX ] [ exact PREFIX ]
            [ table TABLE_ID ] [ proto RTPROTO ]
            [ type TYPE ] [ scope SCOPE ]
ROUTE := [ TYPE ] PREFIX [ table TABLE_ID ] [ proto RTPROTO ]
         [ scope SCOPE ] [ metric METRIC ] [ via ADDRESS ]
         [ dev STRING ] [ src ADDRESS ] [ mtu NUMBER ] [ onlink ]
`;

export function parseTable(text: string): number {
  const names: Readonly<Record<string, number>> = {
    local: TABLE_LOCAL,
    main: TABLE_MAIN,
    default: TABLE_DEFAULT,
    all: 0,
  };
  const number = names[text] ?? (/^\d{1,10}$/.test(text) ? Number(text) : undefined);
  if (number === undefined)
    throw new Refusal(`Error: argument "${text}" is wrong: table id value is invalid\n`, 255);
  return number;
}

interface Selector {
  readonly table: number;
  readonly family: 4 | 6 | undefined;
  /** The device that need not be repeated in every line. */
  readonly dev: Device | undefined;
  accepts(route: Route): boolean;
}

function select(words: Words): Selector {
  let table = TABLE_MAIN;
  let dev: Device | undefined;
  let family = words.options.family;
  const tests: ((route: Route) => boolean)[] = [];
  const exact = (prefix: Prefix): void =>
    void tests.push((r) => r.dst.ip === prefix.ip && r.dst.length === prefix.length);
  while (words.more) {
    const word = words.value();
    switch (word) {
      case 'table':
        table = parseTable(words.value());
        break;
      case 'cache':
        tests.push(() => false);
        break;
      case 'dev': {
        dev = words.device();
        const wanted = dev;
        tests.push((route) => route.dev === wanted);
        break;
      }
      case 'via': {
        const via = words.ip();
        tests.push((route) => route.via === via);
        break;
      }
      case 'src': {
        const { ip } = words.prefix();
        tests.push((route) => route.src === ip);
        break;
      }
      case 'proto':
      case 'protocol': {
        const protocol = words.value();
        tests.push((route) => route.protocol === protocol);
        break;
      }
      case 'scope': {
        const scope = parseScope(words.value());
        tests.push((route) => route.scope === scope);
        break;
      }
      case 'type': {
        const type = words.value();
        tests.push((route) => route.type === type);
        break;
      }
      case 'root': {
        const root = words.prefix();
        tests.push((route) => route.dst.length >= root.length && prefixContains(network(root), route.dst.ip));
        break;
      }
      case 'match': {
        const inner = words.prefix();
        tests.push((route) => route.dst.length <= inner.length && prefixContains(route.dst, inner.ip));
        break;
      }
      default: {
        const type = TYPES[word];
        if (type !== undefined && word !== 'local') tests.push((route) => route.type === type);
        else {
          const text = word === 'to' || word === 'exact' ? words.value() : word;
          const prefix = words.prefix(text);
          if (text === 'default' || text === 'any') tests.push((route) => route.dst.length === 0);
          else {
            family = isIpv6(prefix.ip) ? 6 : 4;
            exact(prefix);
          }
        }
      }
    }
  }
  return { table, family, dev, accepts: (route) => tests.every((test) => test(route)) };
}

function show(words: Words): void {
  const { table, family, dev, accepts } = select(words);
  const { routes } = words.ctx.netns;
  const families: readonly (4 | 6)[] = table === 0 && family === undefined ? [4, 6] : [family ?? 4];
  for (const f of families) {
    const tables = table === 0 ? routes.tables(f).reverse() : [table];
    for (const number of tables) {
      for (const route of routes.list(number, f)) {
        if (!accepts(route)) continue;
        let line = formatRoute(route);
        if (table === 0 && number !== TABLE_MAIN) {
          const at = / dev \S+/.exec(line) ?? /^(?:[a-z]+ )?\S+/.exec(line);
          const end = at === null ? line.length : at.index + at[0].length;
          line = `${line.slice(0, end)} table ${tableName(number)}${line.slice(end)}`;
        }
        if (dev !== undefined) line = line.replace(` dev ${dev.name}`, '');
        words.ctx.out(`${line}${f === 6 ? '' : ' '}\n`);
      }
    }
  }
}

/** What `ip -6 route get` says of a lookup, up to what was learnt of the path. */
function line6(
  dst: Ip,
  from: Ip | undefined,
  iif: Device | undefined,
  src: Ip,
  { kind, gateway, dev, route }: RouteResult,
): string {
  const words = [...(kind === 'unicast' ? [] : [kind]), formatIp(dst), 'from', formatIp(from ?? IPV6_ANY)];
  if (gateway !== undefined) words.push('via', formatIp(gateway));
  words.push('dev', kind === 'local' ? 'lo' : (dev?.name ?? 'lo'));
  if (route !== undefined && route.table !== TABLE_MAIN) words.push('table', tableName(route.table));
  if (route !== undefined && route.protocol !== 'boot') words.push('proto', route.protocol);
  if (from === undefined && iif === undefined) words.push('src', formatIp(src));
  words.push('metric', String(route?.metric ?? 0));
  if (iif !== undefined) words.push('iif', iif.name);
  return words.join(' ');
}

function get(words: Words): void {
  let dst: Ip | undefined;
  let from: Ip | undefined;
  let iif: Device | undefined;
  let oif: Device | undefined;
  let mark = 0;
  while (words.more) {
    const word = words.value();
    if (word === 'from') from = words.prefix().ip;
    else if (word === 'iif') iif = words.device();
    else if (word === 'oif' || word === 'dev') oif = words.device();
    else if (word === 'mark') mark = words.number('mark');
    else if (word === 'tos' || word === 'uid' || word === 'ipproto' || word === 'sport' || word === 'dport')
      words.value();
    else if (word !== 'fibmatch') dst = words.prefix(word === 'to' ? undefined : word).ip;
  }
  if (dst === undefined) throw new Refusal('need at least a destination address');
  const { netns } = words.ctx;
  const found = netns.routes.lookup({ dst, src: from, mark, iif, oif });
  switch (found.kind) {
    case 'none':
      return answer(iif === undefined ? 'ENETUNREACH' : 'EHOSTUNREACH');
    case 'blackhole':
      return answer('EINVAL');
    case 'unreachable':
      return answer('EHOSTUNREACH');
    case 'prohibit':
      return answer('EACCES');
    default:
  }
  const src = from ?? found.src;
  const local = found.kind === 'local';
  const dev = local ? netns.loopback : found.dev;
  const line: string[] = [];
  if (found.kind !== 'unicast') line.push(found.kind);
  line.push(formatIp(dst));
  if (from !== undefined) line.push('from', formatIp(from));
  if (found.gateway !== undefined) line.push('via', formatIp(found.gateway));
  line.push('dev', dev?.name ?? 'lo');
  if (found.route !== undefined && found.route.table !== TABLE_MAIN && found.route.table !== TABLE_LOCAL)
    line.push('table', tableName(found.route.table));
  if (from === undefined && iif === undefined) line.push('src', formatIp(src));
  if (mark !== 0) line.push('mark', `0x${mark.toString(16)}`);
  line.push('uid 0');
  const flags = local ? '<local> ' : found.kind === 'broadcast' ? '<local,brd> ' : '';
  const learnt = netns.pathMtu.get(dst);
  const expires = learnt === undefined ? 0 : Math.floor((learnt.expires - words.ctx.world.now) / 1e6);
  const mtu =
    learnt !== undefined && expires > 0
      ? `expires ${expires}sec mtu ${learnt.mtu} `
      : found.mtu > 0
        ? `mtu ${found.mtu} `
        : '';
  if (isIpv6(dst)) {
    words.ctx.out(`${line6(dst, from, iif, src, found)} ${mtu === '' ? '' : mtu}pref medium\n`);
    return;
  }
  words.ctx.out(
    `${line.join(' ')} \n    cache ${flags}${mtu}${iif === undefined ? '' : `iif ${iif.name} `}\n`,
  );
}

interface Hop {
  dev: Device | undefined;
  via: Ip | undefined;
  weight: number;
  onlink: boolean;
}

function modify(words: Words, command: 'add' | 'replace' | 'change' | 'append' | 'delete'): void {
  const { netns } = words.ctx;
  let dst: Prefix | undefined;
  let type: RouteType | undefined;
  let table: number | undefined;
  let dev: Device | undefined;
  let via: Ip | undefined;
  let src: Ip | undefined;
  let scope: RouteScope | undefined;
  let protocol: string | undefined;
  let metric: number | undefined;
  let mtu: number | undefined;
  let onlink = false;
  const hops: Hop[] = [];
  while (words.more) {
    const word = words.value();
    switch (word) {
      case 'via': {
        const next = words.peek();
        if (next === 'inet' || next === 'inet6') words.next();
        via = words.ip();
        break;
      }
      case 'dev':
      case 'oif':
        dev = words.device();
        break;
      case 'src':
        src = words.ip();
        break;
      case 'metric':
      case 'priority':
      case 'preference':
        metric = words.number('metric');
        break;
      case 'mtu': {
        if (words.peek() === 'lock') words.next();
        mtu = words.number('mtu');
        break;
      }
      case 'table':
        table = parseTable(words.value());
        break;
      case 'proto':
      case 'protocol':
        protocol = words.value();
        break;
      case 'scope':
        scope = parseScope(words.value());
        break;
      case 'onlink':
        onlink = true;
        break;
      case 'advmss':
      case 'tos':
      case 'window':
      case 'initcwnd':
      case 'hoplimit':
        words.value();
        break;
      case 'nexthop':
        hops.push({ dev: undefined, via: undefined, weight: 1, onlink: false });
        parseHop(words, hops.at(-1));
        break;
      default: {
        const named = TYPES[word];
        if (named !== undefined && dst === undefined && type === undefined) type = named;
        else {
          if (dst !== undefined)
            throw new Refusal(`Error: either "to" is duplicate, or "${word}" is a garbage.`, 255);
          dst = words.prefix(word === 'to' ? undefined : word);
        }
      }
    }
  }
  if (dst === undefined) throw new Refusal(USAGE.trimEnd(), 255);
  if (via !== undefined && isIpv6(via) && dst.length === 0)
    dst = { ip: words.ctx.netns === netns ? network({ ip: via, length: 0 }).ip : via, length: 0 };
  if (network(dst).ip !== dst.ip) throw new Refusal('Error: Invalid prefix for given prefix length.', 2);
  const nexthops = hops.flatMap((hop): NextHop[] =>
    hop.dev === undefined ? [] : [{ dev: hop.dev, via: hop.via, weight: hop.weight, onlink: hop.onlink }],
  );
  const spec: RouteSpec = {
    dst,
    ...(type === undefined ? {} : { type }),
    ...(table === undefined ? {} : { table }),
    ...(dev === undefined ? {} : { dev }),
    ...(via === undefined ? {} : { via }),
    ...(src === undefined ? {} : { src }),
    ...(scope === undefined ? {} : { scope }),
    ...(protocol === undefined ? {} : { protocol }),
    ...(metric === undefined ? {} : { metric }),
    ...(mtu === undefined ? {} : { mtu }),
    ...(onlink ? { onlink } : {}),
    ...(nexthops.length === 0 ? {} : { nexthops }),
  };
  const error = netns.routes[command](spec);
  const gateway = via !== undefined || nexthops.length > 0;
  answer(
    error,
    command === 'delete'
      ? {}
      : {
          ...(gateway ? { ENETUNREACH: 'Nexthop has invalid gateway.' } : {}),
          ENETDOWN: 'Device for nexthop is not up.',
          ...(error === 'EINVAL' && src !== undefined ? { EINVAL: 'Invalid prefsrc address.' } : {}),
        },
  );
}

function parseHop(words: Words, hop: Hop | undefined): void {
  for (
    let word = words.peek();
    hop !== undefined && word !== undefined && word !== 'nexthop';
    word = words.peek()
  ) {
    words.next();
    if (word === 'via') hop.via = words.ip();
    else if (word === 'dev') hop.dev = words.device();
    else if (word === 'weight') hop.weight = Math.max(1, Math.min(256, words.number('weight')));
    else if (word === 'onlink') hop.onlink = true;
    else throw new Refusal(`Error: either "to" is duplicate, or "${word}" is a garbage.`, 255);
  }
}

function flush(words: Words): void {
  if (!words.more) throw new Refusal('"ip route flush" requires arguments.', 255);
  const { table, family, accepts } = select(words);
  words.ctx.netns.fillAll();
  words.ctx.netns.routes.flush((route) => {
    if (isIpv6(route.dst.ip) !== (family === 6)) return false;
    return (table === 0 || route.table === table) && accepts(route);
  });
}
