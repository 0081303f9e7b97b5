import { absolute, isRecordType, type Question, type ResourceRecord } from '../../dns/message.ts';
import { formatIp, parseIp, type Ip } from '../../net/address.ts';
import {
  askOverTcp,
  askTogether,
  type AskOptions,
  candidates,
  resolvConf,
  resolveHost,
  type Exchange,
} from '../resolve.ts';
import type { Tool, ToolContext } from '../tool.ts';
import { reverseName } from '../../dns/reverse.ts';
import { pad, rdataText, recordLine } from './dns/text.ts';
import { calendar, two } from './system.ts';

const BANNER = 'DiG 9.18.49';
const WEEKDAYS = ['Sun', 'Mon', 'Tue', 'Wed', 'Thu', 'Fri', 'Sat'];
const MONTHS = ['Jan', 'Feb', 'Mar', 'Apr', 'May', 'Jun', 'Jul', 'Aug', 'Sep', 'Oct', 'Nov', 'Dec'];

interface Query {
  readonly name: string;
  readonly type: Question['type'];
}

export const dig: Tool = function* (ctx, args) {
  let server: string | undefined;
  let port = 53;
  let name: string | undefined;
  let type: Question['type'] | undefined;
  let reverse: string | undefined;
  let from: { readonly ip: Ip; readonly port: number } | undefined;
  const asker = { netns: ctx.netns, process: { name: 'dig' } };
  let transport: 'UDP' | 'TCP' = 'UDP';
  let ignore = false;
  let timeout = 5;
  let tries = 3;
  const show = {
    short: false,
    search: false,
    cmd: true,
    comments: true,
    question: true,
    answer: true,
    authority: true,
    additional: true,
    stats: true,
    edns: true,
  };
  for (let i = 0; i < args.length; i++) {
    const arg = args[i] ?? '';
    if (arg.startsWith('@')) server = arg.slice(1);
    else if (arg === '-x') {
      const address = args[++i] ?? '';
      reverse = reverseName(address);
      if (reverse === undefined) reverse = `${address}.`;
    } else if (arg === '-b') {
      const [address = '', source = '0'] = (args[++i] ?? '').split('#');
      const ip = parseIp(address);
      if (ip === undefined) {
        ctx.err(`dig: invalid address ${address}\n`);
        return 1;
      }
      from = { ip, port: Number(source) || 0 };
    } else if (arg === '-p') port = Number(args[++i]) || 53;
    else if (arg === '-t') type = typeOf(args[++i] ?? '') ?? type;
    else if (arg === '-4' || arg === '-6' || arg === '-u') continue;
    else if (arg === '-h' || arg === '-v') {
      ctx.out(`${BANNER}\n`);
      return 0;
    } else if (arg.startsWith('+')) {
      const [flag = '', value] = arg.slice(1).split('=');
      const off = flag.startsWith('no');
      const option = off ? flag.slice(2) : flag;
      if (option === 'time' || option === 'timeout') timeout = Math.max(1, Number(value) || 5);
      else if (option === 'tries') tries = Math.max(1, Number(value) || 3);
      else if (option === 'retry') tries = Math.max(1, (Number(value) || 2) + 1);
      else if (option === 'all')
        for (const key of [
          'comments',
          'question',
          'answer',
          'authority',
          'additional',
          'stats',
          'cmd',
        ] as const)
          show[key] = !off;
      else if (option === 'tcp' || option === 'vc') transport = off ? 'UDP' : 'TCP';
      else if (option === 'ignore') ignore = !off;
      else if (option === 'trace' && !off) {
        ctx.err('podwalk: dig +trace needs the root servers, which are not simulated\n');
        return 1;
      } else if (option in show) Object.assign(show, { [option]: !off });
      else if (
        !/^(recurse|rec|dnssec|cookie|ttlid|crypto|multiline|split|adflag|cdflag|ndots|domain|showsearch|fail|besteffort|aaonly|defname|nssearch|identify|bufsize|subnet|expire|nsid|keepopen|mapped|sit|unknownformat|yaml|ttlunits|rrcomments|onesoa|badcookie)$/.test(
          option,
        )
      ) {
        ctx.err(
          `Invalid option: ${arg}\n\nUsage:  dig [@global-server] [domain] [q-type] [q-class] {q-opt}\n            {global-d-opt} host [@local-server] {local-d-opt}\n            [ host [@local-server] {local-d-opt} [...]]\n\nUse "dig -h" (or "dig -h | more") for complete list of options\n`,
        );
        return 1;
      }
    } else if (arg.startsWith('-')) {
      ctx.err(`Invalid option: ${arg}\n`);
      return 1;
    } else if (type === undefined && name !== undefined && typeOf(arg) !== undefined) type = typeOf(arg);
    else if (arg.toUpperCase() === 'IN') continue;
    else if (name === undefined && typeOf(arg) !== undefined && args.length > 1 && !arg.includes('.'))
      type = typeOf(arg);
    else name = arg;
  }
  const conf = resolvConf(ctx.files);
  let servers: readonly Ip[] = conf.nameservers;
  if (server !== undefined) {
    const found = yield* resolveHost({ ...ctx, name: 'dig' }, server);
    if (found.kind !== 'found') {
      ctx.err(
        `dig: couldn't get address for '${server}': ${found.kind === 'again' ? 'failure' : 'not found'}\n`,
      );
      return 10;
    }
    servers = found.ips.slice(0, 1);
  }
  const query: Query =
    reverse !== undefined
      ? { name: reverse, type: type ?? 'PTR' }
      : { name: name ?? '.', type: type ?? (name === undefined ? 'NS' : 'A') };
  const names = show.search && reverse === undefined ? candidates(query.name, conf) : [absolute(query.name)];
  const banner = (): void => {
    if (!show.cmd || show.short) return;
    ctx.out(
      `\n; <<>> ${BANNER} <<>> ${args.join(' ')}\n${server === undefined ? '' : '; (1 server found)\n'};; global options: +cmd\n`,
    );
  };
  let result: Extract<Exchange, { kind: 'answer' }> | undefined;
  let asked = names[0] ?? '.';
  search: for (const candidate of names) {
    asked = candidate;
    for (let attempt = 0; attempt < tries; attempt++) {
      for (const target of servers) {
        const question = { name: candidate, type: query.type };
        const options: AskOptions = {
          timeout,
          port,
          pmtu: 'dont',
          ...(show.edns ? { udpSize: 1232 } : {}),
          ...(from === undefined ? {} : { from }),
        };
        let exchange =
          transport === 'TCP'
            ? yield* askOverTcp(asker, target, question, options)
            : (yield* askTogether(asker, target, [question], options))[0];
        if (exchange?.kind === 'answer' && exchange.message.truncated && transport === 'UDP' && !ignore) {
          ctx.out(';; Truncated, retrying in TCP mode.\n');
          transport = 'TCP';
          exchange = yield* askOverTcp(asker, target, question, options);
        }
        if (exchange?.kind === 'answer') {
          result = exchange;
          if (exchange.message.rcode === 'NOERROR' && exchange.message.answers.length > 0) break search;
          continue search;
        }
        const why =
          exchange?.kind === 'refused'
            ? 'connection refused'
            : exchange?.kind === 'unreachable'
              ? 'network unreachable'
              : 'timed out';
        ctx.out(`;; communications error to ${formatIp(target)}#${port}: ${why}\n`);
      }
    }
    break;
  }
  if (result === undefined) {
    banner();
    ctx.out(';; no servers could be reached\n');
    return 9;
  }
  const { message } = result;
  if (show.short) {
    for (const record of message.answers) ctx.out(`${rdataText(record.data)}\n`);
    return 0;
  }
  banner();
  const opt = message.udpSize === undefined ? 0 : 1;
  if (show.comments) {
    ctx.out(';; Got answer:\n');
    if (/\.local\.$/.test(asked))
      ctx.out(
        ';; WARNING: .local is reserved for Multicast DNS\n;; You are currently testing what happens when an mDNS query is leaked to DNS\n',
      );
    const flags = [
      'qr',
      ...(message.authoritative ? ['aa'] : []),
      ...(message.truncated ? ['tc'] : []),
      ...(message.recursionDesired ? ['rd'] : []),
      ...(message.recursionAvailable ? ['ra'] : []),
    ];
    ctx.out(
      `;; ->>HEADER<<- opcode: QUERY, status: ${message.rcode}, id: ${message.id}\n;; flags: ${flags.join(' ')}; QUERY: ${message.questions.length}, ANSWER: ${message.answers.length}, AUTHORITY: ${message.authorities.length}, ADDITIONAL: ${message.additionals.length + opt}\n`,
    );
    if (message.recursionDesired && !message.recursionAvailable)
      ctx.out(';; WARNING: recursion requested but not available\n');
    ctx.out('\n');
    if (message.udpSize !== undefined)
      ctx.out(`;; OPT PSEUDOSECTION:\n; EDNS: version: 0, flags:; udp: ${message.udpSize}\n`);
  }
  if (show.question) {
    if (show.comments) ctx.out(';; QUESTION SECTION:\n');
    for (const question of message.questions)
      ctx.out(`${pad(`${pad(`;${question.name}`, 32)}IN`, 40)}${question.type}\n`);
    ctx.out('\n');
  }
  const section = (title: string, records: readonly ResourceRecord[], wanted: boolean): void => {
    if (!wanted || records.length === 0) return;
    if (show.comments) ctx.out(`;; ${title} SECTION:\n`);
    for (const record of records) ctx.out(`${recordLine(record)}\n`);
    if (show.comments) ctx.out('\n');
  };
  section('ANSWER', message.answers, show.answer);
  section('AUTHORITY', message.authorities, show.authority);
  section('ADDITIONAL', message.additionals, show.additional);
  if (show.stats) stats(ctx, result, port, transport);
  return 0;
};

