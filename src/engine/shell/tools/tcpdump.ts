import type { Device } from '../../net/device.ts';
import type { Ip } from '../../net/address.ts';
import type { Frame } from '../../net/packet.ts';
import { getopt, optionErrorText, type Options } from '../getopt.ts';
import { resolveHost } from '../resolve.ts';
import { openTap } from '../tap.ts';
import type { Tool, ToolContext } from '../tool.ts';
import { calendar, two } from './system.ts';
import { bytesOf } from './tcpdump/bytes.ts';
import { compileFilter, namesIn, type Filter } from './tcpdump/filter.ts';
import { asciiDump, hexDump, Printer } from './tcpdump/print.ts';

const VERSION = 'tcpdump version 4.99.3\nlibpcap version 1.10.3 (with TPACKET_V3)\n';
const USAGE = `${VERSION}Usage: tcpdump [-AbdDefhHIJKlLnNOpqStuUvxX#] [ -B size ] [ -c count ] [--count]
		[ -C file_size ] [ -E algo:secret ] [ -F file ] [ -G seconds ]
		[ -i interface ] [ --immediate-mode ] [ -j tstamptype ]
		[ -M secret ] [ --number ] [ --print ] [ -Q in|out|inout ]
		[ -r file ] [ -s snaplen ] [ -T type ] [ --version ]
		[ -V file ] [ -w file ] [ -W filecount ] [ -y datalinktype ]
		[ --time-stamp-precision precision ] [ --micro ] [ --nano ]
		[ -z postrotate-command ] [ -Z user ] [ expression ]
`;
/** How long frames wait to be put in order before they are printed. */
const LAG = 500;

interface Seen {
  readonly at: number;
  readonly device: Device;
  readonly dir: 'in' | 'out';
  readonly frame: Frame;
}

export const tcpdump: Tool = function* (ctx, args) {
  const parsed = getopt(args, {
    short: 'AbB:c:C:dDeE:fF:G:hHi:IJj:KlLM:nNOpqQ:r:s:StT:uUvV:w:W:xXy:z:Z:#',
    long: {
      help: 'h',
      version: 'version',
      interface: 'i:',
      'immediate-mode': 'immediate',
      'list-interfaces': 'D',
      number: '#',
      direction: 'Q:',
      count: 'count',
      print: 'print',
      micro: 'micro',
      nano: 'nano',
      'snapshot-length': 's:',
      'no-promiscuous-mode': 'p',
    },
  });
  if (!parsed.ok) {
    ctx.err(`${optionErrorText('tcpdump', parsed.error)}\n${USAGE}`);
    return 1;
  }
  const { options } = parsed;
  if (options.has('version') || options.has('h')) {
    ctx.out(options.has('h') ? USAGE : VERSION);
    return 0;
  }
  if (options.has('D')) {
    for (const [i, line] of interfaces(ctx).entries()) ctx.out(`${i + 1}.${line}\n`);
    return 0;
  }
  if (options.has('w') || options.has('r')) {
    ctx.err(
      'tcpdump: writing and reading capture files is not supported here; `podwalk run --capture FILE` writes one\n',
    );
    return 1;
  }
  const countText = options.value('c');
  const count = countText === undefined ? Infinity : Number(countText);
  if (!(count >= 1) || (count !== Infinity && !Number.isInteger(count))) {
    ctx.err(`tcpdump: invalid packet count ${countText ?? ''}\n`);
    return 1;
  }
  const name = options.value('i') ?? firstInterface(ctx);
  const any = name === 'any';
  if (!any && !ctx.netns.devices.has(name)) {
    ctx.err(`tcpdump: ${name}: No such device exists\n(No such device exists)\n`);
    return 1;
  }
  if (!any && ctx.netns.devices.get(name)?.up === false) {
    ctx.err(`tcpdump: ${name}: That device is not up\n`);
    return 1;
  }
  const expression = options.rest.join(' ');
  const names = new Map<string, readonly Ip[]>();
  for (const host of namesIn(expression)) {
    const found = yield* resolveHost(ctx, host);
    names.set(host, found.kind === 'found' ? found.ips : []);
  }
  const compiled = compileFilter(expression, names);
  if (!compiled.ok) {
    ctx.err(`tcpdump: ${compiled.error}\n`);
    return 1;
  }
  const direction = options.value('Q');
  return yield* capture(ctx, { options, count, name, any, filter: compiled.filter, direction });
};

interface Capture {
  readonly options: Options;
  readonly count: number;
  readonly name: string;
  readonly any: boolean;
  readonly filter: Filter;
  readonly direction: string | undefined;
}

