import { describe, expect, it } from 'vitest';
import { parseIp } from '../../../src/engine/net/address.ts';
import type { Device } from '../../../src/engine/net/device.ts';
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
import { World } from '../../../src/engine/net/world.ts';
import { CalicoPolicies } from '../../../src/engine/policy/calico.ts';
import type { PolicyEndpoint, PolicyPod } from '../../../src/engine/policy/endpoint.ts';
import { Felix } from '../../../src/engine/policy/felix-program.ts';
import { cases, decode, endpointOf, namespacesOf, networkPoliciesOf, policySet, present } from './cases.ts';

function device(ns: Netns, name: string): Device {
  const made = createDummy(ns, name);
  if (typeof made === 'string') throw new Error(made);
  ns.setLink(name, { up: true });
  return made;
}

function packet(src: string, dst: string, protocol: string, port: number, sport: number): IpPacket {
  const payload =
    protocol === 'TCP'
      ? new TcpSegment(sport, port, 1, 0, TCP_SYN, 64240, TCP_NO_OPTIONS, EMPTY)
      : new UdpDatagram(sport, port, EMPTY);
  const number = protocol === 'TCP' ? 6 : 17;
  return new IpPacket(parseIp(src) ?? 0, parseIp(dst) ?? 0, number, 64, 0, 1, true, false, 0, payload);
}

describe
  .skipIf(!present)
  .each(['k8s-e2e.jsonl', 'recipes.jsonl', 'policy-assistant.jsonl', 'netpol-analyzer.jsonl'])(
  "Felix' chains let through what the policies of %s allow (skipped without ../shared/oracle)",
  (file) => {
    it.each(cases(file))('$id', (test) => {
      const manifests = decode(test.manifests);
      const ns = new World().createNetns('node', { kind: 'node' });
      const eth0 = device(ns, 'eth0');
      const endpoints = new Map<string, { endpoint: PolicyEndpoint; ip: string; dev: Device }>();
      const pods: { pod: PolicyPod; hostDevice: string; serviceAccount: string }[] = [];
      for (const [i, key] of Object.keys(test.endpoints).entries()) {
        const endpoint = endpointOf(key, test, manifests);
        if (endpoint.kind === 'external') {
          endpoints.set(key, { endpoint, ip: endpoint.ip, dev: eth0 });
          continue;
        }
        // Felix tests ipBlocks against pods' addresses too.
        const ip = endpoint.ips[0] ?? `100.64.${i >> 8}.${i & 255}`;
        const pod = { ...endpoint, ips: [ip] };
        const hostDevice = `cali${String(i).padStart(11, '0')}`;
        endpoints.set(key, { endpoint: pod, ip, dev: device(ns, hostDevice) });
        pods.push({ pod, hostDevice, serviceAccount: 'default' });
      }
      const calico = new CalicoPolicies({
        pods: pods.map(({ pod }) => pod),
        namespaces: namespacesOf(manifests),
        networkPolicies: networkPoliciesOf(manifests),
      });
      new Felix(ns.netfilter).program(calico.node(pods));
      const policies = policySet(manifests);
      const wrong = test.expect.filter(({ from, to, protocol, port }, i) => {
        const source = endpoints.get(from);
        const destination = endpoints.get(to);
        // Ports of SCTP are not simulated.
        if (source === undefined || destination === undefined || protocol === 'SCTP') return false;
        const skb = new Skb(ns, packet(source.ip, destination.ip, protocol, port, 1024 + i), 1);
        skb.inDev = source.dev;
        let verdict = ns.netfilter.hook('PREROUTING', skb);
        skb.outDev = destination.dev;
        if (verdict === 'ACCEPT') verdict = ns.netfilter.hook('FORWARD', skb);
        const { allowed } = policies.verdict(source.endpoint, destination.endpoint, { protocol, port });
        return (verdict === 'ACCEPT') !== allowed;
      });
      expect(wrong).toEqual([]);
    });
  },
);
