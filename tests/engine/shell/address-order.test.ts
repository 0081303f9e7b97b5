import { describe, expect, it } from 'vitest';
import { formatIp, parseIp, type Ip } from '../../../src/engine/net/address.ts';
import { createVeth } from '../../../src/engine/net/link.ts';
import { World } from '../../../src/engine/net/world.ts';
import { inOrder } from '../../../src/engine/shell/address-order.ts';

const ip = (text: string): Ip => parseIp(text) ?? 0;

/** A host with these addresses, and default routes for their families. */
function order(own: readonly string[], asked: readonly string[]): string[] {
  const world = new World();
  const host = world.createNetns('host');
  createVeth(host, 'eth0', world.createNetns('peer'), 'eth0');
  host.setLink('eth0', { up: true });
  const dev = host.devices.get('eth0');
  if (dev === undefined) throw new Error('eth0');
  for (const text of own) {
    const six = text.includes(':');
    host.addAddress(dev, { ip: ip(text), length: six ? 64 : 24 });
    host.routes.add({ dst: { ip: ip(six ? '::' : '0.0.0.0'), length: 0 }, dev });
  }
  return inOrder(host, asked.map(ip)).map(formatIp);
}

describe("a name's addresses", () => {
  it.each([
    [
      'IPv4 before a local IPv6 address',
      ['10.0.0.2', 'fd00::2'],
      ['fd00:9::9', '192.0.2.1'],
      ['192.0.2.1', 'fd00:9::9'],
    ],
    [
      'a global IPv6 address first',
      ['10.0.0.2', '2001:db8::2'],
      ['192.0.2.1', '2001:db8:9::9'],
      ['2001:db8:9::9', '192.0.2.1'],
    ],
    ['what has no way last', ['10.0.0.2'], ['2001:db8:9::9', '192.0.2.1'], ['192.0.2.1', '2001:db8:9::9']],
    [
      'what is like its source before what is not',
      ['10.0.0.2', 'fd00::2'],
      ['2001:db8:9::9', 'fd00:9::9'],
      ['fd00:9::9', '2001:db8:9::9'],
    ],
    [
      'the nearest prefix first',
      ['2001:db8:1::2'],
      ['2001:db9::1', '2001:db8:1::1'],
      ['2001:db8:1::1', '2001:db9::1'],
    ],
    ['equals as they came', ['10.0.0.2'], ['192.0.2.2', '192.0.2.1'], ['192.0.2.2', '192.0.2.1']],
  ])('%s', (_, own, asked, expected) => {
    expect(order(own, asked)).toEqual(expected);
  });
});
