/**
 * Link traversals per second: UDP request and reply, pod → node → node → pod over VXLAN, on one core; what packets in
 * flight take; and how long a lab takes to its first answer. A traversal is one crossing of one veth pair; the switch
 * between the nodes counts its two.
 */
import { parseIp, type Ip } from '../src/engine/net/address.ts';
import { createBridge, createVeth, createVxlan } from '../src/engine/net/link.ts';
import type { Netns } from '../src/engine/net/netns.ts';
import { setFlagsFromString } from 'node:v8';
import { runInNewContext } from 'node:vm';
import { Trace } from '../src/engine/net/trace.ts';
import type { VxlanDevice } from '../src/engine/net/vxlan.ts';
import { World } from '../src/engine/net/world.ts';
import { firstCurl } from './netns.ts';
import { buildNs3 } from './ns3.ts';
import { printTable, type Row } from './table.ts';

const ip = (text: string): Ip => parseIp(text) ?? 0;

/** Two nodes on a switch, one pod each, as flannel wires them. */
function build(): { world: World; client: Netns; server: Netns } {
  const world = new World();
  const lan = world.createNetns('lan');
  createBridge(lan, 'sw0');
  lan.setLink('sw0', { up: true });
  const pods: Netns[] = [];
  const vteps: VxlanDevice[] = [];
  for (const n of [1, 2]) {
    const node = world.createNetns(`node-${n}`);
    const pod = world.createNetns(`pod-${n}`);
    node.sysctl.set('net.ipv4.ip_forward', '1');
    createVeth(node, 'eth0', lan, `p-node-${n}`);
    lan.setLink(`p-node-${n}`, { up: true, master: lan.devices.get('sw0') ?? null });
    attach(node, 'eth0', `192.168.50.1${n}`, 24);
    createBridge(node, 'cni0', {});
    createVeth(node, 'veth0', pod, 'eth0', { mtu: 1450 });
    node.setLink('veth0', { up: true, master: node.devices.get('cni0') ?? null });
    attach(node, 'cni0', `10.244.${n}.1`, 24);
    attach(pod, 'eth0', `10.244.${n}.2`, 24);
    pod.routes.add({ dst: { ip: 0, length: 0 }, via: ip(`10.244.${n}.1`) });
    const lower = node.devices.get('eth0');
    const vtep = createVxlan(node, 'flannel.1', { vni: 1, local: ip(`192.168.50.1${n}`), dev: lower });
    if (typeof vtep === 'string') throw new Error(vtep);
    attach(node, 'flannel.1', `10.244.${n}.0`, 32);
    vteps.push(vtep);
    pods.push(pod);
  }
  for (const [i, vtep] of vteps.entries()) {
    const other = 2 - i;
    const remote = vteps[1 - i];
    const gateway = ip(`10.244.${other}.0`);
    vtep.netns.routes.add({ dst: { ip: gateway, length: 24 }, via: gateway, dev: vtep, onlink: true });
    vtep.netns.neighbours.replace(vtep, gateway, remote?.mac, 'PERMANENT');
    vtep.fdbAdd(remote?.mac ?? 0, ip(`192.168.50.1${other}`));
  }
  const [client, server] = pods;
  if (client === undefined || server === undefined) throw new Error('no pods');
  return { world, client, server };
}

function attach(ns: Netns, dev: string, address: string, length: number): void {
  const device = ns.devices.get(dev);
  if (device === undefined) throw new Error(dev);
  ns.addAddress(device, { ip: ip(address), length });
  ns.setLink(dev, { up: true });
}

const REQUEST = new Uint8Array(64);
const SERVER = ip('10.244.2.2');
const PORT = 9000;

/** A client whose requests a server answers. */
function connect(onReply: () => void): { readonly world: World; readonly ask: () => void } {
  const { world, client, server } = build();
  server.sockets.bindUdp({
    ip: 0,
    port: PORT,
    onDatagram: (datagram, socket) => void socket.reply(datagram, datagram.data),
  });
  const socket = client.sockets.addUdp({ port: 40000, onDatagram: onReply });
  if (typeof socket === 'string') throw new Error(socket);
  return { world, ask: () => void socket.sendTo(REQUEST, SERVER, PORT) };
}

/** Per CPU second, so that a busy machine measures what an idle one does. */
function traversals(seconds: number, trace: 'traced' | 'untraced'): number {
  let replies = 0;
  const { world, ask } = connect(() => {
    replies++;
    next();
  });
  const next = (): void => {
    if (trace === 'traced') world.tracer = new Trace();
    ask();
  };
  next();
  world.run({ until: () => replies > 20_000 });
  const before = replies;
  const begin = process.cpuUsage();
  let took = 0;
  while (took < seconds * 1e6) {
    const target = replies + 1000;
    world.run({ until: () => replies >= target });
    const { user, system } = process.cpuUsage(begin);
    took = user + system;
  }
  return ((replies - before) * 8 * 1e6) / took;
}

/** Bytes of the heap that a thousand datagrams take which were sent and have not been received. */
function flight(): number {
  let replies = 0;
  const { world, ask } = connect(() => replies++);
  ask();
  world.run({ until: () => replies === 1 });
  const count = 10_000;
  collectGarbage();
  const before = process.memoryUsage().heapUsed;
  // What the kernel sends in a timer waits until the timer is over, so all of it is on its way at once.
  world.timer(0, () => {
    for (let i = 0; i < count; i++) ask();
  });
  world.run({ events: 1 });
  collectGarbage();
  const taken = process.memoryUsage().heapUsed - before;
  if (replies > 1) throw new Error('some were answered already');
  return (taken / count) * 1000;
}

function collectGarbage(): void {
  setFlagsFromString('--expose-gc');
  (runInNewContext('gc') as () => void)();
}

/** What the data path can do, beside what was asked for and, where it is installed, the C++ simulator ns-3. */
export async function run(): Promise<void> {
  const untraced = traversals(3, 'untraced');
  const speed = {
    what: 'UDP request and reply, pod → node → node → pod, untraced',
    measured: untraced,
    unit: 'links/s',
  };
  const memory = { what: 'a thousand packets in flight', measured: flight() / 1024, unit: 'KiB' };
  const rows: Row[] = [
    { ...speed, comparedWith: 'at least', reference: 1_500_000 },
    {
      ...speed,
      what: 'UDP request and reply, pod → node → node → pod, fully traced',
      measured: traversals(3, 'traced'),
      comparedWith: 'at least',
      reference: 200_000,
    },
  ];
  const ns3 = buildNs3();
  if (typeof ns3 !== 'string')
    for (const link of ['csma', 'point-to-point'] as const) {
      rows.push({ ...speed, comparedWith: `ns-3 in C++, ${link}`, reference: ns3.crossings(link) });
      rows.push({ ...memory, comparedWith: `ns-3 in C++, ${link}`, reference: ns3.flight(link) / 1024 });
    }
  else rows.push({ ...memory, comparedWith: 'itself', reference: memory.measured });
  const curl = await firstCurl();
  if (typeof curl !== 'string') rows.push(...curl);
  printTable('The data path', rows);
  for (const missing of [ns3, curl]) if (typeof missing === 'string') console.log(missing);
}
