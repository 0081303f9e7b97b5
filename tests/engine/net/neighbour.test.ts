import { beforeEach, describe, expect, it } from 'vitest';
import { parseIp, type Ip } from '../../../src/engine/net/address.ts';
import type { Device } from '../../../src/engine/net/device.ts';
import { createVeth } from '../../../src/engine/net/link.ts';
import { formatNeighbour } from '../../../src/engine/net/neighbour.ts';
import type { Netns } from '../../../src/engine/net/netns.ts';
import { Trace } from '../../../src/engine/net/trace.ts';
import { World } from '../../../src/engine/net/world.ts';
import { formatCrossing } from './kernel-probe.ts';

const SECOND = 1_000_000;
const ip = (text: string): Ip => parseIp(text) ?? 0;

let world: World;
let a: Netns;
let b: Netns;
let trace: Trace;

beforeEach(() => {
  world = new World();
  a = world.createNetns('a');
  b = world.createNetns('b');
  createVeth(a, 'eth0', b, 'eth0', { macA: 0x020000000001, macB: 0x020000000002 });
  for (const [ns, own] of [
    [a, '10.0.0.1'],
    [b, '10.0.0.2'],
  ] as const) {
    ns.setLink('eth0', { up: true });
    ns.addAddress(eth0(ns), { ip: ip(own), length: 24 });
  }
  trace = new Trace();
  world.tracer = trace;
});

function eth0(ns: Netns): Device {
  const device = ns.devices.get('eth0');
  if (device === undefined) throw new Error('eth0');
  return device;
}

function ping(dst: string, time = SECOND): void {
  const socket = a.sockets.raw({ accept: () => true });
  socket.sendEcho(ip(dst), { id: 1, seq: 1, data: new Uint8Array(8) });
  world.run({ time });
  socket.close();
}

const neigh = (ns: Netns): string[] => ns.neighbours.list().map(formatNeighbour);
const arp = (): string[] =>
  trace.events.flatMap((event) =>
    event.kind === 'frame' && event.netns === 'a' && event.frame.type === 'arp'
      ? [formatCrossing(event)]
      : [],
  );

