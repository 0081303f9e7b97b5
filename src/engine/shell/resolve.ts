import { decodeMessage, encodeMessage, query, type DnsMessage, type Question } from '../dns/message.ts';
import { reverseName } from '../dns/reverse.ts';
import { formatIp, isAny, isIpv6, parseIp, type Ip } from '../net/address.ts';
import type { Netns } from '../net/netns.ts';
import type { Task } from '../net/task.ts';
import { tcpConnect } from '../net/tcp-client.ts';
import type { SocketOwner } from '../net/socket.ts';
import type { PmtuDiscover } from '../net/udp-socket.ts';
import { inOrder } from './address-order.ts';
import type { Files, ToolContext } from './tool.ts';

/** resolv.conf(5), as far as it changes where and what is asked. */
export interface ResolvConf {
  readonly nameservers: readonly Ip[];
  readonly search: readonly string[];
  readonly ndots: number;
  readonly timeout: number;
  readonly attempts: number;
}

export function resolvConf(files: Files): ResolvConf {
  const file = files.read('/etc/resolv.conf');
  const nameservers: Ip[] = [];
  let search: readonly string[] = [];
  const options = { ndots: 1, timeout: 5, attempts: 2 };
  for (const line of (file.ok ? file.value : '').split('\n')) {
    const [keyword, ...values] = line.trim().split(/\s+/);
    if (keyword === 'nameserver') {
      const ip = parseIp(values[0] ?? '');
      if (ip !== undefined && nameservers.length < 3) nameservers.push(ip);
    } else if (keyword === 'search' || keyword === 'domain') search = values.slice(0, 32);
    else if (keyword === 'options')
      for (const option of values) {
        const found = /^(ndots|timeout|attempts):(\d{1,3})$/.exec(option);
        const name = found?.[1];
        if (name === 'ndots' || name === 'timeout' || name === 'attempts') options[name] = Number(found?.[2]);
      }
  }
  if (nameservers.length === 0) nameservers.push(0x7f000001);
  return {
    nameservers,
    search,
    ndots: Math.min(options.ndots, 15),
    timeout: Math.max(1, Math.min(options.timeout, 30)),
    attempts: Math.max(1, Math.min(options.attempts, 5)),
  };
}

export type Exchange =
  | {
      readonly kind: 'answer';
      readonly message: DnsMessage;
      readonly size: number;
      readonly server: Ip;
      readonly time: number;
    }
  | { readonly kind: 'timeout' | 'refused' | 'unreachable'; readonly server: Ip };

/** Questions to one server over UDP, from one socket and at once, as getaddrinfo asks for A and AAAA. One exchange for each. */
export function* askTogether(
  ctx: { readonly netns: Netns; readonly process?: SocketOwner },
  server: Ip,
  questions: readonly Question[],
  options: AskOptions,
): Task<Exchange[]> {
  const { netns } = ctx;
  const { world } = netns;
  const fail = (kind: 'timeout' | 'refused' | 'unreachable'): Exchange => ({ kind, server });
  const exchanges: (Exchange | undefined)[] = questions.map(() => undefined);
  const all = (kind: 'timeout' | 'refused' | 'unreachable'): Exchange[] =>
    exchanges.map((exchange) => exchange ?? fail(kind));
  const dport = options.port ?? 53;
  const socket = netns.sockets.addUdp({
    dst: server,
    dport,
    ...options.from,
    ...(options.pmtu === undefined ? {} : { pmtu: options.pmtu }),
    ...(ctx.process === undefined ? {} : { process: ctx.process }),
  });
  if (typeof socket === 'string') return all('unreachable');
  try {
    const ids = questions.map(() => world.random.below(65536));
    const began = world.now;
    for (const [i, question] of questions.entries()) {
      const message = {
        ...query(ids[i] ?? 0, question.name, question.type),
        ...(options.udpSize === undefined ? {} : { udpSize: options.udpSize }),
      };
      if (socket.send(encodeMessage(message)) !== undefined) return all('unreachable');
    }
    while (exchanges.includes(undefined)) {
      const left = began + options.timeout * 1e6 - world.now;
      const event = left > 0 ? yield* socket.recv(left) : ({ kind: 'timeout' } as const);
      if (event.kind === 'timeout') return all('timeout');
      if (event.kind === 'error') return all(event.errno === 'ECONNREFUSED' ? 'refused' : 'unreachable');
      const message = decodeMessage(event.data);
      const at =
        message?.response === true
          ? ids.findIndex((id, i) => id === message.id && exchanges[i] === undefined)
          : -1;
      if (message !== undefined && at >= 0)
        exchanges[at] = { kind: 'answer', message, size: event.data.length, server, time: world.now - began };
    }
    return all('timeout');
  } finally {
    socket.close();
  }
}

