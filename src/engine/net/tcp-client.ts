/** Opening a connection from a task: `const result = yield* tcpConnect(ns, { dst, dport, timeout })`. */
import { isIpv6, type Ip } from './address.ts';
import type { Errno } from './errno.ts';
import { routeError } from './route-verdict.ts';
import type { Netns } from './netns.ts';
import type { SocketOwner } from './socket.ts';
import type { Task } from './task.ts';
import { TcpConnection } from './tcp-connection.ts';
import type { UdpSocket, UdpOptions } from './udp-socket.ts';

export interface ConnectOptions {
  readonly dst: Ip;
  readonly dport: number;
  readonly src?: Ip;
  readonly sport?: number;
  /** Virtual microseconds; without it, until the kernel gives up after some two minutes. */
  readonly timeout?: number;
  readonly process?: SocketOwner;
}

export type ConnectResult =
  | { readonly kind: 'connected'; readonly socket: TcpConnection }
  /** `ETIMEDOUT` is the kernel's; the caller's own time-out is `timeout`. */
  | { readonly kind: 'error'; readonly errno: Errno }
  | { readonly kind: 'timeout' };

export function* tcpConnect(ns: Netns, options: ConnectOptions): Task<ConnectResult> {
  const route = ns.routes.lookup({ dst: options.dst, src: options.src });
  const error = routeError(route);
  if (error !== undefined) return { kind: 'error', errno: error };
  const src = options.src ?? (route.src === 0 && !isIpv6(options.dst) ? options.dst : route.src);
  if (ns.routes.addressType(src) !== 'local') return { kind: 'error', errno: 'EADDRNOTAVAIL' };
  const remote = { ip: options.dst, port: options.dport };
  const sport = options.sport ?? ns.sockets.freePort('tcp', { ...remote, local: src });
  if (sport === undefined) return { kind: 'error', errno: 'EADDRNOTAVAIL' };
  if (ns.sockets.findConnection(src, sport, remote.ip, remote.port) !== undefined)
    return { kind: 'error', errno: 'EADDRNOTAVAIL' };
  const socket = new TcpConnection(ns, { ip: src, port: sport }, remote, { process: options.process });
  let failure: Errno | undefined;
  let settled = false;
  let wake: (() => void) | undefined;
  socket.onConnect = (errno) => {
    failure = errno;
    settled = true;
    wake?.();
  };
  try {
    socket.connect();
    if (!settled)
      yield (resume) => {
        const timer = options.timeout === undefined ? undefined : ns.world.schedule(options.timeout, resume);
        wake = () => {
          timer?.cancel();
          resume();
        };
        return () => timer?.cancel();
      };
  } finally {
    socket.onConnect = undefined;
    if (!settled) socket.close();
  }
  if (!settled) return { kind: 'timeout' };
  return failure === undefined ? { kind: 'connected', socket } : { kind: 'error', errno: failure };
}

/** A datagram socket for a client; with `dst` and `dport` it is connected. */
export function udpSocket(ns: Netns, options: UdpOptions = {}): UdpSocket | Errno {
  return ns.sockets.addUdp(options);
}
