import { beforeEach, describe, expect, it } from 'vitest';
import { parseIp, type Ip } from '../../../src/engine/net/address.ts';
import { iptablesRestore } from '../../../src/engine/net/iptables-restore.ts';
import { createBridge, createVeth } from '../../../src/engine/net/link.ts';
import type { Netns } from '../../../src/engine/net/netns.ts';
import { tcpConnect } from '../../../src/engine/net/tcp-client.ts';
import { Trace } from '../../../src/engine/net/trace.ts';
import { World } from '../../../src/engine/net/world.ts';
import { formatCrossing } from './kernel-probe.ts';

const SECOND = 1_000_000;
const ip = (text: string): Ip => parseIp(text) ?? 0;

let world: World;
let router: Netns;
let client: Netns;
let trace: Trace;

/** Two hosts on the router's bridge, which shows iptables only what it routes. */
beforeEach(() => {
  world = new World();
  router = world.createNetns('router');
  const bridge = createBridge(router, 'br0');
  if (typeof bridge === 'string') throw new Error(bridge);
  router.setLink('br0', { up: true });
  router.addAddress(bridge, { ip: ip('10.8.0.254'), length: 24 });
  router.sysctl.set('net.bridge.bridge-nf-call-iptables', '0');
  router.sysctl.set('net.ipv4.ip_forward', '1');
  const hosts = [1, 2].map((n) => {
    const host = world.createNetns(`h${n}`);
    const pair = createVeth(host, 'eth0', router, `p${n}`);
    if (typeof pair === 'string') throw new Error(pair);
    host.setLink('eth0', { up: true });
    host.addAddress(pair[0], { ip: ip(`10.8.0.${n}`), length: 24 });
    router.setLink(`p${n}`, { up: true, master: bridge });
    host.routes.add({ dst: { ip: 0, length: 0 }, via: ip('10.8.0.254') });
    return host;
  });
  const [first] = hosts;
  if (first === undefined) throw new Error('no host');
  client = first;
  trace = new Trace();
  world.tracer = trace;
});

function rules(text: string): void {
  const result = iptablesRestore(router.netfilter, 'ipv4', [], text);
  if (result.exitCode !== 0) throw new Error(result.error);
}

const seen = (pattern: RegExp): string[] =>
  trace.events.flatMap((event) =>
    event.kind === 'frame' && event.netns === 'h1' && event.dir === 'in'
      ? [formatCrossing(event)].filter((line) => pattern.test(line))
      : [],
  );

/** Each as kernel 6.18 did with the same commands. */
describe('what is sent about a packet whose connection is not in the table yet', () => {
  it('bears the address that the client called: an error', () => {
    rules('*nat\n-A PREROUTING -d 10.96.0.21/32 -p udp -j DNAT --to-destination 203.0.113.9\nCOMMIT\n');
    const socket = client.sockets.addUdp({ dst: ip('10.96.0.21'), dport: 99 });
    if (typeof socket === 'string') throw new Error(socket);
    socket.send(new Uint8Array(1));
    world.run({ time: SECOND });
    expect(seen(/icmp/)).toEqual(['h1:eth0 in 10.96.0.21 > 10.8.0.1 icmp net-unreachable ttl=64']);
  });

  it('bears the address that the client called: a reset', () => {
    rules(
      '*nat\n-A PREROUTING -d 10.96.0.20/32 -p tcp -j DNAT --to-destination 10.8.0.2:8080\nCOMMIT\n' +
        '*filter\n-A FORWARD -p tcp -j REJECT --reject-with tcp-reset\nCOMMIT\n',
    );
    const process = world.spawn(tcpConnect(client, { dst: ip('10.96.0.20'), dport: 80, timeout: SECOND }));
    world.run({ until: () => process.done });
    expect(process.result).toEqual({ kind: 'error', errno: 'ECONNREFUSED' });
    expect(seen(/\[RA\]/)).toEqual([
      expect.stringMatching(/^h1:eth0 in 10\.96\.0\.20:80 > 10\.8\.0\.1:\d+ \[RA\] ttl=64$/),
    ]);
  });

  it('is never a redirect for a connection that NAT changes, and one for any other', () => {
    const udp = (dst: string): void => {
      const socket = client.sockets.addUdp({ dst: ip(dst), dport: 99 });
      if (typeof socket === 'string') throw new Error(socket);
      socket.send(new Uint8Array(1));
      world.run({ time: SECOND });
      socket.send(new Uint8Array(1));
      world.run({ time: SECOND });
    };
    rules('*nat\n-A PREROUTING -d 10.96.0.22/32 -p udp -j DNAT --to-destination 10.8.0.2:99\nCOMMIT\n');
    udp('10.96.0.22');
    expect(seen(/redirect/)).toEqual([]);
    client.routes.add({ dst: { ip: ip('10.8.0.2'), length: 32 }, via: ip('10.8.0.254') });
    udp('10.8.0.2');
    expect(seen(/redirect/)).toEqual(['h1:eth0 in 10.8.0.254 > 10.8.0.1 icmp redirect ttl=64']);
  });
});
