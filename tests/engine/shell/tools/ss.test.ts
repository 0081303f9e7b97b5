import { describe, expect, it } from 'vitest';
import { parseIp } from '../../../../src/engine/net/address.ts';
import { parseSocketFilter } from '../../../../src/engine/shell/tools/ss/filter.ts';
import { Lan } from '../lan.ts';

describe('ss', () => {
  it.each([
    [
      'ss -tln sport = :80',
      'State  Recv-Q Send-Q Local Address:Port Peer Address:PortProcess\nLISTEN 0      5            0.0.0.0:80        0.0.0.0:*   \n',
    ],
    [
      'ss -tlnp sport = :80',
      'State  Recv-Q Send-Q Local Address:Port Peer Address:PortProcess\nLISTEN 0      5            0.0.0.0:80        0.0.0.0:*   users:(("python3",pid=22495,fd=3))\n',
    ],
    [
      'ss -tl sport = :80',
      'State  Recv-Q Send-Q Local Address:Port Peer Address:PortProcess\nLISTEN 0      5            0.0.0.0:http      0.0.0.0:*   \n',
    ],
    ['ss -H -tln sport = :80', 'LISTEN 0 5 0.0.0.0:80 0.0.0.0:*\n'],
    ['ss -tn state established', 'Recv-Q Send-Q Local Address:Port Peer Address:PortProcess\n'],
    [
      'ss -tunl sport = :53',
      'Netid State  Recv-Q Send-Q Local Address:Port Peer Address:PortProcess\nudp   UNCONN 0      0            0.0.0.0:53        0.0.0.0:*   \n',
    ],
  ])('%s', (line, output) => {
    expect(new Lan().out(`ssh tb "${line}"`)).toBe(output);
  });

  it('shows a connection from both ends', () => {
    const lan = new Lan();
    const output = lan.out('nc 10.2.0.2 84 & sleep 1; ss -tn; ssh tb ss -tn; kill %1');
    expect(output.match(/ESTAB +0 +0 +10\.1\.0\.2:\d+ +10\.2\.0\.2:84/g)).toHaveLength(1);
    expect(output.match(/ESTAB +0 +0 +10\.2\.0\.2:84 +10\.1\.0\.2:\d+/g)).toHaveLength(1);
  });
});

describe('netstat', () => {
  it('shows listeners', () => {
    expect(new Lan().out('ssh tb "netstat -tlnp | head -3"')).toBe(
      'Active Internet connections (only servers)\nProto Recv-Q Send-Q Local Address           Foreign Address         State       PID/Program name    \ntcp        0      0 0.0.0.0:80              0.0.0.0:*               LISTEN      22495/python3       \n',
    );
  });

  it('shows routes', () => {
    expect(new Lan().out('netstat -rn')).toBe(
      'Kernel IP routing table\nDestination     Gateway         Genmask         Flags   MSS Window  irtt Iface\n0.0.0.0         10.1.0.1        0.0.0.0         UG        0 0          0 eth0\n10.1.0.0        0.0.0.0         255.255.255.0   U         0 0          0 eth0\n',
    );
  });
});

describe('sysctl and the files of /sys and /proc', () => {
  it.each([
    ['sysctl net.ipv4.ip_forward', 'net.ipv4.ip_forward = 0\n', 0],
    ['sysctl -n net.ipv4.ip_forward', '0\n', 0],
    ['sysctl -w net.ipv4.ip_forward=1', 'net.ipv4.ip_forward = 1\n', 0],
    ['sysctl -qw net.ipv4.conf.eth0.rp_filter=1; cat /proc/sys/net/ipv4/conf/eth0/rp_filter', '1\n', 0],
    ['sysctl net/ipv4/ip_forward', 'net.ipv4.ip_forward = 0\n', 0],
    [
      'sysctl -w net.ipv4.foo=1',
      'sysctl: cannot stat /proc/sys/net/ipv4/foo: No such file or directory\n',
      1,
    ],
    ['sysctl foo', 'sysctl: cannot stat /proc/sys/foo: No such file or directory\n', 1],
    ['sysctl -w net.ipv4.ip_forward=abc', 'sysctl: setting key "net.ipv4.ip_forward": Invalid argument\n', 1],
    ['echo 1 > /proc/sys/net/ipv4/ip_forward; sysctl net.ipv4.ip_forward', 'net.ipv4.ip_forward = 1\n', 0],
    ['echo x > /proc/sys/net/ipv4/ip_forward', '', 0],
    ['echo 1 > /proc/sys/net/nope', 'bash: /proc/sys/net/nope: No such file or directory\n', 1],
    ['cat /sys/class/net/eth0/address', 'a2:9f:ff:e4:c2:f8\n', 0],
    ['cat /sys/class/net/*/mtu', '1500\n65536\n', 0],
    ['ls /sys/class/net', 'eth0\nlo\n', 0],
    ['cat /sys/class/net/nope/address', 'cat: /sys/class/net/nope/address: No such file or directory\n', 1],
    ['cat /proc', 'cat: /proc: Is a directory\n', 1],
    ['echo a > /nope/b', 'bash: /nope/b: No such file or directory\n', 1],
    ['echo a > /etc', 'bash: /etc: Is a directory\n', 1],
  ])('%s', (line, output, exitCode) => {
    expect(new Lan().run(line)).toMatchObject({ output, exitCode });
  });
});

