import { formatIp, isIpv6, type Ip } from '../../net/address.ts';
import { ERRNO_TEXT } from '../../net/errno.ts';
import {
  IPPROTO_ICMP,
  IPPROTO_ICMPV6,
  IPPROTO_TCP,
  isIcmpError,
  TCP_NO_OPTIONS,
  TCP_SYN,
  TcpSegment,
  type IpPacket,
} from '../../net/packet.ts';
import type { RawPacket } from '../../net/raw.ts';
import type { Task } from '../../net/task.ts';
import type { World } from '../../net/world.ts';
import { getopt, optionErrorText } from '../getopt.ts';
import { resolveHost } from '../resolve.ts';
import type { Tool, ToolContext } from '../tool.ts';

type Method = 'udp' | 'icmp' | 'tcp';

interface Probe {
  readonly from: Ip;
  readonly us: number;
  /** `!H`, `!X` … */
  readonly mark: string;
  readonly reached: boolean;
}

interface Sending {
  readonly ctx: ToolContext;
  readonly method: Method;
  readonly dst: Ip;
  readonly src: Ip | undefined;
  readonly size: number;
  readonly wait: number;
  readonly port: number;
  readonly sport: number;
}

/** traceroute of Debian (Dmitry Butskoy's); `busybox:traceroute` prints like BusyBox's. */
export const traceroute: Tool = (ctx, args) => trace(ctx, args, false);
export const busyboxTraceroute: Tool = (ctx, args) => trace(ctx, args, true);

function* trace(ctx: ToolContext, args: readonly string[], busybox: boolean): Task<number> {
  const parsed = getopt(args, {
    short: '46nITUm:q:w:p:f:i:s:rFM:N:z:dVlv',
    long: {
      icmp: 'I',
      tcp: 'T',
      udp: 'U',
      'max-hops': 'm:',
      queries: 'q:',
      wait: 'w:',
      port: 'p:',
      first: 'f:',
    },
  });
  if (!parsed.ok || parsed.options.rest.length === 0) {
    ctx.err(
      parsed.ok
        ? 'Usage:\n  traceroute [ -46dFITnreAUDV ] [ -f first_ttl ] [ -i device ] [ -m max_ttl ] [ -N squeries ] [ -p port ] [ -q nqueries ] [ -s src_addr ] [ -w MAX,HERE,NEAR ] host [ packetlen ]\n'
        : `${optionErrorText('traceroute', parsed.error)
            .replace('invalid option -- ', 'Bad option `-')
            .replace(/'(.)'$/, "$1' (argc 1)")
            .replace('traceroute: Bad', 'Bad')}\n`,
    );
    return 2;
  }
  const { options } = parsed;
  const name = options.rest[0] ?? '';
  const family = options.has('4') ? 4 : options.has('6') || ctx.name === 'traceroute6' ? 6 : undefined;
  const found = yield* resolveHost({ ...ctx, name: 'traceroute' }, name, family);
  const dst = found.kind === 'found' ? found.ips[0] : undefined;
  if (dst === undefined) {
    ctx.err(
      busybox
        ? `traceroute: bad address '${name}'\n`
        : `${name}: ${found.kind === 'again' ? 'Temporary failure in name resolution' : 'Name or service not known'}\nCannot handle "host" cmdline arg \`${name}' on position 1 (argc ${args.indexOf(name) + 1})\n`,
    );
    return busybox ? 1 : 2;
  }
  const bounded = (letter: string, otherwise: number, low: number, high: number): number => {
    const value = Number((options.value(letter) ?? String(otherwise)).split(',')[0]);
    return Number.isFinite(value) ? Math.max(low, Math.min(high, value)) : otherwise;
  };
  const maxHops = Math.floor(bounded('m', 30, 1, 255));
  const queries = Math.floor(bounded('q', 3, 1, 10));
  const first = Math.floor(bounded('f', 1, 1, 255));
  const size = busybox
    ? 46
    : isIpv6(dst)
      ? 80
      : Math.max(28, Math.min(1500, Number(options.rest[1] ?? 60) || 60));
  const method: Method = options.has('I') ? 'icmp' : options.has('T') ? 'tcp' : 'udp';
  ctx.out(`traceroute to ${name} (${formatIp(dst)}), ${maxHops} hops max, ${size} byte packets\n`);
  const route = ctx.netns.routes.lookup({ dst });
  if (
    route.kind === 'none' ||
    route.kind === 'unreachable' ||
    route.kind === 'prohibit' ||
    route.kind === 'blackhole'
  ) {
    const why = {
      none: 'ENETUNREACH',
      unreachable: 'EHOSTUNREACH',
      prohibit: 'EACCES',
      blackhole: 'EINVAL',
    } as const;
    ctx.err(
      busybox
        ? `traceroute: sendto: ${ERRNO_TEXT[why[route.kind]]}\n`
        : `connect: ${ERRNO_TEXT[why[route.kind]]}\n`,
    );
    return 1;
  }
  const sending: Sending = {
    ctx,
    method,
    dst,
    src: undefined,
    size,
    wait: bounded('w', 5, 0.01, 600) * 1e6,
    port: Math.floor(bounded('p', method === 'tcp' ? 80 : 33434, 1, 65000)),
    sport: 32768 + ctx.world.random.below(28000),
  };
  let sequence = 0;
  for (let ttl = first; ttl < first + maxHops; ttl++) {
    let line = String(ttl).padStart(2) + (busybox ? '' : ' ');
    const gap = busybox ? '  ' : ' ';
    let last: Ip | undefined;
    let reached = false;
    for (let i = 0; i < queries; i++) {
      const probe = yield* send(sending, ttl, sequence++);
      if (probe === undefined) {
        line += `${gap}*`;
        continue;
      }
      if (probe.from !== last)
        line += `${gap}${options.has('n') ? formatIp(probe.from) : `${formatIp(probe.from)} (${formatIp(probe.from)})`}`;
      last = probe.from;
      line += `  ${(probe.us / 1000).toFixed(3)} ms${probe.mark === '' ? '' : ` ${probe.mark}`}`;
      reached ||= probe.reached;
    }
    ctx.out(`${line}\n`);
    if (reached || ctx.session.limit !== undefined) break;
  }
  return 0;
}

