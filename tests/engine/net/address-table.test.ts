import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { AddressTable } from '../../../src/engine/net/address-table.ts';

/** IPv4 addresses, MACs and IPv6 ids, close together, so that they meet in the table. */
const address = fc.oneof(
  fc.nat(40),
  fc.nat(40).map((n) => 0xc0a83200 + n),
  fc.nat(40).map((n) => 0x0a580af40100 + n * 0x10000),
  fc.nat(40).map((n) => 0x1_0000_0000 + n),
);
const step = fc.oneof(
  fc.record({ op: fc.constant('set' as const), address, value: fc.nat() }),
  fc.record({ op: fc.constant('delete' as const), address }),
  fc.record({ op: fc.constant('clear' as const) }),
);

describe('a table keyed by addresses', () => {
  test('holds what a Map would hold, whatever is set, deleted and cleared', () => {
    fc.assert(
      fc.property(fc.array(step, { maxLength: 400 }), fc.array(address), (steps, asked) => {
        const table = new AddressTable<number>();
        const map = new Map<number, number>();
        for (const one of steps) {
          if (one.op === 'set') {
            table.set(one.address, one.value);
            map.set(one.address, one.value);
          } else if (one.op === 'delete') expect(table.delete(one.address)).toBe(map.delete(one.address));
          else {
            table.clear();
            map.clear();
          }
        }
        expect(table.size).toBe(map.size);
        expect(table.values().sort()).toEqual([...map.values()].sort());
        for (const key of [...asked, ...map.keys()]) expect(table.get(key)).toBe(map.get(key));
      }),
    );
  });
});
