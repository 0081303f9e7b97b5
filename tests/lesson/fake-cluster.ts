import type { Cluster, ClusterOptions, CommandResult, Diagnostic } from '../../src/engine/cluster.ts';
import type { ClusterView } from '../../src/engine/view.ts';

/** A cluster that only remembers what it was asked to do: `echo` prints, `history` lists, anything else is not found. */
export function fakeCluster(
  options: ClusterOptions = {},
): { cluster: Cluster } | { diagnostics: Diagnostic[] } {
  if (options.cni === 'none') {
    return {
      diagnostics: [
        { severity: 'error', code: 'option/unknown', message: 'no such plugin', line: 1, column: 1 },
      ],
    };
  }
  const done: string[] = [];
  const unused = (): never => {
    throw new Error('the fake has no such thing');
  };
  const view = (): ClusterView => ({
    now: done.length,
    cni: options.cni ?? 'flannel',
    machines: [],
    pods: [],
    services: [],
    policies: [],
  });
  const cluster: Cluster = {
    get options(): never {
      return unused();
    },
    apply: (manifest, file) => {
      done.push(`apply ${file ?? ''}`);
      const bad = manifest.split('\n').findIndex((line) => line.includes('bad'));
      const diagnostics: Diagnostic[] =
        bad < 0
          ? []
          : [
              {
                severity: 'error',
                code: 'manifest/unknown-field',
                message: 'unknown field "bad"',
                line: bad + 1,
                column: 3,
                endLine: bad + 1,
                endColumn: 6,
              },
            ];
      return { output: '', diagnostics, ok: bad < 0 };
    },
    run: (command): CommandResult => {
      const [name = '', ...words] = command.split(' ');
      const [output, exitCode] =
        name === 'echo'
          ? [`${words.join(' ').replaceAll('/', '\n')}\n`, 0]
          : name === 'history'
            ? [`${done.join('\n')}\n`, 0]
            : [`sh: ${name}: not found\n`, 127];
      done.push(command);
      const record = {
        version: 1,
        start: 0,
        end: 0,
        headers: [],
        events: [],
        walks: [],
        tables: [],
      } as const;
      return { command, output, pieces: [], stdout: output, stderr: '', exitCode, record };
    },
    view,
    complete: unused,
    inventory: unused,
    now: () => done.length,
    advance: unused,
    snapshot: unused,
  };
  return { cluster };
}
