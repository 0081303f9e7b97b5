/** What iproute2 prints with `-j`: its lines are read and their words given the names that its JSON has. */

type Json = string | number | readonly Json[] | { readonly [name: string]: Json };
type Fields = Record<string, Json>;

/** The lines of `ip link` or `ip address`, of `ip route`, `ip neigh` or `ip rule`, as one list. */
export function jsonOf(object: string, text: string): readonly Json[] {
  const lines = text.split('\n').filter((line) => line.trim() !== '');
  switch (object) {
    case 'link':
    case 'address':
      return links(lines, object);
    case 'route':
      return routes(lines);
    case 'rule':
      return lines.map(rule);
    default:
      return lines.map(neighbour);
  }
}

/** As `-p` lays it out (json_writer.c). */
export function prettyJson(values: readonly Json[]): string {
  return `[ ${values.map((value) => pretty(value, 1)).join(',')} ]`;
}

function pretty(value: Json, depth: number): string {
  if (typeof value !== 'object') return JSON.stringify(value);
  const indent = '    '.repeat(depth);
  if (isList(value)) {
    if (value.length === 0) return '[ ]';
    return `[ ${value.map((one) => pretty(one, depth + 1)).join(',')} ]`;
  }
  const fields = Object.entries(value).map(
    ([name, field]) => `${indent}    ${JSON.stringify(name)}: ${pretty(field, depth + 1)}`,
  );
  return `{\n${fields.join(',\n')}\n${indent}}`;
}

function isList(value: Json): value is readonly Json[] {
  return Array.isArray(value);
}

const FOREVER = 4_294_967_295;

function links(lines: readonly string[], object: 'link' | 'address'): readonly Json[] {
  const found: { readonly fields: Fields; readonly addresses: Fields[] }[] = [];
  for (const line of lines) {
    const head = /^(\d+): ([^:@]+)(?:@(\S+))?: <([^>]*)> (.*)$/.exec(line);
    if (head !== null) {
      found.push({ fields: linkHead(head), addresses: [] });
      continue;
    }
    const current = found.at(-1);
    const [what = '', value = '', ...rest] = line.trim().split(' ');
    if (current === undefined) continue;
    if (what.startsWith('link/')) {
      Object.assign(current.fields, { link_type: what.slice(5), address: value });
      const pairs = pairsOf(rest);
      if (pairs['brd'] !== undefined) current.fields['broadcast'] = pairs['brd'];
      if (pairs['link-netnsid'] !== undefined) current.fields['link_netnsid'] = Number(pairs['link-netnsid']);
    } else if (what === 'inet' || what === 'inet6') current.addresses.push(address(what, value, rest));
  }
  return found.map(({ fields, addresses }) =>
    object === 'link' ? fields : { ...fields, addr_info: addresses },
  );
}

function linkHead(head: RegExpExecArray): Fields {
  const [, index = '', name = '', peer, flags = '', rest = ''] = head;
  const pairs = pairsOf(rest.split(' '));
  const link = /^if(\d+)$/.exec(peer ?? '')?.[1];
  return {
    ifindex: Number(index),
    ...(link !== undefined ? { link_index: Number(link) } : peer === undefined ? {} : { link: peer }),
    ifname: name,
    flags: flags.split(','),
    mtu: Number(pairs['mtu']),
    qdisc: pairs['qdisc'] ?? '',
    ...(pairs['master'] === undefined ? {} : { master: pairs['master'] }),
    operstate: pairs['state'] ?? '',
    ...(pairs['mode'] === undefined ? {} : { linkmode: pairs['mode'] }),
    group: pairs['group'] ?? '',
    ...(pairs['qlen'] === undefined ? {} : { txqlen: Number(pairs['qlen']) }),
  };
}

function address(family: string, prefix: string, words: readonly string[]): Fields {
  const [local = '', length = ''] = prefix.split('/');
  const pairs = pairsOf(words);
  const label = family === 'inet' ? words.at(-1) : undefined;
  return {
    family,
    local,
    prefixlen: Number(length),
    ...(pairs['brd'] === undefined ? {} : { broadcast: pairs['brd'] }),
    scope: pairs['scope'] ?? '',
    ...(label === undefined ? {} : { label }),
    valid_life_time: FOREVER,
    preferred_life_time: FOREVER,
  };
}

const ROUTE_NAMES: Readonly<Record<string, string>> = {
  from: 'from',
  via: 'gateway',
  dev: 'dev',
  table: 'table',
  proto: 'protocol',
  scope: 'scope',
  src: 'prefsrc',
  metric: 'metric',
  mtu: 'mtu',
  uid: 'uid',
  iif: 'iif',
  pref: 'pref',
};
const NUMBERS: ReadonlySet<string> = new Set(['metric', 'mtu', 'uid']);
const ROUTE_TYPE = /^(local|broadcast|multicast|anycast|blackhole|unreachable|prohibit|throw)$/;

function routes(lines: readonly string[]): readonly Json[] {
  const found: Fields[] = [];
  for (const line of lines) {
    const words = line.trim().split(/\s+/);
    const current = found.at(-1);
    if (words[0] === 'cache' && current !== undefined) current['cache'] = [];
    else if (words[0] !== 'nexthop') found.push(route(words));
    else if (current !== undefined) {
      const before = current['nexthops'];
      const hops = before !== undefined && isList(before) ? before : [];
      const hop = route(['', ...words.slice(1)]);
      delete hop['dst'];
      current['nexthops'] = [...hops, hop];
    }
  }
  return found;
}

function route(words: readonly string[]): Fields {
  const typed = ROUTE_TYPE.test(words[0] ?? '');
  const fields: Fields = typed ? { type: words[0] ?? '' } : {};
  fields['dst'] = words[typed ? 1 : 0] ?? '';
  const flags: string[] = [];
  // The flags come behind what is known of the way and before what is known of who asked.
  const late: Fields = {};
  for (let i = typed ? 2 : 1; i < words.length; i++) {
    const word = words[i] ?? '';
    const name = Object.hasOwn(ROUTE_NAMES, word) ? ROUTE_NAMES[word] : undefined;
    if (name === undefined) {
      flags.push(word);
      continue;
    }
    const value = words[++i] ?? '';
    const field = NUMBERS.has(word) ? Number(value) : value;
    if (word === 'uid' || word === 'iif') late[name] = field;
    else fields[name] = field;
  }
  return { ...fields, flags, ...late };
}

function rule(line: string): Json {
  const [priority = '', rest = ''] = line.split(':\t');
  const pairs = pairsOf(rest.split(' '));
  const fields: Fields = { priority: Number(priority) };
  for (const [word, name] of [
    ['from', 'src'],
    ['to', 'dst'],
    ['iif', 'iif'],
    ['oif', 'oif'],
    ['fwmark', 'fwmark'],
    ['lookup', 'table'],
  ] as const)
    if (pairs[word] !== undefined) fields[name] = pairs[word];
  return fields;
}

function neighbour(line: string): Json {
  const words = line.trim().split(/\s+/);
  const pairs = pairsOf(words.slice(1));
  return {
    dst: words[0] ?? '',
    ...(pairs['dev'] === undefined ? {} : { dev: pairs['dev'] }),
    ...(pairs['lladdr'] === undefined ? {} : { lladdr: pairs['lladdr'] }),
    state: [words.at(-1) ?? ''],
  };
}

/** Each word with the one behind it. */
function pairsOf(words: readonly string[]): Readonly<Record<string, string>> {
  return Object.fromEntries(words.slice(0, -1).map((word, i) => [word, words[i + 1] ?? '']));
}
