import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { checkLesson, updateLesson } from '../../src/lesson/check.ts';
import { parseLesson } from '../../src/lesson/lesson.ts';
import { formatMessage } from '../../src/lesson/message.ts';
import { runLabs } from '../../src/lesson/run.ts';
import { fakeCluster } from './fake-cluster.ts';

function check(source: string): string[] {
  const lesson = parseLesson(source, 'p.md');
  return checkLesson(lesson, runLabs(lesson.labs, { createCluster: fakeCluster })).map(formatMessage);
}

function update(source: string): string {
  const lesson = parseLesson(source, 'p.md');
  return updateLesson(lesson, runLabs(lesson.labs, { createCluster: fakeCluster }));
}

const lab = (...lines: string[]): string => `:::lab\n\`\`\`console\n${lines.join('\n')}\n\`\`\`\n:::\n`;

describe('checking a lesson', () => {
  it('says nothing where every transcript is what was printed', () => {
    expect(
      check(lab('$ echo a/b', 'a', 'b', '', '$ echo c/d/e', 'c', '...', '$ echo xyz', 'x[..]z')),
    ).toEqual([]);
  });

  it('tells of a difference at its command, line by line', () => {
    expect(check(`text\n\n${lab('$ echo a', 'a', '$ echo b/c', 'b', 'x')}`)).toEqual([
      'p.md:7:1 error console/output  "echo b/c" does not print what is written here\n    b\n  - x\n  + c',
    ]);
  });

  it('expects nothing where nothing is written', () => {
    expect(check(lab('$ echo a'))).toEqual([
      'p.md:3:1 error console/output  "echo a" does not print what is written here\n  + a',
    ]);
  });

  it('tells of a command that does not exist, unless that is the lesson', () => {
    expect(check(lab('$ frobnicate'))).toEqual([
      'p.md:3:1 error console/unknown-command  sh: frobnicate: not found\n  + sh: frobnicate: not found',
    ]);
    expect(check(lab('$ frobnicate', 'sh: frobnicate: not found'))).toEqual([]);
  });

  it('tells of a manifest at the line of the lesson', () => {
    expect(check(':::lab\n```yaml\na: 1\n  bad: 1\n```\n:::\n')).toEqual([
      'p.md:4:3 error manifest/unknown-field  unknown field "bad"',
    ]);
  });
});

describe('updating a lesson', () => {
  it.each([
    [lab('$ echo a', 'b'), lab('$ echo a', 'a')],
    [lab('$ echo a'), lab('$ echo a', 'a')],
    [lab('$ echo a', 'a', 'b', '', '$ echo c'), lab('$ echo a', 'a', '', '$ echo c', 'c')],
    [lab('$ echo a/b/c', '...', 'c', '$ echo d', 'x'), lab('$ echo a/b/c', '...', 'c', '$ echo d', 'd')],
    [lab('$ echo \\', '> a', 'x'), lab('$ echo \\', '> a', 'a')],
    [lab('$ echo ```/:::/{{< x >}}', 'x'), lab('$ echo ```/:::/{{< x >}}', '[..]', '[..]', '[..]< x >}}')],
  ])('writes what was printed: %j', (before, after) => {
    expect(update(before)).toBe(after);
    expect(update(after)).toBe(after);
    expect(check(after)).toEqual([]);
  });

  it('keeps indentation, line ends and everything else, in both forms', () => {
    const before =
      '---\ntitle: x\n---\r\n- a\r\n\r\n  {{< lab >}}\r\n  ~~~console\r\n  $ echo a/b\r\n  x\r\n  ~~~\r\n  {{< /lab >}}\r\n\r\n> :::lab\n> ```console\n> $ echo c/d\n> ```\n> :::\nend  ';
    expect(update(before)).toBe(
      before.replace('  x\r\n', '  a\r\n  b\r\n').replace('c/d\n', 'c/d\n> c\n> d\n'),
    );
  });

  it('leaves nothing to tell, whatever was written before', () => {
    const line = fc.constantFrom(
      'a',
      'b',
      '...',
      '[..]',
      '',
      'a[..]',
      '$ echo a',
      '$ echo a/b/c',
      '$ echo b',
      ' x',
    );
    const body = fc.array(line, { maxLength: 8 }).map((lines) => lab('$ echo first', ...lines));
    const indented = fc
      .tuple(body, fc.constantFrom('', '  ', '    '))
      .map(([text, indent]) =>
        indent === ''
          ? text
          : `${'1.'.padEnd(indent.length).slice(0, indent.length)}x\n\n${text.replace(/^(?=.)/gm, indent)}`,
      );
    fc.assert(
      fc.property(indented, (source) => {
        const updated = update(source);
        expect(check(updated)).toEqual([]);
        expect(update(updated)).toBe(updated);
      }),
      { numRuns: 200 },
    );
  });
});
