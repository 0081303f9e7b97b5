import { createCluster } from '../src/engine/index.ts';
import { parseAllDocuments } from 'yaml';
import { lessonLabs, medianOf } from './lessons.ts';
import { printTable, type Row } from './table.ts';

export const pods = (client: string, server: string): string =>
  [
    ['pod-a', client, 'nicolaka/netshoot', '      command: ["sleep", "infinity"]\n'],
    ['pod-b', server, 'nginx:1.27', ''],
  ]
    .map(
      ([name, node, image, command]) =>
        `apiVersion: v1\nkind: Pod\nmetadata:\n  name: ${name}\nspec:\n  nodeName: ${node}\n  containers:\n    - name: c\n      image: ${image}\n${command}`,
    )
    .join('---\n');

/** A lab from nothing: a cluster made, its manifests applied, its `curl` answered and recorded. */
export async function run(): Promise<void> {
  const rows: Row[] = [];
  for (const [what, cni, manifest, address] of [
    ['same node, flannel', 'flannel', pods('node-1', 'node-1'), '10.244.1.3'],
    ['other node, flannel', 'flannel', pods('node-1', 'node-2'), '10.244.2.2'],
    [
      'other node, calico',
      'calico',
      pods('node-1', 'node-2'),
      '$(kubectl get pod pod-b -o jsonpath={.status.podIP})',
    ],
  ] as const) {
    const measured = await medianOf(40, () => {
      const made = createCluster({ cni });
      if ('diagnostics' in made) throw new Error('the options are wrong');
      made.cluster.apply(manifest);
      const { exitCode } = made.cluster.run(`kubectl exec pod-a -- curl -s http://${address}`);
      if (exitCode !== 0) throw new Error(`${what}: curl exits with ${exitCode}`);
    });
    rows.push({
      what: `apply and curl: ${what}`,
      measured,
      unit: 'ms',
      comparedWith: 'the bound',
      reference: 20,
    });
    const yaml = await medianOf(40, () =>
      parseAllDocuments(manifest).map((document) => document.toJS() as unknown),
    );
    rows.push({
      what: `apply and curl: ${what}`,
      measured,
      unit: 'ms',
      comparedWith: 'parsing that YAML alone',
      reference: yaml,
    });
  }
  printTable(
    `One lab (Node ${process.versions.node}, median of 40; the lesson has ${lessonLabs().length})`,
    rows,
  );
}
