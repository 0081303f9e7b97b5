import fc from 'fast-check';
import { expect, test } from 'vitest';
import { objects } from '../../../oracle/kubectl/objects.ts';
import { commands } from '../../../../src/engine/shell/kubectl/commands.ts';
import { Bench } from './harness.ts';

const names = commands.flatMap((command) => [
  command.name,
  ...(command.commands ?? []).map(({ name }) => name),
]);
const flags = [
  ...[
    '-n',
    '-A',
    '-l',
    '-o',
    '-f',
    '-w',
    '-it',
    '--',
    '--all',
    '--force',
    '--grace-period=0',
    '--replicas=2',
    '--rm',
    '-c',
    '-p',
    '-L',
    '-h',
  ],
  ...[
    '--for=delete',
    '--for=condition=Ready',
    '--timeout=1s',
    '--image=nginx',
    '--port=80',
    '--dry-run=client',
    '--watch-only',
    '--show-labels',
  ],
  ...[
    '--sort-by=.metadata.name',
    '--field-selector',
    '--type=json',
    '--restart=Never',
    '--tcp=80',
    '--list',
    '--overwrite',
    '--cascade=orphan',
    '--=',
  ],
];
const values = [
  ...[
    'pods',
    'pod/full',
    'svc',
    'svc/web',
    'deploy/web',
    'all',
    'nodes',
    'no/worker-1',
    'ns',
    'default',
    'web',
    'full',
    'nope',
    'netpol,ing',
    'a=b',
    'app-',
    'x:NoSchedule',
  ],
  ...[
    'yaml',
    'json',
    'wide',
    'name',
    'jsonpath={.items[*]}',
    'jsonpath={range .items[*]}{..}{end}',
    'custom-columns=A:.metadata',
    'app in (a,b)',
    '!x',
    'k=v:NoExecute-',
  ],
  ...[
    '__proto__',
    'constructor',
    'pods/__proto__',
    '80:80',
    '[{"op":"remove","path":"/spec"}]',
    '{"spec":null}',
    '{"metadata":{"labels":{"__proto__":"x"}}}',
    '-',
    '',
    '\0',
    '한글',
  ],
];
const word = fc.oneof(
  { weight: 3, arbitrary: fc.constantFrom(...values) },
  { weight: 3, arbitrary: fc.constantFrom(...flags) },
  { weight: 1, arbitrary: fc.constantFrom(...names) },
  { weight: 1, arbitrary: fc.string() },
);
const line = fc
  .tuple(fc.constantFrom(...names), fc.array(word, { maxLength: 6 }))
  .map(([name, rest]) => [name, ...rest]);

test('whatever is typed is answered, and never throws', () => {
  fc.assert(
    fc.property(fc.array(line, { minLength: 1, maxLength: 4 }), (lines) => {
      const bench = new Bench();
      bench.setTime('2026-11-23T08:00:00Z');
      bench.put(...objects);
      for (const args of lines) {
        const { code, stdout, stderr } = bench.run(args, 'a: [b', 200);
        // Undefined: it waits for something that never comes, which the terminal ends.
        if (code !== undefined && code !== 0) expect(stdout + stderr).not.toBe('');
      }
    }),
    { numRuns: 400 },
  );
});
