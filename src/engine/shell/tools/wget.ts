import { formatIp, type Ip } from '../../net/address.ts';
import { ERRNO_TEXT } from '../../net/errno.ts';
import type { Task } from '../../net/task.ts';
import { tcpConnect } from '../../net/tcp-client.ts';
import { resolve as resolvePath } from '../expand.ts';
import { getopt, optionErrorText, type Options } from '../getopt.ts';
import { exchange, header, parseUrl, type HttpOutcome, type HttpResponse, type Url } from '../http.ts';
import { resolveHost } from '../resolve.ts';
import type { Tool, ToolContext } from '../tool.ts';
import { calendar, two } from './system.ts';

const NO_LIMIT = 900_000_000;

type Fetched =
  | { readonly kind: 'unresolved'; readonly again: boolean }
  | { readonly kind: 'unconnected'; readonly ip: Ip; readonly why: string; readonly timedOut: boolean }
  | { readonly kind: 'answered'; readonly outcome: HttpOutcome };

interface Wanted {
  readonly url: Url;
  readonly method: string;
  readonly agent: string;
  readonly headers: readonly string[];
  readonly body: string | undefined;
  /** Microseconds for connecting, and again for every silence. */
  readonly timeout: number;
  readonly family: 4 | 6 | undefined;
  readonly connecting: (ip: Ip) => void;
  readonly connected: () => void;
}

function* fetch(ctx: ToolContext, wanted: Wanted): Task<Fetched> {
  const { url } = wanted;
  const found = yield* resolveHost({ ...ctx, name: 'wget' }, url.host, wanted.family);
  const ip = found.kind === 'found' ? found.ips[0] : undefined;
  if (ip === undefined) return { kind: 'unresolved', again: found.kind === 'again' };
  wanted.connecting(ip);
  const result = yield* tcpConnect(ctx.netns, {
    dst: ip,
    dport: url.port,
    timeout: wanted.timeout,
    process: { name: 'wget' },
  });
  if (result.kind === 'timeout')
    return { kind: 'unconnected', ip, why: 'Connection timed out', timedOut: true };
  if (result.kind === 'error')
    return { kind: 'unconnected', ip, why: ERRNO_TEXT[result.errno], timedOut: false };
  wanted.connected();
  const headers: [string, string][] = [
    ['Host', url.portGiven && url.port !== 80 ? `${url.host}:${url.port}` : url.host],
    ['User-Agent', wanted.agent],
  ];
  if (wanted.agent.startsWith('Wget/'))
    headers.push(['Accept', '*/*'], ['Accept-Encoding', 'identity'], ['Connection', 'Keep-Alive']);
  else headers.push(['Connection', 'close']);
  const body = new TextEncoder().encode(wanted.body ?? '');
  if (wanted.body !== undefined)
    headers.push(
      ['Content-Type', 'application/x-www-form-urlencoded'],
      ['Content-Length', String(body.length)],
    );
  for (const line of wanted.headers) {
    const colon = line.indexOf(':');
    if (colon > 0) headers.push([line.slice(0, colon), line.slice(colon + 1).trim()]);
  }
  try {
    const outcome = yield* exchange(
      result.socket,
      { method: wanted.method, target: url.target, headers, body },
      ctx.world.now + wanted.timeout,
    );
    return { kind: 'answered', outcome };
  } finally {
    result.socket.close();
  }
}

function save(ctx: ToolContext, name: string, response: HttpResponse): boolean {
  const text = new TextDecoder().decode(response.body);
  if (name === '-') {
    ctx.out(text);
    return true;
  }
  return ctx.files.write(resolvePath(ctx.cwd, name), text, 'truncate').ok;
}

function fileName(url: Url): string {
  return /([^/?]+)(?:\?.*)?$/.exec(url.target)?.[1] ?? 'index.html';
}

