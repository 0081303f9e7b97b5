import { formatIp, isIpv6, isLinkLocal, parseIp, type Ip } from '../../net/address.ts';
import type { Device } from '../../net/device.ts';
import { ERRNO_TEXT } from '../../net/errno.ts';
import {
  ICMP_ECHO,
  ICMPV6_ECHO,
  ICMPV6_ECHO_REPLY,
  IPPROTO_ICMP,
  IPPROTO_ICMPV6,
  isIcmpError,
  type IcmpMessage,
  type IpPacket,
} from '../../net/packet.ts';
import type { RawSocket } from '../../net/raw.ts';
import { sleep, type Task } from '../../net/task.ts';
import type { PmtuDiscover } from '../../net/udp-socket.ts';
import { getopt, optionErrorText, type Options } from '../getopt.ts';
import { resolveAddress, resolveHost } from '../resolve.ts';
import type { Tool, ToolContext } from '../tool.ts';
import { calendar } from './system.ts';

interface Run {
  readonly ctx: ToolContext;
  readonly options: Options;
  readonly name: string;
  readonly ip: Ip;
  readonly source: Ip | undefined;
  readonly device: string | undefined;
  /** The link that an IPv6 address is on, as `-I` or the address itself says. */
  readonly link: Device | undefined;
  readonly count: number;
  readonly interval: number;
  readonly size: number;
  readonly ttl: number | undefined;
  /** `-W`: how long an answer may take. */
  readonly wait: number;
  /** `-w`: when everything ends. */
  readonly deadline: number;
  readonly pmtu: PmtuDiscover;
  /** The name that was looked up last. */
  readonly names: { last: { readonly ip: Ip; readonly text: string } | undefined };
}

/** iputils' ping. */
export const ping: Tool = (ctx, args) => start(ctx, args, IPUTILS);
/** BusyBox's. */
export const busyboxPing: Tool = (ctx, args) => start(ctx, args, BUSYBOX);

interface Voice {
  readonly short: string;
  usageError(text: string): string;
  unresolved(name: string, kind: 'again' | 'not-found'): { readonly text: string; readonly code: number };
  head(run: Run): string;
  reply(run: Run, length: number, from: string, seq: number, ttl: number, ms: string): string;
  error(from: string, seq: number, text: string): string | undefined;
  summary(run: Run, tally: Tally, us: number): string;
  readonly firstSeq: number;
  readonly busybox: boolean;
}

interface Tally {
  sent: number;
  received: number;
  errors: number;
  duplicates: number;
  readonly times: number[];
}

const IPUTILS: Voice = {
  short: '46aAbBc:CdDe:fF:hi:I:l:Lm:M:nN:Op:qQ:rRs:S:t:T:UvVw:W:',
  busybox: false,
  firstSeq: 1,
  usageError: (text) => text,
  unresolved: (name, kind) => ({
    text: `ping: ${name}: ${kind === 'again' ? 'Temporary failure in name resolution' : 'Name or service not known'}\n`,
    code: 2,
  }),
  head: (run) => {
    const from =
      run.source === undefined && run.device === undefined
        ? ''
        : ` from ${formatIp(run.source ?? 0)} ${run.device ?? ''}:`;
    if (isIpv6(run.ip)) {
      const literal = parseIp(run.name.replace(/%.*$/, '')) === run.ip;
      return `PING ${run.name}(${literal ? run.name : `${run.name} (${formatIp(run.ip)})`})${from} ${run.size} data bytes\n`;
    }
    return `PING ${run.name} (${formatIp(run.ip)})${from} ${run.size}(${run.size + 28}) bytes of data.\n`;
  },
  reply: (run, length, from, seq, ttl, ms) => {
    const stamp = run.options.has('D') ? dateStamp(run.ctx.world.now) : '';
    return `${stamp}${length} bytes from ${from}: icmp_seq=${seq} ttl=${ttl}${run.size >= 8 ? ` time=${ms} ms` : ''}\n`;
  },
  error: (from, seq, text) => `From ${from} icmp_seq=${seq} ${text}\n`,
  summary: (run, tally, us) => {
    const { sent, received, errors, duplicates, times } = tally;
    const loss = sent === 0 ? 0 : ((sent - received) * 100) / sent;
    const counts = [
      `${sent} packets transmitted`,
      `${received} received`,
      ...(duplicates > 0 ? [`+${duplicates} duplicates`] : []),
      ...(errors > 0 ? [`+${errors} errors`] : []),
      `${percent(loss)}% packet loss`,
      `time ${Math.floor(us / 1000)}ms`,
    ];
    const head = `\n--- ${run.name} ping statistics ---\n${counts.join(', ')}\n`;
    if (times.length === 0 || run.size < 8) return `${head}${received === 0 || run.size < 8 ? '\n' : ''}`;
    const sum = times.reduce((a, b) => a + b, 0);
    const mean = sum / times.length;
    const deviation = Math.sqrt(
      Math.max(0, times.reduce((a, b) => a + b * b, 0) / times.length - mean * mean),
    );
    return `${head}rtt min/avg/max/mdev = ${[Math.min(...times), mean, Math.max(...times), deviation].map((t) => (t / 1000).toFixed(3)).join('/')} ms\n`;
  },
};

