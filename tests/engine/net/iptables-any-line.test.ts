import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { parseIp } from '../../../src/engine/net/address.ts';
import { iptables, iptablesSave } from '../../../src/engine/net/iptables.ts';
import { iptablesRestore, splitWords } from '../../../src/engine/net/iptables-restore.ts';
import { MATCHES } from '../../../src/engine/net/match/registry.ts';
import type { Netfilter } from '../../../src/engine/net/netfilter.ts';
import { EMPTY, IpPacket, TCP_NO_OPTIONS, TcpSegment } from '../../../src/engine/net/packet.ts';
import { Skb } from '../../../src/engine/net/skb.ts';
import { TARGETS } from '../../../src/engine/net/target/registry.ts';
import { World } from '../../../src/engine/net/world.ts';

const OPTIONS = [...MATCHES.values(), ...TARGETS.values()].flatMap((extension) =>
  extension.options.map((option) => `--${option.name}`),
);

/** Words that rules are made of, well and badly put together. */
const word = fc.oneof(
  {
    weight: 6,
    arbitrary: fc.constantFrom('-A', '-I', '-D', '-C', '-R', '-N', '-X', '-E', '-P', '-F', '-Z', '-L', '-S'),
  },
  {
    weight: 6,
    arbitrary: fc.constantFrom('INPUT', 'FORWARD', 'OUTPUT', 'PREROUTING', 'POSTROUTING', 'mine', 'yours'),
  },
  {
    weight: 8,
    arbitrary: fc.constantFrom(
      '-s',
      '-d',
      '-p',
      '-i',
      '-o',
      '-j',
      '-g',
      '-m',
      '-t',
      '!',
      '-f',
      '-n',
      '-v',
      '-c',
    ),
  },
  { weight: 8, arbitrary: fc.constantFrom(...MATCHES.keys(), ...TARGETS.keys()) },
  { weight: 8, arbitrary: fc.constantFrom(...OPTIONS) },
  {
    weight: 8,
    arbitrary: fc.constantFrom(
      '10.0.0.1',
      '10.0.0.0/8',
      'tcp',
      'udp',
      'icmp',
      '80',
      '1:2',
      '0x1/0x2',
      'NEW',
      'nat',
      'eth0',
      'src',
    ),
  },
  { weight: 1, arbitrary: fc.string({ maxLength: 12 }) },
);
const line = fc.array(word, { maxLength: 12 });
/** Most of these are whole options, so that rules come about. */
const rule = fc
  .array(
    fc.constantFrom(
      '-s 10.0.0.0/8',
      '! -d 10.0.0.1',
      '-i eth+',
      '-p tcp',
      '! -p udp',
      '--dport 80',
      '-m tcp --sport 1:2',
      '-m multiport --ports 1,2:3',
      '-m conntrack --ctstate NEW,DNAT',
      '-m conntrack ! --ctorigdst 10.0.0.1 --ctexpire 1:2',
      '-m mark ! --mark 1/3',
      '-m statistic --mode nth --every 3 --packet 1',
      '-m statistic --mode random --probability 0.123',
      '-m recent --set --name x',
      '-m limit --limit 7/min',
      '-m addrtype --dst-type LOCAL,BROADCAST',
      '-m comment --comment "a \\"b\\" c"',
      '-m length --length 5:',
      '-m iprange --src-range 1.1.1.1-2.2.2.2',
      '-j ACCEPT',
      '-j MARK --set-mark 3/5',
      '-j LOG --log-prefix "x y"',
      '-j REJECT --reject-with icmp-host-prohibited',
      '-j DNAT --to-destination 10.0.0.1:80-90 --random',
      '-j MASQUERADE --random-fully',
      '-j mine',
      '-g mine',
      '-t nat',
      '-t mangle',
    ),
    { maxLength: 5 },
  )
  .chain((parts) =>
    fc
      .constantFrom('INPUT', 'PREROUTING', 'POSTROUTING', 'mine')
      .map((chain) => ['-A', chain, ...splitWords(parts.join(' '))]),
  );
const anyLine = fc.oneof(
  line,
  rule,
  rule,
  rule,
  fc.constant(['-N', 'mine']),
  fc.constant(['-t', 'nat', '-N', 'mine']),
);

function netfilter(): Netfilter {
  return new World().createNetns('node').netfilter;
}

describe('any line of iptables', () => {
  it('is answered, never thrown, and what it leaves prints as rules that make the same', () => {
    fc.assert(
      fc.property(fc.array(anyLine, { maxLength: 12 }), (lines) => {
        const first = netfilter();
        for (const args of lines) {
          const { error, exitCode } = iptables(first, 'ipv4', args);
          if (exitCode !== 0) expect(error).not.toBe('');
        }
        const saved = iptablesSave(first, 'ipv4', [], 'DATE').out;
        const second = netfilter();
        expect(iptablesRestore(second, 'ipv4', [], saved).error).toBe('');
        expect(iptablesSave(second, 'ipv4', [], 'DATE').out).toBe(saved);
      }),
      { numRuns: 300 },
    );
  });

  it('leaves hooks that any packet gets through or not', () => {
    const packet = new IpPacket(
      parseIp('10.0.0.1') ?? 0,
      parseIp('10.0.0.2') ?? 0,
      6,
      64,
      0,
      1,
      true,
      false,
      0,
      new TcpSegment(1, 2, 3, 4, 2, 5, TCP_NO_OPTIONS, EMPTY),
    );
    fc.assert(
      fc.property(fc.array(anyLine, { maxLength: 12 }), (lines) => {
        const ns = new World().createNetns('node');
        for (const args of lines) iptables(ns.netfilter, 'ipv4', args);
        const skb = new Skb(ns, packet, 1);
        for (const point of ['PREROUTING', 'INPUT'] as const)
          expect(['ACCEPT', 'DROP']).toContain(ns.netfilter.hook(point, skb));
      }),
      { numRuns: 300 },
    );
  });

  it('is split into words whatever it holds', () => {
    fc.assert(
      fc.property(fc.string(), (text) => {
        expect(splitWords(text).every((part) => typeof part === 'string')).toBe(true);
        iptablesRestore(netfilter(), 'ipv4', [], `*filter\n${text}\nCOMMIT\n`);
      }),
    );
  });
});
