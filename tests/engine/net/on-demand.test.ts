import { describe, expect, it } from 'vitest';
import { formatIp } from '../../../src/engine/net/address.ts';
import { createDummy } from '../../../src/engine/net/link.ts';
import { formatRoute } from '../../../src/engine/net/route.ts';
import { World } from '../../../src/engine/net/world.ts';

/** A namespace that could have a route for each of a thousand destinations. */
function lazy(): { ns: ReturnType<World['createNetns']>; filled: string[] } {
  const ns = new World().createNetns('node');
  const dev = createDummy(ns, 'dum0');
  if (typeof dev === 'string') throw new Error(dev);
  ns.setLink('dum0', { up: true });
  ns.addAddress(dev, { ip: 0x0a000001, length: 24 });
  const filled: string[] = [];
  const have = new Set<number>();
  const fill = (n: number): void => {
    if (n < 0 || n >= 1000 || have.has(n)) return;
    have.add(n);
    filled.push(formatIp(0x0b000000 + n * 256));
    ns.routes.add({ dst: { ip: 0x0b000000 + n * 256, length: 24 }, via: 0x0a000002 });
  };
  ns.onDemand = {
    devices: [dev],
    size: 1000,
    fill: (dst) => fill(Math.floor((dst - 0x0b000000) / 256)),
    fillAll: () => {
      for (let n = 0; n < 1000; n++) fill(n);
    },
  };
  return { ns, filled };
}

describe('entries on demand', () => {
  it('are made for the destinations that are looked up', () => {
    const { ns, filled } = lazy();
    expect(ns.routes.lookup({ dst: 0x0b000505 }).gateway).toBe(0x0a000002);
    expect(ns.routes.lookup({ dst: 0x0b000506 }).gateway).toBe(0x0a000002);
    expect(ns.routes.lookup({ dst: 0x0c000000 }).kind).toBe('none');
    expect(filled).toEqual(['11.0.5.0']);
  });

  it('are all there for who lists the table, or changes it', () => {
    const { ns, filled } = lazy();
    ns.routes.lookup({ dst: 0x0b000505 });
    expect(ns.routes.list()).toHaveLength(1001);
    ns.setLink('dum0', { up: false });
    expect(ns.routes.list()).toEqual([]);
    expect(filled).toHaveLength(1000);
    const other = lazy();
    expect(other.ns.routes.delete({ dst: { ip: 0x0b000700, length: 24 } })).toBe(undefined);
    expect(other.ns.routes.lookup({ dst: 0x0b000701 }).kind).toBe('none');
    expect(other.ns.routes.list().map(formatRoute)).not.toContain('11.0.7.0/24 via 10.0.0.2 dev dum0');
  });
});
