import { formatIp, formatMac, isIpv6 } from '../../net/address.ts';
import { sleep } from '../../net/task.ts';
import { options } from '../text.ts';
import { resolveHost } from '../resolve.ts';
import type { Tool } from '../tool.ts';

const USAGE = `
Usage:
  arping [options] <destination>

Options:
  -f            quit on first reply
  -q            be quiet
  -b            keep on broadcasting, do not unicast
  -D            duplicate address detection mode
  -U            unsolicited ARP mode, update your neighbours
  -A            ARP answer mode, update your neighbours
  -V            print version and exit
  -c <count>    how many packets to send
  -w <timeout>  how long to wait for a reply
  -i <interval> set interval between packets (default: 1 second)
  -I <device>   which ethernet device to use
  -s <source>   source ip address
  <destination> dns name or ip address

For more details see arping(8).
`;

/** iputils' arping. */
export const arping: Tool = function* (ctx, args) {
  const given = options(ctx, args, { short: 'hfqbDUAVc:w:i:I:s:' });
  const name = given?.rest[0];
  if (given === undefined || name === undefined) {
    ctx.err(USAGE);
    return 2;
  }
  const { netns, world } = ctx;
  const found = yield* resolveHost({ ...ctx, name: 'arping' }, name, 4);
  const target = found.kind === 'found' ? found.ips[0] : undefined;
  if (target === undefined || isIpv6(target)) {
    ctx.err(
      `arping: ${name}: ${found.kind === 'again' ? 'Temporary failure in name resolution' : 'Name or service not known'}\n`,
    );
    return 2;
  }
  const route = netns.routes.lookup({ dst: target });
  const wanted = given.value('I');
  const device = wanted === undefined ? route.dev : netns.devices.get(wanted);
  if (device === undefined) {
    ctx.err(
      wanted === undefined
        ? 'arping: Suitable device could not be determined. Please, use option -I.\n'
        : `arping: Device ${wanted} not available.\n`,
    );
    return 2;
  }
  if (device.noArp || device.kind === 'loopback') {
    ctx.err(`arping: Interface "${device.name}" is not ARPable\n`);
    return 2;
  }
  if (!device.up) {
    ctx.err(`arping: Interface "${device.name}" is down\n`);
    return 2;
  }
  const detection = given.has('D');
  const gratuitous = given.has('U') || given.has('A');
  const src = detection ? 0 : gratuitous ? target : netns.selectAddress(device, target, 'link');
  const count = Math.max(1, Number(given.value('c') ?? Infinity) || 1);
  const deadline = given.has('w') ? world.now + (Number(given.value('w')) || 0) * 1e6 : Infinity;
  const interval = Math.max(0.01, Number(given.value('i') ?? 1) || 1) * 1e6;
  let sentAt = world.now;
  let sent = 0;
  let received = 0;
  let stopped = false;
  let wake: (() => void) | undefined;
  const quiet = given.has('q');
  if (!quiet) ctx.out(`ARPING ${formatIp(target)} from ${formatIp(src)} ${device.name}\n`);
  const close = netns.listenArp((dev, arp) => {
    if (dev !== device || arp.senderIp !== target || stopped || (gratuitous && arp.op !== 'reply')) return;
    received++;
    if (!quiet)
      ctx.out(
        `Unicast ${arp.op} from ${formatIp(arp.senderIp)} [${formatMac(arp.senderMac).toUpperCase()}]  ${((world.now - sentAt) / 1000).toFixed(3)}ms\n`,
      );
    if (given.has('f') || detection || received >= count) {
      stopped = true;
      wake?.();
    }
  });
  ctx.signals.handler = (signal) => {
    if (signal !== 'INT') return false;
    stopped = true;
    wake?.();
    return true;
  };
  try {
    while (!stopped && sent < count && world.now < deadline && ctx.session.limit === undefined) {
      sentAt = world.now;
      sent++;
      world.arp.request(device, src, target);
      const until = Math.min(sentAt + interval, deadline);
      yield (resume) => {
        const timer = world.schedule(until - world.now, resume);
        wake = resume;
        return () => timer.cancel();
      };
      if (!stopped && world.now < until) yield* sleep(world, until - world.now);
    }
  } finally {
    close();
    ctx.signals.handler = undefined;
  }
  if (!quiet) ctx.out(`Sent ${sent} probes (${sent} broadcast(s))\nReceived ${received} response(s)\n`);
  return detection ? (received > 0 ? 1 : 0) : gratuitous || received > 0 ? 0 : 1;
};
