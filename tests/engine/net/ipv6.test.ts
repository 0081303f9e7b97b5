import { describe, expect, it } from 'vitest';
import { formatIp, isIpv6, parseIp, type Ip } from '../../../src/engine/net/address.ts';
import { createVeth } from '../../../src/engine/net/link.ts';
import type { Netns } from '../../../src/engine/net/netns.ts';
import { formatRoute, TABLE_LOCAL } from '../../../src/engine/net/route.ts';
import { tcpConnect } from '../../../src/engine/net/tcp-client.ts';
import { Trace } from '../../../src/engine/net/trace.ts';
import { World } from '../../../src/engine/net/world.ts';
import { formatCrossing } from './kernel-probe.ts';

const ip = (text: string): Ip => parseIp(text) ?? 0;

/** client – router – server, each link a /64. */
function line(): { world: World; client: Netns; router: Netns; server: Netns } {
  const world = new World();
  const client = world.createNetns('client');
  const router = world.createNetns('router');
  const server = world.createNetns('server');
  createVeth(client, 'eth0', router, 'eth0', { macA: 0x020000000001, macB: 0x020000000002 });
  createVeth(server, 'eth0', router, 'eth1', { macA: 0x020000000003, macB: 0x020000000004 });
  const attach = (ns: Netns, name: string, address: string): void => {
    const device = ns.devices.get(name);
    if (device === undefined) throw new Error(name);
    ns.setLink(name, { up: true });
    ns.addAddress(device, { ip: ip(address), length: 64 });
  };
  attach(client, 'eth0', 'fd00:1::2');
  attach(router, 'eth0', 'fd00:1::1');
  attach(router, 'eth1', 'fd00:2::1');
  attach(server, 'eth0', 'fd00:2::2');
  client.routes.add({ dst: { ip: ip('::'), length: 0 }, via: ip('fd00:1::1') });
  server.routes.add({ dst: { ip: ip('::'), length: 0 }, via: ip('fd00:2::1') });
  router.sysctl.set('net.ipv6.conf.all.forwarding', '1');
  return { world, client, router, server };
}

function connect(world: World, client: Netns, server: Netns, dst = 'fd00:2::2'): string {
  server.sockets.listenTcp({
    ip: ip('::'),
    port: 80,
    onConnection: (connection) => (connection.onEnd = () => connection.close()),
  });
  const process = world.spawn(
    (function* () {
      const result = yield* tcpConnect(client, { dst: ip(dst), dport: 80, timeout: 4_000_000 });
      if (result.kind === 'connected') result.socket.close();
      return result.kind === 'error' ? result.errno : result.kind;
    })(),
  );
  world.run({ time: 6_000_000 });
  return process.result ?? 'running';
}

