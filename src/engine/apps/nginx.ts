import { goDate, httpDate, logDate } from './date.ts';
import { headerOf, pathOf, reasonOf } from './http.ts';
import type { HttpRequest, HttpResponse } from './http.ts';
import { DEFAULT_CONF, nginxFiles } from './nginx-files.ts';
import { readServers } from './nginx-config.ts';
import type { Location, Server } from './nginx-config.ts';
import { hasIpv6, httpListener } from './server.ts';
import type { Endpoint, ImageReference, Listener, Program, ProgramContext, ReadableFiles } from './server.ts';

const versions: Readonly<Record<string, string>> = {
  '1.14': '1.14.2',
  '1.16': '1.16.1',
  '1.18': '1.18.0',
  '1.19': '1.19.10',
  '1.20': '1.20.2',
  '1.21': '1.21.6',
  '1.22': '1.22.1',
  '1.23': '1.23.4',
  '1.24': '1.24.0',
  '1.25': '1.25.5',
  '1.26': '1.26.3',
  '1.27': '1.27.5',
  '1.28': '1.28.0',
  '1.29': '1.29.4',
  stable: '1.28.0',
};

function nginxVersion({ tag }: ImageReference): string {
  const match = /^(\d+\.\d+)(\.\d+)?/.exec(tag);
  if (match?.[2] !== undefined) return match[0];
  return versions[match?.[1] ?? (tag.startsWith('stable') ? 'stable' : '1.29')] ?? '1.29.4';
}

/** nginx as its image runs it: `listen`, `location`, `root`, `alias`, `index` and `return` of its configuration count. */
export function nginx(context: ProgramContext): Program {
  const version = nginxVersion(context.image);
  const servers = readServers(context.files);
  const listeners: Listener[] = [];
  const taken = new Set<string>();
  for (const server of servers)
    for (const listen of listensOf(server, context)) {
      const key = `${listen.address ?? '*'}:${listen.port}`;
      if (taken.has(key)) continue;
      taken.add(key);
      listeners.push(
        httpListener({
          ...listen,
          handle: (request) => respond(request, server, context, version),
          bad: (status) => page(status, version, context.now(), true),
          log: (request, response, length, peer) =>
            context.log(accessLine(request, response.status, length, peer, context.now())),
        }),
      );
    }
  const notice = (text: string) => `${logStamp(context.now())} [notice] 1#1: ${text}`;
  return {
    kind: 'server',
    process: 'nginx',
    listeners,
    bindError: ({ port, address }) =>
      `${logStamp(context.now())} [emerg] 1#1: bind() to ${address ?? '0.0.0.0'}:${port} failed (98: Address already in use)\nnginx: [emerg] bind() to ${address ?? '0.0.0.0'}:${port} failed (98: Address already in use)`,
    bindExit: 1,
    greeting: [
      '/docker-entrypoint.sh: Configuration complete; ready for start up',
      notice('using the "epoll" event method'),
      notice(`nginx/${version}`),
      notice('start worker processes'),
    ],
    onTerm: { kind: 'exit', code: 0 },
  };
}

/**
 * The server's sockets: one on `0.0.0.0` where `listen` has a port only, and where there is IPv6 those on `[::]`, of which the
 * image's entrypoint adds one to the configuration that it brings (10-listen-on-ipv6-by-default.sh).
 */
function listensOf({ listens }: Server, context: ProgramContext): Server['listens'] {
  if (!hasIpv6(context)) return listens.filter(({ address }) => address !== '::');
  const file = context.files.read(DEFAULT_CONF);
  const untouched = file.ok && file.value === nginxFiles[DEFAULT_CONF];
  return [
    ...listens.map((listen) => ({ address: '0.0.0.0', ...listen })),
    ...(untouched ? [{ port: 80, address: '::' }] : []),
  ];
}

function logStamp(now: number): string {
  return goDate(now);
}

function accessLine(
  request: HttpRequest,
  status: number,
  length: number,
  peer: Endpoint,
  now: number,
): string {
  const body = request.method === 'HEAD' ? 0 : length;
  const referer = headerOf(request, 'referer') ?? '-';
  const agent = headerOf(request, 'user-agent') ?? '-';
  const forwarded = headerOf(request, 'x-forwarded-for') ?? '-';
  return `${peer.ip} - - [${logDate(now)}] "${request.method} ${request.target} ${request.version}" ${status} ${body} "${referer}" "${agent}" "${forwarded}"`;
}

