import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { createCluster, hopLines, pcapng } from '../../src/engine/index.ts';
import type { Cluster } from '../../src/engine/index.ts';

/** Small bounds, so that what runs away is stopped soon. */
const limits = {
  commandTime: 20_000_000,
  events: 20_000,
  output: 20_000,
  scriptSteps: 500,
  objects: 300,
  recordEvents: 5_000,
};

function cluster(cni = 'flannel'): Cluster {
  const made = createCluster({ nodes: 2, cni, limits });
  if ('diagnostics' in made) throw new Error('no cluster');
  made.cluster.apply(
    ['a', 'b']
      .map((name, i) =>
        JSON.stringify({
          apiVersion: 'v1',
          kind: 'Pod',
          metadata: { name, labels: { app: name } },
          spec: {
            nodeName: `node-${i + 1}`,
            containers: [{ name: 'c', image: 'nicolaka/netshoot', command: ['sleep', 'infinity'] }],
          },
        }),
      )
      .join('\n---\n'),
  );
  return made.cluster;
}

const words = [
  ...[
    'kubectl',
    'exec',
    'a',
    '--',
    'ssh',
    'node-1',
    'router',
    'ext',
    'lan',
    'ip',
    'addr',
    'route',
    'link',
    'neigh',
    'add',
    'del',
    'replace',
    'flush',
    'show',
  ],
  ...[
    'dev',
    'eth0',
    'cni0',
    'flannel.1',
    'lo',
    'via',
    '10.244.1.2',
    '10.244.2.2',
    '10.96.0.10',
    '203.0.113.10',
    '0.0.0.0/0',
    '255.255.255.255',
    'default',
    'up',
    'down',
    'set',
    'mtu',
    '68',
    '1500',
    '99999',
  ],
  ...[
    'iptables',
    '-t',
    'nat',
    '-A',
    'FORWARD',
    '-j',
    'DROP',
    'REJECT',
    '-D',
    '-F',
    '-P',
    'bridge',
    'fdb',
    'sysctl',
    '-w',
    'net.ipv4.ip_forward=0',
    'conntrack',
    '-L',
    '-D',
  ],
  ...[
    'ping',
    '-c',
    '2',
    '-s',
    '70000',
    '-W',
    '1',
    'curl',
    '-s',
    '-m',
    '1',
    'http://10.244.2.2',
    'nc',
    '-u',
    '-l',
    '-p',
    '80',
    'traceroute',
    'dig',
    'nslookup',
    'tcpdump',
    '-i',
    'any',
    'ss',
    '-tan',
    'arping',
  ],
  ...[
    'get',
    'pods',
    'delete',
    'scale',
    'logs',
    '-f',
    'describe',
    'run',
    '--image=nginx',
    'nodes',
    '-o',
    'json',
    'wide',
    '-A',
    'apply',
    '-f',
    '-',
    'label',
    'x=y',
    'kill',
    '1',
    '-9',
  ],
  ...[
    '|',
    '&&',
    ';',
    '&',
    '>',
    '/dev/null',
    '<',
    '$(',
    ')',
    '"',
    "'",
    '`',
    'for',
    'in',
    'do',
    'done',
    'while',
    'true',
    'if',
    'then',
    'fi',
    '{',
    '}',
    '*',
    '\\',
    '$x',
    '',
    '-',
    '--help',
    '\u0000',
    '한글',
    '🙂',
  ],
];

describe('whatever is typed', () => {
  test('is answered: words in any order', () => {
    const made = cluster();
    fc.assert(
      fc.property(fc.array(fc.constantFrom(...words), { maxLength: 12 }), (line) => {
        const result = made.run(line.join(' '));
        expect(typeof result.exitCode).toBe('number');
        expect(() => hopLines(result.record)).not.toThrow();
      }),
      { numRuns: 400, seed: 1 },
    );
    expect(made.run('echo well').stdout).toBe('well\n');
  });

  test('is answered: any characters', () => {
    const made = cluster('calico');
    fc.assert(
      fc.property(fc.string({ unit: 'binary', maxLength: 60 }), (line) => {
        expect(typeof made.run(line).exitCode).toBe('number');
        made.complete(line, line.length);
      }),
      { numRuns: 300, seed: 2 },
    );
    expect(made.run('echo well').stdout).toBe('well\n');
  });
});

describe('whatever is applied', () => {
  const value = fc.letrec((tie) => ({
    any: fc.oneof(
      { depthSize: 'small' },
      fc.constantFrom(null, '', 'x', 0, -1, 1e21, true, 'Pod', '10.0.0.1', '__proto__'),
      tie('list'),
      tie('map'),
    ),
    list: fc.array(tie('any'), { maxLength: 3 }),
    map: fc.dictionary(
      fc.constantFrom(
        'apiVersion',
        'kind',
        'metadata',
        'name',
        'namespace',
        'labels',
        'spec',
        'containers',
        'image',
        'ports',
        'port',
        'selector',
        'status',
        '__proto__',
        'constructor',
        'x',
      ),
      tie('any'),
      { maxKeys: 5 },
    ),
  })).any;

  test('is answered: text', () => {
    const made = cluster();
    fc.assert(
      fc.property(fc.string({ unit: 'binary', maxLength: 200 }), (text) => {
        expect(typeof made.apply(text).output).toBe('string');
      }),
      { numRuns: 200, seed: 3 },
    );
  });

  test('is answered: objects of every kind with anything in them', () => {
    const made = cluster();
    fc.assert(
      fc.property(
        fc.constantFrom(
          'Pod',
          'Service',
          'Deployment',
          'Node',
          'NetworkPolicy',
          'EndpointSlice',
          'ConfigMap',
          'Namespace',
          'Job',
          'Ingress',
          'Nothing',
        ),
        value,
        value,
        (kind, metadata, spec) => {
          const manifest = JSON.stringify({
            apiVersion: 'v1',
            kind,
            metadata: { name: 'x', ...(typeof metadata === 'object' ? metadata : {}) },
            spec,
          });
          expect(typeof made.apply(manifest).output).toBe('string');
          made.view();
        },
      ),
      { numRuns: 400, seed: 4 },
    );
    expect(made.run('kubectl get pods').exitCode).toBe(0);
  });
});

test('a forwarding loop ends by TTL', () => {
  const made = cluster('kindnet');
  made.run(
    'ssh node-1 ip route replace 10.244.9.0/24 via 192.168.50.12; ssh node-2 ip route replace 10.244.9.0/24 via 192.168.50.11',
  );
  const { stdout, record } = made.run('kubectl exec a -- ping -c 1 -W 2 10.244.9.9');
  expect(stdout).toContain('Time to live exceeded');
  expect(
    record.events.filter((event) => event.kind === 'decision' && event.decision.code === 'ttl').length,
  ).toBeGreaterThan(60);
});

test('a broadcast storm ends by the bound on events, and says so', () => {
  const made = cluster();
  const result = made.run(
    'ssh lan "ip link add loop-a type veth peer name loop-b; ip link set loop-a master sw0 up; ip link set loop-b master sw0 up"; ssh node-1 arping -c 1 -I eth0 192.168.50.99',
  );
  expect(result.limit).toBe('events');
  expect(result.output).toContain('limit: events');
});

test('any record can be written as pcapng', () => {
  const made = cluster();
  for (const command of [
    'kubectl exec a -- ping -c 1 -s 4000 10.244.2.2',
    'kubectl exec a -- traceroute 10.244.2.2',
    'kubectl exec a -- dig example.com',
  ])
    expect(pcapng(made.run(command).record).length).toBeGreaterThan(500);
});
