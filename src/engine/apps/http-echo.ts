import { goDate, httpDate } from './date.ts';
import { headerOf } from './http.ts';
import { flag, httpListener, parseListen } from './server.ts';
import type { Program, ProgramContext } from './server.ts';

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