const BUSYBOX: Voice = {
  short: '46c:s:i:At:I:W:w:qp:n',
  busybox: true,
  firstSeq: 0,
  usageError: (text) =>
    `${text}BusyBox v1.36.1 (2024-06-10 07:11:47 UTC) multi-call binary.\n\nUsage: ping [OPTIONS] HOST\n`,
  unresolved: (name) => ({ text: `ping: bad address '${name}'\n`, code: 1 }),
  head: (run) => `PING ${run.name} (${formatIp(run.ip)}): ${run.size} data bytes\n`,
  reply: (_run, length, from, seq, ttl, ms) =>
    `${length} bytes from ${from}: seq=${seq} ttl=${ttl} time=${ms} ms\n`,
  error: () => undefined,
  summary: (run, { sent, received, times }) => {
    const head = `\n--- ${run.name} ping statistics ---\n${sent} packets transmitted, ${received} packets received, ${sent === 0 ? 0 : Math.floor(((sent - received) * 100) / sent)}% packet loss\n`;
    if (times.length === 0) return head;
    const mean = times.reduce((a, b) => a + b, 0) / times.length;
    return `${head}round-trip min/avg/max = ${[Math.min(...times), mean, Math.max(...times)].map((t) => (t / 1000).toFixed(3)).join('/')} ms\n`;
  },
};

