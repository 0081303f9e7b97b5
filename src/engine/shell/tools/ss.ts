import { formatIp, IPV6_ANY, isAny, isIpv6, maskIp, type Ip } from '../../net/address.ts';
import { serviceByPort } from '../../net/services.ts';
import type { SocketOwner } from '../../net/socket.ts';
import type { TcpState } from '../../net/tcp-connection.ts';
import { getopt, optionErrorText, type Options } from '../getopt.ts';
import { parseSocketFilter } from './ss/filter.ts';
import type { Tool, ToolContext } from '../tool.ts';

interface Row {
  readonly protocol: 'tcp' | 'udp';
  readonly state: string;
  readonly receive: number;
  readonly send: number;
  readonly local: Ip;
  readonly localPort: number;
  readonly remote: Ip;
  /** 0: any. */
  readonly remotePort: number;
  readonly process: SocketOwner | undefined;
}

const SS_STATES: Readonly<Record<TcpState, string>> = {
  SYN_SENT: 'SYN-SENT',
  SYN_RECV: 'SYN-RECV',
  ESTABLISHED: 'ESTAB',
  FIN_WAIT1: 'FIN-WAIT-1',
  FIN_WAIT2: 'FIN-WAIT-2',
  CLOSE_WAIT: 'CLOSE-WAIT',
  CLOSING: 'CLOSING',
  LAST_ACK: 'LAST-ACK',
  TIME_WAIT: 'TIME-WAIT',
  CLOSED: 'UNCONN',
};

/** Listeners first, as the kernel dumps them, then connections. */
function rows(ctx: ToolContext): Row[] {
  const { listeners, connections, udp } = ctx.netns.sockets.list();
  const any = (ip: Ip): Ip => (isIpv6(ip) ? IPV6_ANY : 0);
  return [
    ...udp.map((s): Row => ({
      protocol: 'udp',
      state: s.peer === undefined ? 'UNCONN' : 'ESTAB',
      receive: 0,
      send: 0,
      local: s.ip,
      localPort: s.port,
      remote: s.peer?.ip ?? any(s.ip),
      remotePort: s.peer?.port ?? 0,
      process: s.process,
    })),
    ...listeners.map((s): Row => ({
      protocol: 'tcp',
      state: 'LISTEN',
      receive: 0,
      send: s.backlog,
      local: s.ip,
      localPort: s.port,
      remote: any(s.ip),
      remotePort: 0,
      process: s.process,
    })),
    ...connections
      .filter((s) => s.state !== 'CLOSED')
      .map((s): Row => ({
        protocol: 'tcp',
        state: SS_STATES[s.state],
        receive: s.queues.receive,
        send: s.queues.send,
        local: s.localIp,
        localPort: s.localPort,
        remote: s.remoteIp,
        remotePort: s.remotePort,
        process: s.state === 'TIME_WAIT' ? undefined : s.process,
      })),
  ];
}

interface Column {
  readonly left: boolean;
  readonly texts: readonly string[];
}

