import { describe, expect, it } from 'vitest';
import { formatIp, parseIp } from '../../../src/engine/net/address.ts';
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
import { cases, decode, endpointOf, policyObjects, policySet, present } from './cases.ts';

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

/** The same case with every IPv4 address and network embedded in an IPv6 one (RFC 6052). */
function embedded<T>(test: T): T {
  const text = JSON.stringify(test).replaceAll(
    /\b(\d+\.\d+\.\d+\.\d+)(?:\/(\d+))?\b/g,
    (_, ip: string, length?: string) =>
      `${formatIp(parseIp(`64:ff9b::${ip}`) ?? 0)}${length === undefined ? '' : `/${96 + Number(length)}`}`,
  );
  return JSON.parse(text) as T;
}

const files = [
  'k8s-e2e.jsonl',
  'recipes.jsonl',
  'policy-assistant.jsonl',
  'netpol-analyzer.jsonl',
  'anp.jsonl',
];

describe.skipIf(!present).each(files.flatMap((file) => [[file, 'ipv4'] as const, [file, 'ipv6'] as const]))(
  "Felix' chains let through what the policies of all tiers in %s allow in %s (skipped without ../shared/oracle)",
  (file, family) => {
    it.each(cases(file).map((test) => (family === 'ipv4' ? test : embedded(test))))('$id', (test) => {
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
        const ip = endpoint.ips[0] ?? `${family === 'ipv4' ? '' : '64:ff9b::'}100.64.${i >> 8}.${i & 255}`;
        const pod = { ...endpoint, ips: [ip] };
        const hostDevice = `cali${String(i).padStart(11, '0')}`;
        endpoints.set(key, { endpoint: pod, ip, dev: device(ns, hostDevice) });
        pods.push({ pod, hostDevice, serviceAccount: 'default' });
      }
      const calico = new CalicoPolicies(
        { ...policyObjects(manifests), pods: pods.map(({ pod }) => pod) },
        family,
      );
      new Felix(ns.netfilter, family).program(calico.node(pods));
      const policies = policySet(manifests);
      // The suites test networks against addresses outside only; on a node they hold for pods' addresses as well.
      const byNetwork = /ipBlock|networks/.test(test.manifests);
      const wrong = test.expect.filter(({ from, to, protocol, port, allowed: expected }, i) => {
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
        return (verdict === 'ACCEPT') !== allowed || (!byNetwork && allowed !== expected);
      });
      expect(wrong).toEqual([]);
    });
  },
);
