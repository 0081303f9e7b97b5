import type { Node } from './api/types.ts';
import type { CniNode } from './cni/cni.ts';
import type { Lan } from './lan.ts';
import { familyOf, formatIp, parseIp, parsePrefix } from './net/address.ts';
import type { Ip } from './net/address.ts';
import type { Netns } from './net/netns.ts';
import type { World } from './net/world.ts';
import { VirtualFiles } from './shell/files.ts';
import { Processes } from './shell/processes.ts';
import type { Place, Tool } from './shell/tool.ts';

/** A computer of the cluster as `ssh` reaches it. */
export interface Machine {
  readonly name: string;
  readonly netns: Netns;
  readonly place: Place;
  readonly cni: CniNode | undefined;
}

/** A place on a machine that is no container. */
export function machinePlace(
  world: World,
  netns: Netns,
  name: string,
  kind: 'client' | 'node',
  tools: ReadonlyMap<string, Tool>,
  hosts: string,
  nameservers: readonly string[],
): Place {
  const processes = new Processes(world);
  processes.add('/sbin/init', () => undefined);
  return {
    name,
    kind,
    netns,
    files: new VirtualFiles(netns, {
      '/etc/hostname': `${name}\n`,
      '/etc/hosts': `127.0.0.1\tlocalhost\n${hosts}`,
      '/etc/resolv.conf': nameservers.map((server) => `nameserver ${server}\n`).join(''),
    }),
    env: {
      HOME: '/root',
      USER: 'root',
      PATH: '/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin',
      HOSTNAME: name,
    },
    tools,
    processes,
  };
}

/** A node's namespace with its NIC on the LAN, and the kernel parameters that the kubelet and kube-proxy set. */
export function createNodeMachine(
  world: World,
  lan: Lan,
  node: Node,
  tools: ReadonlyMap<string, Tool>,
): Machine | undefined {
  const ips = internalIps(node);
  const name = node.metadata.name;
  if (ips.length === 0 || world.hasNetns(name)) return undefined;
  const netns = world.createNetns(name, { kind: 'node' });
  const uplink = lan.attach(name, netns, ips);
  if (uplink === undefined) return undefined;
  netns.sysctl.set('net.ipv4.ip_forward', '1');
  netns.sysctl.set('net.ipv6.conf.all.forwarding', '1');
  netns.sysctl.set('net.ipv4.conf.all.route_localnet', '1');
  const hosts = ips.map((ip) => `${formatIp(ip)}\t${name}\n`).join('');
  const place = machinePlace(world, netns, name, 'node', tools, hosts, lan.nameservers);
  const podCIDRs = (
    node.spec.podCIDRs ?? (node.spec.podCIDR === undefined ? [] : [node.spec.podCIDR])
  ).flatMap((text) => parsePrefix(text) ?? []);
  return { name, netns, place, cni: { name, netns, uplink, ips, podCIDRs } };
}

/** The first InternalIP of each family, in the order that the node has them. */
export function internalIps(node: Node): readonly Ip[] {
  const ips: Ip[] = [];
  for (const { type, address } of node.status.addresses ?? []) {
    const ip = type === 'InternalIP' ? parseIp(address) : undefined;
    if (ip !== undefined && !ips.some((one) => familyOf(one) === familyOf(ip))) ips.push(ip);
  }
  return ips;
}