function* start(ctx: ToolContext, args: readonly string[], voice: Voice): Task<number> {
  const parsed = getopt(args, { short: voice.short });
  if (!parsed.ok) {
    ctx.err(voice.usageError(`${optionErrorText(ctx.name, parsed.error)}\n`));
    if (!voice.busybox) ctx.err('\nUsage\n  ping [options] <destination>\n');
    return voice.busybox ? 1 : 2;
  }
  const { options } = parsed;
  const name = options.rest.at(-1);
  if (options.has('V')) {
    ctx.out('ping from iputils 20221126\n');
    return 0;
  }
  if (name === undefined) {
    ctx.err(voice.busybox ? voice.usageError('') : 'ping: usage error: Destination address required\n');
    return 1;
  }
  const number = (letter: string, low: number, high: number, whole: boolean): number | undefined => {
    const text = options.value(letter);
    if (text === undefined) return undefined;
    const value = text.trim() === '' ? Number.NaN : Number(text);
    if (Number.isFinite(value) && (!whole || Number.isInteger(value)) && value >= low && value <= high)
      return value;
    if (voice.busybox) ctx.err(`ping: invalid number '${text}'\n`);
    else
      ctx.err(
        Number.isFinite(value)
          ? `ping: invalid argument: '${text}': out of range: ${low} <= value <= ${high === 2 ** 53 - 1 ? '9223372036854775807' : high}\n`
          : `ping: invalid argument: '${text}'\n`,
      );
    return Number.NaN;
  };
  const numbers = {
    count: number('c', 1, 2 ** 53 - 1, true),
    interval: number('i', 0, 3600, false),
    size: number('s', 0, 65507, true),
    ttl: number('t', 0, 255, true),
    wait: number('W', 0, 3600, false),
    deadline: number('w', 0, 86400, false),
  };
  if (Object.values(numbers).some((value) => Number.isNaN(value))) return 1;
  const family = options.has('4') ? 4 : options.has('6') || ctx.name === 'ping6' ? 6 : undefined;
  // An address of one link says which link it is (RFC 4007, 11).
  const [, bare = name, zone] = /^(f[ef][^%]*:[^%]*)%(.+)$/i.exec(name) ?? [];
  const found = yield* resolveHost({ ...ctx, name: 'ping' }, bare, family);
  const ip =
    zone !== undefined && !ctx.netns.devices.has(zone)
      ? undefined
      : found.kind === 'found'
        ? found.ips[0]
        : undefined;
  if (ip === undefined) {
    const { text, code } = voice.unresolved(name, found.kind === 'again' ? 'again' : 'not-found');
    ctx.err(text);
    return code;
  }
  const bind = options.value('I');
  const link = bind ?? zone;
  const device = link === undefined ? undefined : ctx.netns.devices.get(link);
  const route = ctx.netns.routes.lookup({ dst: ip, oif: device });
  const source =
    bind === undefined
      ? undefined
      : device === undefined
        ? parseIp(bind)
        : isIpv6(ip)
          ? route.src
          : (device.addresses.find((a) => !isIpv6(a.ip))?.ip ?? parseIp(bind) ?? route.src);
  if (bind !== undefined && source === undefined) {
    ctx.err(voice.busybox ? `ping: bad address '${bind}'\n` : `ping: unknown iface: ${bind}\n`);
    return voice.busybox ? 1 : 2;
  }
  const pmtuText = options.value('M');
  if (pmtuText !== undefined && pmtuText !== 'do' && pmtuText !== 'want' && pmtuText !== 'dont') {
    ctx.err('ping: invalid -M argument: ' + `${pmtuText}\n`);
    return 1;
  }
  return yield* run(
    {
      ctx,
      options,
      name:
        found.kind === 'found' && voice.busybox === false && zone === undefined && name !== formatIp(ip)
          ? found.canonical
          : name,
      ip,
      source,
      device: bind === undefined ? undefined : device === undefined ? '' : bind,
      link: isIpv6(ip) ? device : undefined,
      count: numbers.count ?? Infinity,
      interval: Math.max((numbers.interval ?? (options.has('f') ? 0.01 : 1)) * 1e6, 2000),
      size: numbers.size ?? 56,
      ttl: numbers.ttl,
      wait: (numbers.wait ?? 10) * 1e6,
      deadline:
        numbers.deadline === undefined || numbers.deadline === 0
          ? Infinity
          : ctx.world.now + numbers.deadline * 1e6,
      pmtu: pmtuText ?? 'want',
      names: { last: undefined },
    },
    voice,
  );
}

