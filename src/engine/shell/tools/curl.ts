import { ERRNO_TEXT } from '../../net/errno.ts';
import { toBase64 } from '../../capture/base64.ts';
import { formatIp, isIpv6, parseIp, type Ip } from '../../net/address.ts';
import type { Task } from '../../net/task.ts';
import type { TcpConnection } from '../../net/tcp-connection.ts';
import { resolve as resolvePath } from '../expand.ts';
import { getopt, type Options } from '../getopt.ts';
import { exchange, header, parseUrl, type HttpResponse, type Url } from '../http.ts';
import { resolveHost } from '../resolve.ts';
import type { Tool, ToolContext } from '../tool.ts';
import { CURL_AGENT, CURL_VERSION } from './curl/version.ts';
import { connect, localPorts, seconds } from './curl/connect.ts';
import { requestData } from './curl/data.ts';
import { progressMeter } from './curl/progress.ts';
import { writeOut, type Transfer } from './curl/write-out.ts';

const SHORT = 'sSvo:w:IX:d:H:A:Lk46fiOm:Nu:Ggne:b:T:#qF:r:x:JRVhZ';
const LONG: Readonly<Record<string, string>> = {
  silent: 's',
  'show-error': 'S',
  verbose: 'v',
  output: 'o:',
  'write-out': 'w:',
  head: 'I',
  request: 'X:',
  data: 'd:',
  'data-raw': 'data-raw:',
  'data-ascii': 'd:',
  'data-binary': 'data-binary:',
  'data-urlencode': 'data-urlencode:',
  json: 'json:',
  header: 'H:',
  'user-agent': 'A:',
  location: 'L',
  insecure: 'k',
  ipv4: '4',
  ipv6: '6',
  fail: 'f',
  'fail-with-body': 'fail-with-body',
  include: 'i',
  'show-headers': 'i',
  'remote-name': 'O',
  'max-time': 'm:',
  'no-buffer': 'N',
  user: 'u:',
  get: 'G',
  'connect-timeout': 'connect-timeout:',
  resolve: 'resolve:',
  'connect-to': 'connect-to:',
  retry: 'retry:',
  'retry-delay': 'retry-delay:',
  'retry-connrefused': 'retry-connrefused',
  'retry-all-errors': 'retry-all',
  interface: 'interface:',
  'local-port': 'local-port:',
  'http1.1': 'http1.1',
  'http1.0': 'http1.0',
  http2: 'http2',
  compressed: 'compressed',
  url: 'url:',
  version: 'V',
  help: 'h',
  'no-progress-meter': 'no-progress',
  'progress-bar': '#',
  noproxy: 'noproxy:',
  'max-redirs': 'max-redirs:',
  referer: 'e:',
  cookie: 'b:',
  'upload-file': 'T:',
  'no-keepalive': 'no-keepalive',
  'keepalive-time': 'keepalive-time:',
  cacert: 'cacert:',
  globoff: 'g',
  disable: 'q',
  'tcp-nodelay': 'tcp-nodelay',
  stderr: 'stderr:',
  'path-as-is': 'path-as-is',
};

export const curl: Tool = function* (ctx, args) {
  const parsed = getopt(args, { short: SHORT, long: LONG });
  if (!parsed.ok) {
    const { kind, option } = parsed.error;
    const name = option.startsWith('--') ? option : `-${option}`;
    ctx.err(
      `curl: option ${name}: ${kind === 'unknown' ? 'is unknown' : 'requires parameter'}\ncurl: try 'curl --help' or 'curl --manual' for more information\n`,
    );
    return 2;
  }
  const { options } = parsed;
  const badValue = wrongValue(options);
  if (badValue !== undefined) {
    ctx.err(`curl: option ${badValue}\ncurl: try 'curl --help' or 'curl --manual' for more information\n`);
    return 2;
  }
  if (options.has('V')) {
    ctx.out(
      `curl ${CURL_VERSION} (x86_64-pc-linux-musl) libcurl/${CURL_VERSION}\nProtocols: http\nFeatures: IPv6\n`,
    );
    return 0;
  }
  if (options.has('h')) {
    ctx.out('Usage: curl [options...] <url>\n');
    return 0;
  }
  const urls = [...options.values('url'), ...options.rest];
  if (urls.length === 0) {
    ctx.err(
      args.length === 0
        ? "curl: try 'curl --help' or 'curl --manual' for more information\n"
        : "curl: (2) no URL specified\ncurl: try 'curl --help' or 'curl --manual' for more information\n",
    );
    return 2;
  }
  // What does not go to a terminal is buffered until the end, so the log comes first.
  let buffered = '';
  const out =
    ctx.tty === true || options.has('N') ? ctx.out : (text: string): void => void (buffered += text);
  try {
    return yield* transferAll({ ...ctx, out }, options, urls);
  } finally {
    ctx.out(buffered);
  }
};

