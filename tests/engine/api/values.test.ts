import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { cidrContains, formatAddress, parseAddress, parseCidr } from '../../../src/engine/api/address.ts';
import { microsecondsOf, timestampOf } from '../../../src/engine/api/clock.ts';
import { drawSuffix, drawUid } from '../../../src/engine/api/draw.ts';
import {
  modelledKinds,
  objectPrefix,
  resourceKinds,
  resourceNamed,
  resourceOfKind,
} from '../../../src/engine/api/kinds.ts';
import { labelOf, matchesSelector } from '../../../src/engine/api/labels.ts';
import { quantityValue } from '../../../src/engine/api/quantity.ts';
import type { LabelSelector } from '../../../src/engine/api/types.ts';

describe('times', () => {
  test.each([
    [0, '2026-01-01T00:00:00Z'],
    [999_999, '2026-01-01T00:00:00Z'],
    [59 * 86_400 * 1e6, '2026-03-01T00:00:00Z'],
    [(365 + 365 + 59) * 86_400 * 1e6, '2028-02-29T00:00:00Z'],
    [-1_000_000, '2025-12-31T23:59:59Z'],
  ])('%d µs is %s', (microseconds, text) => {
    expect(timestampOf(microseconds)).toBe(text);
  });

  test('every second reads back as itself', () => {
    fc.assert(
      fc.property(fc.integer({ min: -1e9, max: 4e9 }), (seconds) => {
        expect(microsecondsOf(timestampOf(seconds * 1e6))).toBe(seconds * 1e6);
      }),
    );
  });

  test.each(['', 'yesterday', '2026-13-01T00:00:00Z', '2026-01-01', '2026-01-01T24:00:00Z'])(
    '%j is no time',
    (text) => {
      expect(microsecondsOf(text)).toBeUndefined();
    },
  );

  test('zones and fractions are understood', () => {
    expect(microsecondsOf('2026-01-01T09:00:00.5+09:00')).toBe(0);
  });
});

describe('addresses', () => {
  test.each([
    ['10.244.1.2', '10.244.1.2'],
    ['::', '::'],
    ['2001:DB8:0:0:0:0:0:1', '2001:db8::1'],
    ['::ffff:10.0.0.1', '::ffff:a00:1'],
    ['1:0:0:2:0:0:0:3', '1:0:0:2::3'],
    ['fe80::1', 'fe80::1'],
  ])('%s is written %s', (text, canonical) => {
    const address = parseAddress(text);
    expect(address && formatAddress(address)).toBe(canonical);
  });

  test.each([
    '',
    '10.0.0',
    '10.0.0.256',
    '010.0.0.1',
    '1.2.3.4.5',
    ':::',
    '1::2::3',
    '12345::',
    '1:2:3:4:5:6:7',
    '1:2:3:4:5:6:7:8:9',
    'None',
  ])('%j is none', (text) => {
    expect(parseAddress(text)).toBeUndefined();
  });

  test.each(['10.0.0.0', '10.0.0.0/33', '10.0.0.0/-1', '10.0.0.0/08', '::/129', '/24'])(
    '%j is no range',
    (text) => {
      expect(parseCidr(text)).toBeUndefined();
    },
  );

  test.each([
    ['10.96.0.0/12', '10.111.255.255', true],
    ['10.96.0.0/12', '10.112.0.0', false],
    ['0.0.0.0/0', '1.2.3.4', true],
    ['fd00::/8', 'fdff::1', true],
    ['::/0', '1.2.3.4', false],
  ])('%s has %s: %s', (range, ip, expected) => {
    const [cidr, address] = [parseCidr(range), parseAddress(ip)];
    expect(cidr && address && cidrContains(cidr, address)).toBe(expected);
  });
});

