import { beforeEach, describe, expect, it } from 'vitest';
import { formatMac, parseIp } from '../../../src/engine/net/address.ts';
import type { Bridge } from '../../../src/engine/net/bridge.ts';
import { formatFdbEntry } from '../../../src/engine/net/fdb.ts';
import { createBridge, createVeth } from '../../../src/engine/net/link.ts';
import type { Netns } from '../../../src/engine/net/netns.ts';
import { Trace } from '../../../src/engine/net/trace.ts';
import { World } from '../../../src/engine/net/world.ts';

let world: World;
let sw: Netns;
let bridge: Bridge;
let hosts: Netns[];
let trace: Trace;

/** Three hosts .1 to .3 on one bridge; ports p1 to p3. */
beforeEach(() => {
  world = new World();
  sw = world.createNetns('sw');
  const made = createBridge(sw, 'br0');
  if (typeof made === 'string') throw new Error(made);
  bridge = made;
  sw.setLink('br0', { up: true });
  hosts = [1, 2, 3].map((n) => {
    const host = world.createNetns(`h${n}`);
    const pair = createVeth(host, 'eth0', sw, `p${n}`, {
      macA: 0x0a0000000000 + n,
      macB: 0x020000000000 + n,
    });
    if (typeof pair === 'string') throw new Error(pair);
    host.setLink('eth0', { up: true });
    host.addAddress(pair[0], { ip: 0x0a000000 + n, length: 24 });
    sw.setLink(`p${n}`, { up: true, master: bridge });
    return host;
  });
  trace = new Trace();
  world.tracer = trace;
});

function host(n: number): Netns {
  const found = hosts[n - 1];
  if (found === undefined) throw new Error(`h${n}`);
  return found;
}

/** Sends an echo and tells which ports frames left, per frame type. */
function ping(from: number, to: string): { readonly answered: boolean; readonly out: string[] } {
  const start = trace.events.length;
  const socket = host(from).sockets.raw({
    accept: (packet) => packet.payload.kind === 'icmp' && packet.payload.type === 0,
  });
  socket.sendEcho(parseIp(to) ?? 0, { id: 1, seq: 1, data: new Uint8Array(8) });
  const answer = world.spawn(socket.recv(100_000));
  world.run({ until: () => answer.done });
  socket.close();
  const out = trace.events
    .slice(start)
    .flatMap((event) =>
      event.kind === 'frame' && event.netns === 'sw' && event.dir === 'out'
        ? [`${event.frame.type} ${event.dev}`]
        : [],
    );
  return { answered: answer.result !== undefined, out };
}

const fdb = (): string[] => bridge.fdb.list().map((entry) => formatFdbEntry(entry, 'br0'));

describe('a bridge', () => {
  it('floods what it does not know, newest port first, and then goes straight', () => {
    expect(ping(1, '10.0.0.2')).toEqual({
      answered: true,
      out: ['arp p3', 'arp p2', 'arp p1', 'ipv4 p2', 'ipv4 p1'],
    });
    expect(fdb().slice(0, 2)).toEqual([
      '0a:00:00:00:00:02 dev p2 master br0 ',
      '0a:00:00:00:00:01 dev p1 master br0 ',
    ]);
  });

  it('takes the lowest address of its ports unless it is given one', () => {
    expect(formatMac(bridge.mac)).toBe('02:00:00:00:00:01');
    sw.setLink('br0', { mac: 0x0a580af40101 });
    sw.setLink('p1', { master: null });
    expect(formatMac(bridge.mac)).toBe('0a:58:0a:f4:01:01');
    expect(fdb()).toContain('0a:58:0a:f4:01:01 dev br0 master br0 permanent');
  });

  it('sends a frame back to where it came from only in hairpin mode', () => {
    ping(1, '10.0.0.2');
    const port = bridge.ports.find((candidate) => candidate.dev.name === 'p1');
    if (port === undefined) throw new Error('p1');
    expect(ping(1, '10.0.0.99').out.filter((line) => line === 'arp p1')).toEqual([]);
    port.hairpin = true;
    expect(ping(1, '10.0.0.98').out.filter((line) => line === 'arp p1')).toHaveLength(1);
  });

  it('forgets an address after five minutes, and at once when its port loses the carrier', () => {
    ping(1, '10.0.0.2');
    host(2).setLink('eth0', { up: false });
    expect(fdb()).not.toContain('0a:00:00:00:00:02 dev p2 master br0 ');
    expect(fdb()).toContain('0a:00:00:00:00:01 dev p1 master br0 ');
    world.run({ time: 301_000_000 });
    expect(fdb()).not.toContain('0a:00:00:00:00:01 dev p1 master br0 ');
  });

  it('keeps isolated ports apart', () => {
    for (const port of bridge.ports) port.isolated = port.dev.name !== 'p3';
    expect(ping(1, '10.0.0.2').answered).toBe(false);
    expect(ping(1, '10.0.0.3').answered).toBe(true);
  });

  it('does not reach a port that has left it', () => {
    sw.setLink('p2', { master: null });
    expect(ping(1, '10.0.0.2').answered).toBe(false);
    expect(bridge.ports.map((port) => port.dev.name)).toEqual(['p3', 'p1']);
  });

  it('has the smallest MTU of its ports until one is set', () => {
    sw.setLink('p2', { mtu: 1450 });
    expect(bridge.mtu).toBe(1450);
    sw.setLink('br0', { mtu: 1500 });
    sw.setLink('p1', { mtu: 1400 });
    expect(bridge.mtu).toBe(1500);
  });
});
