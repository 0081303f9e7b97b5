import { formatIp, formatMac, isIpv6 } from '../net/address.ts';
import type { Device } from '../net/device.ts';
import type { Netns } from '../net/netns.ts';
import { Veth } from '../net/veth.ts';
import type { VirtualFile } from './tool.ts';

/** What `/sys/class/net/DEV/` has, as the kernel prints it. */
const ATTRIBUTES: Readonly<Record<string, (device: Device) => string>> = {
  address: (d) => formatMac(d.mac),
  addr_len: () => '6',
  broadcast: (d) => (d.kind === 'loopback' ? '00:00:00:00:00:00' : 'ff:ff:ff:ff:ff:ff'),
  carrier: (d) => (d.carrier ? '1' : '0'),
  dev_id: () => '0x0',
  dormant: () => '0',
  flags: (d) => `0x${deviceFlags(d).toString(16)}`,
  ifalias: (d) => d.alias ?? '',
  ifindex: (d) => String(d.index),
  iflink: (d) => String((d instanceof Veth ? d.peer?.index : undefined) ?? d.index),
  link_mode: () => '0',
  mtu: (d) => String(d.mtu),
  operstate: (d) => d.operState.toLowerCase(),
  tx_queue_len: (d) => String(d.txQueueLength),
  type: (d) => (d.kind === 'loopback' ? '772' : d.kind === 'ipip' ? '768' : '1'),
};

/** IFF_UP, IFF_BROADCAST, IFF_LOOPBACK, IFF_NOARP, IFF_PROMISC and IFF_MULTICAST (uapi/linux/if.h). */
function deviceFlags(device: Device): number {
  const { kind } = device;
  let flags = device.up ? 0x1 : 0;
  if (kind === 'loopback') flags |= 0x8;
  else if (kind !== 'ipip') flags |= 0x2 | (kind === 'dummy' ? 0 : 0x1000);
  if (device.noArp || kind === 'ipip' || kind === 'dummy') flags |= 0x80;
  return device.promisc && device.port === undefined ? flags | 0x100 : flags;
}

const STATISTICS: Readonly<Record<string, (device: Device) => number>> = {
  rx_bytes: (d) => d.rxBytes,
  rx_dropped: (d) => d.rxDropped,
  rx_errors: () => 0,
  rx_packets: (d) => d.rxPackets,
  tx_bytes: (d) => d.txBytes,
  tx_dropped: (d) => d.txDropped,
  tx_errors: () => 0,
  tx_packets: (d) => d.txPackets,
};

/** A file of `/sys` or `/proc` that shows a namespace's state. */
export function kernelFile(netns: Netns, path: string): VirtualFile | undefined {
  if (path.startsWith('/proc/sys/net/')) {
    const name = sysctlName(netns, path.slice('/proc/sys/'.length));
    if (name === undefined) return undefined;
    return {
      read: () => `${netns.sysctl.get(name) ?? ''}\n`,
      write: (text) => (netns.sysctl.set(name, text) === undefined ? undefined : 'EINVAL'),
    };
  }
  const device = /^\/sys\/class\/net\/([^/]+)\/(statistics\/)?([^/]+)$/.exec(path);
  if (device !== null) {
    const found = netns.devices.get(device[1] ?? '');
    const name = device[3] ?? '';
    if (found === undefined) return undefined;
    if (device[2] !== undefined) {
      const count = Object.hasOwn(STATISTICS, name) ? STATISTICS[name] : undefined;
      return count && { read: () => `${count(found)}\n` };
    }
    const attribute = Object.hasOwn(ATTRIBUTES, name) ? ATTRIBUTES[name] : undefined;
    return attribute && { read: () => `${attribute(found)}\n` };
  }
  if (path === '/proc/net/arp') return { read: () => arpTable(netns) };
  if (path === '/proc/net/dev') return { read: () => deviceTable(netns) };
  return undefined;
}

/** Names directly under a directory of `/sys` or `/proc`. */
export function kernelNames(netns: Netns, path: string): string[] {
  switch (path) {
    case '/sys':
      return ['class'];
    case '/sys/class':
      return ['net'];
    case '/sys/class/net':
      return [...netns.devices.keys()];
    case '/proc':
      return ['net', 'sys'];
    case '/proc/net':
      return ['arp', 'dev'];
  }
  const device = /^\/sys\/class\/net\/([^/]+)(\/statistics)?$/.exec(path);
  if (device !== null) {
    if (!netns.devices.has(device[1] ?? '')) return [];
    return device[2] === undefined ? [...Object.keys(ATTRIBUTES), 'statistics'] : Object.keys(STATISTICS);
  }
  if (!path.startsWith('/proc/sys')) return [];
  const names = new Set<string>();
  const base = path === '/proc/sys' ? '' : `${path.slice('/proc/sys/'.length)}/`;
  for (const { name } of netns.sysctl.list()) {
    const file = name.replace(
      /^(net\.ipv[46]\.(?:conf|neigh))\.(.+)\.(\w+)$/,
      (_, head: string, dev: string, key: string) => `${head.replaceAll('.', '/')}/${dev}/${key}`,
    );
    const whole = file === name ? name.replaceAll('.', '/') : file;
    if (whole.startsWith(base)) names.add(whole.slice(base.length).split('/')[0] ?? '');
  }
  return [...names];
}

/** `net/ipv4/conf/flannel.1/rp_filter` to its dotted name. */
function sysctlName(netns: Netns, path: string): string | undefined {
  const parts = path.split('/');
  if (parts.some((part) => part === '')) return undefined;
  const name = parts.join('.');
  return netns.sysctl.get(name) === undefined ? undefined : name;
}

function arpTable(netns: Netns): string {
  let text = 'IP address       HW type     Flags       HW address            Mask     Device\n';
  for (const entry of netns.neighbours.list(4)) {
    if (isIpv6(entry.ip)) continue;
    const flags = entry.state === 'PERMANENT' ? '0x6' : entry.valid ? '0x2' : '0x0';
    text += `${formatIp(entry.ip).padEnd(16)} 0x1         ${flags.padEnd(11)} ${formatMac(entry.mac)}     *        ${entry.dev.name}\n`;
  }
  return text;
}

function deviceTable(netns: Netns): string {
  let text =
    'Inter-|   Receive                                                |  Transmit\n face |bytes    packets errs drop fifo frame compressed multicast|bytes    packets errs drop fifo colls carrier compressed\n';
  const pad = (n: number, width: number): string => String(n).padStart(width);
  for (const d of netns.devices.values())
    text += `${d.name.padStart(6)}: ${pad(d.rxBytes, 7)} ${pad(d.rxPackets, 7)}    0 ${pad(d.rxDropped, 4)}    0     0          0         0 ${pad(d.txBytes, 8)} ${pad(d.txPackets, 7)}    0 ${pad(d.txDropped, 4)}    0     0       0          0\n`;
  return text;
}
