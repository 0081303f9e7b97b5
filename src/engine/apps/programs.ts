import { goDate, httpDate } from './date.ts';
import { encode, headerOf, pathOf, queryOf, reasonOf, text } from './http.ts';
import type { HttpRequest, HttpResponse } from './http.ts';
import { flag, httpListener, parseListen } from './server.ts';
import type { Connection, ConnectionHandler, Listener, Program, ProgramContext } from './server.ts';

/** `hashicorp/http-echo`: `-text`, `-listen`, `-status-code`. */
export function httpEcho(context: ProgramContext): Program {
  const args = context.argv.slice(1);
  const body = flag(args, 'text') ?? context.env['ECHO_TEXT'];
  if (body === undefined || body === '') return { kind: 'exit', code: 127, lines: ['Missing -text option!'] };
  const listen = flag(args, 'listen') ?? ':5678';
  const where = parseListen(listen);
  if (where === undefined)
    return {
      kind: 'exit',
      code: 1,
      lines: [`[ERR] Error starting server: listen tcp: address ${listen}: missing port in address`],
    };
  const status = Number(flag(args, 'status-code') ?? 200);
  const service = httpListener({
    ...where,
    handle: () => ({
      status: Number.isInteger(status) ? status : 200,
      headers: [
        ['X-App-Name', 'http-echo'],
        ['X-App-Version', '1.0.0'],
        ['Date', httpDate(context.now())],
        ['Content-Type', 'text/plain; charset=utf-8'],
      ],
      body: `${body}\n`,
    }),
    log: (request, response, length, peer) =>
      context.log(
        `${goDate(context.now())} ${headerOf(request, 'host') ?? ''} ${peer.ip}:${peer.port} "${request.method} ${request.target} ${request.version}" ${response.status} ${length} "${headerOf(request, 'user-agent') ?? ''}" 20.1µs`,
      ),
  });
  return {
    kind: 'server',
    process: 'http-echo',
    listeners: [service],
    greeting: [`${goDate(context.now())} [INFO] server is listening on ${listen}`],
    bindError: () =>
      `${goDate(context.now())} [ERR] Error starting server: listen tcp ${listen}: bind: address already in use`,
    bindExit: 1,
    onTerm: { kind: 'exit', code: 0 },
  };
}

/** `httpd`, the Apache of Docker Hub, with its one page. */
export function httpd(context: ProgramContext): Program {
  const root = '/usr/local/apache2/htdocs';
  const handle = (request: HttpRequest): HttpResponse => {
    const path = pathOf(request);
    const file = `${root}${path.endsWith('/') ? `${path}index.html` : path}`;
    const found = path.includes('..') ? undefined : context.files.read(file);
    const head: (readonly [string, string])[] = [
      ['Date', httpDate(context.now())],
      ['Server', 'Apache/2.4.66 (Unix)'],
    ];
    if (found === undefined || !found.ok)
      return {
        status: 404,
        headers: [...head, ['Content-Type', 'text/html; charset=iso-8859-1']],
        body: '<!DOCTYPE HTML PUBLIC "-//IETF//DTD HTML 2.0//EN">\n<html><head>\n<title>404 Not Found</title>\n</head><body>\n<h1>Not Found</h1>\n<p>The requested URL was not found on this server.</p>\n</body></html>\n',
      };
    const body = encode(found.value);
    return {
      status: 200,
      headers: [
        ...head,
        ['Last-Modified', 'Mon, 11 Jun 2007 18:53:14 GMT'],
        ['ETag', `"${body.length.toString(16)}-432a5e4a73a80"`],
        ['Accept-Ranges', 'bytes'],
        ['Content-Length', String(body.length)],
        ['Content-Type', 'text/html'],
      ],
      body,
    };
  };
  return {
    kind: 'server',
    process: 'httpd',
    listeners: [
      httpListener({
        port: 80,
        handle,
        log: (request, response, length, peer) =>
          context.log(
            `${peer.ip} - - "${request.method} ${request.target} ${request.version}" ${response.status} ${length}`,
          ),
      }),
    ],
    greeting: ["AH00094: Command line: 'httpd -D FOREGROUND'"],
    bindError: ({ port }) =>
      `(98)Address in use: AH00072: make_sock: could not bind to address 0.0.0.0:${port}\nno listening sockets available, shutting down\nAH00015: Unable to open logs`,
    bindExit: 1,
    onTerm: { kind: 'exit', code: 0 },
  };
}

