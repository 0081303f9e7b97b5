import { httpDate } from './apps/date.ts';
import { httpListener } from './apps/server.ts';
import type {
  Connection,
  ConnectionHandler,
  Datagram,
  Listener,
  Program,
  ProgramContext,
} from './apps/server.ts';
import { decodeMessage, encodeMessage, summarizeMessage } from './dns/message.ts';
import type { ResourceRecord } from './dns/message.ts';
import { answerFromRecords } from './dns/server.ts';
import type { CoreDns } from './dns/server.ts';
import { parseIp } from './net/address.ts';
import type { Netns } from './net/netns.ts';
import type { Task } from './net/task.ts';
import { UdpSocket } from './net/udp-socket.ts';
import type { ReadableFiles } from './apps/server.ts';

/** How long CoreDNS waits for its upstream, and how often it asks. */
const UPSTREAM_TIMEOUT = 2_000_000;
const UPSTREAM_TRIES = 2;

type Send = (bytes: Uint8Array) => void;
type Note = (event: string, detail: string) => void;

/** CoreDNS as a container's program: the cluster's zone from the API, other names from the upstream in its resolv.conf. */
export function coreDnsProgram(context: ProgramContext, server: CoreDns, netns: Netns): Program {
  const answer = (bytes: Uint8Array, limit: number, send: Send, note: Note): void => {
    const reply = server.answer(bytes, limit);
    switch (reply.kind) {
      case 'drop':
        return;
      case 'answer':
        note('answer', summarizeMessage(reply.message, reply.bytes.length));
        send(reply.bytes);
        return;
      case 'forward': {
        const upstream = upstreamOf(context.files);
        note('forward', `${reply.query.questions[0]?.name ?? '.'} ${upstream}`);
        netns.world.spawn(
          (function* (): Task<void> {
            send(reply.complete(yield* askUpstream(netns, upstream, encodeMessage(reply.query))));
          })(),
        );
      }
    }
  };
  const health = (port: number): Listener =>
    httpListener({
      port,
      handle: () => ({ status: 200, headers: [['Date', httpDate(context.now())]], body: 'OK' }),
    });
  return {
    kind: 'server',
    process: 'coredns',
    listeners: [...dnsListeners(answer), health(8080), health(8181), health(9153)],
    greeting: ['.:53', 'CoreDNS-1.12.0', 'linux/amd64, go1.23.3, 51e11f1'],
    bindError: ({ protocol }) => `Listen: listen ${protocol.toLowerCase()} :53: bind: address already in use`,
    onTerm: { kind: 'exit', code: 0 },
  };
}

/** Names that the outside host knows; everything else it denies. */
function outsideRecords(addresses: readonly string[]): ReadonlyMap<string, readonly ResourceRecord[]> {
  return new Map(
    ['example.com.', 'www.example.com.', 'ext.example.com.'].map((name) => [
      name,
      addresses.map((address) => ({
        name,
        ttl: 300,
        data: address.includes(':') ? { type: 'AAAA', address } : { type: 'A', address },
      })),
    ]),
  );
}

/** What the outside host serves: a page on port 80, and names of a small fixed zone on port 53. */
export function outsideListeners(addresses: readonly string[], now: () => number): Listener[] {
  const records = outsideRecords(addresses);
  const page = '<!doctype html><title>Example Domain</title><h1>Example Domain</h1>\n';
  const answer = (bytes: Uint8Array, limit: number, send: Send): void => {
    const reply = answerFromRecords(records, bytes, limit);
    if (reply !== undefined) send(reply);
  };
  return [
    httpListener({
      port: 80,
      handle: () => ({
        status: 200,
        headers: [
          ['Date', httpDate(now())],
          ['Content-Type', 'text/html'],
        ],
        body: page,
      }),
    }),
    ...dnsListeners(answer),
  ];
}

/** The API server's door: it speaks TLS only, and says so to whoever does not. */
export function apiServerListener(now: () => number): Listener {
  return httpListener({
    port: 6443,
    handle: () => ({
      status: 400,
      headers: [['Date', httpDate(now())]],
      body: 'Client sent an HTTP request to an HTTPS server.\n',
      close: true,
    }),
  });
}

function dnsListeners(
  answer: (bytes: Uint8Array, limit: number, send: Send, note: Note) => void,
): Listener[] {
  const receive = (datagram: Datagram): void => {
    const limit = Math.min(4096, Math.max(512, decodeMessage(datagram.bytes)?.udpSize ?? 512));
    answer(
      datagram.bytes,
      limit,
      (bytes) => datagram.reply(bytes),
      (event, detail) => datagram.note(event, detail),
    );
  };
  /** Over TCP a message follows its length (RFC 1035, 4.2.2). */
  const accept = (connection: Connection): ConnectionHandler => {
    let pending: number[] = [];
    return {
      data(bytes) {
        pending.push(...bytes);
        for (;;) {
          const length = (pending[0] ?? 0) * 256 + (pending[1] ?? 0);
          if (pending.length < 2 || pending.length < 2 + length) return;
          const message = Uint8Array.from(pending.slice(2, 2 + length));
          pending = pending.slice(2 + length);
          const send = (reply: Uint8Array): void =>
            connection.write(Uint8Array.from([reply.length >> 8, reply.length & 255, ...reply]));
          answer(message, 65_535, send, () => undefined);
        }
      },
      end: () => connection.close(),
    };
  };
  return [
    { protocol: 'UDP', port: 53, receive },
    { protocol: 'TCP', port: 53, accept },
  ];
}

/** `''` without one. */
function upstreamOf(files: ReadableFiles): string {
  const conf = files.read('/etc/resolv.conf');
  return /^nameserver\s+(\S+)/m.exec(conf.ok ? conf.value : '')?.[1] ?? '';
}

function* askUpstream(netns: Netns, upstream: string, query: Uint8Array): Task<Uint8Array | undefined> {
  const dst = parseIp(upstream);
  if (dst === undefined) return undefined;
  const id = (query[0] ?? 0) * 256 + (query[1] ?? 0);
  for (let tries = 0; tries < UPSTREAM_TRIES; tries++) {
    const socket = netns.sockets.addUdp({ dst, dport: 53, process: { name: 'coredns' } });
    if (!(socket instanceof UdpSocket)) return undefined;
    try {
      if (socket.send(query) !== undefined) return undefined;
      const event = yield* socket.recv(UPSTREAM_TIMEOUT);
      if (event.kind === 'error') return undefined;
      if (event.kind === 'datagram' && (event.data[0] ?? 0) * 256 + (event.data[1] ?? 0) === id)
        return event.data;
    } finally {
      socket.close();
    }
  }
  return undefined;
}
