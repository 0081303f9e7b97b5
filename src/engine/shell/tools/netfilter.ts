import { formatIp, parseIp, parsePrefix, prefixContains } from '../../net/address.ts';
import { formatEntry, type CtEntry } from '../../net/conntrack.ts';
import { iptables as runIptables, iptablesSave, type IptablesResult } from '../../net/iptables.ts';
import { iptablesRestore } from '../../net/iptables-restore.ts';
import { protocolNumber } from '../../net/protocol.ts';
import { resolve } from '../expand.ts';
import { getopt, optionErrorText } from '../getopt.ts';
import { openTap } from '../tap.ts';
import type { Tool, ToolContext } from '../tool.ts';
import { calendar, two } from './system.ts';

function print(ctx: ToolContext, result: IptablesResult): number {
  ctx.out(result.out);
  ctx.err(result.error);
  return result.exitCode;
}

/** iptables and ip6tables, and the names under which distributions also keep them. */
export const iptables: Tool = function* (ctx, args) {
  return print(ctx, runIptables(ctx.netns.netfilter, ctx.name.startsWith('ip6') ? 'ipv6' : 'ipv4', args));
};

const WEEKDAYS = ['Sun', 'Mon', 'Tue', 'Wed', 'Thu', 'Fri', 'Sat'];
const MONTHS = ['Jan', 'Feb', 'Mar', 'Apr', 'May', 'Jun', 'Jul', 'Aug', 'Sep', 'Oct', 'Nov', 'Dec'];

export const iptablesSaveTool: Tool = function* (ctx, args) {
  const t = calendar(ctx.world.now);
  const date = `${WEEKDAYS[t.weekday] ?? ''} ${MONTHS[t.month - 1] ?? ''} ${String(t.day).padStart(2)} ${two(t.hour)}:${two(t.minute)}:${two(t.second)} ${t.year}`;
  return print(
    ctx,
    iptablesSave(ctx.netns.netfilter, ctx.name.startsWith('ip6') ? 'ipv6' : 'ipv4', args, date),
  );
};

export const iptablesRestoreTool: Tool = function* (ctx, args) {
  const file = args.find((arg) => !arg.startsWith('-'));
  let text: string;
  if (file === undefined) text = yield* ctx.stdin.readAll();
  else {
    const read = ctx.files.read(resolve(ctx.cwd, file));
    if (!read.ok) {
      ctx.err(`Can't open ${file}: No such file or directory\n`);
      return 1;
    }
    text = read.value;
  }
  return print(
    ctx,
    iptablesRestore(ctx.netns.netfilter, ctx.name.startsWith('ip6') ? 'ipv6' : 'ipv4', args, text),
  );
};

export const ipset: Tool = function* (ctx, args) {
  return print(ctx, ctx.netns.netfilter.sets.run(args));
};

const TOOL = 'conntrack v1.4.7 (conntrack-tools): ';

/** conntrack-tools: -L, -D, -F, -C, -E. */
/** `-n`, `-g` and `-j` may have an address behind them, and need not. */
function natOption(arg: string, at: number, args: readonly string[]): string[] {
  const names: Readonly<Record<string, string>> = {
    '-n': '--src-nat',
    '--src-nat': '--src-nat',
    '-g': '--dst-nat',
    '--dst-nat': '--dst-nat',
    '-j': '--any-nat',
    '--any-nat': '--any-nat',
  };
  const name = Object.hasOwn(names, arg) ? names[arg] : undefined;
  const next = args[at + 1];
  if (name !== undefined && next !== undefined && !next.startsWith('-')) return [`${name}-to`];
  return [arg.replace(/^(--(?:src|dst|any)-nat)=/, '$1-to=')];
}

