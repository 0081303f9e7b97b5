import { describe, expect, it } from 'vitest';
import { Lan } from '../lan.ts';

/** Times are the simulation's own. */
function timeless(text: string): string {
  return text
    .replace(/time=[\d.]+ ms/g, 'time=T ms')
    .replace(/= [\d.]+\/[\d.]+\/[\d.]+(\/[\d.]+)? ms/, '= T ms')
    .replace(/ {2}[\d.]+ ms/g, '  T ms')
    .replace(/ {2}[\d.]+ms/g, '  Tms');
}

describe('ping of iputils', () => {
  it.each([
    [
      'ping -c 2 10.2.0.2',
      'PING 10.2.0.2 (10.2.0.2) 56(84) bytes of data.\n64 bytes from 10.2.0.2: icmp_seq=1 ttl=63 time=T ms\n64 bytes from 10.2.0.2: icmp_seq=2 ttl=63 time=T ms\n\n--- 10.2.0.2 ping statistics ---\n2 packets transmitted, 2 received, 0% packet loss, time 1000ms\nrtt min/avg/max/mdev = T ms\n',
      0,
    ],
    [
      'ping -c 1 -W 1 10.1.0.9',
      'PING 10.1.0.9 (10.1.0.9) 56(84) bytes of data.\n\n--- 10.1.0.9 ping statistics ---\n1 packets transmitted, 0 received, 100% packet loss, time 0ms\n\n',
      1,
    ],
    [
      'ping -c1 10.9.9.9',
      'PING 10.9.9.9 (10.9.9.9) 56(84) bytes of data.\nFrom 10.1.0.1 icmp_seq=1 Destination Net Unreachable\n\n--- 10.9.9.9 ping statistics ---\n1 packets transmitted, 0 received, +1 errors, 100% packet loss, time 0ms\n\n',
      1,
    ],
    [
      'ping -c 2 -i 0.2 -q 10.2.0.2',
      'PING 10.2.0.2 (10.2.0.2) 56(84) bytes of data.\n\n--- 10.2.0.2 ping statistics ---\n2 packets transmitted, 2 received, 0% packet loss, time 200ms\nrtt min/avg/max/mdev = T ms\n',
      0,
    ],
    [
      'ping -c1 -s 1472 -M do 10.2.0.2',
      'PING 10.2.0.2 (10.2.0.2) 1472(1500) bytes of data.\n1480 bytes from 10.2.0.2: icmp_seq=1 ttl=63 time=T ms\n\n--- 10.2.0.2 ping statistics ---\n1 packets transmitted, 1 received, 0% packet loss, time 0ms\nrtt min/avg/max/mdev = T ms\n',
      0,
    ],
    [
      'ping -c1 -s 1473 -M do 10.2.0.2',
      'PING 10.2.0.2 (10.2.0.2) 1473(1501) bytes of data.\nping: local error: message too long, mtu=1500\n\n--- 10.2.0.2 ping statistics ---\n1 packets transmitted, 0 received, +1 errors, 100% packet loss, time 0ms\n\n',
      1,
    ],
    [
      'ping -c1 -t 1 10.2.0.2',
      'PING 10.2.0.2 (10.2.0.2) 56(84) bytes of data.\nFrom 10.1.0.1 icmp_seq=1 Time to live exceeded\n\n--- 10.2.0.2 ping statistics ---\n1 packets transmitted, 0 received, +1 errors, 100% packet loss, time 0ms\n\n',
      1,
    ],
    [
      'ping -c1 -I 10.1.0.2 10.2.0.2',
      'PING 10.2.0.2 (10.2.0.2) from 10.1.0.2 : 56(84) bytes of data.\n64 bytes from 10.2.0.2: icmp_seq=1 ttl=63 time=T ms\n\n--- 10.2.0.2 ping statistics ---\n1 packets transmitted, 1 received, 0% packet loss, time 0ms\nrtt min/avg/max/mdev = T ms\n',
      0,
    ],
    [
      'ping -c1 server',
      'PING server (10.2.0.2) 56(84) bytes of data.\n64 bytes from server (10.2.0.2): icmp_seq=1 ttl=63 time=T ms\n\n--- server ping statistics ---\n1 packets transmitted, 1 received, 0% packet loss, time 0ms\nrtt min/avg/max/mdev = T ms\n',
      0,
    ],
    [
      'ping -c1 10.1.0.2',
      'PING 10.1.0.2 (10.1.0.2) 56(84) bytes of data.\n64 bytes from 10.1.0.2: icmp_seq=1 ttl=64 time=T ms\n\n--- 10.1.0.2 ping statistics ---\n1 packets transmitted, 1 received, 0% packet loss, time 0ms\nrtt min/avg/max/mdev = T ms\n',
      0,
    ],
    ['ping -c 1 nosuch', 'ping: nosuch: Name or service not known\n', 2],
    ['ping', 'ping: usage error: Destination address required\n', 1],
    [
      'ping -c 0 1.1.1.1',
      "ping: invalid argument: '0': out of range: 1 <= value <= 9223372036854775807\n",
      1,
    ],
    ['ip route del default; ping -c1 10.2.0.2', 'ping: connect: Network is unreachable\n', 2],
  ])('%s', (line, output, exitCode) => {
    const result = new Lan().run(line);
    expect([timeless(result.output), result.exitCode]).toEqual([output, exitCode]);
  });

  it.each([
    ['unreachable', 'Destination Host Unreachable'],
    ['prohibit', 'Packet filtered'],
  ])('names the error of a router with a %s route', (type, text) => {
    const lan = new Lan();
    lan.run(`ssh tr ip route add ${type} 10.4.0.0/16`);
    expect(lan.out('ping -c1 10.4.0.1')).toContain(`From 10.1.0.1 icmp_seq=1 ${text}\n`);
  });

  it('tells a missing neighbour after its own three seconds', () => {
    const lan = new Lan();
    const output = lan.out('ping -c1 10.1.0.9');
    expect(output).toContain('From 10.1.0.2 icmp_seq=1 Destination Host Unreachable\n');
    expect(lan.world.now).toBeGreaterThan(3_000_000);
  });
});

