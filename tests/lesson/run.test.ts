import { describe, expect, it } from 'vitest';
import { parseLesson } from '../../src/lesson/lesson.ts';
import { runLabs } from '../../src/lesson/run.ts';
import { fakeCluster } from './fake-cluster.ts';

const console = (...lines: string[]): string => `\`\`\`console\n${lines.join('\n')}\n\`\`\`\n`;
const yaml = (text: string): string => `\`\`\`yaml\n${text}\n\`\`\`\n`;
const runs = (source: string) => runLabs(parseLesson(source, 'p.md').labs, { createCluster: fakeCluster });

describe('running the labs of a page', () => {
  it('applies manifests and runs commands in the order they are written', () => {
    const [run] = runs(
      `:::lab\n${yaml('a')}${console('$ history', '$ echo x')}${yaml('b')}${console('$ history')}:::\n`,
    );
    expect(
      run?.steps.map((step) => (step.kind === 'apply' ? step.name : [step.command, step.result.output])),
    ).toEqual([
      'manifest.yaml',
      ['history', 'apply manifest.yaml\n'],
      ['echo x', 'x\n'],
      'manifest-2.yaml',
      ['history', 'apply manifest.yaml\nhistory\necho x\napply manifest-2.yaml\n'],
    ]);
  });

  it('shares a cluster among the labs that name it, and no other', () => {
    const [first, second, third] = runs(
      [':::lab{cluster=c cni=calico}', ':::lab', ':::lab{cluster=c}']
        .map((head) => `${head}\n${console('$ history')}:::\n`)
        .join('\n'),
    );
    expect([first, second, third].map((run) => run?.before.now)).toEqual([0, 0, 1]);
    expect(third?.view.cni).toBe('calico');
  });

  it('gives the view before and after every step', () => {
    const [run] = runs(`:::lab\n${yaml('a')}${console('$ echo')}:::\n`);
    expect(run?.steps.map((step) => [step.before.now, step.view.now])).toEqual([
      [0, 1],
      [1, 2],
    ]);
    expect([run?.before.now, run?.view.now]).toEqual([0, 2]);
  });

  it('moves what is told of a manifest to its place in the lesson', () => {
    const [run] = runs(`text\n\n- :::lab\n\n  ${yaml('ok\n  bad: 1').replaceAll('\n', '\n  ')}\n  :::\n`);
    expect(run?.diagnostics).toMatchObject([{ file: 'p.md', line: 7, column: 5, endLine: 7, endColumn: 8 }]);
  });

  it('tells at the lab why there is no cluster', () => {
    const [run] = runs(`\n:::lab{cni=none}\n${console('$ echo')}:::\n`);
    expect(run).toMatchObject({
      steps: [],
      diagnostics: [{ code: 'option/unknown', file: 'p.md', line: 2, column: 1 }],
    });
  });
});
