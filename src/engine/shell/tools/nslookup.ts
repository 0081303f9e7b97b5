import {
  absolute,
  isRecordType,
  type DnsMessage,
  type RecordType,
  type ResourceRecord,
} from '../../dns/message.ts';
import { formatIp, type Ip } from '../../net/address.ts';
import type { Task } from '../../net/task.ts';
import type { ask } from '../resolve.ts';
import {
  askTogether,
  candidates,
  resolvConf,
  resolveHost,
  type Exchange,
  type ResolvConf,
} from '../resolve.ts';
import type { Tool, ToolContext } from '../tool.ts';
import { reverseName } from '../../dns/reverse.ts';
import { rdataText } from './dns/text.ts';

interface Arguments {
  readonly name: string;
  readonly server: string | undefined;
  readonly type: RecordType | undefined;
  readonly port: number;
  readonly timeout: number | undefined;
}

function parse(ctx: ToolContext, args: readonly string[]): Arguments | undefined {
  const words: string[] = [];
  let type: RecordType | undefined;
  let port = 53;
  let timeout: number | undefined;
  for (const arg of args) {
    const option = /^-(?:query|querytype|type|q)=(\w+)$/i.exec(arg)?.[1]?.toUpperCase();
    const other = /^-(port|timeout|retry)=(\d+)$/.exec(arg);
    if (option !== undefined) {
      if (!isRecordType(option)) {
        ctx.err(`unknown query type: ${option}\n`);
        return undefined;
      }
      type = option;
    } else if (other !== null) {
      if (other[1] === 'port') port = Number(other[2]);
      if (other[1] === 'timeout') timeout = Number(other[2]);
    } else if (arg.startsWith('-') && arg !== '-') {
      if (!/^-(debug|nodebug|d2|recurse|norecurse|vc|novc|search|nosearch)/.test(arg)) {
        ctx.err(`*** Invalid option: ${arg.slice(1)}\n`);
      }
    } else words.push(arg);
  }
  const [name, server] = words;
  return name === undefined ? undefined : { name, server, type, port, timeout };
}

function* serverOf(
  ctx: ToolContext,
  conf: ResolvConf,
  given: string | undefined,
): Task<readonly Ip[] | undefined> {
  if (given === undefined) return conf.nameservers;
  const found = yield* resolveHost({ ...ctx, name: 'nslookup' }, given);
  return found.kind === 'found' ? found.ips.slice(0, 1) : undefined;
}

/** BIND's nslookup. */
export const nslookup: Tool = function* (ctx, args) {
  const given = parse(ctx, args);
  if (given === undefined) {
    ctx.err('nslookup: interactive mode is not supported here\n');
    return 1;
  }
  const conf = resolvConf(ctx.files);
  const servers = yield* serverOf(ctx, conf, given.server);
  if (servers === undefined) {
    ctx.err(`nslookup: couldn't get address for '${given.server ?? ''}': not found\n`);
    return 1;
  }
  const from = { netns: ctx.netns, process: { name: 'nslookup' } };
  const reverse = given.type === undefined || given.type === 'PTR' ? reverseName(given.name) : undefined;
  const type = reverse !== undefined ? 'PTR' : (given.type ?? 'A');
  const names = reverse !== undefined ? [reverse] : candidates(given.name, conf);
  let headed = false;
  const head = (server: Ip): void => {
    if (headed || reverse !== undefined) return;
    headed = true;
    ctx.out(`Server:\t\t${formatIp(server)}\nAddress:\t${formatIp(server)}#${given.port}\n\n`);
  };
  let last: Extract<Exchange, { kind: 'answer' }> | undefined;
  let asked = names[0] ?? '';
  for (const name of names) {
    const exchange = yield* askAny(ctx, from, servers, { name, type }, given);
    if (exchange === undefined) {
      ctx.out(';; no servers could be reached\n\n');
      return 1;
    }
    if (exchange.message.rcode === 'SERVFAIL')
      ctx.out(`;; Got SERVFAIL reply from ${formatIp(exchange.server)}\n`);
    last = exchange;
    asked = name;
    if (exchange.message.rcode !== 'NXDOMAIN') break;
  }
  if (last === undefined) return 1;
  head(last.server);
  const { message } = last;
  const shown = given.name.replace(/\.$/, '');
  if (message.rcode !== 'NOERROR') {
    ctx.out(
      `** server can't find ${reverse === undefined ? shown : reverse.replace(/\.$/, '')}: ${message.rcode}\n\n`,
    );
    return 1;
  }
  for (const record of message.answers) ctx.out(line(record, '.'));
  if (message.answers.length === 0 && given.type !== undefined)
    ctx.out(`*** Can't find ${shown}: No answer\n`);
  let found = message.answers.length > 0;
  if (given.type === undefined && reverse === undefined) {
    // Then for IPv6, under the name that the first answer led to.
    const second = yield* askAny(
      ctx,
      from,
      servers,
      { name: message.answers.at(-1)?.name ?? asked, type: 'AAAA' },
      given,
    );
    if (second !== undefined && second.message.rcode === 'NOERROR')
      for (const record of second.message.answers)
        if (record.data.type === 'AAAA') ctx.out(line(record, '.'));
    found ||= (second?.message.answers.length ?? 0) > 0;
    if (!found) ctx.out(`*** Can't find ${shown}: No answer\n`);
  }
  ctx.out('\n');
  return found ? 0 : 1;
};