export interface AskOptions {
  /** Seconds. */
  readonly timeout: number;
  readonly port?: number;
  readonly udpSize?: number;
  /** What the socket is bound to; port 0 is any. */
  readonly from?: { readonly ip: Ip; readonly port: number };
  /** BIND's tools send without DF (lib/isc, isc__netmgr_dontfrag). */
  readonly pmtu?: PmtuDiscover;
}

/** A question over TCP, each message behind its length (RFC 1035, 4.2.2). */
export function* askOverTcp(
  ctx: { readonly netns: Netns; readonly process?: SocketOwner },
  server: Ip,
  question: Question,
  options: AskOptions,
): Task<Exchange> {
  const { world } = ctx.netns;
  const began = world.now;
  const deadline = began + options.timeout * 1e6;
  const { from } = options;
  const connected = yield* tcpConnect(ctx.netns, {
    dst: server,
    dport: options.port ?? 53,
    timeout: options.timeout * 1e6,
    ...(ctx.process === undefined ? {} : { process: ctx.process }),
    ...(from === undefined || isAny(from.ip) ? {} : { src: from.ip }),
    ...(from === undefined || from.port === 0 ? {} : { sport: from.port }),
  });
  if (connected.kind !== 'connected') {
    if (connected.kind === 'timeout') return { kind: 'timeout', server };
    return { kind: connected.errno === 'ECONNREFUSED' ? 'refused' : 'unreachable', server };
  }
  const { socket } = connected;
  try {
    const id = world.random.below(65536);
    const message = encodeMessage({
      ...query(id, question.name, question.type),
      ...(options.udpSize === undefined ? {} : { udpSize: options.udpSize }),
    });
    socket.write(Uint8Array.of(message.length >> 8, message.length & 255, ...message));
    const bytes: number[] = [];
    for (;;) {
      const read = yield* socket.read(Math.max(0, deadline - world.now));
      if (read.kind === 'timeout') return { kind: 'timeout', server };
      if (read.kind !== 'data') return { kind: 'unreachable', server };
      bytes.push(...read.data);
      const length = ((bytes[0] ?? 0) << 8) | (bytes[1] ?? 0);
      if (bytes.length < 2 || bytes.length < length + 2) continue;
      const answer = decodeMessage(Uint8Array.from(bytes.slice(2, length + 2)));
      if (answer?.response !== true || answer.id !== id) return { kind: 'unreachable', server };
      return { kind: 'answer', message: answer, size: length, server, time: world.now - began };
    }
  } finally {
    socket.close();
  }
}

/** One question to one server, asked again until there is an answer. */
export function* ask(
  ctx: { readonly netns: Netns; readonly process?: SocketOwner },
  server: Ip,
  question: Question,
  options: AskOptions & { readonly attempts: number },
): Task<Exchange> {
  let last: Exchange = { kind: 'timeout', server };
  for (let attempt = 0; attempt < options.attempts && last.kind === 'timeout'; attempt++) {
    const [exchange] = yield* askTogether(ctx, server, [question], options);
    if (exchange !== undefined) last = exchange;
  }
  return last;
}

/** The names to try, in order: the search list first when the name has fewer dots than `ndots`. */
export function candidates(name: string, conf: ResolvConf): string[] {
  if (name.endsWith('.')) return [name];
  const dots = name.split('.').length - 1;
  const searched = conf.search.map(
    (domain) => `${name}.${domain === '.' ? '' : `${domain.replace(/\.$/, '')}.`}`,
  );
  return dots >= conf.ndots ? [`${name}.`, ...searched] : [...searched, `${name}.`];
}

export type Resolution =
  | { readonly kind: 'found'; readonly ips: readonly Ip[]; readonly canonical: string }
  /** `not-found`: every answer was no. `again`: no server gave an answer. */
  | { readonly kind: 'not-found' | 'again' };