function respond(
  request: HttpRequest,
  server: Server,
  { files, now, hostname }: ProgramContext,
  version: string,
): HttpResponse {
  const path = normal(pathOf(request));
  const at = now();
  if (path === undefined) return page(400, version, at, true);
  const location = chooseLocation(server.locations, path);
  if (location?.answer !== undefined) {
    const { status, type } = location.answer;
    const body = location.answer.body.replaceAll('$hostname', hostname).replaceAll('$uri', path);
    return {
      status,
      headers: [
        ...common(version, at, type ?? 'application/octet-stream'),
        ['Content-Length', String(body.length)],
        alive(request),
      ],
      body,
    };
  }
  if (request.method !== 'GET' && request.method !== 'HEAD') return page(405, version, at, false);
  for (const file of candidates(path, location, files)) {
    const found = files.read(file);
    if (!found.ok) continue;
    const bytes = new TextEncoder().encode(found.value);
    return {
      status: 200,
      headers: [
        ...common(version, at, contentType(file)),
        ['Content-Length', String(bytes.length)],
        ['Last-Modified', 'Tue, 09 Dec 2025 15:28:10 GMT'],
        alive(request),
        ['ETag', `"69383eca-${bytes.length.toString(16)}"`],
        ['Accept-Ranges', 'bytes'],
      ],
      body: bytes,
    };
  }
  const directory = files.kind(documentPath(path, location)) === 'directory';
  return page(directory ? 403 : 404, version, at, false);
}

function alive(request: HttpRequest): readonly [string, string] {
  const close = headerOf(request, 'connection')?.toLowerCase() === 'close' || request.version === 'HTTP/1.0';
  return ['Connection', close ? 'close' : 'keep-alive'];
}

function common(version: string, at: number, type: string): (readonly [string, string])[] {
  return [
    ['Server', `nginx/${version}`],
    ['Date', httpDate(at)],
    ['Content-Type', type],
  ];
}

function page(status: number, version: string, at: number, close: boolean): HttpResponse {
  const title = `${status} ${status === 405 ? 'Not Allowed' : reasonOf(status)}`;
  const body = `<html>\r\n<head><title>${title}</title></head>\r\n<body>\r\n<center><h1>${title}</h1></center>\r\n<hr><center>nginx/${version}</center>\r\n</body>\r\n</html>\r\n`;
  return {
    status,
    headers: [
      ...common(version, at, 'text/html'),
      ['Content-Length', String(body.length)],
      ['Connection', close ? 'close' : 'keep-alive'],
    ],
    body,
    close,
  };
}

function candidates(path: string, location: Location | undefined, files: ReadableFiles): string[] {
  const base = documentPath(path, location);
  if (!path.endsWith('/')) return files.kind(base) === 'file' ? [base] : [];
  return (location?.index ?? ['index.html', 'index.htm']).map((name) => `${base.replace(/\/$/, '')}/${name}`);
}

function documentPath(path: string, location: Location | undefined): string {
  if (location?.alias !== undefined)
    return location.alias.replace(/\/$/, '') + '/' + path.slice(location.match.length).replace(/^\//, '');
  return (location?.root ?? '/usr/share/nginx/html').replace(/\/$/, '') + path;
}

/** Without `.` and `..`; undefined when it would leave the root. */
function normal(path: string): string | undefined {
  if (!path.startsWith('/')) return undefined;
  const out: string[] = [];
  for (const part of path.split('/').slice(1)) {
    if (part === '..') {
      if (out.pop() === undefined) return undefined;
    } else if (part !== '.' && !(part === '' && out.at(-1) === '')) out.push(part);
  }
  return `/${out.join('/')}`;
}

/** Exact match first, then the longest prefix (ngx_http_core_module, `location`). */
function chooseLocation(locations: readonly Location[], path: string): Location | undefined {
  const exact = locations.find((location) => location.exact && location.match === path);
  if (exact !== undefined) return exact;
  let best: Location | undefined;
  for (const location of locations)
    if (
      !location.exact &&
      path.startsWith(location.match) &&
      location.match.length > (best?.match.length ?? -1)
    )
      best = location;
  return best;
}

function contentType(file: string): string {
  const extension = /\.([a-z0-9]+)$/.exec(file)?.[1] ?? '';
  const types: Readonly<Record<string, string>> = {
    html: 'text/html',
    htm: 'text/html',
    css: 'text/css',
    js: 'application/javascript',
    json: 'application/json',
    txt: 'text/plain',
    xml: 'text/xml',
    svg: 'image/svg+xml',
  };
  return types[extension] ?? 'application/octet-stream';
}
