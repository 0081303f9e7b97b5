import { formatIp, formatMac, isIpv6, maskIp, parseIp, parseMac } from '../../net/address.ts';
import type { Device } from '../../net/device.ts';
import type { Neighbour } from '../../net/neighbour.ts';
import { getopt, optionErrorText } from '../getopt.ts';
import type { Tool, ToolContext } from '../tool.ts';

/** net-tools' `route -n`; changing routes is left to `ip route`. */
export const route: Tool = function* (ctx, args) {
  const change = args.find((arg) => /^(add|del|delete|flush)$/.test(arg));
  if (change !== undefined) {
    ctx.err(`route: "${change}" is not supported here; use ip route\n`);
    return 1;
  }
  ctx.out(
    'Kernel IP routing table\nDestination     Gateway         Genmask         Flags Metric Ref    Use Iface\n',
  );
  const numeric = args.includes('-n') || args.some((arg) => /^-[a-z]*n/.test(arg));
  for (const entry of ctx.netns.routes.list()) {
    const refuses = entry.type !== 'unicast';
    const flags = `${refuses ? '!' : 'U'}${entry.via === undefined ? '' : 'G'}${entry.dst.length === 32 ? 'H' : ''}`;
    const destination = entry.dst.length === 0 && !numeric ? 'default' : formatIp(entry.dst.ip);
    const gateway = entry.via === undefined ? (refuses ? '-' : '0.0.0.0') : formatIp(entry.via);
    ctx.out(
      `${destination.padEnd(15)} ${gateway.padEnd(15)} ${formatIp(maskIp(0xffffffff, entry.dst.length)).padEnd(15)} ${flags.padEnd(5)} ${String(entry.metric).padEnd(6)} 0        0 ${refuses ? '*' : (entry.dev?.name ?? '*')}\n`,
    );
  }
  return 0;
};

/** net-tools' `arp`. */
export const arp: Tool = (ctx, args) => arpTable(ctx, args, false);
export const busyboxArp: Tool = (ctx, args) => arpTable(ctx, args, true);

function* arpTable(ctx: ToolContext, args: readonly string[], busybox: boolean): ReturnType<Tool> {
  const parsed = getopt(args, { short: 'aenvi:d:s:H:A:D' });
  if (!parsed.ok) {
    ctx.err(`${optionErrorText('arp', parsed.error)}\n`);
    return 1;
  }
  const { options } = parsed;
  const device = options.value('i');
  const doomed = options.value('d');
  const { neighbours } = ctx.netns;
  if (doomed !== undefined) {
    const entry = neighbours.list(4).find((known) => known.ip === parseIp(doomed));
    if (entry === undefined) {
      ctx.err(`No ARP entry for ${doomed}\n`);
      return 255;
    }
    neighbours.delete(entry.dev, entry.ip);
    return 0;
  }
  const fixed = options.value('s');
  if (fixed !== undefined) {
    const ip = parseIp(fixed);
    const mac = parseMac(options.rest[0] ?? '');
    const dev = ip === undefined ? undefined : ctx.netns.routes.lookup({ dst: ip }).dev;
    if (ip === undefined || mac === undefined || dev === undefined) {
      ctx.err(mac === undefined ? 'arp: invalid hardware address\n' : 'SIOCSARP: Network is unreachable\n');
      return 255;
    }
    neighbours.replace(dev, ip, mac, 'PERMANENT');
    return 0;
  }
  const wanted = options.rest[0] === undefined ? undefined : parseIp(options.rest[0]);
  const entries = neighbours
    .list(4)
    .filter(
      (entry) =>
        (device === undefined || entry.dev.name === device) && (wanted === undefined || entry.ip === wanted),
    );
  if (busybox || options.has('a')) {
    const gap = busybox ? '  ' : ' ';
    for (const entry of entries)
      ctx.out(
        `? (${formatIp(entry.ip)}) at ${entry.valid ? `${formatMac(entry.mac)} [ether]${entry.state === 'PERMANENT' ? ' PERM' : ''}` : '<incomplete>'}${gap}on ${entry.dev.name}\n`,
      );
    return 0;
  }
  if (entries.length > 0)
    ctx.out('Address                  HWtype  HWaddress           Flags Mask            Iface\n');
  for (const entry of entries)
    ctx.out(`${formatIp(entry.ip).padEnd(24)} ${columns(entry)} ${entry.dev.name}\n`);
  return 0;
}

function columns(entry: Neighbour): string {
  if (!entry.valid) return '        (incomplete)                             ';
  return `ether   ${formatMac(entry.mac)}   ${(entry.state === 'PERMANENT' ? 'CM' : 'C').padEnd(21)}`;
}

/** net-tools' `ifconfig`, for looking and for up and down. */
export const ifconfig: Tool = (ctx, args) => interfaces(ctx, args, describe);
export const busyboxIfconfig: Tool = (ctx, args) => interfaces(ctx, args, describeBusybox);

