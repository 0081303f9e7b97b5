import { describe, expect, it } from 'vitest';
import { worthTelling } from '../../../components/layout/hops.ts';
import type { Decision } from '../../../src/engine/net/decision.ts';
import { everyDecision } from '../fixtures/decisions.ts';

const codes = (...decisions: readonly Decision[]): string[] =>
  worthTelling(decisions.map((decision) => ({ decision, netns: 'node-1' }))).map(
    ({ decision }) => decision.code,
  );
const one = (code: Decision['code']): Decision => {
  const found = everyDecision.find((decision) => decision.code === code);
  if (found === undefined) throw new Error(code);
  return found;
};
const drop: Decision = {
  ...one('rule'),
  code: 'rule',
  table: 'filter',
  chain: 'c',
  rule: '-A c -j DROP',
  verdict: 'DROP',
  walked: 1,
};

describe('what is worth a sentence', () => {
  it('is the rule that dropped, unless the policies in whose name it did speak themselves', () => {
    expect(codes(drop)).toEqual(['rule']);
    expect(codes(drop, one('policy'))).toEqual(['policy']);
  });

  it('is not a bare drop beside what says why', () => {
    expect(codes(drop, { code: 'drop', reason: 'no-route' })).toEqual(['rule']);
    expect(codes({ code: 'drop', reason: 'no-route' })).toEqual(['drop']);
  });
});
