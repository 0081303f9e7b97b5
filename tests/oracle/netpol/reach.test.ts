import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, describe, expect, it } from 'vitest';
import { commands } from '../../../src/cli/commands.ts';
import { cases, present, type NetpolCase } from './cases.ts';

const folder = mkdtempSync(join(tmpdir(), 'podwalk-reach-'));
afterAll(() => rmSync(folder, { recursive: true }));

/** How a probe names an endpoint of a case: a workload with its kind. */
function named(test: NetpolCase, key: string): string {
  const endpoint = test.endpoints[key];
  if (endpoint?.kind === 'External') return endpoint.ip ?? '';
  const name = `${endpoint?.namespace ?? 'default'}/${endpoint?.name ?? ''}`;
  return endpoint?.kind === 'Pod' ? name : `${name}[${endpoint?.kind ?? ''}]`;
}

/** What the command line prints about a case whose manifests and probes are files. */
async function answers(
  test: NetpolCase,
  name: (key: string) => string,
): Promise<{ readonly code: number; readonly lines: readonly unknown[]; readonly err: string }> {
  const manifests = join(folder, 'manifests.yaml');
  const probes = join(folder, 'probes.jsonl');
  writeFileSync(manifests, test.manifests);
  writeFileSync(
    probes,
    test.expect
      .map(({ from, to, protocol, port }) =>
        JSON.stringify({ from: name(from), to: name(to), protocol, port }),
      )
      .join('\n'),
  );
  let out = '';
  let err = '';
  const code = await commands('reach', [manifests, '--probes', probes], {
    out: (text) => (out += text),
    err: (text) => (err += text),
  });
  return {
    code,
    lines: out
      .trimEnd()
      .split('\n')
      .map((line) => JSON.parse(line) as unknown),
    err,
  };
}

describe
  .skipIf(!present)
  .each(['k8s-e2e.jsonl', 'netpol-analyzer.jsonl', 'recipes.jsonl', 'policy-assistant.jsonl', 'anp.jsonl'])(
  'podwalk reach --probes answers %s (skipped without ../shared/oracle)',
  (file) => {
    it.each(cases(file))('$id', async (test) => {
      for (const name of [(key: string) => named(test, key), (key: string) => key]) {
        const { code, lines, err } = await answers(test, name);
        const expected = test.expect.map(({ from, to, protocol, port, allowed }) => ({
          from: name(from),
          to: name(to),
          protocol,
          port,
          allowed,
        }));
        expect(lines).toMatchObject(expected);
        expect(lines).toHaveLength(expected.length);
        expect(err).not.toMatch(/ error /);
        expect(code).toBe(0);
      }
    });
  },
);
