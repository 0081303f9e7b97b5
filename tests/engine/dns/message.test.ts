import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { decodeMessage, encodeMessage, query, summarizeMessage } from '../../../src/engine/dns/message.ts';
import type { DnsMessage, Rdata } from '../../../src/engine/dns/message.ts';

const every: readonly Rdata[] = [
  { type: 'A', address: '10.96.0.10' },
  { type: 'AAAA', address: '2001:db8::1' },
  { type: 'CNAME', target: 'www.example.com.' },
  { type: 'NS', target: 'ns.example.com.' },
  { type: 'PTR', target: 'web.default.svc.cluster.local.' },
  { type: 'MX', preference: 10, target: 'mail.example.com.' },
  { type: 'TXT', texts: ['1.1.0', 'é'] },
  { type: 'SRV', priority: 0, weight: 33, port: 443, target: 'a.web.default.svc.cluster.local.' },
  {
    type: 'SOA',
    mname: 'ns.',
    rname: 'h.',
    serial: 4294967295,
    refresh: 7200,
    retry: 1800,
    expire: 86400,
    minimum: 30,
  },
];

function answerOf(answers: readonly Rdata[]): DnsMessage {
  const name = 'web.default.svc.cluster.local.';
  return {
    ...query(7, name, 'A'),
    response: true,
    authoritative: true,
    recursionAvailable: true,
    answers: answers.map((data) => ({ name, ttl: 30, data })),
    udpSize: 1232,
  };
}

describe('messages', () => {
  test('come back as they were sent, whatever is in them', () => {
    const message = answerOf(every);
    expect(decodeMessage(encodeMessage(message))).toEqual(message);
  });

  test('say a name once and point to it afterwards', () => {
    const one = encodeMessage(answerOf(every.slice(0, 1))).length;
    const two = encodeMessage(answerOf([...every.slice(0, 1), ...every.slice(0, 1)])).length;
    expect(two - one).toBe(2 + 2 + 2 + 4 + 2 + 4);
  });

  test('are read from any bytes without harm', () => {
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 80 }), (bytes) => {
        const message = decodeMessage(bytes);
        if (message !== undefined) encodeMessage(message);
      }),
      { seed: 1, numRuns: 2000 },
    );
  });

  test('that point in circles are none', () => {
    const bytes = Uint8Array.from([0, 1, 0, 0, 0, 1, 0, 0, 0, 0, 0, 0, 0xc0, 12, 0, 1, 0, 1]);
    expect(decodeMessage(bytes)).toBeUndefined();
  });

  test.each([
    [query(5, 'web', 'AAAA'), '5+ AAAA? web. (21)'],
    [answerOf(every.slice(0, 1)), '7* 1/0/0 A 10.96.0.10 (21)'],
    [{ ...answerOf([]), rcode: 'NXDOMAIN' as const }, '7 NXDomain* 0/0/0 (21)'],
  ])('are summarised in the words of tcpdump', (message, wanted) => {
    expect(summarizeMessage(message, 21)).toBe(wanted);
  });
});
