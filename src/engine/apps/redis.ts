import { encode, text } from './http.ts';
import { eachFamily, flag } from './server.ts';
import type { Connection, ConnectionHandler, Program, ProgramContext } from './server.ts';

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
    listeners: eachFamily({ protocol: 'TCP', port, accept }, context),
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