export const ss: Tool = function* (ctx, args) {
  const parsed = getopt(args, {
    short: 'hVHnralopetuwx46imsEKOZzNbDAfF',
    long: {
      tcp: 't',
      udp: 'u',
      listening: 'l',
      all: 'a',
      numeric: 'n',
      processes: 'p',
      'no-header': 'H',
      ipv4: '4',
      ipv6: '6',
      extended: 'e',
      info: 'i',
      options: 'o',
      memory: 'm',
      summary: 's',
      resolve: 'r',
      help: 'h',
      version: 'V',
      oneline: 'O',
    },
  });
  if (!parsed.ok) {
    ctx.err(`${optionErrorText('ss', parsed.error)}\n${USAGE}`);
    return 255;
  }
  const { options } = parsed;
  if (options.has('V') || options.has('h')) {
    ctx.out(options.has('V') ? 'ss utility, iproute2-6.1.0\n' : USAGE);
    return 0;
  }
  if (options.has('s')) return summary(ctx);
  const filter = parseSocketFilter(options.rest);
  if ('error' in filter) {
    ctx.err(`${filter.error}\n${filter.error.includes('bison') ? USAGE : ''}`);
    return filter.error.startsWith('Error') ? 1 : 255;
  }
  const tcp = options.has('t');
  const udp = options.has('u');
  const both = tcp === udp;
  const shown = rows(ctx).filter((row) => {
    if (!(both || (row.protocol === 'tcp' ? tcp : udp))) return false;
    if (options.has('4') && isIpv6(row.local)) return false;
    if (options.has('6') && !isIpv6(row.local)) return false;
    if (!filter.accepts(row)) return false;
    if (filter.states !== undefined) return filter.states.has(row.state);
    const listens = row.state === 'LISTEN' || row.state === 'UNCONN';
    if (options.has('a')) return true;
    return options.has('l') ? listens : !listens && row.state !== 'TIME-WAIT' && row.state !== 'SYN-RECV';
  });
  const numeric = options.has('n');
  const port = (row: Row, n: number): string =>
    n === 0 ? '*' : ((numeric ? undefined : serviceByPort(n, row.protocol)) ?? String(n));
  const address = (ip: Ip): string =>
    isAny(ip) && !isIpv6(ip) ? '0.0.0.0' : isIpv6(ip) ? `[${formatIp(ip)}]` : formatIp(ip);
  const columns: Column[] = [];
  if (both) columns.push({ left: true, texts: ['Netid', ...shown.map((r) => r.protocol)] });
  const oneState = filter.states?.size === 1;
  if (!oneState) columns.push({ left: true, texts: ['State', ...shown.map((r) => r.state)] });
  columns.push(
    { left: true, texts: ['Recv-Q', ...shown.map((r) => String(r.receive))] },
    { left: true, texts: ['Send-Q', ...shown.map((r) => String(r.send))] },
  );
  const header = !options.has('H');
  const locals = shown.map((r) => address(r.local));
  const localPorts = shown.map((r) => port(r, r.localPort));
  const remotes = shown.map((r) => address(r.remote));
  const remotePorts = shown.map((r) => port(r, r.remotePort));
  const width = (name: string, texts: readonly string[]): number =>
    Math.max(header ? name.length : 0, ...texts.map((t) => t.length), 0);
  const localWidth = width('Local Address', locals);
  const localPortWidth = width('Port', localPorts);
  const remoteWidth = width('Peer Address', remotes);
  const remotePortWidth = width('Port', remotePorts);
  const widths = columns.map((column) =>
    Math.max(...column.texts.slice(header ? 0 : 1).map((t) => t.length), 0),
  );
  const row = (at: number): string =>
    columns.map((column, i) => (column.texts[at] ?? '').padEnd(widths[i] ?? 0)).join(' ');
  if (header)
    ctx.out(
      `${row(0)} ${'Local Address'.padStart(localWidth)}:${'Port'.padEnd(localPortWidth)} ${'Peer Address'.padStart(remoteWidth)}:${'Port'.padEnd(remotePortWidth)}Process\n`,
    );
  for (const [i, r] of shown.entries()) {
    const process =
      options.has('p') && r.process !== undefined
        ? `users:(("${r.process.name}",pid=${r.process.pid ?? 1},fd=3))`
        : '';
    ctx.out(
      `${row(i + 1)} ${(locals[i] ?? '').padStart(localWidth)}:${(localPorts[i] ?? '').padEnd(localPortWidth)} ${(remotes[i] ?? '').padStart(remoteWidth)}:${(remotePorts[i] ?? '').padEnd(remotePortWidth)}${process}\n`,
    );
  }
  return 0;
};

const USAGE =
  "Usage: ss [ OPTIONS ]\n       ss [ OPTIONS ] [ FILTER ]\n   -h, --help          this message\n   -V, --version       output version information\n   -n, --numeric       don't resolve service names\n   -a, --all           display all sockets\n   -l, --listening     display listening sockets\n   -p, --processes     show process using socket\n   -t, --tcp           display only TCP sockets\n   -u, --udp           display only UDP sockets\n";

function summary(ctx: ToolContext): number {
  const all = rows(ctx);
  const tcp = all.filter((row) => row.protocol === 'tcp');
  const waiting = tcp.filter((row) => row.state === 'TIME-WAIT').length;
  const established = tcp.filter((row) => row.state === 'ESTAB').length;
  const open = tcp.length - waiting;
  const udp = all.length - tcp.length;
  const line = (name: string, n: number): string =>
    `${name}${String(n).padEnd(10)}${String(n).padEnd(10)}0         \n`;
  ctx.out(
    `Total: ${all.length}\nTCP:   ${tcp.length} (estab ${established}, closed ${waiting}, orphaned 0, timewait ${waiting})\n\nTransport Total     IP        IPv6\n${line('RAW	  ', 0)}${line('UDP	  ', udp)}${line('TCP	  ', open)}${line('INET	  ', open + udp)}${line('FRAG	  ', 0)}\n`,
  );
  return 0;
}

