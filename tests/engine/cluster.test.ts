import { describe, expect, test } from 'vitest';
import { createCluster, hopLines, restoreCluster } from '../../src/engine/index.ts';
import type { Cluster, ClusterOptions } from '../../src/engine/index.ts';

function cluster(options: ClusterOptions = {}): Cluster {
  const made = createCluster(options);
  if ('diagnostics' in made) throw new Error(made.diagnostics.map(({ message }) => message).join('; '));
  return made.cluster;
}

function apply(target: Cluster, ...documents: object[]): void {
  const result = target.apply(documents.map((document) => JSON.stringify(document)).join('\n---\n'));
  expect(result.diagnostics).toEqual([]);
  expect(result.ok).toBe(true);
}

function run(target: Cluster, command: string): string {
  const { output, exitCode } = target.run(command);
  return exitCode === 0 ? output : `${output}(exit ${exitCode})`;
}

interface PodOptions {
  readonly node?: string;
  readonly image?: string;
  readonly command?: readonly string[];
  readonly args?: readonly string[];
  readonly labels?: Readonly<Record<string, string>>;
  readonly ports?: readonly object[];
  readonly spec?: object;
}

function pod(
  name: string,
  { node = 'node-1', labels = { app: name }, spec = {}, ...container }: PodOptions = {},
): object {
  const {
    image = 'nicolaka/netshoot',
    command = image === 'nicolaka/netshoot' ? ['sleep', 'infinity'] : undefined,
    args,
    ports,
  } = container;
  return {
    apiVersion: 'v1',
    kind: 'Pod',
    metadata: { name, labels },
    spec: { nodeName: node, containers: [{ name: 'main', image, command, args, ports }], ...spec },
  };
}

function service(
  name: string,
  selector: Readonly<Record<string, string>>,
  ports: readonly object[],
  spec: object = {},
): object {
  return { apiVersion: 'v1', kind: 'Service', metadata: { name }, spec: { selector, ports, ...spec } };
}

describe('createCluster', () => {
  test.each<[ClusterOptions, string, string | undefined]>([
    [{ cni: 'flanel' }, 'cni: unknown plugin "flanel"', 'did you mean "flannel"?'],
    [{ nodes: 0 }, 'nodes: 0 is not a number of worker nodes (1 to 5000)', undefined],
    [{ nodes: 1.5 }, 'nodes: 1.5 is not a number of worker nodes (1 to 5000)', undefined],
    [{ podCIDR: '10.244.1.1/16' }, 'podCIDR: 10.244.1.1/16 has host bits set', '10.244.0.0/16?'],
    [
      { podCIDR: 'ten' },
      'podCIDR: "ten" is not a network such as 10.244.0.0/16 or fd00:10:244::/56',
      undefined,
    ],
    [
      { podCIDR: '10.244.0.0/16,10.245.0.0/16' },
      'podCIDR: "10.244.0.0/16,10.245.0.0/16": expected one (IPv4 or IPv6) network or two networks from each family for dual-stack networking',
      'such as 10.244.0.0/16,fd00:10:244::/56',
    ],
    [
      { podCIDR: '10.244.0.0/16,fd00:10:244::/40' },
      'podCIDR: fd00:10:244::/40: its length must be from /48 to /64',
      undefined,
    ],
    [
      { podCIDR: 'FD00:10:244::/56' },
      'podCIDR: FD00:10:244::/56 is written fd00:10:244::/56',
      'fd00:10:244::/56?',
    ],
    [
      { podCIDR: '10.244.0.0/16', serviceCIDR: 'fd00:10:96::/112' },
      'serviceCIDR fd00:10:96::/112 is IPv6, and pods have no such addresses',
      'give podCIDR a network of each family: 10.244.0.0/16,fd00:10:244::/56',
    ],
    [
      { podCIDR: '10.244.0.0/16,fd00:10:244::/56', serviceCIDR: 'fd00:10:96::/112,10.96.0.0/12' },
      'the first family of serviceCIDR fd00:10:96::/112,10.96.0.0/12 is IPv6, that of podCIDR 10.244.0.0/16,fd00:10:244::/56 is IPv4',
      'nodes and the API server have their first address in the family that both name first',
    ],
    [
      { nodes: 20, podCIDR: 'fd00:10:244::/60' },
      'podCIDR: fd00:10:244::/60 has room for 16 nodes of a /64 each, not for 21',
      undefined,
    ],
    [{ podCIDR: '10.96.0.0/16' }, 'podCIDR 10.96.0.0/16 and serviceCIDR 10.96.0.0/12 overlap', undefined],
    [
      { nodes: 20, podCIDR: '10.0.0.0/20' },
      'podCIDR: 10.0.0.0/20 has room for 16 nodes of a /24 each, not for 21',
      undefined,
    ],
    [JSON.parse('{"node": 3}'), 'unknown option "node"', 'did you mean "nodes"?'],
    [JSON.parse('{"limits": {"event": 3}}'), 'unknown limit "event"', 'did you mean "events"?'],
  ])('answers %j with a message', (options, message, hint) => {
    const made = createCluster(options);
    if (!('diagnostics' in made)) throw new Error('it was accepted');
    expect(made.diagnostics.map((one) => [one.message, one.hint])).toEqual([[message, hint]]);
  });

  test('gives a cluster whose CoreDNS runs on the control plane', () => {
    const made = cluster();
    const view = made.view();
    expect(view.machines.filter(({ kind }) => kind === 'node').map(({ netns }) => netns)).toEqual([
      'control-plane',
      'node-1',
      'node-2',
    ]);
    expect(view.pods.map(({ node, ready }) => [node, ready])).toEqual([
      ['control-plane', true],
      ['control-plane', true],
    ]);
    expect(view.services.map(({ name, clusterIPs }) => [name, clusterIPs])).toEqual([
      ['kubernetes', ['10.96.0.1']],
      ['kube-dns', ['10.96.0.10']],
    ]);
  });

  test('gives the same cluster twice, to the byte of a record', () => {
    const records = [1, 2].map(() => {
      const made = cluster();
      apply(made, pod('a'), pod('b', { image: 'nginx' }), service('web', { app: 'b' }, [{ port: 80 }]));
      return JSON.stringify(made.run('kubectl exec a -- curl -s http://web').record);
    });
    expect(records[0]).toBe(records[1]);
  });

  test('is made again from a snapshot by doing everything again', () => {
    const made = cluster({ seed: 7 });
    apply(made, pod('a'), pod('b', { image: 'nginx' }));
    made.run('kubectl exec a -- ping -c 1 10.244.1.3');
    made.advance(1_000_000);
    const again = restoreCluster(JSON.parse(JSON.stringify(made.snapshot())));
    expect(again.view()).toEqual(made.view());
    const command = 'kubectl exec a -- ip neigh; kubectl exec a -- curl -s http://10.244.1.3';
    expect(again.run(command)).toEqual(made.run(command));
  });
});

