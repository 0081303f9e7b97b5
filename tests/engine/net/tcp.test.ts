import { describe, expect, it } from 'vitest';
import { parseIp } from '../../../src/engine/net/address.ts';
import { createVeth } from '../../../src/engine/net/link.ts';
import type { Netns } from '../../../src/engine/net/netns.ts';
import { sleep, type Task } from '../../../src/engine/net/task.ts';
import { tcpConnect } from '../../../src/engine/net/tcp-client.ts';
import type { TcpConnection } from '../../../src/engine/net/tcp-connection.ts';
import { Trace } from '../../../src/engine/net/trace.ts';
import { World } from '../../../src/engine/net/world.ts';

const SERVER = parseIp('10.9.9.2') ?? 0;
const SECOND = 1_000_000;

function pair(): { world: World; client: Netns; server: Netns } {
  const world = new World();
  const client = world.createNetns('client');
  const server = world.createNetns('server');
  createVeth(client, 'e0', server, 'e0', { mtu: 1450 });
  for (const [ns, text] of [
    [client, '10.9.9.1'],
    [server, '10.9.9.2'],
  ] as const) {
    const dev = ns.devices.get('e0');
    if (dev === undefined) throw new Error('e0');
    ns.setLink('e0', { up: true });
    ns.addAddress(dev, { ip: parseIp(text) ?? 0, length: 24 });
  }
  return { world, client, server };
}

/** `GET n` answers with n bytes, `CLOSE n` closes after them, `PUT n` takes n bytes and says ok. */
function serve(server: Netns): void {
  server.sockets.listenTcp({
    ip: 0,
    port: 8080,
    onConnection(connection) {
      let expected = 0;
      connection.onEnd = () => connection.close();
      connection.onData = (data) => {
        if (expected > 0) {
          expected -= data.length;
          if (expected <= 0) connection.write(new Uint8Array(3));
          return;
        }
        const [verb = '', count = '0'] = new TextDecoder().decode(data).trim().split(' ');
        if (verb === 'PUT') expected = Number(count);
        else connection.write(new Uint8Array(Number(count)));
        if (verb === 'CLOSE') connection.close();
      };
    },
  });
}

function* read(connection: TcpConnection, wanted: number): Task<void> {
  for (let got = 0; got < wanted;) {
    const result = yield* connection.read(SECOND);
    if (result.kind !== 'data') return;
    got += result.data.length;
  }
}

const text = (value: string): Uint8Array => new TextEncoder().encode(value);

/** What the client's interface shows, as tcpdump writes it with relative numbers. */
function capture(talk: (connection: TcpConnection, world: World) => Task<void>): string[] {
  const { world, client, server } = pair();
  serve(server);
  const trace = new Trace();
  world.tracer = trace;
  const process = world.spawn(
    (function* () {
      const result = yield* tcpConnect(client, { dst: SERVER, dport: 8080 });
      if (result.kind !== 'connected') throw new Error(result.kind);
      yield* talk(result.socket, world);
      result.socket.close();
    })(),
  );
  world.run({ until: () => process.done, time: 5 * SECOND });
  world.run({ time: SECOND });
  const base = new Map<string, number>();
  return trace.events.flatMap((event) => {
    if (event.kind !== 'frame' || event.netns !== 'client' || event.frame.payload.kind !== 'ip') return [];
    const segment = event.frame.payload.payload;
    if (segment.kind !== 'tcp') return [];
    const letters =
      ['F', 'S', 'R', 'P'].filter((_, i) => segment.flags & (1 << i)).join('') +
      (segment.flags & 16 ? '.' : '');
    const other = event.dir === 'out' ? 'in' : 'out';
    if (segment.flags & 2) base.set(event.dir, segment.seq);
    const seq = (segment.seq - (base.get(event.dir) ?? 0)) >>> 0;
    const ack = segment.flags & 16 ? ` ack ${(segment.ack - (base.get(other) ?? 0)) >>> 0}` : '';
    const range =
      segment.data.length > 0
        ? ` seq ${seq}:${seq + segment.data.length}`
        : /[FR]/.test(letters)
          ? ` seq ${seq}`
          : '';
    return [`${event.dir === 'out' ? '>' : '<'} [${letters}]${range}${ack}`];
  });
}

