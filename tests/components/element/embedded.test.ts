import { expect, it } from 'vitest';
import { embedLabs, readEmbedded } from '../../../components/element/embedded.ts';
import { clusterIp, crossNode, policyDrop } from '../fixtures/lab.ts';

const labs = new Map([crossNode, clusterIp, policyDrop].map((lab) => [lab.source.id, lab]));

it('keeps the labs of a page whole but for what the page has elsewhere', () => {
  const read = readEmbedded(embedLabs(labs));
  expect([...read.keys()]).toEqual([...labs.keys()]);
  for (const [id, { views, experiments, diagnostics }] of labs) {
    const kept = experiments.map((experiment) => ({ ...experiment, output: '' }));
    expect(read.get(id)).toEqual({ views, experiments: kept, diagnostics });
  }
});

it('writes labs that have much in common in much less than their JSON', () => {
  const json = JSON.stringify([...labs.values()].map(({ source: _, ...rest }) => rest));
  expect(embedLabs(labs).length).toBeLessThan(json.length / 3);
});

it('ends no script element, whatever a manifest says', () => {
  const [lab] = labs.values();
  const hostile = { severity: 'error', code: 'x', message: '</script><script>', line: 1, column: 1 } as const;
  if (lab === undefined) throw new Error('no lab');
  const text = embedLabs(new Map([['x', { ...lab, diagnostics: [hostile] }]]));
  expect(text).not.toContain('<');
  expect(readEmbedded(text).get('x')?.diagnostics).toEqual([hostile]);
});
