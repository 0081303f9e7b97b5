import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
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
        'ingress of default/web: NetworkPolicy default/web selects it, and no rule allows TCP 80 from default/client; nearest: rule 1 of default/web matches the namespace and the port, but not the pod label app=front (the other side has app=client)',
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
      'default/web의 인그레스: NetworkPolicy default/web이 선택하며, default/client에서 오는 TCP 80을 허용하는 규칙이 없습니다. 가장 가까운 규칙: default/web의 규칙 1은 네임스페이스, 포트는 맞지만 파드 레이블이 app=front 조건에 맞지 않습니다(실제: app=client)',
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

describe('podwalk reach', () => {
  it('prints a row for each pair, with the open ports and the reason', async () => {
    const { code, out } = await reach(manifests);
    expect(out.split('\n').map((line) => line.split(/ {3,}/))).toEqual([
      ['FROM', 'TO', 'PORTS', 'BECAUSE'],
      [
        'default/client',
        'default/web',
        'none',
        'TCP 80: ingress of default/web: NetworkPolicy default/web selects it, and no rule allows TCP 80 from default/client; nearest: rule 1 of default/web matches the namespace and the port, but not the pod label app=front (the other side has app=client)',
      ],
      [
        'default/client',
        'outside',
        'all',
        'TCP 80: egress of default/client: no policy selects it. ingress of outside: no policy speaks of addresses outside the cluster',
      ],
      [
        'default/web',
        'default/client',
        'all',
        'TCP 80: egress of default/web: no policy selects it. ingress of default/client: no policy selects it',
      ],
      [
        'default/web',
        'outside',
        'all',
        'TCP 80: egress of default/web: no policy selects it. ingress of outside: no policy speaks of addresses outside the cluster',
      ],
      [
        'outside',
        'default/client',
        'all',
        'TCP 80: egress of outside: no policy speaks of addresses outside the cluster. ingress of default/client: no policy selects it',
      ],
      [
        'outside',
        'default/web',
        'none',
        'TCP 80: ingress of default/web: NetworkPolicy default/web selects it, and no rule allows TCP 80 from outside; nearest: rule 1 of default/web matches the port, but its selectors match pods only, not an address outside',
      ],
      [''],
    ]);
    expect(code).toBe(0);
  });

  it('shows what is chosen, reads folders as kubectl does, and folds pods of one owner', async () => {
    mkdirSync(join(folder, 'many'));
    const owned = (i: number): string =>
      pod(`web-${i}`).replace(
        /labels: {app: web-\d}/,
        'labels: {app: web}, ownerReferences: [{apiVersion: apps/v1, kind: ReplicaSet, name: web, uid: u, controller: true}]',
      );
    file('many/pods.yaml', owned(1) + owned(2) + pod('front'));
    file('many/policy.yml', policy);
    file('many/notes.txt', 'not a manifest');
    const { code, out, err } = await reach(
      join(folder, 'many'),
      '--from',
      'default/fro*',
      '--to',
      'default/web-2',
      '--json',
    );
    expect(JSON.parse(out)).toMatchObject({
      sources: [{ name: 'default/front' }],
      destinations: [{ name: 'default/web[ReplicaSet]', members: ['default/web-1', 'default/web-2'] }],
      pairs: [
        {
          from: 'default/front',
          to: 'default/web[ReplicaSet]',
          state: 'some',
          ports: [{ protocol: 'TCP', first: 80, last: 80 }],
          ingress: { by: { name: 'web', rule: 0 } },
        },
      ],
    });
    expect(err).toBe('');
    expect(code).toBe(0);
    expect((await reach(manifests, '--to', 'default/x')).err).toContain('--to: there is no default/x');
  });

  it.each([
    ['en', 'Who can talk to whom'],
    ['ko', '누가 누구와 통신할 수 있는가'],
  ])('writes a page in %s that needs nothing else', async (lang, title) => {
    const page = join(folder, `${lang}.html`);
    const { code, out } = await reach(manifests, '--html', page, '--lang', lang);
    expect([code, out]).toEqual([0, '']);
    const html = readFileSync(page, 'utf8');
    expect(html).toContain(`<html lang="${lang}">`);
    expect(html).toContain(`<title>${title}</title>`);
    expect(html).not.toMatch(/<script|<link|<img|@import|url\(/);
    const targets = [...html.matchAll(/ href="#([^"]*)"/g)].map(([, id]) => id ?? '');
    expect(targets).toContain('why-0-1');
    for (const id of targets) expect(html).toContain(` id="${id}"`);
  });
});

describe('podwalk reach --diff', () => {
  const pods = file('pods-only.yaml', pod('web') + pod('client') + pod('front'));
  const old = file('old.yaml', policy);

  it('tells what a change opens and closes, and exits as diff does', async () => {
    const now = file('new.yaml', policy.replace('app: front', 'app: client').replace('port: 80', 'port: 81'));
    const { code, out } = await reach(pods, '--diff', old, now);
    expect(out.split('\n').map((line) => line.split(/ {3,}/).slice(0, 4))).toEqual([
      ['', 'FROM', 'TO', 'PORTS'],
      ['+ opened', 'default/client', 'default/web', 'TCP 81'],
      ['- closed', 'default/front', 'default/web', 'TCP 80'],
      [''],
    ]);
    expect(code).toBe(1);
    const { out: json } = await reach('--json', '--diff', old, now, pods);
    expect(JSON.parse(json)).toMatchObject({
      changes: [
        { change: 'opened', ports: [{ protocol: 'TCP', first: 81, last: 81 }], ingress: { by: { rule: 0 } } },
        { change: 'closed', ingress: { reason: 'no-match' } },
      ],
      added: [],
      removed: [],
    });
  });

  it('says so when nothing changes, and names what is on one side only', async () => {
    const same = file('same.yaml', `${policy}---\n${pod('extra')}`);
    expect(await reach(pods, '--diff', old, same)).toEqual({
      code: 0,
      out: 'Nothing opens and nothing closes.\nadded: default/extra\n',
      err: '',
    });
  });

  it('exits with 2 when a side is not as the API server would take it, or missing', async () => {
    const broken = file('broken-diff.yaml', policy.replace('port: 80', 'port: 800000'));
    expect((await reach(pods, '--diff', old, broken)).code).toBe(2);
    expect((await reach(pods, '--diff', old)).err).toContain('--diff needs OLD and NEW');
    expect((await reach(pods, '--diff', old, old, '--html', 'x')).err).toContain('do not go together');
  });
});
