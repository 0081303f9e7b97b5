import { formatIp, isIpv6, type Ip } from '../../net/address.ts';
import { sleep, type Task } from '../../net/task.ts';
import type { UdpEvent } from '../../net/udp-socket.ts';
import { getopt, optionErrorText } from '../getopt.ts';
import { resolveHost } from '../resolve.ts';
import type { Tool, ToolContext } from '../tool.ts';

interface Answer {
  readonly us: number;
  readonly error: Extract<UdpEvent, { kind: 'error' }>;
}

/** iputils' tracepath: UDP with DF set, so that it also learns the path's MTU. */
export const tracepath: Tool = function* (ctx, args) {
  const parsed = getopt(args, { short: '46bnl:m:p:V' });
  const name = parsed.ok ? parsed.options.rest[0] : undefined;
  if (!parsed.ok || name === undefined) {
    if (!parsed.ok) ctx.err(`${optionErrorText('tracepath', parsed.error)}\n`);
    ctx.err('\nUsage\n  tracepath [options] <destination>\n');
    return 255;
  }
  const { options } = parsed;
  const found = yield* resolveHost(
    { ...ctx, name: 'tracepath' },
    name,
    options.has('4') ? 4 : options.has('6') || ctx.name === 'tracepath6' ? 6 : undefined,
  );
  const dst = found.kind === 'found' ? found.ips[0] : undefined;
  if (dst === undefined) {
    ctx.err(
      `tracepath: ${name}: ${found.kind === 'again' ? 'Temporary failure in name resolution' : 'Name or service not known'}\n`,
    );
    return 1;
  }
  const maxHops = Math.max(1, Math.min(255, Number(options.value('m') ?? 30) || 30));
  const basePort = Number(options.value('p') ?? 44444) || 44444;
  let mtu = Number(options.value('l') ?? (isIpv6(dst) ? 128000 : 65535)) || 65535;
  const show = (hop: number, mark: string, text: string, tail: string): void =>
    ctx.out(`${String(hop).padStart(2)}${mark}:${text}${tail}\n`);
  let sequence = 0;
  for (let ttl = 1; ttl <= maxHops; ttl++) {
    let silent = true;
    for (let tries = 0, heard = 0; tries < 3 && heard < (ttl === 1 ? 2 : 1); tries++) {
      const answer = yield* probe(ctx, dst, basePort + sequence++, ttl, mtu);
      if (typeof answer === 'number') {
        mtu = answer;
        show(ttl, '?', ' [LOCALHOST]'.padEnd(34), `pmtu ${mtu}`);
        tries = -1;
        continue;
      }
      if (answer === undefined) continue;
      heard++;
      silent = false;
      const from = answer.error.icmp?.from ?? dst;
      const shown = formatIp(from);
      const time = `${(answer.us / 1000).toFixed(3)}ms`.padStart(10);
      const { type = 0, code = 0, mtu: learnt = 0 } = answer.error.icmp ?? {};
      const meaning = meaningOf(isIpv6(from), type, code);
      if (meaning === 'too big') {
        mtu = learnt;
        show(ttl, '', `  ${shown}`.padEnd(53), `${time} pmtu ${mtu}`);
        heard = 0;
        tries = -1;
        continue;
      }
      if (meaning === 'port') {
        show(ttl, '', `  ${shown}`.padEnd(53), `${time} reached`);
        ctx.out(`     Resume: pmtu ${mtu} hops ${ttl} back ${ttl} \n`);
        return 0;
      }
      const mark = meaning === 'on the way' ? '' : meaning;
      show(ttl, '', `  ${shown}`.padEnd(53), `${time} ${mark}`);
      if (mark !== '') {
        if (ttl === 1 && heard < 2) continue;
        ctx.out(`     Resume: pmtu ${mtu} \n`);
        return 0;
      }
    }
    if (silent) ctx.out(`${String(ttl).padStart(2)}:  no reply\n`);
    if (ctx.session.limit !== undefined) break;
  }
  ctx.out(`     Too many hops: pmtu ${mtu}\n     Resume: pmtu ${mtu} \n`);
  return 0;
};

/** What an error says of a probe; unreachable ones by their marks. */
function meaningOf(
  v6: boolean,
  type: number,
  code: number,
): 'on the way' | 'too big' | 'port' | '!N' | '!H' | '!A' {
  if (v6) {
    if (type === 2) return 'too big';
    if (type !== 1) return 'on the way';
    return code === 4 ? 'port' : code === 0 ? '!N' : code === 3 ? '!H' : '!A';
  }
  if (type !== 3) return 'on the way';
  return code === 4 ? 'too big' : code === 3 ? 'port' : code === 0 ? '!N' : code === 1 ? '!H' : '!A';
}

/** An answer, the MTU that the local end allows, or nothing within a second. */
function* probe(
  ctx: ToolContext,
  dst: Ip,
  port: number,
  ttl: number,
  mtu: number,
): Task<Answer | number | undefined> {
  const { netns, world } = ctx;
  const socket = netns.sockets.addUdp({
    dst,
    dport: port,
    ttl,
    pmtu: 'do',
    receiveErrors: true,
    process: { name: 'tracepath' },
  });
  if (typeof socket === 'string') return undefined;
  const began = world.now;
  try {
    const refused = socket.send(new Uint8Array(Math.max(0, mtu - (isIpv6(dst) ? 48 : 28))));
    if (refused === 'EMSGSIZE') return world.ip.pathMtu(netns, netns.routes.lookup({ dst }), dst);
    if (refused !== undefined) {
      yield* sleep(world, 1e6);
      return undefined;
    }
    const event = yield* socket.recv(1e6);
    return event.kind === 'error' ? { us: world.now - began, error: event } : undefined;
  } finally {
    socket.close();
  }
}
