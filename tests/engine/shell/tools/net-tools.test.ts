import { describe, expect, it } from 'vitest';
import { Lan } from '../lan.ts';

const times = (text: string): string =>
  text
    .replace(/\d\.\d{3}ms/g, 'N.NNNms')
    .replace(/(bytes|packets|RX|TX)[ :]+[\d.]+/g, '$1 N')
    .replace(/\([\d.]+ (?:B|KiB)\)/g, '(N)');

describe('net-tools', () => {
  it.each([
    [
      'route -n',
      'Kernel IP routing table\nDestination     Gateway         Genmask         Flags Metric Ref    Use Iface\n0.0.0.0         10.1.0.1        0.0.0.0         UG    0      0        0 eth0\n10.1.0.0        0.0.0.0         255.255.255.0   U     0      0        0 eth0\n',
    ],
    [
      'ping -c1 10.2.0.2 >/dev/null; arp -n',
      'Address                  HWtype  HWaddress           Flags Mask            Iface\n10.1.0.1                 ether   9a:07:b7:48:50:a2   C                     eth0\n',
    ],
    [
      'ping -c1 -W1 10.1.0.77 >/dev/null; arp -n',
      'Address                  HWtype  HWaddress           Flags Mask            Iface\n10.1.0.77                        (incomplete)                              eth0\n',
    ],
    ['ping -c1 10.2.0.2 >/dev/null; arp -a', '? (10.1.0.1) at 9a:07:b7:48:50:a2 [ether] on eth0\n'],
    ['ping -c1 10.2.0.2 >/dev/null; busybox:arp', '? (10.1.0.1) at 9a:07:b7:48:50:a2 [ether]  on eth0\n'],
    ['ifconfig nope', 'nope: error fetching interface information: Device not found\n'],
    [
      'ifconfig eth0 | head -2',
      'eth0: flags=4163<UP,BROADCAST,RUNNING,MULTICAST>  mtu 1500\n        inet 10.1.0.2  netmask 255.255.255.0  broadcast 0.0.0.0\n',
    ],
    [
      'busybox:ifconfig eth0 | head -3',
      'eth0      Link encap:Ethernet  HWaddr A2:9F:FF:E4:C2:F8  \n          inet addr:10.1.0.2  Bcast:0.0.0.0  Mask:255.255.255.0\n          UP BROADCAST RUNNING MULTICAST  MTU:1500  Metric:1\n',
    ],
  ])('%s', (line, output) => {
    expect(times(new Lan().out(line))).toBe(times(output));
  });
});

describe('tracepath', () => {
  it.each([
    [
      'tracepath -n 10.2.0.2',
      ' 1?: [LOCALHOST]                      pmtu 1500\n 1:  10.1.0.1                                              0.061ms \n 1:  10.1.0.1                                              0.010ms \n 2:  10.2.0.2                                              0.053ms reached\n     Resume: pmtu 1500 hops 2 back 2 \n',
    ],
    [
      'tracepath -n 10.9.0.1',
      ' 1?: [LOCALHOST]                      pmtu 1500\n 1:  10.1.0.1                                              0.067ms !N\n 1:  10.1.0.1                                              0.010ms !N\n     Resume: pmtu 1500 \n',
    ],
    [
      'ssh tr ip link set r1 mtu 1400; tracepath -n 10.2.0.2',
      ' 1?: [LOCALHOST]                      pmtu 1500\n 1:  10.1.0.1                                              0.061ms \n 1:  10.1.0.1                                              0.010ms \n 2:  10.1.0.1                                              0.053ms pmtu 1400\n 2:  10.2.0.2                                              0.053ms reached\n     Resume: pmtu 1400 hops 2 back 2 \n',
    ],
    [
      'ssh tr ip route add blackhole 10.3.0.0/16; tracepath -n -m 2 10.3.0.1',
      ' 1?: [LOCALHOST]                      pmtu 1500\n 1:  no reply\n 2:  no reply\n     Too many hops: pmtu 1500\n     Resume: pmtu 1500 \n',
    ],
  ])('%s', (line, output) => {
    expect(times(new Lan().out(line))).toBe(times(output));
  });
});
