import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { maskIp, type Ip } from '../../../src/engine/net/address.ts';
import {
  createBridge,
  createDummy,
  createIpip,
  createVeth,
  createVxlan,
} from '../../../src/engine/net/link.ts';
import type { Netns } from '../../../src/engine/net/netns.ts';
import { icmpName } from '../../../src/engine/net/icmp.ts';
import type { RouteType } from '../../../src/engine/net/route.ts';
import { tcpConnect, udpSocket } from '../../../src/engine/net/tcp-client.ts';
import { Trace } from '../../../src/engine/net/trace.ts';
import { VxlanDevice } from '../../../src/engine/net/vxlan.ts';
import { World } from '../../../src/engine/net/world.ts';

const SECOND = 1_000_000;
const NAMESPACES = 5;

/** Addresses from a small space, so that things meet; some that mean something special. */
const address: fc.Arbitrary<Ip> = fc.oneof(
  fc.nat(63).map((n) => 0x0a000000 + n),
  fc.constantFrom(0, 0x7f000001, 0xffffffff, 0xe0000001, 0x0a0000ff, 0x0a010203),
);
const index = fc.nat(NAMESPACES - 1);
const name = fc.constantFrom('eth0', 'eth1', 'eth2', 'br0', 'vx0', 'tun0', 'dum0', 'lo', 'none');
const length = fc.constantFrom(0, 8, 24, 28, 30, 31, 32);

type Step = (world: World, spaces: readonly Netns[]) => void;

const step: fc.Arbitrary<Step> = fc.oneof(
  fc.tuple(index, name, index, name).map(
    ([a, x, b, y]): Step =>
      (_, s) =>
        void createVeth(at(s, a), x, at(s, b), y),
  ),
  fc.tuple(index, name).map(
    ([a, x]): Step =>
      (_, s) =>
        void createBridge(at(s, a), x),
  ),
  fc.tuple(index, name).map(
    ([a, x]): Step =>
      (_, s) =>
        void createDummy(at(s, a), x),
  ),
  fc.tuple(index, name, address, address).map(([a, x, local, remote]): Step => (_, s) => {
    const device = createVxlan(at(s, a), x, { vni: 1, local });
    if (typeof device !== 'string') device.fdbAppend(0, remote);
  }),
  fc.tuple(index, name, address).map(
    ([a, x, remote]): Step =>
      (_, s) =>
        void createIpip(at(s, a), x, { remote }),
  ),
  fc.tuple(index, name, fc.record({ up: fc.boolean(), mtu: fc.integer({ min: 60, max: 2000 }) })).map(
    ([a, x, changes]): Step =>
      (_, s) =>
        void at(s, a).setLink(x, changes),
  ),
  fc.tuple(index, name).map(
    ([a, x]): Step =>
      (_, s) =>
        void at(s, a).setLink(x, { up: true }),
  ),
  fc.tuple(index, name, fc.option(name)).map(
    ([a, x, m]): Step =>
      (_, s) =>
        void at(s, a).setLink(x, { master: m === null ? null : (at(s, a).devices.get(m) ?? null) }),
  ),
  fc.tuple(index, name, address, length).map(([a, x, ip, bits]): Step => (_, s) => {
    const device = at(s, a).devices.get(x);
    if (device !== undefined) at(s, a).addAddress(device, { ip, length: bits });
  }),
  fc
    .tuple(
      index,
      address,
      length,
      fc.option(address),
      name,
      fc.constantFrom<RouteType>('unicast', 'blackhole', 'unreachable', 'local', 'throw'),
      fc.boolean(),
    )
    .map(([a, ip, bits, via, x, type, onlink]): Step => (_, s) => {
      const ns = at(s, a);
      ns.routes.add({
        type,
        dst: { ip: maskIp(ip, bits), length: bits },
        via: via ?? undefined,
        dev: ns.devices.get(x),
        onlink,
      });
    }),
  fc
    .tuple(
      index,
      fc.constantFrom(
        'net.ipv4.ip_forward',
        'net.ipv4.conf.all.rp_filter',
        'net.ipv4.conf.all.proxy_arp',
        'net.ipv4.conf.all.route_localnet',
        'net.ipv4.conf.all.accept_local',
      ),
      fc.constantFrom('0', '1', '2'),
    )
    .map(
      ([a, key, value]): Step =>
        (_, s) =>
          void at(s, a).sysctl.set(key, value),
    ),
  fc.tuple(index, name).map(
    ([a, x]): Step =>
      (_, s) =>
        void at(s, a).deleteLink(x),
  ),
  fc.tuple(index, name, index).map(
    ([a, x, b]): Step =>
      (_, s) =>
        void at(s, a).moveLink(x, at(s, b)),
  ),
  fc.tuple(index, address, fc.boolean()).map(([a, ip, tcp]): Step => (world, s) => {
    const ns = at(s, a);
    if (tcp) world.spawn(tcpConnect(ns, { dst: ip, dport: 80, timeout: SECOND }));
    else {
      const socket = udpSocket(ns, { dst: ip, dport: 80 });
      if (typeof socket !== 'string') socket.send(new Uint8Array(1900));
    }
  }),
  fc.tuple(index, address).map(
    ([a, ip]): Step =>
      (_, s) =>
        void at(s, a).sockets.listenTcp({ ip, port: 80 }),
  ),
  fc.integer({ min: 0, max: 3 * SECOND }).map(
    (time): Step =>
      (world) =>
        void world.run({ time, events: 3000 }),
  ),
);