/** `traefik/whoami`: says who was called, and by whom. */
export function whoami(context: ProgramContext): Program {
  const args = context.argv.slice(1);
  const port = Number(flag(args, 'port') ?? context.env['WHOAMI_PORT_NUMBER'] ?? 80);
  const name = flag(args, 'name') ?? context.env['WHOAMI_NAME'];
  const handle = (request: HttpRequest, connection: Connection): HttpResponse => {
    const path = pathOf(request);
    if (path === '/health') return { status: 200, headers: [['Date', httpDate(context.now())]], body: '' };
    const sorted = request.headers
      .filter(([header]) => header.toLowerCase() !== 'host')
      .map(([header, value]) => `${canonicalHeader(header)}: ${value}`)
      .sort();
    const lines = [
      ...(name === undefined ? [] : [`Name: ${name}`]),
      `Hostname: ${context.hostname}`,
      'IP: 127.0.0.1',
      'IP: ::1',
      ...context.addresses().map((ip) => `IP: ${ip}`),
      `RemoteAddr: ${connection.peer.ip}:${connection.peer.port}`,
      `${request.method} ${request.target} ${request.version}`,
      `Host: ${headerOf(request, 'host') ?? ''}`,
      ...sorted,
      '',
    ];
    return {
      status: 200,
      headers: [
        ['Date', httpDate(context.now())],
        ['Content-Type', 'text/plain; charset=utf-8'],
      ],
      body: `${lines.join('\n')}\n`,
    };
  };
  return goServer(
    'whoami',
    [httpListener({ port, handle })],
    [`${goDate(context.now())} Starting up on port ${port}`],
  );
}

/** `gcr.io/google-samples/hello-app`. */
export function helloApp(context: ProgramContext): Program {
  const version = context.image.tag.startsWith('2') ? '2.0.0' : '1.0.0';
  const port = Number(context.env['PORT'] ?? 8080);
  const handle = (): HttpResponse => ({
    status: 200,
    headers: [
      ['Date', httpDate(context.now())],
      ['Content-Type', 'text/plain; charset=utf-8'],
    ],
    body: `Hello, world!\nVersion: ${version}\nHostname: ${context.hostname}\n`,
  });
  return goServer(
    'hello-app',
    [
      httpListener({
        port,
        handle,
        log: (request) => context.log(`${goDate(context.now())} Serving request: ${request.target}`),
      }),
    ],
    [`${goDate(context.now())} Server listening on port ${port}`],
  );
}

/** `kennethreitz/httpbin` in small: `/get`, `/ip`, `/headers`, `/user-agent`, `/status/N`, `/anything`. */
export function httpbin(context: ProgramContext): Program {
  const handle = (request: HttpRequest, connection: Connection): HttpResponse => {
    const path = pathOf(request);
    const headers = Object.fromEntries(
      request.headers.map(([name, value]) => [canonicalHeader(name), value]),
    );
    const url = `http://${headerOf(request, 'host') ?? ''}${request.target}`;
    const origin = connection.peer.ip;
    const args = Object.fromEntries(queryOf(request));
    const status = /^\/status\/(\d{3})$/.exec(path);
    const json = (value: unknown): HttpResponse =>
      reply(200, 'application/json', `${JSON.stringify(value, undefined, 2)}\n`);
    if (status !== null) return reply(Number(status[1]), 'text/html; charset=utf-8', '');
    if (path === '/get' || path === '/') return json({ args, headers, origin, url });
    if (path === '/ip') return json({ origin });
    if (path === '/headers') return json({ headers });
    if (path === '/user-agent') return json({ 'user-agent': headerOf(request, 'user-agent') ?? null });
    if (path === '/anything' || path === '/post')
      return json({ args, data: text(request.body), headers, method: request.method, origin, url });
    return reply(404, 'text/html', '<title>404 Not Found</title>\n<h1>Not Found</h1>\n');
  };
  const reply = (status: number, type: string, body: string): HttpResponse => ({
    status,
    headers: [
      ['Server', 'gunicorn/19.9.0'],
      ['Date', httpDate(context.now())],
      ['Connection', 'keep-alive'],
      ['Content-Type', type],
    ],
    body,
  });
  return goServer('gunicorn', [httpListener({ port: 80, handle })], [`Listening at: http://0.0.0.0:80 (1)`]);
}

