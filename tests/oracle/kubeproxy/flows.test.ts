import { describe, expect, it } from 'vitest';
import { formatIp, isIpv6, parseIp } from '../../../src/engine/net/address.ts';
import { iptablesRestore } from '../../../src/engine/net/iptables-restore.ts';
import { createDummy } from '../../../src/engine/net/link.ts';
import type { Netns } from '../../../src/engine/net/netns.ts';
import {
  EMPTY,
  IpPacket,
  TCP_NO_OPTIONS,
  TCP_SYN,
  TcpSegment,
  UdpDatagram,
} from '../../../src/engine/net/packet.ts';
import { Skb } from '../../../src/engine/net/skb.ts';
import { Trace } from '../../../src/engine/net/trace.ts';
import { World } from '../../../src/engine/net/world.ts';
import { hostPort } from '../../../src/engine/proxy/address.ts';
import type { ProxyNode } from '../../../src/engine/proxy/node.ts';
import { createKubeProxy, type ProxyMode } from '../../../src/engine/proxy/proxy.ts';
import type { ServiceInput } from '../../../src/engine/proxy/service.ts';
import { decode, nodeOf, oraclePresent, records, type OracleConfig, type OracleFlow } from './records.ts';

interface FlowRecord {
  readonly id: string;
  readonly config: OracleConfig;
  readonly manifests: string;
  readonly flows: readonly OracleFlow[];
}

interface RuleFlowRecord {
  readonly id: string;
  readonly config: OracleConfig;
  readonly rules: string;
  readonly flows: readonly OracleFlow[];
}

function node(world: World, config: OracleConfig): Netns {
  const ns = world.createNetns('node', { kind: 'node' });
  const eth0 = createDummy(ns, 'eth0');
  if (typeof eth0 === 'string') throw new Error(eth0);
  ns.setLink('eth0', { up: true });
  for (const text of config.interfaceAddrs ?? config.nodeIPs) {
    const [address = '', length] = text.split('/');
    const ip = parseIp(address);
    if (ip === undefined || address.startsWith('127.') || address === '::1') continue;
    ns.addAddress(eth0, { ip, length: Number(length ?? (isIpv6(ip) ? 128 : 32)) });
  }
  return ns;
}

interface Fate {
  readonly output: string | undefined;
  readonly masquerade: boolean;
}

/** Sends the first packet of a flow through the node's hooks, as the kernel would lead it. */
function send(ns: Netns, flow: OracleFlow, sport: number): Fate {
  const { world } = ns;
  const trace = new Trace();
  world.tracer = trace;
  const src = parseIp(flow.sourceIP) ?? 0;
  const dst = parseIp(flow.destIP) ?? 0;
  const payload =
    flow.protocol === 'TCP'
      ? new TcpSegment(sport, flow.destPort, 1, 0, TCP_SYN, 64240, TCP_NO_OPTIONS, EMPTY)
      : new UdpDatagram(sport, flow.destPort, EMPTY);
  const protocol = flow.protocol === 'TCP' ? 6 : flow.protocol === 'UDP' ? 17 : 132;
  const skb = new Skb(
    ns,
    new IpPacket(src, dst, protocol, 64, 0, 1, true, false, 0, payload),
    world.newWalk(),
  );
  const own = flow.sourceType === 'node' || flow.sourceType === 'localhost';
  const eth0 = ns.devices.get('eth0');
  if (own) skb.outDev = eth0;
  else skb.inDev = eth0;
  let verdict = ns.netfilter.hook(own ? 'OUTPUT' : 'PREROUTING', skb);
  const local = ns.routes.addressType(skb.packet.dst) === 'local';
  if (verdict === 'ACCEPT' && local) verdict = ns.netfilter.hook('INPUT', skb);
  if (verdict === 'ACCEPT' && !local) {
    skb.outDev = eth0;
    if (!own) verdict = ns.netfilter.hook('FORWARD', skb);
    if (verdict === 'ACCEPT') verdict = ns.netfilter.hook('POSTROUTING', skb);
  }
  world.tracer = undefined;
  const rules = trace.events.flatMap((event) =>
    event.kind === 'decision' && (event.decision.code === 'rule' || event.decision.code === 'nft-rule')
      ? [event.decision]
      : [],
  );
  const last = rules[rules.length - 1];
  if (verdict === 'DROP')
    return {
      output: /-j REJECT|^reject|reject$| reject /.test(last?.rule ?? '') ? 'REJECT' : 'DROP',
      masquerade: false,
    };
  if (skb.ct?.dstNat === true) {
    // The masqueraded address may be the one that the node spoke from.
    const masquerade = rules.some((rule) => /-j MASQUERADE|^masquerade/.test(rule.rule));
    return { output: hostPort(formatIp(skb.ct.reply.src), skb.ct.reply.sport), masquerade };
  }
  const accepted = rules.some((rule) => rule.chain === 'KUBE-NODEPORTS' && rule.verdict === 'ACCEPT');
  return { output: accepted ? 'ACCEPT' : undefined, masquerade: false };
}

