import { beforeEach, describe, expect, it } from 'vitest';
import {
  lastIp,
  maskIp,
  parseIp,
  parsePrefix,
  type Ip,
  type Prefix,
} from '../../../src/engine/net/address.ts';
import type { Device } from '../../../src/engine/net/device.ts';
import { createVeth } from '../../../src/engine/net/link.ts';
import type { Netns } from '../../../src/engine/net/netns.ts';
import { formatRoute, TABLE_LOCAL, type RouteSpec } from '../../../src/engine/net/route.ts';
import { formatRule } from '../../../src/engine/net/rule.ts';
import { World } from '../../../src/engine/net/world.ts';

const ip = (text: string): Ip => parseIp(text) ?? 0;
const prefix = (text: string): Prefix =>
  parsePrefix(text === 'default' ? '0.0.0.0/0' : text) ?? { ip: 0, length: 0 };

let ns: Netns;
let v0: Device;

beforeEach(() => {
  ns = new World().createNetns('kx');
  const pair = createVeth(ns, 'v0', ns, 'v1');
  if (typeof pair === 'string') throw new Error(pair);
  v0 = pair[0];
});

function address(text: string, broadcast = false): void {
  const [own = '', length = '32'] = text.split('/');
  const subnet = { ip: maskIp(ip(own), Number(length)), length: Number(length) };
  ns.addAddress(v0, {
    ip: ip(own),
    length: Number(length),
    broadcast: broadcast ? lastIp(subnet) : undefined,
  });
}

function add(dst: string, rest: Omit<RouteSpec, 'dst'>): string | undefined {
  return ns.routes.add({ dst: prefix(dst), ...rest });
}

const main = (): string[] => ns.routes.list().map(formatRoute);
const local = (): string[] =>
  ns.routes
    .list(TABLE_LOCAL)
    .map(formatRoute)
    .filter((line) => !/127\./.test(line));

function up(...names: string[]): void {
  for (const name of names) ns.setLink(name, { up: true });
}

/** Every expectation is what `ip route` printed on kernel 6.18 after the same commands. */
describe('routes of an interface', () => {
  it('has only the local route of an address while it is down', () => {
    address('10.0.0.1/24');
    expect(main()).toEqual([]);
    expect(local()).toEqual(['local 10.0.0.1 dev v0 proto kernel scope host src 10.0.0.1']);
  });

  it('gets its subnet and broadcast routes when it comes up, linkdown while nobody is on the other side', () => {
    address('10.0.0.1/24');
    up('v0');
    expect(main()).toEqual(['10.0.0.0/24 dev v0 proto kernel scope link src 10.0.0.1 linkdown']);
    expect(local()).toEqual([
      'local 10.0.0.1 dev v0 proto kernel scope host src 10.0.0.1',
      'broadcast 10.0.0.255 dev v0 proto kernel scope link src 10.0.0.1 linkdown',
    ]);
    up('v1');
    expect(main()).toEqual(['10.0.0.0/24 dev v0 proto kernel scope link src 10.0.0.1']);
  });

  it('makes what each kind of address makes', () => {
    up('v0', 'v1');
    address('10.0.0.1/24');
    address('10.0.0.2/24');
    address('10.0.1.1/32');
    address('10.0.2.1/31');
    address('10.0.3.1/24', true);
    expect(main()).toEqual([
      '10.0.0.0/24 dev v0 proto kernel scope link src 10.0.0.1',
      '10.0.2.0/31 dev v0 proto kernel scope link src 10.0.2.1',
      '10.0.3.0/24 dev v0 proto kernel scope link src 10.0.3.1',
    ]);
    expect(local()).toEqual([
      'local 10.0.0.1 dev v0 proto kernel scope host src 10.0.0.1',
      'local 10.0.0.2 dev v0 proto kernel scope host src 10.0.0.1',
      'broadcast 10.0.0.255 dev v0 proto kernel scope link src 10.0.0.1',
      'local 10.0.1.1 dev v0 proto kernel scope host src 10.0.1.1',
      'local 10.0.2.1 dev v0 proto kernel scope host src 10.0.2.1',
      'local 10.0.3.1 dev v0 proto kernel scope host src 10.0.3.1',
      'broadcast 10.0.3.255 dev v0 proto kernel scope link src 10.0.3.1',
    ]);
  });
});