/** `python -m http.server PORT`: a listing of its directory, or the files in it. */
export function pythonHttpServer(context: ProgramContext): Program | undefined {
  const args = context.argv.slice(1);
  const at = args.indexOf('-m');
  if (at < 0 || args[at + 1] !== 'http.server') return undefined;
  const rest = args.slice(at + 2);
  const bind = flag(rest, 'bind') ?? flag(rest, 'b');
  const directory = flag(rest, 'directory') ?? flag(rest, 'd') ?? '/';
  const port = Number(rest.find((arg) => /^\d+$/.test(arg)) ?? 8000);
  const handle = (request: HttpRequest): HttpResponse => {
    const path = pathOf(request);
    const head: (readonly [string, string])[] = [
      ['Server', 'SimpleHTTP/0.6 Python/3.13.7'],
      ['Date', httpDate(context.now())],
    ];
    const file = `${directory.replace(/\/$/, '')}${path}${path.endsWith('/') ? 'index.html' : ''}`;
    const found = path.includes('..') ? undefined : context.files.read(file);
    if (found?.ok === true)
      return {
        status: 200,
        headers: [...head, ['Content-Type', 'text/html']],
        body: found.value,
        close: true,
      };
    if (path !== '/')
      return {
        status: 404,
        headers: [...head, ['Connection', 'close'], ['Content-Type', 'text/html;charset=utf-8']],
        body: `<!DOCTYPE HTML>\n<html lang="en">\n    <head>\n        <meta charset="utf-8">\n        <title>Error response</title>\n    </head>\n    <body>\n        <h1>Error response</h1>\n        <p>Error code: 404</p>\n        <p>Message: File not found.</p>\n        <p>Error code explanation: 404 - Nothing matches the given URI.</p>\n    </body>\n</html>\n`,
        close: true,
      };
    return {
      status: 200,
      headers: [...head, ['Content-type', 'text/html; charset=utf-8']],
      body: `<!DOCTYPE HTML>\n<html lang="en">\n<head>\n<meta charset="utf-8">\n<title>Directory listing for /</title>\n</head>\n<body>\n<h1>Directory listing for /</h1>\n<hr>\n<ul>\n</ul>\n<hr>\n</body>\n</html>\n`,
      close: true,
    };
  };
  const listener = httpListener({
    port,
    ...(bind === undefined || bind === '0.0.0.0' ? {} : { address: bind }),
    handle,
    log: (request, response, _, peer) =>
      context.log(
        `${peer.ip} - - "${request.method} ${request.target} ${request.version}" ${response.status} -`,
      ),
  });
  return {
    kind: 'server',
    process: 'python3',
    listeners: [listener],
    bindError: () => 'OSError: [Errno 98] Address already in use',
    bindExit: 1,
    onTerm: { kind: 'ignore' },
  };
}

/** `redis-server`: strings in memory, over RESP or plain lines. */
export function redis(context: ProgramContext): Program {
  const port = Number(flag(context.argv.slice(1), 'port') ?? 6379);
  const values = new Map<string, string>();
  const accept = (connection: Connection): ConnectionHandler => {
    let pending = '';
    return {
      data(bytes) {
        pending = (pending + text(bytes)).slice(-65_536);
        for (;;) {
          const command = takeRedisCommand(pending);
          if (command === undefined) return;
          pending = pending.slice(command.length);
          if (command.words.length === 0) continue;
          connection.write(encode(redisReply(command.words, values)));
          if (command.words[0]?.toUpperCase() === 'QUIT') connection.close();
        }
      },
      end: () => connection.close(),
    };
  };
  return {
    kind: 'server',
    process: 'redis-server',
    listeners: [{ protocol: 'TCP', port, accept }],
    greeting: ['1:M * Server initialized', '1:M * Ready to accept connections tcp'],
    bindError: () =>
      `1:M # Warning: Could not create server TCP listening socket *:${port}: bind: Address already in use\n1:M # Failed listening on port ${port} (tcp), aborting.`,
    bindExit: 1,
    onTerm: { kind: 'exit', code: 0 },
  };
}

function takeRedisCommand(
  input: string,
): { readonly words: readonly string[]; readonly length: number } | undefined {
  const end = input.indexOf('\n');
  if (end < 0) return undefined;
  const line = input.slice(0, end).trim();
  if (!line.startsWith('*'))
    return { words: line.split(/\s+/).filter((word) => word !== ''), length: end + 1 };
  const count = Math.min(Number(line.slice(1)) || 0, 1000);
  const words: string[] = [];
  let at = end + 1;
  for (let i = 0; i < count; i++) {
    const headEnd = input.indexOf('\r\n', at);
    if (headEnd < 0) return undefined;
    const size = Number(input.slice(at + 1, headEnd)) || 0;
    if (input.length < headEnd + 2 + size + 2) return undefined;
    words.push(input.slice(headEnd + 2, headEnd + 2 + size));
    at = headEnd + 2 + size + 2;
  }
  return { words, length: at };
}

