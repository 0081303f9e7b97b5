import { formatIp } from '../../net/address.ts';
import { ERRNO_TEXT } from '../../net/errno.ts';
import { portByService } from '../../net/services.ts';
import { tcpConnect } from '../../net/tcp-client.ts';
import { resolveHost } from '../resolve.ts';
import type { Tool } from '../tool.ts';
import { converse } from './nc.ts';

/** Netkit's telnet, as one uses it to see whether a port answers: lines go as they are, without negotiation. */
export const telnet: Tool = function* (ctx, args) {
  const [host, service = '23'] = args.filter((arg) => !arg.startsWith('-'));
  if (host === undefined) {
    ctx.err('telnet: no interactive prompt here: give a host and a port\n');
    return 1;
  }
  const port = /^\d{1,5}$/.test(service) ? Number(service) : portByService(service, 'tcp');
  if (port === undefined || port < 1 || port > 65_535) {
    ctx.err(`telnet: could not resolve ${host}/${service}: Servname not supported for ai_socktype\n`);
    return 1;
  }
  const found = yield* resolveHost({ ...ctx, name: 'telnet' }, host);
  if (found.kind !== 'found') {
    const why = found.kind === 'again' ? 'Temporary failure in name resolution' : 'Name or service not known';
    ctx.err(`telnet: could not resolve ${host}/${service}: ${why}\n`);
    return 1;
  }
  for (const [i, ip] of found.ips.entries()) {
    ctx.out(`Trying ${formatIp(ip)}...\n`);
    const result = yield* tcpConnect(ctx.netns, { dst: ip, dport: port, process: { name: 'telnet' } });
    if (result.kind === 'connected') {
      ctx.out(`Connected to ${host}.\nEscape character is '^]'.\n`);
      try {
        yield* converse(ctx, result.socket, Number.MAX_SAFE_INTEGER, 'stdin', 'close');
      } finally {
        result.socket.close();
      }
      ctx.err('Connection closed by foreign host.\n');
      return 1;
    }
    const why = result.kind === 'timeout' ? ERRNO_TEXT.ETIMEDOUT : ERRNO_TEXT[result.errno];
    if (i < found.ips.length - 1) ctx.err(`telnet: connect to address ${formatIp(ip)}: ${why}\n`);
    else ctx.err(`telnet: Unable to connect to remote host: ${why}\n`);
  }
  return 1;
};
