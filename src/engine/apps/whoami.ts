import { goDate, httpDate } from './date.ts';
import { goServer } from './go-server.ts';
import { canonicalHeader, headerOf, pathOf } from './http.ts';
import type { HttpRequest, HttpResponse } from './http.ts';
import { flag, httpListener } from './server.ts';
import type { Connection, Program, ProgramContext } from './server.ts';

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