/** Captured on kernel 6.18 between two network namespaces, MTU 1450, `gso_max_segs 1`. */
const CASES: readonly (readonly [
  string,
  (connection: TcpConnection, world: World) => Task<void>,
  readonly string[],
])[] = [
  [
    'a request and its answer, closed by the client',
    function* (c) {
      c.write(text('GET 100\n'));
      yield* read(c, 100);
    },
    [
      '> [S]',
      '< [S.] ack 1',
      '> [.] ack 1',
      '> [P.] seq 1:9 ack 1',
      '< [.] ack 9',
      '< [P.] seq 1:101 ack 9',
      '> [.] ack 101',
      '> [F.] seq 9 ack 101',
      '< [F.] seq 101 ack 10',
      '> [.] ack 102',
    ],
  ],
  [
    'closed by the server',
    function* (c) {
      c.write(text('CLOSE 100\n'));
      yield* read(c, 101);
    },
    [
      '> [S]',
      '< [S.] ack 1',
      '> [.] ack 1',
      '> [P.] seq 1:11 ack 1',
      '< [.] ack 11',
      '< [P.] seq 1:101 ack 11',
      '> [.] ack 101',
      '< [F.] seq 101 ack 11',
      '> [F.] seq 11 ack 102',
      '< [.] ack 12',
    ],
  ],
  [
    'three requests, of which the later ones carry the acknowledgements',
    function* (c) {
      for (const n of [100, 200, 300]) {
        c.write(text(`GET ${n}\n`));
        yield* read(c, n);
      }
    },
    [
      '> [S]',
      '< [S.] ack 1',
      '> [.] ack 1',
      '> [P.] seq 1:9 ack 1',
      '< [.] ack 9',
      '< [P.] seq 1:101 ack 9',
      '> [.] ack 101',
      '> [P.] seq 9:17 ack 101',
      '< [P.] seq 101:301 ack 17',
      '> [P.] seq 17:25 ack 301',
      '< [P.] seq 301:601 ack 25',
      '> [F.] seq 25 ack 601',
      '< [F.] seq 601 ack 26',
      '> [.] ack 602',
    ],
  ],
  [
    'an answer in segments, each acknowledged at once',
    function* (c) {
      c.write(text('GET 5000\n'));
      yield* read(c, 5000);
    },
    [
      '> [S]',
      '< [S.] ack 1',
      '> [.] ack 1',
      '> [P.] seq 1:10 ack 1',
      '< [.] ack 10',
      '< [.] seq 1:1399 ack 10',
      '> [.] ack 1399',
      '< [.] seq 1399:2797 ack 10',
      '> [.] ack 2797',
      '< [.] seq 2797:4195 ack 10',
      '> [.] ack 4195',
      '< [P.] seq 4195:5001 ack 10',
      '> [.] ack 5001',
      '> [F.] seq 10 ack 5001',
      '< [F.] seq 5001 ack 11',
      '> [.] ack 5002',
    ],
  ],
  [
    'an upload',
    function* (c, world) {
      c.write(text('PUT 3000\n'));
      yield* sleep(world, 10);
      c.write(new Uint8Array(3000));
      yield* read(c, 3);
    },
    [
      '> [S]',
      '< [S.] ack 1',
      '> [.] ack 1',
      '> [P.] seq 1:10 ack 1',
      '< [.] ack 10',
      '> [.] seq 10:1408 ack 1',
      '< [.] ack 1408',
      '> [.] seq 1408:2806 ack 1',
      '< [.] ack 2806',
      '> [P.] seq 2806:3010 ack 1',
      '< [.] ack 3010',
      '< [P.] seq 1:4 ack 3010',
      '> [.] ack 4',
      '> [F.] seq 3010 ack 4',
      '< [F.] seq 4 ack 3011',
      '> [.] ack 5',
    ],
  ],
  [
    'nothing said',
    function* () {},
    ['> [S]', '< [S.] ack 1', '> [.] ack 1', '> [F.] seq 1 ack 1', '< [F.] seq 1 ack 2', '> [.] ack 2'],
  ],
  [
    'a client that leaves without reading: reset',
    function* (c, world) {
      c.write(text('GET 100\n'));
      yield* sleep(world, 100_000);
    },
    [
      '> [S]',
      '< [S.] ack 1',
      '> [.] ack 1',
      '> [P.] seq 1:9 ack 1',
      '< [.] ack 9',
      '< [P.] seq 1:101 ack 9',
      '> [.] ack 101',
      '> [R.] seq 9 ack 101',
    ],
  ],
];

