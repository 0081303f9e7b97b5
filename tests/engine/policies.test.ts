import { describe, expect, it } from 'vitest';
import { createCluster, type Cluster } from '../../src/engine/index.ts';

function pod(name: string, node: string, image = 'nicolaka/netshoot'): object {
  const command = image === 'nginx' ? {} : { command: ['sleep', 'infinity'] };
  return {
    apiVersion: 'v1',
    kind: 'Pod',
    metadata: { name, labels: { app: name } },
    spec: { nodeName: node, containers: [{ name: 'c', image, ...command }] },
  };
}

function admin(kind: string, name: string, spec: object): object {
  return { apiVersion: 'policy.networking.k8s.io/v1alpha1', kind, metadata: { name }, spec };
}

const subject = { pods: { namespaceSelector: {}, podSelector: { matchLabels: { app: 'web' } } } };
const peer = (app: string): object => ({
  pods: { namespaceSelector: {}, podSelector: { matchLabels: { app } } },
});
const denyAll = {
  apiVersion: 'networking.k8s.io/v1',
  kind: 'NetworkPolicy',
  metadata: { name: 'deny' },
  spec: { podSelector: { matchLabels: { app: 'web' } } },
};

function cluster(...objects: readonly object[]): Cluster {
  const made = createCluster({ cni: 'calico' });
  if ('diagnostics' in made) throw new Error('no cluster');
  apply(
    made.cluster,
    pod('front', 'node-1'),
    pod('other', 'node-1'),
    pod('web', 'node-2', 'nginx'),
    ...objects,
  );
  return made.cluster;
}

function apply(made: Cluster, ...objects: readonly object[]): void {
  const { ok, output } = made.apply(objects.map((object) => JSON.stringify(object)).join('\n---\n'));
  if (!ok) throw new Error(output);
}

const WEB = '10.244.2.2';
/** curl's exit code: 0 it answers, 28 nobody does. */
const ask = (made: Cluster, from: string, port = 80): number =>
  made.run(`kubectl exec ${from} -- curl -s -o /dev/null -m 1 http://${WEB}:${port}`).stderr.includes('28')
    ? 28
    : 0;

describe('policies of the admin tiers', () => {
  it('go before NetworkPolicies, leave to them what they pass, and the baseline goes behind', () => {
    const made = cluster(
      admin('AdminNetworkPolicy', 'guard', {
        priority: 10,
        subject,
        ingress: [
          { name: 'front', action: 'Pass', from: [peer('front')] },
          { name: 'others', action: 'Deny', from: [{ namespaces: {} }] },
        ],
      }),
    );
    expect([ask(made, 'front'), ask(made, 'other')]).toEqual([0, 28]);
    apply(
      made,
      admin('BaselineAdminNetworkPolicy', 'default', {
        subject,
        ingress: [{ action: 'Deny', from: [{ namespaces: {} }] }],
      }),
    );
    expect(ask(made, 'front')).toBe(28);
    const allow = { ...denyAll, spec: { ...denyAll.spec, ingress: [{}] } };
    apply(made, allow);
    expect([ask(made, 'front'), ask(made, 'other')]).toEqual([0, 28]);
    made.run('kubectl delete adminnetworkpolicy guard');
    expect([ask(made, 'front'), ask(made, 'other')]).toEqual([0, 0]);
    made.run('kubectl delete networkpolicy deny');
    made.run('kubectl delete baselineadminnetworkpolicy default');
    expect(made.run('ssh node-2 iptables-save').stdout).not.toContain('cali-pi-');
  });

  it('are chains of their own on the node, tier by tier', () => {
    const made = cluster(
      admin('AdminNetworkPolicy', 'guard', {
        priority: 10,
        subject,
        ingress: [
          { action: 'Pass', from: [peer('front')], ports: [{ portNumber: { protocol: 'TCP', port: 80 } }] },
          { action: 'Deny', from: [{ namespaces: {} }] },
        ],
      }),
      denyAll,
      admin('BaselineAdminNetworkPolicy', 'default', {
        subject,
        ingress: [{ action: 'Deny', from: [{ namespaces: {} }] }],
      }),
    );
    const rules = made
      .run('ssh node-2 iptables-save -t filter')
      .stdout.replace(/--comment "cali:[^"]*" ?/g, '');
    const told = [...rules.matchAll(/^-A cali-tw-\S+ .*--comment "((?:Start|End) of tier [^"]*)"/gm)];
    expect(told.map(([, text]) => text)).toEqual([
      'Start of tier adminnetworkpolicy',
      'Start of tier default',
      'End of tier default. Drop if no policies passed packet',
      'Start of tier baselineadminnetworkpolicy',
    ]);
    expect(rules).toMatch(
      /^-A cali-pi-\S+ -p tcp .*"Policy kanp\.adminnetworkpolicy\.guard ingress" -m set --match-set cali40s:\S+ src -m multiport --dports 80 -j MARK --set-xmark 0x20000\/0x20000$/m,
    );
    expect(rules).toMatch(/^-A cali-pi-\S+ .*-m mark --mark 0x20000\/0x20000 -j RETURN$/m);
    expect(rules).toMatch(/^-A cali-pi-\S+ .*-m set --match-set cali40s:\S+ src -j DROP$/m);
  });

  it('deny what goes out, by network too', () => {
    const made = cluster(
      admin('AdminNetworkPolicy', 'out', {
        priority: 1,
        subject: { namespaces: {} },
        egress: [{ action: 'Deny', to: [{ networks: ['203.0.113.0/24', '198.51.100.0/24'] }] }],
      }),
    );
    const out = (): string =>
      made.run('kubectl exec front -- curl -s -o /dev/null -m 1 http://203.0.113.10').stderr;
    expect(out()).toContain('28');
    expect(ask(made, 'front')).toBe(0);
  });
});