/** What curl says of the first value that is no number where it must be one (src/tool_paramhlp.c). */
function wrongValue(options: Options): string | undefined {
  for (const [key, name] of numeric) {
    const value = options.value(key);
    if (value === undefined || /^\d+(\.\d*)?$/.test(value)) continue;
    const kind = /^-\d/.test(value) ? 'positive' : 'proper';
    return `${name}: expected a ${kind} numerical parameter`;
  }
  return localPorts(options) === 'bad' ? '--local-port: is badly used here' : undefined;
}

const numeric = [
  ['m', '-m'],
  ['connect-timeout', '--connect-timeout'],
  ['retry', '--retry'],
  ['retry-delay', '--retry-delay'],
  ['max-redirs', '--max-redirs'],
] as const;

function* transferAll(ctx: ToolContext, options: Options, urls: readonly string[]): Task<number> {
  let code = 0;
  for (const [i, url] of urls.entries()) {
    const retries = Math.min(Number(options.value('retry') ?? 0) || 0, 20);
    for (let attempt = 0; ; attempt++) {
      const transfer = new CurlTransfer(ctx, options, i);
      code = yield* transfer.run(url);
      const worth =
        code === 28 ||
        (code === 6 && attempt >= 0) ||
        (code === 7 && options.has('retry-connrefused')) ||
        (code !== 0 && options.has('retry-all'));
      if (code === 0 || !worth || attempt >= retries) break;
      const delay = Number(options.value('retry-delay') ?? 0) || Math.min(2 ** attempt, 600);
      const left = retries - attempt;
      if (!options.has('s'))
        ctx.err(
          `Warning: Problem: ${code === 28 ? 'timeout' : code === 7 ? 'connection refused' : '(retrying all errors)'}. Will retry in ${delay} second${delay === 1 ? '' : 's'}. ${left} retr${left === 1 ? 'y' : 'ies'} left.\n`,
        );
      yield (resume) => {
        const timer = ctx.world.schedule(delay * 1e6, resume);
        return () => timer.cancel();
      };
    }
    if (ctx.session.limit !== undefined) break;
  }
  return code;
}

/** One URL, with the redirections that it leads to. */
class CurlTransfer {
  readonly ctx: ToolContext;
  readonly options: Options;
  readonly index: number;
  readonly began: number;
  readonly deadline: number;
  readonly facts: Transfer;
  #metered = false;

  constructor(ctx: ToolContext, options: Options, index: number) {
    this.ctx = ctx;
    this.options = options;
    this.index = index;
    this.began = ctx.world.now;
    const max = seconds(options.value('m'));
    this.deadline = max === undefined || max === 0 ? Infinity : this.began + max;
    this.facts = {
      url: '',
      method: 'GET',
      status: 0,
      version: '0',
      contentType: '',
      body: 0,
      headerSize: 0,
      uploaded: 0,
      local: '',
      localPort: 0,
      remote: '',
      remotePort: 0,
      connects: 0,
      redirects: 0,
      exitCode: 0,
      error: '',
      lookup: 0,
      connected: 0,
      firstByte: 0,
      total: 0,
      scheme: 'http',
    };
  }

  /** Meant for a terminal that shows the body, curl keeps quiet about progress. */
  get meter(): boolean {
    const { options, ctx } = this;
    return (
      !options.has('s') &&
      !options.has('no-progress') &&
      !(ctx.tty === true && !options.has('o') && !options.has('O'))
    );
  }