/** getaddrinfo(3): an address as it stands, /etc/hosts, then DNS through the container's resolv.conf. */
export function* resolveHost(
  ctx: Pick<ToolContext, 'netns' | 'files'> & { readonly name?: string },
  name: string,
  family?: 4 | 6,
): Task<Resolution> {
  const literal = parseIp(name.replace(/^\[(.*)\]$/, '$1'));
  if (literal !== undefined) return { kind: 'found', ips: [literal], canonical: name };
  if (
    !/^[A-Za-z0-9_]([A-Za-z0-9_-]*[A-Za-z0-9_])?(\.[A-Za-z0-9_]([A-Za-z0-9_-]*[A-Za-z0-9_])?)*\.?$/.test(
      name,
    ) ||
    name.length > 253
  )
    return { kind: 'not-found' };
  const fits = (ip: Ip): boolean => family === undefined || isIpv6(ip) === (family === 6);
  const local = hostsFile(ctx.files, name).filter(fits);
  if (local.length > 0) return { kind: 'found', ips: inOrder(ctx.netns, local), canonical: name };
  const conf = resolvConf(ctx.files);
  const process = { name: ctx.name ?? 'resolver' };
  const types: readonly ('A' | 'AAAA')[] = family === 4 ? ['A'] : family === 6 ? ['AAAA'] : ['A', 'AAAA'];
  let again = false;
  for (const candidate of candidates(name, conf)) {
    const ips: Ip[] = [];
    let canonical = candidate;
    let answered = false;
    for (const exchange of yield* askServers(
      { netns: ctx.netns, process },
      conf,
      types.map((type) => ({ name: candidate, type })),
    )) {
      if (!settles(exchange)) {
        again = true;
        continue;
      }
      answered = true;
      for (const record of exchange.message.answers) {
        if (record.data.type !== 'A' && record.data.type !== 'AAAA') continue;
        const ip = parseIp(record.data.address);
        if (ip !== undefined && usable(ctx.netns, ip)) ips.push(ip);
        canonical = record.name;
      }
    }
    if (ips.length > 0)
      return { kind: 'found', ips: inOrder(ctx.netns, ips), canonical: canonical.replace(/\.$/, '') };
    if (!answered) return { kind: 'again' };
  }
  return { kind: again ? 'again' : 'not-found' };
}

function settles(exchange: Exchange): exchange is Extract<Exchange, { kind: 'answer' }> {
  return (
    exchange.kind === 'answer' &&
    exchange.message.rcode !== 'SERVFAIL' &&
    exchange.message.rcode !== 'REFUSED'
  );
}

/** Each server in turn, and the round again, until one answers everything. */
export function* askServers(
  ctx: { readonly netns: Netns; readonly process?: SocketOwner },
  conf: ResolvConf,
  questions: readonly Question[],
): Task<Exchange[]> {
  let last: Exchange[] = [];
  for (let attempt = 0; attempt < conf.attempts; attempt++) {
    for (const server of conf.nameservers) {
      last = yield* askTogether(ctx, server, questions, { timeout: conf.timeout });
      if (last.every(settles)) return last;
    }
    if (last.every((exchange) => exchange.kind === 'answer')) return last;
  }
  return last;
}

/** An IPv6 address counts only where there is a way for one (RFC 6724 puts it last otherwise). */
function usable(netns: Netns, ip: Ip): boolean {
  return !isIpv6(ip) || netns.routes.lookup({ dst: ip }).kind !== 'none';
}

/** getnameinfo(3): /etc/hosts, then DNS; an address without a name is its own. */
export function* resolveAddress(ctx: Pick<ToolContext, 'netns' | 'files' | 'name'>, ip: Ip): Task<string> {
  const address = formatIp(ip);
  const local = hosts(ctx.files).find((entry) => entry.ip === ip)?.names[0];
  const name = reverseName(address);
  if (local !== undefined || name === undefined) return local ?? address;
  const asker = { netns: ctx.netns, process: { name: ctx.name } };
  const [exchange] = yield* askServers(asker, resolvConf(ctx.files), [{ name, type: 'PTR' }]);
  if (exchange?.kind !== 'answer') return address;
  for (const { data } of exchange.message.answers)
    if (data.type === 'PTR') return data.target.replace(/\.$/, '');
  return address;
}

function hostsFile(files: Files, name: string): Ip[] {
  const wanted = name.replace(/\.$/, '');
  return hosts(files)
    .filter(({ names }) => names.includes(wanted))
    .map(({ ip }) => ip);
}

function hosts(files: Files): { readonly ip: Ip; readonly names: readonly string[] }[] {
  const file = files.read('/etc/hosts');
  return (file.ok ? file.value : '').split('\n').flatMap((line) => {
    const [address = '', ...names] = line.replace(/#.*/, '').trim().split(/\s+/);
    const ip = parseIp(address);
    return ip === undefined ? [] : [{ ip, names }];
  });
}
