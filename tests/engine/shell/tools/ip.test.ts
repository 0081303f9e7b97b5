import { describe, expect, it } from 'vitest';
import { Lan } from '../lan.ts';

const addr = `1: lo: <LOOPBACK,UP,LOWER_UP> mtu 65536 qdisc noqueue state UNKNOWN group default qlen 1000
    link/loopback 00:00:00:00:00:00 brd 00:00:00:00:00:00
    inet 127.0.0.1/8 scope host lo
       valid_lft forever preferred_lft forever
2: eth0@if2: <BROADCAST,MULTICAST,UP,LOWER_UP> mtu 1500 qdisc noqueue state UP group default qlen 1000
    link/ether a2:9f:ff:e4:c2:f8 brd ff:ff:ff:ff:ff:ff link-netnsid 0
    inet 10.1.0.2/24 scope global eth0
       valid_lft forever preferred_lft forever
`;

/** Forms as iproute2 6.1 printed them on a kernel for the same state. */
describe('ip', () => {
  it.each([
    ['ip addr', addr],
    ['ip address show', addr],
    ['ip a', addr],
    [
      'ip -br addr',
      'lo               UNKNOWN        127.0.0.1/8 \neth0@if2         UP             10.1.0.2/24 \n',
    ],
    [
      'ip -o addr show eth0',
      '2: eth0    inet 10.1.0.2/24 scope global eth0\\       valid_lft forever preferred_lft forever\n',
    ],
    [
      'ip -4 addr show dev lo',
      '1: lo: <LOOPBACK,UP,LOWER_UP> mtu 65536 qdisc noqueue state UNKNOWN group default qlen 1000\n    inet 127.0.0.1/8 scope host lo\n       valid_lft forever preferred_lft forever\n',
    ],
    [
      'ip link show eth0',
      '2: eth0@if2: <BROADCAST,MULTICAST,UP,LOWER_UP> mtu 1500 qdisc noqueue state UP mode DEFAULT group default qlen 1000\n    link/ether a2:9f:ff:e4:c2:f8 brd ff:ff:ff:ff:ff:ff link-netnsid 0\n',
    ],
    [
      'ip -br link',
      'lo               UNKNOWN        00:00:00:00:00:00 <LOOPBACK,UP,LOWER_UP> \neth0@if2         UP             a2:9f:ff:e4:c2:f8 <BROADCAST,MULTICAST,UP,LOWER_UP> \n',
    ],
    [
      'ip -s link show lo',
      '1: lo: <LOOPBACK,UP,LOWER_UP> mtu 65536 qdisc noqueue state UNKNOWN mode DEFAULT group default qlen 1000\n    link/loopback 00:00:00:00:00:00 brd 00:00:00:00:00:00\n    RX:  bytes packets errors dropped  missed   mcast           \n             0       0      0       0       0       0 \n    TX:  bytes packets errors dropped carrier collsns           \n             0       0      0       0       0       0 \n',
    ],
    [
      'ip route',
      'default via 10.1.0.1 dev eth0 \n10.1.0.0/24 dev eth0 proto kernel scope link src 10.1.0.2 \n',
    ],
    ['ip r show dev eth0', 'default via 10.1.0.1 \n10.1.0.0/24 proto kernel scope link src 10.1.0.2 \n'],
    ['ip route show default', 'default via 10.1.0.1 dev eth0 \n'],
    [
      'ip route show match 10.1.0.7',
      'default via 10.1.0.1 dev eth0 \n10.1.0.0/24 dev eth0 proto kernel scope link src 10.1.0.2 \n',
    ],
    ['ip route show 10.9.0.0/16', ''],
    [
      'ip route show table local',
      'local 10.1.0.2 dev eth0 proto kernel scope host src 10.1.0.2 \nbroadcast 10.1.0.255 dev eth0 proto kernel scope link src 10.1.0.2 \nlocal 127.0.0.0/8 dev lo proto kernel scope host src 127.0.0.1 \nlocal 127.0.0.1 dev lo proto kernel scope host src 127.0.0.1 \nbroadcast 127.255.255.255 dev lo proto kernel scope link src 127.0.0.1 \n',
    ],
    [
      'ip route show table all | head -3',
      'default via 10.1.0.1 dev eth0 \n10.1.0.0/24 dev eth0 proto kernel scope link src 10.1.0.2 \nlocal 10.1.0.2 dev eth0 table local proto kernel scope host src 10.1.0.2 \n',
    ],
    ['ip route get 10.2.0.2', '10.2.0.2 via 10.1.0.1 dev eth0 src 10.1.0.2 uid 0 \n    cache \n'],
    ['ip route get 10.1.0.9', '10.1.0.9 dev eth0 src 10.1.0.2 uid 0 \n    cache \n'],
    ['ip route get 10.1.0.2', 'local 10.1.0.2 dev lo src 10.1.0.2 uid 0 \n    cache <local> \n'],
    [
      'ip route get 10.1.0.255',
      'broadcast 10.1.0.255 dev eth0 src 10.1.0.2 uid 0 \n    cache <local,brd> \n',
    ],
    ['ip rule', '0:\tfrom all lookup local\n32766:\tfrom all lookup main\n32767:\tfrom all lookup default\n'],
    ['ip neigh', ''],
    ['ip -V', 'ip utility, iproute2-6.1.0, libbpf 1.1.2\n'],
  ])('%s', (line, output) => {
    expect(new Lan().run(line)).toMatchObject({ output, exitCode: 0 });
  });

  it.each([
    ['ip foo', 'Object "foo" is unknown, try "ip help".\n', 1],
    ['ip addr show dev nope', 'Device "nope" does not exist.\n', 1],
    ['ip link show foo bar', 'Device "foo" does not exist.\n', 1],
    ['ip link show eth0 bar', 'Error: either "dev" is duplicate, or "bar" is a garbage.\n', 255],
    ['ip link set nope up', 'Cannot find device "nope"\n', 1],
    ['ip link set', 'Not enough information: "dev" argument is required.\n', 255],
    ['ip link set eth0 mtu abc', 'Error: argument "abc" is wrong: Invalid "mtu" value\n\n', 255],
    ['ip link set eth0 mtu 10', 'Error: mtu less than device minimum.\n', 2],
    ['ip link set eth0 master nope', 'Error: argument "nope" is wrong: Device does not exist\n\n', 255],
    ['ip link add name foo type bar', 'Error: Unknown device type.\n', 2],
    ['ip link del lo', 'RTNETLINK answers: Operation not supported\n', 2],
    ['ip addr add 10.1.0.2/24 dev eth0', 'Error: ipv4: Address already assigned.\n', 2],
    ['ip addr del 1.1.1.1/24 dev eth0', 'Error: ipv4: Address not found.\n', 2],
    ['ip addr add 1.1.1.1/24', 'Not enough information: "dev" argument is required.\n', 255],
    [
      'ip addr add 999.1.1.1/24 dev lo',
      'Error: any valid prefix is expected rather than "999.1.1.1/24".\n',
      1,
    ],
    ['ip addr flush', 'Flush requires arguments.\n', 255],
    ['ip route add foo dev eth0', 'Error: any valid prefix is expected rather than "foo".\n', 1],
    ['ip route add 1.2.3.0/24 dev nope', 'Cannot find device "nope"\n', 1],
    ['ip route add default via 10.1.0.1', 'RTNETLINK answers: File exists\n', 2],
    ['ip route del 1.2.3.0/24', 'RTNETLINK answers: No such process\n', 2],
    ['ip route add 10.0.0.1/8 dev eth0', 'Error: Invalid prefix for given prefix length.\n', 2],
    ['ip route add 10.9.0.0/24', 'RTNETLINK answers: No such device\n', 2],
    [
      'ip route add 1.1.1.0/24 via 10.1.0.1 foo',
      'Error: either "to" is duplicate, or "foo" is a garbage.\n',
      255,
    ],
    ['ip route flush', '"ip route flush" requires arguments.\n', 255],
    ['ip route get', 'need at least a destination address\n', 1],
    ['ip neigh add 1.1.1.1 dev eth0', 'Error: No link layer address given.\n', 2],
    ['ip neigh del 1.1.1.1 dev eth0', 'RTNETLINK answers: No such file or directory\n', 2],
    ['ip neigh add 10.1.0.9 lladdr zz dev eth0', '"zz" is invalid lladdr.\n', 1],
    [
      'ip neigh replace 10.1.0.9 lladdr 02:00:00:00:00:09',
      'Device and destination are required arguments.\n',
      1,
    ],
    [
      'ip neigh add 10.1.0.9 lladdr 02:00:00:00:00:09 nud foo dev eth0',
      'Error: argument "foo" is wrong: nud state is bad\n\n',
      255,
    ],
    ['ip rule add foo', 'Error: argument "foo" is wrong: Failed to parse rule type\n\n', 255],
    ['ip rule del table 200', 'RTNETLINK answers: No such file or directory\n', 2],
  ])('refuses %s', (line, stderr, exitCode) => {
    expect(new Lan().run(line)).toMatchObject({ stderr, exitCode });
  });

  it('refuses a gateway that is not on a link', () => {
    expect(new Lan().run('ip route del default; ip route add 1.2.3.0/24 via 9.9.9.9')).toMatchObject({
      stderr: 'Error: Nexthop has invalid gateway.\n',
      exitCode: 2,
    });
  });

  it.each([
    ['blackhole', 'Invalid argument'],
    ['unreachable', 'No route to host'],
    ['prohibit', 'Permission denied'],
  ])('answers a %s route with %s', (type, text) => {
    const lan = new Lan();
    expect(lan.out(`ip route add ${type} 9.9.9.0/24; ip route get 9.9.9.1`)).toBe(
      `RTNETLINK answers: ${text}\n`,
    );
    expect(lan.out('ip route show 9.9.9.0/24')).toBe(`${type} 9.9.9.0/24 \n`);
  });

  it('changes what decides: routes, addresses, links, neighbours', () => {
    const lan = new Lan();
    expect(lan.run('ip route del default; curl -sS http://10.2.0.2/')).toMatchObject({ exitCode: 7 });
    expect(lan.run('ip route add default via 10.1.0.1; curl -s http://10.2.0.2/')).toMatchObject({
      output: 'hello\n',
    });
    lan.run('ip addr add 10.1.0.7/24 brd + dev eth0; ip link set eth0 mtu 1400');
    expect(lan.out('ip addr show eth0')).toContain('mtu 1400 ');
    expect(lan.out('ip addr show eth0')).toContain(
      '    inet 10.1.0.7/24 brd 10.1.0.255 scope global secondary eth0\n',
    );
    expect(lan.out('ip neigh replace 10.1.0.1 lladdr 02:00:00:00:00:01 dev eth0; ip neigh')).toBe(
      '10.1.0.1 dev eth0 lladdr 02:00:00:00:00:01 PERMANENT \n',
    );
    expect(lan.run('ping -c1 -W1 10.2.0.2').exitCode).toBe(1);
    expect(lan.run('ip neigh del 10.1.0.1 dev eth0; ping -c1 -W1 10.2.0.2').exitCode).toBe(0);
    expect(lan.out('ip link set eth0 down; ip -br link show eth0')).toBe(
      'eth0@if2         DOWN           a2:9f:ff:e4:c2:f8 <BROADCAST,MULTICAST> \n',
    );
  });

  it('shows a pair without a carrier', () => {
    const lan = new Lan();
    lan.run('ssh tr ip link set r0 down');
    expect(lan.out('ip route')).toBe(
      'default via 10.1.0.1 dev eth0 linkdown \n10.1.0.0/24 dev eth0 proto kernel scope link src 10.1.0.2 linkdown \n',
    );
    expect(lan.out('ip link show eth0')).toContain('eth0@if2: <NO-CARRIER,BROADCAST,MULTICAST,UP> mtu 1500');
  });

  it('runs in the node’s named namespaces', () => {
    const lan = new Lan();
    expect(lan.out('ssh tr ip netns list')).toBe('ta (id: 0)\ntb (id: 1)\n');
    expect(lan.out('ssh tr ip netns exec tb hostname -I')).toBe('10.2.0.2 \n');
    expect(lan.out('ssh tr ip -n tb -br addr show eth0')).toBe(
      'eth0@if3         UP             10.2.0.2/24 \n',
    );
    expect(lan.run('ssh tr ip netns exec nope true')).toMatchObject({
      output: 'Cannot open network namespace "nope": No such file or directory\n',
      exitCode: 255,
    });
  });

  it('adds policy rules and tables', () => {
    const lan = new Lan();
    expect(lan.out('ip rule add from 1.2.3.4 table 100; ip rule')).toBe(
      '0:\tfrom all lookup local\n32765:\tfrom 1.2.3.4 lookup 100\n32766:\tfrom all lookup main\n32767:\tfrom all lookup default\n',
    );
    expect(lan.out('ip route add 8.8.8.0/24 via 10.1.0.1 table 100; ip route show table 100')).toBe(
      '8.8.8.0/24 via 10.1.0.1 dev eth0 \n',
    );
  });
});