function typeOf(text: string): Question['type'] | undefined {
  const upper = text.toUpperCase();
  if (isRecordType(upper)) return upper;
  const number = /^TYPE(\d{1,5})$/.exec(upper)?.[1];
  return number === undefined ? undefined : `TYPE${Number(number)}`;
}

function stats(
  ctx: ToolContext,
  { server, time, size }: Extract<Exchange, { kind: 'answer' }>,
  port: number,
  transport: 'UDP' | 'TCP',
): void {
  const t = calendar(ctx.world.now);
  const when = `${WEEKDAYS[t.weekday] ?? ''} ${MONTHS[t.month - 1] ?? ''} ${two(t.day)} ${two(t.hour)}:${two(t.minute)}:${two(t.second)} UTC ${t.year}`;
  ctx.out(
    `;; Query time: ${Math.round(time / 1000)} msec\n;; SERVER: ${formatIp(server)}#${port}(${formatIp(server)}) (${transport})\n;; WHEN: ${when}\n;; MSG SIZE  rcvd: ${size}\n\n`,
  );
}

/** BIND's `host`. */
export const host: Tool = function* (ctx, args) {
  const words: string[] = [];
  let type: Question['type'] | undefined;
  for (let i = 0; i < args.length; i++) {
    const arg = args[i] ?? '';
    if (arg === '-t') type = typeOf(args[++i] ?? '');
    else if (!arg.startsWith('-')) words.push(arg);
  }
  const [name, server] = words;
  if (name === undefined) {
    ctx.err(
      'Usage: host [-aCdilrTvVw] [-c class] [-N ndots] [-t type] [-W time]\n            [-R number] [-m flag] [-p port] hostname [server]\n',
    );
    return 1;
  }
  const conf = resolvConf(ctx.files);
  const servers = server === undefined ? conf.nameservers : [parseIp(server) ?? 0];
  const reverse = type === undefined ? reverseName(name) : undefined;
  const types: readonly Question['type'][] =
    reverse !== undefined ? ['PTR'] : type === undefined ? ['A', 'AAAA', 'MX'] : [type];
  let names = reverse !== undefined ? [reverse] : candidates(name, conf);
  for (const wanted of types) {
    for (const candidate of names) {
      let exchange: Exchange | undefined;
      for (const target of servers) {
        [exchange] = yield* askTogether(
          { netns: ctx.netns, process: { name: 'host' } },
          target,
          [{ name: candidate, type: wanted }],
          { timeout: 5, pmtu: 'dont' },
        );
        if (exchange?.kind === 'answer') break;
        ctx.out(
          `;; communications error to ${formatIp(target)}#53: ${exchange?.kind === 'refused' ? 'connection refused' : 'timed out'}\n`,
        );
      }
      if (exchange?.kind !== 'answer') {
        ctx.out(';; no servers could be reached\n');
        return 1;
      }
      const { message } = exchange;
      if (message.rcode !== 'NOERROR') {
        if (candidate !== names.at(-1)) continue;
        ctx.out(
          `Host ${(reverse ?? name).replace(/\.$/, '')} not found: ${message.rcode === 'NXDOMAIN' ? '3(NXDOMAIN)' : `2(${message.rcode})`}\n`,
        );
        return 1;
      }
      names = [candidate];
      for (const { name: owner, data } of message.answers) {
        const left = owner.replace(/\.$/, '');
        if (data.type === 'A') ctx.out(`${left} has address ${data.address}\n`);
        else if (data.type === 'AAAA') ctx.out(`${left} has IPv6 address ${data.address}\n`);
        else if (data.type === 'CNAME') {
          if (wanted === types[0]) ctx.out(`${left} is an alias for ${data.target}\n`);
        } else if (data.type === 'PTR') ctx.out(`${left} domain name pointer ${data.target}\n`);
        else if (data.type === 'SRV') ctx.out(`${left} has SRV record ${rdataText(data)}\n`);
        else ctx.out(`${left} has ${data.type} record ${rdataText(data)}\n`);
      }
      break;
    }
  }
  return 0;
};

/** `getent hosts|ahosts NAME` */
export const getent: Tool = function* (ctx, args) {
  const [database, ...keys] = args;
  if (database === undefined) {
    ctx.err(
      "getent: wrong number of arguments\nTry `getent --help' or `getent --usage' for more information.\n",
    );
    return 1;
  }
  if (database !== 'hosts' && database !== 'ahosts' && database !== 'ahostsv4') {
    ctx.err(
      `Unknown database: ${database}\nTry \`getent --help' or \`getent --usage' for more information.\n`,
    );
    return 1;
  }
  let status = 0;
  for (const key of keys) {
    const found = yield* resolveHost(
      { ...ctx, name: 'getent' },
      key,
      database === 'ahostsv4' ? 4 : undefined,
    );
    if (found.kind !== 'found') {
      status = 2;
      continue;
    }
    if (database === 'hosts') ctx.out(`${formatIp(found.ips[0] ?? 0).padEnd(15)} ${found.canonical}\n`);
    else
      for (const ip of found.ips)
        ctx.out(
          `${formatIp(ip).padEnd(15)} STREAM ${found.canonical}\n${formatIp(ip).padEnd(15)} DGRAM  \n${formatIp(ip).padEnd(15)} RAW    \n`,
        );
  }
  return status;
};
