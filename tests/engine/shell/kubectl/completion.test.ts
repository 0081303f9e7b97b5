import { expect, test } from 'vitest';
import { completeKubectl } from '../../../../src/engine/shell/kubectl/index.ts';
import { Bench } from './harness.ts';

const bench = new Bench();
bench.files.write(
  '/root/pods.yaml',
  'apiVersion: v1\nkind: Pod\nmetadata: {name: web-1}\nspec: {containers: [{name: c, image: x}, {name: d, image: x}]}\n',
  'truncate',
);
bench.line('apply -f pods.yaml');
bench.line('create ns blue');
const complete = (line: string) => completeKubectl(bench.api.store, line.split(' '));

test.each([
  ['de', ['debug', 'delete', 'describe']],
  ['rollout ', ['history', 'pause', 'restart', 'resume', 'status', 'undo']],
  ['create dep', ['deployment']],
  ['get netw', ['networkpolicies']],
  ['get pods w', ['web-1']],
  ['get pod/', ['pod/web-1']],
  ['get -n b', ['blue']],
  ['get pods -n blue ', []],
  ['get pods --show', ['--show-kind', '--show-labels', '--show-managed-fields']],
  ['get pods -o y', ['yaml']],
  ['exec ', ['web-1']],
  ['exec web-1 -c ', ['c', 'd']],
  ['exec web-1 -- l', []],
  ['nope x', []],
])('kubectl %s', (line, options) => {
  expect(complete(line)).toEqual(options);
});
