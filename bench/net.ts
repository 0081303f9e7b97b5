/**
 * Link traversals per second: UDP request and reply, pod → node → node → pod over VXLAN, on one core.
 * A traversal is one crossing of one veth pair; the switch between the nodes counts its two.
 */
import { parseIp, type Ip } from '../src/engine/net/address.ts';
import { createBridge, createVeth, createVxlan } from '../src/engine/net/link.ts';
import type { Netns } from '../src/engine/net/netns.ts';
import { Trace } from '../src/engine/net/trace.ts';
import type { VxlanDevice } from '../src/engine/net/vxlan.ts';
import { World } from '../src/engine/net/world.ts';
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

function traversals(seconds: number, traced: boolean): number {
  const { world, client, server } = build();
  server.sockets.bindUdp({
    ip: 0,
    port: 9000,
    onDatagram: (datagram, socket) => void socket.reply(datagram, datagram.data),
  });
  let replies = 0;
  const data = new Uint8Array(64);
  const target = ip('10.244.2.2');
  const socket = client.sockets.addUdp({
    port: 40000,
    onDatagram() {
      replies++;
      send();
    },
  });
  if (typeof socket === 'string') throw new Error(socket);
  const send = (): void => {
    if (traced) world.tracer = new Trace();
    socket.sendTo(data, target, 9000);
  };
  send();
  world.run({ until: () => replies > 20_000 });
  const begin = performance.now();
  const before = replies;
  while (performance.now() - begin < seconds * 1000) {
    const target = replies + 1000;
    world.run({ until: () => replies >= target });
  }
  const took = (performance.now() - begin) / 1000;
  return ((replies - before) * 8) / took;
}

/** Link traversals per second beside what was asked for; ns-3 3.37 (C++) does some 160,000 over the same three links. */
export function run(): Promise<void> {
  const rows: Row[] = [
    [false, 1_500_000],
    [true, 200_000],
  ].map(([traced, wanted]) => ({
    what: `UDP request and reply, pod → node → node → pod, ${traced === true ? 'fully traced' : 'untraced'}`,
    measured: traversals(3, traced === true),
    unit: 'links/s',
    comparedWith: 'at least',
    reference: Number(wanted),
  }));
  printTable('The data path', rows);
  return Promise.resolve();
}
