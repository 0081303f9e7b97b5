import { anyAddress, formatIp, isIpv6, parseIp, type Ip } from '../../net/address.ts';
import { ERRNO_TEXT } from '../../net/errno.ts';
import { serviceByPort } from '../../net/services.ts';
import { tcpConnect, type ConnectResult } from '../../net/tcp-client.ts';
import type { TcpConnection } from '../../net/tcp-connection.ts';
import type { Task } from '../../net/task.ts';
import { getopt, optionErrorText, type Options } from '../getopt.ts';
import { resolveHost } from '../resolve.ts';
import type { Tool, ToolContext } from '../tool.ts';

const USAGE = `usage: nc [-46CDdFhklNnrStUuvZz] [-I length] [-i interval] [-M ttl]
	  [-m minttl] [-O length] [-P proxy_username] [-p source_port]
	  [-q seconds] [-s sourceaddr] [-T keyword] [-V rtable] [-W recvlimit]
	  [-w timeout] [-X proxy_protocol] [-x proxy_address[:port]]
	  [destination] [port]
`;
const FOREVER = 100 * 86400 * 1e6;

/** OpenBSD's netcat. */
export const nc: Tool = function* (ctx, args) {
  const parsed = getopt(args, { short: '46bCDdFhI:i:klM:m:NnO:P:p:q:rSs:T:tUuV:vW:w:X:x:Zz' });
  if (!parsed.ok) {
    ctx.err(`${optionErrorText('nc', parsed.error)}\n${USAGE}`);
    return 1;
  }
  const { options } = parsed;
  const [host, ports] = options.rest;
  if (options.has('l')) return yield* listen(ctx, options, Number(ports ?? options.value('p') ?? host));
  if (host === undefined || ports === undefined) {
    ctx.err(USAGE);
    return 1;
  }
  const family = options.has('4') ? 4 : options.has('6') ? 6 : undefined;
  const found = yield* resolveHost({ ...ctx, name: 'nc' }, host, family);
  if (found.kind !== 'found') {
    ctx.err(
      `nc: getaddrinfo for host "${host}" port ${ports}: ${found.kind === 'again' ? 'Temporary failure in name resolution' : 'Name or service not known'}\n`,
    );
    return 1;
  }
  const range = /^(\d{1,5})(?:-(\d{1,5}))?$/.exec(ports);
  const low = Number(range?.[1]);
  const high = Number(range?.[2] ?? range?.[1]);
  if (range === null || low < 1 || high > 65535 || low > high) {
    ctx.err(`nc: port number invalid: ${ports}\n`);
    return 1;
  }
  let status = 1;
  for (let port = low; port <= high && ctx.session.limit === undefined; port++) {
    for (const ip of found.ips) {
      const code = options.has('u')
        ? yield* udp(ctx, options, host, ip, port)
        : yield* tcp(ctx, options, host, ip, port);
      if (code === 0) status = 0;
      if (code === 0 || found.ips.length === 1) break;
    }
  }
  return status;
};

/** What `-s` and `-p` bind to. */
type Binding = { readonly src: Ip | undefined; readonly port: number | undefined };

/** Says what is wrong with `-s` and `-p` and gives nothing. */
function bindingOf(ctx: ToolContext, options: Options, remote: Ip): Binding | undefined {
  const [source, portText] = [options.value('s'), options.value('p')];
  const refuse = (why: string): undefined => void ctx.err(`nc: ${why}\n`);
  const src = source === undefined ? undefined : parseIp(source);
  if (source !== undefined && src === undefined) return refuse('getaddrinfo: Name or service not known');
  const port = portText === undefined ? undefined : Number(portText);
  if (port !== undefined && !(Number.isInteger(port) && port > 0 && port <= 65_535))
    return refuse('getaddrinfo: Servname not supported for ai_socktype');
  const { routes, sockets } = ctx.netns;
  if (src !== undefined && routes.addressType(src) !== 'local')
    return refuse(`bind failed: ${ERRNO_TEXT.EADDRNOTAVAIL}`);
  const local = src ?? anyAddress(isIpv6(remote) ? 6 : 4);
  if (port !== undefined && !options.has('u') && sockets.tcpPortInUse(local, port))
    return refuse(`bind failed: ${ERRNO_TEXT.EADDRINUSE}`);
  return { src, port };
}

function waitOf(options: Options): number | undefined {
  const seconds = Number(options.value('w') ?? Number.NaN);
  return seconds > 0 ? seconds * 1e6 : undefined;
}

function succeeded(
  ctx: ToolContext,
  options: Options,
  host: string,
  ip: Ip,
  port: number,
  protocol: 'tcp' | 'udp',
): void {
  const name = options.has('n') ? undefined : serviceByPort(port, protocol);
  const shown = host === formatIp(ip) ? host : `${host} (${formatIp(ip)})`;
  if (options.has('v'))
    ctx.err(`Connection to ${shown} ${port} port [${protocol}/${name ?? '*'}] succeeded!\n`);
}

