import {
  decodeMessage,
  encodeMessage,
  type DnsMessage,
  type ResourceRecord,
} from '../../../src/engine/dns/message.ts';
import { parseIp, parseMac, type Ip } from '../../../src/engine/net/address.ts';
import { createVeth } from '../../../src/engine/net/link.ts';
import type { Netns } from '../../../src/engine/net/netns.ts';
import { World } from '../../../src/engine/net/world.ts';
import { VirtualFiles } from '../../../src/engine/shell/files.ts';
import { Processes } from '../../../src/engine/shell/processes.ts';
import { Terminal, type LineResult, type TerminalLimits } from '../../../src/engine/shell/terminal.ts';
import type { Place } from '../../../src/engine/shell/tool.ts';
import { toolset } from '../../../src/engine/shell/toolset.ts';
import { ssh } from '../../../src/engine/shell/tools/sh.ts';

export function ip(text: string): Ip {
  const parsed = parseIp(text);
  if (parsed === undefined) throw new Error(text);
  return parsed;
}

export const LIMITS: TerminalLimits = {
  output: 200_000,
  scriptDepth: 20,
  scriptSteps: 10_000,
  commandTime: 300e6,
  events: 2_000_000,
};

/** Three namespaces as on a bench: `ta` 10.1.0.2, a router `tr`, `tb` 10.2.0.2 with a web server and a name server. */
export class Lan {
  readonly world = new World({ seed: 7 });
  readonly ta = this.world.createNetns('ta', { kind: 'pod' });
  readonly tr = this.world.createNetns('tr', { kind: 'node' });
  readonly tb = this.world.createNetns('tb', { kind: 'pod' });
  readonly places = new Map<string, Place>();
  readonly terminal: Terminal;

  constructor(limits: Partial<TerminalLimits> = {}) {
    const mac = (text: string): number => parseMac(text) ?? 0;
    createVeth(this.ta, 'eth0', this.tr, 'r0', {
      macA: mac('a2:9f:ff:e4:c2:f8'),
      macB: mac('9a:07:b7:48:50:a2'),
    });
    createVeth(this.tb, 'eth0', this.tr, 'r1', {
      macA: mac('a2:9f:ff:e4:c2:f9'),
      macB: mac('9a:07:b7:48:50:a3'),
    });
    this.#address(this.ta, 'eth0', '10.1.0.2');
    this.#address(this.tb, 'eth0', '10.2.0.2');
    this.#address(this.tr, 'r0', '10.1.0.1');
    this.#address(this.tr, 'r1', '10.2.0.1');
    for (const ns of [this.ta, this.tb])
      ns.routes.add({ dst: { ip: 0, length: 0 }, via: ip(ns === this.ta ? '10.1.0.1' : '10.2.0.1') });
    this.tr.sysctl.set('net.ipv4.ip_forward', '1');
    this.#serveHttp();
    this.#serveDns();
    const tools = new Map([
      ...toolset('base', 'network', 'netfilter'),
      ...[...toolset('busybox')].map(([name, tool]) => [`busybox:${name}`, tool] as const),
      ['ssh', ssh((name) => this.places.get(name))] as const,
    ]);
    for (const ns of [this.ta, this.tr, this.tb]) {
      const files = new VirtualFiles(ns, {
        '/etc/hosts': '127.0.0.1\tlocalhost\n10.2.0.2\tserver\n',
        '/etc/resolv.conf':
          'search default.svc.cluster.local svc.cluster.local cluster.local\nnameserver 10.2.0.2\noptions ndots:5\n',
      });
      this.places.set(ns.name, {
        name: ns.name,
        kind: ns.kind === 'pod' ? 'container' : 'node',
        netns: ns,
        files,
        env: {},
        tools,
        processes: new Processes(this.world),
      });
    }
    const home = this.places.get('ta');
    if (home === undefined) throw new Error('ta');
    this.terminal = new Terminal(this.world, home, { ...LIMITS, ...limits });
  }

  run(line: string): LineResult {
    return this.terminal.run(line);
  }