describe('a neighbour entry', () => {
  it('is reachable for who asked and delayed for who was asked', () => {
    ping('10.0.0.2', 1000);
    expect(neigh(a)).toEqual(['10.0.0.2 dev eth0 lladdr 02:00:00:00:00:02 REACHABLE ']);
    expect(neigh(b)).toEqual(['10.0.0.1 dev eth0 lladdr 02:00:00:00:00:01 DELAY ']);
  });

  it('is asked for again at its own address after the delay, and grows stale when nobody uses it', () => {
    ping('10.0.0.2', 7 * SECOND);
    expect(arp().slice(2)).toEqual([
      'a:eth0 in ARP unicast who-has 10.0.0.1 tell 10.0.0.2',
      'a:eth0 out ARP reply 10.0.0.2 <- 10.0.0.1 is-at 02:00:00:00:00:01',
    ]);
    expect(neigh(b)).toEqual(['10.0.0.1 dev eth0 lladdr 02:00:00:00:00:01 REACHABLE ']);
    world.run({ time: 60 * SECOND });
    expect(neigh(a)).toEqual(['10.0.0.2 dev eth0 lladdr 02:00:00:00:00:02 STALE ']);
  });

  it('fails after three questions, and the program hears of it from its own host over lo', () => {
    const socket = a.sockets.raw({
      accept: (packet) => packet.payload.kind === 'icmp' && packet.payload.type === 3,
    });
    socket.sendEcho(ip('10.0.0.9'), { id: 1, seq: 1, data: new Uint8Array(8) });
    const heard = world.spawn(socket.recv(10 * SECOND));
    world.run({ until: () => heard.done });
    expect(Math.floor(world.now / SECOND)).toBe(3);
    expect(arp()).toHaveLength(3);
    expect(neigh(a)).toEqual(['10.0.0.9 dev eth0 FAILED ']);
    const lines = trace.events.flatMap((event) =>
      event.kind === 'frame' && event.dev === 'lo' ? [formatCrossing(event)] : [],
    );
    expect(lines).toEqual([
      'a:lo out 10.0.0.1 > 10.0.0.1 icmp host-unreachable ttl=64',
      'a:lo in 10.0.0.1 > 10.0.0.1 icmp host-unreachable ttl=64',
    ]);
  });

  it('stays as it was set by hand, and no answer changes a permanent one', () => {
    a.neighbours.replace(eth0(a), ip('10.0.0.2'), 0x02dead000001, 'PERMANENT');
    ping('10.0.0.2');
    expect(arp()).toEqual([]);
    expect(neigh(a)).toEqual(['10.0.0.2 dev eth0 lladdr 02:de:ad:00:00:01 PERMANENT ']);
    expect(a.neighbours.add(eth0(a), ip('10.0.0.2'), 1, 'PERMANENT')).toBe('EEXIST');
    expect(a.neighbours.delete(eth0(a), ip('10.0.0.2'))).toBe(undefined);
    expect(a.neighbours.delete(eth0(a), ip('10.0.0.2'))).toBe('ENOENT');
  });

  it('is not made by what is only overheard', () => {
    world.schedule(0, () => world.arp.request(eth0(b), ip('10.0.0.2'), ip('10.0.0.2')));
    world.run({ time: SECOND });
    expect(neigh(a)).toEqual([]);
    a.sysctl.set('net.ipv4.conf.eth0.arp_accept', '1');
    world.schedule(0, () => world.arp.request(eth0(b), ip('10.0.0.2'), ip('10.0.0.2')));
    world.run({ time: SECOND });
    expect(neigh(a)).toEqual(['10.0.0.2 dev eth0 lladdr 02:00:00:00:00:02 STALE ']);
  });

  it('goes with its interface', () => {
    ping('10.0.0.2');
    a.setLink('eth0', { up: false });
    expect(neigh(a)).toEqual([]);
  });
});

describe('who answers ARP', () => {
  it('answers for any of its addresses, on any interface, unless arp_ignore forbids it', () => {
    const device = b.devices.get('lo');
    if (device === undefined) throw new Error('lo');
    b.addAddress(device, { ip: ip('10.0.0.77'), length: 32 });
    ping('10.0.0.77', 1000);
    expect(neigh(a)[0]).toMatch(/^10\.0\.0\.77 .* REACHABLE $/);
    a.neighbours.flush(eth0(a));
    b.sysctl.set('net.ipv4.conf.all.arp_ignore', '1');
    ping('10.0.0.77', 1000);
    expect(neigh(a)[0]).toMatch(/^10\.0\.0\.77 dev eth0 INCOMPLETE $/);
  });

  it('answers for others as a proxy only while it forwards and has another way to them', () => {
    a.routes.add({ dst: { ip: ip('169.254.1.1'), length: 32 }, dev: eth0(a) });
    b.sysctl.set('net.ipv4.conf.eth0.proxy_arp', '1');
    b.sysctl.set('net.ipv4.neigh.eth0.proxy_delay', '0');
    b.sysctl.set('net.ipv4.ip_forward', '1');
    const known = (): boolean => {
      a.neighbours.flush(eth0(a));
      ping('169.254.1.1', 1000);
      return a.neighbours.get(eth0(a), ip('169.254.1.1'))?.valid === true;
    };
    expect(known()).toBe(false);
    createVeth(b, 'eth1', world.createNetns('c'), 'eth0');
    b.setLink('eth1', { up: true });
    b.routes.add({ dst: { ip: 0, length: 0 }, dev: b.devices.get('eth1') });
    expect(known()).toBe(true);
    b.sysctl.set('net.ipv4.ip_forward', '0');
    expect(known()).toBe(false);
  });
});
