import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { formatIp, parseIp } from '../../../src/engine/net/address.ts';
import { formatEntry } from '../../../src/engine/net/conntrack.ts';
import type { Device } from '../../../src/engine/net/device.ts';
import { Chain, findRule, ruleMatches } from '../../../src/engine/net/iptables-chain.ts';
import { parseArguments } from '../../../src/engine/net/iptables-parse.ts';
import { iptablesRestore, splitWords } from '../../../src/engine/net/iptables-restore.ts';
import { iptables } from '../../../src/engine/net/iptables.ts';
import type { Rule } from '../../../src/engine/net/iptables-rule.ts';
import { createDummy } from '../../../src/engine/net/link.ts';
import { Flow } from '../../../src/engine/net/netfilter-flow.ts';
import type { Netns } from '../../../src/engine/net/netns.ts';
import {
  EMPTY,
  ICMP_ECHO,
  ICMP_UNREACHABLE,
  IcmpMessage,
  IpPacket,
  TcpSegment,
  transportOf,
  UdpDatagram,
  type TcpOptions,
} from '../../../src/engine/net/packet.ts';
import { Skb, type HookPoint } from '../../../src/engine/net/skb.ts';
import { Trace } from '../../../src/engine/net/trace.ts';
import { World } from '../../../src/engine/net/world.ts';

const CLIENT = '10.244.1.2';
const POD = '10.244.2.2';
const VIP = '10.96.0.20';

function address(text: string): number {
  return parseIp(text) ?? 0;
}

interface Ends {
  readonly src?: string;
  readonly dst?: string;
  readonly sport?: number;
  readonly dport?: number;
}

function tcp(ends: Ends, flags = 2, options: TcpOptions = {}): IpPacket {
  const segment = new TcpSegment(ends.sport ?? 40000, ends.dport ?? 80, 1, 0, flags, 64240, options, EMPTY);
  return new IpPacket(
    address(ends.src ?? CLIENT),
    address(ends.dst ?? VIP),
    6,
    64,
    0,
    1,
    true,
    false,
    0,
    segment,
  );
}

function udp(ends: Ends): IpPacket {
  const datagram = new UdpDatagram(ends.sport ?? 40000, ends.dport ?? 53, EMPTY);
  return new IpPacket(
    address(ends.src ?? CLIENT),
    address(ends.dst ?? VIP),
    17,
    64,
    0,
    1,
    true,
    false,
    0,
    datagram,
  );
}

/** A router with `in0` and `out0`, its rules, and packets led through its hooks. */
class Router {
  readonly world: World;
  readonly ns: Netns;
  readonly trace = new Trace();
  readonly #in: Device;
  readonly #out: Device;

  constructor(rules = '', seed = 1) {
    this.world = new World({ seed });
    this.ns = this.world.createNetns('router', { kind: 'node' });
    this.#in = this.#device('in0', '10.244.1.1');
    this.#out = this.#device('out0', '192.168.50.11');
    this.restore(rules);
    this.world.tracer = this.trace;
  }

  restore(rules: string): void {
    const { error } = iptablesRestore(this.ns.netfilter, 'ipv4', ['-n'], rules);
    if (error !== '') throw new Error(error);
  }

  hook(point: HookPoint, skb: Skb): 'ACCEPT' | 'DROP' {
    skb.inDev = point === 'PREROUTING' || point === 'INPUT' || point === 'FORWARD' ? skb.inDev : undefined;
    return this.ns.netfilter.hook(point, skb);
  }

  /** Through PREROUTING, FORWARD and POSTROUTING; `back` comes in where the other goes out. */
  forward(packet: IpPacket, back = false): Skb | undefined {
    const skb = new Skb(this.ns, packet, 1);
    skb.inDev = back ? this.#out : this.#in;
    if (this.ns.netfilter.hook('PREROUTING', skb) === 'DROP') return undefined;
    skb.outDev = back ? this.#in : this.#out;
    if (this.ns.netfilter.hook('FORWARD', skb) === 'DROP') return undefined;
    return this.ns.netfilter.hook('POSTROUTING', skb) === 'DROP' ? undefined : skb;
  }