describe('ping of BusyBox', () => {
  it.each([
    [
      'busybox:ping -c 2 10.2.0.2',
      'PING 10.2.0.2 (10.2.0.2): 56 data bytes\n64 bytes from 10.2.0.2: seq=0 ttl=63 time=T ms\n64 bytes from 10.2.0.2: seq=1 ttl=63 time=T ms\n\n--- 10.2.0.2 ping statistics ---\n2 packets transmitted, 2 packets received, 0% packet loss\nround-trip min/avg/max = T ms\n',
      0,
    ],
    [
      'busybox:ping -c1 -W1 10.1.0.9',
      'PING 10.1.0.9 (10.1.0.9): 56 data bytes\n\n--- 10.1.0.9 ping statistics ---\n1 packets transmitted, 0 packets received, 100% packet loss\n',
      1,
    ],
    [
      'busybox:ping -c1 -W1 -t1 10.2.0.2',
      'PING 10.2.0.2 (10.2.0.2): 56 data bytes\n\n--- 10.2.0.2 ping statistics ---\n1 packets transmitted, 0 packets received, 100% packet loss\n',
      1,
    ],
    ['busybox:ping -c1 nosuch', "ping: bad address 'nosuch'\n", 1],
    [
      'ip route del default; busybox:ping -c1 10.2.0.2',
      'PING 10.2.0.2 (10.2.0.2): 56 data bytes\nping: sendto: Network is unreachable\n',
      1,
    ],
  ])('%s', (line, output, exitCode) => {
    const result = new Lan().run(line);
    expect([timeless(result.output), result.exitCode]).toEqual([output, exitCode]);
  });
});

describe('traceroute', () => {
  it.each([
    [
      'traceroute -n 10.2.0.2',
      'traceroute to 10.2.0.2 (10.2.0.2), 30 hops max, 60 byte packets\n 1  10.1.0.1  T ms  T ms  T ms\n 2  10.2.0.2  T ms  T ms  T ms\n',
    ],
    [
      'traceroute 10.2.0.2',
      'traceroute to 10.2.0.2 (10.2.0.2), 30 hops max, 60 byte packets\n 1  10.1.0.1 (10.1.0.1)  T ms  T ms  T ms\n 2  10.2.0.2 (10.2.0.2)  T ms  T ms  T ms\n',
    ],
    [
      'traceroute -n -I -q 1 10.2.0.2',
      'traceroute to 10.2.0.2 (10.2.0.2), 30 hops max, 60 byte packets\n 1  10.1.0.1  T ms\n 2  10.2.0.2  T ms\n',
    ],
    [
      'traceroute -T -n -p 80 10.2.0.2',
      'traceroute to 10.2.0.2 (10.2.0.2), 30 hops max, 60 byte packets\n 1  10.1.0.1  T ms  T ms  T ms\n 2  10.2.0.2  T ms  T ms  T ms\n',
    ],
    [
      'traceroute -n -m 2 -w 1 10.2.0.9',
      'traceroute to 10.2.0.9 (10.2.0.9), 2 hops max, 60 byte packets\n 1  10.1.0.1  T ms  T ms  T ms\n 2  * * *\n',
    ],
    [
      'ssh tr ip route add unreachable 10.4.0.0/16; traceroute -n -q 1 10.4.0.1',
      'traceroute to 10.4.0.1 (10.4.0.1), 30 hops max, 60 byte packets\n 1  10.1.0.1  T ms !H\n',
    ],
    [
      'ip route del default; traceroute -n 10.2.0.2',
      'traceroute to 10.2.0.2 (10.2.0.2), 30 hops max, 60 byte packets\nconnect: Network is unreachable\n',
    ],
    [
      'busybox:traceroute -n -q1 10.2.0.2',
      'traceroute to 10.2.0.2 (10.2.0.2), 30 hops max, 46 byte packets\n 1  10.1.0.1  T ms\n 2  10.2.0.2  T ms\n',
    ],
  ])('%s', (line, output) => {
    expect(timeless(new Lan().out(line))).toBe(output);
  });
});

describe('arping', () => {
  it.each([
    [
      'arping -c1 -I eth0 10.1.0.1',
      'ARPING 10.1.0.1 from 10.1.0.2 eth0\nUnicast reply from 10.1.0.1 [9A:07:B7:48:50:A2]  Tms\nSent 1 probes (1 broadcast(s))\nReceived 1 response(s)\n',
      0,
    ],
    [
      'arping -c 1 -w 1 -I eth0 10.1.0.77',
      'ARPING 10.1.0.77 from 10.1.0.2 eth0\nSent 1 probes (1 broadcast(s))\nReceived 0 response(s)\n',
      1,
    ],
    ['arping -c1 -I nope 10.1.0.1', 'arping: Device nope not available.\n', 2],
    ['arping -c1 -I lo 10.1.0.1', 'arping: Interface "lo" is not ARPable\n', 2],
  ])('%s', (line, output, exitCode) => {
    const result = new Lan().run(line);
    expect([timeless(result.output), result.exitCode]).toEqual([output, exitCode]);
  });
});
