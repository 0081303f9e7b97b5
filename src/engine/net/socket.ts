/**
 * Sockets of one namespace. Servers are data and callbacks and cost nothing while idle: `listenTcp`, `bindUdp`.
 * Clients are tasks: `yield* tcpConnect(ns, …)` (tcp-client.ts), `udpSocket(ns, …)`, `rawSocket(ns, …)`.
 * `exit(owner)` is what the kernel does for a process that ends; `list()` is what `ss` reads.
 */
import { anyAddress, isAny, isIpv6, type Ip } from './address.ts';
import type { Errno } from './errno.ts';
import type { Ipip } from './ipip.ts';
import type { Netns } from './netns.ts';
import type { IpPacket } from './packet.ts';
import { RawSocket, type RawOptions } from './raw.ts';
import type { Skb } from './skb.ts';
import type { TcpConnection } from './tcp-connection.ts';
import { UdpSocket, type UdpOptions } from './udp-socket.ts';
import type { VxlanDevice } from './vxlan.ts';

/** The program that holds a socket; sockets of the same object go together when it exits. */
export interface SocketOwner {
  readonly name: string;
  readonly pid?: number;
}

export interface ListenOptions {
  /** `0.0.0.0` or `::` for any; `::` takes IPv4 too unless it is `v6only`. */
  readonly ip: Ip;
  readonly port: number;
  /** `IPV6_V6ONLY`. */
  readonly v6only?: boolean;
  readonly process?: SocketOwner;
  readonly backlog?: number;
  /** Called when a handshake is complete. Without it connections wait to be read from all the same. */
  readonly onConnection?: (connection: TcpConnection) => void;
}

export class TcpListener {
  readonly ns: Netns;
  readonly ip: Ip;
  readonly port: number;
  readonly v6only: boolean;
  readonly process: SocketOwner | undefined;
  readonly backlog: number;
  readonly onConnection: ((connection: TcpConnection) => void) | undefined;

  constructor(ns: Netns, options: ListenOptions) {
    this.ns = ns;
    this.ip = options.ip;
    this.port = options.port;
    this.v6only = options.v6only ?? false;
    this.process = options.process;
    this.backlog = options.backlog ?? 4096;
    this.onConnection = options.onConnection;
  }

  close(): void {
    this.ns.sockets.removeListener(this);
  }
}

export class Sockets {
  readonly #ns: Netns;
  #listeners: Map<number, TcpListener[]> | undefined;
  #connections: Map<number, TcpConnection[]> | undefined;
  #udp: Map<number, UdpSocket[]> | undefined;
  #raw: RawSocket[] | undefined;
  #vxlan: Map<number, VxlanDevice[]> | undefined;
  #ipip: Ipip[] | undefined;
  #lastPort = 0;

  constructor(ns: Netns) {
    this.#ns = ns;
  }

