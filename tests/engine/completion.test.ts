import { expect, test } from 'vitest';
import { createCluster } from '../../src/engine/index.ts';

const made = createCluster({ nodes: 1 });
if ('diagnostics' in made) throw new Error('no cluster');
const { cluster } = made;
cluster.apply(
  'apiVersion: v1\nkind: Pod\nmetadata: {name: web-1}\nspec: {containers: [{name: web, image: nginx}]}\n---\napiVersion: v1\nkind: Pod\nmetadata: {name: web-2}\nspec: {containers: [{name: web, image: nginx}]}\n',
);

test.each([
  ['kub', 0, ['kubectl']],
  ['kubectl ge', 8, ['get']],
  ['kubectl get pods web-', 17, ['web-1', 'web-2']],
  ['kubectl exec web-1 -- cur', 22, ['curl']],
  ['ssh node-', 4, ['node-1']],
  ['echo hi | gre', 10, ['grep']],
  ['kubectl get nodes; ssh e', 23, ['ext']],
  ['nothing like this ', 18, []],
])('%j can go on with these', (line, from, options) => {
  expect(cluster.complete(line, line.length)).toEqual({ from, options });
});

test('only what is before the cursor counts', () => {
  expect(cluster.complete('kubectl get pods', 3)).toEqual({ from: 0, options: ['kubectl'] });
});
