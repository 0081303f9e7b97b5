import { describe, expect, it } from 'vitest';
import { Lan } from '../lan.ts';

const meter =
  '  % Total    % Received % Xferd  Average Speed   Time    Time     Time  Current\n                                 Dload  Upload   Total   Spent    Left  Speed\n';
const nothing = '  0     0    0     0    0     0      0      0 --:--:-- --:--:-- --:--:--     0';

/** A LAN where 10.3.0.0/16 is silence, 10.4.0.0/16 unreachable. */
function broken(): Lan {
  const lan = new Lan();
  lan.run('ssh tr "ip route add blackhole 10.3.0.0/16; ip route add unreachable 10.4.0.0/16"');
  return lan;
}

describe('curl', () => {
  it.each([
    ['curl -s http://10.2.0.2/', 'hello\n', '', 0],
    ['curl -s 10.2.0.2', 'hello\n', '', 0],
    ['curl -s http://web', 'hello\n', '', 0],
    [
      'curl -sS http://10.2.0.2:81/',
      '',
      'curl: (7) Failed to connect to 10.2.0.2 port 81 after 0 ms: Could not connect to server\n',
      7,
    ],
    ['curl -s http://10.2.0.2:81/', '', '', 7],
    [
      'ssh ta curl http://10.2.0.2:81/',
      '',
      `${meter}${nothing}\ncurl: (7) Failed to connect to 10.2.0.2 port 81 after 0 ms: Could not connect to server\n`,
      7,
    ],
    ['curl -sS -m 1 http://10.3.0.1/', '', 'curl: (28) Connection timed out after 1001 milliseconds\n', 28],
    [
      'curl -sS --max-time 2.5 http://10.3.0.1/',
      '',
      'curl: (28) Connection timed out after 2501 milliseconds\n',
      28,
    ],
    [
      'curl -sS --connect-timeout 1 http://10.3.0.1/',
      '',
      'curl: (28) Failed to connect to 10.3.0.1 port 80 after 1001 ms: Timeout was reached\n',
      28,
    ],
    [
      'curl -sS http://10.4.0.1/',
      '',
      'curl: (7) Failed to connect to 10.4.0.1 port 80 after 0 ms: Could not connect to server\n',
      7,
    ],
    ['curl -sS http://nosuch/', '', 'curl: (6) Could not resolve host: nosuch\n', 6],
    ['curl http://nosuch/', '', 'curl: (6) Could not resolve host: nosuch\n', 6],
    ['ssh ta curl http://nosuch/', '', `${meter}${nothing}curl: (6) Could not resolve host: nosuch\n`, 6],
    ['curl -sS http://10.2.0.2:82/', '', 'curl: (52) Empty reply from server\n', 52],
    ['curl -sS http://10.2.0.2:83/', '', 'curl: (56) Recv failure: Connection reset by peer\n', 56],
    [
      'curl -sS -m 1 http://10.2.0.2:84/',
      '',
      'curl: (28) Operation timed out after 1001 milliseconds with 0 bytes received\n',
      28,
    ],
    ['curl -sSf http://10.2.0.2/nope', '', 'curl: (22) The requested URL returned error: 404\n', 22],
    ['curl -s http://10.2.0.2/nope', 'no such page\n', '', 0],
    ['curl -s http://10.2.0.2/moved', '', '', 0],
    ['curl -sL http://10.2.0.2/moved', 'hello\n', '', 0],
    ['curl -sI http://10.2.0.2/', 'HTTP/1.1 200 OK\nContent-Type: text/plain\nContent-Length: 6\n\n', '', 0],
    [
      'curl -si http://10.2.0.2/',
      'HTTP/1.1 200 OK\nContent-Type: text/plain\nContent-Length: 6\n\nhello\n',
      '',
      0,
    ],
    ['curl -s -o /dev/null -w "%{http_code}\\n" http://10.2.0.2/nope', '404\n', '', 0],
    ['curl -s -o /dev/null -w "%{http_code} %{exitcode}" http://10.2.0.2:81/', '000 7', '', 7],
    [
      'curl -s -w "%{remote_ip}:%{remote_port} %{num_connects} %{size_download}\\n" web',
      'hello\n10.2.0.2:80 1 6\n',
      '',
      0,
    ],
    ['curl -s --resolve api.example:80:10.2.0.2 http://api.example/', 'hello\n', '', 0],
    ['curl -s -o page http://10.2.0.2/ && cat page', 'hello\n', '', 0],
    ['curl -sd x=1 -X POST http://10.2.0.2/', 'hello\n', '', 0],
    ['curl', '', "curl: try 'curl --help' or 'curl --manual' for more information\n", 2],
    [
      'curl -s',
      '',
      "curl: (2) no URL specified\ncurl: try 'curl --help' or 'curl --manual' for more information\n",
      2,
    ],
    [
      'curl --foo http://10.2.0.2',
      '',
      "curl: option --foo: is unknown\ncurl: try 'curl --help' or 'curl --manual' for more information\n",
      2,
    ],
    [
      'curl -m',
      '',
      "curl: option -m: requires parameter\ncurl: try 'curl --help' or 'curl --manual' for more information\n",
      2,
    ],
    ['curl foo://10.2.0.2/', '', 'curl: (1) Protocol "foo" not supported\n', 1],
    ['curl http://', '', 'curl: (3) URL rejected: No host part in the URL\n', 3],
    [
      'curl http://10.2.0.2:99999/',
      '',
      'curl: (3) URL rejected: Port number was not a decimal number between 0 and 65535\n',
      3,
    ],
  ])('%s', (line, stdout, stderr, exitCode) => {
    expect(broken().run(line)).toMatchObject({ stdout, stderr, exitCode });
  });

  it('gives up on a neighbour that is not there after three seconds', () => {
    expect(new Lan().run('curl -sS http://10.1.0.77/').stderr).toMatch(
      /^curl: \(7\) Failed to connect to 10\.1\.0\.77 port 80 after 30\d\d ms: Could not connect to server\n$/,
    );
  });

  it('tells everything with -v, the body after the log as when it is no terminal', () => {
    expect(new Lan().out('ssh ta curl -sv http://web/')).toBe(`* Host web:80 was resolved.
* IPv6: (none)
* IPv4: 10.2.0.2
*   Trying 10.2.0.2:80...
* Connected to web (10.2.0.2) port 80
* using HTTP/1.x
> GET / HTTP/1.1
> Host: web
> User-Agent: curl/8.14.1
> Accept: */*
> 
* Request completely sent off
< HTTP/1.1 200 OK
< Content-Type: text/plain
< Content-Length: 6
< 
{ [6 bytes data]
* Connection #0 to host web left intact
hello
`);
  });

  it('prints the body where it comes when it goes to a terminal', () => {
    expect(new Lan().out('curl -sv http://web/')).toMatch(
      /< \nhello\n\* Connection #0 to host web left intact\n$/,
    );
  });

  it('asks for both address families in the order of the search list, and costs what that costs', () => {
    const lan = new Lan();
    const lines = lan.out(
      'timeout 1 tcpdump -lni eth0 udp port 53 2>/dev/null & curl -s http://nosuch.example; wait',
    );
    expect([...lines.matchAll(/(A{1,4})\? (\S+) /g)].map((m) => `${m[1] ?? ''} ${m[2] ?? ''}`)).toEqual(
      [
        'nosuch.example.default.svc.cluster.local.',
        'nosuch.example.svc.cluster.local.',
        'nosuch.example.cluster.local.',
        'nosuch.example.',
      ].flatMap((name) => [`A ${name}`, `AAAA ${name}`]),
    );
  });
});

