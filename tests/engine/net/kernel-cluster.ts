/** Rebuilds the cluster of an oracle file from its recorded state, by hand, on the engine's Linux. */
import { readFileSync } from 'node:fs';
import { parseIp, parseMac, parsePrefix, type Ip } from '../../../src/engine/net/address.ts';
import { createBridge, createVeth, createVxlan } from '../../../src/engine/net/link.ts';
import { iptablesRestore } from '../../../src/engine/net/iptables-restore.ts';
import type { Netns } from '../../../src/engine/net/netns.ts';
import type { RouteType } from '../../../src/engine/net/route.ts';
import { VxlanDevice } from '../../../src/engine/net/vxlan.ts';
import { World } from '../../../src/engine/net/world.ts';

interface OracleLink {
  readonly ifname: string;
  readonly mac: string;
  readonly mtu: number;
  readonly kind: string | null;
  readonly master?: string;
}

interface OracleState {
  readonly addr: readonly string[];
  readonly link: readonly OracleLink[];
  readonly route: readonly string[];
  readonly neigh?: readonly string[];
  readonly fdb?: readonly string[];
  readonly bridgeLinks?: readonly string[];
  readonly iptables?: readonly string[];
  readonly sysctl?: Readonly<Record<string, number | string>>;
}

export interface OraclePod {
  readonly name: string;
  readonly node: string;
  readonly ip: string;
  readonly hostIf?: string;
  readonly hostNetwork?: boolean;
  readonly containers: readonly {
    readonly name: string;
    readonly ports: readonly { readonly port: number; readonly protocol: string; readonly bind?: string }[];
  }[];
}

export interface OracleProbe {
  readonly id: string;
  readonly kind: string;
  readonly from: string;
  readonly fromNetns?: string;
  readonly to: { readonly name: string | null; readonly ip: string; readonly port?: number };
  readonly options?: {
    readonly timeout?: number;
    readonly size?: number;
    readonly df?: boolean;
    readonly ttl?: number;
    readonly post?: number;
  };
  readonly clientPort?: number;
  readonly before?: readonly unknown[];
  readonly during?: readonly unknown[];
  readonly result: {
    readonly outcome: string;
    readonly mtu?: number;
    readonly from?: string;
    readonly replyTTL?: number;
    readonly hops?: readonly { readonly ttl: number; readonly from: string | null }[];
  };
  readonly path?: {
    readonly request?: readonly string[];
    readonly reply?: readonly string[];
    readonly icmpErrors?: readonly string[];
  };
  readonly arp?: readonly string[];
  readonly synRetransmits?: number;
}

export interface OracleFile {
  readonly name: string;
  readonly topology: {
    readonly pods: readonly OraclePod[];
    readonly nodes: readonly { readonly name: string; readonly ip: string }[];
  };
  readonly state: Readonly<Record<string, OracleState>>;
  readonly setup: readonly string[];
  readonly probes: readonly OracleProbe[];
}

export const ORACLE = new URL('../../../../shared/oracle/linux/', import.meta.url);

export function readOracle(name: string): OracleFile {
  return JSON.parse(readFileSync(new URL(`${name}.json`, ORACLE), 'utf8'));
}

export function ip(text: string): Ip {
  const value = parseIp(text);
  if (value === undefined) throw new Error(`not an address: ${text}`);
  return value;
}

export function buildCluster(file: OracleFile): World {
  const world = new World({ seed: 7 });
  const namespaces = new Map<string, Netns>();
  for (const [name] of Object.entries(file.state))
    namespaces.set(name, world.createNetns(name, { kind: 'host' }));
  const peers = wiring(file);
  for (const [name, state] of Object.entries(file.state)) {
    const ns = mustGet(namespaces, name);
    for (const link of state.link) addLink(ns, link, name, peers, namespaces, file);
  }
  for (const [name, state] of Object.entries(file.state)) fill(mustGet(namespaces, name), state);
  for (const command of file.setup) {
    const down = /^ssh (\S+) ip link set (\S+) down$/.exec(command);
    if (down !== null) mustGet(namespaces, down[1] ?? '').setLink(down[2] ?? '', { up: false });
  }
  return world;
}

/** Which interface is the other end of which: `NETNS:IF` to `NETNS:IF`. */
function wiring(file: OracleFile): Map<string, string> {
  const peers = new Map<string, string>();
  const pair = (a: string, b: string): void => {
    peers.set(a, b);
    peers.set(b, a);
  };
  for (const node of file.topology.nodes) pair(`${node.name}:eth0`, `lan:p-${node.name}`);
  pair('router:eth0', 'lan:p-router');
  pair('router:eth1', 'ext:eth0');
  for (const pod of file.topology.pods)
    if (pod.hostIf !== undefined) pair(`${pod.node}:${pod.hostIf}`, `${pod.name}:eth0`);
  return peers;
}

