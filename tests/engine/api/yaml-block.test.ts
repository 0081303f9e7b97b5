import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { stringify } from 'yaml';
import { readYaml } from '../../../src/engine/api/yaml.ts';
import { readPlainYaml } from '../../../src/engine/api/yaml-block.ts';

/** What the real parser makes of it: a tab in a comment is beyond the plain reader. */
function real(text: string): unknown {
  const { documents, problem } = readYaml(`#\t\n${text}`);
  return problem !== undefined || documents.length !== 1 || (documents[0]?.duplicates ?? []).length > 0
    ? undefined
    : documents[0]?.value;
}

const word = fc.oneof(
  fc.constantFrom(
    ...[
      'apiVersion',
      'v1',
      'yes',
      'No',
      'on',
      'null',
      'Nul',
      '~',
      '.5',
      '0x1f',
      '010',
      '1_000',
      '8080',
      '1e3',
      '.inf',
    ],
    ...[
      'nginx:1.27',
      'a#b',
      'a # b',
      'a: b',
      '80:',
      '- x',
      '-1',
      '$(X)',
      '*x',
      '&x',
      '!y',
      '"q"',
      "it's",
      '__proto__',
    ],
    ...[
      '한글',
      'http://x/y?z=1',
      '[a]',
      '{a: b}',
      'a,b',
      '<<',
      '',
      ' ',
      '|',
      '>-',
      '@',
      '%',
      '2026-01-01',
      'x\ny',
    ],
  ),
  fc.string({ maxLength: 8 }),
);
const value = fc.letrec((tie) => ({
  node: fc.oneof(
    { maxDepth: 4 },
    word,
    fc.integer(),
    fc.boolean(),
    fc.constant(null),
    fc.array(tie('node'), { maxLength: 4 }),
    fc.dictionary(word, tie('node'), { maxKeys: 4 }),
  ),
})).node;

describe('the plain reader', () => {
  it('gives the real parser’s value, or leaves the document to it', () => {
    fc.assert(
      fc.property(
        fc.dictionary(word, value, { maxKeys: 5 }),
        fc.constantFrom(0, 20, 80),
        (object, flowWidth) => {
          const text = stringify(object, { lineWidth: flowWidth });
          const plain = readPlainYaml(text);
          if (plain !== undefined) expect(plain).toEqual(real(text));
        },
      ),
      { numRuns: 1000 },
    );
  });

  it('does so for texts that no serializer writes', () => {
    const line = fc
      .tuple(
        fc.integer({ min: 0, max: 6 }),
        fc.constantFrom('', '- ', '-', '-   ', '- - '),
        fc.oneof(
          word,
          word.map((text) => `k: ${text}`),
          fc.constantFrom(
            'a:',
            'b:  # c',
            'c: "d" # e',
            "f: 'g'x",
            'h: [i, "j", {k: l}]',
            '# m',
            '{n: o}',
            'p: {"q":1, r: s,}',
            'a: [b\n',
            't: [u: v]',
          ),
        ),
      )
      .map(([indent, dash, text]) => ' '.repeat(indent) + dash + text);
    fc.assert(
      fc.property(fc.array(line, { maxLength: 7 }), (lines) => {
        const text = lines.join('\n');
        const plain = readPlainYaml(text);
        if (plain !== undefined) expect(plain, text).toEqual(real(text));
      }),
      { numRuns: 3000 },
    );
  });

  it('reads what lessons write', () => {
    const text = `
# a client and a server
apiVersion: apps/v1
kind: Deployment
metadata:
  name: web # the name
  labels: { app: web, "tier": 'front' }
spec:
  replicas: 3
  template:
    spec:
      containers:
      - name: web
        image: nginx:1.27
        args: ["-c", sleep]
        ports:
          - containerPort: 80
            name: http
      tolerations: []
`;
    expect(readPlainYaml(text)).toEqual(real(text));
    expect(readPlainYaml(text)).toBeDefined();
  });

  it('keeps places for messages', () => {
    const [document] = readYaml('kind: Pod\nspec:\n  containers:\n    - name: web\n').documents;
    expect(document?.locate(['spec', 'containers', 0, 'name'], 'value')).toMatchObject({
      line: 4,
      column: 13,
    });
  });
});
