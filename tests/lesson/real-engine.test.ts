import { describe, expect, it } from 'vitest';
import { checkLesson, updateLesson } from '../../src/lesson/check.ts';
import { parseLesson } from '../../src/lesson/lesson.ts';
import { formatMessage } from '../../src/lesson/message.ts';
import { runLabs } from '../../src/lesson/run.ts';

const pods = `apiVersion: v1
kind: Pod
metadata: { name: pod-a }
spec:
  nodeName: node-1
  containers: [{ name: web, image: nginx }]
---
apiVersion: v1
kind: Pod
metadata: { name: pod-b }
spec:
  nodeName: node-2
  containers: [{ name: web, image: nginx }]`;

const lesson = `---
title: x
---

:::lab{#first cluster=shared}
\`\`\`yaml
${pods}
\`\`\`
\`\`\`console
$ kubectl get pods -o wide
NAME    READY   [..]IP[..]
pod-a   1/1     Running   [..]   10.244.1.2   node-1[..]
pod-b   1/1     Running   [..]   10.244.2.2   node-2[..]
\`\`\`
:::

{{< lab cluster="shared" >}}
\`\`\`console
$ kubectl delete pod pod-b
pod "pod-b" deleted
$ kubectl get pods
NAME [..]
pod-a [..]
\`\`\`
{{< /lab >}}
`;

function check(source: string): string[] {
  const parsed = parseLesson(source, 'p.md');
  const told = checkLesson(parsed, runLabs(parsed.labs));
  return told.map((message) => formatMessage(message).split('\n', 1)[0] ?? '');
}

describe('a lesson in the real engine', () => {
  it('holds from lab to lab', () => {
    expect(check(lesson)).toEqual([]);
  });

  it('is told of a manifest at the line of the lesson', () => {
    expect(check(lesson.replace('image: nginx }]\n---', 'image: nginx, porst: [] }]\n---'))).toContainEqual(
      expect.stringMatching(/^p\.md:12:\d+ error manifest\/unknown-field {2}.*porst/),
    );
  });

  it('is told of what is printed otherwise, and can be written anew', () => {
    const wrong = lesson
      .replace('   10.244.2.2   node-2[..]', '   10.244.2.9   node-2[..]')
      .replace('pod-a [..]\n', '');
    expect(check(wrong)).toEqual([
      'p.md:22:1 error console/output  "kubectl get pods -o wide" does not print what is written here',
      'p.md:33:1 error console/output  "kubectl get pods" does not print what is written here',
    ]);
    const parsed = parseLesson(wrong, 'p.md');
    expect(check(updateLesson(parsed, runLabs(parsed.labs)))).toEqual([]);
  });

  it('ends a loop that never ends, and says by which limit', () => {
    expect(check(':::lab\n```console\n$ while true; do true; done\n```\n:::\n')).toEqual([
      expect.stringMatching(
        /^p\.md:3:1 error console\/limit {2}"while true; do true; done" was ended by the limit \w+$/,
      ),
    ]);
  });

  it('is told of a command that does not exist', () => {
    expect(check(':::lab\n```console\n$ frobnicate\n```\n:::\n')).toEqual([
      'p.md:3:1 error console/unknown-command  bash: frobnicate: command not found',
    ]);
  });
});
