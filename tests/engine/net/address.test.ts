import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import {
  addIp,
  compareIp,
  formatIp,
  formatMac,
  formatPrefix,
  isGroupMac,
  lastIp,
  maskIp,
  parseIp,
  parseMac,
  parsePrefix,
  prefixContains,
} from '../../../src/engine/net/address.ts';

describe('an address', () => {
  it.each([
    '0.0.0.0',
    '10.244.1.2',
    '255.255.255.255',
    '::',
    '::1',
    'fe80::1',
    'fd00:10:244:1::2',
    '2001:db8:0:1:1:1:1:1',
    '2001:db8::1:0:0:1',
  ])('%s is read and written', (text) => {
    const value = parseIp(text);
    expect(value === undefined ? undefined : formatIp(value)).toBe(text);
  });

  it.each([
    ['2001:DB8:0:0:1:0:0:1', '2001:db8::1:0:0:1'],
    ['::ffff:10.0.0.1', '::ffff:a00:1'],
    ['1:0:0:2:0:0:0:3', '1:0:0:2::3'],
  ])('%s is written as RFC 5952 wants it', (text, canonical) => {
    expect(formatIp(parseIp(text) ?? 0)).toBe(canonical);
  });

  it.each([
    '',
    '1.2.3',
    '1.2.3.4.5',
    '256.1.1.1',
    '01.2.3.4',
    '1.2.3.x',
    ':',
    ':::',
    '1::2::3',
    '1:2:3:4:5:6:7',
    '12345::',
    'g::',
  ])('%j is none', (text) => {
    expect(parseIp(text)).toBe(undefined);
  });

  it('is the same number for the same bits', () => {
    expect(parseIp('fd00::1')).toBe(parseIp('fd00:0::0001'));
  });

  it('never makes the parser throw', () => {
    fc.assert(fc.property(fc.string(), (text) => void [parseIp(text), parsePrefix(text), parseMac(text)]));
  });

  it('counts on, and sorts by value in both families', () => {
    expect(formatIp(addIp(parseIp('10.0.0.255') ?? 0, 1))).toBe('10.0.1.0');
    expect(formatIp(addIp(parseIp('fd00::ffff:ffff') ?? 0, 2))).toBe('fd00::1:0:1');
    const sorted = ['fd00::2', '10.0.0.2', 'fd00::1', '9.0.0.1']
      .map((text) => parseIp(text) ?? 0)
      .sort(compareIp);
    expect(sorted.map(formatIp)).toEqual(['9.0.0.1', '10.0.0.2', 'fd00::1', 'fd00::2']);
  });
});

describe('a prefix', () => {
  it.each([
    ['10.244.1.7/24', '10.244.1.0/24', '10.244.1.255'],
    ['10.0.0.1', '10.0.0.1/32', '10.0.0.1'],
    ['0.0.0.0/0', '0.0.0.0/0', '255.255.255.255'],
    ['fd00:1:2:3::4/64', 'fd00:1:2:3::/64', 'fd00:1:2:3:ffff:ffff:ffff:ffff'],
    ['fd00::4/36', 'fd00::/36', 'fd00:0:fff:ffff:ffff:ffff:ffff:ffff'],
  ])('%s is %s and ends at %s', (text, canonical, last) => {
    const prefix = parsePrefix(text);
    if (prefix === undefined) throw new Error(text);
    expect(formatPrefix(prefix)).toBe(canonical);
    expect(formatIp(lastIp(prefix))).toBe(last);
  });

  it.each(['10.0.0.0/33', '10.0.0.0/', '10.0.0.0/8/8', 'fd00::/129', '/8'])('%j is none', (text) => {
    expect(parsePrefix(text)).toBe(undefined);
  });

  it('contains an address exactly when masking gives its network', () => {
    fc.assert(
      fc.property(fc.nat(0xffffffff), fc.nat(0xffffffff), fc.nat(32), (a, b, length) => {
        const prefix = { ip: maskIp(a, length), length };
        expect(prefixContains(prefix, b)).toBe(maskIp(b, length) === prefix.ip);
      }),
    );
  });

  it('never contains the other family', () => {
    expect(prefixContains({ ip: 0, length: 0 }, parseIp('::1') ?? 0)).toBe(false);
    expect(prefixContains({ ip: parseIp('::') ?? 0, length: 0 }, 1)).toBe(false);
  });
});

describe('a MAC', () => {
  it.each(['00:00:00:00:00:00', '0a:58:0a:f4:01:02', 'ee:ee:ee:ee:ee:ee', 'ff:ff:ff:ff:ff:ff'])(
    '%s is read and written',
    (text) => {
      expect(formatMac(parseMac(text) ?? -1)).toBe(text);
    },
  );

  it('is a group address when its lowest first bit says so', () => {
    expect(
      ['01:00:5e:00:00:01', 'ff:ff:ff:ff:ff:ff', '02:00:00:00:00:01'].map((text) =>
        isGroupMac(parseMac(text) ?? 0),
      ),
    ).toEqual([true, true, false]);
  });
});