function redisReply(
  [command = '', key = '', value = '']: readonly string[],
  values: Map<string, string>,
): string {
  const bulk = (found: string | undefined) =>
    found === undefined ? '$-1\r\n' : `$${encode(found).length}\r\n${found}\r\n`;
  switch (command.toUpperCase()) {
    case 'PING':
      return key === '' ? '+PONG\r\n' : bulk(key);
    case 'QUIT':
      return '+OK\r\n';
    case 'ECHO':
      return bulk(key);
    case 'SET':
      if (values.size < 10_000) values.set(key, value.slice(0, 65_536));
      return '+OK\r\n';
    case 'GET':
      return bulk(values.get(key));
    case 'DEL':
      return `:${values.delete(key) ? 1 : 0}\r\n`;
    case 'INCR': {
      const next = Number(values.get(key) ?? 0) + 1;
      if (!Number.isSafeInteger(next)) return '-ERR value is not an integer or out of range\r\n';
      values.set(key, String(next));
      return `:${next}\r\n`;
    }
    default:
      return `-ERR unknown command '${command}', with args beginning with: \r\n`;
  }
}

/** `postgres`: takes connections and says that it is no database. */
export function postgres(context: ProgramContext): Program {
  const { env } = context;
  if ((env['POSTGRES_PASSWORD'] ?? '') === '' && env['POSTGRES_HOST_AUTH_METHOD'] !== 'trust')
    return {
      kind: 'exit',
      code: 1,
      lines: [
        'Error: Database is uninitialized and superuser password is not specified.',
        '       You must specify POSTGRES_PASSWORD to a non-empty value for the',
        '       superuser. For example, "-e POSTGRES_PASSWORD=password" on "docker run".',
        '',
        '       You may also use "POSTGRES_HOST_AUTH_METHOD=trust" to allow all',
        '       connections without a password. This is *not* recommended.',
        '',
        '       See PostgreSQL documentation about "trust":',
        '       https://www.postgresql.org/docs/current/auth-trust.html',
      ],
    };
  const accept = (connection: Connection): ConnectionHandler => ({
    data(bytes) {
      // An SSLRequest (protocol 1234.5679) is answered with N; after that the startup packet ends the conversation.
      const ssl = bytes.length === 8 && bytes[4] === 0x04 && bytes[5] === 0xd2;
      if (ssl) {
        connection.write(encode('N'));
        return;
      }
      const message =
        'SFATAL\0VFATAL\0C0A000\0Mthis PostgreSQL is a stand-in: it accepts connections only\0\0';
      const size = message.length + 4;
      connection.write(Uint8Array.from([0x45, 0, 0, size >> 8, size & 255, ...encode(message)]));
      connection.close();
    },
    end: () => connection.close(),
  });
  return {
    kind: 'server',
    process: 'postgres',
    listeners: [{ protocol: 'TCP', port: 5432, accept }],
    greeting: [
      'LOG:  listening on IPv4 address "0.0.0.0", port 5432',
      'LOG:  database system is ready to accept connections',
    ],
    bindError: () =>
      'LOG:  could not bind IPv4 address "0.0.0.0": Address already in use\nFATAL:  could not create any TCP/IP sockets',
    bindExit: 1,
    onTerm: { kind: 'exit', code: 0 },
  };
}

/** What an image that is not known does here: it listens on its declared ports and says what it is. */
export function standIn(context: ProgramContext): Program {
  const said = `stand-in for ${context.image.text}: what this image really answers is not simulated\n`;
  const listeners = context.ports.flatMap(({ port, protocol }): Listener[] => {
    if (protocol === 'TCP')
      return [
        httpListener({
          port,
          handle: () => ({
            status: 200,
            headers: [
              ['Server', 'podwalk-stand-in'],
              ['Date', httpDate(context.now())],
              ['Content-Type', 'text/plain; charset=utf-8'],
            ],
            body: said,
          }),
          bad: (status) => ({
            status,
            headers: [['Connection', 'close']],
            body: `${reasonOf(status)}\n`,
            close: true,
          }),
        }),
      ];
    if (protocol === 'UDP') return [{ protocol: 'UDP', port, receive: ({ reply }) => reply(encode(said)) }];
    return [];
  });
  return {
    ...goServer('stand-in', listeners, [said.trimEnd()]),
    standIn: true,
  };
}

function goServer(
  process: string,
  listeners: readonly Listener[],
  greeting: readonly string[],
): Program & { readonly kind: 'server' } {
  return {
    kind: 'server',
    process,
    listeners,
    greeting,
    bindError: ({ protocol, port, address }) =>
      `listen ${protocol.toLowerCase()} ${address ?? ''}:${port}: bind: address already in use`,
    bindExit: 1,
    onTerm: { kind: 'exit', code: 0 },
  };
}

function canonicalHeader(name: string): string {
  return name
    .split('-')
    .map((part) => part.slice(0, 1).toUpperCase() + part.slice(1).toLowerCase())
    .join('-');
}