describe('pods on one node', () => {
  test('have the addresses .2 and .3 of their node and reach each other at TTL 64', () => {
    const made = cluster();
    apply(made, pod('pod-a'), pod('pod-b', { image: 'nginx' }));
    const result = made.run('kubectl exec pod-a -- curl -s http://10.244.1.3:80');
    expect(result.stdout).toContain('<h1>Welcome to nginx!</h1>');
    const [first] = result.record.walks.filter(({ exchange }) => exchange === 'handshake');
    const veth = (name: string): string =>
      made
        .view()
        .pods.find((one) => one.name === name)
        ?.interfaces.find((one) => one.name === 'eth0')?.peer?.dev ?? '';
    const port = /:(\d+) >/.exec(first?.summary ?? '')?.[1] ?? '';
    expect(hopLines(result.record, ({ walk }) => walk === first?.id)).toEqual(
      [`pod-a:eth0 out`, `node-1:${veth('pod-a')} in`, `node-1:${veth('pod-b')} out`, 'pod-b:eth0 in'].map(
        (place) => `${place} 10.244.1.2:${port} > 10.244.1.3:80 [S] ttl=64`,
      ),
    );
  });

  test('get a new address when they come back, while the Service keeps its own', () => {
    const made = cluster();
    apply(made, pod('client'), service('web', { app: 'web' }, [{ port: 80 }]), {
      apiVersion: 'apps/v1',
      kind: 'Deployment',
      metadata: { name: 'web' },
      spec: {
        replicas: 1,
        selector: { matchLabels: { app: 'web' } },
        template: {
          metadata: { labels: { app: 'web' } },
          spec: { nodeName: 'node-1', containers: [{ name: 'web', image: 'nginx' }] },
        },
      },
    });
    const before = made.view();
    expect(run(made, 'kubectl exec client -- curl -s -o /dev/null -w "%{http_code}" http://web')).toBe('200');
    run(made, 'kubectl delete pod -l app=web');
    const after = made.view();
    const ip = (view: typeof before): string =>
      view.pods.find(({ name }) => name.startsWith('web-'))?.ips[0] ?? '';
    expect([ip(before), ip(after)]).toEqual(['10.244.1.3', '10.244.1.4']);
    expect(after.services.find(({ name }) => name === 'web')?.clusterIPs).toEqual(
      before.services.find(({ name }) => name === 'web')?.clusterIPs,
    );
    expect(run(made, 'kubectl exec client -- curl -s -o /dev/null -w "%{http_code}" http://web')).toBe('200');
  });

  test('share one network namespace between their containers', () => {
    const made = cluster();
    apply(made, {
      apiVersion: 'v1',
      kind: 'Pod',
      metadata: { name: 'duo' },
      spec: {
        containers: [
          { name: 'web', image: 'nginx' },
          { name: 'side', image: 'nicolaka/netshoot', command: ['sleep', 'infinity'] },
        ],
      },
    });
    expect(
      run(made, 'kubectl exec duo -c side -- curl -s -o /dev/null -w "%{http_code}" http://localhost:80'),
    ).toBe('200');
    expect(run(made, 'kubectl exec duo -c side -- cat /sys/class/net/eth0/address')).toBe(
      run(made, 'kubectl exec duo -c web -- cat /sys/class/net/eth0/address'),
    );
  });

  test('crash when two containers want one port, and say why', () => {
    const made = cluster();
    apply(made, {
      apiVersion: 'v1',
      kind: 'Pod',
      metadata: { name: 'twice' },
      spec: { containers: ['one', 'two'].map((name) => ({ name, image: 'nginx' })) },
    });
    made.advance(60_000_000);
    const view = made.view().pods.find(({ name }) => name === 'twice');
    expect(view?.containers.map(({ state }) => state)).toEqual(['Running', 'CrashLoopBackOff']);
    expect(run(made, 'kubectl logs twice -c two --previous')).toContain(
      'bind() to 0.0.0.0:80 failed (98: Address already in use)',
    );
  });
});

