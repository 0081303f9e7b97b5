import { readFileSync } from 'node:fs';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { parseIp } from '../../../src/engine/net/address.ts';
import { iptables } from '../../../src/engine/net/iptables.ts';
import { splitWords } from '../../../src/engine/net/iptables-restore.ts';
import { createDummy } from '../../../src/engine/net/link.ts';
import type { Netns } from '../../../src/engine/net/netns.ts';
import { runNft, type NftResult } from '../../../src/engine/net/nft/command.ts';
import { EMPTY, IpPacket, TCP_NO_OPTIONS, TCP_SYN, TcpSegment } from '../../../src/engine/net/packet.ts';
import { Skb, type HookPoint } from '../../../src/engine/net/skb.ts';
import { Trace } from '../../../src/engine/net/trace.ts';
import { World } from '../../../src/engine/net/world.ts';

function node(): Netns {
  const ns = new World({ seed: 7 }).createNetns('node', { kind: 'node' });
  for (const name of ['eth0', 'cni0']) createDummy(ns, name);
  return ns;
}

function nft(ns: Netns, line: string): NftResult {
  const letters = /^(?:-([a-z]+) )?(.*)$/s.exec(line);
  const options = letters?.[1] ?? '';
  return runNft(
    ns.netfilter.nft,
    { text: `${letters?.[2] ?? ''}\n` },
    {
      handles: options.includes('a'),
      stateless: options.includes('s'),
      terse: options.includes('t'),
      numericPriority: options.includes('y'),
      echo: options.includes('e'),
      check: options.includes('c'),
    },
    {
      now: ns.world.now,
      hasInterface: (name) => ns.devices.has(name),
      iptables: [ns.netfilter.v4, ns.netfilter.v6],
    },
  );
}

function loaded(text: string): Netns {
  const ns = node();
  expect(nft(ns, text).error).toBe('');
  return ns;
}

function read(file: string): string {
  return readFileSync(new URL(file, import.meta.url), 'utf8');
}

function printed({ out, error, exitCode }: NftResult): string {
  return `${out}${error}rc=${exitCode}\n`.replaceAll(/[ \t]+$/gm, '');
}

/** Recorded from nft 1.0.6 in an empty network namespace: `+ COMMAND`, what it printed, `rc=EXIT`; trailing blanks are cut. */
describe('nft, as in nft-commands.txt', () => {
  const ns = node();
  const cases = read('nft-commands.txt')
    .split(/^\+ nft /m)
    .slice(1)
    .map((part) => [part.slice(0, part.indexOf('\n')), part.slice(part.indexOf('\n') + 1)] as const);
  it.each(cases)('%s', (command, expected) => {
    expect(printed(nft(ns, command))).toBe(expected);
  });
});

