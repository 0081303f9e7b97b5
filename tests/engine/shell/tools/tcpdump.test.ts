import { describe, expect, it } from 'vitest';
import { Lan } from '../lan.ts';

/** What one capture of one command prints, with what changes from run to run made equal. */
function capture(options: string, command: string, lan = new Lan()): string {
  const output = lan.out(`timeout 5 tcpdump ${options} 2>/dev/null & { ${command}; } >/dev/null 2>&1; wait`);
  return output
    .replace(/^\d\d:\d\d:\d\d\.\d{6} /gm, '')
    .replace(/\b(3[2-9]|[45]\d|60)\d{3}\b(?=[: ]| >)/g, 'PORT')
    .replace(/seq \d{7,}/g, 'seq SEQ')
    .replace(/ack \d{7,}/g, 'ack ACK')
    .replace(/TS val \d+ ecr \d+/g, 'TS')
    .replace(/id \d+/g, 'id ID')
    .replace(/cksum 0x[0-9a-f]{4}/g, 'cksum SUM');
}

describe('tcpdump', () => {
  it('prints a handshake, a request and its end with relative numbers', () => {
    expect(capture('-ni eth0 tcp', 'curl -s http://10.2.0.2/'))
      .toBe(`IP 10.1.0.2.PORT > 10.2.0.2.80: Flags [S], seq SEQ, win 64240, options [mss 1460,sackOK,TS,nop,wscale 10], length 0
IP 10.2.0.2.80 > 10.1.0.2.PORT: Flags [S.], seq SEQ, ack ACK, win 65160, options [mss 1460,sackOK,TS,nop,wscale 10], length 0
IP 10.1.0.2.PORT > 10.2.0.2.80: Flags [.], ack 1, win 63, options [nop,nop,TS], length 0
IP 10.1.0.2.PORT > 10.2.0.2.80: Flags [P.], seq 1:73, ack 1, win 63, options [nop,nop,TS], length 72: HTTP: GET / HTTP/1.1
IP 10.2.0.2.80 > 10.1.0.2.PORT: Flags [.], ack 73, win 64, options [nop,nop,TS], length 0
IP 10.2.0.2.80 > 10.1.0.2.PORT: Flags [P.], seq 1:71, ack 73, win 64, options [nop,nop,TS], length 70: HTTP: HTTP/1.1 200 OK
IP 10.1.0.2.PORT > 10.2.0.2.80: Flags [.], ack 71, win 63, options [nop,nop,TS], length 0
IP 10.1.0.2.PORT > 10.2.0.2.80: Flags [F.], seq 73, ack 71, win 63, options [nop,nop,TS], length 0
IP 10.2.0.2.80 > 10.1.0.2.PORT: Flags [F.], seq 71, ack 74, win 64, options [nop,nop,TS], length 0
IP 10.1.0.2.PORT > 10.2.0.2.80: Flags [.], ack 72, win 63, options [nop,nop,TS], length 0

`);
  });

  it.each([
    [
      '-ni any icmp',
      'ping -c1 10.2.0.2',
      'eth0  Out IP 10.1.0.2 > 10.2.0.2: ICMP echo request, id ID, seq 1, length 64\neth0  In  IP 10.2.0.2 > 10.1.0.2: ICMP echo reply, id ID, seq 1, length 64\n\n',
    ],
    [
      '-ni any icmp',
      'ping -c1 127.0.0.1',
      'lo    In  IP 127.0.0.1 > 127.0.0.1: ICMP echo request, id ID, seq 1, length 64\nlo    In  IP 127.0.0.1 > 127.0.0.1: ICMP echo reply, id ID, seq 1, length 64\n\n',
    ],
    [
      '-i eth0 -nn -e arp',
      'ping -c1 10.2.0.2',
      'a2:9f:ff:e4:c2:f8 > ff:ff:ff:ff:ff:ff, ethertype ARP (0x0806), length 42: Request who-has 10.1.0.1 tell 10.1.0.2, length 28\n9a:07:b7:48:50:a2 > a2:9f:ff:e4:c2:f8, ethertype ARP (0x0806), length 42: Reply 10.1.0.1 is-at 9a:07:b7:48:50:a2, length 28\n\n',
    ],
    [
      '-ni eth0 arp',
      'ping -c1 10.2.0.2',
      'ARP, Request who-has 10.1.0.1 tell 10.1.0.2, length 28\nARP, Reply 10.1.0.1 is-at 9a:07:b7:48:50:a2, length 28\n\n',
    ],
    [
      '-vni eth0 arp',
      'ping -c1 10.2.0.2',
      'ARP, Ethernet (len 6), IPv4 (len 4), Request who-has 10.1.0.1 tell 10.1.0.2, length 28\nARP, Ethernet (len 6), IPv4 (len 4), Reply 10.1.0.1 is-at 9a:07:b7:48:50:a2, length 28\n\n',
    ],
    [
      '-i eth0 -n -c 2 icmp',
      'ping -c2 -i 0.2 10.2.0.2',
      'IP 10.1.0.2 > 10.2.0.2: ICMP echo request, id ID, seq 1, length 64\nIP 10.2.0.2 > 10.1.0.2: ICMP echo reply, id ID, seq 1, length 64\n',
    ],
    [
      '-i eth0 -n -v icmp',
      'ping -c1 10.2.0.2',
      'IP (tos 0x0, ttl 64, id ID, offset 0, flags [DF], proto ICMP (1), length 84)\n    10.1.0.2 > 10.2.0.2: ICMP echo request, id ID, seq 1, length 64\nIP (tos 0x0, ttl 63, id ID, offset 0, flags [none], proto ICMP (1), length 84)\n    10.2.0.2 > 10.1.0.2: ICMP echo reply, id ID, seq 1, length 64\n\n',
    ],
    [
      '-i eth0 -n -t -q tcp and dst port 80',
      'nc -z 10.2.0.2 80',
      'IP 10.1.0.2.PORT > 10.2.0.2.80: tcp 0\nIP 10.1.0.2.PORT > 10.2.0.2.80: tcp 0\nIP 10.1.0.2.PORT > 10.2.0.2.80: tcp 0\nIP 10.1.0.2.PORT > 10.2.0.2.80: tcp 0\n\n',
    ],
    [
      '-i eth0 tcp dst port 80',
      'nc -z 10.2.0.2 81; nc -z 10.2.0.2 80',
      expect.stringMatching(/^IP 10\.1\.0\.2\.PORT > 10\.2\.0\.2\.http: Flags \[S\]/),
    ],
    [
      '-ni eth0 port 81',
      'nc -z 10.2.0.2 81',
      'IP 10.1.0.2.PORT > 10.2.0.2.81: Flags [S], seq SEQ, win 64240, options [mss 1460,sackOK,TS,nop,wscale 10], length 0\nIP 10.2.0.2.81 > 10.1.0.2.PORT: Flags [R.], seq 0, ack ACK, win 0, length 0\n\n',
    ],
    [
      '-ni eth0 udp',
      'echo hi | nc -u -w1 10.2.0.2 9002',
      'IP 10.1.0.2.PORT > 10.2.0.2.9002: UDP, length 3\n\n',
    ],
    [
      '-ni eth0 icmp',
      'echo hi | nc -u -w1 10.2.0.2 9002',
      'IP 10.2.0.2 > 10.1.0.2: ICMP 10.2.0.2 udp port 9002 unreachable, length 39\n\n',
    ],
    [
      '-ni eth0 icmp',
      'ping -c1 -s 3000 10.2.0.2',
      'IP 10.1.0.2 > 10.2.0.2: ICMP echo request, id ID, seq 1, length 1480\nIP 10.1.0.2 > 10.2.0.2: ip-proto-1\nIP 10.1.0.2 > 10.2.0.2: ip-proto-1\nIP 10.2.0.2 > 10.1.0.2: ICMP echo reply, id ID, seq 1, length 1480\nIP 10.2.0.2 > 10.1.0.2: ip-proto-1\nIP 10.2.0.2 > 10.1.0.2: ip-proto-1\n\n',
    ],
    [
      '-ni eth0 icmp and src 10.1.0.1',
      'ping -c1 10.9.0.1; ping -c1 -t1 10.2.0.2',
      'IP 10.1.0.1 > 10.1.0.2: ICMP net 10.9.0.1 unreachable, length 92\nIP 10.1.0.1 > 10.1.0.2: ICMP time exceeded in-transit, length 92\n\n',
    ],
    [
      '-ni eth0 udp port 53',
      'getent ahostsv4 web.default.svc.cluster.local.',
      expect.stringMatching(
        /^IP 10\.1\.0\.2\.\w+ > 10\.2\.0\.2\.53: \d+\+ A\? web\.default\.svc\.cluster\.local\. \(47\)\nIP 10\.2\.0\.2\.53 > 10\.1\.0\.2\.\w+: \d+\* 1\/0\/0 A 10\.2\.0\.2 \(63\)\n/,
      ),
    ],
    [
      '-ni eth0 "tcp[tcpflags] & (tcp-syn|tcp-fin) != 0"',
      'nc -z 10.2.0.2 81',
      expect.stringMatching(/^IP [^\n]*Flags \[S\][^\n]*\n\n$/),
    ],
    [
      '-ni eth0 "icmp[icmptype] == icmp-echo"',
      'ping -c1 10.2.0.2',
      'IP 10.1.0.2 > 10.2.0.2: ICMP echo request, id ID, seq 1, length 64\n\n',
    ],
    [
      '-ni eth0 "ip[8] < 64 and icmp"',
      'ping -c1 10.2.0.2',
      'IP 10.2.0.2 > 10.1.0.2: ICMP echo reply, id ID, seq 1, length 64\n\n',
    ],
    [
      '-ni eth0 not arp and host server and not tcp',
      'ping -c1 10.2.0.2',
      'IP 10.1.0.2 > 10.2.0.2: ICMP echo request, id ID, seq 1, length 64\nIP 10.2.0.2 > 10.1.0.2: ICMP echo reply, id ID, seq 1, length 64\n\n',
    ],
    [
      '-ni eth0 -Q in icmp',
      'ping -c1 10.2.0.2',
      'IP 10.2.0.2 > 10.1.0.2: ICMP echo reply, id ID, seq 1, length 64\n\n',
    ],
    [
      '-ni eth0 src net 10.2.0.0/24 and icmp',
      'ping -c1 10.2.0.2',
      'IP 10.2.0.2 > 10.1.0.2: ICMP echo reply, id ID, seq 1, length 64\n\n',
    ],
    ['-ni eth0 port 79 or 81', 'nc -z 10.2.0.2 81', expect.stringMatching(/Flags \[S\].*\n.*Flags \[R\.\]/)],
    [
      '-ni eth0 ether host 9a:07:b7:48:50:a2 and icmp',
      'ping -c1 10.2.0.2',
      'IP 10.1.0.2 > 10.2.0.2: ICMP echo request, id ID, seq 1, length 64\nIP 10.2.0.2 > 10.1.0.2: ICMP echo reply, id ID, seq 1, length 64\n\n',
    ],
    ['-ni eth0 broadcast', 'ping -c1 10.2.0.2', 'ARP, Request who-has 10.1.0.1 tell 10.1.0.2, length 28\n\n'],
  ])('tcpdump %s: %s', (options, command, expected) => {
    expect(capture(options, command)).toEqual(expected);
  });

  it('shows what a VXLAN carries on a line of its own', () => {
    const lan = new Lan();
    lan.run(
      'ssh tr ip route del 10.9.0.0/16 2>/dev/null; ip link add vx type vxlan id 1 dstport 8472 local 10.1.0.2; ip addr add 172.16.0.1/24 dev vx; ip link set vx up; ip neigh add 172.16.0.2 lladdr 02:00:00:00:00:02 dev vx; bridge fdb add 02:00:00:00:00:02 dev vx dst 10.2.0.2',
    );
    expect(capture('-ni eth0 udp port 8472', 'ping -c1 -W1 172.16.0.2', lan)).toBe(
      'IP 10.1.0.2.PORT > 10.2.0.2.8472: OTV, flags [I] (0x08), overlay 0, instance 1\nIP 172.16.0.1 > 172.16.0.2: ICMP echo request, id ID, seq 1, length 64\n\n',
    );
  });

  it('writes its beginning and its end to standard error', () => {
    expect(new Lan().run('timeout 2 tcpdump -ni any icmp & ping -c1 10.2.0.2 >/dev/null; wait').stderr).toBe(
      'tcpdump: data link type LINUX_SLL2\ntcpdump: verbose output suppressed, use -v[v]... for full protocol decode\nlistening on any, link-type LINUX_SLL2 (Linux cooked v2), snapshot length 262144 bytes\n2 packets captured\n2 packets received by filter\n0 packets dropped by kernel\n',
    );
  });

  it('dumps bytes', () => {
    const text = capture('-ni eth0 -X -c1 icmp', 'ping -c1 10.2.0.2');
    expect(text).toMatch(
      /^IP .*length 64\n\t0x0000: {2}4500 0054 [0-9a-f]{4} 4000 4001 [0-9a-f]{4} 0a01 0002 {2}E\.\.T..@\.@\...\.\.\.\.\n/,
    );
    expect(text).toContain('\t0x0050:  3435 3637                                4567\n');
  });

  it.each([
    ['tcpdump -i nope', 'tcpdump: nope: No such device exists\n(No such device exists)\n'],
    ['tcpdump -i eth0 foo bar', "tcpdump: can't parse filter expression: syntax error\n"],
    ['tcpdump -i eth0 host', "tcpdump: can't parse filter expression: syntax error\n"],
    ['tcpdump -i eth0 tcp and', "tcpdump: can't parse filter expression: syntax error\n"],
    ['tcpdump -i eth0 "(tcp"', "tcpdump: can't parse filter expression: syntax error\n"],
    ['tcpdump -i eth0 port abc', "tcpdump: unknown port 'abc'\n"],
    ['tcpdump -i eth0 host nosuch', "tcpdump: unknown host 'nosuch'\n"],
    ['tcpdump -i eth0 net 10.2.0.2/24', 'tcpdump: non-network bits set in "10.2.0.2/24"\n'],
    ['tcpdump -ni eth0 -c 0', 'tcpdump: invalid packet count 0\n'],
  ])('refuses %s', (line, output) => {
    expect(new Lan().run(line)).toMatchObject({ output, exitCode: 1 });
  });
});