function* run(given: Run, voice: Voice): Task<number> {
  const { ctx, ip, size } = given;
  const { world, netns } = ctx;
  const v6 = isIpv6(ip);
  const id = world.random.below(65535) + 1;
  if (!voice.busybox && given.source === undefined) {
    // iputils connects a probe socket first, to learn its own address.
    const route = netns.routes.lookup({ dst: ip });
    const why = {
      none: 'ENETUNREACH',
      unreachable: 'EHOSTUNREACH',
      prohibit: 'EACCES',
      blackhole: 'EINVAL',
    } as const;
    if (
      route.kind === 'none' ||
      route.kind === 'unreachable' ||
      route.kind === 'prohibit' ||
      route.kind === 'blackhole'
    ) {
      ctx.err(`ping: connect: ${ERRNO_TEXT[why[route.kind]]}\n`);
      return 2;
    }
  }
  const socket = netns.sockets.raw({
    protocol: v6 ? IPPROTO_ICMPV6 : IPPROTO_ICMP,
    process: { name: 'ping' },
    accept: (packet) => concerns(packet, id),
  });
  const tally: Tally = { sent: 0, received: 0, errors: 0, duplicates: 0, times: [] };
  const sentAt = new Map<number, number>();
  let stopped = false;
  let wake: (() => void) | undefined;
  ctx.signals.handler = (signal) => {
    if (signal !== 'INT') return false;
    stopped = true;
    socket.close();
    wake?.();
    return true;
  };
  ctx.out(voice.head(given));
  const began = world.now;
  let lastSent = began;
  const quiet = given.options.has('q');
  let failed: number | undefined;
  try {
    while (
      !stopped &&
      tally.sent < given.count &&
      world.now < given.deadline &&
      ctx.session.limit === undefined
    ) {
      const seq = tally.sent + voice.firstSeq;
      lastSent = world.now;
      sentAt.set(seq & 0xffff, world.now);
      tally.sent++;
      const refusal = socket.sendEcho(ip, {
        id,
        seq: seq & 0xffff,
        data: pattern(size),
        pmtu: given.pmtu,
        ...(given.ttl === undefined ? {} : { ttl: given.ttl }),
        ...(given.source === undefined || given.source === 0 ? {} : { src: given.source }),
        ...(given.link === undefined ? {} : { oif: given.link }),
      });
      if (typeof refusal === 'string') {
        if (voice.busybox) {
          ctx.err(`ping: sendto: ${ERRNO_TEXT[refusal]}\n`);
          return 1;
        }
        tally.errors++;
        const mtu = world.ip.pathMtu(netns, netns.routes.lookup({ dst: ip }), ip);
        ctx.err(
          refusal === 'EMSGSIZE'
            ? `ping: local error: message too long, mtu${v6 ? ': ' : '='}${mtu}\n`
            : `ping: sendmsg: ${ERRNO_TEXT[refusal]}\n`,
        );
        failed = 1;
      }
      const last = tally.sent >= given.count;
      const until = Math.min(
        last ? world.now + lastWait(given, tally) : lastSent + given.interval,
        given.deadline,
      );
      if (last && typeof refusal === 'string') break;
      yield* listen(given, voice, socket, tally, sentAt, until, last, quiet);
      if (!last && world.now < until && !stopped) yield* sleep(world, until - world.now);
    }
  } finally {
    wake = undefined;
    ctx.signals.handler = undefined;
    socket.close();
  }
  ctx.out(voice.summary(given, tally, Math.max(0, lastSent - began) + (tally.sent === 1 ? 0 : 0)));
  void failed;
  return tally.received > 0 ? 0 : 1;
}

/** After the last request: `-W`, but no more than twice the longest round trip once something has been answered (iputils). */
function lastWait(given: Run, tally: Tally): number {
  if (given.options.has('W') || tally.times.length === 0) return given.wait;
  return Math.max(2 * Math.max(...tally.times), given.interval);
}

function* listen(
  given: Run,
  voice: Voice,
  socket: RawSocket,
  tally: Tally,
  sentAt: Map<number, number>,
  until: number,
  last: boolean,
  quiet: boolean,
): Task<void> {
  const { ctx, size } = given;
  const { world } = ctx;
  while (world.now < until && !socket.closed) {
    if (last && tally.received + tally.errors >= tally.sent) return;
    const heard = yield* socket.recv(until - world.now);
    if (heard === undefined) return;
    const { packet, at } = heard;
    const message = packet.payload;
    if (message.kind !== 'icmp') continue;
    if (isIcmpError(packet, message)) {
      const echo = message.quoted?.payload;
      const seq = echo?.kind === 'icmp' ? echo.seq : 0;
      if (!sentAt.has(seq)) continue;
      tally.errors++;
      if (quiet) continue;
      const from = yield* shownAddress(given, voice, packet.src);
      const text = voice.error(from, seq, errorText(packet, message));
      if (text !== undefined) ctx.out(text);
      continue;
    }
    const sent = sentAt.get(message.seq);
    if (sent === undefined) continue;
    sentAt.delete(message.seq);
    tally.received++;
    const us = at - sent;
    tally.times.push(us);
    const from = yield* shownAddress(given, voice, packet.src);
    if (!quiet)
      ctx.out(voice.reply(given, size + 8, from, message.seq, packet.ttl, milliseconds(us, voice.busybox)));
  }
}

