import { describe, expect, test } from 'vitest';
import { CalicoBlocks, HostLocal } from '../../../src/engine/cni/ipam.ts';
import { sha1 } from '../../../src/engine/cni/sha1.ts';
import { formatIp, formatPrefix, parseIp, parsePrefix } from '../../../src/engine/net/address.ts';
import type { Prefix } from '../../../src/engine/net/address.ts';

function prefix(text: string): Prefix {
  const parsed = parsePrefix(text);
  if (parsed === undefined) throw new Error(text);
  return parsed;
}

function take(ipam: { allocate(): number | undefined }, count: number): string[] {
  return Array.from({ length: count }, () => {
    const ip = ipam.allocate();
    return ip === undefined ? 'none' : formatIp(ip);
  });
}

describe('host-local', () => {
  test('hands out addresses from .2 on', () => {
    expect(take(new HostLocal(prefix('10.244.1.0/24')), 3)).toEqual([
      '10.244.1.2',
      '10.244.1.3',
      '10.244.1.4',
    ]);
  });

  test('gives a pod that comes back the next address, not its old one', () => {
    const ipam = new HostLocal(prefix('10.244.1.0/24'));
    take(ipam, 2);
    ipam.release(parseIp('10.244.1.3') ?? 0);
    expect(take(ipam, 1)).toEqual(['10.244.1.4']);
  });

  test('goes around the range and has an end', () => {
    const ipam = new HostLocal(prefix('10.0.0.0/29'));
    expect(take(ipam, 6)).toEqual(['10.0.0.2', '10.0.0.3', '10.0.0.4', '10.0.0.5', '10.0.0.6', 'none']);
    ipam.release(parseIp('10.0.0.4') ?? 0);
    expect(take(ipam, 2)).toEqual(['10.0.0.4', 'none']);
  });

  test.each(['10.0.0.0/30', '10.0.0.0/31', '10.0.0.0/32'])('gives nothing twice in %s', (text) => {
    const got = take(new HostLocal(prefix(text)), 5).filter((ip) => ip !== 'none');
    expect(new Set(got).size).toBe(got.length);
  });

  test('speaks IPv6', () => {
    expect(take(new HostLocal(prefix('fd00:10:244:1::/64')), 2)).toEqual([
      'fd00:10:244:1::2',
      'fd00:10:244:1::3',
    ]);
  });
});

describe("Calico's IPAM", () => {
  test('takes a block of 64 when it needs one, and another when that is full', () => {
    const blocks: string[] = [];
    const ipam = new CalicoBlocks(prefix('10.244.1.0/24'), (block) => blocks.push(formatPrefix(block)));
    expect(blocks).toEqual([]);
    expect(take(ipam, 2)).toEqual(['10.244.1.2', '10.244.1.3']);
    expect(blocks).toEqual(['10.244.1.0/26']);
    take(ipam, 60);
    expect(take(ipam, 1)).toEqual(['10.244.1.64']);
    expect(blocks).toEqual(['10.244.1.0/26', '10.244.1.64/26']);
  });

  test('has an end', () => {
    const ipam = new CalicoBlocks(prefix('10.244.1.0/26'), () => undefined);
    take(ipam, 62);
    expect(take(ipam, 1)).toEqual(['none']);
    ipam.release(parseIp('10.244.1.9') ?? 0);
    expect(take(ipam, 2)).toEqual(['10.244.1.9', 'none']);
  });
});

describe('sha1', () => {
  test.each([
    ['', 'da39a3ee5e6b4b0d3255bfef95601890afd80709'],
    ['abc', 'a9993e364706816aba3e25717850c26c9cd0d89d'],
    ['abcdbcdecdefdefgefghfghighijhijkijkljklmklmnlmnomnopnopq', '84983e441c3bd26ebaae4aa1f95129e5e54670f1'],
  ])('of %j', (text, hash) => {
    expect(sha1(text)).toBe(hash);
  });
});
