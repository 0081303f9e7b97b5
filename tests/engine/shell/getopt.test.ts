import { describe, expect, it } from 'vitest';
import { getopt, optionErrorText } from '../../../src/engine/shell/getopt.ts';

const spec = {
  short: 'vc:n',
  long: { verbose: 'v', count: 'c:', colour: 'colour', 'connect-timeout': 't:' },
};

describe('getopt', () => {
  it.each([
    [['-v', '-c', '3', 'x'], { v: 1, c: '3', rest: ['x'] }],
    [['-vvc3', 'x'], { v: 2, c: '3', rest: ['x'] }],
    [['x', '-v', '--', '-c'], { v: 1, rest: ['x', '-c'] }],
    [['--count=3', '--verbose', '-'], { v: 1, c: '3', rest: ['-'] }],
    [['--count', '3', '--verb'], { v: 1, c: '3', rest: [] }],
    [['-c', '-v'], { v: 0, c: '-v', rest: [] }],
  ])('reads %j', (args, expected) => {
    const result = getopt(args, spec);
    if (!result.ok) throw new Error(result.error.option);
    const { options } = result;
    expect({ v: options.count('v'), c: options.value('c'), rest: options.rest }).toEqual({
      c: undefined,
      ...expected,
    });
  });

  it('stops at the first operand where a command follows', () => {
    const result = getopt(['-v', '3', '-c', '1'], { ...spec, stopAtOperand: true });
    expect(result.ok && result.options.rest).toEqual(['3', '-c', '1']);
  });

  it.each([
    [['-z'], "ping: invalid option -- 'z'"],
    [['-c'], "ping: option requires an argument -- 'c'"],
    [['--nope'], "ping: unrecognized option '--nope'"],
    [['--co'], "ping: unrecognized option '--co'"],
    [['--count'], "ping: option '--count' requires an argument"],
    [['-:'], "ping: invalid option -- ':'"],
  ])('refuses %j as glibc does', (args, text) => {
    const result = getopt(args, spec);
    expect(result.ok ? '' : optionErrorText('ping', result.error)).toBe(text);
  });
});
