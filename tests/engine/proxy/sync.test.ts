import { describe, expect, it } from 'vitest';
import { parseIp } from '../../../src/engine/net/address.ts';
import { iptables, iptablesSave } from '../../../src/engine/net/iptables.ts';
import { formatRule } from '../../../src/engine/net/iptables-rule.ts';
import { runNft } from '../../../src/engine/net/nft/command.ts';
import { EMPTY, IpPacket, UdpDatagram } from '../../../src/engine/net/packet.ts';
import { Skb } from '../../../src/engine/net/skb.ts';
import { World } from '../../../src/engine/net/world.ts';
import type { EndpointSliceInput } from '../../../src/engine/proxy/endpoints.ts';
import { proxyRules } from '../../../src/engine/proxy/iptables.ts';
import type { ProxyNode } from '../../../src/engine/proxy/node.ts';
import { createKubeProxy } from '../../../src/engine/proxy/proxy.ts';
import type { ServiceInput } from '../../../src/engine/proxy/service.ts';
import { base32, sha224, sha256 } from '../../../src/engine/proxy/sha256.ts';
import { formatSync, syncRules } from '../../../src/engine/proxy/sync.ts';

const NODE: ProxyNode = {
  name: 'node-1',
  family: 'IPv4',
  nodeIP: '192.168.50.11',
  addresses: ['127.0.0.1/8', '192.168.50.11/24'],
  detectLocal: { mode: 'cidr', cidr: '10.244.0.0/16' },
  randomFully: true,
  localhostNodePorts: true,
  loadBalancerIPMode: true,
  nfacct: false,
  hints: 'always',
};

function service(name: string, clusterIP: string, protocol = 'TCP'): ServiceInput {
  return {
    metadata: { name, namespace: 'default' },
    spec: { clusterIP, ports: [{ name: 'p', port: 80, protocol }] },
  };
}

function slice(name: string, ips: readonly string[], protocol = 'TCP'): EndpointSliceInput {
  return {
    metadata: { namespace: 'default', labels: { 'kubernetes.io/service-name': name } },
    addressType: 'IPv4',
    endpoints: ips.map((ip) => ({ addresses: [ip] })),
    ports: [{ name: 'p', port: 8080, protocol }],
  };
}

const WEB = service('web', '10.96.0.20');
const API = service('api', '10.96.0.21');

/** A Service whose rules every node has to work out for itself. */
const NEAR: ServiceInput = {
  ...service('near', '10.96.0.22'),
  spec: { ...service('near', '10.96.0.22').spec, internalTrafficPolicy: 'Local' },
};

describe('what counts packets', () => {
  const local = { ...slice('near', []), endpoints: [{ addresses: ['10.244.1.9'], nodeName: 'node-1' }] };

  it('goes on counting in the iptables chains of Services that did not change', () => {
    const { netfilter } = new World().createNetns('node', { kind: 'node' });
    const proxy = createKubeProxy('iptables', NODE, netfilter);
    const api = slice('api', ['10.244.1.3']);
    proxy.sync([WEB, API, NEAR], [slice('web', ['10.244.1.2']), api, local]);
    const nat = netfilter.v4.table('nat');
    const chains = nat.all().filter(({ name }) => name.startsWith('KUBE-SV') || name.startsWith('KUBE-SEP'));
    for (const chain of chains) chain.hit(0, 60);
    proxy.sync([WEB, API, NEAR], [slice('web', ['10.244.1.2', '10.244.2.2']), api, local]);
    const kept = chains.filter((chain) => nat.get(chain.name)?.count(0).packets === 1);
    const rules = kept.map(({ rules: [rule] }) => (rule === undefined ? '' : formatRule('', rule)));
    expect(kept).toHaveLength(4);
    for (const rule of rules) expect(rule).toMatch(/default\/(?:api|near):p/);
  });

  it('goes on counting in nftables where somebody put a counter beside kube-proxy’s rules', () => {
    const ns = new World().createNetns('node', { kind: 'node' });
    const { nft } = ns.netfilter;
    const proxy = createKubeProxy('nftables', { ...NODE, serviceCIDRs: ['10.96.0.0/12'] }, ns.netfilter);
    const api = slice('api', ['10.244.1.3']);
    proxy.sync([WEB, API, NEAR], [slice('web', ['10.244.1.2']), api, local]);
    const run = (text: string): string => {
      const flags = {
        handles: true,
        stateless: false,
        terse: false,
        numericPriority: false,
        echo: false,
        check: false,
      };
      const result = runNft(nft, { text: `${text}\n` }, flags, {
        now: 0,
        hasInterface: () => true,
        iptables: [],
      });
      expect(result.error).toBe('');
      return result.out;
    };
    const chainsOf = (name: string): string[] =>
      nft
        .table('ip', 'kube-proxy')
        ?.chains()
        .flatMap((chain) => (chain.name.includes(`default/${name}/`) ? [chain.name] : [])) ?? [];
    for (const chain of [...chainsOf('web'), ...chainsOf('api'), ...chainsOf('near'), 'services'])
      run(`insert rule ip kube-proxy ${chain} counter packets 7 bytes 8`);
    const before = new Map(
      [...chainsOf('api'), ...chainsOf('near'), 'services'].map((name) => [
        name,
        run(`list chain ip kube-proxy ${name}`),
      ]),
    );
    run('delete element ip kube-proxy service-ips { 10.96.0.21 . tcp . 80 }');
    proxy.sync([WEB, API, NEAR], [slice('web', ['10.244.1.2', '10.244.2.2']), api, local]);
    for (const [name, listed] of before) expect(run(`list chain ip kube-proxy ${name}`)).toBe(listed);
    for (const name of chainsOf('web'))
      expect(run(`list chain ip kube-proxy ${name}`)).not.toContain('counter');
    // What somebody took away is not missed as long as its Service does not change.
    expect(run('list map ip kube-proxy service-ips')).not.toContain('10.96.0.21');
  });
});

