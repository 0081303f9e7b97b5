import { goDate, httpDate } from './date.ts';
import { goServer } from './go-server.ts';
import type { HttpResponse } from './http.ts';
import { httpListener } from './server.ts';
import type { Program, ProgramContext } from './server.ts';

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