describe('bridge', () => {
  it('shows ports and learnt addresses', () => {
    const lan = new Lan();
    lan.run(
      'ssh tr "ip addr flush dev r0; ip link add br0 type bridge; ip link set r0 master br0; ip link set br0 up; ip addr add 10.1.0.1/24 dev br0"',
    );
    lan.run('ping -c1 10.1.0.1');
    expect(lan.out('ssh tr bridge link')).toBe(
      '2: r0: <BROADCAST,MULTICAST,UP,LOWER_UP> mtu 1500 master br0 state forwarding priority 32 cost 2 \n',
    );
    expect(lan.out('ssh tr bridge fdb show br br0')).toBe(
      'a2:9f:ff:e4:c2:f8 dev r0 master br0 \n9a:07:b7:48:50:a2 dev r0 master br0 permanent\n',
    );
    expect(lan.out('ssh tr bridge fdb show dev r0')).toBe(
      'a2:9f:ff:e4:c2:f8 master br0 \n9a:07:b7:48:50:a2 master br0 permanent\n',
    );
    expect(lan.out('ssh tr "bridge link set dev r0 hairpin on; bridge -d link"')).toContain(
      '    hairpin on guard off root_block off fastleave off learning on flood on mcast_flood on bcast_flood on',
    );
  });

  it('adds and deletes VXLAN entries', () => {
    const lan = new Lan();
    lan.run('ssh tr ip link add flannel.1 type vxlan id 1 local 10.1.0.1 dstport 8472 nolearning');
    expect(
      lan.out(
        'ssh tr "bridge fdb add 02:00:00:00:00:01 dev flannel.1 dst 192.168.50.12 self permanent; bridge fdb show dev flannel.1"',
      ),
    ).toBe('02:00:00:00:00:01 dst 192.168.50.12 self permanent\n');
    expect(lan.run('ssh tr bridge fdb add 02:00:00:00:00:01 dev flannel.1 dst 1.2.3.4')).toMatchObject({
      output: 'RTNETLINK answers: File exists\n',
      exitCode: 255,
    });
    expect(lan.run('ssh tr bridge fdb del 02:00:00:00:00:09 dev flannel.1 dst 1.1.1.1')).toMatchObject({
      output: 'RTNETLINK answers: No such file or directory\n',
      exitCode: 255,
    });
    expect(
      lan.out(
        'ssh tr "bridge fdb del 02:00:00:00:00:01 dev flannel.1 dst 192.168.50.12 self; bridge fdb show dev flannel.1"',
      ),
    ).toBe('');
  });

  it.each([
    ['bridge foo', 'Object "foo" is unknown, try "bridge help".\n', 255],
    ['bridge fdb add zz dev eth0', 'Invalid mac address zz\n', 255],
    ['bridge fdb add 02:00:00:00:00:01', 'Device and address are required arguments.\n', 255],
  ])('refuses %s', (line, stderr, exitCode) => {
    expect(new Lan().run(line)).toMatchObject({ stderr, exitCode });
  });
});