export const conntrack: Tool = function* (ctx, args) {
  const parsed = getopt(args.flatMap(natOption), {
    short: 'LDFCESGIUs:d:r:q:p:f:o:m:ngje:t:u:w:zb:',
    long: {
      src: 's:',
      'orig-src': 's:',
      dst: 'd:',
      'orig-dst': 'd:',
      'reply-src': 'r:',
      'reply-dst': 'q:',
      proto: 'p:',
      protonum: 'p:',
      family: 'f:',
      output: 'o:',
      dump: 'L',
      delete: 'D',
      flush: 'F',
      count: 'C',
      event: 'E',
      sport: 'sport:',
      'orig-port-src': 'sport:',
      dport: 'dport:',
      'orig-port-dst': 'dport:',
      'reply-port-src': 'rsport:',
      'reply-port-dst': 'rdport:',
      mark: 'm:',
      'src-nat': 'n',
      'dst-nat': 'g',
      'any-nat': 'j',
      'src-nat-to': 'src-nat-to:',
      'dst-nat-to': 'dst-nat-to:',
      'any-nat-to': 'any-nat-to:',
      state: 'state:',
      'event-mask': 'e:',
      status: 'u:',
      stats: 'S',
    },
  });
  if (!parsed.ok) {
    const bad = parsed.error.option;
    ctx.err(
      parsed.error.kind === 'missing'
        ? `${optionErrorText('conntrack', parsed.error)}\n`
        : `${TOOL}unknown option \`${bad.startsWith('--') ? bad : `-${bad}`}'\nTry \`conntrack -h' or 'conntrack --help' for more information.\n`,
    );
    return 2;
  }
  const { options } = parsed;
  const { conntrack: table } = ctx.netns;
  const tests: ((entry: CtEntry) => boolean)[] = [];
  for (const [letter, part, end] of [
    ['s', 'original', 'src'],
    ['d', 'original', 'dst'],
    ['r', 'reply', 'src'],
    ['q', 'reply', 'dst'],
  ] as const) {
    const text = options.value(letter);
    if (text === undefined) continue;
    const prefix = text.includes('/') ? parsePrefix(text) : undefined;
    const ip = parseIp(text);
    if (prefix === undefined && ip === undefined) {
      ctx.err(
        `${TOOL}Invalid IP address \`${text}'\nTry \`conntrack -h' or 'conntrack --help' for more information.\n`,
      );
      return 2;
    }
    tests.push((entry) =>
      prefix === undefined ? entry[part][end] === ip : prefixContains(prefix, entry[part][end]),
    );
  }
  for (const [name, part, end] of [
    ['sport', 'original', 'sport'],
    ['dport', 'original', 'dport'],
    ['rsport', 'reply', 'sport'],
    ['rdport', 'reply', 'dport'],
  ] as const) {
    const port = options.value(name);
    if (port !== undefined) tests.push((entry) => entry[part][end] === Number(port));
  }
  const protocolText = options.value('p');
  if (protocolText !== undefined) {
    const protocol = protocolNumber(protocolText);
    if (protocol === undefined) {
      ctx.err(
        `${TOOL}\`${protocolText}' unsupported protocol\nTry \`conntrack -h' or 'conntrack --help' for more information.\n`,
      );
      return 2;
    }
    tests.push((entry) => entry.original.protocol === protocol);
  }
  const family = options.value('f');
  if (family !== undefined)
    tests.push((entry) => entry.original.src >= 0x1_0000_0000 === (family === 'ipv6'));
  const mark = options.value('m');
  if (mark !== undefined) tests.push((entry) => entry.mark === Number(mark));
  const state = options.value('state');
  if (state !== undefined) tests.push((entry) => entry.tcp?.state === state);
  for (const [letter, name, src, dst] of [
    ['n', 'src-nat-to', true, false],
    ['g', 'dst-nat-to', false, true],
    ['j', 'any-nat-to', true, true],
  ] as const) {
    if (options.has(letter)) tests.push((entry) => (src && entry.srcNat) || (dst && entry.dstNat));
    const to = parseIp(options.value(name) ?? '');
    if (to !== undefined)
      tests.push(
        (entry) =>
          (src && entry.srcNat && entry.reply.dst === to) || (dst && entry.dstNat && entry.reply.src === to),
      );
  }
  const accepts = (entry: CtEntry): boolean => tests.every((test) => test(entry));
  const line = (entry: CtEntry): string => {
    const text = formatEntry(entry, ctx.world.now);
    if (!(options.value('o') ?? '').includes('extended')) return text;
    return `${entry.original.src >= 0x1_0000_0000 ? 'ipv6     10' : 'ipv4     2'} ${text}`;
  };
  if (options.has('C')) {
    ctx.out(`${table.list().length}\n`);
    return 0;
  }
  if (options.has('F')) {
    table.delete(() => true);
    ctx.err(`${TOOL}connection tracking table has been emptied.\n`);
    return 0;
  }
  if (options.has('E')) return yield* events(ctx, accepts, line, options.value('e'));
  if (!options.has('L') && !options.has('D') && !options.has('G')) {
    ctx.err(
      'Command line interface for the connection tracking system. Version 1.4.7\nUsage: conntrack [commands] [options]\n',
    );
    return 2;
  }
  const found = table.list().filter(accepts);
  for (const entry of found) ctx.out(`${line(entry)}\n`);
  if (options.has('D')) table.delete(accepts);
  ctx.err(`${TOOL}${found.length} flow entries have been ${options.has('D') ? 'deleted' : 'shown'}.\n`);
  return options.has('D') && found.length === 0 ? 1 : 0;
};

