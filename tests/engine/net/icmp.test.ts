import { existsSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import type { Netns } from '../../../src/engine/net/netns.ts';
import type { Task } from '../../../src/engine/net/task.ts';
import { udpSocket } from '../../../src/engine/net/tcp-client.ts';
import { buildCluster, ip, ORACLE, readOracle } from './kernel-cluster.ts';

function* burst(ns: Netns, heard: string[]): Task<void> {
  for (let port = 7000; port < 7010; port++) {
    const socket = udpSocket(ns, { dst: ip('10.96.0.20'), dport: port, receiveErrors: true });
    if (typeof socket === 'string') throw new Error(socket);
    socket.send(new Uint8Array(4));
    const event = yield* socket.recv(150_000);
    heard.push(event.kind === 'error' ? event.errno : event.kind);
    socket.close();
  }
}

describe.skipIf(!existsSync(ORACLE))('the rate limit of ICMP errors', () => {
  const file = existsSync(ORACLE) ? readOracle('icmp-error-rate-limit') : undefined;

  it('lets two of ten through, and with icmp_ratelimit=0 one more when a second has passed, as the kernel did', () => {
    if (file === undefined) return;
    const world = buildCluster(file);
    const client = world.netnses.get('client');
    if (client === undefined) throw new Error('no client');
    const heard: string[] = [];
    const first = world.spawn(burst(client, heard));
    world.run({ until: () => first.done });
    expect(heard).toEqual([...Array<string>(2).fill('ENETUNREACH'), ...Array<string>(8).fill('timeout')]);
    world.netnses.get('router')?.sysctl.set('net.ipv4.icmp_ratelimit', '0');
    heard.length = 0;
    const second = world.spawn(burst(client, heard));
    world.run({ until: () => second.done });
    expect(heard.filter((event) => event === 'ENETUNREACH')).toHaveLength(1);
  });
});
