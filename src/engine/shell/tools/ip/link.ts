import { formatMac, parseIp, parseMac } from '../../../net/address.ts';
import type { Device } from '../../../net/device.ts';
import { createBridge, createDummy, createIpip, createVeth, createVxlan } from '../../../net/link.ts';
import type { LinkChanges } from '../../../net/netns.ts';
import { Veth } from '../../../net/veth.ts';
import { describeKind } from './link-details.ts';
import { answer, garbage, Refusal, type Words } from './words.ts';

/** `eth0@if7`, as the other end of a pair is in another namespace; `veth0@veth1` when it is in this one. */
export function linkName(device: Device): string {
  if (device.kind === 'ipip') return `${device.name}@NONE`;
  const peer = device instanceof Veth ? device.peer : undefined;
  if (peer === undefined) return device.name;
  return peer.netns === device.netns ? `${device.name}@${peer.name}` : `${device.name}@if${peer.index}`;
}

/** Flags in the order of iproute2's print_link_flags. */
export function linkFlags(device: Device): string {
  const flags: string[] = [];
  const loopback = device.kind === 'loopback';
  if (device.up && !device.carrier) flags.push('NO-CARRIER');
  if (loopback) flags.push('LOOPBACK');
  else if (device.kind === 'ipip') flags.push('NOARP');
  else
    flags.push(
      'BROADCAST',
      ...(device.kind === 'dummy' ? ['NOARP'] : ['MULTICAST', ...(device.noArp ? ['NOARP'] : [])]),
    );
  // What a bridge does to its ports is not a flag (dev->gflags).
  if (device.promisc && device.port === undefined) flags.push('PROMISC');
  if (device.up) flags.push('UP');
  if (device.up && device.carrier) flags.push('LOWER_UP');
  const peer = device instanceof Veth ? device.peer : undefined;
  if (peer !== undefined && peer.netns === device.netns && !peer.up) flags.push('M-DOWN');
  return `<${flags.join(',')}>`;
}

/** The first line, without its newline. `mode` is only `ip link`'s. */
function headLine(device: Device, list: 'link' | 'address' | 'inet6'): string {
  const flags = linkFlags(device);
  if (list === 'inet6')
    return `${device.index}: ${device.name}: ${flags} mtu ${device.mtu} state ${device.operState} qlen ${device.txQueueLength}`;
  const master = device.master === undefined ? '' : ` master ${device.master.name}`;
  const qdisc = device.up || device.addresses.length > 0 || device.txPackets > 0 ? 'noqueue' : 'noop';
  return `${device.index}: ${linkName(device)}: ${flags} mtu ${device.mtu} qdisc ${qdisc}${master} state ${device.operState}${list === 'link' ? ' mode DEFAULT' : ''} group default qlen ${device.txQueueLength}`;
}

/** A link as `ip link` and, before its addresses, `ip addr` show it; with its newline. */
export function printLink(words: Words, device: Device, list: 'link' | 'address' | 'inet6'): string {
  const newline = words.options.oneline ? '\\' : '\n';
  if (list === 'inet6') return `${headLine(device, list)}${newline}`;
  const type = device.kind === 'loopback' ? 'loopback' : device.kind === 'ipip' ? 'ipip' : 'ether';
  const mac = device.kind === 'ipip' ? '0.0.0.0' : formatMac(device.mac);
  const broadcast =
    device.kind === 'ipip'
      ? '0.0.0.0'
      : device.kind === 'loopback'
        ? '00:00:00:00:00:00'
        : 'ff:ff:ff:ff:ff:ff';
  let text = `${headLine(device, list)}${newline}    link/${type} ${mac} brd ${broadcast}${peerNetns(device)}`;
  if (words.options.details) text += ` ${describeKind(device, newline)}`;
  if (device.alias !== undefined) text += `${newline}    alias ${device.alias}`;
  text += '\n';
  return words.options.statistics > 0 ? text + printStatistics(device) : text;
}

/** Namespaces are numbered in the order in which this one's devices lead to them. */
function peerNetns(device: Device): string {
  const peers = device.netns
    .links()
    .flatMap((link) =>
      link instanceof Veth && link.peer !== undefined && link.peer.netns !== link.netns
        ? [link.peer.netns]
        : [],
    );
  const own = device instanceof Veth ? device.peer?.netns : undefined;
  const at = own === undefined ? -1 : [...new Set(peers)].indexOf(own);
  return at < 0 ? '' : ` link-netnsid ${at}`;
}