describe('label selectors', () => {
  const labels = { app: 'web', tier: 'front' };
  test.each<[string, LabelSelector | null | undefined, boolean]>([
    ['null matches nothing', null, false],
    ['an empty one matches everything', {}, true],
    ['equality', { matchLabels: { app: 'web' } }, true],
    ['inequality', { matchLabels: { app: 'db' } }, false],
    ['In', { matchExpressions: [{ key: 'app', operator: 'In', values: ['db', 'web'] }] }, true],
    ['In without the label', { matchExpressions: [{ key: 'zone', operator: 'In', values: ['a'] }] }, false],
    [
      'NotIn without the label',
      { matchExpressions: [{ key: 'zone', operator: 'NotIn', values: ['a'] }] },
      true,
    ],
    ['NotIn', { matchExpressions: [{ key: 'app', operator: 'NotIn', values: ['web'] }] }, false],
    ['Exists', { matchExpressions: [{ key: 'tier', operator: 'Exists' }] }, true],
    ['DoesNotExist', { matchExpressions: [{ key: 'tier', operator: 'DoesNotExist' }] }, false],
    [
      'both halves count',
      { matchLabels: { app: 'web' }, matchExpressions: [{ key: 'tier', operator: 'DoesNotExist' }] },
      false,
    ],
    [
      "the prototype's names are no labels",
      { matchExpressions: [{ key: 'constructor', operator: 'Exists' }] },
      false,
    ],
  ])('%s', (_, selector, expected) => {
    expect(matchesSelector(selector, labels)).toBe(expected);
  });

  test('a label is only what was written', () => {
    expect([labelOf(labels, 'toString'), labelOf(labels, 'app'), labelOf(undefined, 'app')]).toEqual([
      undefined,
      'web',
      undefined,
    ]);
  });
});

test.each([
  ['1', 1],
  ['250m', 0.25],
  ['1.5', 1.5],
  ['1Gi', 1_073_741_824],
  ['1k', 1000],
  ['1e3', 1000],
  ['.5', 0.5],
  ['100n', 1e-7],
  [2, 2],
  ['lots', undefined],
  [undefined, undefined],
])('the quantity %s is %s', (text, value) => {
  const number = quantityValue(text);
  if (value === undefined) expect(number).toBeUndefined();
  else expect(number).toBeCloseTo(value, 12);
});

describe('what is drawn', () => {
  test('depends on seed, purpose and round, and on nothing else', () => {
    const suffixes = [
      drawSuffix(1, 'web-', 0),
      drawSuffix(1, 'web-', 1),
      drawSuffix(1, 'web.', 0),
      drawSuffix(2, 'web-', 0),
    ];
    expect(new Set(suffixes).size).toBe(4);
    expect(drawSuffix(1, 'web-', 0)).toBe(suffixes[0]);
    for (const suffix of suffixes) expect(suffix).toMatch(/^[bcdfghjklmnpqrstvwxz2456789]{5}$/);
  });

  test('uids are version 4 UUIDs, and do not repeat', () => {
    const uids = Array.from({ length: 2000 }, (_, i) =>
      drawUid(1, `Pod/default/p${i % 100}`, Math.floor(i / 100)),
    );
    expect(new Set(uids).size).toBe(2000);
    for (const uid of uids)
      expect(uid).toMatch(/^[\da-f]{8}-[\da-f]{4}-4[\da-f]{3}-[89ab][\da-f]{3}-[\da-f]{12}$/);
  });
});

describe('kinds', () => {
  test.each([
    ['po', 'Pod'],
    ['pods', 'Pod'],
    ['svc', 'Service'],
    ['deploy', 'Deployment'],
    ['deployments.apps', 'Deployment'],
    ['deployments.v1.apps', 'Deployment'],
    ['Ingress', 'Ingress'],
    ['netpol', 'NetworkPolicy'],
    ['no', 'Node'],
    ['anp', 'AdminNetworkPolicy'],
  ])('%s is %s', (argument, kind) => {
    expect(resourceNamed(argument)?.kind).toBe(kind);
  });

  test.each(['foo', 'deployments.batch', 'constructor', ''])('%j is none', (argument) => {
    expect(resourceNamed(argument)).toBeUndefined();
  });

  test('twenty have an effect, and no name means two', () => {
    expect(modelledKinds).toHaveLength(20);
    const names = resourceKinds.flatMap(({ plural, singular, shortNames }) => [
      plural,
      ...(singular === plural ? [] : [singular]),
      ...shortNames,
    ]);
    expect(new Set(names).size).toBe(names.length);
  });

  test('objects are named with their group', () => {
    const prefix = (kind: string) => {
      const resource = resourceOfKind(kind);
      return resource && objectPrefix(resource);
    };
    expect([prefix('Pod'), prefix('Deployment')]).toEqual(['pod', 'deployment.apps']);
  });
});