function* interfaces(
  ctx: ToolContext,
  args: readonly string[],
  text: (device: Device) => string,
): ReturnType<Tool> {
  const all = args[0] === '-a';
  const name = all ? args[1] : args[0];
  if (name === undefined) {
    for (const device of ctx.netns.links()) if (all || device.up) ctx.out(text(device));
    return 0;
  }
  const device = ctx.netns.devices.get(name);
  if (device === undefined) {
    ctx.err(`${name}: error fetching interface information: Device not found\n`);
    return 1;
  }
  const [action, value] = args.slice(all ? 2 : 1);
  if (action === undefined) ctx.out(text(device));
  else if (action === 'up' || action === 'down') ctx.netns.setLink(name, { up: action === 'up' });
  else if (
    action === 'mtu' &&
    value !== undefined &&
    ctx.netns.setLink(name, { mtu: Number(value) }) === undefined
  )
    return 0;
  else {
    ctx.err(`ifconfig: "${action}" is not supported here; use ip addr and ip link\n`);
    return 1;
  }
  return 0;
}

function describe(device: Device): string {
  const loopback = device.kind === 'loopback';
  const running = device.up && device.carrier;
  const flags: [string, number][] = [
    ['UP', device.up ? 1 : 0],
    ['BROADCAST', loopback ? 0 : 2],
    ['LOOPBACK', loopback ? 8 : 0],
    ['RUNNING', running ? 64 : 0],
    ['NOARP', device.noArp && !loopback ? 128 : 0],
    ['MULTICAST', loopback || device.kind === 'ipip' ? 0 : 4096],
  ];
  const set = flags.filter(([, bit]) => bit > 0);
  let text = `${device.name}: flags=${set.reduce((sum, [, bit]) => sum + bit, 0)}<${set.map(([name]) => name).join(',')}>  mtu ${device.mtu}\n`;
  for (const { ip, length, broadcast, scope } of device.addresses) {
    if (isIpv6(ip))
      text += `        inet6 ${formatIp(ip)}  prefixlen ${length}  scopeid ${{ global: '0x0<global>', host: '0x10<host>', link: '0x20<link>', site: '0x40<site>', nowhere: '0x0' }[scope]}\n`;
    else
      text += `        inet ${formatIp(ip)}  netmask ${formatIp(maskIp(0xffffffff, length))}${loopback ? '' : `  broadcast ${formatIp(broadcast ?? 0)}`}\n`;
  }
  text += loopback
    ? `        loop  txqueuelen ${device.txQueueLength}  (Local Loopback)\n`
    : `        ether ${formatMac(device.mac)}  txqueuelen ${device.txQueueLength}  (Ethernet)\n`;
  return `${text}        RX packets ${device.rxPackets}  bytes ${device.rxBytes} (${human(device.rxBytes)})\n        RX errors 0  dropped ${device.rxDropped}  overruns 0  frame 0\n        TX packets ${device.txPackets}  bytes ${device.txBytes} (${human(device.txBytes)})\n        TX errors 0  dropped ${device.txDropped} overruns 0  carrier 0  collisions 0\n\n`;
}

function describeBusybox(device: Device): string {
  const loopback = device.kind === 'loopback';
  let text = `${device.name.padEnd(9)} Link encap:${loopback ? 'Local Loopback  ' : `Ethernet  HWaddr ${formatMac(device.mac).toUpperCase()}  `}\n`;
  for (const { ip, length, broadcast, scope } of device.addresses) {
    if (isIpv6(ip))
      text += `          inet6 addr: ${formatIp(ip)}/${length} Scope:${scope === 'global' ? 'Global' : scope === 'host' ? 'Host' : 'Link'}\n`;
    else
      text += `          inet addr:${formatIp(ip)}  ${loopback ? '' : `Bcast:${formatIp(broadcast ?? 0)}  `}Mask:${formatIp(maskIp(0xffffffff, length))}\n`;
  }
  const flags = [
    device.up ? 'UP ' : '',
    loopback ? 'LOOPBACK ' : 'BROADCAST ',
    device.up && device.carrier ? 'RUNNING ' : '',
    loopback ? '' : 'MULTICAST ',
  ].join('');
  return `${text}          ${flags} MTU:${device.mtu}  Metric:1\n          RX packets:${device.rxPackets} errors:0 dropped:${device.rxDropped} overruns:0 frame:0\n          TX packets:${device.txPackets} errors:0 dropped:${device.txDropped} overruns:0 carrier:0\n          collisions:0 txqueuelen:${device.txQueueLength} \n          RX bytes:${device.rxBytes} (${human(device.rxBytes)})  TX bytes:${device.txBytes} (${human(device.txBytes)})\n\n`;
}

function human(bytes: number): string {
  if (bytes < 1024) return `${bytes.toFixed(1)} B`;
  return bytes < 1024 * 1024 ? `${(bytes / 1024).toFixed(1)} KiB` : `${(bytes / 1024 / 1024).toFixed(1)} MiB`;
}
