import { describe, expect, it } from 'vitest';
import { Lan } from '../lan.ts';

const bind = 'Server:\t\t10.2.0.2\nAddress:\t10.2.0.2#53\n\n';
const busybox = 'Server:\t\t10.2.0.2\nAddress:\t10.2.0.2:53\n\n';

describe('nslookup of BIND', () => {
  it.each([
    ['nslookup web', `${bind}Name:\tweb.default.svc.cluster.local\nAddress: 10.2.0.2\n\n`, 0],
    [
      'nslookup web.default.svc.cluster.local',
      `${bind}Name:\tweb.default.svc.cluster.local\nAddress: 10.2.0.2\n\n`,
      0,
    ],
    ['nslookup web 10.2.0.2', `${bind}Name:\tweb.default.svc.cluster.local\nAddress: 10.2.0.2\n\n`, 0],
    ['nslookup -type=a web', `${bind}Name:\tweb.default.svc.cluster.local\nAddress: 10.2.0.2\n\n`, 0],
    ['nslookup nosuch', `${bind}** server can't find nosuch: NXDOMAIN\n\n`, 1],
    ['nslookup 10.96.0.20', '20.0.96.10.in-addr.arpa\tname = web.default.svc.cluster.local.\n\n', 0],
    [
      'nslookup multi',
      `${bind}Name:\tmulti.default.svc.cluster.local\nAddress: 10.244.1.2\nName:\tmulti.default.svc.cluster.local\nAddress: 10.244.1.3\n\n`,
      0,
    ],
    [
      'nslookup web 10.1.0.1',
      ';; communications error to 10.1.0.1#53: connection refused\n'.repeat(3) +
        ';; no servers could be reached\n\n',
      1,
    ],
    [
      'ssh tr ip route add blackhole 10.3.0.0/16; nslookup web 10.3.0.1',
      ';; communications error to 10.3.0.1#53: timed out\n'.repeat(3) + ';; no servers could be reached\n\n',
      1,
    ],
  ])('%s', (line, output, exitCode) => {
    expect(new Lan().run(line)).toMatchObject({ output, exitCode });
  });
});

describe('nslookup of BusyBox', () => {
  const missing = (name: string): string =>
    ['default.svc', 'svc', '']
      .map(
        (part) => `** server can't find ${name}.${part === '' ? '' : `${part}.`}cluster.local: NXDOMAIN\n\n`,
      )
      .join('');
  it.each([
    [
      'busybox:nslookup web.default.svc.cluster.local',
      `${busybox}Name:\tweb.default.svc.cluster.local\nAddress: 10.2.0.2\n\n\n`,
      0,
    ],
    [
      'busybox:nslookup web',
      `${busybox}Name:\tweb.default.svc.cluster.local\nAddress: 10.2.0.2\n\n${missing('web').split('\n\n').slice(1).join('\n\n')}\n${missing('web').split('\n\n').slice(1).join('\n\n')}`,
      1,
    ],
    ['busybox:nslookup nosuch', `${busybox}${missing('nosuch')}${missing('nosuch')}`, 1],
    [
      'busybox:nslookup 10.96.0.20',
      `${busybox}20.0.96.10.in-addr.arpa\tname = web.default.svc.cluster.local\n\n`,
      0,
    ],
    [
      'ssh tr ip route add blackhole 10.3.0.0/16; busybox:nslookup web.default.svc.cluster.local 10.3.0.1',
      ';; connection timed out; no servers could be reached\n\n',
      1,
    ],
  ])('%s', (line, output, exitCode) => {
    expect(new Lan().run(line)).toMatchObject({ output, exitCode });
  });
});

describe('dig and host', () => {
  it('prints the message as dig does', () => {
    expect(new Lan().out('dig web.default.svc.cluster.local').replace(/id: \d+/, 'id: ID')).toBe(`
; <<>> DiG 9.18.49 <<>> web.default.svc.cluster.local
;; global options: +cmd
;; Got answer:
;; WARNING: .local is reserved for Multicast DNS
;; You are currently testing what happens when an mDNS query is leaked to DNS
;; ->>HEADER<<- opcode: QUERY, status: NOERROR, id: ID
;; flags: qr aa rd ra; QUERY: 1, ANSWER: 1, AUTHORITY: 0, ADDITIONAL: 0

;; QUESTION SECTION:
;web.default.svc.cluster.local.	IN	A

;; ANSWER SECTION:
web.default.svc.cluster.local. 30 IN	A	10.2.0.2

;; Query time: 0 msec
;; SERVER: 10.2.0.2#53(10.2.0.2) (UDP)
;; WHEN: Thu Jan 01 00:00:00 UTC 2026
;; MSG SIZE  rcvd: 63

`);
  });

  it.each([
    ['dig +short web.default.svc.cluster.local', '10.2.0.2\n', 0],
    ['dig +search +short web', '10.2.0.2\n', 0],
    ['dig +short web', '', 0],
    ['dig -x 10.96.0.20 +short', 'web.default.svc.cluster.local.\n', 0],
    [
      'dig -x 10.96.0.20 +noall +answer',
      '20.0.96.10.in-addr.arpa. 30\tIN\tPTR\tweb.default.svc.cluster.local.\n',
      0,
    ],
    [
      'dig nosuch.local +noall +authority',
      'cluster.local.\t\t30\tIN\tSOA\tns.dns.cluster.local. hostmaster.cluster.local. 1700000000 7200 1800 86400 30\n',
      0,
    ],
    [
      'ssh tr ip route add blackhole 10.3.0.0/16; dig @10.3.0.1 web +time=1 +tries=1',
      ';; communications error to 10.3.0.1#53: timed out\n\n; <<>> DiG 9.18.49 <<>> @10.3.0.1 web +time=1 +tries=1\n; (1 server found)\n;; global options: +cmd\n;; no servers could be reached\n',
      9,
    ],
    ['host web', 'web.default.svc.cluster.local has address 10.2.0.2\n', 0],
    ['host nosuch', 'Host nosuch not found: 3(NXDOMAIN)\n', 1],
    ['host 10.96.0.20', '20.0.96.10.in-addr.arpa domain name pointer web.default.svc.cluster.local.\n', 0],
    ['getent hosts web', '10.2.0.2        web.default.svc.cluster.local\n', 0],
    ['getent hosts nosuch', '', 2],
    [
      'getent ahosts web',
      '10.2.0.2        STREAM web.default.svc.cluster.local\n10.2.0.2        DGRAM  \n10.2.0.2        RAW    \n',
      0,
    ],
  ])('%s', (line, output, exitCode) => {
    expect(new Lan().run(line)).toMatchObject({ output, exitCode });
  });
});