function* capture(
  ctx: ToolContext,
  { options, count, name, any, filter, direction }: Capture,
): ReturnType<Tool> {
  const printer = new Printer({
    numeric: options.has('n'),
    verbose: options.count('v'),
    quiet: options.has('q'),
    ethernet: options.has('e'),
    absolute: options.has('S'),
  });
  const verbose = options.has('v');
  if (any) ctx.err('tcpdump: data link type LINUX_SLL2\n');
  ctx.err(
    verbose ? 'tcpdump: ' : 'tcpdump: verbose output suppressed, use -v[v]... for full protocol decode\n',
  );
  ctx.err(
    `listening on ${name}, link-type ${any ? 'LINUX_SLL2 (Linux cooked v2)' : linkType(ctx, name)}, snapshot length 262144 bytes\n`,
  );
  let waiting: Seen[] = [];
  let printed = 0;
  let received = 0;
  let last: number | undefined;
  let stopped = false;
  let wake: (() => void) | undefined;
  const { netns, world } = ctx;
  const timer = { pending: false };
  const print = (): void => {
    // Whatever was stamped earlier has arrived by now.
    const ready = waiting.sort((a, b) => a.at - b.at);
    waiting = [];
    for (const seen of ready) {
      if (printed >= count) break;
      printed++;
      ctx.out(`${stamp(options, seen.at, last)}${line(printer, options, any, seen)}\n`);
      last = seen.at;
    }
    if (printed >= count) {
      stopped = true;
      wake?.();
    }
  };
  const close = openTap(world, {
    frame: (at, ns, dev, dir, frame) => {
      if (ns !== netns.name || stopped || (!any && dev !== name)) return;
      const device = netns.devices.get(dev);
      if (device === undefined || (dir === 'out' && device.kind === 'loopback')) return;
      if (direction !== undefined && direction !== 'inout' && direction !== dir) return;
      if (!filter({ frame, dir })) return;
      received++;
      if (printed + waiting.length >= count) return;
      waiting.push({ at, device, dir, frame });
      if (timer.pending) return;
      timer.pending = true;
      world.schedule(LAG, () => {
        timer.pending = false;
        if (!stopped) print();
      });
    },
  });
  let interrupted = false;
  ctx.signals.handler = (signal) => {
    if (signal === 'KILL' || signal === 'PIPE') return false;
    interrupted = true;
    stopped = true;
    wake?.();
    return true;
  };
  try {
    while (!stopped) {
      yield (resume) => {
        wake = resume;
        return () => {
          wake = undefined;
        };
      };
    }
  } finally {
    wake = undefined;
    close();
    ctx.signals.handler = undefined;
  }
  print();
  if (interrupted) ctx.out('\n');
  const packets = (n: number): string => `${n} packet${n === 1 ? '' : 's'}`;
  ctx.err(
    `${packets(printed)} captured\n${packets(Math.max(received, printed))} received by filter\n0 packets dropped by kernel\n`,
  );
  return 0;
}

function line(printer: Printer, options: Options, any: boolean, { device, dir, frame }: Seen): string {
  let text: string;
  if (any) {
    const kind =
      dir === 'out'
        ? 'Out'
        : frame.dst === 0xffffffffffff
          ? 'B'
          : Math.floor(frame.dst / 0x10000000000) % 2 === 1
            ? 'M'
            : frame.dst === device.mac || device.kind === 'loopback'
              ? 'In'
              : 'P';
    text = `${device.name.padEnd(5)} ${kind.padEnd(3)} ${printer.cooked(frame, device.index)}`;
  } else text = printer.frame(frame);
  if (options.has('x') || options.has('X'))
    text += hexDump(
      bytesOf(frame).subarray(options.count('x') + options.count('X') > 1 && !any ? 0 : 14),
      options.has('X'),
    );
  else if (options.has('A')) text += asciiDump(bytesOf(frame).subarray(14));
  return text;
}

/** `-t` none, `-tt` seconds, `-ttt` since the line before, `-tttt` with the date. */
function stamp(options: Options, at: number, last: number | undefined): string {
  const t = calendar(at);
  const micros = String(t.microsecond).padStart(6, '0');
  const clock = `${two(t.hour)}:${two(t.minute)}:${two(t.second)}.${micros} `;
  switch (options.count('t')) {
    case 0:
      return clock;
    case 1:
      return '';
    case 2:
      return `${t.epoch}.${micros} `;
    case 3: {
      const delta = at - (last ?? at);
      const seconds = Math.floor(delta / 1e6);
      return ` ${two(Math.floor(seconds / 3600))}:${two(Math.floor(seconds / 60) % 60)}:${two(seconds % 60)}.${String(Math.floor(delta % 1e6)).padStart(6, '0')} `;
    }
    default:
      return `${t.year}-${two(t.month)}-${two(t.day)} ${clock}`;
  }
}

function linkType(ctx: ToolContext, name: string): string {
  return ctx.netns.devices.get(name)?.kind === 'ipip' ? 'RAW (Raw IP)' : 'EN10MB (Ethernet)';
}

function firstInterface(ctx: ToolContext): string {
  const links = ctx.netns.links();
  return (links.find((device) => device.kind !== 'loopback' && device.up) ?? links[0])?.name ?? 'any';
}

function interfaces(ctx: ToolContext): string[] {
  const links = ctx.netns.links();
  const state = (device: Device): string =>
    device.kind === 'loopback'
      ? 'Up, Running, Loopback'
      : device.up
        ? device.carrier
          ? 'Up, Running, Connected'
          : 'Up, Disconnected'
        : 'none';
  const text = (device: Device): string => `${device.name} [${state(device)}]`;
  return [
    ...links.filter((d) => d.kind !== 'loopback').map(text),
    'any (Pseudo-device that captures on all interfaces) [Up, Running]',
    ...links.filter((d) => d.kind === 'loopback').map(text),
  ];
}
