import { describe, expect, it } from 'vitest';
import { blankFrontMatter, readFrontMatter } from '../../src/lesson/front-matter.ts';

const read = (source: string) => readFrontMatter(source, 'p.md');
const body = (source: string): string => source.slice(read(source).frontMatter.bodyStart);

describe('front matter', () => {
  it.each<[string, string, Record<string, unknown>, string]>([
    ['YAML', '---\ntitle: x\nweight: 9\n---\nbody\n', { title: 'x', weight: 9 }, 'body\n'],
    ['TOML', '+++\ntitle = "x"\nweight = 9\n+++\nbody\n', { title: 'x', weight: 9 }, 'body\n'],
    ['JSON', '{"title": "}{", "weight": 9}\nbody\n', { title: '}{', weight: 9 }, 'body\n'],
    ['none', 'body\n', {}, 'body\n'],
    ['nothing at all', '', {}, ''],
    [
      'a byte order mark and blank lines before it',
      '\uFEFF\n\n---\ntitle: x\n---\nbody',
      { title: 'x' },
      'body',
    ],
    ['carriage returns', '---\r\ntitle: x\r\n---\r\nbody', { title: 'x' }, 'body'],
    ['blanks after its fences', '---  \ntitle: x\n--- \nbody', { title: 'x' }, 'body'],
    ['nothing inside', '---\n---\nbody', {}, 'body'],
    ['comments only', '---\n# x\n---\nbody', {}, 'body'],
    ['keys in any case', '---\nTitle: x\nPARAMS: { aB: 1 }\n---\n', { title: 'x', params: { ab: 1 } }, ''],
    ['leading zeros', '---\ntitle: 010\nn: 10\n---\n', { title: '010', n: 10 }, ''],
    ['the end of the file after its fence', '---\ntitle: x\n---', { title: 'x' }, ''],
  ])('is read: %s', (_name, source, data, rest) => {
    expect(read(source).messages).toEqual([]);
    expect(read(source).frontMatter.data).toEqual(data);
    expect(body(source)).toBe(rest);
  });

  it.each([
    ['a shortcode', '{{< lab >}}\n{{< /lab >}}\n'],
    ['a longer rule', '----\ntitle: x\n----\n'],
    ['indented code', '    code\n'],
  ])('is not what begins with %s', (_name, source) => {
    expect(read(source)).toMatchObject({ frontMatter: { format: 'none', data: {} }, messages: [] });
    expect(body(source)).toBe(source);
  });

  it.each([
    ['---\ntitle: x\nbad: [\n---\n', 4, 1, 'front-matter/yaml'],
    ['\n---\na: 1\na: 2\n---\n', 4, 1, 'front-matter/yaml'],
    ['---\n- a\n---\n', 2, 1, 'front-matter/yaml'],
    ['---\ntitle: x\n', 1, 1, 'front-matter/unclosed'],
    ['+++\na = 1\nb = \n+++\n', 3, 5, 'front-matter/toml'],
    ['{"a": 1,\n "b" 2}\n', 2, 6, 'front-matter/json'],
    ['{"a": 1\n', 1, 1, 'front-matter/unclosed'],
  ])('that is broken is told with its place in the file: %j', (source, line, column, rule) => {
    expect(read(source).messages[0]).toMatchObject({ file: 'p.md', line, column, rule, severity: 'error' });
  });

  it('does not grow with aliases of aliases', () => {
    const bomb = [
      'a: &a [x,x,x,x,x,x,x,x,x]',
      ...'bcdefghi'
        .split('')
        .map((name, i) => `${name}: &${name} [${Array(9).fill(`*${'abcdefgh'[i]}`).join(',')}]`),
    ];
    expect(read(`---\n${bomb.join('\n')}\n---\n`).messages[0]).toMatchObject({ rule: 'front-matter/yaml' });
  });

  it.each([
    ['---\ntitle: x\nlab:\n  nodes: two\n---\n', ['lab', 'nodes'], 4, 10],
    ['---\ntitle: x\nlab: { Nodes: two }\n---\n', ['lab', 'nodes'], 3, 15],
    ['{"lab":\n  {"nodes": "two"}}\n', ['lab', 'nodes'], 2, 13],
    ['+++\n[lab]\nnodes = "two"\n+++\n', ['lab', 'nodes'], 3, 9],
    ['+++\nx = 1\n+++\n', ['lab'], 1, 1],
  ])('knows where a field’s value stands: %j', (source, path, line, column) => {
    expect(read(source).frontMatter.placeOf(...path)).toMatchObject({ line, column });
  });

  it('made blank leaves every other character where it was', () => {
    const source = '\n---\ntitle: x\n---\nbody';
    const blank = blankFrontMatter(source, read(source).frontMatter);
    expect(blank).toBe('\n   \n        \n   \nbody');
  });
});