/** Likewise: a rule as it is added and, behind `=`, as `nft list chain` has it; or the error. */
describe.each(
  read('nft-rules.txt')
    .split(/^# /m)
    .slice(1)
    .map((part) => [part.slice(0, part.indexOf('\n')), part.slice(part.indexOf('\n') + 1)] as const),
)('a rule in a chain %s', (kind, text) => {
  const [family = '', ...type] = kind.split(' ');
  const cases = text
    .split(/^\+ /m)
    .slice(1)
    .map((part) => [part.slice(0, part.indexOf('\n')), part.slice(part.indexOf('\n') + 1)] as const);
  it.each(cases)('%s', (rule, expected) => {
    const ns = node();
    const made = nft(
      ns,
      `table ${family} t {
        set s1 { type ipv4_addr; }
        set cs { type ipv4_addr . inet_service; }
        set dyn { type ipv4_addr; flags dynamic,timeout; timeout 1h; }
        map m1 { type ipv4_addr . inet_proto . inet_service : verdict; }
        chain c2 { }
        chain c { type ${type.join(' ')}; }
      }`,
    );
    expect(made.error).toBe('');
    const added = nft(ns, `add rule ${family} t c ${rule}`);
    const listed = nft(ns, `list chain ${family} t c`).out.split('\n').slice(3, -3);
    const rows = listed.map((line) => `= ${line.trim()}\n`).join('');
    expect(added.exitCode === 0 ? rows : printed(added)).toBe(expected);
  });
});

/** Recorded likewise: what iptables appended, in any table, as `nft list chain` has it. */
describe('a rule of iptables in nft', () => {
  const cases = read('iptables-as-nft.txt')
    .split(/^\+ /m)
    .slice(1)
    .map((part) => [part.slice(0, part.indexOf('\n')), part.slice(part.indexOf('\n') + 1)] as const);
  it.each(cases)('%s', (line, expected) => {
    const ns = node();
    const six = line.startsWith('6 ');
    const family = six ? 'ipv6' : 'ipv4';
    const [table = '', chain = '', ...words] = splitWords(six ? line.slice(2) : line);
    iptables(ns.netfilter, family, ['-t', table, '-N', chain]);
    expect(iptables(ns.netfilter, family, ['-t', table, '-A', chain, ...words]).error).toBe('');
    const { out } = nft(ns, `list chain ${six ? 'ip6' : 'ip'} ${table} ${chain}`);
    const rows = out.split('\n').slice(2, -3);
    expect(rows.map((row) => row.replace('\t\t', '= '))).toEqual(expected.trimEnd().split('\n'));
  });

  it('is listed beside nftables’ own, with a warning where it holds an extension', () => {
    const ns = loaded('table inet own { }');
    iptables(ns.netfilter, 'ipv4', splitWords('-A INPUT -m comment --comment x -j ACCEPT'));
    const { out, error } = nft(ns, 'list ruleset');
    expect(out).toBe(`table ip filter {
\tchain INPUT {
\t\ttype filter hook input priority filter; policy accept;
\t\t counter packets 0 bytes 0 accept
\t}
}
table inet own {
}
`);
    expect(error).toBe('# Warning: table ip filter is managed by iptables-nft, do not touch!\n');
    expect(nft(ns, 'add chain ip filter mine').error).toContain('managed by iptables-nft');
  });
});

interface Fate {
  readonly verdict: 'ACCEPT' | 'DROP';
  readonly skb: Skb;
  /** Rules and policies of nftables and iptables, in order. */
  readonly decided: readonly string[];
}

/** A SYN at one hook. */
function send(ns: Netns, hook: HookPoint, src = '10.0.0.1', dst = '10.0.0.2', dport = 80): Fate {
  const { world } = ns;
  const trace = new Trace();
  world.tracer = trace;
  const segment = new TcpSegment(40000, dport, 1, 0, TCP_SYN, 64240, TCP_NO_OPTIONS, EMPTY);
  const packet = new IpPacket(parseIp(src) ?? 0, parseIp(dst) ?? 0, 6, 64, 0, 1, true, false, 0, segment);
  const skb = new Skb(ns, packet, world.newWalk());
  const eth0 = ns.devices.get('eth0');
  if (hook === 'OUTPUT' || hook === 'POSTROUTING') skb.outDev = eth0;
  else skb.inDev = eth0;
  const verdict = ns.netfilter.hook(hook, skb);
  world.tracer = undefined;
  const decided = trace.events.flatMap((event) => {
    if (event.kind !== 'decision') return [];
    const { decision } = event;
    if (decision.code === 'nft-rule' || decision.code === 'rule')
      return [`${decision.chain}: ${decision.rule} → ${decision.verdict}`];
    if (decision.code === 'nft-policy' || decision.code === 'chain-policy')
      return [`${decision.chain}: policy ${decision.verdict}`];
    return [];
  });
  return { verdict, skb, decided };
}

function wait(ns: Netns, time: number): void {
  ns.world.schedule(time, () => undefined);
  ns.world.run();
}

describe('a packet in nftables', () => {
  it('goes through jumps and back, and not back from a goto', () => {
    const ns = loaded(`table ip t {
      chain in { type filter hook input priority 0; jump a; goto b; drop; }
      chain a { tcp dport 443 drop; return; drop; }
      chain b { tcp dport 80 counter; }
    }`);
    expect(send(ns, 'INPUT')).toMatchObject({
      verdict: 'ACCEPT',
      decided: [
        'in: jump a → JUMP:a',
        'a: return → RETURN',
        'in: goto b → GOTO:b',
        'b: tcp dport 80 counter packets 1 bytes 40 → CONTINUE',
        'in: policy ACCEPT',
      ],
    });
    expect(send(ns, 'INPUT', undefined, undefined, 443).verdict).toBe('DROP');
  });

  it.each([
    ['ip saddr 10.0.0.0/8', true],
    ['ip saddr != 10.0.0.0/8', false],
    ['ip saddr { 10.0.0.1, 10.0.0.9 }', true],
    ['ip saddr 10.0.0.2-10.0.0.9', false],
    ['ip saddr . tcp dport { 10.0.0.1 . 80 }', true],
    ['ip saddr . tcp dport { 10.0.0.0/8 . 81-90 }', false],
    ['tcp dport >= 80 tcp dport < 81', true],
    ['udp dport 80', false],
    ['th dport 80', true],
    ['tcp flags syn', true],
    ['tcp flags & (syn|ack) == syn', true],
    ['tcp flags ! syn', false],
    ['ct state new', true],
    ['ct state established,related', false],
    ['ct state != new', false],
    ['iifname "eth*"', true],
    ['iifname { cni0, lo }', false],
    ['meta mark 0', true],
    ['meta mark & 0x1 == 0x1', false],
    ['ip6 saddr fd00::1', false],
    ['meta nfproto ipv4', true],
    ['ip ttl 64', true],
    ['limit rate 1/second burst 1 packets', true],
    ['numgen inc mod 2 0', true],
  ])('with %s: %s', (match, holds) => {
    const ns = loaded(`table inet t { chain in { type filter hook input priority 0; ${match} drop; }; }`);
    // Connections are begun before INPUT.
    const ct = loaded(
      `table inet t { chain in { type filter hook prerouting priority 0; ${match} drop; }; }`,
    );
    const fate = match.startsWith('ct ') ? send(ct, 'PREROUTING') : send(ns, 'INPUT');
    expect(fate.verdict).toBe(holds ? 'DROP' : 'ACCEPT');
  });

  it('finds its verdict in a map, and the record has the element', () => {
    const ns = loaded(`table ip t {
      map m { type ipv4_addr . inet_proto . inet_service : verdict; elements = { 10.0.0.2 . tcp . 80 : goto b }; }
      chain b { drop; }
      chain in { type filter hook input priority 0; ip daddr . meta l4proto . th dport vmap @m; }
    }`);
    expect(send(ns, 'INPUT').verdict).toBe('DROP');
    expect(nft(ns, 'delete element ip t m { 10.0.0.2 . tcp . 80 }').error).toBe('');
    expect(send(ns, 'INPUT').verdict).toBe('ACCEPT');
  });

  it('is marked by and, or and xor as the kernel computes them', () => {
    const ns = loaded(`table ip t { chain in {
      type filter hook input priority 0;
      meta mark set mark or 0x4000; meta mark set mark xor 0x3; meta mark set mark and 0xfffffffe or 0x10
    ; }; }`);
    expect(send(ns, 'INPUT').skb.mark).toBe(0x4012);
  });

  it('is remembered by update for as long as the set says, and no longer', () => {
    const ns = loaded(`table ip t {
      set seen { type ipv4_addr; flags dynamic,timeout; timeout 10s; }
      chain in { type filter hook input priority 0; ip saddr @seen drop; update @seen { ip saddr }; }
    }`);
    expect(send(ns, 'INPUT').verdict).toBe('ACCEPT');
    expect(send(ns, 'INPUT').verdict).toBe('DROP');
    wait(ns, 9_000_000);
    expect(nft(ns, 'list set ip t seen').out).toContain('10.0.0.1 expires 1s');
    expect(send(ns, 'INPUT').verdict).toBe('DROP');
    wait(ns, 2_000_000);
    expect(send(ns, 'INPUT').verdict).toBe('ACCEPT');
  });

  it('meets base chains of iptables and nftables by priority', () => {
    const ns = loaded(`table ip t {
      chain first { type filter hook input priority -10; }
      chain last { type filter hook input priority 10; }
    }`);
    iptables(ns.netfilter, 'ipv4', splitWords('-A INPUT -p tcp -j ACCEPT'));
    const { decided } = send(ns, 'INPUT');
    expect(decided).toEqual([
      'first: policy ACCEPT',
      'INPUT: -A INPUT -p tcp -j ACCEPT → ACCEPT',
      'last: policy ACCEPT',
    ]);
  });

  it('is bound once by DNAT, whichever of the two came first', () => {
    const ns = loaded(`table ip t {
      chain pre { type nat hook prerouting priority -101; tcp dport 80 dnat to 10.0.0.7:8080; }
    }`);
    iptables(
      ns.netfilter,
      'ipv4',
      splitWords('-t nat -A PREROUTING -p tcp -j DNAT --to-destination 10.0.0.8'),
    );
    const { skb } = send(ns, 'PREROUTING');
    expect(skb.packet.dst).toBe(parseIp('10.0.0.7'));
    expect(skb.packet.payload).toMatchObject({ dport: 8080 });
  });

  it('passes a dormant table untouched', () => {
    const ns = loaded(`table ip t { flags dormant; chain in { type filter hook input priority 0; drop; }; }`);
    expect(send(ns, 'INPUT').verdict).toBe('ACCEPT');
  });
});

describe('a file of commands', () => {
  it('is carried out whole or not at all', () => {
    const ns = loaded('table ip t { chain c { tcp dport 80 accept; }; }');
    const before = nft(ns, '-a list ruleset').out;
    const failed = nft(
      ns,
      'add rule ip t c drop\nadd set ip t s { type ipv4_addr; }\nadd rule ip t nosuch drop',
    );
    expect(failed.exitCode).toBe(1);
    expect(nft(ns, '-a list ruleset').out).toBe(before);
  });

  it('may define words', () => {
    const ns = loaded('define web = { 80, 443 }\ntable ip t { chain c { tcp dport $web accept; }; }');
    expect(nft(ns, 'list chain ip t c').out).toContain('tcp dport { 80, 443 } accept');
  });

  it('reads back what was listed', () => {
    const ns = loaded(`table inet t {
      comment "all of it";
      set s { type ipv4_addr; flags interval; elements = { 10.0.0.0/8, 192.168.0.1-192.168.0.9 }; }
      map m { type inet_proto . inet_service : verdict; elements = { tcp . 80 comment "web" : goto c }; }
      chain in { type filter hook input priority filter - 5; policy drop; comment "hooked"; meta l4proto . th dport vmap @m; }
      chain c { ip saddr @s counter packets 5 bytes 6 accept comment "five"; }
    }`);
    const { out } = nft(ns, 'list ruleset');
    expect(nft(loaded(out), 'list ruleset').out).toBe(out);
  });
});

describe('any line', () => {
  const word = fc.oneof(
    {
      weight: 4,
      arbitrary: fc.constantFrom('add', 'insert', 'delete', 'list', 'flush', 'create', 'get', 'replace'),
    },
    {
      weight: 4,
      arbitrary: fc.constantFrom('table', 'chain', 'rule', 'set', 'map', 'element', 'ruleset', 'define'),
    },
    {
      weight: 6,
      arbitrary: fc.constantFrom('ip', 'ip6', 'inet', 'bridge', 't', 'c', 's', 'm', 'handle', 'index'),
    },
    {
      weight: 8,
      arbitrary: fc.constantFrom(
        ...[
          'saddr',
          'daddr',
          'tcp',
          'dport',
          'ct',
          'state',
          'meta',
          'mark',
          'l4proto',
          'th',
          'fib',
          'type',
          'vmap',
          'map',
        ],
        ...[
          'numgen',
          'random',
          'inc',
          'mod',
          'update',
          'limit',
          'rate',
          'counter',
          'reject',
          'with',
          'dnat',
          'to',
          'jump',
        ],
        ...[
          'goto',
          'accept',
          'masquerade',
          'log',
          'prefix',
          'comment',
          'flags',
          'interval',
          'elements',
          'hook',
          'policy',
        ],
      ),
    },
    {
      weight: 8,
      arbitrary: fc.constantFrom(
        '{',
        '}',
        ';',
        ',',
        ':',
        '.',
        '=',
        '!=',
        '@',
        '@s',
        '@m',
        '&',
        '|',
        '/',
        '-',
        '\n',
        '$x',
        '*',
      ),
    },
    {
      weight: 6,
      arbitrary: fc.constantFrom(
        '10.0.0.1',
        '10.0.0.0/8',
        'fd00::1',
        '80',
        '0',
        '1-5',
        '0x4000',
        '4294967296',
        '30s',
        '"q"',
        '"',
        '#',
      ),
    },
    { weight: 1, arbitrary: fc.string() },
  );

  it('is carried out or refused, and packets go on', () => {
    fc.assert(
      fc.property(fc.array(fc.array(word, { maxLength: 14 }), { maxLength: 12 }), (lines) => {
        const ns = loaded(`table ip t {
          set s { type ipv4_addr; flags dynamic,timeout; }
          map m { type ipv4_addr : verdict; }
          chain c { type filter hook input priority 0; }
        }`);
        for (const line of lines) {
          const { error, exitCode } = nft(ns, line.join(' '));
          expect(error === '').toBe(exitCode === 0);
        }
        for (const words of lines) nft(ns, `add rule ip t c ${words.join(' ')}`);
        for (const hook of ['PREROUTING', 'INPUT', 'FORWARD', 'OUTPUT', 'POSTROUTING'] as const)
          send(ns, hook);
        const { out } = nft(ns, 'list ruleset');
        expect(nft(loaded(out), 'list ruleset').out).toBe(out);
      }),
      { numRuns: 300 },
    );
  });
});
