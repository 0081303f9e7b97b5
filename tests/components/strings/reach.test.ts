import { describe, expect, it } from 'vitest';
import { reachEn } from '../../../components/strings/reach/en.ts';
import { reachKo } from '../../../components/strings/reach/ko.ts';
import { portsText } from '../../../components/strings/reach/words.ts';
import type { LabelMismatch, Mismatch, NearMiss, SideVerdict } from '../../../src/engine/verdict.ts';

const asked = { from: 'shop/front', to: 'shop/web', protocol: 'TCP', port: 80 };
const rule = { kind: 'NetworkPolicy', namespace: 'shop', name: 'web', rule: 1 } as const;
const admin = { kind: 'AdminNetworkPolicy', name: 'guard', rule: 0, ruleName: 'no-telnet' } as const;

const mismatches: { readonly [C in Mismatch['code']]: Mismatch } = {
  port: { code: 'port', listed: ['TCP 81', 'UDP'] },
  'pod-label': { code: 'pod-label', key: 'app', operator: 'In', values: ['a'], actual: 'b' },
  'namespace-label': { code: 'namespace-label', key: 'team', operator: 'NotIn', values: ['a', 'b'] },
  namespace: { code: 'namespace', wanted: 'shop', actual: 'other' },
  cidr: { code: 'cidr', cidr: '10.0.0.0/8' },
  except: { code: 'except', cidr: '10.0.0.0/8', except: '10.1.0.0/16' },
  'not-a-pod': { code: 'not-a-pod' },
  nobody: { code: 'nobody' },
};
const near: readonly NearMiss[] = Object.values(mismatches).flatMap((missing) => [
  { ...rule, fits: ['namespace', 'port'], missing: [missing] },
  { ...admin, fits: [], missing: [missing, mismatches.port] },
]);
const selecting = [admin, rule].map(({ kind, name, ...rest }) => ({
  kind,
  name,
  ...('namespace' in rest ? { namespace: rest.namespace } : {}),
}));
const sides: readonly SideVerdict[] = [
  { allowed: true, reason: 'outside', selecting: [], near: [] },
  { allowed: true, reason: 'unselected', selecting: [], near: [] },
  { allowed: true, reason: 'unselected', selecting, passed: admin, near: [] },
  { allowed: true, reason: 'rule', selecting, by: rule, passed: admin, near: [] },
  { allowed: false, reason: 'rule', selecting, by: admin, near },
  { allowed: false, reason: 'no-match', selecting, passed: admin, near },
];

describe.each([reachEn, reachKo])('sentences about verdicts in $language', (strings) => {
  it('say every reason and every near miss whole', () => {
    const said = [
      ...sides.flatMap((side) => [
        strings.verdict.side(side, 'ingress', asked),
        strings.verdict.side(side, 'egress', asked),
      ]),
      ...near.map((one) => strings.verdict.near(one, asked)),
    ];
    for (const sentence of said) {
      expect(sentence).not.toMatch(/undefined|\[object|NaN| {2}/);
      expect(sentence.trim()).toBe(sentence);
      expect(/[가-힣]/.test(sentence)).toBe(strings.language === 'ko');
    }
    expect(new Set(said).size).toBe(said.length);
  });

  it('tell of both sides when all is well, and of those that refuse when not', () => {
    const [outside, , , , denied] = sides;
    if (outside === undefined || denied === undefined) throw new Error('no sides');
    const sentence = strings.verdict.reason({ allowed: false, egress: outside, ingress: denied }, asked);
    expect(sentence).toBe(strings.verdict.side(denied, 'ingress', asked));
    expect(strings.verdict.reason({ allowed: true, egress: outside, ingress: outside }, asked)).toContain(
      strings.verdict.side(outside, 'ingress', asked),
    );
  });
});

describe('ports in words', () => {
  const tcp = (first: number, last = first) => ({ protocol: 'TCP', first, last }) as const;
  const rest = [
    { protocol: 'UDP', first: 1, last: 65_535 },
    { protocol: 'SCTP', first: 1, last: 65_535 },
  ] as const;
  it.each([
    [[], 'none'],
    [[tcp(80), tcp(8000, 8100), { protocol: 'UDP', first: 53, last: 53 }], 'TCP 80,8000-8100 · UDP 53'],
    [[tcp(1, 65_535)], 'TCP'],
    [[tcp(1, 65_535), ...rest], 'all'],
    [[tcp(1, 22), tcp(24, 65_535), ...rest], 'all but TCP 23'],
    [[...rest], 'UDP · SCTP'],
  ] as const)('%j are %s', (ranges, text) => {
    expect(portsText(ranges, reachEn)).toBe(text);
  });
});

describe('requirements', () => {
  it.each([
    [{ key: 'app', operator: 'In', values: ['a'] }, 'app=a'],
    [{ key: 'app', operator: 'In', values: ['a', 'b'] }, 'app in (a, b)'],
    [{ key: 'app', operator: 'NotIn', values: ['a'] }, 'app!=a'],
    [{ key: 'app', operator: 'NotIn', values: ['a', 'b'] }, 'app notin (a, b)'],
    [{ key: 'app', operator: 'Exists', values: [] }, 'app'],
    [{ key: 'app', operator: 'DoesNotExist', values: [] }, '!app'],
  ] as const satisfies readonly (readonly [LabelMismatch, string])[])('%j are written %s', (one, text) => {
    const miss = { ...rule, fits: [], missing: [{ code: 'pod-label', ...one }] } as const;
    expect(reachEn.verdict.near(miss, asked)).toContain(`the pod label ${text} (`);
    expect(reachKo.verdict.near(miss, asked)).toContain(text);
  });
});
