import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { evaluate } from '../../../src/engine/shell/arithmetic.ts';
import { matchPattern, trimPattern } from '../../../src/engine/shell/pattern.ts';

describe('shell patterns', () => {
  it.each([
    ['*', '', true],
    ['a*c', 'abbbc', true],
    ['a*c', 'abbbd', false],
    ['?b', 'ab', true],
    ['?b', 'b', false],
    ['[a-c]x', 'bx', true],
    ['[!a-c]x', 'bx', false],
    ['[]]', ']', true],
    ['[a', '[a', true],
    ['\\*', '*', true],
    ['\\*', 'x', false],
    ['*.*.*', 'a.b.c', true],
  ])('%j on %j: %s', (pattern, text, matches) => {
    expect(matchPattern(pattern, text)).toBe(matches);
  });

  it('takes no time that grows with the number of stars', () => {
    expect(matchPattern(`${'*a'.repeat(50)}b`, 'a'.repeat(5000))).toBe(false);
  });

  it.each([
    ['#', 'a/b/c', '*/', 'b/c'],
    ['##', 'a/b/c', '*/', 'c'],
    ['%', 'a/b/c', '/*', 'a/b'],
    ['%%', 'a/b/c', '/*', 'a'],
    ['%', 'abc', 'x', 'abc'],
  ] as const)('${name%s…} of %j with %j leaves %j', (operator, text, pattern, left) => {
    expect(trimPattern(text, pattern, operator)).toBe(left);
  });

  it('trims as if every beginning and end had been tried', () => {
    const chars = (from: string): fc.Arbitrary<string> =>
      fc.array(fc.constantFrom(...from), { maxLength: 8 }).map((all) => all.join(''));
    fc.assert(
      fc.property(chars('ab/'), chars('ab*?[]!\\/'), (text, pattern) => {
        const lengths = Array.from({ length: text.length + 1 }, (_, i) => i);
        const begins = lengths.filter((n) => matchPattern(pattern, text.slice(0, n)));
        const ends = lengths.filter((n) => matchPattern(pattern, text.slice(text.length - n)));
        expect(trimPattern(text, pattern, '#')).toBe(text.slice(begins[0] ?? 0));
        expect(trimPattern(text, pattern, '##')).toBe(text.slice(begins.at(-1) ?? 0));
        expect(trimPattern(text, pattern, '%')).toBe(text.slice(0, text.length - (ends[0] ?? 0)));
        expect(trimPattern(text, pattern, '%%')).toBe(text.slice(0, text.length - (ends.at(-1) ?? 0)));
      }),
      { numRuns: 2000 },
    );
  });
});

describe('shell arithmetic', () => {
  const variables = new Map([
    ['x', '5'],
    ['bad', 'y z'],
  ]);
  const of = (text: string): unknown => {
    const result = evaluate(text, {
      get: (name) => variables.get(name) ?? '',
      set: (name, value) => variables.set(name, value),
    });
    return result.ok ? result.value : result.error;
  };

  it.each([
    ['', 0],
    ['1+2*3', 7],
    ['(1+2)*3', 9],
    ['2**3**2', 512],
    ['7/2', 3],
    ['-7/2', -3],
    ['7%3', 1],
    ['1<<4|1', 17],
    ['5&3', 1],
    ['!0', 1],
    ['1<2&&2<1', 0],
    ['1?2:3', 2],
    ['0x10+010', 24],
    ['x+1', 6],
    ['unset+1', 1],
    ['1/0', 'divide by zero'],
    ['1+', 'arithmetic syntax error'],
    ['1 2', 'arithmetic syntax error'],
    ['bad+1', 'arithmetic syntax error'],
    ['2**-1', 'exponent less than 0'],
  ])('%j is %j', (text, value) => {
    expect(of(text)).toBe(value);
  });
});
