import { describe, expect, test } from 'vitest';
import { readYaml, yamlLimits } from '../../../src/engine/api/yaml.ts';

const valueOf = (text: string) => readYaml(text).documents[0]?.value;

describe('plain scalars read as go-yaml reads them', () => {
  test.each([
    ['80', 80],
    ['-1', -1],
    ['010', 8],
    ['0o17', 15],
    ['0x1F', 31],
    ['0b101', 5],
    ['1_000', 1000],
    ['1.10', 1.1],
    ['1e3', 1000],
    ['yes', true],
    ['On', true],
    ['off', false],
    ['y', 'y'],
    ['n', 'n'],
    ['~', null],
    ['"80"', '80'],
    ["'true'", 'true'],
    ['!!str 80', '80'],
    ['22:22', '22:22'],
    ['2001-01-01', '2001-01-01'],
    ['1.2.3.4', '1.2.3.4'],
    ['08', '08'],
    ['', null],
  ])('%s', (text, value) => {
    expect(valueOf(`a: ${text}`)).toEqual({ a: value });
  });
});

describe('streams', () => {
  test('documents are split at lines of three dashes, and empty ones do not count', () => {
    expect(
      readYaml('---\n# nothing\n---\na: 1\n--- # next\nb: 2\n---\n').documents.map(({ value }) => value),
    ).toEqual([{ a: 1 }, { b: 2 }]);
  });

  test('keys are text, whatever they look like', () => {
    expect(valueOf('{80: a, true: b, null: c}')).toEqual({ '80': 'a', true: 'b', null: 'c' });
  });

  test('anchors, aliases and merge keys are resolved, and explicit keys win', () => {
    expect(valueOf('base: &b {x: 1, y: 2}\nuse: {<<: *b, y: 3}\nlist: [*b]')).toEqual({
      base: { x: 1, y: 2 },
      use: { x: 1, y: 3 },
      list: [{ x: 1, y: 2 }],
    });
  });

  test('keys written twice are told with their place, and the last one counts', () => {
    const [document] = readYaml('a: 1\nb: {c: 1, c: 2}\n').documents;
    expect(document?.value).toEqual({ a: 1, b: { c: 2 } });
    expect(document?.duplicates).toEqual([
      { path: ['b', 'c'], range: { line: 2, column: 11, endLine: 2, endColumn: 12 } },
    ]);
  });

  test('places count from the beginning of the file, not of the document', () => {
    const document = readYaml('a: 1\n---\n\nspec:\n  ports:\n  - port: 80\n').documents[1];
    expect(document?.locate(['spec', 'ports', 0, 'port'], 'value')).toMatchObject({ line: 6, column: 11 });
    expect(document?.locate(['spec', 'ports', 0, 'port'], 'key')).toMatchObject({ line: 6, column: 5 });
    expect(document?.locate(['spec', 'ports', 0, 'name'], 'value')).toMatchObject({ line: 6, column: 5 });
    expect(document?.locate(['spec', 'missing', 'deep'], 'value')).toMatchObject({ line: 4, column: 1 });
  });
});

describe("what is no YAML is told in go-yaml's words, at its line", () => {
  test.each([
    ['a: b: c', 1, 'yaml: line 1: mapping values are not allowed in this context'],
    ['k: v\n bad: x', 2, 'yaml: line 2: mapping values are not allowed in this context'],
    ['a:\n\t- b', 2, 'yaml: line 2: found character that cannot start any token'],
    ['a: *x', 1, "yaml: unknown anchor 'x' referenced"],
    ['a: "x', 1, 'yaml: line 1: found unexpected end of stream'],
    ['apiVersion: v1\nkind Pod', 2, "yaml: line 2: could not find expected ':'"],
    ['a:\n  - b\n c: d', 3, 'yaml: line 3: did not find expected key'],
    ['- a\nb: c', 2, 'yaml: line 2: did not find expected key'],
    ['a: @x', 1, 'yaml: line 1: found character that cannot start any token'],
    ['a: "\\q"', 1, 'yaml: line 1: found unknown escape character'],
    ['ok: 1\n---\na: b: c', 3, 'yaml: line 2: mapping values are not allowed in this context'],
    ['a: &a [*a]', 1, "yaml: anchor 'a' value contains itself"],
    ['a: .inf', 1, 'json: unsupported value: +Inf'],
    ['a: \u0000b', 1, 'yaml: control characters are not allowed'],
    ['x: 1\na: \u0007', 2, 'yaml: control characters are not allowed'],
  ])('%j', (text, line, message) => {
    expect(readYaml(text).problem).toMatchObject({ line, message });
  });

  test('documents before it stand', () => {
    expect(readYaml('a: 1\n---\nb: [').documents.map(({ value }) => value)).toEqual([{ a: 1 }]);
  });
});

describe('hostile text is bounded', () => {
  const billionLaughs = Array.from({ length: 12 }, (_, i) =>
    i === 0 ? 'a0: &a0 [x, x, x, x, x, x, x, x, x, x]' : `a${i}: &a${i} [${`*a${i - 1}, `.repeat(10)}]`,
  ).join('\n');

  test.each([
    ['aliases that explode', billionLaughs, 'yaml: document contains excessive aliasing'],
    ['brackets nested deep', '['.repeat(100_000), `yaml: exceeded max depth of ${yamlLimits.depth}`],
    ['lists nested deep', `${'- '.repeat(5000)}x`, `yaml: exceeded max depth of ${yamlLimits.depth}`],
    [
      'mappings nested deep',
      `${'{a: '.repeat(300)}1${'}'.repeat(300)}`,
      `yaml: exceeded max depth of ${yamlLimits.depth}`,
    ],
    [
      'too many documents',
      'a: 1\n---\n'.repeat(yamlLimits.documents + 1),
      `more documents than the limit of ${yamlLimits.documents}`,
    ],
  ])('%s', (_, text, message) => {
    expect(readYaml(text).problem?.message).toBe(message);
  });

  test('names of the prototype are keys like any other', () => {
    const value = valueOf('{__proto__: {polluted: 1}, constructor: 2, toString: 3}');
    expect(Object.keys(value as object)).toEqual(['__proto__', 'constructor', 'toString']);
    expect(({} as Record<string, unknown>)['polluted']).toBeUndefined();
  });
});
