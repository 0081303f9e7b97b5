import { civilTime, goDate, httpDate } from './date.ts';
import { encode, pathOf, queryOf, headerOf, text } from './http.ts';
import type { HttpResponse } from './http.ts';
import { flag, httpListener } from './server.ts';
import type { Datagram, HttpHandler, Listener, Program, ProgramContext } from './server.ts';

/** test/images/agnhost of Kubernetes: `netexec`, `serve-hostname`, `test-webserver`, `pause`. */
export function agnhost(context: ProgramContext): Program {
  const [, command = 'pause', ...args] = context.argv;
  switch (command) {
    case 'netexec':
      return netexec(context, args);
    case 'serve-hostname':
      return serveHostname(context, args);
    case 'test-webserver':
      return server([web(Number(flag(args, 'port') ?? 80), () => plain('<pre></pre>\n', context))], []);
    case 'pause':
      return server([], ['Paused']);
    default:
      return {
        kind: 'exit',
        code: 1,
        lines: [`Error: unknown command "${command}" for "app"`, "Run 'app --help' for usage."],
      };
  }
}

function server(listeners: readonly Listener[], greeting: readonly string[]): Program {
  return {
    kind: 'server',
    process: 'agnhost',
    listeners,
    greeting,
    bindError: ({ protocol, port }) =>
      `listen ${protocol.toLowerCase()} :${port}: bind: address already in use`,
    bindExit: 1,
    onTerm: { kind: 'exit', code: 143 },
  };
}

function web(port: number, handle: HttpHandler): Listener {
  return httpListener({
    port,
    handle,
    bad: (status) => ({
      status,
      headers: [
        ['Content-Type', 'text/plain; charset=utf-8'],
        ['Connection', 'close'],
      ],
      body: '400 Bad Request',
      close: true,
    }),
  });
}

function plain(body: string, { now }: ProgramContext, status = 200): HttpResponse {
  return {
    status,
    headers: [
      ['Date', httpDate(now())],
      ['Content-Type', 'text/plain; charset=utf-8'],
    ],
    body,
  };
}

function netexec(context: ProgramContext, args: readonly string[]): Program {
  const http = Number(flag(args, 'http-port') ?? 8080);
  const udp = Number(flag(args, 'udp-port') ?? 8081);
  const { hostname } = context;
  const handle: HttpHandler = (request, connection) => {
    const query = queryOf(request);
    const path = pathOf(request).toLowerCase();
    switch (path) {
      case '/':
        return plain(`NOW: ${goTime(context.now())}`, context);
      case '/clientip':
        return plain(`${connection.peer.ip}:${connection.peer.port}`, context);
      case '/hostname':
        return plain(hostname, context);
      case '/echo': {
        const code = Number(query.get('code') ?? 200);
        return plain(
          query.get('msg') ?? '',
          context,
          Number.isInteger(code) && code >= 200 && code < 600 ? code : 200,
        );
      }
      case '/header':
        return plain(headerOf(request, query.get('key') ?? '') ?? '', context);
      case '/healthz':
      case '/readyz':
        return plain('', context);
      case '/upload':
        return plain(JSON.stringify({ output: `received ${request.bodyLength} bytes` }), context);
      default:
        return plain('404 page not found\n', context, 404);
    }
  };
  const receive = ({ bytes, peer, reply }: Datagram): void => {
    const message = text(bytes).trim();
    const command = message.toLowerCase();
    if (command === 'hostname') reply(encode(hostname));
    else if (command.startsWith('echo ')) reply(encode(message.slice(5)));
    else if (command === 'clientip') reply(encode(`${peer.ip}:${peer.port}`));
    else if (command.length > 0)
      context.log(`Unknown udp command received. Command: '${message.slice(0, 200)}'`);
  };
  const listeners: Listener[] = [];
  if (Number.isInteger(http) && http >= 0 && http < 65536) listeners.push(web(http, handle));
  if (Number.isInteger(udp) && udp > 0 && udp < 65536)
    listeners.push({ protocol: 'UDP', port: udp, receive });
  return server(listeners, [
    `${goDate(context.now())} Started HTTP server on port ${http}`,
    ...(udp > 0 ? [`${goDate(context.now())} Started UDP server on port  ${udp}`] : []),
  ]);
}

function serveHostname(context: ProgramContext, args: readonly string[]): Program {
  const port = Number(flag(args, 'port') ?? 9376);
  const isOn = (name: string, otherwise: boolean) => {
    const value = flag(args, name);
    return value === undefined ? otherwise : value !== 'false';
  };
  const listeners: Listener[] = [];
  if (isOn('udp', false))
    listeners.push({ protocol: 'UDP', port, receive: ({ reply }) => reply(encode(context.hostname)) });
  else if (isOn('tcp', false))
    listeners.push({
      protocol: 'TCP',
      port,
      accept(connection) {
        connection.write(encode(context.hostname));
        connection.close();
        return { data: () => undefined, end: () => undefined };
      },
    });
  else listeners.push(web(port, () => plain(context.hostname, context)));
  return server(listeners, ['Serving on port ' + port + '.']);
}

/** Go's `time.Time` in `%v`, without the monotonic clock's part. */
function goTime(now: number): string {
  const { year, month, day, time } = civilTime(now);
  return `${year}-${month}-${day} ${time} +0000 UTC`;
}