describe('Services', () => {
  const pods = [
    pod('client'),
    pod('web', { node: 'node-2', image: 'hashicorp/http-echo', args: ['-text=hello', '-listen=:8080'] }),
  ];

  test('answer on their port and lead to the target port, by address and by name', () => {
    const made = cluster();
    apply(
      made,
      ...pods,
      service('web', { app: 'web' }, [{ port: 80, targetPort: 8080 }], { clusterIP: '10.96.0.20' }),
    );
    for (const target of ['10.96.0.20', 'web', 'web.default', 'web.default.svc.cluster.local'])
      expect(run(made, `kubectl exec client -- curl -s http://${target}`)).toBe('hello\n');
  });

  test('refuse the connection when the target port is wrong', () => {
    const made = cluster();
    apply(made, ...pods, service('web', { app: 'web' }, [{ port: 80, targetPort: 8081 }]));
    expect(run(made, 'kubectl exec client -- curl -s http://web')).toBe(
      'command terminated with exit code 7\n(exit 7)',
    );
  });

  test('refuse the connection when they have no endpoints', () => {
    const made = cluster();
    apply(made, ...pods, service('web', { app: 'nobody' }, [{ port: 80 }]));
    expect(run(made, 'kubectl exec client -- curl -s http://web')).toBe(
      'command terminated with exit code 7\n(exit 7)',
    );
  });

  test('are reached from outside through a NodePort, by the node and its masquerade', () => {
    const made = cluster();
    apply(
      made,
      ...pods,
      service('web', { app: 'web' }, [{ port: 80, targetPort: 8080, nodePort: 30080 }], { type: 'NodePort' }),
    );
    expect(run(made, 'ssh ext curl -s http://192.168.50.11:30080')).toBe('hello\n');
    expect(run(made, 'kubectl logs web')).toContain('10.244.1.0:');
  });

  test('of a name that nobody has are not found', () => {
    const made = cluster();
    apply(made, pod('client'));
    expect(run(made, 'kubectl exec client -- curl -sS http://nothing')).toContain(
      'Could not resolve host: nothing',
    );
  });
});

describe('a hostPort', () => {
  test.each(['flannel', 'calico', 'kindnet'])(
    'leads from the node to the pod with %s, until the pod goes',
    (cni) => {
      const made = cluster({ cni });
      apply(
        made,
        pod('client'),
        pod('near', { image: 'nginx', ports: [{ containerPort: 80, hostPort: 8080 }] }),
      );
      const ask = (from: string, target: string): number =>
        made.run(`${from} curl -s -o /dev/null -m 2 http://${target}:8080`).exitCode;
      expect(ask('ssh ext', '192.168.50.11')).toBe(0);
      expect(ask('kubectl exec client --', '192.168.50.11')).toBe(0);
      expect(ask('ssh node-1', '127.0.0.1')).toBe(0);
      run(made, 'kubectl delete pod near');
      expect(ask('ssh ext', '192.168.50.11')).toBe(7);
      expect(run(made, 'ssh node-1 iptables-save -t nat')).not.toContain('CNI-DN-');
    },
  );
});

