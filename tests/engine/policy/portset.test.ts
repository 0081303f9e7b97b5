import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import type { Protocol } from '../../../src/engine/api/types.ts';
import { ALL_PORTS, NO_PORTS, PortSets, type PortRange } from '../../../src/engine/policy/portset.ts';

const range: fc.Arbitrary<PortRange> = fc.record({
  protocol: fc.constantFrom<Protocol>('TCP', 'UDP', 'SCTP'),
  first: fc.integer({ min: 1, max: 20 }),
  last: fc.oneof(fc.integer({ min: 1, max: 20 }), fc.constant(65_535)),
});

describe('port sets', () => {
  it('are one number when they hold the same', () => {
    const sets = new PortSets();
    expect(sets.of([])).toBe(NO_PORTS);
    expect(
      sets.of((['SCTP', 'UDP', 'TCP'] as const).map((protocol) => ({ protocol, first: 1, last: 65_535 }))),
    ).toBe(ALL_PORTS);
    const apart = sets.of([
      { protocol: 'TCP', first: 82, last: 90 },
      { protocol: 'TCP', first: 80, last: 81 },
    ]);
    expect(apart).toBe(sets.of([{ protocol: 'TCP', first: 80, last: 90 }]));
    expect(sets.ranges(apart)).toEqual([{ protocol: 'TCP', first: 80, last: 90 }]);
  });

  it('unite, meet and differ port by port', () => {
    const sets = new PortSets();
    fc.assert(
      fc.property(fc.array(range, { maxLength: 4 }), fc.array(range, { maxLength: 4 }), (left, right) => {
        const a = sets.of(left);
        const b = sets.of(right);
        for (const protocol of ['TCP', 'UDP', 'SCTP'] as const)
          for (let port = 1; port <= 22; port++) {
            const inA = sets.has(a, protocol, port);
            const inB = sets.has(b, protocol, port);
            expect(inA).toBe(
              left.some((one) => one.protocol === protocol && one.first <= port && one.last >= port),
            );
            expect(sets.has(sets.union(a, b), protocol, port)).toBe(inA || inB);
            expect(sets.has(sets.intersection(a, b), protocol, port)).toBe(inA && inB);
            expect(sets.has(sets.difference(a, b), protocol, port)).toBe(inA && !inB);
          }
      }),
      { numRuns: 60 },
    );
  });
});