describe('netfilter tools', () => {
  it('append rules that then decide', () => {
    const lan = new Lan();
    expect(
      lan.run(
        'ssh tr iptables -A FORWARD -p tcp --dport 80 -j REJECT --reject-with tcp-reset; curl -sS http://10.2.0.2/',
      ),
    ).toMatchObject({ exitCode: 7 });
    expect(lan.out('ssh tr iptables -S FORWARD')).toBe(
      '-P FORWARD ACCEPT\n-A FORWARD -p tcp -m tcp --dport 80 -j REJECT --reject-with tcp-reset\n',
    );
    expect(lan.out('ssh tr "iptables-save | grep -c REJECT"')).toBe('1\n');
    expect(lan.run('ssh tr iptables -F FORWARD; curl -s http://10.2.0.2/')).toMatchObject({
      output: 'hello\n',
      exitCode: 0,
    });
  });

  it('restore what was saved', () => {
    const lan = new Lan();
    lan.run(
      'ssh tr "iptables -A INPUT -s 10.1.0.9 -j DROP; iptables-save > /tmp/rules; iptables -F; iptables-restore < /tmp/rules"',
    );
    expect(lan.out('ssh tr iptables -S INPUT')).toContain('-A INPUT -s 10.1.0.9/32 -j DROP\n');
  });

  it('list and forget connections as conntrack-tools do', () => {
    const lan = new Lan();
    lan.run('ssh tr iptables -A FORWARD -m conntrack --ctstate ESTABLISHED -j ACCEPT; ping -c1 10.2.0.2');
    const result = lan.run('ssh tr conntrack -L');
    expect(result.stdout).toMatch(
      /^icmp {5}1 \d+ src=10\.1\.0\.2 dst=10\.2\.0\.2 type=8 code=0 id=\d+ src=10\.2\.0\.2 dst=10\.1\.0\.2 type=0 code=0 id=\d+ mark=0 use=1\n$/,
    );
    expect(result.stderr).toBe('conntrack v1.4.7 (conntrack-tools): 1 flow entries have been shown.\n');
    expect(lan.run('ssh tr conntrack -D -d 1.2.3.4')).toMatchObject({
      output: 'conntrack v1.4.7 (conntrack-tools): 0 flow entries have been deleted.\n',
      exitCode: 1,
    });
    expect(lan.run('ssh tr conntrack -D -p icmp')).toMatchObject({
      stderr: 'conntrack v1.4.7 (conntrack-tools): 1 flow entries have been deleted.\n',
      exitCode: 0,
    });
    expect(lan.out('ssh tr conntrack -C')).toBe('0\n');
    expect(lan.out('ssh tr conntrack -F')).toBe(
      'conntrack v1.4.7 (conntrack-tools): connection tracking table has been emptied.\n',
    );
    expect(lan.run('ssh tr conntrack -Z').output).toBe(
      "conntrack v1.4.7 (conntrack-tools): unknown option `-Z'\nTry `conntrack -h' or 'conntrack --help' for more information.\n",
    );
  });

  it('tell events as they come', () => {
    const lan = new Lan();
    lan.run('ssh tr iptables -A FORWARD -m conntrack --ctstate ESTABLISHED -j ACCEPT');
    expect(
      lan.out('ssh tr timeout 1 conntrack -E 2>/dev/null & sleep 0.1; ping -c1 10.2.0.2 >/dev/null; wait'),
    ).toMatch(/^ {4}\[NEW\] icmp {5}1 \d+ src=10\.1\.0\.2 dst=10\.2\.0\.2 type=8/);
  });
});

describe('a filter of ss', () => {
  const socket = (state: string, local: string, localPort: number, remote: string, remotePort: number) => ({
    protocol: 'tcp' as const,
    state,
    local: parseIp(local) ?? 0,
    localPort,
    remote: parseIp(remote) ?? 0,
    remotePort,
  });
  const sockets = [
    socket('LISTEN', '0.0.0.0', 80, '0.0.0.0', 0),
    socket('ESTAB', '10.1.0.2', 40001, '10.2.0.2', 80),
    socket('TIME-WAIT', '10.1.0.2', 40002, '10.2.0.3', 443),
  ];

  it.each([
    ['', [80, 40001, 40002]],
    ['sport = :80', [80]],
    ['sport = :http or dport = :https', [80, 40002]],
    ['( dport = :80 or dport = 443 ) and sport >= 40002', [40002]],
    ['dst 10.2.0.0/24', [40001, 40002]],
    ['dst 10.2.0.2:80', [40001]],
    ['dst != 10.2.0.2 sport > :100', [40002]],
    ['not (sport = :80)', [40001, 40002]],
    ['!( sport = :80 || dport = :80 )', [40002]],
  ])('%j', (filter, ports) => {
    const parsed = parseSocketFilter([filter]);
    if ('error' in parsed) throw new Error(parsed.error);
    expect(sockets.filter((one) => parsed.accepts(one)).map(({ localPort }) => localPort)).toEqual(ports);
  });

  it.each([
    ['state established', ['ESTAB']],
    ['state time-wait state listening', ['TIME-WAIT', 'LISTEN']],
  ])('%j names its states', (filter, states) => {
    const parsed = parseSocketFilter(filter.split(' '));
    expect('error' in parsed ? parsed : [...(parsed.states ?? [])]).toEqual(states);
  });

  it.each([
    ['state foo', 'ss: wrong state name: foo'],
    ['sport = :abc', 'Error: "abc" does not look like a port.\nCannot parse dst/src address.'],
    ['foo', 'ss: bison bellows (while parsing filter): "syntax error!" Sorry.'],
    ['( dst 1.2.3.4', 'ss: bison bellows (while parsing filter): "syntax error!" Sorry.'],
    [
      'dst 1.2.3.x',
      'Error: an inet prefix is expected rather than "1.2.3.x".\nCannot parse dst/src address.',
    ],
  ])('%j is refused', (filter, error) => {
    expect(parseSocketFilter(filter.split(' '))).toEqual({ error });
  });
});