describe('a sync of kube-proxy', () => {
  it('writes only what belongs to the Service that changed', () => {
    const before = proxyRules([WEB, API], [slice('web', ['10.244.1.2']), slice('api', ['10.244.1.3'])], NODE);
    const after = proxyRules(
      [WEB, API],
      [slice('web', ['10.244.1.2', '10.244.2.2']), slice('api', ['10.244.1.3'])],
      NODE,
    );
    const { nat, deleted } = syncRules(before, after);
    const written = [...nat.keys()].filter((chain) => after.owners.has(chain));
    expect(new Set(written.map((chain) => after.owners.get(chain)))).toEqual(new Set(['default/web']));
    expect(written).toHaveLength(3);
    expect(deleted).toEqual([]);
    expect(syncRules(after, after).nat.size).toBe(
      [...after.nat.keys()].filter((chain) => !after.owners.has(chain)).length,
    );
  });

  it('deletes the chains of an endpoint that is gone', () => {
    const before = proxyRules([WEB], [slice('web', ['10.244.1.2', '10.244.2.2'])], NODE);
    const after = proxyRules([WEB], [slice('web', ['10.244.1.2'])], NODE);
    const sync = syncRules(before, after);
    expect(sync.deleted).toHaveLength(1);
    expect(formatSync(sync)).toMatch(/^-X KUBE-SEP-[A-Z2-7]{16}$/m);
  });

  it('leaves headless Services, external names and the other family alone', () => {
    const rules = proxyRules(
      [
        service('none', 'None'),
        service('six', 'fd00::1'),
        { metadata: { name: 'x' }, spec: { type: 'ExternalName' } },
      ],
      [],
      NODE,
    );
    expect(rules.owners.size).toBe(0);
    expect(rules.nat.get('KUBE-SERVICES')).toHaveLength(1);
  });
});