/** Columns as wide as their numbers, at least as their titles (ip/ipaddress.c, print_stats64). */
function printStatistics(device: Device): string {
  const block = (title: string, names: readonly string[], values: readonly number[]): string => {
    const widths = values.map((value, i) => Math.max(String(value).length, [10, 7, 6, 7, 7, 7][i] ?? 7));
    const head = names.map((name, i) => name.padStart((widths[i] ?? 0) - (i === 0 ? 3 : 0))).join(' ');
    const numbers = values.map((value, i) => String(value).padStart(widths[i] ?? 0)).join(' ');
    return `    ${title}:${head}${' '.repeat(11)}\n    ${numbers} \n`;
  };
  return (
    block(
      'RX',
      ['bytes', 'packets', 'errors', 'dropped', 'missed', 'mcast'],
      [device.rxBytes, device.rxPackets, 0, device.rxDropped, 0, 0],
    ) +
    block(
      'TX',
      ['bytes', 'packets', 'errors', 'dropped', 'carrier', 'collsns'],
      [device.txBytes, device.txPackets, 0, device.txDropped, 0, 0],
    )
  );
}

interface Selection {
  readonly device: Device | undefined;
  readonly up: boolean;
  readonly kind: string | undefined;
  readonly master: Device | undefined;
}

/** `show [dev] NAME up type KIND master NAME`, for links and addresses alike. */
export function selectLinks(words: Words): Device[] {
  let selection: Selection = { device: undefined, up: false, kind: undefined, master: undefined };
  while (words.more) {
    const word = words.value();
    if (word === 'up') selection = { ...selection, up: true };
    else if (word === 'type') selection = { ...selection, kind: words.value() };
    else if (word === 'master') selection = { ...selection, master: words.device() };
    else if (word === 'scope' || word === 'label') words.value();
    else {
      if (selection.device !== undefined) throw garbage(word);
      selection = { ...selection, device: words.shownDevice(word === 'dev' ? undefined : word) };
    }
  }
  const { device, up, kind, master } = selection;
  return words.ctx.netns
    .links()
    .filter(
      (link) =>
        (device === undefined || link === device) &&
        (!up || link.up) &&
        (kind === undefined || link.kind === kind) &&
        (master === undefined || link.master === master),
    );
}

export function ipLink(words: Words): void {
  const command = words.subcommand(
    ['add', 'delete', 'set', 'show', 'list', 'lst', 'help', 'change', 'replace'],
    'show',
  );
  switch (command) {
    case 'show':
    case 'list':
    case 'lst':
      for (const device of selectLinks(words))
        words.ctx.out(words.options.brief ? briefLink(device) : printLink(words, device, 'link'));
      return;
    case 'set':
    case 'change':
      return setLink(words);
    case 'delete': {
      const first = words.value();
      const device = words.device(first === 'dev' ? words.value() : first);
      answer(words.ctx.netns.deleteLink(device.name));
      return;
    }
    case 'add':
    case 'replace':
      return addLink(words);
    case 'help':
      words.ctx.err(USAGE);
      throw new Refusal('', 255);
    default:
      throw new Refusal(`Command "${words.previous()}" is unknown, try "ip link help".`, 255);
  }
}

const USAGE = `Usage: ip link add [link DEV] [ name ] NAME type TYPE [ ARGS ]
       ip link delete DEV
       ip link set DEV [ up | down ] [ mtu MTU ] [ address LLADDR ] [ master DEVICE ] [ nomaster ] [ name NEWNAME ] [ promisc { on | off } ]
       ip link show [ DEVICE ] [up] [master DEV] [type TYPE]
`;

function briefLink(device: Device): string {
  return `${linkName(device).padEnd(16)} ${device.operState.padEnd(14)} ${device.kind === 'ipip' ? '0.0.0.0' : formatMac(device.mac)} ${linkFlags(device)} \n`;
}