describe('wget of BusyBox', () => {
  it.each([
    ['busybox:wget -qO- http://10.2.0.2/', 'hello\n', '', 0],
    [
      'busybox:wget -O- 10.2.0.2',
      'hello\n',
      'Connecting to 10.2.0.2 (10.2.0.2:80)\nwriting to stdout\n-                    100% |********************************|     6  0:00:00 ETA\nwritten to stdout\n',
      0,
    ],
    [
      'busybox:wget -qO- 10.2.0.2:81',
      '',
      "wget: can't connect to remote host (10.2.0.2): Connection refused\n",
      1,
    ],
    [
      'busybox:wget -qO- http://10.4.0.1',
      '',
      "wget: can't connect to remote host (10.4.0.1): No route to host\n",
      1,
    ],
    ['busybox:wget -qO- -T 1 http://10.3.0.1/', '', 'wget: download timed out\n', 1],
    [
      'busybox:wget --spider http://10.2.0.2/',
      '',
      'Connecting to 10.2.0.2 (10.2.0.2:80)\nremote file exists\n',
      0,
    ],
    [
      'busybox:wget -qO- http://10.2.0.2/nope',
      '',
      'wget: server returned error: HTTP/1.1 404 Not Found\n',
      1,
    ],
    ['busybox:wget http://nosuch/', '', "wget: bad address 'nosuch'\n", 1],
  ])('%s', (line, stdout, stderr, exitCode) => {
    expect(broken().run(line)).toMatchObject({ stdout, stderr, exitCode });
  });
});

