import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { pack, unpack } from '../../../components/element/pack.ts';
import { crossNode } from '../fixtures/lab.ts';

describe('a packed record', () => {
  it('unpacks to the same value', () => {
    fc.assert(
      fc.property(fc.jsonValue(), (value) => {
        const plain: unknown = JSON.parse(JSON.stringify(value));
        expect(unpack(JSON.parse(JSON.stringify(pack(plain))) as ReturnType<typeof pack>)).toEqual(plain);
      }),
    );
  });
  it('is not confused by strings that look like its own marks', () => {
    const value = ['~0', '~~', '~', 'same string', 'same string', { '~1': '~zz' }, []];
    expect(unpack(pack(value))).toEqual(value);
  });
  it('leaves out fields that are undefined, as JSON does', () => {
    expect(unpack(pack({ a: 1, b: undefined }))).toEqual({ a: 1 });
  });
  it('writes a record in less than half of the letters', () => {
    const record = crossNode.experiments[0]?.record;
    expect(unpack(pack(record))).toEqual(record);
    expect(JSON.stringify(pack(record)).length).toBeLessThan(JSON.stringify(record).length / 2);
  });
});
