import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, describe, expect, it } from 'vitest';
import { commands } from '../../src/cli/commands.ts';

const folder = mkdtempSync(join(tmpdir(), 'podwalk-reach-'));
afterAll(() => rmSync(folder, { recursive: true }));

function file(name: string, text: string): string {
  const path = join(folder, name);
  writeFileSync(path, text);
  return path;
}

async function reach(
  ...args: readonly string[]
): Promise<{ readonly code: number; readonly out: string; readonly err: string }> {
  let out = '';
  let err = '';
  const code = await commands('reach', args, {
    out: (text) => (out += text),
    err: (text) => (err += text.replaceAll(folder, '')),
  });
  return { code, out, err };
}

const pod = (name: string): string =>
  `{apiVersion: v1, kind: Pod, metadata: {name: ${name}, labels: {app: ${name}}}, spec: {containers: [{name: c, image: nginx, ports: [{containerPort: 80}]}]}}\n---\n`;
const policy = `
apiVersion: networking.k8s.io/v1
kind: NetworkPolicy
metadata: {name: web}
spec:
  podSelector: {matchLabels: {app: web}}
  ingress:
  - from: [{podSelector: {matchLabels: {app: front}}}]
    ports: [{port: 80}]
`;
const manifests = file('cluster.yaml', pod('web') + pod('client') + policy);

describe('podwalk reach --probes', () => {
  it('answers each line in its place, with the reason and what led to it', async () => {
    const probes = file(
      'probes.jsonl',
      '{"from":"default/client","to":"default/web","protocol":"TCP","port":80,"id":7}\n\n{"from":"default/web","to":"default/client","protocol":"TCP","port":80}\n',
    );
    const { code, out, err } = await reach(manifests, '--probes', probes);
    const [first, second, ...rest] = out.trimEnd().split('\n');
    expect(rest).toEqual([]);
    expect(JSON.parse(first ?? '')).toMatchObject({
      id: 7,
      allowed: false,
      reason:
        'ingress of default/web: default/web selects it, and no rule allows TCP 80 from default/client; nearest: rule 1 of default/web matches the namespace and the port, but not the pod label app=front (the other side has app=client)',
      ingress: { selecting: [{ kind: 'NetworkPolicy', namespace: 'default', name: 'web' }] },
    });
    expect(JSON.parse(second ?? '')).toMatchObject({ allowed: true });
    expect(err).toBe('');
    expect(code).toBe(0);
  });

  it('gives the reason in Korean too', async () => {
    const probes = file('probes.jsonl', '{"from":"default/client","to":"default/web","port":80}');
    const { out } = await reach(manifests, '--lang', 'ko', '--probes', probes);
    expect((JSON.parse(out) as { reason: string }).reason).toBe(
      'default/web의 인그레스: default/web이 선택하며, default/client에서 오는 TCP 80을 허용하는 규칙이 없습니다. 가장 가까운 규칙: default/web의 규칙 1은 네임스페이스, 포트는 맞지만 파드 레이블이 app=front 조건에 맞지 않습니다(실제: app=client)',
    );
  });

  it('says where a line is wrong and answers the others', async () => {
    const probes = file(
      'probes.jsonl',
      '{"from":"default/client","to":"default/nobody","port":80}\nnonsense\n{"from":"default/web","to":"8.8.8.8","port":53}\n',
    );
    const { code, out, err } = await reach(manifests, '--probes', probes);
    expect(
      out
        .trimEnd()
        .split('\n')
        .map((line) => JSON.parse(line) as unknown),
    ).toMatchObject([
      { from: 'default/client', error: '"to": there is no default/nobody' },
      { error: 'this is no JSON object' },
      { allowed: true },
    ]);
    expect(err).toBe(
      '/probes.jsonl:1:26 error probe/endpoint  "to": there is no default/nobody\n/probes.jsonl:2:1 error probe/json  this is no JSON object\n',
    );
    expect(code).toBe(1);
  });

  it('answers from what the API server would take, and fails for what it would not', async () => {
    const broken = file('broken.yaml', policy.replace('port: 80', 'port: 800000'));
    const probes = file('probes.jsonl', '{"from":"default/client","to":"default/web","port":80}');
    const { code, out, err } = await reach(
      file('pods.yaml', pod('web') + pod('client')),
      broken,
      '--probes',
      probes,
    );
    expect(JSON.parse(out)).toMatchObject({ allowed: true });
    expect(err).toMatch(/^\/broken\.yaml:9:20 error manifest\/invalid {2}The NetworkPolicy "web" is invalid/);
    expect(code).toBe(1);
  });

  it.each([
    [[], 'which manifests?'],
    [[manifests, '--probes', 'no-such-file'], 'cannot read no-such-file'],
    [['no-such-file'], 'cannot read no-such-file'],
    [[manifests, '--lang', 'fr'], '--lang must be ko or en, not fr'],
  ])('is called wrongly with %j', async (args, message) => {
    const { code, err } = await reach(...args);
    expect(err).toContain(message);
    expect(code).toBe(2);
  });
});
