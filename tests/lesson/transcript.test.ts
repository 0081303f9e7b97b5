import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { diffOutput, matchOutput, readTranscript, updateOutput } from '../../src/lesson/transcript.ts';

describe('a transcript', () => {
  it('is commands, each with what it prints', () => {
    expect(readTranscript('$ a\n1\n2\n$ b c\n$ d\n3\n\n').steps).toEqual([
      { command: 'a', expected: '1\n2' },
      { command: 'b c', expected: '' },
      { command: 'd', expected: '3' },
    ]);
  });

  it('carries a command on after a backslash, with or without the shell’s second prompt', () => {
    expect(readTranscript('$ a \\\n> b \\\n  c\nout').steps).toEqual([
      { command: 'a b   c', expected: 'out' },
    ]);
  });

  it('knows the place of each command', () => {
    const place = { file: 'p.md', line: 10, column: 3 };
    expect(readTranscript('$ a\nx\n$ b', place).steps.map((step) => step.place)).toEqual([
      { file: 'p.md', line: 10, column: 3 },
      { file: 'p.md', line: 12, column: 3 },
    ]);
  });

  it('tells of output before the first command', () => {
    expect(readTranscript('\nout\n$ a')).toMatchObject({ strayLine: 1, steps: [{ command: 'a' }] });
  });
});

describe('expected output', () => {
  it.each([
    ['', ''],
    ['a', 'a\n'],
    ['a\nb', 'a\r\nb  \n\n'],
    ['...', ''],
    ['...', 'a\nb'],
    ['a\n...\nd', 'a\nb\nc\nd'],
    ['...\na\n...\nb', 'x\na\na\nb'],
    ['pod-[..]   Running', 'pod-x7k   Running'],
    ['[..]a[..]b[..]', 'xaxb'],
    ['a[..]', 'a'],
  ])('%j matches %j', (expected, actual) => {
    expect(matchOutput(expected, actual)).toBe(true);
  });

  it.each([
    ['', 'a'],
    ['a', 'b'],
    ['a', 'a\nb'],
    ['a\n...\nd', 'a\nb\nc'],
    ['a[..]a', 'a'],
    ['  a', 'a'],
    ['....', 'a'],
    ['[..]', 'a\nb'],
    ['[..]', ''],
  ])('%j does not match %j', (expected, actual) => {
    expect(matchOutput(expected, actual)).toBe(false);
  });

  it('is written anew where it no longer holds, and keeps its wildcards where they do', () => {
    expect(updateOutput('a\n...\nd', 'a\nb\nd')).toBe('a\n...\nd');
    expect(
      updateOutput('NAME  [..]\npod-a [..] Running\n...\nend', 'NAME  IP\npod-a x Pending\nmid\nend'),
    ).toBe('NAME  [..]\npod-a x Pending\nmid\nend');
    expect(updateOutput('a\n...\nb\nc', 'a\n1\n2\nb\nC')).toBe('a\n...\nb\nC');
    expect(updateOutput('', 'new\nlines\n')).toBe('new\nlines');
    expect(updateOutput('old', '')).toBe('');
    expect(updateOutput('x', '$ y')).toBe('[..] y');
  });

  it('holds once it was written anew, whatever came', () => {
    const line = fc.constantFrom('a', 'b', 'ab', '...', '[..]', 'a[..]b', '', '$ x', '$', ' a');
    const text = fc.array(line, { maxLength: 8 }).map((lines) => lines.join('\n'));
    const written = text.map((lines) => lines.replaceAll('$', 's'));
    fc.assert(
      fc.property(written, text, (expected, actual) => {
        const updated = updateOutput(expected, actual);
        expect(matchOutput(updated, actual)).toBe(true);
        expect(updateOutput(updated, actual)).toBe(updated);
        expect(readTranscript(`$ c\n${updated}`).steps).toHaveLength(1);
      }),
      { numRuns: 2000 },
    );
  });

  it('is shown beside what came', () => {
    expect(diffOutput('same\nold\nkept', 'same\nnew\nkept')).toBe('    same\n  - old\n  + new\n    kept');
    expect(diffOutput('a\nb\nc\nd\nend', 'a\nb\nc\nd\nother')).toBe(
      '    …\n    c\n    d\n  - end\n  + other',
    );
  });

  it('is compared in bounded time', () => {
    const many = Array.from({ length: 5000 }, (_, index) => `${index % 3}`).join('\n');
    expect(matchOutput(`...\n1\n...\n2\n...\nx`, many)).toBe(false);
    expect(diffOutput(many, many.replaceAll('1', '4')).split('\n').length).toBeLessThan(100);
  });
});