  /** What was decided since the last time, in short. */
  decided(): string[] {
    return this.trace.events.splice(0).flatMap((event) => {
      if (event.kind !== 'decision') return [];
      const { decision } = event;
      switch (decision.code) {
        case 'rule':
          return [`${decision.table} ${decision.chain} ${decision.verdict} (${decision.walked})`];
        case 'chain-policy':
          return [`${decision.table} ${decision.chain} policy:${decision.verdict}`];
        case 'conntrack':
          return [decision.state];
        case 'nat-binding':
          return [`${decision.kind} ${decision.from} → ${decision.to}`];
        case 'nat':
          return [`nat ${decision.field} ${decision.from} → ${decision.to}`];
        default:
          return [decision.code];
      }
    });
  }

  lines(): string[] {
    return this.ns.conntrack.list().map((entry) => formatEntry(entry, this.world.now));
  }

  #device(name: string, ip: string): Device {
    const device = createDummy(this.ns, name);
    if (typeof device === 'string') throw new Error(device);
    this.ns.addAddress(device, { ip: address(ip), length: 24 });
    this.ns.setLink(name, { up: true });
    return device;
  }
}

function ends({ packet }: Skb): string {
  const transport = transportOf(packet);
  const ports =
    transport?.kind === 'tcp' || transport?.kind === 'udp' ? [transport.sport, transport.dport] : [0, 0];
  return `${formatIp(packet.src)}:${ports[0]} > ${formatIp(packet.dst)}:${ports[1]}`;
}

const DNAT = `*nat
-A PREROUTING -d ${VIP} -p tcp --dport 80 -j DNAT --to-destination ${POD}:8080
COMMIT
`;

describe('the hooks of a namespace', () => {
  it('do nothing where there are no rules', () => {
    const router = new Router();
    expect(router.ns.netfilter.active('FORWARD')).toBe(false);
    expect(router.ns.netfilter.defrag).toBe(false);
    expect(router.forward(tcp({}))).toBeDefined();
    expect(router.decided()).toEqual([]);
  });

  it('track nothing until something asks for connections', () => {
    const router = new Router('*filter\n-A FORWARD -p udp -j DROP\nCOMMIT\n');
    expect(router.forward(tcp({}))?.ctState).toBeUndefined();
    router.restore('*filter\n-A FORWARD -m conntrack --ctstate INVALID -j DROP\nCOMMIT\n');
    expect(router.forward(tcp({}))?.ctState).toBe('NEW');
  });

  it('ask raw, conntrack, mangle, nat and filter in the order of the kernel', () => {
    const router = new Router(
      ['raw', 'mangle', 'nat']
        .map(
          (table) => `*${table}\n-A PREROUTING -m comment --comment ${table} -j MARK --set-mark 1\nCOMMIT\n`,
        )
        .join(''),
    );
    router.forward(tcp({}));
    expect(router.decided().slice(0, 7)).toEqual([
      'raw PREROUTING CONTINUE (1)',
      'raw PREROUTING policy:ACCEPT',
      'NEW',
      'mangle PREROUTING CONTINUE (1)',
      'mangle PREROUTING policy:ACCEPT',
      'nat PREROUTING CONTINUE (1)',
      'nat PREROUTING policy:ACCEPT',
    ]);
  });

  it('jump, return, go to and fall back to the policy', () => {
    const router = new Router(`*filter
:FORWARD DROP [0:0]
:one - [0:0]
:two - [0:0]
:three - [0:0]
-A FORWARD -j one
-A FORWARD -g two
-A FORWARD -j ACCEPT
-A one -p udp -j ACCEPT
-A one -p tcp -j RETURN
-A one -j DROP
-A two -j three
COMMIT
`);
    expect(router.forward(tcp({}))).toBeUndefined();
    expect(router.decided()).toEqual([
      'filter FORWARD JUMP:one (1)',
      'filter one RETURN (2)',
      'filter FORWARD GOTO:two (1)',
      'filter two JUMP:three (1)',
      'filter FORWARD policy:DROP',
    ]);
  });

  it('leave packets alone that NOTRACK exempts', () => {
    const router = new Router(`*raw
-A PREROUTING -p tcp -j CT --notrack
COMMIT
*filter
-A FORWARD -m conntrack --ctstate UNTRACKED -j ACCEPT
COMMIT
`);
    expect(router.forward(tcp({}))?.ctState).toBe('UNTRACKED');
    expect(router.lines()).toEqual([]);
  });

  it('remember no connection whose first packet was dropped', () => {
    const router = new Router('*filter\n-A FORWARD -m conntrack --ctstate NEW -j DROP\nCOMMIT\n');
    router.forward(tcp({}));
    expect(router.lines()).toEqual([]);
  });
});