/** BusyBox's wget. */
export const busyboxWget: Tool = function* (ctx, args) {
  const parsed = getopt(args, {
    short: 'cqSO:o:P:U:Y:T:',
    long: {
      spider: 'spider',
      header: 'header:',
      'post-data': 'post-data:',
      'no-check-certificate': 'k',
      quiet: 'q',
      timeout: 'T:',
      'user-agent': 'U:',
      'output-document': 'O:',
    },
  });
  if (!parsed.ok || parsed.options.rest.length === 0) {
    if (!parsed.ok) ctx.err(`${optionErrorText('wget', parsed.error)}\n`);
    ctx.err(
      'BusyBox v1.36.1 (2024-06-10 07:11:47 UTC) multi-call binary.\n\nUsage: wget [-cqS] [--spider] [-O FILE] [-o LOGFILE] [--header STR]\n\t[--post-data STR | --post-file FILE] [-Y on/off]\n\t[--no-check-certificate] [-P DIR] [-U AGENT] [-T SEC] URL...\n',
    );
    return 1;
  }
  const { options } = parsed;
  const quiet = options.has('q');
  let target = options.rest[0] ?? '';
  for (let hops = 0; ; hops++) {
    const url = parseUrl(target);
    if ('refused' in url) {
      ctx.err(`wget: bad address '${target}'\n`);
      return 1;
    }
    if (url.scheme !== 'http') {
      ctx.err(
        url.scheme === 'https'
          ? "wget: note: TLS certificate validation not implemented\nwget: can't execute 'ssl_client': No such file or directory\n"
          : `wget: not an http or ftp url: ${target}\n`,
      );
      return 1;
    }
    const fetched = yield* fetch(ctx, {
      url,
      method: options.has('post-data') ? 'POST' : options.has('spider') ? 'HEAD' : 'GET',
      agent: options.value('U') ?? 'Wget',
      headers: options.values('header'),
      body: options.value('post-data'),
      timeout: timeoutOf(options, NO_LIMIT),
      family: undefined,
      connecting: (ip) => {
        if (!quiet) ctx.err(`Connecting to ${url.host} (${formatIp(ip)}:${url.port})\n`);
      },
      connected: () => undefined,
    });
    if (fetched.kind === 'unresolved') {
      ctx.err(`wget: bad address '${url.host}${url.portGiven ? `:${url.port}` : ''}'\n`);
      return 1;
    }
    if (fetched.kind === 'unconnected') {
      ctx.err(
        fetched.timedOut
          ? 'wget: download timed out\n'
          : `wget: can't connect to remote host (${formatIp(fetched.ip)}): ${fetched.why}\n`,
      );
      return 1;
    }
    const { outcome } = fetched;
    if (outcome.kind !== 'response') {
      ctx.err(
        outcome.kind === 'timeout'
          ? 'wget: download timed out\n'
          : outcome.kind === 'error'
            ? `wget: error getting response: ${ERRNO_TEXT[outcome.errno]}\n`
            : outcome.kind === 'partial'
              ? 'wget: connection closed prematurely\n'
              : 'wget: error getting response\n',
      );
      return 1;
    }
    const { response } = outcome;
    if (options.has('S'))
      for (const line of [
        `HTTP/${response.version} ${response.status} ${response.reason}`,
        ...response.headers.map(([name, value]) => `${name}: ${value}`),
        '',
      ])
        ctx.err(`  ${line}\n`);
    const location = header(response, 'Location');
    if (response.status >= 300 && response.status < 400 && location !== undefined && hops < 20) {
      target = location.includes('://') ? location : `http://${url.host}:${url.port}${location}`;
      continue;
    }
    if (response.status >= 300) {
      ctx.err(
        `wget: server returned error: HTTP/${response.version} ${response.status} ${response.reason}\n`,
      );
      return 1;
    }
    if (options.has('spider')) {
      if (!quiet) ctx.err('remote file exists\n');
      return 0;
    }
    const name = options.value('O') ?? fileName(url);
    if (!quiet) ctx.err(name === '-' ? 'writing to stdout\n' : `saving to '${name}'\n`);
    if (!save(ctx, name, response)) {
      ctx.err(`wget: can't open '${name}': Read-only file system\n`);
      return 1;
    }
    if (!quiet)
      ctx.err(
        `${name.padEnd(20).slice(0, 20)} 100% |${'*'.repeat(32)}| ${String(response.body.length).padStart(5)}  0:00:00 ETA\n${name === '-' ? 'written to stdout' : `'${name}' saved`}\n`,
      );
    return 0;
  }
};