describe('a NetworkPolicy', () => {
  const objects = [
    pod('client'),
    pod('other'),
    pod('web', { node: 'node-2', image: 'nginx' }),
    {
      apiVersion: 'networking.k8s.io/v1',
      kind: 'NetworkPolicy',
      metadata: { name: 'web' },
      spec: {
        podSelector: { matchLabels: { app: 'web' } },
        ingress: [{ from: [{ podSelector: { matchLabels: { app: 'client' } } }] }],
      },
    },
  ];

  test.each(['calico', 'calico-vxlan', 'calico-ipip'])('is enforced by %s', (cni) => {
    const made = cluster({ cni });
    apply(made, ...objects);
    expect(
      run(made, 'kubectl exec client -- curl -s -o /dev/null -w "%{http_code}" -m 2 http://10.244.2.2'),
    ).toBe('200');
    expect(run(made, 'kubectl exec other -- curl -s -m 2 http://10.244.2.2')).toBe(
      'command terminated with exit code 28\n(exit 28)',
    );
    expect(made.view().policies).toEqual([{ namespace: 'default', name: 'web', enforced: true }]);
    run(made, 'kubectl delete networkpolicy web');
    expect(
      run(made, 'kubectl exec other -- curl -s -o /dev/null -w "%{http_code}" -m 2 http://10.244.2.2'),
    ).toBe('200');
  });

  test.each(['flannel', 'flannel-host-gw', 'kindnet'])('has no effect with %s, which says so', (cni) => {
    const made = cluster({ cni });
    const result = made.apply(objects.map((object) => JSON.stringify(object)).join('\n---\n'), 'policy.yaml');
    expect(result.ok).toBe(true);
    expect(result.diagnostics.map(({ severity, code, file, line }) => [severity, code, file, line])).toEqual([
      ['warning', 'cni/policy-not-enforced', 'policy.yaml', 7],
    ]);
    expect(
      run(made, 'kubectl exec other -- curl -s -o /dev/null -w "%{http_code}" -m 2 http://10.244.2.2'),
    ).toBe('200');
    expect(made.view().policies).toEqual([{ namespace: 'default', name: 'web', enforced: false }]);
  });
});

describe('every CNI', () => {
  test.each(['flannel', 'flannel-host-gw', 'calico', 'calico-vxlan', 'calico-ipip', 'kindnet'])(
    '%s connects pods, nodes and the outside',
    (cni) => {
      const made = cluster({ cni });
      apply(
        made,
        pod('near'),
        pod('far', { node: 'node-2' }),
        pod('web', { node: 'node-1', image: 'nginx' }),
      );
      for (const [from, to] of [
        ['near', '10.244.2.2'],
        ['near', '10.244.1.3'],
        ['far', '10.244.1.2'],
        ['far', '192.168.50.11'],
        ['near', '203.0.113.10'],
      ])
        expect(run(made, `kubectl exec ${from} -- ping -c 1 -W 1 ${to}`)).toContain('1 received');
      expect(run(made, 'kubectl exec far -- curl -s -o /dev/null -w "%{http_code}" http://10.244.1.3')).toBe(
        '200',
      );
      expect(run(made, 'ssh node-2 curl -s -o /dev/null -w "%{http_code}" http://10.244.1.3')).toBe('200');
    },
  );

  test('none leaves pods waiting and says why', () => {
    const made = cluster({ cni: 'none' });
    made.apply(JSON.stringify(pod('lonely')));
    expect(made.view().pods.find(({ name }) => name === 'lonely')?.phase).toBe('Pending');
    expect(run(made, 'kubectl describe pod lonely')).toContain('cni plugin not initialized');
  });
});

describe('Nodes in a manifest', () => {
  test('take the place of the workers', () => {
    const made = cluster();
    apply(
      made,
      ...[7, 8].map((n) => ({
        apiVersion: 'v1',
        kind: 'Node',
        metadata: { name: `worker-${n}` },
        spec: { podCIDR: `10.244.${n}.0/24` },
        status: { addresses: [{ type: 'InternalIP', address: `192.168.50.${10 + n}` }] },
      })),
      pod('a', { node: 'worker-7' }),
      pod('b', { node: 'worker-8' }),
    );
    expect(
      made
        .view()
        .machines.filter(({ kind }) => kind === 'node')
        .map(({ netns, address, podCIDR }) => [netns, address, podCIDR]),
    ).toEqual([
      ['control-plane', '192.168.50.10', '10.244.0.0/24'],
      ['worker-7', '192.168.50.17', '10.244.7.0/24'],
      ['worker-8', '192.168.50.18', '10.244.8.0/24'],
    ]);
    expect(run(made, 'kubectl exec a -- ping -c 1 10.244.8.2')).toContain('1 received');
  });
});