function* askAny(
  ctx: ToolContext,
  from: Parameters<typeof ask>[0],
  servers: readonly Ip[],
  question: { readonly name: string; readonly type: RecordType },
  given: Arguments,
): Task<Extract<Exchange, { kind: 'answer' }> | undefined> {
  for (let attempt = 0; attempt < 3; attempt++) {
    for (const server of servers) {
      const [exchange] = yield* askTogether(from, server, [question], {
        timeout: given.timeout ?? 5,
        port: given.port,
        pmtu: 'dont',
      });
      if (exchange?.kind === 'answer') return exchange;
      const why =
        exchange?.kind === 'refused'
          ? 'connection refused'
          : exchange?.kind === 'unreachable'
            ? 'network unreachable'
            : 'timed out';
      ctx.out(`;; communications error to ${formatIp(server)}#${given.port}: ${why}\n`);
    }
  }
  return undefined;
}

/** An answer as both nslookups print it; BIND's keeps the dot at the end of a name that is data. */
function line({ name, data }: ResourceRecord, dot: '.' | ''): string {
  const owner = name.replace(/\.$/, '');
  const target = (text: string): string => (dot === '.' ? text : text.replace(/\.$/, ''));
  switch (data.type) {
    case 'A':
    case 'AAAA':
      return `Name:\t${owner}\nAddress: ${data.address}\n`;
    case 'CNAME':
      return `${owner}\tcanonical name = ${target(data.target)}\n`;
    case 'PTR':
      return `${owner}\tname = ${target(data.target)}\n`;
    case 'NS':
      return `${owner}\tnameserver = ${target(data.target)}\n`;
    case 'MX':
      return `${owner}\tmail exchanger = ${data.preference} ${target(data.target)}\n`;
    case 'TXT':
      return `${owner}\ttext = ${rdataText(data)}\n`;
    case 'SRV':
      return `${owner}\tservice = ${data.priority} ${data.weight} ${data.port} ${target(data.target)}\n`;
    case 'SOA':
      return `${owner}\n\torigin = ${target(data.mname)}\n\tmail addr = ${target(data.rname)}\n\tserial = ${data.serial}\n\trefresh = ${data.refresh}\n\tretry = ${data.retry}\n\texpire = ${data.expire}\n\tminimum = ${data.minimum}\n`;
  }
}

/** BusyBox's nslookup: all questions at once; the search list only for a name without a dot. */
export const busyboxNslookup: Tool = function* (ctx, args) {
  const given = parse(ctx, args);
  if (given === undefined) {
    ctx.err(
      'BusyBox v1.36.1 (2024-06-10 07:11:47 UTC) multi-call binary.\n\nUsage: nslookup [-type=QUERY_TYPE] [-debug] HOST [DNS_SERVER]\n',
    );
    return 1;
  }
  const conf = resolvConf(ctx.files);
  const servers = yield* serverOf(ctx, conf, given.server?.replace(/[:#]\d+$/, ''));
  const server = servers?.[0];
  if (server === undefined) {
    ctx.err(`nslookup: bad address '${given.server ?? ''}'\n`);
    return 1;
  }
  const reverse = given.type === undefined || given.type === 'PTR' ? reverseName(given.name) : undefined;
  const names =
    reverse !== undefined
      ? [reverse]
      : given.name.includes('.') || conf.search.length === 0
        ? [absolute(given.name)]
        : conf.search.map((domain) => absolute(`${given.name}.${domain}`));
  const types: readonly RecordType[] =
    reverse !== undefined ? ['PTR'] : given.type !== undefined ? [given.type] : ['A', 'AAAA'];
  const questions = types.flatMap((type) => names.map((name) => ({ name, type })));
  let exchanges: Exchange[] = [];
  for (let attempt = 0; attempt < 2; attempt++) {
    exchanges = yield* askTogether({ netns: ctx.netns, process: { name: 'nslookup' } }, server, questions, {
      timeout: 2.5,
    });
    if (exchanges.every((exchange) => exchange.kind !== 'timeout')) break;
  }
  const answers = exchanges.flatMap((exchange): DnsMessage[] =>
    exchange.kind === 'answer' ? [exchange.message] : [],
  );
  if (answers.length === 0) {
    if (exchanges.some((exchange) => exchange.kind === 'refused'))
      ctx.err('nslookup: read: Connection refused\n');
    ctx.out(';; connection timed out; no servers could be reached\n\n');
    return 1;
  }
  ctx.out(`Server:\t\t${formatIp(server)}\nAddress:\t${formatIp(server)}:53\n\n`);
  let failed = false;
  for (const [i, message] of answers.entries()) {
    if (message.rcode !== 'NOERROR') {
      failed = true;
      ctx.out(`** server can't find ${(questions[i]?.name ?? '').replace(/\.$/, '')}: ${message.rcode}\n`);
    }
    for (const record of message.answers) ctx.out(line(record, ''));
    ctx.out('\n');
  }
  return failed ? 1 : 0;
};
