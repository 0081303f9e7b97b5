import { encode } from './http.ts';
import { eachFamily, hasIpv6 } from './server.ts';
import type { Connection, ConnectionHandler, Program, ProgramContext } from './server.ts';

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
    listeners: eachFamily({ protocol: 'TCP', port: 5432, accept }, context),
    greeting: [
      'LOG:  listening on IPv4 address "0.0.0.0", port 5432',
      ...(hasIpv6(context) ? ['LOG:  listening on IPv6 address "::", port 5432'] : []),
      'LOG:  database system is ready to accept connections',
    ],
    bindError: () =>
      'LOG:  could not bind IPv4 address "0.0.0.0": Address already in use\nFATAL:  could not create any TCP/IP sockets',
    bindExit: 1,
    onTerm: { kind: 'exit', code: 0 },
  };
}