  note(text: string): void {
    if (!this.options.has('v')) return;
    this.startMeter();
    this.ctx.err(`* ${text}\n`);
  }

  startMeter(): void {
    if (this.#metered || !this.meter) return;
    this.#metered = true;
    this.ctx.err(
      '  % Total    % Received % Xferd  Average Speed   Time    Time     Time  Current\n                                 Dload  Upload   Total   Spent    Left  Speed\n',
    );
  }

  *run(text: string): Task<number> {
    const { facts, ctx, options } = this;
    facts.url = /:\/\//.test(text) ? text : `http://${text}`;
    let current = text;
    let code: number;
    const limit = Number(options.value('max-redirs') ?? 50);
    for (;;) {
      const step = yield* this.fetch(current);
      code = step.code;
      if (step.redirect === undefined) break;
      if (++facts.redirects > limit) {
        code = this.fail(47, `Maximum (${limit}) redirects followed`);
        break;
      }
      this.note(`Issue another request to this URL: '${step.redirect}'`);
      current = step.redirect;
    }
    facts.exitCode = code;
    facts.total = ctx.world.now - this.began;
    const format = options.value('w');
    if (format !== undefined) writeOut(ctx, format, facts);
    return code;
  }

  fail(code: number, message: string): number {
    const { options, ctx } = this;
    this.facts.error = message;
    if (!options.has('s') || options.has('S')) ctx.err(`curl: (${code}) ${message}\n`);
    return code;
  }

  /** Notes the error in the verbose log, ends the meter and says it. */
  failConnection(code: number, message: string, verbose = message): number {
    this.note(verbose);
    this.endMeter(0, 0);
    this.note('closing connection #0');
    return this.fail(code, message);
  }

  endMeter(body: number, uploaded: number, newline = true): void {
    if (!this.meter) return;
    this.startMeter();
    this.ctx.err(progressMeter(this.ctx.world.now - this.began, body, uploaded) + (newline ? '\n' : ''));
  }

  *fetch(text: string): Task<{ code: number; redirect?: string }> {
    const { facts, ctx } = this;
    const url = parseUrl(text);
    if ('refused' in url) {
      const why = {
        host: 'No host part in the URL',
        port: 'Port number was not a decimal number between 0 and 65535',
        syntax: 'Malformed input to a URL function',
      };
      return { code: this.fail(3, `URL rejected: ${why[url.refused]}`) };
    }
    if (url.scheme !== 'http' && url.scheme !== 'https')
      return { code: this.fail(1, `Protocol "${url.scheme}" not supported`) };
    facts.scheme = url.scheme;
    const ips = yield* this.lookup(url);
    if (ips === undefined) {
      const message = `Could not resolve host: ${url.host}`;
      this.note(message);
      this.endMeter(0, 0, false);
      this.note('closing connection #0');
      return { code: this.fail(6, message) };
    }
    facts.lookup = ctx.world.now - this.began;
    const socket = yield* connect(this, url, ips);
    if (typeof socket === 'number') return { code: socket };
    try {
      return yield* this.talk(url, socket);
    } finally {
      socket.close();
    }
  }

  *lookup(url: Url): Task<readonly Ip[] | undefined> {
    const { options, ctx } = this;
    for (const entry of options.values('resolve')) {
      const found = /^[+-]?([^:]+):(\d+|\*):(.+)$/.exec(entry);
      if (
        found === null ||
        (found[1] !== url.host && found[1] !== '*') ||
        (found[2] !== String(url.port) && found[2] !== '*')
      )
        continue;
      const ips = (found[3] ?? '').split(',').flatMap((ip) => parseIp(ip.replace(/^\[|\]$/g, '')) ?? []);
      if (options.has('v')) this.note(`Added ${url.host}:${url.port}:${found[3] ?? ''} to DNS cache`);
      if (ips.length > 0) return ips;
    }
    const family = options.has('4') ? 4 : options.has('6') ? 6 : undefined;
    const literal = parseIp(url.host.replace(/^\[|\]$/g, ''));
    const found = yield* resolveHost({ ...ctx, name: 'curl' }, url.host, family);
    if (found.kind !== 'found') return undefined;
    if (literal === undefined) {
      const list = (v6: boolean): string =>
        found.ips
          .filter((ip) => isIpv6(ip) === v6)
          .map(formatIp)
          .join(', ') || '(none)';
      this.note(`Host ${url.host}:${url.port} was resolved.`);
      this.note(`IPv6: ${list(true)}`);
      this.note(`IPv4: ${list(false)}`);
    }
    return found.ips;
  }

  *talk(url: Url, socket: TcpConnection): Task<{ code: number; redirect?: string }> {
    const { options, facts, ctx } = this;
    if (url.scheme === 'https')
      return {
        code: this.failConnection(35, 'TLS connect error: error:0A00010B:SSL routines::wrong version number'),
      };
    const request = this.request(url);
    if (request === undefined) return { code: 26 };
    facts.method = request.method;
    facts.uploaded = request.body.length;
    if (options.has('v')) {
      this.note('using HTTP/1.x');
      ctx.err(
        `> ${request.method} ${request.target} HTTP/1.1\n${request.headers.map(([name, value]) => `> ${name}: ${value}\n`).join('')}> \n`,
      );
      if (request.body.length > 0 && ctx.tty !== true) ctx.err(`} [${request.body.length} bytes data]\n`);
      this.note(
        request.body.length > 0
          ? `upload completely sent off: ${request.body.length} bytes`
          : 'Request completely sent off',
      );
    }
    const outcome = yield* exchange(socket, request, this.deadline);
    facts.firstByte = ctx.world.now - this.began;
    switch (outcome.kind) {
      case 'empty':
        return { code: this.failConnection(52, 'Empty reply from server') };
      case 'error':
        return {
          code:
            outcome.errno === 'ETIMEDOUT'
              ? this.failConnection(56, 'Recv failure: Operation timed out')
              : this.failConnection(56, `Recv failure: ${ERRNO_TEXT[outcome.errno]}`),
        };
      case 'malformed':
        return { code: this.failConnection(1, 'Received HTTP/0.9 when not allowed') };
      case 'timeout': {
        const bytes =
          outcome.expected === undefined
            ? `${outcome.received} bytes received`
            : `${outcome.received} out of ${outcome.expected} bytes received`;
        const late = Math.floor((ctx.world.now - this.began) / 1000) + 1;
        return {
          code: this.failConnection(28, `Operation timed out after ${late} milliseconds with ${bytes}`),
        };
      }
      case 'partial': {
        this.show(outcome.response, request.body.length);
        return { code: this.failConnection(18, `end of response with ${outcome.missing} bytes missing`) };
      }
      case 'response':
        return this.received(url, outcome.response, request.body.length, outcome.keepAlive);
    }
  }

  received(
    url: Url,
    response: HttpResponse,
    uploaded: number,
    keepAlive: boolean,
  ): { code: number; redirect?: string } {
    const { options, facts } = this;
    facts.status = response.status;
    facts.version = response.version;
    facts.contentType = header(response, 'Content-Type') ?? '';
    facts.body = response.body.length;
    const location = header(response, 'Location');
    const follows =
      options.has('L') && location !== undefined && response.status >= 300 && response.status < 400;
    const failed = response.status >= 400 && (options.has('f') || options.has('fail-with-body'));
    if (failed && options.has('f')) {
      this.headers(response);
      this.endMeter(0, uploaded);
      this.note(keepAlive ? `Connection #0 to host ${url.host} left intact` : 'closing connection #0');
      return { code: this.fail(22, `The requested URL returned error: ${response.status}`) };
    }
    if (follows) this.headers(response);
    else this.show(response, uploaded);
    this.note(keepAlive ? `Connection #0 to host ${url.host} left intact` : 'closing connection #0');
    if (failed) return { code: this.fail(22, `The requested URL returned error: ${response.status}`) };
    if (!follows) return { code: 0 };
    const base = `${url.scheme}://${url.host}${url.portGiven ? `:${url.port}` : ''}`;
    const next = /^[a-z]+:\/\//i.test(location)
      ? location
      : location.startsWith('/')
        ? base + location
        : `${base}${url.target.replace(/[^/]*$/, '')}${location}`;
    return { code: 0, redirect: next };
  }

  /** Status line and headers: to the log with `-v`, to the output with `-i` and `-I`. */
  headers(response: HttpResponse): void {
    const { options, ctx } = this;
    const lines = [
      `HTTP/${response.version} ${response.status}${response.reason === '' ? '' : ` ${response.reason}`}`,
      ...response.headers.map(([name, value]) => `${name}: ${value}`),
      '',
    ];
    this.facts.headerSize += lines.reduce((sum, line) => sum + line.length + 2, 0);
    if (options.has('v')) for (const line of lines) ctx.err(`< ${line}\n`);
    if (options.has('I') || options.has('i')) this.output(lines.map((line) => `${line}\n`).join(''));
  }

  show(response: HttpResponse, uploaded: number): void {
    const { options, ctx } = this;
    this.headers(response);
    const { body } = response;
    if (options.has('v') && body.length > 0 && ctx.tty !== true) ctx.err(`{ [${body.length} bytes data]\n`);
    this.endMeter(body.length, uploaded);
    if (!options.has('I')) this.output(new TextDecoder().decode(body));
  }

  output(text: string): void {
    const { options, ctx, index } = this;
    const names = options.values('o');
    const name =
      names[index] ??
      (options.has('O') ? (/([^/?]+)(?:\?.*)?$/.exec(this.facts.url)?.[1] ?? 'curl_response') : undefined);
    if (name === undefined || name === '-') ctx.out(text);
    else if (name !== '/dev/null') ctx.files.write(resolvePath(ctx.cwd, name), text, 'append');
  }

  request(
    url: Url,
  ): { method: string; target: string; headers: [string, string][]; body: Uint8Array } | undefined {
    const { options, ctx } = this;
    const found = requestData(options, (path) => {
      const file = ctx.files.read(resolvePath(ctx.cwd, path));
      return file.ok ? file.value : undefined;
    });
    if ('unreadable' in found) {
      ctx.err(`curl: (26) Failed to open ${found.unreadable}\n`);
      return undefined;
    }
    const get = options.has('G');
    const { data = '' } = found;
    const target =
      get && data !== '' ? `${url.target}${url.target.includes('?') ? '&' : '?'}${data}` : url.target;
    const hasBody = found.data !== undefined && !get;
    const body = hasBody ? new TextEncoder().encode(data) : new Uint8Array(0);
    const method =
      options.value('X') ?? (options.has('I') ? 'HEAD' : options.has('T') ? 'PUT' : hasBody ? 'POST' : 'GET');
    const headers: [string, string][] = [
      ['Host', url.portGiven && url.port !== 80 ? `${url.host}:${url.port}` : url.host],
    ];
    const user = options.value('u') ?? url.user;
    if (user !== undefined)
      headers.push(['Authorization', `Basic ${toBase64(new TextEncoder().encode(user))}`]);
    headers.push(
      ['User-Agent', options.value('A') ?? CURL_AGENT],
      ['Accept', options.has('json') ? 'application/json' : '*/*'],
    );
    const cookie = options.value('b');
    if (cookie !== undefined) headers.push(['Cookie', cookie]);
    const referer = options.value('e');
    if (referer !== undefined) headers.push(['Referer', referer]);
    if (hasBody) {
      headers.push(['Content-Length', String(body.length)]);
      if (!options.has('T'))
        headers.push([
          'Content-Type',
          options.has('json') ? 'application/json' : 'application/x-www-form-urlencoded',
        ]);
    }
    for (const line of options.values('H')) {
      const colon = line.indexOf(':');
      if (colon < 0) continue;
      const name = line.slice(0, colon).trim();
      const value = line.slice(colon + 1).trim();
      const at = headers.findIndex(([known]) => known.toLowerCase() === name.toLowerCase());
      if (value === '') {
        if (at >= 0) headers.splice(at, 1);
      } else if (at >= 0) headers[at] = [name, value];
      else headers.push([name, value]);
    }
    return { method, target, headers, body };
  }
}

/** Microseconds. */
