import { describe, expect, it } from 'vitest';
import { cases, decode, endpointOf, policySet, present } from './cases.ts';

describe
  .skipIf(!present)
  .each(['k8s-e2e.jsonl', 'recipes.jsonl', 'policy-assistant.jsonl', 'netpol-analyzer.jsonl', 'anp.jsonl'])(
  'policies give the verdicts of %s (skipped without ../shared/oracle)',
  (file) => {
    it.each(cases(file))('$id', (test) => {
      const manifests = decode(test.manifests);
      const policies = policySet(manifests);
      const endpoints = new Map(
        Object.keys(test.endpoints).map((key) => [key, endpointOf(key, test, manifests)]),
      );
      const wrong = test.expect.filter(({ from, to, protocol, port, allowed }) => {
        const source = endpoints.get(from);
        const destination = endpoints.get(to);
        if (source === undefined || destination === undefined) return true;
        return policies.verdict(source, destination, { protocol, port }).allowed !== allowed;
      });
      expect(wrong).toEqual([]);
    });
  },
);