/** GNU wget. */
export const wget: Tool = function* (ctx, args) {
  const parsed = getopt(args, {
    short: 'qO:o:vT:t:ScU:P:d46nVh',
    long: {
      quiet: 'q',
      'output-document': 'O:',
      spider: 'spider',
      timeout: 'T:',
      tries: 't:',
      'connect-timeout': 'T:',
      'read-timeout': 'T:',
      header: 'header:',
      'post-data': 'post-data:',
      'server-response': 'S',
      'no-check-certificate': 'k',
      'user-agent': 'U:',
      'no-verbose': 'nv',
      'inet4-only': '4',
      'inet6-only': '6',
      method: 'method:',
      waitretry: 'waitretry:',
      'no-proxy': 'no-proxy',
      'content-on-error': 'content-on-error',
    },
  });
  if (!parsed.ok || parsed.options.rest.length === 0) {
    ctx.err(
      parsed.ok
        ? "wget: missing URL\nUsage: wget [OPTION]... [URL]...\n\nTry `wget --help' for more options.\n"
        : `${optionErrorText('wget', parsed.error)}\nUsage: wget [OPTION]... [URL]...\n\nTry \`wget --help' for more options.\n`,
    );
    return parsed.ok ? 1 : 2;
  }
  const { options } = parsed;
  const quiet = options.has('q');
  const say = (text: string): void => {
    if (!quiet) ctx.err(text);
  };
  const tries = Number(options.value('t') ?? 20);
  let target = options.rest[0] ?? '';
  if (options.has('spider')) say('Spider mode enabled. Check if remote file exists.\n');
  let attempt = 1;
  for (let hops = 0; ;) {
    const url = parseUrl(target);
    if ('refused' in url) {
      ctx.err(`${target}: ${url.refused === 'port' ? 'Bad port number' : 'Invalid host name'}.\n`);
      return 1;
    }
    const written = target.includes('://') ? target : `http://${target}`;
    const shown = /^https?:\/\/[^/]+$/.test(written) ? `${written}/` : written;
    say(
      `${attempt > 1 ? `(try:${String(attempt).padStart(2)})  ` : ''}--${dateTime(ctx)}--  ${attempt > 1 ? '' : ''}${shown}\n`,
    );
    const named = !/^[\d.]+$|^\[/.test(url.host);
    const fetched = yield* fetch(ctx, {
      url,
      method:
        options.value('method') ??
        (options.has('post-data') ? 'POST' : options.has('spider') ? 'HEAD' : 'GET'),
      agent: options.value('U') ?? 'Wget/1.21.3',
      headers: options.values('header'),
      body: options.value('post-data'),
      timeout: timeoutOf(options, NO_LIMIT),
      family: options.has('4') ? 4 : options.has('6') ? 6 : undefined,
      connecting: (ip) => {
        if (named) say(`Resolving ${url.host} (${url.host})... ${formatIp(ip)}\n`);
        say(
          `Connecting to ${named ? `${url.host} (${url.host})|${formatIp(ip)}|` : url.host}:${url.port}... `,
        );
      },
      connected: () => say('connected.\nHTTP request sent, awaiting response... '),
    });
    if (fetched.kind === 'unresolved') {
      say(
        `Resolving ${url.host} (${url.host})... failed: ${fetched.again ? 'Temporary failure in name resolution' : 'Name or service not known'}.\n`,
      );
      ctx.err(`wget: unable to resolve host address ‘${url.host}’\n`);
      return 4;
    }
    const retryable =
      fetched.kind === 'unconnected'
        ? fetched.timedOut || !/refused|unreachable|No route/.test(fetched.why)
        : fetched.outcome.kind !== 'response';
    if (fetched.kind === 'unconnected' || fetched.outcome.kind !== 'response') {
      if (fetched.kind === 'unconnected') say(`failed: ${fetched.why}.\n`);
      else
        say(
          fetched.outcome.kind === 'timeout'
            ? 'Read error (Connection timed out) in headers.\n'
            : fetched.outcome.kind === 'error'
              ? `Read error (${ERRNO_TEXT[fetched.outcome.errno]}) in headers.\n`
              : 'No data received.\n',
        );
      if (retryable && attempt < tries && ctx.session.limit === undefined) {
        say('Retrying.\n\n');
        const pause = Math.min(attempt, 10) * 1e6;
        attempt++;
        yield (resume) => {
          const timer = ctx.world.schedule(pause, resume);
          return () => timer.cancel();
        };
        continue;
      }
      if (retryable) say('Giving up.\n\n');
      return 4;
    }
    const { response } = fetched.outcome;
    say(`${response.status} ${response.reason}\n`);
    if (options.has('S')) for (const [name, value] of response.headers) say(`  ${name}: ${value}\n`);
    const location = header(response, 'Location');
    if (response.status >= 300 && response.status < 400 && location !== undefined && hops < 20) {
      hops++;
      target = location.includes('://') ? location : `http://${url.host}:${url.port}${location}`;
      say(`Location: ${location} [following]\n`);
      continue;
    }
    if (response.status >= 400) {
      if (options.has('spider')) say('Remote file does not exist -- broken link!!!\n\n');
      else say(`${dateTime(ctx)} ERROR ${response.status}: ${response.reason}.\n\n`);
      return 8;
    }
    const type = header(response, 'Content-Type')?.split(';')[0] ?? 'text/html';
    const length = header(response, 'Content-Length');
    say(length === undefined ? `Length: unspecified [${type}]\n` : `Length: ${length} [${type}]\n`);
    if (options.has('spider')) {
      say(
        'Remote file exists and could contain further links,\nbut recursion is disabled -- not retrieving.\n\n',
      );
      return 0;
    }
    const name = options.value('O') ?? fileName(url);
    say(`Saving to: ‘${name === '-' ? 'STDOUT' : name}’\n\n`);
    if (!save(ctx, name, response)) {
      ctx.err(`${name}: Read-only file system\n\nCannot write to ‘${name}’ (Success).\n`);
      return 3;
    }
    say(
      `\n     0K                                                       100%  inf=0s\n\n${dateTime(ctx)} (inf MB/s) - ${name === '-' ? 'written to stdout' : `‘${name}’ saved`} [${response.body.length}${length === undefined ? '' : `/${length}`}]\n\n`,
    );
    return 0;
  }
};

function timeoutOf(options: Options, otherwise: number): number {
  const seconds = Number(options.value('T') ?? Number.NaN);
  return seconds > 0 ? seconds * 1e6 : otherwise;
}

function dateTime(ctx: ToolContext): string {
  const t = calendar(ctx.world.now);
  return `${t.year}-${two(t.month)}-${two(t.day)} ${two(t.hour)}:${two(t.minute)}:${two(t.second)}`;
}
