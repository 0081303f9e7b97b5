import { describe, expect, it } from 'vitest';
import { headerDiff, notableChanges } from '../../../components/layout/header-diff.ts';
import { packetLabel } from '../../../components/layout/packet-label.ts';
import type { Layer } from '../../../src/engine/capture/record.ts';

const eth = (dst: string): Layer => ({ kind: 'eth', src: '0a:58:0a:f4:01:02', dst, type: 'IPv4' });
const ip = (ttl: number, dst = '10.244.2.2'): Layer => ({
  kind: 'ipv4',
  src: '10.244.1.2',
  dst,
  ttl,
  id: 1,
  df: true,
  mf: false,
  offset: 0,
  protocol: 'TCP',
  length: 60,
  tos: 0,
});
const tcp = (dport: number, flags = 'S', length = 0): Layer => ({
  kind: 'tcp',
  sport: 40001,
  dport,
  flags,
  seq: 1,
  ack: 0,
  window: 64860,
  options: '',
  length,
});
const outer: Layer[] = [
  eth('02:00:c0:a8:32:0c'),
  { ...ip(64, '192.168.50.12'), src: '192.168.50.11', protocol: 'UDP' } as Layer,
  { kind: 'udp', sport: 51321, dport: 8472, length: 82 },
  { kind: 'vxlan', vni: 1 },
];

describe('headers before and after a hop', () => {
  it('mark the field that changed and no other', () => {
    const diff = headerDiff([ip(64), tcp(80)], [ip(63), tcp(80)]);
    expect(diff.map((layer) => layer.status)).toEqual(['changed', 'same']);
    expect(diff[0]?.fields.filter((field) => field.changed)).toEqual([
      { name: 'ttl', before: '64', after: '63', changed: true },
    ]);
  });
  it('show a wrapping as layers added outside of the packet', () => {
    const inner = [eth('a'), ip(63), tcp(80)];
    const diff = headerDiff(inner, [...outer, ...inner]);
    expect(diff.map((layer) => `${layer.kind} ${layer.status}`)).toEqual([
      'eth added',
      'ipv4 added',
      'udp added',
      'vxlan added',
      'eth same',
      'ipv4 same',
      'tcp same',
    ]);
    expect(notableChanges(diff)).toContain('+ VXLAN');
  });
  it('show an unwrapping as layers removed', () => {
    const inner = [eth('a'), ip(63), tcp(80)];
    expect(notableChanges(headerDiff([...outer, ...inner], inner))).toEqual(['− VXLAN']);
  });
  it('name addresses and ports that NAT rewrote', () => {
    expect(
      notableChanges(headerDiff([ip(64, '10.96.0.20'), tcp(80)], [ip(64, '10.244.1.3'), tcp(8080)])),
    ).toEqual(['dst 10.96.0.20 → 10.244.1.3', 'dport 80 → 8080']);
  });
  it('are shown as they are where a frame is seen first', () => {
    expect(headerDiff(undefined, [ip(64)]).every((layer) => layer.status === 'same')).toBe(true);
  });
});

describe('what is written on a packet', () => {
  it.each<readonly [string, Layer[], string, string]>([
    ['a SYN', [ip(64), tcp(80)], 'SYN', '40001→80'],
    [
      'a request',
      [ip(64), tcp(80, 'P.', 40), { kind: 'payload', length: 40, text: 'GET / HTTP/1.1' }],
      'HTTP GET',
      '40001→80',
    ],
    [
      'an answer',
      [ip(64), tcp(80, 'P.', 40), { kind: 'payload', length: 40, text: 'HTTP/1.1 200 OK' }],
      'HTTP 200',
      '40001→80',
    ],
    ['other data', [ip(64), tcp(80, 'P.', 40)], 'TCP 40 B', '40001→80'],
    ['a reset', [ip(64), tcp(80, 'R.')], 'RST', '40001→80'],
    [
      'an ARP request',
      [
        eth('ff:ff:ff:ff:ff:ff'),
        { kind: 'arp', op: 'request', senderMac: '', senderIp: '', targetMac: '', targetIp: '10.244.1.1' },
      ],
      'ARP',
      '10.244.1.1?',
    ],
    [
      'a name lookup',
      [ip(64), { kind: 'udp', sport: 5, dport: 53, length: 9 }, { kind: 'dns', text: 'A? web.', length: 9 }],
      'DNS',
      '5→53',
    ],
  ])('%s', (_name, layers, title, detail) => {
    expect(packetLabel(layers)).toEqual({ title, detail });
  });
  it('a packet in a tunnel has what it is wrapped in', () => {
    expect(packetLabel([...outer, eth('a'), ip(63), tcp(80)])).toEqual({
      title: 'SYN',
      detail: '40001→80',
      outer: { title: 'VXLAN', detail: 'UDP 8472' },
    });
  });
});