describe('records', () => {
  test('leave out what goes on beside the command', () => {
    const made = cluster();
    apply(
      made,
      pod('client'),
      pod('probed', {
        image: 'nginx',
        spec: {
          containers: [
            { name: 'web', image: 'nginx', readinessProbe: { httpGet: { port: 80 }, periodSeconds: 1 } },
          ],
        },
      }),
      pod('chatty', {
        command: ['sh', '-c', 'while true; do ping -c 1 10.244.1.2 >/dev/null; sleep 0.2; done'],
      }),
    );
    const { record } = made.run('kubectl exec client -- sleep 3');
    expect(record.events).toEqual([]);
    expect(record.walks).toEqual([]);
    expect(record.end - record.start).toBeGreaterThanOrEqual(3_000_000);
  });

  test('begin with the command and end when its packets have settled', () => {
    const made = cluster();
    apply(made, pod('client'), pod('web', { image: 'nginx' }));
    const { record } = made.run('kubectl exec client -- curl -s http://10.244.1.3');
    const exchanges = record.walks.map(({ exchange }) => exchange);
    expect(exchanges.slice(0, 2)).toEqual(['handshake', 'arp']);
    expect(exchanges.filter((exchange) => exchange === 'close').length).toBeGreaterThanOrEqual(3);
    expect(record.walks.every(({ outcome }) => outcome !== 'in-flight')).toBe(true);
  });

  test('keep the tables that decided', () => {
    const made = cluster();
    apply(
      made,
      pod('client'),
      pod('web', { node: 'node-2', image: 'nginx' }),
      service('web', { app: 'web' }, [{ port: 80 }], { clusterIP: '10.96.0.20' }),
    );
    const { record } = made.run('kubectl exec client -- curl -s http://10.96.0.20');
    const commands = record.tables.filter(({ netns }) => netns === 'node-1').map(({ command }) => command);
    expect(commands).toEqual(
      expect.arrayContaining(['ip route', 'ip neigh', 'bridge fdb', 'iptables -t nat -S', 'conntrack -L']),
    );
    for (const event of record.events)
      if (event.kind === 'decision' && event.decision.code === 'rule') {
        const { table, rule } = event.decision;
        const lines = record.tables.find(
          ({ netns, command }) => netns === event.netns && command === `iptables -t ${table} -S`,
        )?.lines;
        expect(lines).toContain(rule);
      }
  });

  test('are JSON', () => {
    const made = cluster();
    apply(made, pod('client'));
    const { record } = made.run('kubectl exec client -- ping -c 1 203.0.113.10');
    expect(JSON.parse(JSON.stringify(record))).toEqual(record);
  });
});

describe('limits', () => {
  test.each<[ClusterOptions, string, string]>([
    [{}, 'while true; do true; done', 'scriptSteps'],
    [{ limits: { output: 1000 } }, 'while true; do echo hello; done', 'output'],
    [{ limits: { commandTime: 5_000_000 } }, 'sleep 100', 'commandTime'],
    [
      { limits: { scriptDepth: 4 } },
      'sh -c "sh -c \\"sh -c \'ssh node-1 ssh node-1 ssh node-1 ssh node-1 true\'\\""',
      'scriptDepth',
    ],
  ])('with %j, %s is ended by %s, and the cluster lives on', (options, command, limit) => {
    const made = cluster(options);
    const result = made.run(command);
    expect(result.limit).toBe(limit);
    expect(result.output).toContain(`limit: ${limit}`);
    expect(run(made, 'echo well')).toBe('well\n');
  });

  test('a million replicas are refused by name', () => {
    const made = cluster();
    const result = made.apply(
      'apiVersion: apps/v1\nkind: Deployment\nmetadata: {name: web}\nspec:\n  replicas: 1000000\n  selector: {matchLabels: {a: b}}\n  template:\n    metadata: {labels: {a: b}}\n    spec: {containers: [{name: w, image: nginx}]}\n',
    );
    expect(result.ok).toBe(false);
    expect(result.diagnostics.map(({ code, line }) => [code, line])).toEqual([['limit/objects', 5]]);
  });
});