function check(flow: OracleFlow, fresh: (seed: number) => Netns): void {
  const outputs = new Set<string>();
  let masquerade: boolean | undefined;
  for (let seed = 1; seed <= 24; seed++) {
    const fate = send(fresh(seed), flow, 20000 + seed);
    if (fate.output !== undefined) outputs.add(fate.output);
    masquerade ??= fate.masquerade;
  }
  const expected = typeof flow.output === 'string' ? [flow.output] : flow.output;
  expect([...outputs].sort(), flow.name).toEqual([...expected].sort());
  if (expected.some((output) => output.includes(':'))) expect(masquerade, flow.name).toBe(flow.masq);
}

/** nftables mode takes one of the node's addresses for NodePorts unless it is told to take all, as iptables mode does. */
function proxyNode(mode: ProxyMode, config: OracleConfig): ProxyNode {
  const made = nodeOf(config);
  const all = mode === 'nftables' && (made.nodePortAddresses ?? []).length === 0;
  return all ? { ...made, nodePortAddresses: ['0.0.0.0/0', '::/0'] } : made;
}

/** Where nftables mode is meant to differ: no NodePorts on localhost, no rule for health checks, and ports that a ClusterIP lacks are refused. */
function inNftables(flow: OracleFlow, services: readonly ServiceInput[]): OracleFlow {
  const toLocalhost = flow.destIP.startsWith('127.') || flow.destIP === '::1';
  if (toLocalhost || flow.output === 'ACCEPT') return { ...flow, output: [] };
  const clusterIP = services.some(({ spec }) => spec?.clusterIP === flow.destIP);
  return clusterIP && flow.output.length === 0 ? { ...flow, output: 'REJECT' } : flow;
}

describe.skipIf(!oraclePresent)('a packet through kube-proxy (skipped without ../shared/oracle)', () => {
  describe.each(['iptables', 'nftables'] as const)('in %s mode', (mode) => {
    it.each(records<FlowRecord>('flows.jsonl'))('meets the fate of $id', ({ config, manifests, flows }) => {
      const { services, slices } = decode(manifests);
      for (const flow of flows) {
        const expected = mode === 'iptables' ? flow : inNftables(flow, services);
        check(expected, (seed) => {
          const ns = node(new World({ seed }), config);
          createKubeProxy(mode, proxyNode(mode, config), ns.netfilter).sync(services, slices);
          return ns;
        });
      }
    });
  });

  it.each(records<RuleFlowRecord>('rule_flows.jsonl'))(
    'meets the fate of the rules in $id',
    ({ config, rules, flows }) => {
      // The dumps leave the comments of the jumps unquoted.
      const text = rules.replaceAll(/--comment (kubernetes [a-z -]*?) (-[jm]) /g, '--comment "$1" $2 ');
      for (const flow of flows) {
        check(flow, (seed) => {
          const ns = node(new World({ seed }), config);
          const family = flow.destIP.includes(':') ? 'ipv6' : 'ipv4';
          const { error } = iptablesRestore(ns.netfilter, family, [], text);
          expect(error).toBe('');
          return ns;
        });
      }
    },
  );
});