function* tcp(ctx: ToolContext, options: Options, host: string, ip: Ip, port: number): Task<number> {
  const timeout = waitOf(options);
  const bound = bindingOf(ctx, options, ip);
  if (bound === undefined) return 1;
  const result = yield* connectFrom(ctx, bound, ip, port, timeout);
  const shown = host === formatIp(ip) ? host : `${host} (${formatIp(ip)})`;
  if (result.kind !== 'connected') {
    if (options.has('v'))
      ctx.err(
        result.kind === 'timeout'
          ? `nc: connect to ${shown} port ${port} (tcp) timed out: Operation now in progress\n`
          : `nc: connect to ${shown} port ${port} (tcp) failed: ${ERRNO_TEXT[result.errno]}\n`,
      );
    return 1;
  }
  const { socket } = result;
  try {
    succeeded(ctx, options, host, ip, port, 'tcp');
    if (options.has('z')) return 0;
    return yield* converse(
      ctx,
      socket,
      timeout ?? FOREVER,
      options.has('d') ? 'none' : 'stdin',
      options.has('N') ? 'shutdown' : 'stay',
    );
  } finally {
    socket.close();
  }
}

function connectFrom(
  ctx: ToolContext,
  { src, port }: Binding,
  dst: Ip,
  dport: number,
  timeout: number | undefined,
): Task<ConnectResult> {
  return tcpConnect(ctx.netns, {
    dst,
    dport,
    process: { name: 'nc' },
    ...(timeout === undefined ? {} : { timeout }),
    ...(src === undefined ? {} : { src }),
    ...(port === undefined ? {} : { sport: port }),
  });
}

/** Standard input to the other side and the other side to standard output, each when it comes, until the other closes. */
export function* converse(
  ctx: ToolContext,
  socket: TcpConnection,
  silence: number,
  input: 'stdin' | 'none',
  atEnd: 'shutdown' | 'stay' | 'close',
): Task<number> {
  const sender = ctx.world.spawn(
    (function* (): Task<void> {
      for (;;) {
        const line = input === 'none' ? undefined : yield* ctx.stdin.readLine();
        if (line === undefined) break;
        socket.write(new TextEncoder().encode(line));
      }
      if (atEnd === 'shutdown') socket.end();
      if (atEnd === 'close') socket.close();
    })(),
  );
  try {
    for (;;) {
      const result = yield* socket.read(silence);
      if (result.kind !== 'data') return result.kind === 'error' ? 1 : 0;
      ctx.out(new TextDecoder().decode(result.data));
      if (ctx.session.limit !== undefined) return 1;
    }
  } finally {
    sender.kill();
  }
}

function* udp(ctx: ToolContext, options: Options, host: string, ip: Ip, port: number): Task<number> {
  const bound = bindingOf(ctx, options, ip);
  if (bound === undefined) return 1;
  const socket = ctx.netns.sockets.addUdp({
    dst: ip,
    dport: port,
    process: { name: 'nc' },
    ...(bound.src === undefined ? {} : { ip: bound.src }),
    ...(bound.port === undefined ? {} : { port: bound.port }),
  });
  if (typeof socket === 'string') {
    ctx.err(`nc: bind failed: ${ERRNO_TEXT[socket]}\n`);
    return 1;
  }
  try {
    if (options.has('z')) {
      // Nothing answers a datagram: silence for a while is taken for success.
      for (let i = 0; i < 4; i++) {
        if (socket.send(new TextEncoder().encode('X')) !== undefined) return 1;
        const event = yield* socket.recv(i === 3 ? 500_000 : 1_000_000 / 3);
        if (event.kind === 'error') return 1;
      }
      succeeded(ctx, options, host, ip, port, 'udp');
      return 0;
    }
    succeeded(ctx, options, host, ip, port, 'udp');
    for (;;) {
      const line = yield* ctx.stdin.readLine();
      if (line === undefined) break;
      const refused = socket.send(new TextEncoder().encode(line));
      if (refused !== undefined) {
        ctx.err(`nc: Write error: ${ERRNO_TEXT[refused]}\n`);
        return 1;
      }
    }
    const timeout = waitOf(options) ?? FOREVER;
    for (;;) {
      const event = yield* socket.recv(timeout);
      if (event.kind === 'timeout') return 0;
      if (event.kind === 'error') return 1;
      ctx.out(new TextDecoder().decode(event.data));
    }
  } finally {
    socket.close();
  }
}

