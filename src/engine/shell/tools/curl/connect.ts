import { anyAddress, formatIp, isIpv6, parseIp, type Ip } from '../../../net/address.ts';
import { ERRNO_TEXT } from '../../../net/errno.ts';
import { sleep, type Task } from '../../../net/task.ts';
import { tcpConnect } from '../../../net/tcp-client.ts';
import type { TcpConnection } from '../../../net/tcp-connection.ts';
import type { Options } from '../../getopt.ts';
import type { Url } from '../../http.ts';
import type { ToolContext } from '../../tool.ts';
import type { Transfer } from './write-out.ts';

/** When nothing else is said (lib/connect.h, DEFAULT_CONNECT_TIMEOUT). */
const CONNECT_TIMEOUT = 300_000_000;

/** A transfer as far as its connection needs to know it. */
export interface Connecting {
  readonly ctx: ToolContext;
  readonly options: Options;
  readonly began: number;
  readonly deadline: number;
  readonly facts: Transfer;
  note(text: string): void;
  failConnection(code: number, message: string, verbose?: string): number;
}

/** A connection to the first of the addresses that answers, or curl's exit code. */
export function* connect(transfer: Connecting, url: Url, ips: readonly Ip[]): Task<TcpConnection | number> {
  const { options, facts, ctx, began } = transfer;
  const { world } = ctx;
  const given = seconds(options.value('connect-timeout'));
  const connectDeadline = began + (given === undefined || given === 0 ? CONNECT_TIMEOUT : given);
  const end = Math.min(connectDeadline, transfer.deadline);
  const own = { name: 'curl' };
  const elapsed = (): number => Math.floor((world.now - began) / 1000);
  let timedOut = false;
  let bindError: string | undefined;
  for (const ip of ips) {
    transfer.note(`  Trying ${isIpv6(ip) ? `[${formatIp(ip)}]` : formatIp(ip)}:${url.port}...`);
    const bound = bind(ctx, options, ip);
    if ('refused' in bound) {
      transfer.note((bindError = bound.refused));
      continue;
    }
    const route = ctx.netns.routes.lookup({ dst: ip });
    const local = bound.source ?? route.src;
    if (bound.port !== undefined) transfer.note(`Local port: ${bound.port}`);
    const sport = bound.port ?? ctx.netns.sockets.freePort('tcp', { ip, port: url.port, local });
    const result = yield* tcpConnect(ctx.netns, {
      dst: ip,
      dport: url.port,
      process: own,
      timeout: Math.max(0, end - world.now),
      ...(bound.source === undefined ? {} : { src: bound.source }),
      ...(sport === undefined ? {} : { sport }),
    });
    if (result.kind === 'connected') {
      const { socket } = result;
      facts.connected = world.now - began;
      facts.connects++;
      facts.local = formatIp(socket.localIp);
      facts.localPort = socket.localPort;
      facts.remote = formatIp(ip);
      facts.remotePort = url.port;
      transfer.note(`Connected to ${url.host.replace(/^\[|\]$/g, '')} (${formatIp(ip)}) port ${url.port}`);
      return socket;
    }
    if (result.kind === 'timeout') {
      // curl notices a millisecond late.
      yield* sleep(world, 1000);
      if (transfer.deadline <= connectDeadline)
        return transfer.failConnection(28, `Connection timed out after ${elapsed()} milliseconds`);
      transfer.note(
        `ipv${isIpv6(ip) ? 6 : 4} connect timeout after ${Math.floor((end - began) / 1000)}ms, move on!`,
      );
      return transfer.failConnection(
        28,
        `Failed to connect to ${url.host} port ${url.port} after ${elapsed()} ms: Timeout was reached`,
      );
    }
    if (result.errno === 'ETIMEDOUT') timedOut = true;
    const why = ERRNO_TEXT[result.errno];
    if (result.errno === 'ENETUNREACH' && route.kind === 'none')
      transfer.note(`Immediate connect fail for ${formatIp(ip)}: ${why}`);
    else
      transfer.note(
        `connect to ${formatIp(ip)} port ${url.port} from ${formatIp(local)} port ${sport ?? 0} failed: ${why}`,
      );
  }
  if (bindError !== undefined) return transfer.failConnection(45, bindError);
  return transfer.failConnection(
    timedOut ? 28 : 7,
    `Failed to connect to ${url.host} port ${url.port} after ${elapsed()} ms: Could not connect to server`,
  );
}

type Bound =
  { readonly source: Ip | undefined; readonly port: number | undefined } | { readonly refused: string };

/** What `--interface` and `--local-port` bind the socket to (lib/cf-socket.c, bindlocal). */
function bind(ctx: ToolContext, options: Options, remote: Ip): Bound {
  const { netns } = ctx;
  const name = options.value('interface');
  let source: Ip | undefined;
  if (name !== undefined) {
    const bare = name.replace(/^(if|host)!/, '');
    const device = name.startsWith('host!') ? undefined : netns.devices.get(bare);
    source =
      device?.addresses.find(({ ip }) => isIpv6(ip) === isIpv6(remote))?.ip ??
      (name.startsWith('if!') ? undefined : parseIp(bare));
    if (source === undefined) return { refused: `Couldn't bind to '${bare}'` };
    if (netns.routes.addressType(source) !== 'local')
      return { refused: `bind failed with errno 99: ${ERRNO_TEXT.EADDRNOTAVAIL}` };
  }
  const range = localPorts(options);
  if (range === undefined || range === 'bad') return { source, port: undefined };
  const local = source ?? anyAddress(isIpv6(remote) ? 6 : 4);
  for (let port = range.first; port <= range.last; port++)
    if (!netns.sockets.tcpPortInUse(local, port)) return { source, port };
  return { refused: `bind failed with errno 98: ${ERRNO_TEXT.EADDRINUSE}` };
}

/** `40001` or `40001-40010`; undefined when nothing, or 0, is asked for. */
export function localPorts(
  options: Options,
): { readonly first: number; readonly last: number } | 'bad' | undefined {
  const text = options.value('local-port');
  if (text === undefined) return undefined;
  const [, from, to] = /^(\d{1,5})(?:-(\d{1,5}))?$/.exec(text) ?? [];
  if (from === undefined) return 'bad';
  const [first, last] = [Number(from), Number(to ?? from)];
  if (last > 65_535 || last < first) return 'bad';
  return first === 0 ? undefined : { first, last };
}

/** Virtual microseconds of an option that counts seconds. */
export function seconds(text: string | undefined): number | undefined {
  if (text === undefined) return undefined;
  const value = Number(text);
  return Number.isFinite(value) && value >= 0 ? Math.round(value * 1_000_000) : undefined;
}