function addLink(
  ns: Netns,
  link: OracleLink,
  name: string,
  peers: Map<string, string>,
  namespaces: Map<string, Netns>,
  file: OracleFile,
): void {
  if (link.ifname === 'lo' || ns.devices.has(link.ifname)) return;
  const mac = parseMac(link.mac) ?? 0;
  if (link.kind === 'bridge') {
    createBridge(ns, link.ifname, link.ifname === 'sw0' ? {} : { mac });
    return;
  }
  if (link.kind === 'vxlan') {
    const local = file.topology.nodes.find((node) => node.name === name)?.ip ?? '0.0.0.0';
    const lower = ns.devices.get('eth0');
    createVxlan(ns, link.ifname, { vni: 1, local: ip(local), dev: lower, mac, mtu: link.mtu });
    return;
  }
  const peer = peers.get(`${name}:${link.ifname}`)?.split(':');
  const other = namespaces.get(peer?.[0] ?? '') ?? ns.world.createNetns(`gone-${name}-${link.ifname}`, {});
  const otherName = peer?.[1] ?? 'gone';
  const otherLink = file.state[peer?.[0] ?? '']?.link.find((candidate) => candidate.ifname === otherName);
  createVeth(ns, link.ifname, other, otherName, {
    macA: mac,
    macB: parseMac(otherLink?.mac ?? '') ?? 0x020000000099,
    mtu: link.mtu,
  });
}

function fill(ns: Netns, state: OracleState): void {
  const order = state.link.map((link) => link.ifname);
  const entries = [...ns.devices].sort((a, b) => order.indexOf(a[0]) - order.indexOf(b[0]));
  ns.devices.clear();
  for (const [i, [name, device]] of entries.entries()) {
    device.index = i + 1;
    ns.devices.set(name, device);
  }
  for (const [key, value] of Object.entries(state.sysctl ?? {})) ns.sysctl.set(key, String(value));
  for (const link of state.link) {
    if (link.ifname === 'lo') continue;
    if (link.master !== undefined) ns.setLink(link.ifname, { master: ns.devices.get(link.master) ?? null });
    ns.setLink(link.ifname, { mtu: link.mtu, up: true });
    if (link.ifname.startsWith('cali')) {
      ns.sysctl.set(`net.ipv4.conf.${link.ifname}.proxy_arp`, '1');
      ns.sysctl.set(`net.ipv4.conf.${link.ifname}.rp_filter`, '1');
      ns.sysctl.set(`net.ipv4.neigh.${link.ifname}.proxy_delay`, '0');
    }
  }
  if (ns.name === 'router' || ns.name.startsWith('node-'))
    ns.sysctl.set('net.ipv4.ip_forward', String(state.sysctl?.['net/ipv4/ip_forward'] ?? 1));
  for (const line of state.addr) addAddress(ns, line);
  for (const line of [...state.route].sort((a, b) => Number(/ via /.test(a)) - Number(/ via /.test(b))))
    addRoute(ns, line);
  for (const line of state.neigh ?? []) {
    const match = /^(\S+) dev (\S+) lladdr (\S+) PERMANENT/.exec(line);
    const dev = ns.devices.get(match?.[2] ?? '');
    if (match !== null && dev !== undefined)
      ns.neighbours.replace(dev, ip(match[1] ?? ''), parseMac(match[3] ?? ''), 'PERMANENT');
  }
  for (const line of state.fdb ?? []) {
    const match = /^(\S+) dev (\S+) dst (\S+) self permanent/.exec(line);
    const dev = ns.devices.get(match?.[2] ?? '');
    if (match !== null && dev instanceof VxlanDevice)
      dev.fdbReplace(parseMac(match[1] ?? '') ?? 0, ip(match[3] ?? ''));
  }
  const links = state.bridgeLinks ?? [];
  for (const [i, line] of links.entries()) {
    const name = /^\d+: ([^@:]+)/.exec(line)?.[1];
    const port = ns.devices.get(name ?? '')?.port;
    if (port !== undefined) port.hairpin = /hairpin on/.test(links[i + 1] ?? '');
  }
  if (state.iptables !== undefined && state.iptables.length > 0) {
    const text = state.iptables.map((line) => line.replace(/^\[\d+:\d+\] /, '')).join('\n') + '\n';
    const result = iptablesRestore(ns.netfilter, 'ipv4', [], text);
    if (result.exitCode !== 0) throw new Error(result.error);
  }
}

function addAddress(ns: Netns, line: string): void {
  const match = /^\d+: (\S+) +inet (\S+?)\/(\d+)(?: brd (\S+))? scope (\S+)/.exec(line);
  const dev = ns.devices.get(match?.[1] ?? '');
  if (match === null || dev === undefined || dev.name === 'lo') return;
  const broadcast = match[4] === undefined ? undefined : ip(match[4]);
  ns.addAddress(dev, { ip: ip(match[2] ?? ''), length: Number(match[3]), broadcast });
}

function addRoute(ns: Netns, line: string): void {
  if (/proto kernel/.test(line)) return;
  const words = line.trim().split(/\s+/);
  let type: RouteType = 'unicast';
  if (words[0] === 'blackhole' || words[0] === 'unreachable')
    type = words.shift() === 'blackhole' ? 'blackhole' : 'unreachable';
  const first = words.shift() ?? '';
  const dst = parsePrefix(first === 'default' ? '0.0.0.0/0' : first);
  if (dst === undefined) throw new Error(line);
  const after = (word: string): string | undefined => {
    const index = words.indexOf(word);
    return index < 0 ? undefined : words[index + 1];
  };
  const via = after('via');
  const error = ns.routes.add({
    type,
    dst,
    dev: ns.devices.get(after('dev') ?? ''),
    via: via === undefined ? undefined : ip(via),
    protocol: after('proto') ?? 'boot',
    onlink: words.includes('onlink'),
  });
  if (error !== undefined) throw new Error(`${ns.name}: ${line}: ${error}`);
}

function mustGet(namespaces: Map<string, Netns>, name: string): Netns {
  const ns = namespaces.get(name);
  if (ns === undefined) throw new Error(name);
  return ns;
}
