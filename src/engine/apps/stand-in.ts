import { goServer } from './go-server.ts';
import { httpDate } from './date.ts';
import { encode, reasonOf } from './http.ts';
import { httpListener } from './server.ts';
import type { Listener, Program, ProgramContext } from './server.ts';

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