function at(spaces: readonly Netns[], i: number): Netns {
  const ns = spaces[i];
  if (ns === undefined) throw new Error(`no namespace ${i}`);
  return ns;
}

describe('a random network', () => {
  it('never throws, and its tables can always be listed', () => {
    fc.assert(
      fc.property(fc.array(step, { maxLength: 60 }), (steps) => {
        const world = new World();
        world.tracer = new Trace(20_000);
        const spaces = Array.from({ length: NAMESPACES }, (_, i) => world.createNetns(`ns${i}`));
        for (const act of steps) act(world, spaces);
        world.run({ time: 10 * SECOND, events: 5000 });
        for (const ns of spaces) {
          ns.routes.list();
          ns.neighbours.list();
          ns.sysctl.list();
          ns.links();
          world.deleteNetns(ns);
        }
      }),
      { numRuns: 300 },
    );
  });

  it('gives the same record for the same steps', () => {
    fc.assert(
      fc.property(fc.array(step, { maxLength: 40 }), (steps) => {
        const records = [0, 1].map(() => {
          const world = new World({ seed: 3 });
          const trace = new Trace(20_000);
          world.tracer = trace;
          const spaces = Array.from({ length: NAMESPACES }, (_, i) => world.createNetns(`ns${i}`));
          for (const act of steps) act(world, spaces);
          world.run({ time: 5 * SECOND, events: 3000 });
          return JSON.stringify(trace.events, (_, value: unknown) =>
            value instanceof VxlanDevice ? value.name : value,
          );
        });
        expect(records[0]).toBe(records[1]);
      }),
      { numRuns: 60 },
    );
  });
});

describe('what never ends by itself', () => {
  it('a forwarding loop ends by its time to live, with an error to the sender', () => {
    const world = new World();
    const a = world.createNetns('a');
    const b = world.createNetns('b');
    createVeth(a, 'eth0', b, 'eth0');
    for (const [ns, own] of [
      [a, 0x0a000001],
      [b, 0x0a000002],
    ] as const) {
      const device = ns.devices.get('eth0');
      if (device === undefined) throw new Error('eth0');
      ns.setLink('eth0', { up: true });
      ns.addAddress(device, { ip: own, length: 24 });
      ns.sysctl.set('net.ipv4.ip_forward', '1');
      ns.sysctl.set('net.ipv4.conf.all.send_redirects', '0');
      ns.sysctl.set('net.ipv4.conf.eth0.send_redirects', '0');
      ns.routes.add({
        dst: { ip: 0x0b000000, length: 8 },
        via: own === 0x0a000001 ? 0x0a000002 : 0x0a000001,
      });
    }
    const sender = world.createNetns('sender');
    createVeth(sender, 'eth0', a, 'eth1');
    for (const [ns, dev, own] of [
      [sender, 'eth0', 0x0a010002],
      [a, 'eth1', 0x0a010001],
    ] as const) {
      const device = ns.devices.get(dev);
      if (device === undefined) throw new Error(dev);
      ns.setLink(dev, { up: true });
      ns.addAddress(device, { ip: own, length: 24 });
    }
    sender.routes.add({ dst: { ip: 0, length: 0 }, via: 0x0a010001 });
    b.routes.add({ dst: { ip: 0x0a010000, length: 24 }, via: 0x0a000001 });
    const trace = new Trace();
    world.tracer = trace;
    const socket = sender.sockets.raw({
      accept: (packet) => packet.payload.kind === 'icmp' && packet.payload.type !== 8,
    });
    socket.sendEcho(0x0b000001, { id: 1, seq: 1, data: new Uint8Array(8) });
    world.run({ time: SECOND });
    const crossings = trace.events.filter(
      (event) => event.kind === 'frame' && event.dir === 'out' && event.frame.type === 'ipv4',
    );
    expect(crossings.length).toBeLessThan(80);
    const answer = world.spawn(socket.recv(SECOND));
    world.run({ time: SECOND });
    const heard = answer.result?.packet;
    const message = heard?.payload;
    expect(heard !== undefined && message?.kind === 'icmp' ? icmpName(heard, message) : 'nothing').toBe(
      'ttl-exceeded',
    );
  });

  it('a broadcast storm ends by the bound of events', () => {
    const world = new World();
    const a = world.createNetns('a');
    const b = world.createNetns('b');
    for (const ns of [a, b]) {
      createBridge(ns, 'br0');
      ns.setLink('br0', { up: true });
    }
    for (const port of ['eth0', 'eth1', 'eth2']) {
      createVeth(a, port, b, port);
      for (const ns of [a, b]) ns.setLink(port, { up: true, master: ns.devices.get('br0') ?? null });
    }
    const bridge = a.devices.get('br0');
    if (bridge === undefined) throw new Error('br0');
    a.addAddress(bridge, { ip: 0x0a000001, length: 24 });
    world.schedule(0, () => world.arp.request(bridge, 0x0a000001, 0x0a000009));
    expect(world.run({ events: 50_000 })).toBe('events');
    expect(world.run({ time: 10_000 })).toBe('time');
  });
});