describe('static routes', () => {
  beforeEach(() => {
    up('v0', 'v1');
    address('10.0.0.1/24');
    address('10.0.0.2/24');
    add('10.5.0.0/16', { via: ip('10.0.0.9') });
    add('10.6.0.0/16', { dev: v0, src: ip('10.0.0.2') });
    add('10.7.0.0/16', { type: 'blackhole' });
    add('10.8.0.0/16', { type: 'unreachable', metric: 5 });
    add('10.9.0.0/16', { via: ip('10.0.0.9'), dev: v0, protocol: 'bird', metric: 20, mtu: 1400 });
    add('default', { via: ip('10.0.0.9') });
  });

  const LINES = [
    'default via 10.0.0.9 dev v0',
    '10.0.0.0/24 dev v0 proto kernel scope link src 10.0.0.1',
    '10.5.0.0/16 via 10.0.0.9 dev v0',
    '10.6.0.0/16 dev v0 scope link src 10.0.0.2',
    'blackhole 10.7.0.0/16',
    'unreachable 10.8.0.0/16 metric 5',
    '10.9.0.0/16 via 10.0.0.9 dev v0 proto bird metric 20 mtu 1400',
  ];

  it('are printed as ip route prints them', () => {
    expect(main()).toEqual(LINES);
  });

  it('are refused as the kernel refuses them', () => {
    expect(add('10.5.0.0/16', { via: ip('10.0.0.10') })).toBe('EEXIST');
    expect(add('10.12.0.0/16', { via: ip('10.99.0.1') })).toBe('ENETUNREACH');
    expect(add('10.11.0.0/16', { via: ip('10.99.0.1'), dev: v0, onlink: true })).toBe(undefined);
    expect(ns.routes.delete({ dst: prefix('10.13.0.0/16') })).toBe('ESRCH');
    expect(add('10.14.0.0/16', { dev: v0, src: ip('10.99.0.2') })).toBe('EINVAL');
    expect(ns.routes.append({ dst: prefix('10.5.0.0/16'), via: ip('10.0.0.10') })).toBe(undefined);
    expect(main().filter((line) => line.startsWith('10.5') || line.startsWith('10.11'))).toEqual([
      '10.5.0.0/16 via 10.0.0.9 dev v0',
      '10.5.0.0/16 via 10.0.0.10 dev v0',
      '10.11.0.0/16 via 10.99.0.1 dev v0 onlink',
    ]);
  });

  it('lose those that name a deleted address; its secondary addresses go too', () => {
    ns.deleteAddress(v0, ip('10.0.0.1'), 24);
    expect(v0.addresses).toEqual([]);
    expect(main()).toEqual(LINES.filter((line) => !/kernel|src/.test(line)));
  });

  it('are linkdown without a peer, and gone when the interface goes down, for good', () => {
    ns.setLink('v1', { up: false });
    expect(main().at(0)).toBe('default via 10.0.0.9 dev v0 linkdown');
    expect(main().at(-1)).toBe('10.9.0.0/16 via 10.0.0.9 dev v0 proto bird metric 20 linkdown mtu 1400');
    ns.setLink('v0', { up: false });
    expect(main()).toEqual(['blackhole 10.7.0.0/16', 'unreachable 10.8.0.0/16 metric 5']);
    up('v0', 'v1');
    expect(main()).toEqual([
      '10.0.0.0/24 dev v0 proto kernel scope link src 10.0.0.1',
      'blackhole 10.7.0.0/16',
      'unreachable 10.8.0.0/16 metric 5',
    ]);
  });

  it.each([
    ['10.0.0.7', 'unicast', undefined, '10.0.0.1'],
    ['10.6.1.1', 'unicast', undefined, '10.0.0.2'],
    ['10.5.1.1', 'unicast', '10.0.0.9', '10.0.0.1'],
    ['8.8.8.8', 'unicast', '10.0.0.9', '10.0.0.1'],
    ['10.0.0.1', 'local', undefined, '10.0.0.1'],
    ['10.0.0.255', 'broadcast', undefined, '10.0.0.1'],
    ['10.7.0.1', 'blackhole', undefined, '0.0.0.0'],
    ['10.8.0.1', 'unreachable', undefined, '0.0.0.0'],
  ] as const)('%s is %s', (dst, kind, gateway, src) => {
    const result = ns.routes.lookup({ dst: ip(dst) });
    expect(result.kind).toBe(kind);
    expect(result.gateway).toBe(gateway === undefined ? undefined : ip(gateway));
    expect(result.src).toBe(ip(src));
  });

  it('take the lower metric first', () => {
    add('10.9.0.0/16', { via: ip('10.0.0.10'), metric: 5 });
    expect(ns.routes.lookup({ dst: ip('10.9.1.1') }).gateway).toBe(ip('10.0.0.10'));
    ns.routes.delete({ dst: prefix('10.9.0.0/16'), metric: 5 });
    expect(ns.routes.lookup({ dst: ip('10.9.1.1') }).gateway).toBe(ip('10.0.0.9'));
  });
});

describe('rules', () => {
  beforeEach(() => {
    up('v0', 'v1');
    address('10.0.0.1/24');
    add('default', { via: ip('10.0.0.9') });
    add('default', { via: ip('10.0.0.10'), table: 100 });
  });

  it('are printed and numbered as ip rule does', () => {
    ns.routes.rules.add({ mark: 0x200, markMask: 0xffff, table: 100 });
    ns.routes.rules.add({ from: prefix('10.1.0.0/16'), table: 200, preference: 1000 });
    ns.routes.rules.add({ iif: 'v0', to: prefix('10.0.0.0/8'), action: 'prohibit' });
    expect(ns.routes.rules.list().map(formatRule)).toEqual([
      '0:\tfrom all lookup local',
      '999:\tfrom all to 10.0.0.0/8 iif v0 prohibit',
      '1000:\tfrom 10.1.0.0/16 lookup 200',
      '32765:\tfrom all fwmark 0x200/0xffff lookup 100',
      '32766:\tfrom all lookup main',
      '32767:\tfrom all lookup default',
    ]);
  });

  it('choose a table by mark and by source, and the next one when it has no answer', () => {
    ns.routes.rules.add({ mark: 0x200, table: 100 });
    ns.routes.rules.add({ from: prefix('10.0.0.1'), table: 200 });
    expect(ns.routes.lookup({ dst: ip('8.8.8.8') }).gateway).toBe(ip('10.0.0.9'));
    expect(ns.routes.lookup({ dst: ip('8.8.8.8'), mark: 0x200 }).gateway).toBe(ip('10.0.0.10'));
    expect(ns.routes.lookup({ dst: ip('8.8.8.8'), src: ip('10.0.0.1') }).gateway).toBe(ip('10.0.0.9'));
    expect(ns.routes.rules.delete({ mark: 0x200 })).toBe(undefined);
    expect(ns.routes.lookup({ dst: ip('8.8.8.8'), mark: 0x200 }).gateway).toBe(ip('10.0.0.9'));
    expect(ns.routes.rules.delete({ mark: 0x200 })).toBe('ENOENT');
  });
});