describe('GNU wget', () => {
  it.each([
    ['wget -qO- http://10.2.0.2/', 'hello\n', '', 0],
    ['wget -q -O- http://10.2.0.2:81/', '', '', 4],
    [
      'wget -O- http://10.2.0.2:81/',
      '',
      '--2026-01-01 00:00:00--  http://10.2.0.2:81/\nConnecting to 10.2.0.2:81... failed: Connection refused.\n',
      4,
    ],
    [
      'wget -T 1 -t 1 http://10.3.0.1/',
      '',
      '--2026-01-01 00:00:00--  http://10.3.0.1/\nConnecting to 10.3.0.1:80... failed: Connection timed out.\nGiving up.\n\n',
      4,
    ],
    [
      'wget http://nosuch/',
      '',
      '--2026-01-01 00:00:00--  http://nosuch/\nResolving nosuch (nosuch)... failed: Name or service not known.\nwget: unable to resolve host address ‘nosuch’\n',
      4,
    ],
    [
      'wget -O- http://10.2.0.2/nope',
      '',
      '--2026-01-01 00:00:00--  http://10.2.0.2/nope\nConnecting to 10.2.0.2:80... connected.\nHTTP request sent, awaiting response... 404 Not Found\n2026-01-01 00:00:00 ERROR 404: Not Found.\n\n',
      8,
    ],
    [
      'wget --spider http://10.2.0.2/',
      '',
      'Spider mode enabled. Check if remote file exists.\n--2026-01-01 00:00:00--  http://10.2.0.2/\nConnecting to 10.2.0.2:80... connected.\nHTTP request sent, awaiting response... 200 OK\nLength: 6 [text/plain]\nRemote file exists and could contain further links,\nbut recursion is disabled -- not retrieving.\n\n',
      0,
    ],
  ])('%s', (line, stdout, stderr, exitCode) => {
    expect(broken().run(line)).toMatchObject({ stdout, stderr, exitCode });
  });
});

describe('nc', () => {
  it.each([
    ['nc -zv 10.2.0.2 80', 'Connection to 10.2.0.2 80 port [tcp/http] succeeded!\n', 0],
    ['nc -zv 10.2.0.2 81', 'nc: connect to 10.2.0.2 port 81 (tcp) failed: Connection refused\n', 1],
    ['nc -z -w 1 10.3.0.1 80', '', 1],
    [
      'nc -zv -w 1 10.3.0.1 80',
      'nc: connect to 10.3.0.1 port 80 (tcp) timed out: Operation now in progress\n',
      1,
    ],
    [
      'nc -zv 10.2.0.2 79-81',
      'nc: connect to 10.2.0.2 port 79 (tcp) failed: Connection refused\nConnection to 10.2.0.2 80 port [tcp/http] succeeded!\nnc: connect to 10.2.0.2 port 81 (tcp) failed: Connection refused\n',
      0,
    ],
    ['nc -vz 10.4.0.1 80', 'nc: connect to 10.4.0.1 port 80 (tcp) failed: No route to host\n', 1],
    ['nc -vz 10.1.0.77 80', 'nc: connect to 10.1.0.77 port 80 (tcp) failed: No route to host\n', 1],
    ['nc -zvu 10.2.0.2 53', 'Connection to 10.2.0.2 53 port [udp/domain] succeeded!\n', 0],
    ['nc -zvu 10.2.0.2 9002', '', 1],
    ['nc -zv nosuch 80', 'nc: getaddrinfo for host "nosuch" port 80: Name or service not known\n', 1],
    ['busybox:nc -w 1 10.3.0.1 80', 'nc: timed out\n', 1],
  ])('%s', (line, output, exitCode) => {
    expect(broken().run(line)).toMatchObject({ output, exitCode });
  });

  it('carries what is said from one end to the other', () => {
    expect(
      new Lan().out("ssh tb 'echo hi | nc -l -p 7000' & sleep 1; echo there | nc -N 10.2.0.2 7000; wait"),
    ).toBe('there\nhi\n');
  });

  it('carries datagrams', () => {
    expect(
      new Lan().out("ssh tb 'nc -u -l -p 7000 -w 2' & sleep 1; echo there | nc -u -w 1 10.2.0.2 7000; wait"),
    ).toBe('there\n');
  });
});

describe('what curl sends', () => {
  const sent = (options: string): string => {
    const lan = new Lan();
    lan.run('ssh ta "printf \'a\\nb c\\n\' > /tmp/file"');
    const { stdout } = lan.run(
      `ssh tb 'nc -l -p 7000 -w 3' & sleep 1; ssh ta "curl -s -m 1 ${options} http://10.2.0.2:7000/"; wait`,
    );
    return stdout.slice(stdout.indexOf('\r\n\r\n') + 4);
  };
  it.each([
    ['-d a=1 -d b=2', 'a=1&b=2'],
    ['-d @/tmp/file', 'ab c'],
    ['--data-binary @/tmp/file', 'a\nb c\n'],
    ['--data-raw @/tmp/file', '@/tmp/file'],
    ["--data-urlencode 'q=x y&z' --data-urlencode 'n@/tmp/file'", 'q=x%20y%26z&n=a%0Ab%20c%0A'],
    ['-T /tmp/file', 'a\nb c\n'],
  ])('%s', (options, expected) => {
    expect(sent(options)).toBe(expected);
  });
});