describe('kube-proxy on a node', () => {
  const save = (ns: ReturnType<World['createNetns']>): string =>
    iptablesSave(ns.netfilter, 'ipv4', ['-t', 'nat'], '').out;

  it("makes the node's rules those of the cluster, and other people's rules stay", () => {
    const ns = new World().createNetns('node-1', { kind: 'node' });
    iptables(ns.netfilter, 'ipv4', ['-t', 'nat', '-A', 'POSTROUTING', '-j', 'ACCEPT']);
    const proxy = createKubeProxy('iptables', NODE, ns.netfilter);
    proxy?.sync([WEB], [slice('web', ['10.244.1.2', '10.244.2.2'])]);
    const first = save(ns);
    expect(first).toContain('--probability 0.50000000000 -j KUBE-SEP-');
    expect(first).toMatch(/-A POSTROUTING .*-j KUBE-POSTROUTING\n-A POSTROUTING -j ACCEPT\n/);
    proxy?.sync([WEB], [slice('web', ['10.244.2.2'])]);
    expect(save(ns)).not.toContain('--probability');
    proxy?.sync([], []);
    expect(save(ns)).not.toContain('KUBE-SVC-');
    proxy?.sync([WEB], [slice('web', ['10.244.1.2', '10.244.2.2'])]);
    expect(save(ns)).toBe(first);
  });

  it('shares what is the same on every node, and keeps apart what is not', () => {
    const world = new World();
    const local: ServiceInput = {
      metadata: { name: 'near', namespace: 'default' },
      spec: { clusterIP: '10.96.0.30', internalTrafficPolicy: 'Local', ports: [{ name: 'p', port: 80 }] },
    };
    const services = [WEB, local];
    const onNode = (name: string, ip: string): EndpointSliceInput => ({
      ...slice('near', []),
      endpoints: [{ addresses: [ip], nodeName: name }],
    });
    const slices = [
      slice('web', ['10.244.1.2']),
      onNode('node-1', '10.244.1.9'),
      onNode('node-2', '10.244.2.9'),
    ];
    const nodes = ['node-1', 'node-2'].map((name) => {
      const ns = world.createNetns(name, { kind: 'node' });
      createKubeProxy('iptables', { ...NODE, name }, ns.netfilter)?.sync(services, slices);
      return { ns, text: save(ns) };
    });
    const [one, two] = nodes.map(({ text }) => text);
    expect(one).toContain('-> 10.244.1.9:8080');
    expect(one).not.toContain('-> 10.244.2.9:8080');
    expect(two).toContain('-> 10.244.2.9:8080');
    const rulesOf = (index: number): unknown => {
      const table = nodes[index]?.ns.netfilter.v4.table('nat');
      return table
        ?.userChains()
        .find((chain) => chain.rules.some((rule) => JSON.stringify(rule).includes('10.244.1.2')))?.rules;
    };
    expect(rulesOf(0)).toBeDefined();
    expect(rulesOf(0)).toBe(rulesOf(1));
  });

  it("keeps a reader's change until the Service changes", () => {
    const ns = new World().createNetns('node-1', { kind: 'node' });
    const proxy = createKubeProxy('iptables', NODE, ns.netfilter);
    const slices = [slice('web', ['10.244.1.2']), slice('api', ['10.244.1.3'])];
    proxy?.sync([WEB, API], slices);
    const chain =
      /^-N (KUBE-SVC-\S+)$/m.exec(iptables(ns.netfilter, 'ipv4', ['-t', 'nat', '-S']).out)?.[1] ?? '';
    const list = (): string => iptables(ns.netfilter, 'ipv4', ['-t', 'nat', '-S', chain]).out;
    const before = list();
    iptables(ns.netfilter, 'ipv4', ['-t', 'nat', '-F', chain]);
    expect(list()).toBe(`-N ${chain}\n`);
    proxy?.sync([WEB, API], [...slices]);
    expect(list()).toBe(`-N ${chain}\n`);
    proxy?.sync(
      [{ ...WEB }, { ...API }],
      slices.map((own) => ({ ...own })),
    );
    expect(list()).toBe(before);
  });

  it('forgets UDP connections to an endpoint that is gone', () => {
    const world = new World();
    const ns = world.createNetns('node-1', { kind: 'node' });
    const dns = service('dns', '10.96.0.10', 'UDP');
    const proxy = createKubeProxy('iptables', NODE, ns.netfilter);
    proxy?.sync([dns], [slice('dns', ['10.244.1.2'], 'UDP')]);
    const ip = (text: string): number => parseIp(text) ?? 0;
    const datagram = new UdpDatagram(40000, 80, EMPTY);
    const skb = new Skb(
      ns,
      new IpPacket(ip('10.244.1.9'), ip('10.96.0.10'), 17, 64, 0, 1, true, false, 0, datagram),
      1,
    );
    ns.netfilter.hook('PREROUTING', skb);
    ns.netfilter.hook('POSTROUTING', skb);
    expect(skb.packet.dst).toBe(ip('10.244.1.2'));
    expect(ns.conntrack.list()).toHaveLength(1);
    proxy?.sync([dns], [slice('dns', ['10.244.1.2', '10.244.1.3'], 'UDP')]);
    expect(ns.conntrack.list()).toHaveLength(1);
    proxy?.sync([dns], [slice('dns', ['10.244.1.3'], 'UDP')]);
    expect(ns.conntrack.list()).toEqual([]);
  });
});

describe('the hashes that names are made of', () => {
  const hex = (bytes: Uint8Array): string => Buffer.from(bytes).toString('hex');
  it('are SHA-256 and SHA-224 of FIPS 180-4', () => {
    expect(hex(sha256(''))).toBe('e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855');
    expect(hex(sha256('abcdbcdecdefdefgefghfghighijhijkijkljklmklmnlmnomnopnopq'))).toBe(
      '248d6a61d20638b8e5c026930c3e6039a33ce45964ff2167f6ecedd419db06c1',
    );
    expect(hex(sha224(new TextEncoder().encode('abc')))).toBe(
      '23097d223405d8228642a477bda255b32aadbce4bda0b3f7e36c9da7',
    );
    expect(base32(sha256('a'), 16)).toBe('ZKLYCEWKDO64V6WC');
  });
});