describe('NAT', () => {
  it('asks its rules once a connection and translates the rest', () => {
    const router = new Router(DNAT);
    expect(router.forward(tcp({}))).toMatchObject({ packet: { dst: address(POD) } });
    expect(router.decided()).toEqual(['NEW', 'nat PREROUTING ACCEPT (1)', `DNAT ${VIP}:80 → ${POD}:8080`]);
    const answer = router.forward(tcp({ src: POD, dst: CLIENT, sport: 8080, dport: 40000 }, 18), true);
    expect(answer && ends(answer)).toBe(`${VIP}:80 > ${CLIENT}:40000`);
    expect(router.decided()).toEqual(['ESTABLISHED', `nat src ${POD}:8080 → ${VIP}:80`]);
    router.forward(tcp({}, 16));
    expect(router.decided()).toEqual(['ESTABLISHED', `nat dst ${VIP}:80 → ${POD}:8080`]);
  });

  it('masquerades behind the address of the device that the packet leaves by', () => {
    const router = new Router('*nat\n-A POSTROUTING -j MASQUERADE\nCOMMIT\n');
    const sent = router.forward(tcp({ dst: '203.0.113.10' }));
    expect(sent && ends(sent)).toBe('192.168.50.11:40000 > 203.0.113.10:80');
    const answer = router.forward(
      tcp({ src: '203.0.113.10', dst: '192.168.50.11', sport: 80, dport: 40000 }, 18),
      true,
    );
    expect(answer && ends(answer)).toBe(`203.0.113.10:80 > ${CLIENT}:40000`);
  });

  it('keeps the port while it is free, and finds another when it is not', () => {
    const router = new Router('*nat\n-A POSTROUTING -j MASQUERADE\nCOMMIT\n');
    const ports = ['10.244.1.2', '10.244.1.3', '10.244.1.4'].map((src) => {
      const sent = router.forward(tcp({ src, dst: '203.0.113.10' }));
      const segment = sent?.packet.payload;
      return segment?.kind === 'tcp' ? segment.sport : 0;
    });
    expect(ports[0]).toBe(40000);
    expect(new Set(ports).size).toBe(3);
    expect(Math.min(...ports)).toBeGreaterThanOrEqual(1024);
  });

  it('draws a port with --random-fully, the same one for the same seed', () => {
    const port = (seed: number): number => {
      const router = new Router('*nat\n-A POSTROUTING -j MASQUERADE --random-fully\nCOMMIT\n', seed);
      const segment = router.forward(tcp({ dst: '203.0.113.10' }))?.packet.payload;
      return segment?.kind === 'tcp' ? segment.sport : 0;
    };
    expect(port(1)).toBe(port(1));
    expect(port(1)).not.toBe(40000);
    expect(port(2)).not.toBe(port(1));
  });

  it('takes ports from a range', () => {
    const router = new Router(
      '*nat\n-A POSTROUTING -p tcp -j SNAT --to-source 192.168.50.11:5000-5001\nCOMMIT\n',
    );
    const ports = ['10.244.1.2', '10.244.1.3'].map((src) => {
      const segment = router.forward(tcp({ src, dst: '203.0.113.10' }))?.packet.payload;
      return segment?.kind === 'tcp' ? segment.sport : 0;
    });
    expect(ports.sort()).toEqual([5000, 5001]);
  });

  it('turns a pod round to itself', () => {
    const router = new Router(`*nat
-A PREROUTING -d ${VIP} -p tcp -j DNAT --to-destination ${CLIENT}:8080
-A POSTROUTING -s ${CLIENT} -d ${CLIENT} -j SNAT --to-source 10.244.1.1
COMMIT
`);
    const sent = router.forward(tcp({}));
    expect(sent && ends(sent)).toBe(`10.244.1.1:40000 > ${CLIENT}:8080`);
    const answer = router.forward(tcp({ src: CLIENT, dst: '10.244.1.1', sport: 8080, dport: 40000 }, 18));
    expect(answer && ends(answer)).toBe(`${VIP}:80 > ${CLIENT}:40000`);
  });

  it('gives ICMP errors back as if from the address that was asked, with the quoted packet as it was sent', () => {
    const router = new Router(DNAT);
    const sent = router.forward(tcp({}));
    const quoted = sent?.packet;
    const error = new IcmpMessage(ICMP_UNREACHABLE, 1, { quoted });
    const packet = new IpPacket(address('10.244.2.0'), address(CLIENT), 1, 64, 0, 1, false, false, 0, error);
    const heard = router.forward(packet, true);
    expect(heard?.ctState).toBe('RELATED');
    expect(formatIp(heard?.packet.src ?? 0)).toBe(VIP);
    const message = heard?.packet.payload;
    const inner = message?.kind === 'icmp' ? message.quoted : undefined;
    expect(inner?.dst).toBe(address(VIP));
    expect(inner?.payload).toMatchObject({ sport: 40000, dport: 80 });
  });

  it('forgets what it masqueraded behind an address that is gone', () => {
    const router = new Router('*nat\n-A POSTROUTING -j MASQUERADE\nCOMMIT\n');
    router.forward(tcp({ dst: '203.0.113.10' }));
    expect(router.lines()).toHaveLength(1);
    const out = router.ns.devices.get('out0');
    if (out !== undefined) router.ns.deleteAddress(out, address('192.168.50.11'), 24);
    expect(router.lines()).toEqual([]);
  });
});