  /** What a line prints. */
  out(line: string): string {
    return this.run(line).output;
  }

  #address(ns: Netns, dev: string, address: string): void {
    ns.setLink(dev, { up: true });
    const device = ns.devices.get(dev);
    if (device !== undefined) ns.addAddress(device, { ip: ip(address), length: 24 });
  }

  #serveHttp(): void {
    const process = { name: 'python3', pid: 22495 };
    this.tb.sockets.listenTcp({
      ip: 0,
      port: 80,
      process,
      backlog: 5,
      onConnection: (connection) => {
        let head = '';
        connection.onData = (data) => {
          head += new TextDecoder('latin1').decode(data);
          const end = head.indexOf('\r\n\r\n');
          if (end < 0) return;
          const length = Number(/content-length: (\d+)/i.exec(head)?.[1] ?? 0);
          if (head.length < end + 4 + length) return;
          const [method = '', target = ''] = head.split(' ');
          head = '';
          const found = target === '/' || target === '/moved-here';
          const body = target === '/moved' ? '' : found ? 'hello\n' : 'no such page\n';
          const status = target === '/moved' ? '302 Found' : found ? '200 OK' : '404 Not Found';
          const extra = target === '/moved' ? 'Location: /moved-here\r\n' : '';
          connection.write(
            new TextEncoder().encode(
              `HTTP/1.1 ${status}\r\nContent-Type: text/plain\r\n${extra}Content-Length: ${body.length}\r\n\r\n${method === 'HEAD' ? '' : body}`,
            ),
          );
        };
        connection.onEnd = () => connection.close();
      },
    });
    this.tb.sockets.listenTcp({
      ip: 0,
      port: 82,
      process,
      onConnection: (connection) => {
        connection.onData = () => connection.close();
      },
    });
    this.tb.sockets.listenTcp({ ip: 0, port: 83, process, onConnection: (connection) => connection.abort() });
    this.tb.sockets.listenTcp({ ip: 0, port: 84, process, onConnection: () => undefined });
  }

  #serveDns(): void {
    const web: ResourceRecord = {
      name: 'web.default.svc.cluster.local.',
      ttl: 30,
      data: { type: 'A', address: '10.2.0.2' },
    };
    const names: Readonly<Record<string, readonly ResourceRecord[]>> = {
      'web.default.svc.cluster.local.': [web],
      'multi.default.svc.cluster.local.': ['10.244.1.2', '10.244.1.3'].map((address) => ({
        name: 'multi.default.svc.cluster.local.',
        ttl: 30,
        data: { type: 'A', address },
      })),
      '20.0.96.10.in-addr.arpa.': [
        {
          name: '20.0.96.10.in-addr.arpa.',
          ttl: 30,
          data: { type: 'PTR', target: 'web.default.svc.cluster.local.' },
        },
      ],
    };
    const soa: ResourceRecord = {
      name: 'cluster.local.',
      ttl: 30,
      data: {
        type: 'SOA',
        mname: 'ns.dns.cluster.local.',
        rname: 'hostmaster.cluster.local.',
        serial: 1700000000,
        refresh: 7200,
        retry: 1800,
        expire: 86400,
        minimum: 30,
      },
    };
    this.tb.sockets.bindUdp({
      port: 53,
      process: { name: 'coredns' },
      onDatagram: (datagram, socket) => {
        const asked = decodeMessage(datagram.data);
        const question = asked?.questions[0];
        if (asked === undefined || question === undefined) return;
        const known = names[question.name.toLowerCase()];
        const answers = (known ?? []).filter((record) => record.data.type === question.type);
        const { udpSize: _size, ...rest } = asked;
        const answer: DnsMessage = {
          ...rest,
          response: true,
          authoritative: true,
          recursionAvailable: true,
          rcode: known === undefined ? 'NXDOMAIN' : 'NOERROR',
          answers,
          authorities: answers.length === 0 ? [soa] : [],
        };
        socket.reply(datagram, encodeMessage(answer));
      },
    });
  }
}