function setLink(words: Words): void {
  let device: Device | undefined;
  let changes: LinkChanges = {};
  const { netns } = words.ctx;
  let target: string | undefined;
  while (words.more) {
    const word = words.value();
    if (word === 'up' || word === 'down') changes = { ...changes, up: word === 'up' };
    else if (word === 'mtu') changes = { ...changes, mtu: words.number('mtu') };
    else if (word === 'address') {
      const text = words.value();
      const mac = parseMac(text);
      if (mac === undefined) throw new Refusal(`"${text}" is invalid lladdr.`);
      changes = { ...changes, mac };
    } else if (word === 'name') changes = { ...changes, name: words.value() };
    else if (word === 'nomaster') changes = { ...changes, master: null };
    else if (word === 'master') {
      const name = words.value();
      const master = netns.devices.get(name);
      if (master === undefined)
        throw new Refusal(`Error: argument "${name}" is wrong: Device does not exist\n`, 255);
      changes = { ...changes, master };
    } else if (word === 'promisc' || word === 'arp' || word === 'multicast' || word === 'allmulticast') {
      const text = words.value();
      if (text !== 'on' && text !== 'off')
        throw new Refusal(`Error: argument of "${word}" must be "on" or "off", not "${text}"`, 255);
      if (word === 'promisc') changes = { ...changes, promisc: text === 'on' };
      if (word === 'arp') changes = { ...changes, arp: text === 'on' };
    } else if (word === 'alias') changes = { ...changes, alias: words.value() };
    else if (word === 'txqueuelen' || word === 'qlen')
      changes = { ...changes, txQueueLength: words.number('txqueuelen') };
    else if (word === 'netns') target = words.value();
    else if (word === 'type') {
      words.value();
      setPort(words, device);
    } else {
      if (device !== undefined) throw garbage(word);
      device = words.device(word === 'dev' ? undefined : word);
    }
  }
  if (device === undefined) throw new Refusal('Not enough information: "dev" argument is required.', 255);
  if (changes.mtu !== undefined && changes.mtu < 68)
    throw new Refusal('Error: mtu less than device minimum.', 2);
  answer(netns.setLink(device.name, changes));
  if (target === undefined) return;
  const other = words.ctx.world.netns(target);
  if (other === undefined)
    throw new Refusal(`Error: argument "${target}" is wrong: Invalid "netns" value\n`, 255);
  answer(netns.moveLink(device.name, other));
}

/** `type bridge_slave hairpin on` */
function setPort(words: Words, device: Device | undefined): void {
  while (words.more) {
    const option = words.value();
    const value = words.value();
    if (device?.port !== undefined && option === 'hairpin')
      device.port.hairpin = value === 'on' || value === '1';
  }
}

function addLink(words: Words): void {
  let name: string | undefined;
  let kind: string | undefined;
  let mtu: number | undefined;
  const { netns } = words.ctx;
  let under: Device | undefined;
  while (words.more && kind === undefined) {
    const word = words.value();
    if (word === 'type') kind = words.value();
    else if (word === 'mtu') mtu = words.number('mtu');
    else if (word === 'link') under = words.device();
    else if (word === 'address') words.value();
    else name = word === 'name' || word === 'dev' ? words.value() : word;
  }
  if (kind === undefined) throw new Refusal('Not enough information: "type" argument is required', 255);
  if (name === undefined) throw new Refusal('Not enough information: "dev" argument is required', 255);
  if (name.length > 15 || name.includes('/'))
    throw new Refusal(`Error: argument "${name}" is wrong: "name" not a valid ifname\n`, 255);
  if (netns.devices.has(name)) answer('EEXIST');
  const options = new Map<string, string>();
  const flags = new Set(['nolearning', 'learning', 'external', 'udpcsum', 'noudpcsum', 'peer']);
  for (let word = words.next(); word !== undefined; word = words.next())
    options.set(word, flags.has(word) ? '' : word === 'name' ? words.value() : words.value());
  switch (kind) {
    case 'bridge':
      createBridge(netns, name);
      break;
    case 'dummy':
      createDummy(netns, name);
      break;
    case 'veth':
      createVeth(netns, name, netns, options.get('name') ?? freeName(words, 'veth'));
      break;
    case 'ipip':
      createIpip(netns, name, { local: parseIp(options.get('local') ?? '') });
      break;
    case 'vxlan': {
      const vni = Number(options.get('id') ?? options.get('vni') ?? Number.NaN);
      if (!Number.isInteger(vni)) throw new Refusal('vxlan: missing virtual network identifier', 255);
      const dev = options.get('dev') ?? under?.name;
      createVxlan(netns, name, {
        vni,
        local: parseIp(options.get('local') ?? ''),
        port: Number(options.get('dstport') ?? 8472),
        learning: !options.has('nolearning'),
        dev: dev === undefined ? undefined : words.device(dev),
      });
      break;
    }
    default:
      throw new Refusal('Error: Unknown device type.', 2);
  }
  if (mtu !== undefined) answer(netns.setLink(name, { mtu }));
}

function freeName(words: Words, stem: string): string {
  for (let i = 0; ; i++) if (!words.ctx.netns.devices.has(`${stem}${i}`)) return `${stem}${i}`;
}
