import type { Connection, Listener } from './apps/server.ts';
import { anyAddress, formatIp, parseIp } from './net/address.ts';
import type { Netns } from './net/netns.ts';
import { TcpListener } from './net/socket.ts';
import type { SocketOwner } from './net/socket.ts';
import type { TcpConnection } from './net/tcp-connection.ts';
import { UdpSocket } from './net/udp-socket.ts';

export type BindResult = { readonly ok: true } | { readonly ok: false; readonly errno: string };

/** Opens a program's listening socket; `owner` is the process that holds it and whatever it accepts. */
export function bindListener(netns: Netns, listener: Listener, owner: SocketOwner): BindResult {
  const { address } = listener;
  const every = address === undefined || address === '*';
  const ip = every
    ? anyAddress(netns.ipv6 ? 6 : 4)
    : parseIp(address === 'localhost' ? '127.0.0.1' : address.replace(/^\[(.*)\]$/, '$1'));
  const v6only = !every;
  if (ip === undefined) return { ok: false, errno: 'EADDRNOTAVAIL' };
  if (listener.protocol === 'TCP') {
    const onConnection = (socket: TcpConnection): void => {
      const handler = listener.accept(connectionOf(socket, owner.name));
      socket.onData = (data) => handler.data(data);
      socket.onEnd = () => handler.end();
    };
    const made = netns.sockets.listenTcp({ ip, port: listener.port, v6only, process: owner, onConnection });
    return made instanceof TcpListener ? { ok: true } : { ok: false, errno: made };
  }
  const made = netns.sockets.bindUdp({
    ip,
    port: listener.port,
    v6only,
    process: owner,
    onDatagram(datagram, socket) {
      listener.receive({
        peer: { ip: formatIp(datagram.src), port: datagram.sport },
        local: { ip: formatIp(datagram.dst), port: listener.port },
        bytes: datagram.data,
        reply: (bytes) => {
          socket.reply(datagram, bytes);
        },
        note: (event, detail) =>
          netns.world.tracer?.decision(netns.world.now, datagram.walk, netns.name, {
            code: 'app',
            process: owner.name,
            event,
            detail,
          }),
      });
    },
  });
  return made instanceof UdpSocket ? { ok: true } : { ok: false, errno: made };
}

function connectionOf(socket: TcpConnection, process: string): Connection {
  return {
    peer: { ip: formatIp(socket.remoteIp), port: socket.remotePort },
    local: { ip: formatIp(socket.localIp), port: socket.localPort },
    write: (bytes) => {
      socket.write(bytes);
    },
    close: () => socket.close(),
    abort: () => socket.abort(),
    note(event, detail) {
      const { ns, answering } = socket;
      if (answering !== undefined)
        ns.world.tracer?.decision(ns.world.now, answering, ns.name, { code: 'app', process, event, detail });
    },
  };
}