describe('a TCP connection on the wire', () => {
  it.each(CASES)('%s', (_, talk, expected) => {
    expect(capture(talk)).toEqual(expected);
  });
});

describe('data that nobody acknowledges', () => {
  function repetitions(length: number): string[] {
    const { world, client, server } = pair();
    serve(server);
    const trace = new Trace();
    world.spawn(
      (function* () {
        const result = yield* tcpConnect(client, { dst: SERVER, dport: 8080 });
        if (result.kind !== 'connected') throw new Error(result.kind);
        result.socket.write(text('GET 10\n'));
        yield* read(result.socket, 10);
        yield* sleep(world, 100_000);
        server.netfilter.v4.setPolicy('filter', 'INPUT', 'DROP');
        world.tracer = trace;
        result.socket.write(new Uint8Array(length));
      })(),
    );
    world.run({ time: 8 * SECOND });
    const frames = trace.events.flatMap((event) =>
      event.kind === 'frame' &&
      event.netns === 'client' &&
      event.dir === 'out' &&
      event.frame.payload.kind === 'ip'
        ? [{ at: event.at, segment: event.frame.payload.payload }]
        : [],
    );
    const begin = frames[0];
    if (begin?.segment.kind !== 'tcp') return [];
    const { at: start, segment: first } = begin;
    return frames
      .slice(1)
      .map(({ at, segment }) =>
        segment.kind === 'tcp' ? `${((at - start) / SECOND).toFixed(1)} ${segment.seq - first.seq}` : '',
      );
  }

  /** Kernel 6.18: 0.207, 0.415, 0.847, 1.683, 3.343 and 6.767 seconds. */
  it('is probed for after two round trips and 200 ms, and then repeated ever less often', () => {
    expect(repetitions(100)).toEqual(['0.2 0', '0.4 0', '0.8 0', '1.7 0', '3.3 0', '6.8 0']);
  });

  /** Kernel 6.18: eleven segments at once, the twelfth after 6 ms, the first again after 0.21, 0.65, 1.49 and 3.15 seconds (where the slots of the timer wheel fall is chance). */
  it('is probed for with new data when there is some', () => {
    const sent = repetitions(20_000);
    expect(sent.slice(0, 11)).toEqual([
      ...Array.from({ length: 10 }, (_, i) => `0.0 ${(i + 1) * 1398}`),
      `0.0 ${11 * 1398}`,
    ]);
    expect(sent.slice(11, 15)).toEqual(['0.2 0', '0.6 0', '1.5 0', '3.1 0']);
  });
});

describe('a SYN that nobody answers', () => {
  it('is sent again after 1, 2, 3, 4, 5, 7, 11, 19, 35 and 69 seconds, as the timer wheel has it, and given up', () => {
    const { world, client, server } = pair();
    world.run({ time: 1000 });
    server.netfilter.v4.setPolicy('filter', 'INPUT', 'DROP');
    const trace = new Trace();
    world.tracer = trace;
    const process = world.spawn(tcpConnect(client, { dst: SERVER, dport: 8080 }));
    world.run({ until: () => process.done });
    expect(process.result).toEqual({ kind: 'error', errno: 'ETIMEDOUT' });
    const seconds = trace.events.flatMap((event) =>
      event.kind === 'decision' && event.decision.code === 'tcp-retransmit'
        ? [Math.floor(event.at / SECOND)]
        : [],
    );
    expect(seconds).toEqual([1, 2, 3, 4, 5, 7, 11, 19, 35, 69]);
  });
});