describe('matches and targets', () => {
  const passes = (rule: string, packet: IpPacket): boolean =>
    new Router(`*filter\n:FORWARD DROP [0:0]\n-A FORWARD ${rule} -j ACCEPT\nCOMMIT\n`).forward(packet) !==
    undefined;

  it.each([
    ['-s 10.244.0.0/16', true],
    ['! -s 10.244.0.0/16', false],
    ['-i in0', true],
    ['-i in+', true],
    ['! -i in+', false],
    ['-o out0', true],
    ['-p udp', false],
    ['-p tcp --dport 80', true],
    ['-p tcp --dport 81:90', false],
    ['-p tcp ! --dport 81:90', true],
    ['-p tcp --sport 40000 --dport http', true],
    ['-p tcp --syn', true],
    ['-p tcp --tcp-flags SYN,ACK SYN,ACK', false],
    ['-p tcp -m multiport --dports 22,80,443', true],
    ['-p tcp -m multiport --sports 22,80,443', false],
    ['-m addrtype --src-type LOCAL', false],
    ['-m addrtype ! --dst-type LOCAL', true],
    ['-m iprange --src-range 10.244.1.0-10.244.1.9', true],
    ['-m length --length 40', true],
    ['-m ttl --ttl-eq 64', true],
    ['-m mark --mark 0', true],
    ['-m conntrack --ctstate NEW,ESTABLISHED', true],
    ['-m conntrack ! --ctstate NEW', false],
    ['-m conntrack --ctorigdst 10.96.0.0/12 --ctorigdstport 80', true],
    ['-m conntrack --ctdir REPLY', false],
    ['-m state --state NEW', true],
    ['-f', false],
    ['-m statistic --mode random --probability 1', true],
    ['-m statistic --mode random --probability 0', false],
  ])('%s holds for a SYN to port 80: %s', (rule, holds) => {
    expect(passes(rule, tcp({}))).toBe(holds);
  });

  it('knows ICMP types', () => {
    const ping = new IpPacket(
      address(CLIENT),
      address(POD),
      1,
      64,
      0,
      1,
      false,
      false,
      0,
      new IcmpMessage(ICMP_ECHO, 0, { id: 1 }),
    );
    expect(passes('-p icmp --icmp-type echo-request', ping)).toBe(true);
    expect(passes('-p icmp --icmp-type echo-reply', ping)).toBe(false);
  });

  it('counts every third packet with --mode nth', () => {
    const router = new Router(
      '*filter\n-A FORWARD -m statistic --mode nth --every 3 --packet 0 -j DROP\nCOMMIT\n',
    );
    const passed = Array.from(
      { length: 6 },
      (_, i) => router.forward(tcp({ sport: 1000 + i })) !== undefined,
    );
    expect(passed).toEqual([false, true, true, false, true, true]);
  });

  it('limits by a bucket that fills with time', () => {
    const router = new Router(
      '*filter\n:FORWARD DROP [0:0]\n-A FORWARD -m limit --limit 1/s --limit-burst 2 -j ACCEPT\nCOMMIT\n',
    );
    const send = (): boolean => router.forward(udp({})) !== undefined;
    expect([send(), send(), send()]).toEqual([true, true, false]);
    router.world.now += 1_000_000;
    expect([send(), send()]).toEqual([true, false]);
  });

  it('remembers addresses for as many seconds as it is told', () => {
    const router = new Router(`*filter
:FORWARD DROP [0:0]
-A FORWARD -m recent --name seen --rcheck --seconds 60 -j ACCEPT
-A FORWARD -p udp -m recent --name seen --set -j ACCEPT
COMMIT
`);
    expect(router.forward(tcp({}))).toBeUndefined();
    expect(router.forward(udp({}))).toBeDefined();
    expect(router.forward(tcp({}))).toBeDefined();
    expect(router.forward(tcp({ src: '10.244.1.9' }))).toBeUndefined();
    router.world.now += 61_000_000;
    expect(router.forward(tcp({}))).toBeUndefined();
  });

  it('tests sets by address and port', () => {
    const router = new Router();
    const { sets } = router.ns.netfilter;
    sets.run(['create', 'nets', 'hash:net']);
    sets.run(['add', 'nets', '10.244.0.0/16']);
    sets.run(['add', 'nets', '10.244.1.8/29', 'nomatch']);
    sets.run(['create', 'ports', 'hash:ip,port']);
    sets.run(['add', 'ports', `${VIP},tcp:80`]);
    router.restore(`*filter
:FORWARD DROP [0:0]
-A FORWARD -m set --match-set nets src -m set --match-set ports dst,dst -j ACCEPT
COMMIT
`);
    expect(router.forward(tcp({}))).toBeDefined();
    expect(router.forward(tcp({ src: '10.244.1.9' }))).toBeUndefined();
    expect(router.forward(tcp({ dport: 81 }))).toBeUndefined();
    expect(router.forward(udp({ dport: 80 }))).toBeUndefined();
  });

  it('marks packets and connections', () => {
    const router = new Router(`*mangle
-A PREROUTING -j CONNMARK --restore-mark
-A PREROUTING -m mark --mark 0 -j MARK --set-xmark 0x14/0x1f
-A PREROUTING -j CONNMARK --save-mark
COMMIT
`);
    expect(router.forward(tcp({}))?.mark).toBe(0x14);
    router.restore('*mangle\n-D PREROUTING -m mark --mark 0 -j MARK --set-xmark 0x14/0x1f\nCOMMIT\n');
    expect(router.forward(tcp({}))?.mark).toBe(0x14);
    expect(router.lines()[0]).toContain('mark=20 ');
  });

  it('clamps the MSS of a SYN to the way ahead', () => {
    const router = new Router('*mangle\n-A FORWARD -p tcp --syn -j TCPMSS --clamp-mss-to-pmtu\nCOMMIT\n');
    router.ns.setLink('out0', { mtu: 1400 });
    expect(router.forward(tcp({}, 2, { mss: 1460 }))?.packet.payload).toMatchObject({
      options: { mss: 1360 },
    });
    expect(router.forward(tcp({ sport: 2 }, 2, { mss: 500 }))?.packet.payload).toMatchObject({
      options: { mss: 500 },
    });
  });

  it('counts what its rules saw', () => {
    const router = new Router('*filter\n-A FORWARD -p tcp -j ACCEPT\nCOMMIT\n');
    router.forward(tcp({}));
    router.forward(tcp({ sport: 2 }));
    router.forward(udp({}));
    expect(iptables(router.ns.netfilter, 'ipv4', ['-S', 'FORWARD', '-v']).out).toBe(
      '-P FORWARD ACCEPT -c 1 28\n-A FORWARD -p tcp -c 2 80 -j ACCEPT\n',
    );
  });
});