describe('IPv6', () => {
  it('routes a connection after neighbour discovery on both links', () => {
    const { world, client, server } = line();
    const trace = new Trace();
    world.tracer = trace;
    expect(connect(world, client, server)).toBe('connected');
    const lines = trace.events.flatMap((event) => (event.kind === 'frame' ? [formatCrossing(event)] : []));
    expect(lines.slice(0, 12)).toEqual([
      'client:eth0 out fd00:1::2 > ff02::1:ff00:1 icmp neighbour-solicitation ttl=255',
      'router:eth0 in fd00:1::2 > ff02::1:ff00:1 icmp neighbour-solicitation ttl=255',
      'router:eth0 out fd00:1::1 > fd00:1::2 icmp neighbour-advertisement ttl=255',
      'client:eth0 in fd00:1::1 > fd00:1::2 icmp neighbour-advertisement ttl=255',
      expect.stringMatching(/^client:eth0 out fd00:1::2:\d+ > fd00:2::2:80 \[S\] ttl=64$/),
      expect.stringMatching(/^router:eth0 in fd00:1::2:\d+ > fd00:2::2:80 \[S\] ttl=64$/),
      expect.stringMatching(
        /^router:eth1 out fe80::ff:fe00:4 > ff02::1:ff00:2 icmp neighbour-solicitation ttl=255$/,
      ),
      'server:eth0 in fe80::ff:fe00:4 > ff02::1:ff00:2 icmp neighbour-solicitation ttl=255',
      'server:eth0 out fd00:2::2 > fe80::ff:fe00:4 icmp neighbour-advertisement ttl=255',
      'router:eth1 in fd00:2::2 > fe80::ff:fe00:4 icmp neighbour-advertisement ttl=255',
      expect.stringMatching(/^router:eth1 out fd00:1::2:\d+ > fd00:2::2:80 \[S\] ttl=63$/),
      expect.stringMatching(/^server:eth0 in fd00:1::2:\d+ > fd00:2::2:80 \[S\] ttl=63$/),
    ]);
  });

  it('tells the sender that an address is not there', () => {
    const { world, client, server } = line();
    expect(connect(world, client, server, 'fd00:2::99')).toBe('EHOSTUNREACH');
  });

  it('gives a device its link-local address and prints routes as ip -6 route does', () => {
    const { client } = line();
    const addresses = client.devices.get('eth0')?.addresses.filter((own) => isIpv6(own.ip)) ?? [];
    expect(addresses.map((own) => `${formatIp(own.ip)}/${own.length} ${own.scope}`)).toEqual([
      'fd00:1::2/64 global',
      'fe80::ff:fe00:1/64 link',
    ]);
    expect(client.routes.list(undefined, 6).map(formatRoute)).toEqual([
      'fd00:1::/64 dev eth0 proto kernel metric 256 pref medium',
      'fe80::/64 dev eth0 proto kernel metric 256 pref medium',
      'default via fd00:1::1 dev eth0 metric 1024 pref medium',
    ]);
  });

  it('lists what is inside a prefix before it, and a prefix once for each device', () => {
    const { router } = line();
    const dev = router.devices.get('eth0');
    for (const [text, length] of [
      ['fd00:1:0:0:8::', 80],
      ['fd00::', 16],
    ] as const)
      router.routes.add({ dst: { ip: ip(text), length }, via: ip('fd00:1::2'), dev });
    expect(router.routes.list(undefined, 6).map(formatRoute)).toEqual([
      'fd00:1:0:0:8::/80 via fd00:1::2 dev eth0 metric 1024 pref medium',
      'fd00:1::/64 dev eth0 proto kernel metric 256 pref medium',
      'fd00:2::/64 dev eth1 proto kernel metric 256 pref medium',
      'fd00::/16 via fd00:1::2 dev eth0 metric 1024 pref medium',
      'fe80::/64 dev eth0 proto kernel metric 256 pref medium',
      'fe80::/64 dev eth1 proto kernel metric 256 pref medium',
    ]);
    expect(router.routes.list(TABLE_LOCAL, 6).map(formatRoute).slice(-2)).toEqual([
      'multicast ff00::/8 dev eth0 proto kernel metric 256 pref medium',
      'multicast ff00::/8 dev eth1 proto kernel metric 256 pref medium',
    ]);
  });

  it('answers a probe at its own address without its MAC, as the kernel does', () => {
    const { world, client, server } = line();
    const trace = new Trace();
    world.tracer = trace;
    // The router has heard of the client, but not that it hears it: after a while it asks (DELAY, then PROBE).
    connect(world, client, server);
    const advertisements = trace.events.flatMap((event) => {
      if (
        event.kind !== 'frame' ||
        event.netns !== 'client' ||
        event.dir !== 'out' ||
        event.frame.payload.kind !== 'ip'
      )
        return [];
      const message = event.frame.payload.payload;
      return message.kind === 'icmp' && message.type === 136 ? [message] : [];
    });
    expect(advertisements.map(({ length, nd }) => [length, nd])).toEqual([
      [24, { target: ip('fd00:1::2'), router: false, solicited: true, override: false }],
    ]);
  });

  /** Measured on Linux 6.18: a datagram to a port that nobody has. */
  it.each([
    ['a closed port', 'fd00:2::2', undefined, 'fd00:2::2 > fd00:1::2 icmp port-unreachable ttl=63'],
    ['nobody there', 'fd00:2::99', undefined, 'fd00:1::1 > fd00:1::2 icmp host-unreachable ttl=64'],
    ['no route', 'fd00:9::1', undefined, 'fd00:1::1 > fd00:1::2 icmp net-unreachable ttl=64'],
    ['an unreachable route', 'fd00:9::1', 'unreachable', 'fd00:1::1 > fd00:1::2 icmp net-unreachable ttl=64'],
    ['a prohibited route', 'fd00:9::1', 'prohibit', 'fd00:1::1 > fd00:1::2 icmp admin-prohibited ttl=64'],
    ['a blackhole', 'fd00:9::1', 'blackhole', undefined],
  ] as const)('tells the sender of %s with the code that Linux sends', (_, dst, type, error) => {
    const { world, client, router } = line();
    if (type !== undefined) router.routes.add({ type, dst: { ip: ip('fd00:9::'), length: 64 } });
    const trace = new Trace();
    world.tracer = trace;
    const socket = client.sockets.addUdp({ dst: ip(dst), dport: 9 });
    if (typeof socket === 'string') throw new Error(socket);
    socket.send(new Uint8Array(10));
    world.run({ time: 5_000_000 });
    const lines = trace.events.flatMap((event) => (event.kind === 'frame' ? [formatCrossing(event)] : []));
    const errors = lines.filter(
      (text) => text.startsWith('client:eth0 in') && /unreachable|prohibited/.test(text),
    );
    expect(errors).toEqual(error === undefined ? [] : [`client:eth0 in ${error}`]);
  });

  it('sends six errors at once and then ten a second', () => {
    const { world, client } = line();
    const trace = new Trace();
    world.tracer = trace;
    const socket = client.sockets.addUdp({ ip: ip('::'), port: 5000 });
    if (typeof socket === 'string') throw new Error(socket);
    for (let i = 0; i < 300; i++) {
      socket.sendTo(new Uint8Array(1), ip('fd00:2::2'), 9000);
      world.run({ time: 10_000 });
    }
    const errors = trace.events.filter(
      (event) =>
        event.kind === 'frame' &&
        event.netns === 'client' &&
        event.dir === 'in' &&
        formatCrossing(event).includes('port-unreachable'),
    );
    expect(errors).toHaveLength(35);
  });

  it('sends packet-too-big and cuts datagrams at the source', () => {
    const { world, client, router, server } = line();
    router.setLink('eth1', { mtu: 1400 });
    let got = 0;
    server.sockets.bindUdp({
      ip: ip('::'),
      port: 9,
      onDatagram: (datagram) => void (got = datagram.data.length),
    });
    const socket = client.sockets.addUdp({ ip: ip('::'), port: 0 });
    if (typeof socket === 'string') throw new Error(socket);
    const connected = client.sockets.addUdp({ dst: ip('fd00:2::2'), dport: 9 });
    if (typeof connected === 'string') throw new Error(connected);
    connected.send(new Uint8Array(1440));
    world.run({ time: 1_000_000 });
    expect(client.pathMtu.get(ip('fd00:2::2'))?.mtu).toBe(1400);
    expect(got).toBe(0);
    connected.send(new Uint8Array(1440));
    world.run({ time: 1_000_000 });
    expect(got).toBe(1440);
  });
});