/** By then a frame that arrived has been through every hook. */
const LOOK_TIME = 5;

/** `conntrack -E`: the table is compared with what it was whenever something has crossed a device of the namespace. */
function* events(
  ctx: ToolContext,
  accepts: (entry: CtEntry) => boolean,
  line: (entry: CtEntry) => string,
  mask: string | undefined,
): ReturnType<Tool> {
  const { netns, world } = ctx;
  const known = new Map<CtEntry, string>();
  for (const entry of netns.conntrack.list()) known.set(entry, stateOf(entry));
  let count = 0;
  const wants = (kind: string): boolean =>
    mask === undefined || mask.toUpperCase().includes(kind) || mask.toUpperCase().includes('ALL');
  const say = (kind: 'NEW' | 'UPDATE' | 'DESTROY', entry: CtEntry): void => {
    if (!accepts(entry) || !wants(kind === 'UPDATE' ? 'UPDATES' : kind)) return;
    count++;
    let text = line(entry).replace(/ mark=\d+ use=\d+$/, '');
    // An event carries the whole timeout, and none when the entry is gone.
    text = text.replace(/^(\S+ +\d+) (\d+) /, (_, head: string, left: string) =>
      kind === 'DESTROY' ? `${head} ` : `${head} ${Number(left) + 1} `,
    );
    ctx.out(`${`[${kind}]`.padStart(9)} ${text}\n`);
  };
  const look = (): void => {
    const now = new Set(netns.conntrack.list());
    for (const entry of now) {
      const before = known.get(entry);
      const state = stateOf(entry);
      known.set(entry, state);
      if (before !== state) say(before === undefined ? 'NEW' : 'UPDATE', entry);
    }
    for (const entry of [...known.keys()]) {
      if (now.has(entry)) continue;
      known.delete(entry);
      say('DESTROY', entry);
    }
  };
  let pending = false;
  const close = openTap(world, {
    frame: (_at, name, _dev, dir) => {
      if (name !== netns.name) return;
      // What leaves has been through every hook; what arrives is about to.
      if (dir === 'out') look();
      if (pending) return;
      pending = true;
      world.schedule(LOOK_TIME, () => {
        pending = false;
        look();
      });
    },
  });
  try {
    yield (resume) => {
      ctx.signals.handler = (signal) => {
        if (signal !== 'INT' && signal !== 'TERM') return false;
        resume();
        return true;
      };
    };
  } finally {
    ctx.signals.handler = undefined;
    close();
  }
  ctx.err(`${TOOL}${count} flow events have been shown.\n`);
  return 0;
}

function stateOf(entry: CtEntry): string {
  return `${entry.tcp?.state ?? ''} ${entry.seenReply} ${entry.assured} ${formatIp(entry.reply.src)}`;
}
