import fc from 'fast-check';
import { expect, test } from 'vitest';
import { Ring } from '../../../src/engine/net/ring.ts';

test('a ring gives back in the order in which it was given, however the two alternate', () => {
  fc.assert(
    fc.property(fc.array(fc.option(fc.nat(), { nil: undefined }), { maxLength: 200 }), (steps) => {
      const ring = new Ring<number>();
      const array: number[] = [];
      for (const item of steps) {
        if (item === undefined) expect(ring.shift()).toBe(array.shift());
        else {
          ring.push(item);
          array.push(item);
        }
        expect(ring.length).toBe(array.length);
      }
    }),
  );
});