  /** VXLAN devices that are up, by UDP port. */
  get vxlan(): Map<number, VxlanDevice[]> {
    return (this.#vxlan ??= new Map());
  }

  /** IPIP devices that are up. */
  get ipip(): Ipip[] {
    return (this.#ipip ??= []);
  }

  listenTcp(options: ListenOptions): TcpListener | Errno {
    const listener = new TcpListener(this.#ns, options);
    if (!this.#bindable(options.ip)) return 'EADDRNOTAVAIL';
    this.#listeners ??= new Map();
    const others = this.#listeners.get(options.port) ?? [];
    if (others.some((other) => conflict(other, listener))) return 'EADDRINUSE';
    this.#listeners.set(options.port, [...others, listener]);
    return listener;
  }

  removeListener(listener: TcpListener): void {
    removeFrom(this.#listeners, listener.port, listener);
  }

  /** The listener for a destination: on that very address before any. */
  findListener(ip: Ip, port: number): TcpListener | undefined {
    return bestBound(this.#listeners?.get(port), ip);
  }

  bindUdp(options: UdpOptions & { readonly port: number }): UdpSocket | Errno {
    return this.addUdp(options);
  }

  /** A datagram socket; port 0 takes a free one. */
  addUdp(options: UdpOptions): UdpSocket | Errno {
    const local = options.ip ?? anyAddress(isIpv6(options.dst ?? 0) ? 6 : 4);
    if (!this.#bindable(local)) return 'EADDRNOTAVAIL';
    const port = options.port === undefined || options.port === 0 ? this.freePort('udp') : options.port;
    if (port === undefined) return 'EADDRINUSE';
    this.#udp ??= new Map();
    const others = this.#udp.get(port) ?? [];
    const socket = new UdpSocket(this.#ns, { ...options, ip: local, port });
    if (this.vxlan.has(port) || others.some((other) => conflict(other, socket))) return 'EADDRINUSE';
    this.#udp.set(port, [...others, socket]);
    return socket;
  }

  removeUdp(socket: UdpSocket): void {
    removeFrom(this.#udp, socket.port, socket);
  }

  /** The socket for a datagram: a connected one first, then one on the address, then one on any. */
  findUdp(ip: Ip, port: number, peer: Ip, peerPort: number): UdpSocket | undefined {
    const sockets = this.#udp?.get(port);
    if (sockets === undefined) return undefined;
    let best: UdpSocket | undefined;
    let bestScore = -1;
    for (const socket of sockets) {
      if (!isAny(socket.ip) && socket.ip !== ip) continue;
      if (socket.peer !== undefined && (socket.peer.ip !== peer || socket.peer.port !== peerPort)) continue;
      if (!speaks(socket, ip)) continue;
      const score = (isAny(socket.ip) ? 0 : 1) + (socket.peer === undefined ? 0 : 2);
      if (score > bestScore) {
        best = socket;
        bestScore = score;
      }
    }
    return best;
  }

  addConnection(connection: TcpConnection): void {
    this.#connections ??= new Map();
    const key = connectionKey(connection.localPort, connection.remotePort);
    const others = this.#connections.get(key);
    if (others === undefined) this.#connections.set(key, [connection]);
    else others.push(connection);
  }

  removeConnection(connection: TcpConnection): void {
    removeFrom(this.#connections, connectionKey(connection.localPort, connection.remotePort), connection);
  }

  findConnection(local: Ip, localPort: number, remote: Ip, remotePort: number): TcpConnection | undefined {
    const connections = this.#connections?.get(connectionKey(localPort, remotePort));
    if (connections === undefined) return undefined;
    for (const connection of connections)
      if (connection.localIp === local && connection.remoteIp === remote) return connection;
    return undefined;
  }

  raw(options: RawOptions): RawSocket {
    const socket = new RawSocket(this.#ns, options);
    (this.#raw ??= []).push(socket);
    return socket;
  }

  removeRaw(socket: RawSocket): void {
    this.#raw = this.#raw?.filter((other) => other !== socket);
  }

  /** Copies to the raw sockets of the protocol; whether there was one. */
  deliverRaw(skb: Skb, packet: IpPacket): boolean {
    if (this.#raw === undefined || this.#raw.length === 0) return false;
    let heard = false;
    for (const socket of [...this.#raw]) heard = socket.offer(skb, packet) || heard;
    return heard;
  }

  /** Errors about packets that a raw socket sent, made on this very host. */
  get rawSockets(): readonly RawSocket[] {
    return this.#raw ?? [];
  }

  /** A port of `net.ipv4.ip_local_port_range` that nobody uses, from the world's random stream. */
  freePort(
    protocol: 'tcp' | 'udp',
    remote?: { readonly ip: Ip; readonly port: number; readonly local: Ip },
  ): number | undefined {
    const range = (this.#ns.sysctl.get('net.ipv4.ip_local_port_range') ?? '32768\t60999').split('\t');
    const low = Number(range[0]);
    const high = Number(range[1]);
    const size = Math.max(1, high - low + 1);
    const start = this.#ns.world.random.below(size);
    for (let i = 0; i < size; i++) {
      const port = low + ((start + i) % size);
      const used =
        protocol === 'udp'
          ? this.#udp?.has(port) === true || this.vxlan.has(port)
          : this.#listeners?.has(port) === true ||
            (remote !== undefined &&
              this.findConnection(remote.local, port, remote.ip, remote.port) !== undefined);
      if (used || port === this.#lastPort) continue;
      this.#lastPort = port;
      return port;
    }
    return undefined;
  }

  /** Whether binding a TCP client to the port would fail with EADDRINUSE: something listens there or still has a connection. */
  tcpPortInUse(ip: Ip, port: number): boolean {
    const { listeners, connections } = this.list();
    const wanted = { ip, v6only: true };
    return (
      listeners.some((other) => other.port === port && conflict(other, wanted)) ||
      connections.some(
        (other) => other.localPort === port && conflict({ ip: other.localIp, v6only: true }, wanted),
      )
    );
  }

  list(): {
    readonly listeners: TcpListener[];
    readonly connections: TcpConnection[];
    readonly udp: UdpSocket[];
  } {
    return {
      listeners: [...(this.#listeners?.values() ?? [])].flat(),
      connections: [...(this.#connections?.values() ?? [])].flat(),
      udp: [...(this.#udp?.values() ?? [])].flat(),
    };
  }

  /** Everything that a process had open is closed: FIN, or RST where data was left unread. */
  exit(owner: SocketOwner): void {
    const { listeners, connections, udp } = this.list();
    for (const listener of listeners) if (listener.process === owner) listener.close();
    for (const connection of connections) if (connection.process === owner) connection.close();
    for (const socket of udp) if (socket.process === owner) socket.close();
    for (const socket of this.rawSockets) if (socket.process === owner) socket.close();
  }

  /** The namespace is gone: nothing can be sent any more. */
  destroy(): void {
    const { listeners, connections, udp } = this.list();
    for (const listener of listeners) listener.close();
    for (const connection of connections) connection.vanish();
    for (const socket of udp) socket.close();
    for (const socket of this.rawSockets) socket.close();
  }

  #bindable(ip: Ip): boolean {
    if (isAny(ip) || this.#ns.sysctl.get('net.ipv4.ip_nonlocal_bind') === '1') return true;
    const type = this.#ns.routes.addressType(ip);
    return type === 'local' || type === 'broadcast' || type === 'multicast';
  }
}

function connectionKey(localPort: number, remotePort: number): number {
  return localPort * 65536 + remotePort;
}

interface Bound {
  readonly ip: Ip;
  readonly v6only: boolean;
}

/** Whether both would hear one address (inet_rcv_saddr_equal). */
function conflict(a: Bound, b: Bound): boolean {
  return a.ip === b.ip || (isAny(a.ip) && speaks(a, b.ip)) || (isAny(b.ip) && speaks(b, a.ip));
}

/** Whether a socket is of the address' family; one on `::` is of both unless it is told otherwise. */
function speaks(socket: Bound, ip: Ip): boolean {
  return isIpv6(socket.ip) === isIpv6(ip) || (isIpv6(socket.ip) && isAny(socket.ip) && !socket.v6only);
}

function bestBound<S extends Bound>(sockets: readonly S[] | undefined, ip: Ip): S | undefined {
  let any: S | undefined;
  for (const socket of sockets ?? []) {
    if (socket.ip === ip) return socket;
    if (isAny(socket.ip) && speaks(socket, ip)) any ??= socket;
  }
  return any;
}

function removeFrom<S>(map: Map<number, S[]> | undefined, key: number, socket: S): void {
  const sockets = map?.get(key);
  if (map === undefined || sockets === undefined) return;
  const rest = sockets.filter((other) => other !== socket);
  if (rest.length === 0) map.delete(key);
  else map.set(key, rest);
}
