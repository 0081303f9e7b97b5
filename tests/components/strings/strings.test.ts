import { readFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { en } from '../../../components/strings/en.ts';
import { ko } from '../../../components/strings/ko.ts';
import { explain, type Strings } from '../../../components/strings/strings.ts';
import type { Decision } from '../../../src/engine/net/decision.ts';
import { everyDecision } from '../fixtures/decisions.ts';

const languages: readonly Strings[] = [ko, en];

/** The codes of the union as its source writes them: a code that the samples lack fails here, not silently. */
function codesInSource(): string[] {
  const source = readFileSync(new URL('../../../src/engine/net/decision.ts', import.meta.url), 'utf8');
  const members = source.slice(
    source.indexOf('export type Decision ='),
    source.indexOf('export type DecisionCode'),
  );
  return [...members.matchAll(/code: ((?:'[\w-]+'(?: \| )?)+)/g)].flatMap(([, codes]) =>
    [...(codes ?? '').matchAll(/'([\w-]+)'/g)].map(([, code]) => code ?? ''),
  );
}

describe.each(languages)('strings in $language', (strings) => {
  it('have a sentence for every decision that there is', () => {
    expect(Object.keys(strings.decision).toSorted()).toEqual(codesInSource().toSorted());
    expect([...new Set(everyDecision.map((decision) => decision.code))].toSorted()).toEqual(
      codesInSource().toSorted(),
    );
  });

  it.each(everyDecision.map((decision) => [decision.code, decision] as const))(
    'say %s whole',
    (_code, decision) => {
      const sentence = explain(strings, decision, 'node-1');
      expect(sentence).not.toMatch(/undefined|\[object|NaN/);
      expect(sentence.split('`').length % 2, `backticks in: ${sentence}`).toBe(1);
      expect(sentence.trim()).toBe(sentence);
      expect(sentence.length).toBeGreaterThan(8);
    },
  );

  it('end every explanation like a sentence', () => {
    for (const decision of everyDecision) {
      if (decision.code === 'app') continue;
      expect(explain(strings, decision, 'node-1')).toMatch(/[.)]$/);
    }
  });

  it('show the code of a decision that they do not know', () => {
    expect(explain(strings, { code: 'from-the-future' } as unknown as Decision, 'node-1')).toBe(
      'node-1: `from-the-future`',
    );
  });
});

describe('the two languages', () => {
  it('have the same entries', () => {
    const keys = (value: object): string[] =>
      Object.entries(value).flatMap(([key, inner]) =>
        inner !== null && typeof inner === 'object' ? keys(inner).map((one) => `${key}.${one}`) : [key],
      );
    expect(keys(ko)).toEqual(keys(en));
  });
  it('write Korean in Korean and English in English', () => {
    for (const decision of everyDecision) {
      if (decision.code === 'app') continue;
      expect(explain(ko, decision, 'node-1')).toMatch(/[가-힣]/);
      expect(explain(en, decision, 'node-1')).not.toMatch(/[가-힣]/);
    }
  });
});