describe('a drop in the name of policies', () => {
  const told = (made: Cluster, command: string) =>
    made
      .run(command)
      .record.events.flatMap((event) =>
        event.kind === 'decision' && event.decision.code === 'policy' ? [event.decision] : [],
      );

  it('says in the record which policies isolate the pod, and which rule came nearest', () => {
    const made = cluster({
      ...denyAll,
      spec: {
        ...denyAll.spec,
        ingress: [{ from: [{ podSelector: { matchLabels: { app: 'front' } } }], ports: [{ port: 81 }] }],
      },
    });
    const [first] = told(made, `kubectl exec front -- curl -s -m 1 http://${WEB}`);
    expect(first).toMatchObject({
      direction: 'ingress',
      from: 'default/front',
      to: 'default/web',
      protocol: 'TCP',
      port: 80,
      side: {
        reason: 'no-match',
        selecting: [{ kind: 'NetworkPolicy', namespace: 'default', name: 'deny' }],
        near: [{ name: 'deny', rule: 0, fits: ['namespace', 'pod'], missing: [{ code: 'port' }] }],
      },
    });
    const [ping] = told(made, `kubectl exec front -- ping -c 1 -W 1 ${WEB}`);
    expect(ping).toMatchObject({ protocol: 'ICMP', port: 0 });
  });

  it('names the admin rule that denies, on its way out', () => {
    const made = cluster(
      admin('AdminNetworkPolicy', 'out', {
        priority: 1,
        subject: { namespaces: {} },
        egress: [{ name: 'web', action: 'Deny', to: [peer('web')] }],
      }),
    );
    expect(told(made, `kubectl exec front -- curl -s -m 1 http://${WEB}`)[0]).toMatchObject({
      direction: 'egress',
      side: { reason: 'rule', by: { kind: 'AdminNetworkPolicy', name: 'out', ruleName: 'web' } },
    });
  });

  it('is not told of packets that were dropped for another reason', () => {
    const made = cluster(denyAll);
    made.run('ssh node-1 iptables -I FORWARD -p tcp --dport 82 -j DROP');
    expect(told(made, `kubectl exec front -- curl -s -m 1 http://${WEB}:82`)).toEqual([]);
  });
});

describe('a connection that stands', () => {
  it('survives a policy that refuses new ones', () => {
    const made = cluster(pod('server', 'node-2'));
    const ip = made.run("kubectl get pod server -o jsonpath='{.status.podIP}'").stdout;
    const policy = JSON.stringify({ ...denyAll, spec: { podSelector: { matchLabels: { app: 'server' } } } });
    const { stdout } = made.run(
      `kubectl exec server -- nc -l -p 7000 & sleep 1;
       (echo before; sleep 2; echo after) | kubectl exec -i front -- nc -N ${ip} 7000 & sleep 1;
       echo '${policy}' | kubectl apply -f -; sleep 1;
       kubectl exec other -- nc -z -w 1 ${ip} 7000; echo "a new one: $?"; wait`,
    );
    const lines = stdout.split('\n').filter((line) => line !== '');
    expect(lines.slice(0, 2)).toEqual(['before', 'networkpolicy.networking.k8s.io/deny created']);
    expect(lines.slice(2).sort()).toEqual(['a new one: 1', 'after']);
  });
});
