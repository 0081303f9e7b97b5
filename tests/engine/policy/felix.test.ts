import { describe, expect, it } from 'vitest';
import { iptables } from '../../../src/engine/net/iptables.ts';
import { World } from '../../../src/engine/net/world.ts';
import { CalicoPolicies } from '../../../src/engine/policy/calico.ts';
import type { CalicoWorkload } from '../../../src/engine/policy/calico-chains.ts';
import { renderChain } from '../../../src/engine/policy/felix.ts';
import { Felix } from '../../../src/engine/policy/felix-program.ts';

/** Hashes as `iptables-save` shows them on real Calico nodes. */
describe("Felix' rule hashes", () => {
  it.each([
    ['INPUT', [{ action: '--jump cali-INPUT' }], ['Cz_u1IQiXIMmKD4c']],
    ['FORWARD', [{ action: '--jump cali-FORWARD' }], ['wUHhoiAYhphO9Mso']],
    ['PREROUTING', [{ action: '--jump cali-PREROUTING' }], ['6gwbT8clXdHdC1b1']],
    [
      'cali-wl-to-host',
      [
        { action: '--jump cali-from-wl-dispatch' },
        { comments: ['Configured DefaultEndpointToHostAction'], action: '--jump ACCEPT' },
      ],
      ['Ee9Sbo10IpVujdIY', 'nSZbcOoG1xPONxb8'],
    ],
    [
      'cali-tw-cali11239f98883',
      [
        { match: '-m conntrack --ctstate RELATED,ESTABLISHED', action: '--jump ACCEPT' },
        { match: '-m conntrack --ctstate INVALID', action: '--jump DROP' },
        { action: '--jump MARK --set-mark 0/0x10000' },
        { comments: ['Start of policies'], action: '--jump MARK --set-mark 0/0x20000' },
      ],
      ['63AiEhcKlL4J9x0W', 'U_uF6VQoKAohXmTC', '11psZo1M6h3_eNzY', '6lKycZxeeZ1PugZz'],
    ],
  ])('of chain %s are those of a real node', (chain, rules, hashes) => {
    const rows = renderChain(chain, rules);
    expect(rows.map((row) => /"cali:([^"]*)"/.exec(row)?.[1])).toEqual(hashes);
  });
});

describe('Felix on a node', () => {
  const pod = (name: string, ip: string): CalicoWorkload => ({
    hostDevice: `cali${name}`,
    serviceAccount: 'default',
    pod: {
      kind: 'pod',
      namespace: 'default',
      name,
      labels: { app: name },
      ips: [ip],
      ports: [{ name: 'http', protocol: 'TCP', port: 8080 }],
    },
  });
  const workloads = [pod('web', '10.244.1.2'), pod('client', '10.244.1.3')];
  const policy = {
    metadata: { name: 'web', namespace: 'default' },
    spec: {
      podSelector: { matchLabels: { app: 'web' } },
      ingress: [
        {
          from: [{ podSelector: { matchLabels: { app: 'client' } } }],
          ports: [{ port: 80 }, { port: 'http' }],
        },
      ],
    },
  };
  const calico = (policies: readonly (typeof policy)[]): CalicoPolicies =>
    new CalicoPolicies(
      {
        pods: workloads.map((workload) => workload.pod),
        namespaces: [{ name: 'default', labels: {} }],
        networkPolicies: policies,
      },
      'ipv4',
    );

  it('shows the policy as chains and sets, and takes them away with the policy', () => {
    const { netfilter } = new World().createNetns('node', { kind: 'node' });
    iptables(netfilter, 'ipv4', ['-N', 'cali-FORWARD']);
    iptables(netfilter, 'ipv4', ['-A', 'FORWARD', '-j', 'cali-FORWARD']);
    const before = iptables(netfilter, 'ipv4', ['-S', 'FORWARD']).out;
    const felix = new Felix(netfilter, 'ipv4');
    felix.program(calico([]).node(workloads));
    expect(iptables(netfilter, 'ipv4', ['-S', 'FORWARD']).out).toBe(before);

    felix.program(calico([policy]).node(workloads));
    const rules = iptables(netfilter, 'ipv4', ['-S']).out;
    expect(rules).toMatch(
      /^-A cali-tw-caliweb .*"End of tier default. Drop if no policies passed packet" -m mark --mark 0x0\/0x20000 -j DROP$/m,
    );
    expect(rules).toMatch(
      /^-A cali-pi-_\S{19} -p tcp .*"Policy default\/knp.default.web ingress" -m set --match-set (cali40s:\S+) src -m multiport --dports 80 -j MARK --set-xmark 0x10000\/0x10000$/m,
    );
    const sets = netfilter.sets.run(['save']).out;
    expect(sets).toMatch(/^add cali40s:\S+ 10\.244\.1\.3$/m);
    expect(sets).toMatch(/^add cali40n:\S+ 10\.244\.1\.2,tcp:8080$/m);

    felix.program(calico([]).node(workloads));
    expect(iptables(netfilter, 'ipv4', ['-S', 'FORWARD']).out).toBe(before);
    expect(iptables(netfilter, 'ipv4', ['-S']).out).not.toContain('cali-tw-');
    expect(netfilter.sets.names()).toEqual([]);
  });
});