describe('the index of a long chain', () => {
  const rule = (text: string): Rule => {
    const command = parseArguments(['-A', 'X', ...splitWords(text)], {
      family: 'ipv4',
      setExists: () => true,
    });
    const parsed =
      'operation' in command && command.operation.kind === 'append' ? command.operation.rules[0] : undefined;
    if (parsed === undefined || !('rule' in parsed)) throw new Error(text);
    return parsed.rule;
  };
  const pick = fc.constantFrom('1', '2', '3', '4');
  const row = fc
    .record({
      dst: fc.option(pick, { nil: undefined }),
      port: fc.option(pick, { nil: undefined }),
      wide: fc.boolean(),
      invert: fc.boolean(),
    })
    .map(({ dst, port, wide, invert }) =>
      rule(
        `${dst === undefined ? '' : `${invert ? '! ' : ''}-d 10.0.0.${dst}${wide ? '/31' : ''} `}${port === undefined ? '' : `-p tcp --dport ${port} `}-j ACCEPT`,
      ),
    );

  it('finds the rule that comparing them all would find', () => {
    const router = new Router('*filter\n-A FORWARD -j ACCEPT\nCOMMIT\n');
    fc.assert(
      fc.property(
        fc.array(row, { minLength: 12, maxLength: 40 }),
        pick,
        pick,
        fc.nat(39),
        (rules, dst, port, from) => {
          const chain = new Chain('X');
          chain.setRules(rules);
          const skb = new Skb(router.ns, tcp({ dst: `10.0.0.${dst}`, dport: Number(port) }), 1);
          const flow = new Flow(skb, 'FORWARD', {} as Flow['env']);
          const linear = rules.findIndex((candidate, i) => i >= from && ruleMatches(candidate, flow));
          expect(findRule(chain.index, from, flow)).toBe(linear < 0 ? rules.length : linear);
        },
      ),
    );
  });

  it('still tells how many rules the kernel walks', () => {
    const rows = Array.from(
      { length: 100 },
      (_, i) => `-A FORWARD -d 10.96.0.${i} -p tcp --dport 80 -j ACCEPT\n`,
    );
    const router = new Router(`*filter\n${rows.join('')}COMMIT\n`);
    router.forward(tcp({ dst: '10.96.0.77' }));
    expect(router.decided()).toEqual(['filter FORWARD ACCEPT (78)']);
  });

  it('counts the rules of chains that ended without a match with the next decision', () => {
    const rows = Array.from({ length: 100 }, (_, i) => `-A many -d 10.96.0.${i} -j ACCEPT\n`);
    const router = new Router(
      `*filter\n:many - [0:0]\n-A FORWARD -j many\n-A FORWARD -p udp -j ACCEPT\n-A FORWARD -p tcp -j ACCEPT\n${rows.join('')}COMMIT\n`,
    );
    router.forward(tcp({ dst: '10.97.0.1' }));
    expect(router.decided()).toEqual(['filter FORWARD JUMP:many (1)', 'filter FORWARD ACCEPT (102)']);
  });
});
