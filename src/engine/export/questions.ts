/** Asks every server of a cluster what a reader of its export may ask and the lab did not. The cluster is used up by it. */
import { toBase64 } from '../capture/base64.ts';
import { encodeMessage, query } from '../dns/message.ts';
import type { EngineCluster } from '../engine.ts';
import { isAny } from '../net/address.ts';
import type { Netns } from '../net/netns.ts';
import type { Task } from '../net/task.ts';
import { tcpConnect } from '../net/tcp-client.ts';
import { UdpSocket } from '../net/udp-socket.ts';
import { dnsAnswer, type Answer } from './server.ts';

const LOOPBACK = 0x7f000001;
const PATIENCE = 500_000;
/** Servers beyond this many have only what they were heard to say. */
const MAX_ASKED = 200;

export function askServers(cluster: EngineCluster): Map<string, Answer[]> {
  const answers = new Map<string, Answer[]>();
  const keep = (server: string, answer: Answer | undefined): void => {
    if (answer !== undefined) answers.set(server, [...(answers.get(server) ?? []), answer]);
  };
  const names = cluster
    .view()
    .services.map(({ name, namespace }) => `${name}.${namespace}.svc.cluster.local.`);
  let asked = 0;
  for (const ns of cluster.world.everyNetns()) {
    const { listeners, udp } = ns.sockets.list();
    for (const { ip, port } of listeners) {
      if (port === 53 || ++asked > MAX_ASKED) continue;
      const dst = isAny(ip) ? LOOPBACK : ip;
      for (const path of ['/', '/podwalk-asks-what-is-not-there'])
        keep(`${ns.name} tcp ${port}`, run(cluster, overHttp(ns, dst, port, path)));
    }
    for (const { ip, port, peer } of udp) {
      if (port !== 53 || peer !== undefined || ++asked > MAX_ASKED) continue;
      for (const name of names)
        for (const type of ['A', 'AAAA'] as const)
          keep(
            `${ns.name} udp ${port}`,
            run(cluster, overDns(ns, isAny(ip) ? LOOPBACK : ip, encodeMessage(query(1, name, type)))),
          );
    }
  }
  return answers;
}

function run<T>({ world }: EngineCluster, task: Task<T>): T | undefined {
  const process = world.spawn(task);
  world.run({ until: () => process.done, time: 4 * PATIENCE, events: 100_000 });
  return process.result;
}

function* overHttp(ns: Netns, dst: number, dport: number, path: string): Task<Answer | undefined> {
  const connected = yield* tcpConnect(ns, { dst, dport, timeout: PATIENCE });
  if (connected.kind !== 'connected') return undefined;
  const { socket } = connected;
  const request = `GET ${path} HTTP/1.1`;
  socket.write(new TextEncoder().encode(`${request}\r\nHost: localhost\r\nAccept: */*\r\n\r\n`));
  const bytes: number[] = [];
  let read = yield* socket.read(PATIENCE);
  while (read.kind === 'data') {
    bytes.push(...read.data);
    read = yield* socket.read(PATIENCE / 10);
  }
  socket.close();
  if (bytes.length === 0) return undefined;
  return {
    to: path === '/' ? request : '*',
    bytes: toBase64(Uint8Array.from(bytes)),
    close: read.kind === 'eof',
  };
}

function* overDns(ns: Netns, dst: number, question: Uint8Array): Task<Answer | undefined> {
  const socket = ns.sockets.addUdp({ dst, dport: 53 });
  if (!(socket instanceof UdpSocket)) return undefined;
  try {
    if (socket.send(question) !== undefined) return undefined;
    const event = yield* socket.recv(PATIENCE);
    return event.kind === 'datagram' ? dnsAnswer([...question], [...event.data]) : undefined;
  } finally {
    socket.close();
  }
}