function* listen(ctx: ToolContext, options: Options, port: number): Task<number> {
  if (!Number.isInteger(port) || port < 1 || port > 65535) {
    ctx.err(USAGE);
    return 1;
  }
  const { sockets } = ctx.netns;
  let wake: (() => void) | undefined;
  if (options.has('u')) {
    const socket = sockets.bindUdp({ port, process: { name: 'nc' } });
    if (typeof socket === 'string') {
      ctx.err(`nc: ${ERRNO_TEXT[socket]}\n`);
      return 1;
    }
    if (options.has('v')) ctx.err(`Bound on 0.0.0.0 ${port}\n`);
    try {
      const silence = waitOf(options) ?? FOREVER;
      for (;;) {
        const event = yield* socket.recv(silence);
        if (event.kind === 'timeout') return 0;
        if (event.kind === 'error') continue;
        ctx.out(new TextDecoder().decode(event.data));
        const answer = yield* ctx.stdin.readLine();
        if (answer !== undefined) socket.reply(event, new TextEncoder().encode(answer));
      }
    } finally {
      socket.close();
    }
  }
  const arrived: TcpConnection[] = [];
  const listener = sockets.listenTcp({
    ip: 0,
    port,
    process: { name: 'nc' },
    onConnection: (connection) => {
      arrived.push(connection);
      wake?.();
    },
  });
  if (typeof listener === 'string') {
    ctx.err(`nc: ${ERRNO_TEXT[listener]}\n`);
    return 1;
  }
  try {
    if (options.has('v')) ctx.err(`Listening on 0.0.0.0 ${port}\n`);
    for (;;) {
      while (arrived.length === 0)
        yield (resume) => {
          wake = resume;
          return () => {
            wake = undefined;
          };
        };
      const connection = arrived.shift();
      if (connection === undefined) continue;
      if (!options.has('k')) listener.close();
      if (options.has('v'))
        ctx.err(`Connection received on ${formatIp(connection.remoteIp)} ${connection.remotePort}\n`);
      const status = yield* converse(
        ctx,
        connection,
        waitOf(options) ?? FOREVER,
        options.has('d') ? 'none' : 'stdin',
        options.has('N') ? 'shutdown' : 'stay',
      );
      connection.close();
      if (!options.has('k')) return status;
    }
  } finally {
    listener.close();
    for (const connection of arrived) connection.close();
  }
}

/** BusyBox's nc: one connection, no scanning in the small build but `-z` and `-v` in most images' larger one. */
export const busyboxNc: Tool = function* (ctx, args) {
  const parsed = getopt(args, { short: 'lp:w:i:f:e:znvus:' });
  if (!parsed.ok) {
    ctx.err(
      `${optionErrorText('nc', parsed.error)}\nBusyBox v1.36.1 (2024-06-10 07:11:47 UTC) multi-call binary.\n\nUsage: nc [OPTIONS] HOST PORT  - connect\nnc [OPTIONS] -l -p PORT [HOST] [PORT]  - listen\n`,
    );
    return 1;
  }
  const { options } = parsed;
  if (options.has('l'))
    return yield* listen(ctx, options, Number(options.value('p') ?? options.rest[1] ?? options.rest[0]));
  const [host, portText] = options.rest;
  const port = Number(portText);
  if (host === undefined || !Number.isInteger(port) || port < 1 || port > 65535) {
    ctx.err(
      'BusyBox v1.36.1 (2024-06-10 07:11:47 UTC) multi-call binary.\n\nUsage: nc [OPTIONS] HOST PORT  - connect\nnc [OPTIONS] -l -p PORT [HOST] [PORT]  - listen\n',
    );
    return 1;
  }
  const found = yield* resolveHost({ ...ctx, name: 'nc' }, host);
  const ip = found.kind === 'found' ? found.ips[0] : undefined;
  if (ip === undefined) {
    ctx.err(`nc: bad address '${host}'\n`);
    return 1;
  }
  if (options.has('u')) return yield* udp(ctx, options, host, ip, port);
  const timeout = waitOf(options);
  const bound = bindingOf(ctx, options, ip);
  if (bound === undefined) return 1;
  const result = yield* connectFrom(ctx, bound, ip, port, timeout);
  if (result.kind === 'timeout') {
    ctx.err('nc: timed out\n');
    return 1;
  }
  const shown = isIpv6(ip) ? `[${formatIp(ip)}]` : formatIp(ip);
  if (result.kind === 'error') {
    if (!options.has('z') || options.has('v'))
      ctx.err(
        options.has('v')
          ? `nc: ${host} (${shown}:${port}): ${ERRNO_TEXT[result.errno]}\n`
          : `nc: can't connect to remote host (${shown}): ${ERRNO_TEXT[result.errno]}\n`,
      );
    return 1;
  }
  try {
    if (options.has('v')) ctx.err(`${host} (${shown}:${port}) open\n`);
    return options.has('z') ? 0 : yield* converse(ctx, result.socket, timeout ?? FOREVER, 'stdin', 'stay');
  } finally {
    result.socket.close();
  }
};