/** One probe and what came back for it within the time. */
function* send(
  { ctx, method, dst, src, size, wait, port, sport }: Sending,
  ttl: number,
  sequence: number,
): Task<Probe | undefined> {
  const { netns, world } = ctx;
  const began = world.now;
  const v6 = isIpv6(dst);
  const own = { name: 'traceroute' };
  const header = v6 ? 40 : 20;
  const icmp = netns.sockets.raw({
    protocol: v6 ? IPPROTO_ICMPV6 : IPPROTO_ICMP,
    process: own,
    accept: (packet) => isAnswer(packet, method, dst, sequence, port, sport),
  });
  const raw =
    method === 'tcp'
      ? netns.sockets.raw({
          protocol: IPPROTO_TCP,
          process: own,
          accept: (packet) =>
            packet.payload.kind === 'tcp' &&
            packet.src === dst &&
            packet.payload.sport === port &&
            packet.payload.dport === ((sport + sequence) & 0xffff),
        })
      : undefined;
  try {
    if (method === 'icmp')
      icmp.sendEcho(dst, {
        id: sport & 0xffff,
        seq: sequence,
        data: new Uint8Array(Math.max(0, size - header - 8)),
        ttl,
        pmtu: 'dont',
      });
    else if (method === 'tcp') {
      const options = {
        mss: 1460,
        sackPermitted: true,
        timestamp: [Math.floor(began / 1000), 0] as const,
        windowScale: 2,
      };
      icmp.send(
        dst,
        IPPROTO_TCP,
        new TcpSegment(
          (sport + sequence) & 0xffff,
          port,
          world.random.uint32(),
          0,
          TCP_SYN,
          5840,
          size > 40 ? options : TCP_NO_OPTIONS,
          new Uint8Array(0),
        ),
        { ttl },
      );
    } else {
      const socket = netns.sockets.addUdp({
        port: 0,
        ttl,
        pmtu: 'dont',
        process: own,
        ...(src === undefined ? {} : { ip: src }),
      });
      if (typeof socket === 'string') return undefined;
      const error = socket.sendTo(
        new Uint8Array(Math.max(0, size - header - 8)),
        dst,
        (port + sequence) & 0xffff,
      );
      socket.close();
      if (error !== undefined) return undefined;
    }
    for (;;) {
      const left = began + wait - world.now;
      if (left <= 0) return undefined;
      const heard: RawPacket | undefined =
        raw === undefined ? yield* icmp.recv(left) : yield* either(world, icmp.recv(left), raw.recv(left));
      if (heard === undefined) return undefined;
      return judge(heard, method, dst, began);
    }
  } finally {
    icmp.close();
    raw?.close();
  }
}