/** pr_addr of iputils: who was called by name is answered by name, and the last one's is remembered. */
function* shownAddress(given: Run, voice: Voice, from: Ip): Task<string> {
  const { ctx, options, name, ip, names } = given;
  const address = `${formatIp(from)}${given.link !== undefined && isLinkLocal(from) ? `%${given.link.name}` : ''}`;
  if (voice.busybox || parseIp(name.replace(/%.*$/, '')) === ip || options.has('n') || name === formatIp(ip))
    return address;
  if (names.last?.ip !== from)
    names.last = { ip: from, text: `${yield* resolveAddress({ ...ctx, name: 'ping' }, from)} (${address})` };
  return names.last.text;
}

/** Answers to this ping, and errors about it; requests that arrive are the kernel's business. */
function concerns(packet: IpPacket, id: number): boolean {
  const message = packet.payload;
  if (message.kind !== 'icmp') return false;
  if (isIcmpError(packet, message)) {
    const echo = message.quoted?.payload;
    const inner = echo?.kind === 'fragment' ? echo.whole : echo;
    return (
      inner?.kind === 'icmp' && inner.id === id && (inner.type === ICMP_ECHO || inner.type === ICMPV6_ECHO)
    );
  }
  return message.id === id && (message.type === 0 || message.type === ICMPV6_ECHO_REPLY);
}

/** pr_icmph of iputils. */
function errorText(packet: IpPacket, { type, code, mtu, gateway }: IcmpMessage): string {
  if (isIpv6(packet.src)) {
    if (type === 1)
      return `Destination unreachable: ${['No route', 'Administratively prohibited', 'Beyond scope of source address', 'Address unreachable', 'Port unreachable'][code] ?? `Unknown code ${code}`}`;
    if (type === 2) return `Packet too big: mtu=${mtu}`;
    return type === 3 ? 'Time exceeded: Hop limit' : `ICMP6 type ${type}`;
  }
  if (type === 3) {
    const texts: Readonly<Record<number, string>> = {
      0: 'Destination Net Unreachable',
      1: 'Destination Host Unreachable',
      2: 'Destination Protocol Unreachable',
      3: 'Destination Port Unreachable',
      4: `Frag needed and DF set (mtu = ${mtu})`,
      5: 'Source Route Failed',
      6: 'Destination Net Unknown',
      7: 'Destination Host Unknown',
      9: 'Destination Net Prohibited',
      10: 'Destination Host Prohibited',
      13: 'Packet filtered',
    };
    return texts[code] ?? `Dest Unreachable, Bad Code: ${code}`;
  }
  if (type === 11) return code === 0 ? 'Time to live exceeded' : 'Frag reassembly time exceeded';
  if (type === 5) return `Redirect ${code === 0 ? 'Network' : 'Host'}(New nexthop: ${formatIp(gateway)})`;
  return `Bad ICMP type: ${type}`;
}

function milliseconds(us: number, busybox: boolean): string {
  const ms = us / 1000;
  if (busybox || us < 1000) return ms.toFixed(3);
  return us < 10_000 ? ms.toFixed(2) : us < 100_000 ? ms.toFixed(1) : String(Math.floor(ms));
}

function percent(loss: number): string {
  return Number.isInteger(loss) ? String(loss) : String(Number(loss.toPrecision(6)));
}

function dateStamp(now: number): string {
  const t = calendar(now);
  return `[${t.epoch}.${String(t.microsecond).padStart(6, '0')}] `;
}

function pattern(size: number): Uint8Array {
  return Uint8Array.from({ length: size }, (_, i) => i & 255);
}