/** net-tools' netstat: -t, -u, -l, -a, -n, -p and -r. */
export const netstat: Tool = function* (ctx, args) {
  const parsed = getopt(args, {
    short: 'tulanprWieoc46',
    long: {
      tcp: 't',
      udp: 'u',
      listening: 'l',
      all: 'a',
      numeric: 'n',
      programs: 'p',
      program: 'p',
      route: 'r',
      wide: 'W',
    },
  });
  if (!parsed.ok) {
    ctx.err(
      `${optionErrorText('netstat', parsed.error)}\nusage: netstat [-vWeenNcCF] [<Af>] -r         netstat {-V|--version|-h|--help}\n`,
    );
    return 4;
  }
  const { options } = parsed;
  if (options.has('r')) return routes(ctx);
  const kind = options.has('l')
    ? 'only servers'
    : options.has('a')
      ? 'servers and established'
      : 'w/o servers';
  const program = options.has('p');
  ctx.out(
    `Active Internet connections (${kind})\nProto Recv-Q Send-Q Local Address           Foreign Address         State      ${program ? ' PID/Program name    ' : ''}\n`,
  );
  const both = options.has('t') === options.has('u');
  for (const row of rows(ctx).sort((a, b) =>
    a.protocol === b.protocol ? 0 : a.protocol === 'tcp' ? -1 : 1,
  )) {
    if (!(both || (row.protocol === 'tcp' ? options.has('t') : options.has('u')))) continue;
    const listens = row.state === 'LISTEN' || row.state === 'UNCONN';
    if (!options.has('a') && listens !== options.has('l')) continue;
    ctx.out(netstatLine(row, options));
  }
  return 0;
};

function netstatLine(row: Row, options: Options): string {
  const port = (n: number): string =>
    n === 0 ? '*' : ((options.has('n') ? undefined : serviceByPort(n, row.protocol)) ?? String(n));
  const end = (ip: Ip, n: number): string =>
    `${isAny(ip) ? (isIpv6(ip) ? '::' : '0.0.0.0') : formatIp(ip)}:${port(n)}`;
  const names: Readonly<Record<string, string>> = {
    ESTAB: 'ESTABLISHED',
    'SYN-SENT': 'SYN_SENT',
    'SYN-RECV': 'SYN_RECV',
    'FIN-WAIT-1': 'FIN_WAIT1',
    'FIN-WAIT-2': 'FIN_WAIT2',
    'CLOSE-WAIT': 'CLOSE_WAIT',
    'LAST-ACK': 'LAST_ACK',
    'TIME-WAIT': 'TIME_WAIT',
    UNCONN: '',
  };
  const state = names[row.state] ?? row.state;
  const protocol = isIpv6(row.local) ? `${row.protocol}6` : row.protocol;
  const queue = row.state === 'LISTEN' ? 0 : row.send;
  const program = !options.has('p')
    ? ''
    : ` ${(row.process === undefined ? '-' : `${row.process.pid ?? 1}/${row.process.name}`).padEnd(19)} `;
  return `${protocol.padEnd(5)} ${String(row.receive).padStart(6)} ${String(queue).padStart(6)} ${end(row.local, row.localPort).padEnd(23)} ${end(row.remote, row.remotePort).padEnd(23)} ${state.padEnd(11)}${program}\n`;
}

/** `netstat -rn` and `route -n` share the kernel's table. */
function routes(ctx: ToolContext): number {
  ctx.out(
    'Kernel IP routing table\nDestination     Gateway         Genmask         Flags   MSS Window  irtt Iface\n',
  );
  for (const route of ctx.netns.routes.list()) {
    const host = route.dst.length === 32;
    const flags = `${route.type === 'unicast' ? 'U' : '!'}${route.via === undefined ? '' : 'G'}${host ? 'H' : ''}`;
    const mask = formatIp(maskIp(0xffffffff, route.dst.length));
    ctx.out(
      `${formatIp(route.dst.ip).padEnd(15)} ${(route.via === undefined ? (route.type === 'unicast' ? '0.0.0.0' : '-') : formatIp(route.via)).padEnd(15)} ${mask.padEnd(15)} ${flags.padEnd(8)}  0 0          0 ${route.dev?.name ?? '*'}\n`,
    );
  }
  return 0;
}