/** Answers of the destination itself and errors on the way come through two sockets: whichever speaks first. */
function* either(
  world: World,
  first: Task<RawPacket | undefined>,
  second: Task<RawPacket | undefined>,
): Task<RawPacket | undefined> {
  const both = [world.spawn(first), world.spawn(second)];
  try {
    yield (resume) => {
      for (const process of both) process.onDone(resume);
    };
    return both.find((process) => process.done && process.result !== undefined)?.result;
  } finally {
    for (const process of both) process.kill();
  }
}

const MARKS6 = ['!N', '!X', '!S', '!H'];

function judge({ packet, at }: RawPacket, method: Method, dst: Ip, began: number): Probe {
  const us = at - began;
  const message = packet.payload;
  if (message.kind !== 'icmp') return { from: packet.src, us, mark: '', reached: true };
  if (!isIcmpError(packet, message)) return { from: packet.src, us, mark: '', reached: true };
  const timeExceeded = message.type === (isIpv6(packet.src) ? 3 : 11);
  if (timeExceeded) return { from: packet.src, us, mark: '', reached: false };
  const port = isIpv6(packet.src) ? message.code === 4 : message.code === 3;
  if (port)
    return { from: packet.src, us, mark: packet.src === dst || method === 'udp' ? '' : '!p', reached: true };
  if (isIpv6(packet.src))
    return {
      from: packet.src,
      us,
      mark: message.type === 2 ? `!F-${message.mtu}` : (MARKS6[message.code] ?? `!${message.code}`),
      reached: true,
    };
  const marks: Readonly<Record<number, string>> = {
    0: '!N',
    1: '!H',
    2: '!P',
    4: `!F-${message.mtu}`,
    5: '!S',
    9: '!X',
    10: '!X',
    13: '!X',
  };
  return { from: packet.src, us, mark: marks[message.code] ?? `!${message.code}`, reached: true };
}

function isAnswer(
  packet: IpPacket,
  method: Method,
  dst: Ip,
  sequence: number,
  port: number,
  sport: number,
): boolean {
  const message = packet.payload;
  if (message.kind !== 'icmp') return false;
  if (!isIcmpError(packet, message))
    return (
      method === 'icmp' &&
      (message.type === 0 || message.type === 129) &&
      message.id === (sport & 0xffff) &&
      message.seq === sequence
    );
  const { quoted } = message;
  const inner = quoted?.payload.kind === 'fragment' ? quoted.payload.whole : quoted?.payload;
  if (inner === undefined || quoted === undefined || (quoted.dst !== dst && method !== 'tcp')) return false;
  if (method === 'icmp')
    return inner.kind === 'icmp' && inner.seq === sequence && inner.id === (sport & 0xffff);
  if (method === 'udp') return inner.kind === 'udp' && inner.dport === ((port + sequence) & 0xffff);
  return inner.kind === 'tcp' && inner.sport === ((sport + sequence) & 0xffff);
}
